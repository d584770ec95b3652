import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Support
import Testing
import TestNetworks
import TestSupport

/// UNIDIRECTIONAL_SEQUENCE_LSTM: what is refused, and what an image says of it.
///
/// TensorFlow Lite Micro's bits are held by `TFLiteMicroTests` and `TFLiteOperatorTests`.
@Suite struct TFLiteLSTMTests {
  private static func model(_ type: TFLiteElementType = .int8) -> TFLiteModel {
    var models = OperatorModels(random: SeededGenerator(seed: 71))
    return models.lstm(type, round: 0)
  }

  private static func refusal(_ change: (inout TFLiteModel) -> Void) -> NotConvertible? {
    var changed = model()
    change(&changed)
    do throws(NotConvertible) {
      _ = try QuantizedNetwork(importing: changed)
      return nil
    } catch {
      return error
    }
  }

  @Test func variantsAreRefusedByTheirNames() {
    let plain = Self.model()
    let reads = plain.graph.operators[0].inputs
    let (hidden, cell) = (Int(reads[18]), Int(reads[19]))
    /// Gives the operator one of its inputs again, or none, at a place.
    func reading(_ tensor: Int32, at place: Int) -> (inout TFLiteModel) -> Void {
      { $0.graph.operators[0].inputs[place] = tensor }
    }
    let refusals: [(problem: String, change: (inout TFLiteModel) -> Void)] = [
      ("has peepholes", reading(reads[12], at: 9)), ("has peepholes", reading(reads[12], at: 11)),
      ("has a projection", reading(reads[5], at: 16)), ("has a projection", reading(reads[12], at: 17)),
      ("has layer normalization", reading(reads[12], at: 20)),
      ("has layer normalization", reading(reads[12], at: 23)),
      ("has no input gate", reading(-1, at: 1)), ("has no input gate", reading(-1, at: 5)),
      ("has no input gate", reading(-1, at: 12)), ("lacks its input 3", reading(-1, at: 3)),
      ("lacks its input 14", reading(-1, at: 14)), ("lacks its input 18", reading(-1, at: 18)),
      ("has 20 inputs and 1 outputs", { $0.graph.operators[0].inputs.removeLast(4) }),
      ("has the activation 1, not 4", { $0.graph.operators[0].options?.activation = .init(rawValue: 1) }),
      ("mixes int8 and int16 codes", { $0.graph.tensors[hidden].type = .int16 }),
      ("has a cell of int8 codes", { $0.graph.tensors[cell].type = .int8 }),
      ("is no power of 2", { $0.graph.tensors[cell].quantization?.scales = [0.001] }),
      ("is no power of 2 in 2^-27...2^2", { $0.graph.tensors[cell].quantization?.scales = [8] }),
      ("isn't a variable of its own", { $0.graph.tensors[hidden].isVariable = false }),
      ("isn't a variable of its own", { $0.graph.tensors[cell].isVariable = false }),
      ("or other zero points", { $0.graph.tensors[hidden].quantization?.zeroPoints[0] ^= 1 }),
      ("has a hidden state of the scale", { $0.graph.tensors[hidden].quantization?.scales[0] *= 2 }),
      ("has the int16", { $0.graph.tensors[cell].quantization?.zeroPoints = [3] }),
      (
        "has weights with 2 scales",
        {
          $0.graph.tensors[Int(reads[2])].quantization = .init(scales: [0.1, 0.2], zeroPoints: [0, 0])
        }
      ),
      (
        "has weights with 1 scales and the zero points [1]",
        {
          $0.graph.tensors[Int(reads[6])].quantization?.zeroPoints = [1]
        }
      ),
      (
        "has weights of the shape",
        {
          $0.graph.tensors[Int(reads[7])].shape.reverse()
          $0.graph.tensors[Int(reads[7])].shape.append(1)
        }
      ),
      ("has biases of int8", reading(reads[1], at: 13)),
      ("with a state of", { $0.graph.tensors[hidden].shape = [1, 1, 40] }),
      // Two operators with one state would go on from one to the other.
      (
        "isn't a variable of its own",
        { model in
          let output = Int32(model.graph.tensors.count)
          model.graph.tensors.append(model.graph.tensors[Int(model.graph.outputs[0])])
          model.graph.operators.append(model.graph.operators[0])
          model.graph.operators[1].outputs = [output]
          model.graph.outputs.append(output)
        }
      ),
    ]
    for (problem, change) in refusals {
      let error = Self.refusal(change)
      #expect(
        error?.operatorName == "UNIDIRECTIONAL_SEQUENCE_LSTM" && error?.problem.contains(problem) == true,
        "\(problem): \(error?.problem ?? "is imported")")
    }
    #expect(Self.refusal { _ in } == nil)
  }

  @Test func aBatchIsRefusedWithItsRemedy() {
    let error = Self.refusal { model in
      for tensor in [model.graph.inputs[0], model.graph.outputs[0]] {
        model.graph.tensors[Int(tensor)].shape[0] = 2
      }
    }
    #expect(
      error?.problem.contains("goes from the shape [2, ") == true
        && error?.remedy?.contains("batch of 1") == true)
  }

  @Test func itKeepsNothingFromRunToRun() throws {
    for type in [TFLiteElementType.int8, .int16] {
      let loaded = try LoadedModel(
        image: ModelImage(QuantizedNetwork(importing: Self.model(type)), frontEnd: nil).bytes)
      #expect(!loaded.model.hasState)
    }
  }

  @Test func anImageSaysWhatItTakes() throws {
    let network = try QuantizedNetwork(importing: Self.model())
    guard case .lstm(let lstm) = network.operators[0].computation else {
      Issue.record("no LSTM")
      return
    }
    let loaded = try LoadedModel(image: ModelImage(network, frontEnd: nil).bytes)
    let (input, output) = (
      network.tensors[network.inputs[0].tensor].shape, network.tensors[network.outputs[0].tensor].shape
    )
    let weights = 4 * output[2] * (input[2] + output[2])
    #expect(lstm.inputWeights.codes.count + lstm.recurrentWeights.codes.count == weights)
    let summary = ModelSummary(loaded)
    #expect(summary.operations.operators[0].name == "UNIDIRECTIONAL_SEQUENCE_LSTM")
    #expect(summary.operations.operators[0].weightBytes == weights)
    #expect(summary.operations.operators[0].macsPerWindow == weights * output[1])
    #expect(loaded.model.buildConditions.contains("QUANTINFER_LSTM"))
    // The packed weights are those of a flash map, and of faults: two sets of blocks of four units by four inputs.
    func filled(_ count: Int) -> Int { (count + 3) / 4 * 4 }
    #expect(
      loaded.model.weightBytes(ofOperator: 0)?.count == 4 * output[2] * (filled(input[2]) + filled(output[2]))
    )
    #expect(try loaded.network().operators[0].computation == network.operators[0].computation)
  }

  @Test func damagedModelsAreRefusedOrRun() throws {
    let files = try [TFLiteElementType.int8, .int16].map { try Self.model($0).encoded() }
    let outcome = FuzzingOutcome(rounds: 500 * Fuzzing.factor, seed: 72) { random in
      var bytes = files[random.nextIndex(below: 2)]
      for _ in 0...random.nextIndex(below: 3) {
        let index = bytes.startIndex + random.nextIndex(below: bytes.count)
        bytes[index] ^= 1 << UInt8(random.nextIndex(below: 8))
      }
      let network = try QuantizedNetwork(importing: TFLiteModel(decoding: bytes, file: ""))
      return try ModelImage(network, frontEnd: nil).bytes
    }
    print("mutated LSTM models: \(outcome.refused) refused, \(outcome.ran) ran")
    #expect(outcome.refused > 20 && outcome.ran > 20)
  }

  @Test func everyNumberOfAnImageIsChecked() throws {
    let network = try QuantizedNetwork(importing: Self.model())
    let image = try ModelImage(network, frontEnd: nil).bytes
    let loaded = try LoadedModel(image: image)
    let place = loaded.model.operatorPlan(0).parameters
    typealias Field = ModelFormat.LSTM
    typealias Weights = ModelFormat.Weights
    let forgeries: [(field: Int, value: UInt32)] = [
      (Weights.weights, UInt32(image.count)), (Weights.weights, 0x8000_0000),
      (Field.recurrence + Weights.weights, 4), (Field.recurrence + Weights.weights, UInt32(image.count)),
      (Weights.biases, UInt32(image.count)), (Field.recurrence + Weights.multipliers, UInt32(image.count)),
      // A zero point of the weights, and the layout of taps.
      (40, 0x0003_0001), (Field.recurrence + 36, 0x0100_2008), (Field.table, UInt32(image.count - 100)),
      (Field.table, 2 + UInt32(image.count)), (Field.cellShift, 32), (Field.cellLimit, 32_769),
      (Field.cellLimit, 0xFFFF_FFFF), (Field.multipliers, 5), (Field.multipliers + 4, 1),
      (Field.multipliers + 8, 0x8000_0000), (Field.multipliers + 12, 1),
    ]
    for (field, value) in forgeries {
      var forged = image
      for byte in 0..<4 {
        forged[place + field + byte] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(byte)))
      }
      #expect(throws: ModelError.self, "\(field): \(value)") { _ = try LoadedModel(image: resealed(forged)) }
    }
    #expect(throws: Never.self) { _ = try LoadedModel(image: resealed(image)) }
  }
}

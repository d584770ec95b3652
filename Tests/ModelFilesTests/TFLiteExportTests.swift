import Foundation
import ModelFiles
import Networks
import QuantInfer
import Support
import Testing
import TestNetworks
import TestSupport

@Suite struct TFLiteExportTests {
  @Test func aNetworkIsRecoveredFromItsImage() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 51))
    for round in 0..<200 {
      let network = round % 2 == 0 ? networks.general() : networks.streamable(bins: 5, depth: round % 4)
      let recovered = try LoadedModel(image: ModelImage(network, frontEnd: nil).bytes).network()
      #expect(recovered.operators == network.operators, "network \(round)")
      #expect(recovered.tensors.map(\.shape) == network.tensors.map(\.shape))
      #expect(recovered.tensors.map(\.scale) == network.tensors.map(\.scale))
      #expect(recovered.tensors.map(\.zeroPoint) == network.tensors.map(\.zeroPoint))
      #expect(recovered.inputs == network.inputs && recovered.outputs == network.outputs)
    }
  }

  @Test func aMultiplierOfNoWeightIsRefused() throws {
    // The lowest bits of a multiplier are more than a single-precision scale can tell.
    let network = Self.dense(outputs: 2)
    var image = try ModelImage(network, frontEnd: nil).bytes
    #expect(try LoadedModel(image: image).network().operators == network.operators)
    let operators = word(image, at: networkField(ModelFormat.Network.operators, of: image))
    let constants = word(image, at: operators + ModelFormat.Operator.parameters)
    image[word(image, at: constants + ModelFormat.Weights.multipliers)] ^= 3
    #expect(throws: NotConvertible.self) {
      _ = try LoadedModel(image: resealed(image)).network()
    }
  }

  @Test func aLimitThatNoActivationHasIsRefused() throws {
    for (range, isWritten) in [
      (-128...127, true), (3...127, true), (3...15, true), (1...5, true), (2...127, false), (3...100, false),
    ] {
      var network = Self.dense(outputs: 2, outputScale: 0.5)
      network.tensors[1].zeroPoint = 3
      network.operators[0].activation = range
      if isWritten {
        _ = try TFLiteModel(network, description: "")
      } else {
        let error = #expect(throws: NotConvertible.self) { _ = try TFLiteModel(network, description: "") }
        #expect(error?.operatorIndex == 0)
      }
    }
  }

  @Test func aPaddingThatTheSchemaLacksBecomesAnOperator() throws {
    for (before, after, operators) in [(0, 0, 1), (1, 1, 1), (0, 2, 2), (2, 0, 2)] {
      let network = QuantizedNetwork(
        tensors: [
          .init(name: "input", shape: [1, 9, 1, 1], scale: 1, zeroPoint: 0),
          .init(name: "output", shape: [1, 7 + before + after, 1, 1], scale: 1, zeroPoint: 0),
        ],
        operators: [
          .convolution(
            from: 0, to: 1,
            window: .init(time: .init(kernel: 3, paddingBefore: before, paddingAfter: after)),
            weights: .init(codes: [1, 2, 3], biases: [0], scales: [0.01], inputScale: 1, outputScale: 1))
        ], input: 0, output: 1)
      let model = try TFLiteModel(network, description: "")
      #expect(model.graph.operators.count == operators)
    }
  }

  /// The models that TensorFlow Lite Micro's bits are held against, on the way out and in again.
  @Test func everyOperatorComesBackWithItsBits() throws {
    struct Goldens: Decodable {
      struct Case: Decodable {
        var name: String
        var model: Data
      }
      var cases: [Case]
    }
    var models = OperatorModels(random: SeededGenerator(seed: 52))
    var all = models.all()
    let file = URL(filePath: ProjectFiles.path("Tests/Oracle/tflm-models.json"))
    for golden in try JSONDecoder().decode(Goldens.self, from: Data(contentsOf: file)).cases {
      all.append((golden.name, try TFLiteModel(decoding: golden.model, file: golden.name)))
    }
    var (values, refused): (Int, [String]) = (0, [])
    var kinds: Set<String> = []
    for (name, model) in all {
      guard let imported = try? QuantizedNetwork(importing: model) else { continue }
      let network = try LoadedModel(image: ModelImage(imported, frontEnd: nil).bytes).network()
      let exported: TFLiteModel
      do {
        exported = try TFLiteModel(network, description: "")
      } catch {
        refused.append("\(name): \(error.problem)")
        continue
      }
      kinds.formUnion(exported.graph.operators.map { exported.kind(of: $0).name })
      // What was written is read again, so that the file and not the description comes back.
      let read = try TFLiteModel(decoding: exported.encoded(), file: name)
      let again = try QuantizedNetwork(importing: read)
      let runs = (0..<3).map { run in
        network.inputs.map { port in
          let tensor = network.tensors[port.tensor]
          return (0..<tensor.count).map { _ in
            run == 0
              ? tensor.type.codes.lowerBound
              : tensor.type.codes.lowerBound + models.random.nextIndex(below: tensor.type.codes.count)
          }
        }
      }
      let (one, other) = (
        try engineOutputs(network, runs: runs, hasRoom: true, instructions: .portable),
        try engineOutputs(again, runs: runs, hasRoom: true, instructions: .portable)
      )
      #expect(one == other, "\(name)")
      values += one.reduce(0) { $0 + $1.count }
    }
    print("exported and imported again: \(all.count) models, \(values) values, \(refused.count) refused")
    for reason in Set(refused.map { $0.replacing(#/ [0-9]+: /#, with: ": ") }).sorted() {
      print("  \(reason)")
    }
    #expect(values > 20_000 && kinds.count > 40)
    // What the importer folds into constants that TensorFlow Lite has no operator for is refused, with the operator's name.
    #expect(
      refused.count <= 30
        && refused.allSatisfy { $0.contains("of constants that no operator of TensorFlow Lite has") })
  }

  private static func dense(outputs: Int, outputScale: Float = 1) -> QuantizedNetwork {
    QuantizedNetwork(
      tensors: [
        .init(name: "input", shape: [1, 3], scale: 1, zeroPoint: 0),
        .init(name: "output", shape: [1, outputs], scale: outputScale, zeroPoint: 0),
      ],
      operators: [
        .fullyConnected(
          from: 0, to: 1,
          weights: .init(
            codes: [Int8](repeating: 5, count: 3 * outputs), biases: [Int64](repeating: 7, count: outputs),
            scales: [Float](repeating: 0.01, count: outputs), inputScale: 1,
            outputScale: outputScale))
      ], input: 0, output: 1)
  }
}

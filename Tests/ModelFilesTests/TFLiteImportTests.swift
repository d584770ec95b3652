import Foundation
import HostDevice
import ModelFiles
import Networks
import Support
import Testing
import TestNetworks
import TestSupport

/// What the importer makes of models, and what it refuses.
@Suite struct TFLiteImportTests {
  /// A change of a model and what the refusal says.
  private typealias Refusal = (
    location: String?, problem: String, model: TFLiteModel, change: (inout TFLiteModel) -> Void
  )

  /// A convolution of `[1, 6, 5, 2]` by `[3, 2, 2, 2]`: tensors 0 input, 1 weights, 2 biases, 3 output.
  private static func convolution(_ type: TFLiteElementType = .int8) -> TFLiteModel {
    var builder = ModelBuilder()
    let input = builder.tensor([1, 6, 5, 2], type, scale: 0.1)
    let weights = builder.constant(
      [3, 2, 2, 2], .int8, (0..<24).map { Int8($0 - 12) }, scales: [0.01, 0.02, 0.03])
    let biases =
      type == .int8
      ? builder.constant([3], .int32, [10, -20, 30] as [Int32])
      : builder.constant([3], .int64, [10, -20, 30] as [Int64])
    let output = builder.tensor([1, 5, 4, 3], type, scale: 0.2)
    let options = options(1) { ($0.padding, $0.strideWidth, $0.strideHeight) = (.valid, 1, 1) }
    builder.add(.convolution, options, [input, weights, biases], to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }

  /// An operator from `[2, 3]` to `[2, 3]` and its constants: tensors 0 input, 1 output, then the constants.
  private static func simple(
    _ kind: Int32, _ optionsKind: UInt8? = nil, type: TFLiteElementType = .int8, constants: [[Int]] = [],
    change: (inout TFLiteOptions) -> Void = { _ in }
  ) -> TFLiteModel {
    var builder = ModelBuilder()
    let input = builder.tensor([2, 3], type)
    let output = builder.tensor([2, 3], type)
    let lists = constants.map { builder.integers($0) }
    builder.add(kind, optionsKind.map { options($0, change) }, [input] + lists, to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }

  private static func refusal(_ model: TFLiteModel) -> NotConvertible? {
    do throws(NotConvertible) {
      _ = try QuantizedNetwork(importing: model)
      return nil
    } catch {
      return error
    }
  }

  private static func expectRefusals(_ refusals: [Refusal]) {
    for (location, problem, model, change) in refusals {
      var changed = model
      change(&changed)
      let error = refusal(changed)
      #expect(
        error?.location == location && error?.problem.contains(problem) == true,
        "\(problem): \(error?.location ?? "") \(error?.problem ?? "is imported")")
      if let error { #expect(saysItAll(error), "\(error)") }
    }
  }

  /// Whether a refusal is one line that names the operator, or the part of the model that isn't one, and a reason.
  private static func saysItAll(_ refusal: NotConvertible) -> Bool {
    let parts = [
      "the model", "the schema", "the operators", "the variable", "tensor ", "a tensor", "the input",
      "the output",
      "the state",
    ]
    let isPlaced = refusal.location != nil || parts.contains { refusal.problem.contains($0) }
    let words = [refusal.location, refusal.problem, refusal.remedy].compactMap { $0 }
    return isPlaced && words.allSatisfy { !$0.isEmpty && !$0.contains("\n") && !$0.hasSuffix(".") }
  }

  private static func quantization(_ scale: Float, _ zeroPoint: Int64) -> TFLiteModel.Quantization {
    .init(scales: [scale], zeroPoints: [zeroPoint])
  }

  @Test func operatorsThatAreNotThereAreRefusedByName() {
    let add = "operator 0 (ADD)"
    Self.expectRefusals([
      ("operator 0 (LSTM)", "isn't one of this program's operators", Self.simple(16), { _ in }),
      ("operator 0 (BIDIRECTIONAL_SEQUENCE_LSTM)", "isn't one of", Self.simple(52), { _ in }),
      ("operator 0 (CUMSUM)", "isn't one of", Self.simple(128), { _ in }),
      ("operator 0 (IF)", "isn't one of", Self.simple(118), { _ in }),
      ("operator 0 (operator 4000)", "isn't one of", Self.simple(4000), { _ in }),
      (
        "operator 0 (CUSTOM detect)", "isn't one of", Self.simple(32),
        { $0.operatorCodes[0].customName = "detect" }
      ),
      (
        add, "fused activation 4", Self.simple(0, 11),
        {
          $0.graph.operators[0].inputs = [0, 0]
          $0.graph.operators[0].options?.activation = .init(rawValue: 4)
        }
      ),
      (add, "another operator's options", Self.simple(0, 28), { $0.graph.operators[0].inputs = [0, 0] }),
      (add, "has 1 inputs and 1 outputs", Self.simple(0, 11), { _ in }),
      (
        "operator 0 (LOGISTIC)", "has 1 inputs and 2 outputs", Self.simple(14),
        { $0.graph.operators[0].outputs = [1, 0] }
      ),
      (
        "operator 0 (LOGISTIC)", "lacks its input 0", Self.simple(14), { $0.graph.operators[0].inputs = [-1] }
      ),
    ])
  }

  @Test func everyInputOfSeveralIsToldOf() throws {
    var builder = ModelBuilder()
    let inputs = [builder.tensor([1, 4], scale: 0.5), builder.tensor([2, 4], scale: 0.25, zeroPoint: 3)]
    let output = builder.tensor([2, 4])
    builder.add(.add, options(11), inputs, to: [output])
    let network = try QuantizedNetwork(importing: builder.finished(inputs: inputs, outputs: [output]))
    let summary = try ModelSummary(LoadedModel(image: ModelImage(network, frontEnd: nil).bytes))
    let told = [summary.input] + summary.moreInputs
    #expect(told.map(\.shape) == [[1, 4], [2, 4]])
    #expect(told.map(\.scale) == [0.5, 0.25] && told.map(\.zeroPoint) == [0, 3])
  }

  /// The list of operators in the reference is that of the importer: any other is refused as unknown, and none of these.
  @Test func theReferenceListsTheOperatorsThatAreImported() throws {
    let text = try String(contentsOfFile: ProjectFiles.path("docs/reference/Operators.md"), encoding: .utf8)
    let operators = text.split(separator: "\n").filter { $0.hasPrefix("| ") }.flatMap {
      $0.split(separator: "|").prefix(1)
    }
    let words = operators.flatMap { cell in
      cell.split { !($0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_") }
    }
    // "as Keras' LSTM layer becomes it" names a layer.
    let listed = Set(words.map(String.init)).subtracting(["LSTM"])
    for raw in Int32(0)...Int32(205) where raw != 32 {
      let name = TFLiteOperatorKind(rawValue: raw).name
      let problem = Self.refusal(Self.simple(raw))?.problem ?? ""
      let isUnknown = problem == "isn't one of this program's operators"
      #expect(isUnknown != listed.contains(name), "\(name): \(problem)")
    }
  }

  @Test func graphsWhoseValuesComeFromNowhereAreRefused() {
    let relu = Self.simple(19)
    let name = "operator 0 (RELU)"
    Self.expectRefusals([
      (nil, "version is 2", relu, { $0.version = 2 }),
      (nil, "no inputs or no outputs", relu, { $0.graph.outputs = [] }),
      (nil, "twice among", relu, { $0.graph.inputs = [0, 0] }),
      (nil, "'t1' is computed by no operator", relu, { $0.graph.operators = [] }),
      (
        nil, "computes nothing", relu,
        {
          $0.graph.operators = []
          $0.graph.outputs = [0]
        }
      ),
      (
        name, "reads tensor 0 't0', which no operator before it computes", relu,
        {
          $0.graph.inputs = [2]
          $0.graph.tensors.append($0.graph.tensors[0])
        }
      ),
      (
        name, "writes tensor 0 't0', which has its values already", relu,
        {
          $0.graph.operators[0].outputs = [0]
          $0.graph.outputs = [0]
        }
      ),
      (
        "operator 1 (RELU)", "writes tensor 1", relu,
        { $0.graph.operators.append($0.graph.operators[0]) }
      ),
      (
        name, "reads constants only", relu,
        {
          $0.buffers.append(.init([1, 2, 3, 4, 5, 6]))
          var constant = $0.graph.tensors[0]
          constant.buffer = 1
          $0.graph.tensors.append(constant)
          $0.graph.operators[0].inputs = [2]
        }
      ),
      (nil, "is a constant or variable", relu, { $0.graph.tensors[0].isVariable = true }),
      (
        name, "the variable", relu,
        {
          var variable = $0.graph.tensors[0]
          variable.isVariable = true
          $0.graph.tensors.append(variable)
          $0.graph.operators[0].inputs = [2]
        }
      ),
      (
        nil, "67,108,864 B of constants", Self.simple(19, constants: [[1, 2]]),
        {
          $0.buffers[1].bytes = [UInt8](repeating: 0, count: 1 << 22)
          let operation = $0.graph.operators[0]
          $0.graph.operators = Array(repeating: operation, count: 20)
        }
      ),
    ])
  }

  @Test func tensorsThatAreNotCodesAreRefused() {
    let relu = Self.simple(19)
    let name = "operator 0 (RELU)"
    Self.expectRefusals([
      (
        name, "the uint8 tensor 0 't0'; uint8 is for the model's inputs and outputs", relu,
        { $0.graph.tensors[0].type = .uint8 }
      ),
      (name, "'t1' is int32, not int8 or int16", relu, { $0.graph.tensors[1].type = .int32 }),
      (name, "'t0' is float32", relu, { $0.graph.tensors[0].type = .float32 }),
      (nil, "'t0' has 0 scales", relu, { $0.graph.tensors[0].quantization = nil }),
      (name, "has 2 scales", relu, { $0.graph.tensors[1].quantization?.scales = [1, 2] }),
      (name, "has the scale 0.0", relu, { $0.graph.tensors[1].quantization = Self.quantization(0, 0) }),
      (
        name, "has the scale nan", relu, { $0.graph.tensors[1].quantization = Self.quantization(.nan, 0) }
      ),
      (
        name, "has the scale inf", relu,
        { $0.graph.tensors[1].quantization = Self.quantization(.infinity, 0) }
      ),
      (name, "has the scale -1.0", relu, { $0.graph.tensors[1].quantization = Self.quantization(-1, 0) }),
      (
        name, "the zero point 128", relu, { $0.graph.tensors[1].quantization = Self.quantization(1, 128) }
      ),
      (
        name, "the zero point -9223372036854775808", relu,
        { $0.graph.tensors[1].quantization = Self.quantization(1, .min) }
      ),
      (nil, "has 7 dimensions", relu, { $0.graph.tensors[0].shape = [1, 1, 1, 1, 1, 2, 3] }),
      (nil, "has no elements", relu, { $0.graph.tensors[0].shape = [2, 0] }),
      (nil, "more than 2^28 elements", relu, { $0.graph.tensors[0].shape = [65_536, 65_536, .max] }),
      (name, "goes from the shape [2, 3] to [3, 2]", relu, { $0.graph.tensors[1].shape = [3, 2] }),
    ])
  }

  @Test func floatWithinTheModelIsRefused() {
    var builder = ModelBuilder()
    let tensors = (
      builder.float([4]), builder.tensor([4]), builder.float([4]), builder.tensor([4]), builder.float([4])
    )
    builder.add(.quantize, options(89), [tensors.0], to: [tensors.1])
    builder.add(6, options(38), [tensors.1], to: [tensors.2])
    builder.add(.quantize, options(89), [tensors.2], to: [tensors.3])
    builder.add(6, options(38), [tensors.3], to: [tensors.4])
    let model = builder.finished(inputs: [0], outputs: [4])
    Self.expectRefusals([
      (
        "operator 1 (QUANTIZE)", "quantizes float values that no operator", model,
        { $0.graph.operators.remove(at: 1) }
      ),
      (
        nil, "input tensor 2 't2' is float32, and no operator", model,
        {
          $0.graph.inputs = [0, 2]
          $0.graph.outputs = [1]
          $0.graph.operators.removeLast(3)
        }
      ),
      (
        "operator 0 (QUANTIZE)", "goes from the shape [4] to [2, 2]", model,
        { $0.graph.tensors[1].shape = [2, 2] }
      ),
    ])
  }

  @Test func convolutionsThatTFLMWouldNotRunAreRefused() {
    let model = Self.convolution()
    let name = "operator 0 (CONV_2D)"
    func constant(_ model: inout TFLiteModel, _ tensor: Int, _ bytes: [UInt8]) {
      model.buffers[Int(model.graph.tensors[tensor].buffer)].bytes = bytes
    }
    Self.expectRefusals([
      (name, "stride 0", model, { $0.graph.operators[0].options?.strideWidth = 0 }),
      (name, "dilation 0", model, { $0.graph.operators[0].options?.dilationHeight = 0 }),
      (name, "stride -2147483648", model, { $0.graph.operators[0].options?.strideHeight = .min }),
      (name, "has the padding 2", model, { $0.graph.operators[0].options?.padding = .init(rawValue: 2) }),
      (
        name, "goes from 6 to 5 cells with a kernel that reaches over 2", model,
        { $0.graph.operators[0].options?.padding = .same }
      ),
      (name, "reaches over 2147483648", model, { $0.graph.operators[0].options?.dilationHeight = .max }),
      (name, "goes from the shape [2, 6, 5, 2]", model, { $0.graph.tensors[0].shape = [2, 6, 5, 2] }),
      (name, "goes from 3 to 3 channels", model, { $0.graph.tensors[0].shape = [1, 6, 5, 3] }),
      (name, "has weights of the shape [24]", model, { $0.graph.tensors[1].shape = [24] }),
      (
        name, "has 2 weight scales for 3 channels", model,
        { $0.graph.tensors[1].quantization?.scales.removeLast() }
      ),
      (name, "one that is negative", model, { $0.graph.tensors[1].quantization?.scales[2] = -1 }),
      (
        name, "weights whose zero point isn't 0", model,
        { $0.graph.tensors[1].quantization?.zeroPoints[1] = 1 }
      ),
      (name, "has 23 B of constants, not 24", model, { constant(&$0, 1, [UInt8](repeating: 0, count: 23)) }),
      (name, "has the uint8 tensor 1", model, { $0.graph.tensors[1].type = .uint8 }),
      (name, "has weights that are computed", model, { constant(&$0, 1, []) }),
      (name, "has biases of float32", model, { $0.graph.tensors[2].type = .float32 }),
      (
        name, "has biases of int64", model,
        {
          $0.graph.tensors[2].type = .int64
          constant(&$0, 2, [UInt8](repeating: 0, count: 24))
        }
      ),
      (
        name, "has 2 biases for 3 channels", model,
        {
          $0.graph.tensors[2].shape = [2]
          constant(&$0, 2, [UInt8](repeating: 0, count: 8))
        }
      ),
      (name, "which is too large", model, { $0.graph.tensors[3].quantization = Self.quantization(1e-15, 0) }),
      (name, "mixes int8 and int16", model, { $0.graph.tensors[3].type = .int16 }),
      (
        name, "zero point 5, not 0", Self.convolution(.int16),
        { $0.graph.tensors[3].quantization = Self.quantization(0.2, 5) }
      ),
      (
        name, "activation that the output's scale", model,
        {
          $0.graph.operators[0].options?.activation = .relu6
          for tensor in [0, 3] { $0.graph.tensors[tensor].quantization = Self.quantization(1e-10, 0) }
        }
      ),
    ])
  }

  @Test func optionsThatAreNotThereAreRefused() {
    let slice = Self.simple(45, 32, constants: [[0, 0], [2, 3], [1, 1]])
    let sliceName = "operator 0 (STRIDED_SLICE)"
    Self.expectRefusals([
      (sliceName, "ellipsis", slice, { $0.graph.operators[0].options?.ellipsisMask = 1 }),
      (sliceName, "new axis", slice, { $0.graph.operators[0].options?.newAxisMask = 1 }),
      (sliceName, "offsets", slice, { $0.graph.operators[0].options?.endIsOffset = true }),
      (sliceName, "the stride 0", Self.simple(45, 32, constants: [[0, 0], [2, 3], [1, 0]]), { _ in }),
      (sliceName, "takes no element", Self.simple(45, 32, constants: [[0, 9], [2, 3], [1, 1]]), { _ in }),
      (
        sliceName, "gives the shape [2, 3], not [2, 2]",
        Self.simple(45, 32, constants: [[0, 1], [2, 3], [1, 1]]), { _ in }
      ),
      (sliceName, "has 1 ends, not 2", Self.simple(45, 32, constants: [[0, 0], [2], [1, 1]]), { _ in }),
      (
        "operator 0 (CONCATENATION)", "fused activation", Self.simple(2, 10) { $0.activation = .relu },
        { _ in }
      ),
      ("operator 0 (CONCATENATION)", "axis 2 of 2", Self.simple(2, 10) { $0.axis = 2 }, { _ in }),
      (
        "operator 0 (CONCATENATION)", "joins 4 along axis 0", Self.simple(2, 10),
        { $0.graph.operators[0].inputs = [0, 0] }
      ),
      ("operator 0 (TRANSPOSE)", "by the order [0, 0]", Self.simple(39, 26, constants: [[0, 0]]), { _ in }),
      (
        "operator 0 (TRANSPOSE)", "to [2, 3] by the order [1, 0]", Self.simple(39, 26, constants: [[1, 0]]),
        { _ in }
      ),
      ("operator 0 (PAD)", "pads the shape", Self.simple(34, 22, constants: [[-1, 1, 0, 0]]), { _ in }),
      ("operator 0 (MEAN)", "has the axis 2 of 2", Self.simple(40, 27, constants: [[2]]), { _ in }),
      ("operator 0 (MEAN)", "gives the shape", Self.simple(40, 27, constants: [[0]]), { _ in }),
      ("operator 0 (RESHAPE)", "to [4, 3]", Self.simple(22, 17), { $0.graph.tensors[1].shape = [4, 3] }),
      (
        "operator 0 (FULLY_CONNECTED)", "shuffled weights",
        Self.simple(9, 8, constants: [[1]]) { $0.weightsFormat = 1 }, { _ in }
      ),
      ("operator 0 (SOFTMAX)", "factor 0.0", Self.simple(25, 9), { _ in }),
      ("operator 0 (SOFTMAX)", "not 0.00390625 and -128", Self.simple(25, 9) { $0.beta = 1 }, { _ in }),
      ("operator 0 (LOGISTIC)", "zero point 0, not -128", Self.simple(14), { _ in }),
      ("operator 0 (TANH)", "not 2^-15", Self.simple(28, type: .int16), { _ in }),
      (
        "operator 0 (LEAKY_RELU)", "must not be negative",
        Self.simple(98, 75, type: .int16) { $0.alpha = -1 }, { _ in }
      ),
      ("operator 0 (LEAKY_RELU)", "impossible factor nan", Self.simple(98, 75) { $0.alpha = .nan }, { _ in }),
      (
        "operator 0 (SUB)", "isn't in 0...1", Self.simple(41, 28),
        {
          $0.graph.operators[0].inputs = [0, 0]
          $0.graph.tensors[1].quantization = Self.quantization(1e-12, 0)
        }
      ),
      (
        "operator 0 (MAXIMUM)", "shapes [2, 3] and [2, 2]", Self.simple(55, 39),
        {
          var other = $0.graph.tensors[0]
          other.shape = [2, 2]
          $0.graph.tensors.append(other)
          $0.graph.inputs = [0, 2]
          $0.graph.operators[0].inputs = [0, 2]
        }
      ),
    ])
  }

  @Test func theNetworkTellsTheModelsNumbers() throws {
    var builder = ModelBuilder()
    let unused = builder.integers([1, 2, 3])
    let input = builder.float([2, 3])
    let codes = builder.tensor([2, 3], scale: 0.5, zeroPoint: 3)
    let sum = builder.tensor([2, 3], scale: 0.25, zeroPoint: -5)
    let constant = builder.constant([3], .int8, [1, -2, 3] as [Int8], scales: [0.125], zeroPoints: [7])
    let output = builder.float([2, 3])
    builder.add(.quantize, options(89), [input], to: [codes])
    builder.add(.add, options(11) { $0.activation = .relu }, [codes, constant], to: [sum])
    builder.add(6, options(38), [sum], to: [output])
    let network = try QuantizedNetwork(importing: builder.finished(inputs: [input], outputs: [output]))
    #expect(unused == 0 && network.tensors.map(\.sourceIndex) == [Int(codes), Int(constant), Int(sum)])
    #expect(
      network.tensors.map(\.scale) == [0.5, 0.125, 0.25] && network.tensors.map(\.zeroPoint) == [3, 7, -5])
    #expect(network.tensors.map(\.constant) == [nil, [1, -2, 3], nil])
    #expect(network.inputs.map(\.boundary) == [.init(.float, operatorIndex: 0, tensorIndex: Int(codes))])
    #expect(network.outputs.map(\.boundary) == [.init(.float, operatorIndex: 2, tensorIndex: Int(output))])
    let operation = try #require(network.operators.first)
    #expect(network.operators.count == 1 && operation.sourceIndex == 1 && operation.kind == .add)
    #expect(operation.activation == -5...127 && operation.inputs == [0, 1] && operation.output == 2)
    guard case .elementwise(let elementwise) = operation.computation else {
      Issue.record("an ADD is elementwise")
      return
    }
    #expect(
      elementwise.shape == [2, 3] && elementwise.firstStrides == [3, 1]
        && elementwise.secondStrides == [0, 1])
  }

  @Test func mutatedModelsAreImportedOrRefused() throws {
    var models = OperatorModels(random: SeededGenerator(seed: 52))
    let bytes = try models.all().prefix(69).map { [UInt8](try $0.model.encoded()) }
    var random = SeededGenerator(seed: 53)
    var (imported, refused, unclear) = (0, 0, Set<String>())
    for round in 0..<10_000 {
      var mutated = bytes[round % bytes.count]
      for _ in 0...random.nextIndex(below: 3) {
        mutated[random.nextIndex(below: mutated.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      guard let model = try? TFLiteModel(decoding: Data(mutated), file: "mutated") else { continue }
      do throws(NotConvertible) {
        let network = try QuantizedNetwork(importing: model)
        imported += 1
        // An image holds less than a network can say.
        guard network.tensors.allSatisfy({ $0.count < 1 << 16 }) else { continue }
        _ = try? ModelImage(network, frontEnd: nil)
      } catch {
        refused += 1
        if !Self.saysItAll(error) { unclear.insert("\(error)") }
      }
    }
    #expect(imported > 500 && refused > 500, "\(imported) \(refused)")
    #expect(unclear.isEmpty, "\(unclear.sorted())")
  }
}

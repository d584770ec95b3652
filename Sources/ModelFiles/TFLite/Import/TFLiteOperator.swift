import Networks
import QuantInfer

/// An operator of a `.tflite` model on its way into a network.
///
/// Its functions check what they hand out: shapes, types, the constants' sizes, scales and zero points.
struct TFLiteOperator {
  let model: TFLiteModel
  /// The operator's index in the model file.
  let index: Int
  let operation: TFLiteModel.Operator
  let kind: TFLiteOperatorKind

  /// An operator of a model; `source` is its index in the file where folding has moved it.
  init(_ model: TFLiteModel, _ place: Int, source: Int? = nil) {
    (self.model, index) = (model, source ?? place)
    operation = model.graph.operators[place]
    kind = model.kind(of: operation)
  }

  /// The error that says what is in the way.
  func refusal(_ problem: String, remedy: String? = nil) -> NotConvertible {
    let custom = model.operatorCodes[Int(operation.code)].customName
    return NotConvertible(
      operatorIndex: index,
      operatorName: kind == .custom && !custom.isEmpty ? "CUSTOM \(custom.onOneLine.prefix(60))" : kind.name,
      problem: problem, remedy: remedy)
  }

  /// The error of an operator that has no counterpart here.
  var isUnknown: NotConvertible {
    if [.callOnce, .varHandle, .readVariable, .assignVariable].contains(kind) {
      return refusal(
        "belongs to a state that begins elsewhere than at 0, is read after it was assigned, or changes its codes",
        remedy: "build the network so that each state begins at 0, and is read before it is assigned")
    }
    return refusal(
      "isn't one of this program's operators",
      remedy: kind == .custom
        ? "convert the network without it: allow_custom_ops=False has the converter write builtin operators"
        : "build the network without it; docs/reference/Operators.md lists the operators that are imported")
  }

  /// The options; the schema's initial values where there are none.
  func options(_ kind: TFLiteOptions.Kind) throws(NotConvertible) -> TFLiteOptions {
    guard let options = operation.options else { return TFLiteOptions(kind) }
    guard options.kind == kind else { throw refusal("has another operator's options") }
    return options
  }

  func requireCounts(
    inputs: ClosedRange<Int>, outputs: ClosedRange<Int> = 1...1
  ) throws(NotConvertible) {
    guard inputs.contains(operation.inputs.count), outputs.contains(operation.outputs.count) else {
      throw refusal("has \(operation.inputs.count) inputs and \(operation.outputs.count) outputs")
    }
  }

  var outputIndex: Int { Int(operation.outputs[0]) }

  /// Whether the file leaves a dimension of the output open, as a model with an open batch does.
  var hasOpenShape: Bool { model.graph.tensors[outputIndex].shapeSignature.contains(-1) }

  func inputIndex(_ place: Int) throws(NotConvertible) -> Int {
    guard let index = optionalInputIndex(place) else { throw refusal("lacks its input \(place)") }
    return index
  }

  /// The index of an input's tensor; nil where it is left out.
  func optionalInputIndex(_ place: Int) -> Int? {
    place < operation.inputs.count && operation.inputs[place] >= 0 ? Int(operation.inputs[place]) : nil
  }

  /// An input of codes.
  func input(_ place: Int) throws(NotConvertible) -> QuantizedNetwork.Tensor {
    try codes(inputIndex(place))
  }

  /// An output of codes.
  func output(_ place: Int = 0) throws(NotConvertible) -> QuantizedNetwork.Tensor {
    try codes(Int(operation.outputs[place]))
  }

  private func codes(_ tensor: Int) throws(NotConvertible) -> QuantizedNetwork.Tensor {
    do throws(NotConvertible) {
      return try Self.codes(of: tensor, in: model)
    } catch {
      throw refusal(error.problem, remedy: error.remedy)
    }
  }

  /// The one input and the output of an operator that works element by element.
  func inputAndOutput() throws(NotConvertible) -> (QuantizedNetwork.Tensor, QuantizedNetwork.Tensor) {
    let (input, output) = (try input(0), try output())
    guard input.shape == output.shape else {
      throw refusal("goes from the shape \(input.shape) to \(output.shape)")
    }
    return (input, output)
  }

  func requireSameType(_ tensors: QuantizedNetwork.Tensor...) throws(NotConvertible) {
    guard tensors.allSatisfy({ $0.type == tensors[0].type }) else {
      throw refusal("mixes int8 and int16 codes")
    }
  }

  /// Refuses int16 codes whose zero isn't 0.
  func requireSymmetric(_ tensors: QuantizedNetwork.Tensor...) throws(NotConvertible) {
    for tensor in tensors where tensor.type == .int16 && tensor.zeroPoint != 0 {
      throw refusal(
        "has the int16 \(TFLiteImport.label(named: tensor.name, tensor.sourceIndex)) with the zero point "
          + "\(tensor.zeroPoint), not 0")
    }
  }
}

extension TFLiteOperator {
  /// A tensor of int8 or int16 codes, a constant's codes with it.
  ///
  /// - Throws: `NotConvertible` without an operator.
  static func codes(
    of index: Int, in model: TFLiteModel
  ) throws(NotConvertible) -> QuantizedNetwork.Tensor {
    let source = model.graph.tensors[index]
    let label = TFLiteImport.label(named: source.name, index)
    let type: ElementType
    switch source.type {
    case .int8: type = .int8
    case .int16: type = .int16
    // Only the border has them: the code less 128, and so the zero point.
    case .uint8: type = .int8
    default:
      throw NotConvertible(
        problem: "\(label) is \(source.type.name), not int8 or int16",
        remedy: source.type == .float32 ? Self.quantizeRemedy : nil)
    }
    let shape = try shape(of: index, in: model)
    let quantization = source.quantization ?? .init()
    guard quantization.scales.count == 1, quantization.zeroPoints.count == 1 else {
      throw NotConvertible(
        problem:
          "\(label) has \(quantization.scales.count) scales and \(quantization.zeroPoints.count) zero points")
    }
    let scale = quantization.scales[0]
    let shift: Int64 = source.type == .uint8 ? 128 : 0
    guard
      let zeroPoint = Int(
        exactly: quantization.zeroPoints[0].subtractingReportingOverflow(shift).partialValue),
      type.codes.contains(zeroPoint),
      scale.isNormal, scale > 0
    else {
      throw NotConvertible(
        problem: "\(label) has the scale \(scale) and the zero point \(quantization.zeroPoints[0])")
    }
    var tensor = QuantizedNetwork.Tensor(
      name: String(source.name.onOneLine.prefix(60)), shape: shape, type: type, scale: scale,
      zeroPoint: zeroPoint)
    (tensor.isVariable, tensor.sourceIndex) = (source.isVariable, index)
    if let bytes = try constantBytes(of: index, in: model) {
      guard !source.isVariable else { throw NotConvertible(problem: "the variable \(label) has constants") }
      tensor.constant =
        type == .int8
        ? bytes.map { Int16(Int8(bitPattern: $0)) } : Self.littleEndian(bytes, as: Int16.self)
    }
    return tensor
  }

  /// What to do about a model of real numbers.
  static let quantizeRemedy =
    "quantize it: exporter quantize MODEL.tflite --samples WINDOWS.npy --output MODEL.qinf"

  static let mostDimensions = 6
  static let mostElements = 1 << 28

  /// A shape of at most six dimensions, none of them 0, whose product is no more than 2^28.
  static func shape(of index: Int, in model: TFLiteModel) throws(NotConvertible) -> [Int] {
    let source = model.graph.tensors[index]
    let label = TFLiteImport.label(named: source.name, index)
    guard source.shape.count <= mostDimensions else {
      throw NotConvertible(
        problem: "\(label) has \(source.shape.count) dimensions, more than \(mostDimensions)")
    }
    var count = 1
    for dimension in source.shape {
      count *= Int(dimension)
      guard count > 0 else { throw NotConvertible(problem: "\(label) has no elements") }
      guard count <= mostElements else {
        throw NotConvertible(problem: "\(label) has more than 2^28 elements")
      }
    }
    return source.shape.map { Int($0) }
  }

  /// A constant's bytes, as many as shape and type ask for; nil for a tensor that is computed.
  static func constantBytes(of index: Int, in model: TFLiteModel) throws(NotConvertible) -> [UInt8]? {
    let source = model.graph.tensors[index]
    let bytes = model.buffers[Int(source.buffer)].bytes
    guard !bytes.isEmpty else { return nil }
    let count = try shape(of: index, in: model).reduce(1, *)
    let size: Int
    switch source.type {
    case .int4: size = (count + 1) / 2
    case .int8: size = count
    case .int16: size = 2 * count
    case .int32, .float32: size = 4 * count
    case .int64: size = 8 * count
    default:
      throw NotConvertible(
        problem: "\(TFLiteImport.label(named: source.name, index)) has constants of \(source.type.name)")
    }
    guard bytes.count == size else {
      throw NotConvertible(
        problem:
          "\(TFLiteImport.label(named: source.name, index)) has \(bytes.count) B of constants, not \(size)")
    }
    return bytes
  }

  static func littleEndian<Number: FixedWidthInteger>(_ bytes: [UInt8], as: Number.Type) -> [Number] {
    let size = Number.bitWidth / 8
    return stride(from: 0, to: bytes.count, by: size).map { start in
      (0..<size).reduce(0) { $0 | Number(truncatingIfNeeded: bytes[start + $1]) << (8 * $1) }
    }
  }
}

extension TFLiteOperator {
  /// A constant that isn't among a network's tensors: weights, biases, dimensions.
  struct Constant {
    var type: TFLiteElementType
    var shape: [Int]
    var bytes: [UInt8]
    var quantization: TFLiteModel.Quantization

    /// Int8 codes, also those of int4, of which a byte's low half comes first.
    var int8: [Int8] {
      guard type == .int4 else { return bytes.map { Int8(bitPattern: $0) } }
      let halves = bytes.flatMap { byte in
        [Int8(bitPattern: byte << 4) >> 4, Int8(bitPattern: byte) >> 4]
      }
      return Array(halves.prefix(shape.reduce(1, *)))
    }

    /// Numbers of 16, 32 or 64 bits.
    func numbers<Number: FixedWidthInteger>(_ type: Number.Type) -> [Number] {
      TFLiteOperator.littleEndian(bytes, as: type)
    }
  }

  /// An input that must be a constant of one of some types.
  func constant(_ place: Int, _ role: String, types: TFLiteElementType...) throws(NotConvertible) -> Constant
  {
    let index = try inputIndex(place)
    let source = model.graph.tensors[index]
    guard types.contains(source.type) else { throw refusal("has \(role) of \(source.type.name)") }
    do throws(NotConvertible) {
      guard let bytes = try Self.constantBytes(of: index, in: model) else {
        throw NotConvertible(
          problem: "has \(role) that are computed, not constant",
          remedy: isBatchOpen
            ? "convert it for a batch of 1: keras.Input(shape, batch_size=1), or a concrete function of it"
            : nil)
      }
      return Constant(
        type: source.type, shape: try Self.shape(of: index, in: model), bytes: bytes,
        quantization: source.quantization ?? .init())
    } catch {
      throw refusal(error.problem, remedy: error.remedy)
    }
  }

  /// Whether the model's first input leaves its batch open.
  private var isBatchOpen: Bool {
    model.graph.inputs.contains { model.graph.tensors[Int($0)].shapeSignature.first == -1 }
  }

  /// A constant list of int32 or int64 numbers, such as dimensions; each is within 32 bits.
  func integers(_ place: Int, _ role: String, count: Int? = nil) throws(NotConvertible) -> [Int] {
    let constant = try constant(place, role, types: .int32, .int64)
    let numbers =
      constant.type == .int32
      ? constant.numbers(Int32.self) : constant.numbers(Int64.self).map { Int32(clamping: $0) }
    if let count, numbers.count != count {
      throw refusal("has \(numbers.count) \(role), not \(count)")
    }
    return numbers.map { Int($0) }
  }
}

extension TFLiteOperator {
  /// The multiplier nearest to a real factor, where the runtime's shifts reach it.
  func multiplier(_ real: Double, mostLeftShift: Int8 = 30) throws(NotConvertible) -> FixedPointMultiplier {
    guard real.isFinite, real >= 0 else { throw refusal("asks for the impossible factor \(real)") }
    let multiplier = FixedPointMultiplier(real: real)
    guard multiplier.leftShift <= mostLeftShift else {
      throw refusal("asks for the factor \(real), which is too large")
    }
    return multiplier
  }

  /// The output codes that a fused activation allows.
  func range(
    _ activation: TFLiteActivation, of output: QuantizedNetwork.Tensor
  ) throws(NotConvertible) -> ClosedRange<Int> {
    let codes = output.type.codes
    switch activation {
    case .none: return codes
    case .relu: return max(codes.lowerBound, output.zeroPoint)...codes.upperBound
    case .relu6: return try range(from: 0, to: 6, of: output)
    case .reluMinus1To1: return try range(from: -1, to: 1, of: output)
    default: throw refusal("has the fused activation \(activation.rawValue), which this program doesn't have")
    }
  }

  private func range(
    from lowest: Float, to highest: Float, of output: QuantizedNetwork.Tensor
  ) throws(NotConvertible) -> ClosedRange<Int> {
    let bounds = [lowest, highest].map { ($0 / output.scale).rounded(.toNearestOrAwayFromZero) }
    guard bounds.allSatisfy({ abs($0) < 0x1p31 }) else {
      throw refusal("has an activation that the output's scale \(output.scale) can't say")
    }
    let codes = output.type.codes
    return max(
      codes.lowerBound, output.zeroPoint + Int(bounds[0]))...min(
        codes.upperBound, output.zeroPoint + Int(bounds[1]))
  }
}

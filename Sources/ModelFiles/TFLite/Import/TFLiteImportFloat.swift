import Foundation
import Networks
import QuantInfer

// Operators in float between DEQUANTIZE and QUANTIZE. A function of int8 codes is a table of 256 real numbers on the
// way, and a table of codes once it is quantized; what only moves elements moves the codes.

/// A float tensor whose elements are functions of codes in the network, element by element.
struct FloatOfCodes {
  /// The codes.
  let codes: QuantizedNetwork.Tensor
  /// Their place in the network.
  let place: Int
  /// The real number for each of the codes -128...127; nil where it is the one that the code stands for.
  var values: [Float]?

  /// What a DEQUANTIZE gives.
  init(_ codes: QuantizedNetwork.Tensor, at place: Int, values: [Float]? = nil) {
    (self.codes, self.place, self.values) = (codes, place, values)
  }

  /// Whether two are the same function of codes of the same kind.
  func hasFunction(of other: FloatOfCodes) -> Bool {
    codes.type == other.codes.type && codes.scale == other.codes.scale
      && codes.zeroPoint == other.codes.zeroPoint && values == other.values
  }
}

extension TFLiteImport {
  /// Adds an operator that reads float functions of codes; false for one that doesn't.
  mutating func addInFloat(
    _ operation: TFLiteOperator, _ movement: Movement?
  ) throws(NotConvertible) -> Bool {
    guard operation.operation.inputs.contains(where: { floats[Int($0)] != nil }) else { return false }
    if let movement {
      try move(operation, movement)
    } else if operation.kind == .quantize {
      try quantize(operation)
    } else {
      let (source, function) = try operation.floatFunction(of: floats)
      let target = operation.outputIndex
      guard source.codes.type == .int8 else {
        throw operation.refusal("computes in float from int16 codes; only int8 codes have tables")
      }
      guard !model.graph.outputs.contains(Int32(target)) else {
        throw operation.refusal("computes the model's output in float, and no QUANTIZE follows")
      }
      guard model.graph.tensors[target].type == .float32,
        try operation.shape(ofTensor: target) == source.codes.shape
      else { throw operation.refusal("changes the shape \(source.codes.shape) or leaves float") }
      let values = source.values ?? (-128...127).map { source.codes.real($0) }
      floats[target] = FloatOfCodes(source.codes, at: source.place, values: values.map(function))
    }
    return true
  }

  /// Moves the codes instead of the real numbers.
  private mutating func move(
    _ operation: TFLiteOperator, _ movement: Movement
  ) throws(NotConvertible) {
    var sources: [FloatOfCodes] = []
    for place in movement.inputs {
      guard let source = floats[try operation.inputIndex(place)],
        sources.first.map({ $0.hasFunction(of: source) }) ?? true
      else { throw operation.refusal("brings float values together that aren't one function of codes") }
      sources.append(source)
    }
    for (place, part) in movement.outputs.enumerated() {
      let target = Int(operation.operation.outputs[place])
      guard sources[0].values == nil || !part.isFilled else {
        throw operation.refusal("pads a function of codes in float")
      }
      var codes = sources[0].codes
      codes.name = String(model.graph.tensors[target].name.onOneLine.prefix(60))
      (codes.shape, codes.sourceIndex, codes.constant) = (try operation.shape(ofTensor: target), target, nil)
      let added = try add(operation.moved(sources.map(\.codes), to: codes, by: part), of: operation)
      floats[target] = FloatOfCodes(codes, at: added, values: sources[0].values)
      guard model.graph.outputs.contains(Int32(target)) else { continue }
      guard sources[0].values == nil else {
        throw operation.refusal("gives the model's output in float, and no QUANTIZE follows")
      }
      try addOutput(
        target, added, .init(.float, operatorIndex: operation.index, tensorIndex: target), operation)
    }
  }

  /// A table from the codes to the output's.
  private mutating func quantize(_ operation: TFLiteOperator) throws(NotConvertible) {
    try operation.requireCounts(inputs: 1...1)
    guard let source = floats[try operation.inputIndex(0)] else { return }
    let (codes, output) = (source.codes, try operation.output())
    guard codes.shape == output.shape else {
      throw operation.refusal("goes from the shape \(codes.shape) to \(output.shape)")
    }
    if codes.type == .int16 {
      guard output.type == .int16, output.scale == codes.scale, output.zeroPoint == codes.zeroPoint else {
        throw operation.refusal("rescales int16 codes in float")
      }
      let unity = FixedPointMultiplier(multiplierQ31: 1 << 30, leftShift: 1)
      try add(
        .init(
          .rescaling(.init(multiplier: unity, negativeMultiplier: unity)), inputs: [codes], output: output),
        of: operation)
      return
    }
    let values = source.values ?? (-128...127).map { codes.real($0) }
    let table = values.map { value in
      let steps = (value / output.scale).rounded(.toNearestOrAwayFromZero)
      // What isn't a number becomes the least code, as the conversion to an integer has it.
      let code = steps.isNaN ? -.infinity : Double(steps) + Double(output.zeroPoint)
      let range = output.type.codes
      return Int16(max(Double(range.lowerBound), min(Double(range.upperBound), code)))
    }
    try add(.init(.lookup(table), inputs: [codes], output: output), of: operation)
  }
}

extension TFLiteOperator {
  /// The function that an operator computes element by element in single precision, and of what.
  fileprivate func floatFunction(
    of floats: [Int: FloatOfCodes]
  ) throws(NotConvertible) -> (FloatOfCodes, (Float) -> Float) {
    if let function = try unaryFunction() {
      try requireCounts(inputs: 1...1)
      if let source = floats[try inputIndex(0)] { return (source, function) }
    }
    if let (function, activation) = try binaryFunction() {
      try requireCounts(inputs: 2...2)
      let range = try floatRange(activation)
      func clamped(_ x: Float) -> Float { min(max(x, range.lowerBound), range.upperBound) }
      switch (floats[try inputIndex(0)], floats[try inputIndex(1)]) {
      case (let source?, nil):
        let constant = try singleFloat(1)
        return (source, { clamped(function($0, constant)) })
      case (nil, let source?):
        let constant = try singleFloat(0)
        return (source, { clamped(function(constant, $0)) })
      default: throw refusal("computes in float from two computed tensors")
      }
    }
    throw refusal(
      "computes in float within the model",
      remedy: "quantize it whole: set inference_input_type and supported_ops to int8 when converting")
  }

  private func singleFloat(_ place: Int) throws(NotConvertible) -> Float {
    let constant = try constant(place, "a float operand", types: .float32)
    let values = constant.numbers(UInt32.self).map { Float(bitPattern: $0) }
    guard values.count == 1 else { throw refusal("computes in float with \(values.count) constants") }
    return values[0]
  }

  private func unaryFunction() throws(NotConvertible) -> ((Float) -> Float)? {
    switch kind {
    case .neg: return { -$0 }
    case .abs: return { Swift.abs($0) }
    case .exp: return { Foundation.exp($0) }
    case .log: return { Foundation.log($0) }
    case .sqrt: return { $0.squareRoot() }
    case .rsqrt: return { 1 / $0.squareRoot() }
    case .square: return { $0 * $0 }
    case .sin: return { Foundation.sin($0) }
    case .cos: return { Foundation.cos($0) }
    case .floor: return { $0.rounded(.down) }
    case .ceil: return { $0.rounded(.up) }
    case .round: return { $0.rounded(.toNearestOrEven) }
    case .tanh: return { Foundation.tanh($0) }
    case .logistic:
      // The reference kernel's cut-offs, where single precision ends.
      return { x in
        x > 16.619047164916992 ? 1 : x < -9 ? Foundation.exp(x) : 1 / (1 + Foundation.exp(-x))
      }
    case .relu: return { max(0, $0) }
    case .relu6: return { min(max(0, $0), 6) }
    case .leakyRelu:
      let alpha = try options(.leakyRelu).alpha
      return { $0 > 0 ? $0 : $0 * alpha }
    case .elu: return { $0 < 0 ? Foundation.expm1($0) : $0 }
    case .hardSwish: return { $0 * min(6, max(0, $0 + 3)) / 6 }
    default: return nil
    }
  }

  private func binaryFunction() throws(NotConvertible) -> (
    (Float, Float) -> Float, TFLiteActivation
  )? {
    switch kind {
    case .add: ({ $0 + $1 }, try options(.add).activation)
    case .sub: ({ $0 - $1 }, try options(.sub).activation)
    case .mul: ({ $0 * $1 }, try options(.mul).activation)
    case .div: ({ $0 / $1 }, try options(.div).activation)
    case .maximum: ({ max($0, $1) }, .none)
    case .minimum: ({ min($0, $1) }, .none)
    case .squaredDifference: ({ ($0 - $1) * ($0 - $1) }, .none)
    default: nil
    }
  }

  private func floatRange(_ activation: TFLiteActivation) throws(NotConvertible) -> ClosedRange<Float> {
    switch activation {
    case .none: -.infinity ... .infinity
    case .relu: 0 ... .infinity
    case .relu6: 0...6
    case .reluMinus1To1: -1...1
    default: throw refusal("has the fused activation \(activation.rawValue), which this program doesn't have")
    }
  }
}

extension TFLiteOperator {
  /// The codes of which ARG_MAX or ARG_MIN tells the place; those stand for the model's output in an image.
  func codesOfExtremum(
    isOutput: Bool, floats: [Int: FloatOfCodes]
  ) throws(NotConvertible) -> QuantizedNetwork.Tensor {
    try requireCounts(inputs: 2...2)
    guard isOutput else { throw refusal("gives indices within the model; they can only be its output") }
    let shape = try shape(0)
    let axis = try axis(try integers(1, "axes", count: 1)[0], of: shape.count)
    guard axis == shape.count - 1 else {
      throw refusal("goes along axis \(axis) of the shape \(shape), not along the last one")
    }
    guard model.graph.tensors[outputIndex].type == .int32 else {
      throw refusal("gives indices of \(model.graph.tensors[outputIndex].type.name), not int32")
    }
    guard let source = floats[try inputIndex(0)] else { return try input(0) }
    guard source.values == nil else { throw refusal("compares a function of codes in float") }
    return source.codes
  }
}

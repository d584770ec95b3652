import Networks
import QuantInfer

// What operators without weights need besides their inputs: factors between scales, and tables.

extension QuantizedNetwork.Elementwise {
  /// The operator with the factors between its tensors' scales; see the quantized operators of TensorFlow Lite.
  func quantized(
    _ kind: OperatorKind, _ first: QuantizedNetwork.Tensor, _ second: QuantizedNetwork.Tensor,
    _ output: QuantizedNetwork.Tensor
  ) throws(InvalidNetwork) -> QuantizedNetwork.Elementwise {
    var elementwise = self
    switch kind {
    case .add, .subtract:
      elementwise.leftShift = output.type == .int16 ? 15 : 20
      let twiceGreatest = 2 * Double(max(first.scale, second.scale))
      elementwise.firstMultiplier = try .between(Double(first.scale), twiceGreatest, most: 0)
      elementwise.secondMultiplier = try .between(Double(second.scale), twiceGreatest, most: 0)
      elementwise.outputMultiplier = try .between(
        twiceGreatest, Double(1 << elementwise.leftShift) * Double(output.scale), most: 0)
    case .multiply:
      elementwise.outputMultiplier = try .between(
        Double(first.scale) * Double(second.scale), Double(output.scale))
    default: break
    }
    return elementwise
  }
}

extension QuantizedNetwork.Mean {
  /// The mean with the factor between its tensors' scales and the number of values, after a left shift as far as 32 bits
  /// allow.
  func quantized(
    _ input: QuantizedNetwork.Tensor, _ output: QuantizedNetwork.Tensor
  ) throws(InvalidNetwork) -> QuantizedNetwork.Mean {
    let whole = try FixedPointMultiplier.between(Double(input.scale), Double(output.scale))
    let count = reducedShape.reduce(1, *)
    let shift = min(Int.bitWidth - 1 - count.leadingZeroBitCount, 32, 31 + Int(whole.leftShift))
    var mean = self
    mean.multiplier = FixedPointMultiplier(
      multiplierQ31: Int32((Int64(whole.multiplierQ31) << Int64(shift)) / Int64(count)),
      leftShift: whole.leftShift - Int8(shift))
    return mean
  }
}

extension QuantizedNetwork.BatchProduct {
  /// The products with the factor between their tensors' scales.
  func quantized(
    _ first: QuantizedNetwork.Tensor, _ second: QuantizedNetwork.Tensor, _ output: QuantizedNetwork.Tensor
  ) throws(InvalidNetwork) -> QuantizedNetwork.BatchProduct {
    var product = self
    product.multiplier = try .between(
      Double(first.scale) * Double(second.scale), Double(output.scale), most: output.type == .int16 ? 14 : 30)
    return product
  }
}

extension QuantizedNetwork.Softmax {
  /// The constants for codes along the last dimension.
  init(of input: QuantizedNetwork.Tensor, beta: Float) throws(InvalidNetwork) {
    let depth = input.shape.last ?? 1
    guard beta > 0, depth <= (input.type == .int8 ? 4095 : 65_535),
      let softmax = Self.constants(depth: depth, factor: Double(beta) * Double(input.scale), input.type)
    else {
      throw InvalidNetwork("goes over \(depth) values with the factor \(beta) and steps of \(input.scale)")
    }
    self = softmax
  }
}

extension FloatFunction {
  /// The function of codes: a table for int8, arithmetic for int16.
  func quantized(
    _ input: QuantizedNetwork.Tensor, _ output: QuantizedNetwork.Tensor
  ) throws(InvalidNetwork) -> QuantizedNetwork.Computation {
    guard input.type == .int16 else {
      return .lookup(
        (-128...127).map { code in
          let value = self(input.real(code))
          return Int16(output.code(value.isNaN ? 0 : value))
        })
    }
    let factor = try FixedPointMultiplier.between(Double(input.scale), Double(output.scale))
    switch self {
    case .clamp: return .rescaling(.init(multiplier: factor, negativeMultiplier: factor))
    case .leakyRelu(let alpha) where alpha >= 0:
      let slope = try FixedPointMultiplier.between(Double(input.scale) * Double(alpha), Double(output.scale))
      return .rescaling(.init(multiplier: factor, negativeMultiplier: slope))
    case .logistic, .tanh:
      guard let sigmoid = QuantizedNetwork.Sigmoid.constants(inputScale: input.scale, isTanh: self == .tanh)
      else {
        throw InvalidNetwork("has steps of \(input.scale), which are too small or large")
      }
      return .sigmoid(sigmoid)
    default:
      throw InvalidNetwork("this function can't be in int16: a table has int8 codes")
    }
  }
}

extension FixedPointMultiplier {
  /// The multiplier from one scale to another.
  ///
  /// - Throws: `InvalidNetwork` where it needs a greater left shift than the kernel has.
  fileprivate static func between(
    _ from: Double, _ to: Double, most: Int8 = 30
  ) throws(InvalidNetwork) -> FixedPointMultiplier {
    let real = from / to
    let multiplier = FixedPointMultiplier(real: real)
    guard real.isFinite, multiplier.leftShift <= most else {
      throw InvalidNetwork("asks for the factor \(real) between steps of codes, which is too large")
    }
    return multiplier
  }
}

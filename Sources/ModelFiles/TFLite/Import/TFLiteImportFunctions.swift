import Foundation
import Networks
import QuantInfer

// Functions of single codes and SOFTMAX. A function of int8 codes is computed here, once for each code.

extension TFLiteOperator {
  /// A table of the output codes for -128...127.
  func lookup(_ code: (Int32) -> Int, in range: ClosedRange<Int>) -> QuantizedNetwork.Computation {
    .lookup((-128...127).map { Int16(min(max(code($0), range.lowerBound), range.upperBound)) })
  }

  func relu() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...1)
    let (input, output) = try inputAndOutput()
    try requireSameType(input, output)
    try requireSymmetric(input, output)
    let factor = try multiplier(Double(input.scale) / Double(output.scale))
    return rescaled(
      from: input, to: output, factor,
      in: max(output.zeroPoint, output.type.codes.lowerBound)...output.type.codes.upperBound)
  }

  /// RELU6 limits codes between the input's 0 and 6 and never rescales.
  func relu6() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...1)
    let (input, output) = try inputAndOutput()
    try requireSameType(input, output)
    try requireSymmetric(input, output)
    let range = try range(.relu6, of: input)
    guard input.type == .int16 else {
      return TFLiteImportedOperator(lookup({ Int($0) }, in: range), inputs: [input], output: output)
    }
    let unity = FixedPointMultiplier(multiplierQ31: 1 << 30, leftShift: 1)
    return TFLiteImportedOperator(
      .rescaling(.init(multiplier: unity, negativeMultiplier: unity)), inputs: [input], output: output,
      activation: range)
  }

  func leakyRelu() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...1)
    let alpha = try options(.leakyRelu).alpha
    let (input, output) = try inputAndOutput()
    try requireSameType(input, output)
    let identity = try multiplier(Double(input.scale) / Double(output.scale))
    let slope = try multiplier(abs(Double(input.scale) * Double(alpha) / Double(output.scale)))
    if input.type == .int16 {
      guard alpha >= 0 else {
        throw refusal("has the slope \(alpha) for int16 codes; it must not be negative")
      }
      return TFLiteImportedOperator(
        .rescaling(.init(multiplier: identity, negativeMultiplier: slope)), inputs: [input], output: output)
    }
    let table = lookup(
      { code in
        let value = code - Int32(input.zeroPoint)
        let scaled = Int(value < 0 ? slope.scale(value) : identity.scale(value))
        return output.zeroPoint + (value < 0 && alpha < 0 ? -scaled : scaled)
      }, in: output.type.codes)
    return TFLiteImportedOperator(table, inputs: [input], output: output)
  }

  func requantization() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...1)
    let (input, output) = try inputAndOutput()
    let factor = try multiplier(Double(input.scale) / Double(output.scale))
    return rescaled(from: input, to: output, factor, in: output.type.codes)
  }

  /// Codes times a factor: a table for int8, a multiplication for int16.
  private func rescaled(
    from input: QuantizedNetwork.Tensor, to output: QuantizedNetwork.Tensor, _ factor: FixedPointMultiplier,
    in range: ClosedRange<Int>
  ) -> TFLiteImportedOperator {
    guard input.type == .int8 else {
      return TFLiteImportedOperator(
        .rescaling(.init(multiplier: factor, negativeMultiplier: factor)), inputs: [input], output: output,
        activation: range)
    }
    let table = lookup(
      { output.zeroPoint + Int(factor.scale($0 - Int32(input.zeroPoint))) }, in: range)
    return TFLiteImportedOperator(table, inputs: [input], output: output)
  }
}

extension TFLiteOperator {
  func sigmoid() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...1)
    let (input, output) = try inputAndOutput()
    try requireSameType(input, output)
    try requireSymmetric(input, output)
    let computation =
      try input.type == .int8 ? sigmoidTable(input, output) : sigmoidInterpolation(input, output)
    return TFLiteImportedOperator(computation, inputs: [input], output: output)
  }

  private func sigmoidTable(
    _ input: QuantizedNetwork.Tensor, _ output: QuantizedNetwork.Tensor
  ) throws(NotConvertible) -> QuantizedNetwork.Computation {
    guard kind == .tanh || output.zeroPoint == -128 else {
      throw refusal("has the output's zero point \(output.zeroPoint), not -128")
    }
    // From codes to Q4, with as many bits as the greatest argument below 16 leaves.
    let factor = try multiplier(Double(input.scale) * 0x1p27, mostLeftShift: .max)
    guard factor.leftShift >= 0, factor.multiplierQ31 != 0 else {
      throw refusal("has the input's scale \(input.scale), which is too small")
    }
    let radius = Int32((15 * 0x1p27 / pow(2, Double(factor.leftShift))).rounded(.down))
    return lookup(
      { code in
        let value = code - Int32(input.zeroPoint)
        if value <= -radius { return -128 }
        if value >= radius { return 127 }
        let argument = factor.scale(value)
        return kind == .logistic
          ? Int(FixedPointFunctions.roundedShiftRight(FixedPointFunctions.logistic(argument), by: 23)) - 128
          : Int(FixedPointFunctions.roundedShiftRight(FixedPointFunctions.tanh(argument), by: 24))
      }, in: output.type.codes)
  }

  private func sigmoidInterpolation(
    _ input: QuantizedNetwork.Tensor, _ output: QuantizedNetwork.Tensor
  ) throws(NotConvertible) -> QuantizedNetwork.Computation {
    guard QuantizedNetwork.Sigmoid.binaryLogarithm(output.scale) == -15 else {
      throw refusal("has the output's scale \(output.scale), not 2^-15")
    }
    guard let sigmoid = QuantizedNetwork.Sigmoid.constants(inputScale: input.scale, isTanh: kind == .tanh)
    else {
      throw refusal("has the input's scale \(input.scale), which is too small or large")
    }
    return .sigmoid(sigmoid)
  }
}

extension TFLiteOperator {
  func softmax() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...1)
    let beta = try options(.softmax).beta
    let (input, output) = try inputAndOutput()
    guard let depth = input.shape.last, beta > 0 else {
      throw refusal("has the shape \(input.shape) and the factor \(beta), which must be above 0")
    }
    // So many exponentials of 1 can be summed up in 32 bits.
    guard depth <= (input.type == .int8 ? 4095 : 65_535) else { throw refusal("goes over \(depth) elements") }
    try requireSoftmaxBorder(input, output)
    let factor = Double(beta) * Double(input.scale)
    guard let constants = QuantizedNetwork.Softmax.constants(depth: depth, factor: factor, input.type) else {
      throw refusal("has the input's scale times the factor \(factor), which is too small or large")
    }
    return TFLiteImportedOperator(.softmax(constants), inputs: [input], output: output)
  }

  /// The output's scale and zero point are those that the kernel's result has.
  private func requireSoftmaxBorder(
    _ input: QuantizedNetwork.Tensor, _ output: QuantizedNetwork.Tensor
  ) throws(NotConvertible) {
    let expected: (scale: Float, zeroPoint: Int)
    switch (input.type, output.type) {
    case (.int8, .int8): expected = (1 / 256, -128)
    case (.int8, .int16): expected = (1 / 65_536, -32_768)
    case (.int16, .int16): expected = (1 / 32_768, 0)
    default: throw refusal("goes from int16 to int8 codes")
    }
    let tolerance = output.type == .int8 ? 0 : 0.001 * expected.scale
    guard abs(output.scale - expected.scale) <= tolerance, output.zeroPoint == expected.zeroPoint,
      input.type == .int8 || input.zeroPoint == 0
    else {
      throw refusal(
        "has the output's scale \(output.scale) and zero point \(output.zeroPoint), not \(expected.scale) and "
          + "\(expected.zeroPoint)")
    }
  }
}

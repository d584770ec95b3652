import Foundation
import Networks
import QuantInfer

// Functions of single codes and SOFTMAX. A function of int8 codes is computed here, once for each code.

extension TFLiteOperator {
  /// A table of the output codes for -128...127.
  private func lookup(_ code: (Int32) -> Int, in range: ClosedRange<Int>) -> QuantizedNetwork.Computation {
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
    guard Self.binaryLogarithm(output.scale) == -15 else {
      throw refusal("has the output's scale \(output.scale), not 2^-15")
    }
    // A scale that is a power of two takes the table's steps, a third of 2^-12, as they are.
    if let logarithm = Self.binaryLogarithm(input.scale), 0...(kind == .tanh ? 1 : 0) ~= logarithm + 12 {
      return .sigmoid(.init(tableQ16: Self.sigmoidTableQ16, multiplier: 3 << (logarithm + 12), shift: 0))
    }
    var multiplier = Double(input.scale) * 4096 * 3
    var shift = 0
    while multiplier <= 32_767.0 / 2, shift <= 30 {
      shift += 1
      multiplier *= 2
    }
    guard 1..<32_768 ~= multiplier else {
      throw refusal("has the input's scale \(input.scale), which is too small or large")
    }
    return .sigmoid(.init(tableQ16: Self.sigmoidTableQ16, multiplier: Int(multiplier), shift: shift))
  }

  /// The whole number nearest to a scale's binary logarithm; nil where it is more than 0.001 away.
  private static func binaryLogarithm(_ scale: Float) -> Int? {
    let logarithm = log(scale) * (1 / log(Float(2)))
    let rounded = logarithm.rounded(.toNearestOrAwayFromZero)
    return abs(logarithm - rounded) < 1e-3 ? Int(rounded) : nil
  }

  /// The logistic function of i / 24 in Q16, raised by half of what the line to the next value lacks in its middle.
  private static let sigmoidTableQ16: [UInt16] = (0..<256).map { index in
    func sigmoid(_ x: Double) -> Double { 65_536 / (1 + exp(-x / 24)) }
    let (value, next) = (sigmoid(Double(index)), sigmoid(Double(index) + 1))
    let lack = sigmoid(Double(index) + 0.5) - (value + next) / 2
    // The last value stands for all that is beyond.
    return index == 255 ? .max : UInt16((value + lack / 2).rounded())
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
    let computation =
      try input.type == .int8
      ? softmax(depth: depth, factor: Double(beta) * Double(input.scale))
      : softmax16(depth: depth, factor: Double(input.scale) * Double(beta))
    return TFLiteImportedOperator(.softmax(computation), inputs: [input], output: output)
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

  private func softmax(
    depth: Int, factor: Double
  ) throws(NotConvertible) -> QuantizedNetwork.Softmax {
    let real = min(factor * 0x1p26, 0x1p31 - 1)
    guard real > 1 else {
      throw refusal("has the input's scale times the factor \(factor), which is too small")
    }
    var multiplier = try multiplier(real, mostLeftShift: 31)
    let radius = (31 * 0x1p26 / pow(2, Double(multiplier.leftShift))).rounded(.down)
    // With a shift of 31 only the difference 0 counts, whatever it is shifted by.
    multiplier.leftShift = min(multiplier.leftShift, 30)
    return .init(depth: depth, multiplier: multiplier, leastDifference: -Int(radius))
  }

  private func softmax16(
    depth: Int, factor: Double
  ) throws(NotConvertible) -> QuantizedNetwork.Softmax {
    let range: Float = 65_535
    return .init(
      depth: depth, multiplier: try multiplier(factor / (10.0 / 65_535)), leastDifference: 0,
      exponentialsQ15: Self.table(from: -65_535, to: 0, step: 10 / range) { exp($0) },
      reciprocalsQ15: Self.table(from: 0, to: 65_535, step: 1 / range) { 1 / (1 + $0) })
  }

  /// A function's 513 values in Q15 between two numbers of steps, for interpolation.
  ///
  /// Each is lowered by half of what the line to the next value is too high in its middle. All in single precision,
  /// as TensorFlow Lite reckons.
  private static func table(
    from first: Float, to last: Float, step: Float, of function: (Float) -> Float
  ) -> [Int16] {
    let (least, greatest, outputStep) = (step * first, step * last, 2 / Float(65_535))
    let interval = (greatest - least) / 512
    let scale = 65_536 / (outputStep * 32_767 - outputStep * -32_768)
    func clamped(_ value: Float) -> Int16 { Int16(min(max(value, -32_768), 32_767)) }
    func rounded(_ value: Float) -> Float { value.rounded(.toNearestOrAwayFromZero) }
    let values = (0..<512).map { index in
      let start = least + Float(index) * interval
      let sample = rounded(function(start) * scale)
      let next = function(least + Float(index + 1) * interval) * scale
      let excess = rounded((next + sample) / 2) - rounded(function(start + interval / 2) * scale)
      return clamped(sample - rounded(excess / 2))
    }
    return values + [clamped(rounded(function(greatest) * scale))]
  }
}

import Foundation
import QuantInfer

extension QuantizedNetwork.Sigmoid {
  /// The constants for int16 codes of a scale; nil where it is too small or large.
  package static func constants(inputScale: Float, isTanh: Bool) -> QuantizedNetwork.Sigmoid? {
    // A scale that is a power of two takes the table's steps, a third of 2^-12, as they are.
    if let logarithm = binaryLogarithm(inputScale), 0...(isTanh ? 1 : 0) ~= logarithm + 12 {
      return .init(tableQ16: upperHalfQ16, multiplier: 3 << (logarithm + 12), shift: 0)
    }
    var multiplier = Double(inputScale) * 4096 * 3
    var shift = 0
    while multiplier <= 32_767.0 / 2, shift <= 30 {
      shift += 1
      multiplier *= 2
    }
    guard 1..<32_768 ~= multiplier else { return nil }
    return .init(tableQ16: upperHalfQ16, multiplier: Int(multiplier), shift: shift)
  }

  /// The constants of TANH for a cell's codes, whose scale is 2 to a power; nil where that is too small or large.
  ///
  /// They are the table's steps as they are, whatever the power.
  package static func ofCell(logarithm: Int) -> QuantizedNetwork.Sigmoid? {
    switch logarithm + 12 {
    case 0...14: .init(tableQ16: upperHalfQ16, multiplier: 3 << (logarithm + 12), shift: 0)
    case -15..<0: .init(tableQ16: upperHalfQ16, multiplier: 3, shift: -12 - logarithm)
    default: nil
    }
  }

  /// The whole number nearest to a scale's binary logarithm; nil where it is more than 0.001 away.
  package static func binaryLogarithm(_ scale: Float) -> Int? {
    let logarithm = log(scale) * (1 / log(Float(2)))
    let rounded = logarithm.rounded(.toNearestOrAwayFromZero)
    return abs(logarithm - rounded) < 1e-3 ? Int(rounded) : nil
  }

  /// The logistic function of i / 24 in Q16, raised by half of what the line to the next value lacks in its middle.
  private static let upperHalfQ16: [UInt16] = (0..<256).map { index in
    func sigmoid(_ x: Double) -> Double { 65_536 / (1 + exp(-x / 24)) }
    let (value, next) = (sigmoid(Double(index)), sigmoid(Double(index) + 1))
    let lack = sigmoid(Double(index) + 0.5) - (value + next) / 2
    // The last value stands for all that is beyond.
    return index == 255 ? .max : UInt16((value + lack / 2).rounded())
  }
}

extension QuantizedNetwork.Softmax {
  /// The constants for codes of a type; nil where the factor, the codes' scale times beta, is too small or large.
  package static func constants(
    depth: Int, factor: Double, _ type: ElementType
  ) -> QuantizedNetwork.Softmax? {
    guard type == .int8 else {
      let range: Float = 65_535
      let multiplier = FixedPointMultiplier(real: factor / (10.0 / 65_535))
      guard factor.isFinite, multiplier.leftShift <= 30 else { return nil }
      return .init(
        depth: depth, multiplier: multiplier, leastDifference: 0,
        exponentialsQ15: table(from: -65_535, to: 0, step: 10 / range) { exp($0) },
        reciprocalsQ15: table(from: 0, to: 65_535, step: 1 / range) { 1 / (1 + $0) })
    }
    let real = min(factor * 0x1p26, 0x1p31 - 1)
    guard real > 1 else { return nil }
    var multiplier = FixedPointMultiplier(real: real)
    let radius = (31 * 0x1p26 / pow(2, Double(multiplier.leftShift))).rounded(.down)
    // With a shift of 31 only the difference 0 counts, whatever it is shifted by.
    multiplier.leftShift = min(multiplier.leftShift, 30)
    return .init(depth: depth, multiplier: multiplier, leastDifference: -Int(radius))
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

import Foundation
import Networks
import QuantInfer

// ABS, ELU, EXP, LOG, SQRT, NEG, HARD_SWISH and RSQRT: functions of int8 codes as tables, ABS and RSQRT of int16 codes too.
// LOG_SOFTMAX and RESIZE_BILINEAR of int8 codes.

extension TFLiteOperator {
  /// ABS; TensorFlow Lite takes the factor in single precision.
  func absolute() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...1)
    let (input, output) = try inputAndOutput()
    try requireSameType(input, output)
    try requireSymmetric(input, output)
    let unity = FixedPointMultiplier(multiplierQ31: 1 << 30, leftShift: 1)
    let factor =
      try input.scale == output.scale ? unity : multiplier(Double(input.scale / output.scale))
    guard input.type == .int8 else {
      return TFLiteImportedOperator(
        .rescaling(.init(multiplier: factor, negativeMultiplier: factor)), inputs: [input], output: output)
    }
    let table = lookup(
      { output.zeroPoint + Int(factor.scale(Swift.abs($0 - Int32(input.zeroPoint)))) },
      in: output.type.codes)
    return TFLiteImportedOperator(table, inputs: [input], output: output)
  }

  /// A function in single precision of what each code stands for.
  ///
  /// ELU is TensorFlow Lite Micro's. It has no EXP, LOG, SQRT and NEG of codes; those are TensorFlow Lite's tables.
  func floatTable() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...1)
    let (input, output) = try inputAndOutput()
    guard input.type == .int8, output.type == .int8 else { throw refusal("has int16 codes") }
    func function(_ x: Float) -> Float {
      switch kind {
      case .elu: x < 0 ? Foundation.exp(x) - 1 : x
      case .exp: Foundation.exp(x)
      case .log: Foundation.log(x)
      case .sqrt: x.squareRoot()
      default: -x
      }
    }
    if kind == .log || kind == .sqrt { try requireNothingBelowZero(input) }
    let inverse = 1 / output.scale
    let table = lookup(
      { code in
        let steps = (function(input.scale * Float(Int(code) - input.zeroPoint)) * inverse)
          .rounded(.toNearestOrAwayFromZero)
        return Int(max(-1e6, min(1e6, steps + Float(output.zeroPoint))))
      }, in: output.type.codes)
    return TFLiteImportedOperator(table, inputs: [input], output: output)
  }

  /// Refuses codes that the function isn't there for.
  private func requireNothingBelowZero(_ input: QuantizedNetwork.Tensor) throws(NotConvertible) {
    guard input.zeroPoint == input.type.codes.lowerBound else {
      throw refusal("has the zero point \(input.zeroPoint), so that there are codes of numbers below 0")
    }
  }

  /// HARD_SWISH, x * relu6(x + 3) / 6, in 16 bits.
  func hardSwish() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...1)
    let (input, output) = try inputAndOutput()
    guard input.type == .int8, output.type == .int8 else { throw refusal("has int16 codes") }
    let fineScale = input.scale * (1 / 128)
    let (outputFactor, outputShift) = try shortMultiplier(Double(fineScale / output.scale))
    let (gateFactor, gateShift) = try shortMultiplier(Double(fineScale / (3.0 / 32_768)))
    guard outputShift <= 0 else { throw refusal("asks for a factor above 1 of its codes' 128ths") }
    let table = lookup(
      { code in
        let fine = (code - Int32(input.zeroPoint)) * 128
        let scaled = Self.doubledHighProduct(fine, outputFactor)
        // From -3 ... 3 to -1 ... 1, saturated, with the last bit of a left shift behind the multiplication.
        var gate = fine
        if gateShift > 0 { gate = Int32(Int16(clamping: Int64(gate) << Int64(gateShift - 1))) }
        gate = Self.doubledHighProduct(gate, gateFactor)
        if gateShift > 0 { gate = Int32(Int16(clamping: gate << 1)) }
        if gateShift < 0 { gate = FixedPointFunctions.roundedShiftRight(gate, by: -gateShift) }
        gate = (gate + (1 << 15)) >> 1
        // Truncated toward 0, unlike the products before.
        let product = gate * scaled / (1 << 15)
        return output.zeroPoint + Int(FixedPointFunctions.roundedShiftRight(product, by: -outputShift))
      }, in: output.type.codes)
    return TFLiteImportedOperator(table, inputs: [input], output: output)
  }

  /// A factor as a mantissa of 15 bits and a power of two.
  private func shortMultiplier(_ real: Double) throws(NotConvertible) -> (factor: Int32, shift: Int32) {
    let multiplier = try multiplier(real)
    let isGreatest = multiplier.multiplierQ31 >= 0x7FFF_0000
    return (
      isGreatest ? 0x7FFF : (multiplier.multiplierQ31 + (1 << 15)) >> 16, Int32(multiplier.leftShift)
    )
  }

  /// The upper half of twice the product of two numbers of 16 bits, rounded to the nearest.
  private static func doubledHighProduct(_ a: Int32, _ b: Int32) -> Int32 {
    if a == -32_768, b == -32_768 { return 32_767 }
    let product = a * b
    return (product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15)
  }

  /// RSQRT; 0 gives the greatest code, and so do int16 codes below 0, at which TensorFlow Lite Micro stops.
  func reciprocalSquareRoot() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...1)
    let (input, output) = try inputAndOutput()
    try requireSameType(input, output)
    try requireSymmetric(input, output)
    let extraBits = ModelFormat.Rescaling.rootBits
    var factor = try multiplier(1 / Double(input.scale.squareRoot() * output.scale))
    guard factor.leftShift - extraBits >= -31 else { throw refusal("has scales that are too large") }
    factor.leftShift -= extraBits
    guard input.type == .int8 else {
      return TFLiteImportedOperator(
        .rescaling(.init(multiplier: factor, negativeMultiplier: factor)), inputs: [input], output: output)
    }
    try requireNothingBelowZero(input)
    let table = lookup(
      { code in
        let value = code - Int32(input.zeroPoint)
        if value == 0 { return 127 }
        var inverse = FixedPointMultiplier(inverseSquareRootOf: value)
        inverse.leftShift += extraBits
        return output.zeroPoint + Int(factor.scale(inverse.scale(1)))
      }, in: output.type.codes)
    return TFLiteImportedOperator(table, inputs: [input], output: output)
  }
}

extension TFLiteOperator {
  func logSoftmax() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...1)
    let (input, output) = try inputAndOutput()
    guard input.type == .int8, output.type == .int8, let depth = input.shape.last, depth <= 4095 else {
      throw refusal("has int16 codes, or goes over more than 4,095 elements")
    }
    guard output.scale == 0.0625, output.zeroPoint == 127 else {
      throw refusal(
        "has the output's scale \(output.scale) and zero point \(output.zeroPoint), not 0.0625 and 127")
    }
    guard
      let softmax = QuantizedNetwork.Softmax.constants(
        depth: depth, factor: Double(input.scale), input.type),
      (1...30).contains(softmax.multiplier.leftShift)
    else {
      throw refusal("has the input's scale \(input.scale), which is too small or large")
    }
    let reverse =
      Double(1 << (31 - Int(softmax.multiplier.leftShift))) / Double(softmax.multiplier.multiplierQ31)
    return TFLiteImportedOperator(
      .logSoftmax(
        .init(
          depth: depth, multiplier: softmax.multiplier, leastDifference: softmax.leastDifference,
          reverseMultiplier: try multiplier(reverse))), inputs: [input], output: output)
  }

  func bilinearResize() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 2...2)
    let options = try options(.resizeBilinear)
    let (input, output) = (try input(0), try output())
    let sizes = try integers(1, "sizes", count: 2)
    guard input.type == .int8, output.type == .int8, input.shape.count == 4,
      sizes.allSatisfy({ (1...65_536).contains($0) }),
      output.shape == [input.shape[0]] + sizes + [input.shape[3]],
      !(options.alignsCorners && options.hasHalfPixelCenters)
    else {
      throw refusal("resizes the shape \(input.shape) to \(output.shape), or has int16 codes")
    }
    func scaleQ10(_ length: Int, _ size: Int) -> Int {
      options.alignsCorners && size > 1
        ? (1024 * (length - 1) + (size - 1) / 2) / (size - 1) : (1024 * length + size / 2) / size
    }
    let resize = QuantizedNetwork.Resize(
      heightScaleQ10: scaleQ10(input.shape[1], sizes[0]), widthScaleQ10: scaleQ10(input.shape[2], sizes[1]),
      hasHalfPixelCenters: options.hasHalfPixelCenters)
    return TFLiteImportedOperator(.resize(resize), inputs: [input], output: output)
  }
}

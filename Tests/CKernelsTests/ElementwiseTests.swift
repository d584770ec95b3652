import CKernels
import Testing

@Suite struct ElementwiseTests {
  /// What becomes of two codes, step by step as the header defines it.
  private static func code(_ operands: qi_elementwise, _ a: Int8, _ b: Int8) -> Int8 {
    func scaled(_ number: Int32, _ factor: qi_factor, zeroPoint: Int32, _ codes: ClosedRange<Int32>) -> Int32
    {
      Requantization(
        biases: [0], multipliers: [factor.multiplier], shifts: [factor.shift], zeroPoint: zeroPoint,
        minimum: codes.lowerBound, maximum: codes.upperBound
      ).code(number, channel: 0)
    }
    if operands.operation == qi_maximum || operands.operation == qi_minimum {
      let code = operands.operation == qi_maximum ? max(a, b) : min(a, b)
      return Int8(min(max(Int32(code), operands.minimum), operands.maximum))
    }
    let any = Int32.min...Int32.max
    let (x, y) = (Int32(a) - operands.firstZeroPoint, Int32(b) - operands.secondZeroPoint)
    let first = scaled(x << operands.leftShift, operands.firstFactor, zeroPoint: 0, any)
    let second = scaled(y << operands.leftShift, operands.secondFactor, zeroPoint: 0, any)
    let value =
      operands.operation == qi_product
      ? x * y : operands.operation == qi_sum ? first &+ second : first &- second
    return Int8(
      scaled(value, operands.resultFactor, zeroPoint: operands.zeroPoint, operands.minimum...operands.maximum)
    )
  }

  // claim: vectors
  @Test(
    arguments: availableSets.filter { $0 != qi_neon },
    [qi_sum, qi_difference, qi_product, qi_maximum, qi_minimum])
  func codesEqualThePlainLoop(_ set: qi_instruction_set, operation: qi_operation) {
    var cases = Cases(seed: 8)
    var differing: [String] = []
    for round in 0..<3000 {
      let count = cases.integer(in: 1...150)
      // An input that repeats is a single code.
      let repeats = (first: cases.chance(4), second: cases.chance(4))
      // Rows may be farther apart than their codes, or read the same ones.
      let rows = cases.chance(3) ? cases.integer(in: 2...5) : 1
      let strides = (
        first: cases.chance(3) ? 0 : (repeats.first ? 1 : count) + cases.integer(in: 0...2),
        second: cases.chance(3) ? 0 : (repeats.second ? 1 : count) + cases.integer(in: 0...2)
      )
      let first: [Int8] = cases.values((rows - 1) * strides.first + (repeats.first ? 1 : count))
      let second: [Int8] = cases.values((rows - 1) * strides.second + (repeats.second ? 1 : count))
      let factors = cases.requantization(channels: 3, codes: -128...127, largestSum: 1 << 20)
      // The input of the greater scale has a factor without a shift.
      let isUnshifted = cases.chance(2)
      func factor(_ index: Int) -> qi_factor {
        qi_factor(
          multiplier: factors.multipliers[index],
          shift: isUnshifted && index == round % 2 ? 0 : factors.shifts[index])
      }
      let (one, other) = (GuardedArray(first, guarding: .end), GuardedArray(second, guarding: .start))
      var operands = qi_elementwise(
        operation: operation, first: one.pointer, second: other.pointer,
        firstRepeats: repeats.first, secondRepeats: repeats.second, count: count,
        rows: rows, firstRowStride: strides.first, secondRowStride: strides.second,
        firstZeroPoint: Int32(cases.integer(in: -128...127)),
        secondZeroPoint: Int32(cases.integer(in: -128...127)), leftShift: Int32(cases.integer(in: 0...20)),
        firstFactor: factor(0), secondFactor: factor(1), resultFactor: factor(2),
        zeroPoint: factors.zeroPoint,
        minimum: factors.minimum, maximum: factors.maximum)
      let expected = (0..<rows * count).map { code in
        let (row, index) = code.quotientAndRemainder(dividingBy: count)
        return Self.code(
          operands, first[row * strides.first + (repeats.first ? 0 : index)],
          second[row * strides.second + (repeats.second ? 0 : index)])
      }
      let output = GuardedArray(
        [Int8](repeating: 0, count: rows * count), guarding: cases.chance(2) ? .start : .end)
      let isDone = withExtendedLifetime((one, other)) { qi_elementwise_int8(set, &operands, output.pointer) }
      // In the place of an input, too.
      let isInPlace = !repeats.first && (rows == 1 || strides.first == count)
      if isInPlace { _ = qi_elementwise_int8(set, &operands, one.pointer) }
      if !isDone || output.array != expected || (isInPlace && one.array != expected) {
        differing.append("\(count) codes in round \(round)")
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing[0])")
  }
}

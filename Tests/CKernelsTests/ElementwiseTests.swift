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
  @Test(arguments: availableSets.filter { $0 != qi_neon }, [qi_sum, qi_difference, qi_product])
  func codesEqualThePlainLoop(_ set: qi_instruction_set, operation: qi_operation) {
    var cases = Cases(seed: 8)
    var differing: [String] = []
    for round in 0..<3000 {
      let count = cases.integer(in: 1...70)
      let (first, second): ([Int8], [Int8]) = (cases.values(count), cases.values(count))
      let factors = cases.requantization(channels: 3, codes: -128...127, largestSum: 1 << 20)
      func factor(_ index: Int) -> qi_factor {
        qi_factor(multiplier: factors.multipliers[index], shift: factors.shifts[index])
      }
      let (one, other) = (GuardedArray(first, guarding: .end), GuardedArray(second, guarding: .start))
      let operands = qi_elementwise(
        operation: operation, first: one.pointer, second: other.pointer, count: count,
        firstZeroPoint: Int32(cases.integer(in: -128...127)),
        secondZeroPoint: Int32(cases.integer(in: -128...127)), leftShift: Int32(cases.integer(in: 0...20)),
        firstFactor: factor(0), secondFactor: factor(1), resultFactor: factor(2),
        zeroPoint: factors.zeroPoint,
        minimum: factors.minimum, maximum: factors.maximum)
      let expected = zip(first, second).map { Self.code(operands, $0, $1) }
      let output = GuardedArray([Int8](repeating: 0, count: count), guarding: cases.chance(2) ? .start : .end)
      let isDone = withExtendedLifetime((one, other)) { qi_elementwise_int8(set, operands, output.pointer) }
      // In the place of an input, too.
      _ = qi_elementwise_int8(set, operands, one.pointer)
      if !isDone || output.array != expected || one.array != expected {
        differing.append("\(count) codes in round \(round)")
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing[0])")
  }
}

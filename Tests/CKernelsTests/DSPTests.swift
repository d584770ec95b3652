import CKernels
import Testing

/// The kernels for ARM's DSP extension, on the host in plain C: the same sources but for the instructions.
@Suite struct DSPTests {
  /// Where a row has its input: fours in the order 0, 2, 1, 3, so many apart.
  private static func place(_ input: Int, step: Int) -> Int { step * (input / 4) + [0, 2, 1, 3][input % 4] }

  /// A product with 8-bit patches, and the same with its patches in the kernel's order.
  private static func pair(
    from cases: inout Cases, rows: Int, inputs: Int, channels: Int
  ) -> (natural: RandomProduct, paired: RandomProduct) {
    var natural = RandomProduct(
      from: &cases, codes: -128...127, rows: rows, inputs: inputs, channels: channels)
    natural.patches = natural.patches.map { Int16(Int8(truncatingIfNeeded: $0)) }
    var paired = natural
    let count = 4 * natural.quads
    for row in 0..<natural.rows {
      let start = rows == 1 ? 0 : row / 2 * 2 * count + row % 2 * 4
      for input in 0..<count {
        paired.patches[start + place(input, step: rows == 1 ? 4 : 8)] = natural.patches[row * count + input]
      }
    }
    return (natural, paired)
  }

  @Test func productsOfEveryShapeEqualThePlainLoop() {
    var cases = Cases(seed: 11)
    var differing: [String] = []
    for inputs in [1, 2, 3, 4, 5, 7, 8, 12, 27, 31, 36, 64, 72, 144] {
      for rows in [1, 2, 4, 6, 10] {
        for channels in [1, 2, 3, 4, 5, 7, 8, 12, 24, 33] {
          let (natural, paired) = Self.pair(from: &cases, rows: rows, inputs: inputs, channels: channels)
          let stride = channels + cases.integer(in: 0...5)
          let before: [Int8] = cases.values((rows - 1) * stride + channels)
          let output = paired.compute(over: before, guarding: .end) { qi_matrix_product_dsp($0, $1, stride) }
          if output != natural.expected(over: before, outputStride: stride) {
            differing.append(natural.shape)
          }
        }
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing.first ?? "")")
  }

  @Test func anyShiftAndBiasIsScaledAsDefined() {
    var cases = Cases(seed: 12)
    var differing: [String] = []
    for shift in Int32(-31)...30 {
      for multiplier: Int32 in [0, 1 << 30, 3 << 29, .max, 1_518_500_250] {
        for rows in [1, 2, 4] {
          var (natural, paired) = Self.pair(from: &cases, rows: rows, inputs: 9, channels: 6)
          natural.requantization.multipliers = natural.requantization.multipliers.map { _ in multiplier }
          natural.requantization.shifts = natural.requantization.shifts.map { _ in shift }
          natural.requantization.biases = natural.requantization.biases.map { _ in
            switch cases.integer(in: 0...2) {
            case 0: (cases.values(1) as [Int32])[0]
            case 1: [.min, .max, -1, 0, 1, 1 << 30, (1 << 30) - 1, -(1 << 30)][cases.integer(in: 0...7)]
            default: (cases.values(1) as [Int32])[0] >> Int32(cases.integer(in: 1...31))
            }
          }
          paired.requantization = natural.requantization
          let before = [Int8](repeating: 0, count: rows * 6)
          let output = paired.compute(over: before, guarding: .end) { qi_matrix_product_dsp($0, $1, 6) }
          if output != natural.expected(over: before, outputStride: 6) {
            differing.append("shift \(shift), multiplier \(multiplier)")
          }
        }
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing.first ?? "")")
  }

  @Test func aFullyConnectedRowMayLieInTwoStretches() {
    var cases = Cases(seed: 13)
    var differing: [String] = []
    for inputs in [1, 3, 4, 96, 255, 256, 257, 300, 512, 513, 696] {
      for first in [0, 1, inputs / 3, inputs / 2 / 4 * 4, inputs] {
        for channels in [1, 4, 6] {
          let (natural, _) = Self.pair(from: &cases, rows: 1, inputs: inputs, channels: channels)
          let codes = natural.patches.prefix(inputs).map { Int8($0) }
          let stretches = (
            GuardedArray(Array(codes[..<first]) + [0], guarding: .start),
            GuardedArray([0] + codes[first...], guarding: .end)
          )
          let before = [Int8](repeating: 0, count: channels)
          let output = natural.compute(over: before, guarding: .end) {
            qi_fully_connected_dsp(
              $0, stretches.0.pointer, first, stretches.1.pointer + 1, inputs - first, $1)
          }
          if output != natural.expected(over: before, outputStride: channels) {
            differing.append("\(first) + \(inputs - first) inputs, \(channels) channels")
          }
        }
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing.first ?? "")")
  }

  @Test(arguments: [4, 8])
  func rowsAreFilledFromAnyPlaceOn(step: Int) {
    var cases = Cases(seed: 14)
    for first in 0...9 {
      for count in 0...20 {
        let codes: [Int8] = cases.values(count + 1)
        var row = [Int16](repeating: 1000, count: 64)
        qi_pair(codes, count, &row, step, first)
        var filled = [Int16](repeating: 1000, count: 64)
        qi_pair_fill(-7, count, &filled, step, first)
        var expected = [Int16](repeating: 1000, count: 64)
        var expectedFill = expected
        for index in 0..<count {
          expected[Self.place(first + index, step: step)] = Int16(codes[index])
          expectedFill[Self.place(first + index, step: step)] = -7
        }
        #expect(row == expected && filled == expectedFill, "\(count) from \(first) on")
      }
    }
  }

  @Test func oddRowsAreLeftToOthers() {
    var cases = Cases(seed: 15)
    let natural = RandomProduct(from: &cases, codes: -128...127, rows: 3, inputs: 8, channels: 4)
    #expect(
      natural.compute(over: [Int8](repeating: 0, count: 12), guarding: .end) {
        qi_matrix_product_dsp($0, $1, 4)
      }
        == nil)
  }
}

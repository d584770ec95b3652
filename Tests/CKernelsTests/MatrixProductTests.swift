import CKernels
import Testing

@Suite struct MatrixProductTests {
  // claim: vectors
  @Test(arguments: availableSets)
  func narrowCodesEqualThePlainLoop(_ set: qi_instruction_set) {
    var cases = Cases(seed: 1)
    var differing: [String] = []
    for _ in 0..<3000 {
      let product = RandomProduct(from: &cases, codes: -128...127)
      let stride = product.channels + cases.integer(in: 0...5)
      let before = cases.values((product.rows - 1) * stride + product.channels, of: Int8.self)
      let end: GuardedEnd = cases.chance(2) ? .start : .end
      let output = product.compute(over: before, guarding: end) {
        qi_matrix_product_int8(set, $0, $1, stride)
      }
      if output != product.expected(over: before, outputStride: stride) { differing.append(product.shape) }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing[0])")
  }

  // claim: vectors
  @Test(arguments: availableSets)
  func wideCodesEqualThePlainLoop(_ set: qi_instruction_set) {
    var cases = Cases(seed: 2)
    var differing: [String] = []
    for _ in 0..<3000 {
      let product = RandomProduct(from: &cases, codes: -32768...32767)
      let stride = product.channels + cases.integer(in: 0...5)
      let before = cases.values((product.rows - 1) * stride + product.channels, of: Int16.self)
      let end: GuardedEnd = cases.chance(2) ? .start : .end
      let output = product.compute(over: before, guarding: end) {
        qi_matrix_product_int16(set, $0, $1, stride)
      }
      if output != product.expected(over: before, outputStride: stride) { differing.append(product.shape) }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing[0])")
  }

  /// Sums that are biases only reach every accumulator; eight channels share a shift, or each has its own.
  @Test(arguments: availableSets)
  func everyShiftRoundsExtremeSumsAndTiesAsDefined(_ set: qi_instruction_set) {
    var cases = Cases(seed: 3)
    var differing: [String] = []
    for shift in Int32(-31)...30 {
      for multiplier: Int32 in [0, 1 << 30, 3 << 29, 1 << 30 + 1, .max, 1_518_500_250] {
        for _ in 0..<8 {
          var product = RandomProduct(from: &cases, codes: -32768...32767)
          let ties = Int32(truncatingIfNeeded: 1 &<< Int(1 - min(shift, 0)))
          product.requantization.biases = product.requantization.biases.map { _ in
            switch cases.integer(in: 0...3) {
            case 0: (cases.values(1) as [Int32])[0]
            case 1: ties &* Int32(cases.integer(in: -9...9)) &+ Int32(cases.integer(in: -1...1))
            case 2: [.min, .min + 1, .max, .max - 1, -1, 0, 1, 1 << 30, -(1 << 30)][cases.integer(in: 0...8)]
            default: (cases.values(1) as [Int32])[0] >> Int32(cases.integer(in: 1...31))
            }
          }
          product.requantization.multipliers = product.requantization.multipliers.map { _ in multiplier }
          let isShared = cases.chance(2)
          product.requantization.shifts = product.requantization.shifts.map { isShared ? shift : $0 }
          product.patches = product.patches.map { _ in 0 }
          let before = [Int16](repeating: 0, count: product.rows * product.channels)
          let output = product.compute(over: before, guarding: .end) {
            qi_matrix_product_int16(set, $0, $1, product.channels)
          }
          if output != product.expected(over: before, outputStride: product.channels) {
            differing.append("shift \(shift), multiplier \(multiplier)")
          }
        }
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing[0])")
  }

  @Test func absentSetsComputeNothing() {
    var cases = Cases(seed: 4)
    let product = RandomProduct(from: &cases, codes: -128...127)
    let before = [Int8](repeating: 77, count: product.rows * product.channels)
    for set in [qi_portable, qi_avx2, qi_avx512, qi_amx, qi_neon] where !qi_has_instruction_set(set) {
      var isComputed = true
      let output = product.compute(over: before, guarding: .end) {
        isComputed = qi_matrix_product_int8(set, $0, $1, product.channels)
        return true
      }
      #expect(!isComputed)
      #expect(output == before)
    }
  }
}

/// A matrix product with random operands.
struct RandomProduct {
  let rows: Int
  let inputs: Int
  let channels: Int
  let patchStride: Int
  var patches: [Int16]
  let weights: [[Int8]]
  var requantization: Requantization

  var quads: Int { (inputs + 3) / 4 }

  var shape: String { "rows \(rows), inputs \(inputs), channels \(channels), stride \(patchStride)" }

  /// A random product, of a given shape or any; a given one has no gaps.
  init(
    from cases: inout Cases, codes: ClosedRange<Int>, rows givenRows: Int? = nil,
    inputs givenInputs: Int? = nil,
    channels givenChannels: Int? = nil
  ) {
    rows = givenRows ?? cases.integer(in: 1...(cases.chance(4) ? 40 : 9))
    inputs = givenInputs ?? cases.integer(in: 1...(cases.chance(16) ? 1500 : 60))
    channels = givenChannels ?? cases.integer(in: 1...40)
    let gap = cases.chance(2) ? 0 : cases.integer(in: 0...9)
    patchStride = (inputs + 3) / 4 * 4 + (givenRows == nil ? gap : 0)
    let narrowing: Int16 = cases.chance(2) ? 8 : 0
    let count = (rows - 1) * patchStride + (inputs + 3) / 4 * 4
    patches = (cases.values(count) as [Int16]).map { $0 >> narrowing }
    weights = (0..<channels).map { [inputs] _ in cases.values(inputs) }
    requantization = cases.requantization(
      channels: channels, codes: codes, largestSum: inputs << (22 - Int(narrowing)))
  }

  private var packedWeights: [Int8] {
    var packed = [Int8](repeating: 0, count: (channels + 3) / 4 * 16 * quads)
    for channel in 0..<channels {
      for input in 0..<inputs {
        let place = 16 * quads * (channel / 4) + 16 * (input / 4) + 4 * (channel % 4) + input % 4
        packed[place] = weights[channel][input]
      }
    }
    return packed
  }

  /// The output as it should be, with what was `before` in the gaps between its rows.
  func expected<Code: FixedWidthInteger>(over before: [Code], outputStride: Int) -> [Code] {
    var output = before
    for row in 0..<rows {
      for channel in 0..<channels {
        var sum: Int32 = 0
        for input in 0..<inputs {
          sum &+= Int32(patches[row * patchStride + input]) * Int32(weights[channel][input])
        }
        output[row * outputStride + channel] = Code(requantization.code(sum, channel: channel))
      }
    }
    return output
  }

  /// Computes the product with every operand against an inaccessible page.
  func compute<Code: BitwiseCopyable>(
    over before: [Code], guarding end: GuardedEnd,
    with function: (qi_matrix_product, UnsafeMutablePointer<Code>) -> Bool
  ) -> [Code]? {
    let patches = GuardedArray(patches, guarding: end)
    let weights = GuardedArray(packedWeights, guarding: end)
    let requantization = GuardedRequantization(requantization, guarding: end)
    let output = GuardedArray(before, guarding: end)
    let product = qi_matrix_product(
      patches: patches.pointer, rows: rows, patchStride: patchStride, weights: weights.pointer, quads: quads,
      channels: channels, requantization: requantization.pointers)
    return withExtendedLifetime((patches, weights, requantization)) {
      function(product, output.pointer) ? output.array : nil
    }
  }
}

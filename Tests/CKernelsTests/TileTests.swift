import CKernels
import Testing

/// The sets that have tiles of many cells, or whole columns.
private let tilingSets = availableSets.filter { $0 == qi_avx512 || $0 == qi_amx }

/// Convolutions that go through many cells at once, in AMX's tiles or in vectors of 64 codes.
@Suite struct TileTests {
  // claim: vectors
  @Test(.enabled(if: !tilingSets.isEmpty, "this machine has no AVX-512"), arguments: tilingSets)
  func tilesOfEveryShapeEqualThePlainLoop(set: qi_instruction_set) {
    var cases = Cases(seed: 21)
    var differing: [String] = []
    for _ in 0..<2500 {
      var convolution = RandomConvolution(tilesFrom: &cases)
      convolution.set = set
      convolution.cellsAtOnce = cases.integer(in: 1...30)
      if convolution.compute(guarding: cases.chance(2) ? .start : .end) != convolution.expected {
        differing.append(convolution.shape)
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing.first ?? "")")
  }

  // claim: vectors
  @Test(.enabled(if: !tilingSets.isEmpty, "this machine has no AVX-512"), arguments: tilingSets)
  func depthwiseColumnsOfEveryShapeEqualThePlainLoop(set: qi_instruction_set) {
    var cases = Cases(seed: 22)
    var (differing, done): ([String], Int) = ([], 0)
    for _ in 0..<2500 {
      var convolution = RandomConvolution(tilesFrom: &cases, isDepthwise: true)
      convolution.set = set
      guard let output = convolution.computeDepthwise(guarding: cases.chance(2) ? .start : .end) else {
        continue
      }
      done += 1
      if output != convolution.expected { differing.append(convolution.shape) }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing.first ?? "")")
    #expect(done > 1000, "\(done) of 2500 were done")
  }

  /// The output runs a cell behind the input, in the same memory, in several pieces where the scratch is small.
  @Test(
    .enabled(if: !tilingSets.isEmpty, "this machine has no AVX-512"), arguments: tilingSets, [6000, 1 << 16])
  func tilesMayOverwriteInputsThatAreNoLongerNeeded(set: qi_instruction_set, scratch: Int) {
    var cases = Cases(seed: 23)
    for channels in [12, 16, 33, 64] {
      var convolution = RandomConvolution(
        from: &cases, rows: 150, channels: channels, outputChannels: channels)
      // Columns of single cells, so that there may be several pieces.
      (convolution.columns, convolution.capacity, convolution.rows, convolution.outputRows) = (150, 150, 1, 1)
      (convolution.set, convolution.spareScratch) = (set, scratch)
      let gap = [Int8](repeating: 0, count: channels)
      let memory = GuardedArray(gap + convolution.input, guarding: .end)
      #expect(convolution.compute(input: memory.pointer + gap.count, into: memory.pointer, guarding: .end))
      #expect(Array(memory.array.prefix(150 * channels)) == convolution.expected)
    }
  }
}

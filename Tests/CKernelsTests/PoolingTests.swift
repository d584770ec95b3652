import CKernels
import Testing

@Suite struct PoolingTests {
  /// A channel's mean, rounded half away from zero in whole numbers, or its greatest code.
  private static func code(_ codes: [Int], isMean: Bool, _ limits: ClosedRange<Int>) -> Int8 {
    let sum = codes.reduce(0, +)
    let magnitude = (2 * abs(sum) + codes.count) / (2 * codes.count)
    let code = isMean ? (sum < 0 ? -magnitude : magnitude) : codes.max() ?? 0
    return Int8(min(max(code, limits.lowerBound), limits.upperBound))
  }

  // claim: vectors
  @Test(arguments: availableSets.filter { $0 != qi_neon }, [true, false])
  func codesEqualThePlainLoop(_ set: qi_instruction_set, isMean: Bool) {
    var cases = Cases(seed: 9)
    var differing: [String] = []
    for round in 0..<3000 {
      let (columns, rows) = (cases.integer(in: 1...16), cases.integer(in: 1...(cases.chance(4) ? 16 : 3)))
      let channels = cases.integer(in: 1...(cases.chance(4) ? 140 : 50))
      // Output cells, the windows of which lie some cells apart.
      let (outputs, step) = (cases.integer(in: 1...4), cases.integer(in: 1...3))
      let cells = (outputs - 1) * step + rows + cases.integer(in: 0...3)
      var input: [Int8] = cases.values(
        ((columns - 1) * cells + (outputs - 1) * step + rows) * channels)
      if cases.chance(8) { input = input.map { _ in cases.chance(2) ? -128 : -127 } }
      let codes = GuardedArray(input, guarding: cases.chance(2) ? .start : .end)
      let minimum = cases.chance(2) ? -128 : cases.integer(in: -128...127)
      let limits = minimum...(cases.chance(2) ? 127 : cases.integer(in: minimum...127))
      let pool = qi_pool(
        input: codes.pointer, columnStride: cells * channels, columns: Int32(columns), rows: Int32(rows),
        channels: channels, cells: outputs, cellStride: step * channels, isMean: isMean,
        minimum: Int32(limits.lowerBound), maximum: Int32(limits.upperBound))
      let expected = (0..<outputs * channels).map { code in
        let (output, channel) = code.quotientAndRemainder(dividingBy: channels)
        let under = (0..<columns).flatMap { column in
          (0..<rows).map { Int(input[(column * cells + output * step + $0) * channels + channel]) }
        }
        return Self.code(under, isMean: isMean, limits)
      }
      let output = GuardedArray(
        [Int8](repeating: 0, count: outputs * channels), guarding: cases.chance(2) ? .start : .end)
      let isDone = withExtendedLifetime(codes) { qi_pool_int8(set, pool, output.pointer) }
      if !isDone || output.array != expected {
        differing.append("\(columns) x \(rows) cells of \(channels) channels in round \(round)")
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing.first ?? "")")
  }

  /// Every number of cells divides as the definition says, at sums around each tie.
  @Test(arguments: availableSets.filter { $0 != qi_neon })
  func everyMeanOfUpTo256CellsIsExact(_ set: qi_instruction_set) {
    for cells in 1...256 {
      var differing = 0
      // A sum a channel: all of them together, from the least to the greatest.
      let sums =
        (0..<512).map { -128 * cells + (255 * cells * $0 + 255) / 511 } + [-128 * cells, 127 * cells]
      let input = (0..<cells).flatMap { cell in
        sums.map { sum in Int8((sum + 128 * cells + cell) / cells - 128) }
      }
      let pool: (UnsafePointer<Int8>) -> qi_pool = {
        qi_pool(
          input: $0, columnStride: 0, columns: 1, rows: Int32(cells), channels: sums.count, cells: 1,
          cellStride: 0,
          isMean: true, minimum: -128, maximum: 127)
      }
      var output = [Int8](repeating: 0, count: sums.count)
      #expect(input.withUnsafeBufferPointer { qi_pool_int8(set, pool($0.baseAddress!), &output) })
      for (channel, code) in output.enumerated() {
        let under = (0..<cells).map { Int(input[$0 * sums.count + channel]) }
        if code != Self.code(under, isMean: true, -128...127) { differing += 1 }
      }
      #expect(differing == 0, "\(cells) cells")
    }
  }

  @Test(arguments: availableSets) func aMeanOfMoreCellsIsRefused(_ set: qi_instruction_set) {
    var (input, output): ([Int8], [Int8]) = ([Int8](repeating: 0, count: 257), [7])
    let isDone = input.withUnsafeMutableBufferPointer {
      qi_pool_int8(
        set,
        qi_pool(
          input: $0.baseAddress!, columnStride: 1, columns: 257, rows: 1, channels: 1, cells: 1,
          cellStride: 0,
          isMean: true, minimum: -128, maximum: 127), &output)
    }
    #expect(!isDone && output == [7])
  }
}

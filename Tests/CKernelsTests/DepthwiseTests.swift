import CKernels
import Testing

@Suite struct DepthwiseTests {
  // claim: vectors
  @Test(arguments: availableSets + [qi_dsp, qi_mve])
  func codesEqualThePlainLoop(_ set: qi_instruction_set) {
    var cases = Cases(seed: 5)
    var differing: [RandomDepthwise] = []
    for _ in 0..<4000 {
      let convolution = RandomDepthwise(from: &cases)
      let before = cases.values(
        (convolution.pixels - 1) * convolution.outputStride + convolution.channels, of: Int8.self)
      let output = convolution.compute(with: set, over: before, guarding: cases.chance(2) ? .start : .end)
      if output != convolution.expected(over: before) { differing.append(convolution) }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing[0].shape)")
  }

  /// As where some channels are scaled by a half or more, or hardly to anything.
  @Test(arguments: availableSets + [qi_dsp, qi_mve])
  func channelsOfAnyScaleLieAmongOthers(_ set: qi_instruction_set) {
    var cases = Cases(seed: 8)
    for _ in 0..<1000 {
      var convolution = RandomDepthwise(from: &cases)
      for _ in 0...cases.integer(in: 0...2) {
        let channel = cases.integer(in: 0...convolution.channels - 1)
        convolution.requantization.shifts[channel] = Int32(cases.integer(in: -31...8))
        if cases.chance(3) { convolution.requantization.multipliers[channel] = 0 }
      }
      let before = cases.values(
        (convolution.pixels - 1) * convolution.outputStride + convolution.channels, of: Int8.self)
      let output = convolution.compute(with: set, over: before, guarding: .end)
      #expect(output == convolution.expected(over: before), "\(convolution.shape)")
    }
  }

  /// The output runs one cell behind the input, in the same memory.
  @Test(arguments: availableSets + [qi_dsp, qi_mve], [3, 700])
  func outputMayOverwriteInputsThatAreNoLongerNeeded(_ set: qi_instruction_set, pixels: Int) {
    var cases = Cases(seed: 6)
    for _ in 0..<20 {
      var convolution = RandomDepthwise(from: &cases)
      convolution.rowTaps = 1
      convolution.rows = 0..<1
      convolution.columnTaps = 3
      convolution.firstColumn = 0
      convolution.columnStep = 1
      convolution.columnDilation = 1
      convolution.columnCount = pixels + 2
      convolution.pixels = pixels
      convolution.columnStride = convolution.channels
      convolution.outputStride = convolution.channels
      convolution.input = cases.values((pixels + 2) * convolution.channels)
      convolution.weights = cases.values(3 * convolution.channels)
      convolution.weightRowStride = 0
      convolution.weightColumnStride = convolution.channels

      let gap = [Int8](repeating: 0, count: convolution.channels)
      let memory = GuardedArray(gap + convolution.input, guarding: .end)
      let weights = GuardedArray(convolution.weights, guarding: .end)
      let requantization = GuardedRequantization(convolution.requantization, guarding: .end)
      withExtendedLifetime((weights, requantization)) {
        let arguments = convolution.arguments(
          input: memory.pointer + convolution.channels, weights: weights.pointer,
          requantization: requantization.pointers)
        #expect(isComputed(set, arguments, memory.pointer, convolution.channels))
      }
      let before = [Int8](repeating: 0, count: pixels * convolution.channels)
      #expect(Array(memory.array.prefix(before.count)) == convolution.expected(over: before))
    }
  }

  @Test(arguments: availableSets)
  func refusesWhatExceedsItsLimits(_ set: qi_instruction_set) {
    var cases = Cases(seed: 7)
    let greatest = Int(Int32.max)
    let changes: [(inout RandomDepthwise) -> Void] = [
      { $0.channels = 0 },
      { $0.channels = 2049 },
      { $0.rowTaps = 0 },
      { $0.columnTaps = 0 },
      { $0.columnStep = 0 },
      { $0.columnDilation = 0 },
      { $0.rows = -1..<1 },
      { $0.rows = 0..<($0.rowTaps + 1) },
      {
        $0.rowTaps = 513
        $0.columnTaps = 1
      },
      {
        $0.rowTaps = 2
        $0.columnTaps = 2
        $0.columnDilation = 256
      },
      {
        $0.rowTaps = greatest
        $0.columnTaps = greatest
        $0.columnDilation = greatest
      },
    ]
    for change in changes {
      var convolution = RandomDepthwise(from: &cases)
      change(&convolution)
      // Refused before any of these is read.
      let nothing = GuardedArray([Int8](), guarding: .end)
      let requantization = GuardedRequantization(convolution.requantization, guarding: .end)
      withExtendedLifetime(requantization) {
        let arguments = convolution.arguments(
          input: nothing.pointer, weights: nothing.pointer, requantization: requantization.pointers)
        #expect(!qi_depthwise_int8(set, arguments, nothing.pointer, convolution.channels))
      }
    }
  }
}

/// A depthwise convolution of a run of pixels with random operands.
private struct RandomDepthwise {
  var rowTaps: Int
  var columnTaps: Int
  /// The row taps inside the input.
  var rows: Range<Int>
  var columnCount: Int
  var firstColumn: Int
  var columnStep: Int
  var columnDilation: Int
  var channels: Int
  var pixels: Int
  var rowStride: Int
  var columnStride: Int
  var outputStride: Int
  let zeroPoint: Int8
  /// The rows under the taps in `rows`.
  var input: [Int8]
  var weights: [Int8]
  var weightRowStride: Int
  var weightColumnStride: Int
  var requantization: Requantization

  var shape: String {
    """
    taps \(rowTaps) x \(columnTaps), rows \(rows), columns \(columnCount) from \(firstColumn) by \(columnStep), \
    dilation \(columnDilation), channels \(channels), pixels \(pixels)
    """
  }

  init(from cases: inout Cases) {
    rowTaps = cases.integer(in: 1...(cases.chance(8) ? 20 : 5))
    columnTaps = cases.integer(in: 1...5)
    let first = cases.integer(in: 0...rowTaps - 1)
    rows = cases.chance(2) ? 0..<rowTaps : first..<cases.integer(in: first...rowTaps)
    columnCount = cases.integer(in: 1...9)
    firstColumn = cases.integer(in: -4...2)
    columnStep = cases.integer(in: 1...3)
    columnDilation = cases.chance(2) ? 1 : cases.integer(in: 1...3)
    channels = cases.integer(in: 1...(cases.chance(8) ? 600 : 40))
    pixels = cases.integer(in: 1...(cases.chance(8) ? 150 : 8))
    outputStride = channels + (cases.chance(2) ? 0 : cases.integer(in: 1...20))
    zeroPoint = Int8(cases.integer(in: -128...127))
    // Rows of columns or columns of rows, as the run goes along either axis.
    let gap = cases.integer(in: 0...20)
    if cases.chance(2) {
      columnStride = channels
      rowStride = columnCount * channels + gap
      weightColumnStride = channels
      weightRowStride = columnTaps * channels
    } else {
      rowStride = channels
      columnStride = rows.count * channels + gap
      weightRowStride = channels
      weightColumnStride = rowTaps * channels
    }
    let lastCell = max(rows.count - 1, 0) * rowStride + (columnCount - 1) * columnStride
    input = cases.values(rows.isEmpty ? 0 : lastCell + channels)
    weights = cases.values(rowTaps * columnTaps * channels)
    requantization = cases.requantization(
      channels: channels, codes: -128...127, largestSum: rowTaps * columnTaps << 14)
  }

  /// The output as it should be, with what was `before` in the gaps between its pixels.
  func expected(over before: [Int8]) -> [Int8] {
    var output = before
    for pixel in 0..<pixels {
      for channel in 0..<channels {
        var sum: Int32 = 0
        for i in 0..<rowTaps {
          for j in 0..<columnTaps {
            let column = firstColumn + pixel * columnStep + j * columnDilation
            let isInside = rows.contains(i) && (0..<columnCount).contains(column)
            let cell = (i - rows.lowerBound) * rowStride + column * columnStride
            let code = isInside ? input[cell + channel] : zeroPoint
            sum &+= Int32(code) * Int32(weights[i * weightRowStride + j * weightColumnStride + channel])
          }
        }
        output[pixel * outputStride + channel] = Int8(requantization.code(sum, channel: channel))
      }
    }
    return output
  }

  /// The arguments for rows that start at `input`.
  func arguments(
    input: UnsafePointer<Int8>, weights: UnsafePointer<Int8>, requantization: qi_requantization
  ) -> qi_depthwise {
    qi_depthwise(
      input: input - rows.lowerBound * rowStride, rowStride: rowStride, columnStride: columnStride,
      rowTaps: Int32(rowTaps), columnTaps: Int32(columnTaps), firstRowTap: Int32(rows.lowerBound),
      endRowTap: Int32(rows.upperBound), columnCount: Int32(columnCount), firstColumn: Int32(firstColumn),
      columnStep: Int32(columnStep), columnDilation: Int32(columnDilation), inputZeroPoint: zeroPoint,
      weights: weights, weightRowStride: weightRowStride, weightColumnStride: weightColumnStride,
      channels: channels, pixels: pixels, requantization: requantization)
  }

  /// The output, computed with every operand against an inaccessible page.
  func compute(with set: qi_instruction_set, over before: [Int8], guarding end: GuardedEnd) -> [Int8]? {
    let input = GuardedArray(input, guarding: end)
    let weights = GuardedArray(weights, guarding: end)
    let requantization = GuardedRequantization(requantization, guarding: end)
    let output = GuardedArray(before, guarding: end)
    return withExtendedLifetime((input, weights, requantization)) {
      let arguments = arguments(
        input: input.pointer, weights: weights.pointer, requantization: requantization.pointers)
      return isComputed(set, arguments, output.pointer, outputStride) ? output.array : nil
    }
  }
}

/// Computes a depthwise convolution with an instruction set.
private func isComputed(
  _ set: qi_instruction_set, _ convolution: qi_depthwise, _ output: UnsafeMutablePointer<Int8>, _ stride: Int
) -> Bool {
  var convolution = convolution
  switch set {
  case qi_dsp: return qi_depthwise_dsp(&convolution, output, stride)
  case qi_mve: return qi_depthwise_mve(&convolution, output, stride)
  default: return qi_depthwise_int8(set, convolution, output, stride)
  }
}

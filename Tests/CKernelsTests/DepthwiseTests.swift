import CKernels
import Support
import Testing

@Suite struct DepthwiseTests {
  @Test(arguments: availableSets)
  func codesEqualThePlainLoop(_ set: qi_instruction_set) {
    var cases = Cases(seed: 5)
    for _ in 0..<4000 {
      let convolution = RandomDepthwise(from: &cases)
      let end: GuardedEnd = cases.chance(2) ? .start : .end
      #expect(convolution.compute(with: set, guarding: end) == convolution.expected(), "\(convolution)")
    }
  }

  /// The output runs one cell behind the input, in the same memory.
  @Test(arguments: availableSets, [3, 700])
  func outputMayOverwriteInputsThatAreNoLongerNeeded(_ set: qi_instruction_set, pixels: Int) {
    var cases = Cases(seed: 6)
    for _ in 0..<20 {
      var convolution = RandomDepthwise(from: &cases)
      convolution.timeTaps = 1
      convolution.timeRange = 0..<1
      convolution.frequencyTaps = 3
      convolution.firstColumn = 0
      convolution.columnStep = 1
      convolution.columnDilation = 1
      convolution.columnCount = pixels + 2
      convolution.pixels = pixels
      convolution.timeStride = (pixels + 2) * convolution.channels
      convolution.input = cases.values(convolution.timeStride)
      convolution.weights = cases.values(3 * convolution.channels)

      let gap = [Int8](repeating: 0, count: convolution.channels)
      let memory = GuardedArray(gap + convolution.input, guarding: .end)
      let weights = GuardedArray(convolution.weights, guarding: .end)
      let requantization = GuardedRequantization(convolution.requantization, guarding: .end)
      withExtendedLifetime((weights, requantization)) {
        let arguments = convolution.arguments(
          input: memory.pointer + convolution.channels, weights: weights.pointer,
          requantization: requantization.pointers)
        #expect(qi_depthwise_int8(set, arguments, memory.pointer))
      }
      #expect(Array(memory.array.prefix(pixels * convolution.channels)) == convolution.expected())
    }
  }

  @Test(arguments: availableSets)
  func refusesWhatExceedsItsLimits(_ set: qi_instruction_set) {
    var cases = Cases(seed: 7)
    let changes: [(inout RandomDepthwise) -> Void] = [
      { $0.channels = 2049 },
      {
        $0.timeTaps = 513; $0.frequencyTaps = 1
      },
      {
        $0.timeTaps = 2; $0.frequencyTaps = 2; $0.columnDilation = 256
      },
      {
        $0.timeTaps = Int(Int32.max); $0.frequencyTaps = Int(Int32.max); $0.columnDilation = Int(Int32.max)
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
        #expect(!qi_depthwise_int8(set, arguments, nothing.pointer))
      }
    }
  }
}

/// A depthwise convolution of a run of pixels with random operands.
private struct RandomDepthwise {
  var timeTaps: Int
  var frequencyTaps: Int
  var timeRange: Range<Int>
  var columnCount: Int
  var firstColumn: Int
  var columnStep: Int
  var columnDilation: Int
  var channels: Int
  var pixels: Int
  var timeStride: Int
  let zeroPoint: Int8
  /// The rows of the time taps in `timeRange`.
  var input: [Int8]
  /// `[timeTaps, frequencyTaps, channels]`.
  var weights: [Int8]
  let requantization: Requantization

  init(from cases: inout Cases) {
    timeTaps = cases.integer(in: 1...(cases.chance(8) ? 20 : 5))
    frequencyTaps = cases.integer(in: 1...5)
    let first = cases.integer(in: 0...timeTaps - 1)
    timeRange = cases.chance(2) ? 0..<timeTaps : first..<cases.integer(in: first...timeTaps)
    columnCount = cases.integer(in: 1...9)
    firstColumn = cases.integer(in: -4...2)
    columnStep = cases.integer(in: 1...3)
    columnDilation = cases.chance(2) ? 1 : cases.integer(in: 1...3)
    channels = cases.integer(in: 1...(cases.chance(8) ? 600 : 40))
    pixels = cases.integer(in: 1...(cases.chance(8) ? 150 : 8))
    timeStride = columnCount * channels + cases.integer(in: 0...20)
    zeroPoint = Int8(cases.integer(in: -128...127))
    input = cases.values(max((timeRange.count - 1) * timeStride + columnCount * channels, 0))
    weights = cases.values(timeTaps * frequencyTaps * channels)
    requantization = cases.requantization(
      channels: channels, codes: -128...127, largestSum: timeTaps * frequencyTaps << 14)
  }

  func expected() -> [Int8] {
    var output: [Int8] = []
    for pixel in 0..<pixels {
      for channel in 0..<channels {
        var sum: Int32 = 0
        for t in 0..<timeTaps {
          for f in 0..<frequencyTaps {
            let column = firstColumn + pixel * columnStep + f * columnDilation
            let isInside = timeRange.contains(t) && (0..<columnCount).contains(column)
            let row = (t - timeRange.lowerBound) * timeStride
            let code = isInside ? input[row + column * channels + channel] : zeroPoint
            sum &+= Int32(code) * Int32(weights[(t * frequencyTaps + f) * channels + channel])
          }
        }
        output.append(Int8(requantization.code(sum, channel: channel)))
      }
    }
    return output
  }

  /// The arguments for rows that start at `input`.
  func arguments(
    input: UnsafePointer<Int8>, weights: UnsafePointer<Int8>, requantization: qi_requantization
  ) -> qi_depthwise {
    qi_depthwise(
      input: input - timeRange.lowerBound * timeStride, timeStride: timeStride, timeTaps: Int32(timeTaps),
      frequencyTaps: Int32(frequencyTaps), firstTimeTap: Int32(timeRange.lowerBound),
      endTimeTap: Int32(timeRange.upperBound), columnCount: Int32(columnCount),
      firstColumn: Int32(firstColumn), columnStep: Int32(columnStep), columnDilation: Int32(columnDilation),
      inputZeroPoint: zeroPoint, weights: weights, channels: channels, pixels: pixels,
      requantization: requantization)
  }

  /// The output, computed with every operand against an inaccessible page.
  func compute(with set: qi_instruction_set, guarding end: GuardedEnd) -> [Int8]? {
    let input = GuardedArray(input, guarding: end)
    let weights = GuardedArray(weights, guarding: end)
    let requantization = GuardedRequantization(requantization, guarding: end)
    let output = GuardedArray([Int8](repeating: 77, count: pixels * channels), guarding: end)
    return withExtendedLifetime((input, weights, requantization)) {
      let arguments = arguments(
        input: input.pointer, weights: weights.pointer, requantization: requantization.pointers)
      return qi_depthwise_int8(set, arguments, output.pointer) ? output.array : nil
    }
  }
}

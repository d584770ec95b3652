import CKernels
import Foundation
import Testing

/// The sets that have whole convolutions: ARM's DSP and vector extensions, on the host in plain C (the same sources but for
/// the instructions), and AVX-512 where the machine has it.
private let convolvingSets = [qi_dsp, qi_mve] + availableSets.filter { $0 == qi_avx512 }

/// Convolutions and fully connected rows of bytes.
@Suite struct DSPTests {
  // claim: vectors
  @Test(arguments: convolvingSets) func convolutionsOfEveryShapeEqualThePlainLoop(set: qi_instruction_set) {
    var cases = Cases(seed: 11)
    var differing: [String] = []
    for _ in 0..<6000 {
      var convolution = RandomConvolution(from: &cases)
      if cases.chance(6) {
        // Cells that lie one behind the other.
        convolution = RandomConvolution(
          from: &cases, rows: cases.integer(in: 1...40), channels: 4 * cases.integer(in: 1...20),
          outputChannels: cases.integer(in: 1...70))
      }
      convolution.set = set
      convolution.cellsAtOnce = cases.integer(in: 1...30)
      if convolution.compute(guarding: cases.chance(2) ? .start : .end) != convolution.expected {
        differing.append(convolution.shape)
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing.first ?? "")")
  }

  /// Sums of every size, by the short way of scaling and the long one.
  @Test(arguments: convolvingSets) func anyShiftAndBiasIsScaledAsDefined(set: qi_instruction_set) {
    var cases = Cases(seed: 12)
    var differing: [String] = []
    for shift in Int32(-31)...30 {
      for multiplier: Int32 in [0, 1 << 30, 3 << 29, .max, 1_518_500_250] {
        for cells in [1, 2, 4] {
          var convolution = RandomConvolution(from: &cases, rows: cells, channels: 9, outputChannels: 6)
          convolution.set = set
          let ties = Int32(truncatingIfNeeded: 1 &<< Int(1 - min(shift, 0)))
          convolution.requantization.multipliers = convolution.requantization.multipliers.map { _ in
            multiplier
          }
          convolution.requantization.shifts = convolution.requantization.shifts.map { _ in shift }
          convolution.requantization.biases = convolution.requantization.biases.map { _ in
            switch cases.integer(in: 0...3) {
            case 0: (cases.values(1) as [Int32])[0]
            case 1: ties &* Int32(cases.integer(in: -9...9)) &+ Int32(cases.integer(in: -1...1))
            case 2: [.min, .max, -1, 0, 1, 1 << 30, (1 << 30) - 1, -(1 << 30)][cases.integer(in: 0...7)]
            default: (cases.values(1) as [Int32])[0] >> Int32(cases.integer(in: 1...31))
            }
          }
          if cases.chance(2) { convolution.input = convolution.input.map { _ in 0 } }
          if convolution.compute(guarding: .end) != convolution.expected {
            differing.append("shift \(shift), multiplier \(multiplier)")
          }
        }
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing.first ?? "")")
  }

  /// As where some channels are scaled by a half or more, or hardly to anything.
  @Test(arguments: convolvingSets) func channelsOfAnyScaleLieAmongOthers(set: qi_instruction_set) {
    var cases = Cases(seed: 14)
    for _ in 0..<300 {
      let outputChannels = cases.integer(in: 5...40)
      var convolution = RandomConvolution(
        from: &cases, rows: cases.integer(in: 1...5), channels: cases.integer(in: 1...20),
        outputChannels: outputChannels)
      convolution.set = set
      for _ in 0...cases.integer(in: 0...2) {
        let channel = cases.integer(in: 0...outputChannels - 1)
        convolution.requantization.shifts[channel] = Int32(cases.integer(in: -31...8))
        if cases.chance(3) { convolution.requantization.multipliers[channel] = 0 }
      }
      #expect(convolution.compute(guarding: .end) == convolution.expected, "\(convolution.shape)")
    }
  }

  /// The output runs two cells behind the input, in the same memory.
  @Test(arguments: convolvingSets) func aConvolutionMayOverwriteInputsThatAreNoLongerNeeded(
    set: qi_instruction_set
  ) {
    var cases = Cases(seed: 13)
    for rows in [1, 2, 3, 8, 17] {
      for channels in [1, 3, 4, 12] {
        var convolution = RandomConvolution(
          from: &cases, rows: rows, channels: channels, outputChannels: channels)
        convolution.set = set
        let gap = [Int8](repeating: 0, count: 2 * channels)
        let memory = GuardedArray(gap + convolution.input, guarding: .end)
        #expect(convolution.compute(input: memory.pointer + gap.count, into: memory.pointer, guarding: .end))
        #expect(Array(memory.array.prefix(rows * channels)) == convolution.expected)
      }
    }
  }

  @Test(arguments: convolvingSets) func aFullyConnectedRowMayLieInTwoStretches(set: qi_instruction_set) {
    var cases = Cases(seed: 14)
    var differing: [String] = []
    for inputs in [1, 3, 4, 96, 255, 256, 257, 300, 512, 513, 696] {
      for first in [0, 1, 2, inputs / 3, inputs / 2 / 4 * 4, inputs - 1, inputs] where first <= inputs {
        for channels in [1, 4, 6, 8, 19, 40] {
          var product = RandomProduct(
            from: &cases, codes: -128...127, rows: 1, inputs: inputs, channels: channels)
          product.patches = product.patches.map { Int16(Int8(truncatingIfNeeded: $0)) }
          let codes = product.patches.prefix(inputs).map { Int8($0) }
          let stretches = (
            GuardedArray(Array(codes[..<first]), guarding: .end),
            GuardedArray(Array(codes[first...]), guarding: .end)
          )
          let before = [Int8](repeating: 0, count: channels)
          for isWidened in set == qi_dsp ? [false, true] : [false] {
            let scratch = GuardedArray(
              [Int16](repeating: 77, count: (inputs + 3) / 4 * 4), guarding: .end)
            let output = product.compute(over: before, guarding: .end) { product, output in
              var product = product
              let (first, firstCount, second) = (stretches.0.pointer, first, stretches.1.pointer)
              switch set {
              case qi_dsp:
                return qi_fully_connected_dsp(
                  &product, first, firstCount, second, inputs - firstCount, isWidened ? scratch.pointer : nil,
                  output)
              case qi_avx512:
                return qi_fully_connected_int8(
                  set, &product, first, firstCount, second, inputs - firstCount, output)
              default:
                return qi_fully_connected_mve(
                  &product, first, firstCount, second, inputs - firstCount, output)
              }
            }
            if output != product.expected(over: before, outputStride: channels) {
              differing.append("\(first) + \(inputs - first) inputs, \(channels) channels, \(isWidened)")
            }
          }
        }
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing.first ?? "")")
  }

  @Test(.enabled(if: availableSets.contains(qi_avx512), "this machine has no AVX-512"))
  func scratchWithoutRoomForACellIsRefused() {
    var cases = Cases(seed: 17)
    var convolution = RandomConvolution(from: &cases, rows: 3, channels: 4, outputChannels: 4)
    (convolution.set, convolution.cellsAtOnce) = (qi_avx512, 0)
    #expect(convolution.compute(guarding: .end) == nil)
  }

  @Test(arguments: [qi_dsp, qi_mve]) func whatIsNotAlignedIsRefused(set: qi_instruction_set) {
    var cases = Cases(seed: 15)
    var convolution = RandomConvolution(from: &cases, rows: 3, channels: 4, outputChannels: 4)
    convolution.set = set
    let output = GuardedArray([Int8](repeating: 7, count: 12), guarding: .end)
    #expect(
      !convolution.compute(
        input: output.pointer, into: output.pointer, guarding: .start, weightsFromByte: 1))
    #expect(output.array == [Int8](repeating: 7, count: 12))
  }
}

extension DSPTests {
  /// Against butterflies in whole numbers that can't overflow.
  @Test func aStageOfTheTransformIsThatOfItsDefinition() {
    var cases = Cases(seed: 16)
    for exponent in 1...8 {
      for stage in 0..<exponent {
        for shift in 0...2 {
          let (count, half) = (1 << exponent, 1 << stage)
          // Below the magnitude at which a butterfly could leave 16 bits.
          let limit = 13_570 << shift
          let data = (0..<2 * count).map { _ in
            Int16(cases.integer(in: -min(limit, 32_767)...min(limit, 32_767)))
          }
          let twiddles = (0..<count).flatMap { index in
            let angle = Double.pi * Double(index) / Double(count)
            return [Int16((16_384 * cos(angle)).rounded()), Int16((16_384 * sin(angle)).rounded())]
          }
          var expected = data.map(Int.init)
          for offset in 0..<half {
            let (cosine, sine) = (
              Int(twiddles[2 * offset * (count / half)]), Int(twiddles[2 * offset * (count / half) + 1])
            )
            for first in stride(from: offset, to: count, by: 2 * half) {
              let (upper, lower) = (2 * first, 2 * (first + half))
              let (real, imaginary) = (expected[lower], expected[lower + 1])
              let turned = (real * cosine + imaginary * sine, imaginary * cosine - real * sine)
              func brought(_ number: Int, _ term: Int) -> Int {
                ((number << 14) + term + (1 << (13 + shift))) >> (14 + shift)
              }
              let (a, b) = (expected[upper], expected[upper + 1])
              expected[upper] = brought(a, turned.0)
              expected[upper + 1] = brought(b, turned.1)
              expected[lower] = brought(a, -turned.0)
              expected[lower + 1] = brought(b, -turned.1)
            }
          }
          var result = data
          let greatest = qi_fft_stage_dsp(&result, count, half, twiddles, Int32(shift))
          #expect(result.map(Int.init) == expected)
          #expect(Int(greatest) == expected.map(abs).max())
        }
      }
    }
  }
}

/// A convolution with random operands.
private struct RandomConvolution {
  /// Whose kernel computes it.
  var set = qi_dsp
  /// How many cells the scratch has room for, where that may vary.
  var cellsAtOnce = 1
  var time = Step()
  var frequency = Step()
  var columns = 1
  var rows = 1
  /// The ring's number of columns, and where column 0 lies.
  var capacity = 1
  var start = 0
  var groupChannels: Int
  var groups = 1
  var groupOutputs: Int
  var firstColumn = 0
  var outputRows = 1
  var cells: Int
  let zeroPoint: Int8
  /// The ring.
  var input: [Int8] = []
  /// `[output channel][input]`.
  var weights: [[Int8]] = []
  var requantization: Requantization

  struct Step {
    var taps = 1
    var stride = 1
    var dilation = 1
    var padding = 0

    init() {}

    init(from cases: inout Cases) {
      taps = cases.integer(in: 1...4)
      stride = cases.integer(in: 1...3)
      dilation = cases.chance(2) ? 1 : cases.integer(in: 1...3)
      padding = cases.chance(2) ? 0 : cases.integer(in: 0...(taps - 1) * dilation)
    }

    var foreign: qi_window_step {
      qi_window_step(
        taps: Int32(taps), stride: Int32(stride), dilation: Int32(dilation), padding: Int32(padding))
    }
  }

  var shape: String {
    """
    time \(time), frequency \(frequency), \(columns) x \(rows), capacity \(capacity) from \(start), \
    groups \(groups) of \(groupChannels) to \(groupOutputs), \(cells) cells in rows of \(outputRows)
    """
  }

  var inputsPerOutput: Int { time.taps * frequency.taps * groupChannels }

  /// A window of one cell that moves along some rows.
  init(from cases: inout Cases, rows: Int, channels: Int, outputChannels: Int) {
    self.rows = rows
    (groupChannels, groupOutputs, outputRows, cells) = (channels, outputChannels, rows, rows)
    zeroPoint = Int8(cases.integer(in: -128...127))
    requantization = cases.requantization(
      channels: outputChannels + 3, codes: -128...127, largestSum: channels << 14)
    fill(from: &cases)
  }

  init(from cases: inout Cases) {
    time = Step(from: &cases)
    frequency = cases.chance(3) ? Step() : Step(from: &cases)
    columns = cases.integer(in: 1...9)
    rows = cases.integer(in: 1...9)
    capacity = columns + (cases.chance(2) ? 0 : cases.integer(in: 0...3))
    start = cases.chance(2) ? 0 : cases.integer(in: 0...capacity - 1)
    if cases.chance(4) { groups = cases.integer(in: 2...4) }
    groupChannels = cases.chance(2) ? 4 * cases.integer(in: 1...4) : cases.integer(in: 1...9)
    groupOutputs = cases.chance(2) ? 4 * cases.integer(in: 1...3) : cases.integer(in: 1...11)
    if cases.chance(6) { groupOutputs = cases.integer(in: 12...70) }
    firstColumn = cases.integer(in: 0...2)
    outputRows = cases.integer(in: 1...5)
    cells = cases.integer(in: 1...3 * outputRows)
    zeroPoint = Int8(cases.integer(in: -128...127))
    requantization = cases.requantization(
      channels: groups * groupOutputs + 3, codes: -128...127,
      largestSum: time.taps * frequency.taps * groupChannels << 14)
    if !cases.chance(3) {
      // What trained networks have.
      requantization.multipliers = requantization.multipliers.map { $0 == 0 ? 1 << 30 : $0 }
      requantization.shifts = requantization.shifts.map { -1 - abs($0) % 22 }
    }
    fill(from: &cases)
  }

  private mutating func fill(from cases: inout Cases) {
    input = cases.values(capacity * rows * groups * groupChannels)
    weights = (0..<groups * groupOutputs).map { [inputsPerOutput] _ in cases.values(inputsPerOutput) }
  }

  private var packedWeights: [Int8] {
    let quads = (inputsPerOutput + 3) / 4
    let groupBytes = (groupOutputs + 3) / 4 * 16 * quads
    var packed = [Int8](repeating: 0, count: groups * groupBytes)
    for channel in weights.indices {
      let (group, member) = channel.quotientAndRemainder(dividingBy: groupOutputs)
      for (input, weight) in weights[channel].enumerated() {
        let block = group * groupBytes + 16 * quads * (member / 4)
        packed[block + 16 * (input / 4) + 4 * (member % 4) + input % 4] = weight
      }
    }
    return packed
  }

  /// The output as it should be.
  var expected: [Int8] {
    let channels = groups * groupChannels
    var output: [Int8] = []
    for cell in 0..<cells {
      let first = (
        column: (firstColumn + cell / outputRows) * time.stride - time.padding,
        row: cell % outputRows * frequency.stride - frequency.padding
      )
      for channel in weights.indices {
        var sum: Int32 = 0
        var place = 0
        for timeTap in 0..<time.taps {
          let column = first.column + timeTap * time.dilation
          for frequencyTap in 0..<frequency.taps {
            let row = first.row + frequencyTap * frequency.dilation
            let isInside = (0..<columns).contains(column) && (0..<rows).contains(row)
            let codes = ((start + column + capacity) % capacity * rows + row) * channels
            for member in 0..<groupChannels {
              let code = isInside ? input[codes + channel / groupOutputs * groupChannels + member] : zeroPoint
              sum &+= Int32(code) * Int32(weights[channel][place])
              place += 1
            }
          }
        }
        output.append(Int8(requantization.code(sum, channel: channel)))
      }
    }
    return output
  }

  /// The output, computed with every operand against an inaccessible page.
  func compute(guarding end: GuardedEnd) -> [Int8]? {
    let input = GuardedArray(input, guarding: end)
    let output = GuardedArray([Int8](repeating: 0, count: cells * weights.count), guarding: end)
    return compute(input: input.pointer, into: output.pointer, guarding: end) ? output.array : nil
  }

  func compute(
    input: UnsafePointer<Int8>, into output: UnsafeMutablePointer<Int8>, guarding end: GuardedEnd,
    weightsFromByte firstByte: Int = 0
  ) -> Bool {
    let weights = GuardedArray([Int8](repeating: 0, count: firstByte) + packedWeights, guarding: end)
    let requantization = GuardedRequantization(requantization, guarding: end)
    let scratch = GuardedArray(
      [Int16](repeating: 99, count: 2 * ((inputsPerOutput + 3) / 4 * 4)), guarding: end)
    return withExtendedLifetime((weights, requantization, scratch)) {
      var convolution = qi_convolution(
        columns: input, capacity: Int32(capacity), start: Int32(start), columnCount: Int32(columns),
        rowCount: Int32(rows), channels: Int32(groups * groupChannels), groupChannels: Int32(groupChannels),
        time: time.foreign, frequency: frequency.foreign, inputZeroPoint: zeroPoint,
        weights: weights.pointer + firstByte, firstColumn: Int32(firstColumn),
        outputRowCount: Int32(outputRows), cellCount: Int32(cells), outputChannels: Int32(self.weights.count),
        requantization: requantization.pointers)
      if set == qi_dsp { return qi_convolution_dsp(&convolution, scratch.pointer, output) }
      if set == qi_avx512 {
        let rows = GuardedArray(
          [Int8](repeating: 99, count: cellsAtOnce * ((inputsPerOutput + 3) / 4 * 4)), guarding: end)
        return withExtendedLifetime(rows) {
          qi_convolution_int8(set, &convolution, rows.pointer, rows.array.count, output)
        }
      }
      // Half of the scratch is enough for rows of bytes.
      let bytes = GuardedArray([Int8](repeating: 99, count: scratch.array.count), guarding: end)
      return withExtendedLifetime(bytes) { qi_convolution_mve(&convolution, bytes.pointer, output) }
    }
  }
}

import CKernels
import Foundation
import Testing

/// The sets that have whole convolutions: ARM's DSP and vector extensions, on the host in plain C (the same sources but for
/// the instructions), and AVX-512 and AMX where the machine has them.
private let convolvingSets = [qi_dsp, qi_mve] + availableSets.filter { $0 == qi_avx512 || $0 == qi_amx }

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
              case qi_avx512, qi_amx:
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

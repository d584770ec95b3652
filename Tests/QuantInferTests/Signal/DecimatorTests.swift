import ECG
import Foundation
import ModelFiles
import Networks
import QuantInfer
import Support
import Testing

/// The device's decimator: its bits against the definition in wide integers, its response against tones.
@Suite struct DecimatorTests {
  private static let rates = [250.0, 256, 360, 500, 512, 1000]
  private static let lowerHz = 128.0

  private func taps(fromHz rate: Double) throws -> DecimatorTaps {
    let ratio = try Resampler(from: rate, to: Self.lowerHz)
    return try DecimatorTaps(numerator: ratio.numerator, denominator: ratio.denominator)
  }

  /// The outputs for samples.
  private func decimated(_ samples: [Int16], _ taps: DecimatorTaps) throws -> [Int16] {
    let memory = AlignedMemory(byteCount: Decimator.stateByteCount(tapCount: taps.tapCount))
    return try taps.tapsQ15.withUnsafeBufferPointer { codes in
      var decimator = try Decimator(
        numerator: taps.numerator, denominator: taps.denominator, tapsQ15: codes, state: memory.bytes)
      return samples.compactMap { decimator.push($0) }
    }
  }

  @Test(arguments: rates) func everyBitIsTheDefinitions(rate: Double) throws {
    let taps = try taps(fromHz: rate)
    var random = SeededGenerator(seed: 101)
    let noise = (0..<6000).map { _ in Int16(truncatingIfNeeded: random.next()) }
    let extremes = (0..<6000).map { $0 / 7 % 2 == 0 ? Int16.min : Int16.max }
    for samples in [noise, extremes, [Int16](repeating: .min, count: 500)] {
      let outputs = try decimated(samples, taps)
      for (index, output) in outputs.enumerated() {
        // The newest input whose time is not before the output's, and how far behind it that lies.
        let time = index * taps.denominator
        let newest = (time + taps.numerator - 1) / taps.numerator
        let row = newest * taps.numerator - time
        let sum = (0..<taps.tapCount).reduce(0) { sum, tap in
          sum + Int(taps.tapsQ15[row * taps.tapCount + tap]) * Int(samples[max(0, newest - tap)])
        }
        let rounded = Int((Double(sum) / 32_768 + 0.5).rounded(.down))
        #expect(Int(output) == max(-32_768, min(32_767, rounded)), "\(index)")
      }
      #expect(outputs.count == (samples.count - 1) * taps.numerator / taps.denominator + 1)
    }
  }

  /// A tone behind the decimator: its amplitude and its phase against the input's, four samples later.
  private func response(atHertz hertz: Double, _ taps: DecimatorTaps, rate: Double) throws -> (
    inPhase: Double, quadrature: Double, rootMeanSquare: Double
  ) {
    let samples = (0..<Int(rate * 40)).map {
      Int16((20_000 * sin(2 * Double.pi * hertz * Double($0) / rate)).rounded())
    }
    let output = try decimated(samples, taps).map(Double.init)
    var (sine, cosine, energy, power) = (0.0, 0.0, 0.0, 0.0)
    let middle = output.count / 4..<output.count * 3 / 4
    for index in middle {
      let time = Double(index - DecimatorTaps.delaySamples) / Self.lowerHz
      let window = 1 - cos(2 * Double.pi * Double(index - middle.lowerBound) / Double(middle.count))
      sine += window * output[index] * sin(2 * Double.pi * hertz * time)
      cosine += window * output[index] * cos(2 * Double.pi * hertz * time)
      energy += window / 2
      power += output[index] * output[index]
    }
    return (
      sine / energy / 20_000, cosine / energy / 20_000,
      (2 * power / Double(middle.count)).squareRoot() / 20_000
    )
  }

  private func decibels(_ amplitude: Double) -> Double { 20 * log10(amplitude) }

  @Test(arguments: rates) func theResponseIsAsStated(rate: Double) throws {
    let taps = try taps(fromHz: rate)
    for hertz in [1.3, 5, 10.7, 20, 30, 36, 40.9] {
      let tone = try response(atHertz: hertz, taps, rate: rate)
      #expect(abs(decibels(tone.inPhase)) < 0.05, "\(hertz) Hz: \(decibels(tone.inPhase)) dB")
      // Its delay is exactly four samples: nothing is out of phase.
      #expect(abs(tone.quadrature) < 0.001, "\(hertz) Hz")
    }
    let edge = try decibels(response(atHertz: 48, taps, rate: rate).inPhase)
    #expect((-0.55 ... -0.4).contains(edge), "\(edge) dB at 48 Hz")
    for hertz in stride(from: 88.5, to: rate / 2, by: rate / 60) {
      let alias = try decibels(response(atHertz: hertz, taps, rate: rate).rootMeanSquare)
      #expect(alias < -44, "\(hertz) Hz: \(alias) dB")
    }
  }

  @Test(arguments: rates) func aConstantStaysWhatItIs(rate: Double) throws {
    let taps = try taps(fromHz: rate)
    for level in [Int16.min, -2047, -1, 0, 1, 1234, .max] {
      #expect(try decimated([Int16](repeating: level, count: 400), taps).allSatisfy { $0 == level })
    }
  }

  @Test func aRatioThatNoDeviceHasIsRefused() throws {
    for (numerator, denominator) in [(0, 1), (1, 1), (3, 4), (2, 3), (1, 40), (1, 2000)] {
      if (numerator, denominator) == (2, 3) {
        _ = try DecimatorTaps(numerator: numerator, denominator: denominator)
      } else {
        #expect(throws: InvalidNetwork.self) {
          try DecimatorTaps(numerator: numerator, denominator: denominator)
        }
      }
    }
  }

  /// Tries to make a decimator of taps.
  private func make(
    _ taps: [Int16], numerator: Int = 1, denominator: Int = 2, state: UnsafeMutableRawBufferPointer
  ) throws {
    try taps.withUnsafeBufferPointer { codes in
      _ = try Decimator(numerator: numerator, denominator: denominator, tapsQ15: codes, state: state)
    }
  }

  @Test func tapsThatCouldOverflowAndMemoryThatDoesNotFitAreRefused() throws {
    let memory = AlignedMemory(byteCount: 4096)
    try make([32_767, 32_767, 1], state: memory.bytes)
    for (taps, numerator, denominator) in [
      ([32_767, 32_767, 2], 1, 2), ([], 1, 2), ([1, 2, 3], 2, 3), ([1], 1, 1001), ([1, 1], 2, 1),
      ([Int16](repeating: 1, count: 257), 1, 2),
    ] as [([Int16], Int, Int)] {
      #expect(throws: MemoryError.unsupportedSampleRate) {
        try make(taps, numerator: numerator, denominator: denominator, state: memory.bytes)
      }
    }
    let needed = Decimator.stateByteCount(tapCount: 3)
    #expect(throws: MemoryError.tooSmall(requiredByteCount: needed)) {
      try make([1, 2, 3], state: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<(needed - 1)]))
    }
    #expect(throws: MemoryError.misaligned) {
      try make([1, 2, 3], state: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[2...]))
    }
  }

  @Test func aStateOfRandomBytesNeitherTrapsNorLeavesItsMemory() throws {
    let taps = try taps(fromHz: 360)
    let count = Decimator.stateByteCount(tapCount: taps.tapCount)
    let memory = AlignedMemory(byteCount: count + 16)
    for index in count..<count + 16 { memory.bytes[index] = 0x5A }
    var random = SeededGenerator(seed: 102)
    try taps.tapsQ15.withUnsafeBufferPointer { codes in
      var decimator = try Decimator(
        numerator: taps.numerator, denominator: taps.denominator, tapsQ15: codes,
        state: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<count]))
      for _ in 0..<2000 {
        for index in 0..<count { memory.bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
        for _ in 0..<20 { _ = decimator.push(Int16(truncatingIfNeeded: random.next())) }
      }
      #expect(memory.bytes[count...].allSatisfy { $0 == 0x5A })
      decimator.reset()
      let samples = (0..<500).map { _ in Int16(truncatingIfNeeded: random.next()) }
      #expect(samples.compactMap { decimator.push($0) } == (try decimated(samples, taps)))
    }
  }
}

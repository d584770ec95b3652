import ECG
import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks
import Testing
import TestSupport

/// The fixed-point spectrogram against FFTW in double precision, on the same counts.
@Suite struct SpectrogramTests {
  /// What a comparison of two spectrograms gave.
  struct Comparison {
    var signalPower = 0.0
    var errorPower = 0.0
    var codeCount = 0
    var largestStep = 0
    var codesWithinOneStep = 0
    var decibels: Double { 10 * log10(signalPower / errorPower) }
    var withinOneStep: Double { Double(codesWithinOneStep) / Double(codeCount) }
  }

  static func compare(
    _ samples: [Int16], settings: SpectrogramSettings = SpectrogramSettings(), microvoltsPerCount: Float = 1,
    method: TransformMethod? = nil
  ) throws -> Comparison {
    let loaded = try LoadedModel(
      image: Self.image(settings, microvoltsPerCount: microvoltsPerCount, method: method))
    let plan = try #require(
      loaded.model.frontEnd.flatMap { if case .spectrogram(let plan) = $0 { plan } else { nil } })
    let state = AlignedMemory(byteCount: loaded.model.stateByteCount)
    let scratch = AlignedMemory(byteCount: loaded.model.scratchByteCount)
    var fixed = try StreamingSpectrogram(plan: plan, state: state.bytes, scratch: scratch.bytes)
    let reference = ReferenceSpectrogram(settings)
    let codes = UnsafeMutablePointer<Int8>.allocate(capacity: settings.binCount)
    defer { codes.deallocate() }
    var comparison = Comparison()
    for sample in samples {
      let isComplete = reference.push(Double(sample) * Double(microvoltsPerCount))
      #expect(fixed.push(sample) == isComplete)
      guard isComplete else { continue }
      fixed.computeColumn(into: codes)
      for bin in 0..<settings.binCount {
        let right = reference.latestSpectrum(at: bin)
        let counts = plan.counts(fixed.spectrum(at: bin), at: bin)
        let scale = Double(microvoltsPerCount)
        comparison.signalPower += right.real * right.real + right.imaginary * right.imaginary
        comparison.errorPower +=
          pow(counts.real * scale - right.real, 2) + pow(counts.imaginary * scale - right.imaginary, 2)
        let code = Int(reference.latestColumn[bin].rounded()) + SpectrogramSettings.zeroLevelCode
        let step = abs(Int(codes[bin]) - code)
        comparison.largestStep = max(comparison.largestStep, step)
        comparison.codesWithinOneStep += step <= 1 ? 1 : 0
        comparison.codeCount += 1
      }
    }
    return comparison
  }

  /// A model whose network doesn't matter.
  static func image(
    _ settings: SpectrogramSettings, microvoltsPerCount: Float, method: TransformMethod? = nil
  ) throws -> [UInt8] {
    let tables = try FrontEndTables(settings, microvoltsPerCount: microvoltsPerCount, method: method)
    let network = QuantizedNetwork(
      tensors: [
        .init(name: "input", shape: [1, 1, 1, settings.binCount], scale: 1, zeroPoint: 0),
        .init(name: "output", shape: [1, 1], scale: 1, zeroPoint: 0),
      ],
      operators: [
        .fullyConnected(
          from: 0, to: 1,
          weights: .init(
            codes: [Int8](repeating: 1, count: settings.binCount), biases: [0], scales: [0.01], inputScale: 1,
            outputScale: 1))
      ], input: 0, output: 1)
    return try ModelImage(network, frontEnd: tables).bytes
  }

  static func tone(_ frequencyHz: Double, amplitude: Double, count: Int = 2560) -> [Int16] {
    (0..<count).map { Int16((amplitude * sin(2 * .pi * frequencyHz / 128 * Double($0))).rounded()) }
  }

  static let frequenciesHz = [4.0, 6.3, 10, 17.7, 24, 33.3, 40, 47.1]

  // claim: spectrogram
  @Test(arguments: frequenciesHz)
  func fullScaleTonesHaveAtLeast60Decibels(frequencyHz: Double) throws {
    let comparison = try Self.compare(Self.tone(frequencyHz, amplitude: 32_767))
    print("tone \(frequencyHz) Hz, full scale: \(comparison.decibels) dB")
    #expect(comparison.decibels >= 60)
  }

  // claim: spectrogram
  @Test(arguments: frequenciesHz)
  func tonesAt40DecibelsBelowHaveAtLeast50(frequencyHz: Double) throws {
    let comparison = try Self.compare(Self.tone(frequencyHz, amplitude: 327.67))
    print("tone \(frequencyHz) Hz, -40 dBFS: \(comparison.decibels) dB")
    #expect(comparison.decibels >= 50)
  }

  // claim: spectrogram
  @Test(arguments: [32_767.0, 327.67])
  func theShippedECGHasAtLeast60DecibelsAtAnyLevel(peak: Double) throws {
    let record = try Record.read(ProjectFiles.record)
    let millivolts = try record.signals[0].millivolts(atRateHz: 128)
    let largest = millivolts.reduce(0) { max($0, abs($1)) }
    let comparison = try Self.compare(millivolts.map { Int16((Double($0 / largest) * peak).rounded()) })
    print("mitdb-208, peak \(peak) counts: \(comparison.decibels) dB")
    #expect(comparison.decibels >= 60)
  }

  // claim: spectrogram
  @Test(arguments: [32_767.0, 327.67])
  func whiteNoiseHasAtLeast60Decibels(amplitude: Double) throws {
    var random = SeededGenerator(seed: 5)
    let comparison = try Self.compare(
      (0..<20_000).map { _ in Int16(random.next(in: -amplitude...amplitude)) })
    #expect(comparison.decibels >= 60)
    #expect(comparison.withinOneStep == 1)
  }

  @Test(arguments: [16, 32, 64, 128, 256, 512], [TransformMethod.direct, .fast])
  func everyTransformLengthHoldsTheBound(length: Int, method: TransformMethod) throws {
    guard method == .fast || length == 32 || length == 64 else { return }
    var settings = SpectrogramSettings()
    settings.windowSamples = length
    settings.firstBin = 0
    settings.binCount = length / 2 + 1
    for amplitude in [32_767, 327.67] {
      let comparison = try Self.compare(
        Self.tone(17.7, amplitude: amplitude, count: 6000), settings: settings, method: method)
      print("\(method) transform of \(length), amplitude \(amplitude): \(comparison.decibels) dB")
      #expect(comparison.decibels >= (amplitude > 1000 ? 60 : 50), "length \(length)")
    }
  }

  @Test(arguments: [2047, 204.7, 20.47])
  func codesOfTonesThroughA12BitConverterAreWithinOneStep(amplitude: Double) throws {
    var withinOneStep = 0
    var count = 0
    for frequencyHz in Self.frequenciesHz {
      let comparison = try Self.compare(
        Self.tone(frequencyHz, amplitude: amplitude), microvoltsPerCount: 10_000 / 4096)
      withinOneStep += comparison.codesWithinOneStep
      count += comparison.codeCount
    }
    #expect(Double(withinOneStep) >= 0.999 * Double(count))
  }

  @Test(arguments: [0.05, 2.44, 40])
  func codesAreWithinOneStepForAnyConverter(microvoltsPerCount: Float) throws {
    var random = SeededGenerator(seed: 6)
    var level = 0.0
    let wander: [Int16] = (0..<20_000).map { index in
      level += random.next(in: -1...1)
      let spike = index % 97 < 6 ? 900.0 : 0
      return Int16(max(-2048, min(2047, level + spike + random.next(in: -20...20))))
    }
    let comparison = try Self.compare(wander, microvoltsPerCount: microvoltsPerCount)
    #expect(comparison.withinOneStep >= 0.999)
    #expect(comparison.largestStep <= 2)
  }

  @Test func silenceReadsTheFloorsCodeExactly() throws {
    let comparison = try Self.compare([Int16](repeating: 1234, count: 400))
    #expect(comparison.largestStep == 0)
  }

  @Test func extremeSamplesNeverTrap() throws {
    let square = (0..<4000).map { Int16($0 / 7 % 2 == 0 ? Int16.min : Int16.max) }
    let comparison = try Self.compare(square)
    #expect(comparison.decibels >= 60)
  }
}

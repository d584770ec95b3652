import Foundation
import Networks
import Support
import Tasks
import Testing

@Suite struct SpectrogramTests {
  private let settings = SpectrogramSettings()

  private func noise(count: Int, amplitude: Double = 500, seed: UInt64 = 1) -> [Double] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in generator.next(in: -amplitude...amplitude) }
  }

  /// The definition in `SpectrogramSettings`, term by term, with a transform of O(N^2) operations.
  private func definition(_ x: [Double]) -> [Double] {
    var y = [Double](repeating: 0, count: x.count)
    for n in x.indices.dropFirst() {
      y[n] = x[n] - x[n - 1] + (1 - pow(2, -Double(settings.highPassShift))) * y[n - 1]
    }
    let length = settings.windowSamples
    let w = (0..<length).map { 0.5 - 0.5 * cos(2 * Double.pi * Double($0) / Double(length)) }
    var levels: [Double] = []
    for k in 0..<settings.columnCount(sampleCount: x.count) {
      for b in settings.firstBin..<settings.firstBin + settings.binCount {
        var real = 0.0
        var imaginary = 0.0
        for n in 0..<length {
          let angle = 2 * Double.pi * Double(b * n) / Double(length)
          real += w[n] * y[k * settings.hopSamples + n] * cos(angle)
          imaginary -= w[n] * y[k * settings.hopSamples + n] * sin(angle)
        }
        let amplitude = 2 * (real * real + imaginary * imaginary).squareRoot() / w.reduce(0, +)
        let floor = settings.floorMicrovolts
        let magnitude = (amplitude * amplitude + floor * floor).squareRoot()
        levels.append(min(max(settings.codesPerOctave * log2(magnitude / floor), 0), 255))
      }
    }
    return levels
  }

  @Test func doublePrecisionEqualsTheDefinition() {
    let signal = noise(count: 400)
    let levels = ReferenceSpectrogram(settings).levels(ofMicrovolts: signal)
    let expected = definition(signal)
    #expect(levels.count == expected.count && levels.count == 47 * 12)
    #expect(zip(levels, expected).allSatisfy { abs($0 - $1) < 1e-9 })
  }

  @Test func singlePrecisionIsWithinAThousandthOfALevel() {
    let signal = noise(count: 4_000)
    let float = FloatSpectrogram(settings).levels(ofMicrovolts: signal.map { Float($0) })
    let reference = ReferenceSpectrogram(settings).levels(ofMicrovolts: signal)
    #expect(zip(float, reference).allSatisfy { abs(Double($0) - $1) < 1e-3 })
  }

  @Test func sineOnABinReadsItsAmplitude() {
    // 1 mV at 16 Hz is bin 4; the high-pass passes 16 Hz with a gain that follows from its equation.
    let frequency = 2 * Double.pi * 16 / settings.sampleRateHz
    let pole = 1 - pow(2, -Double(settings.highPassShift))
    let gain =
      2 * sin(frequency / 2) / (1 - 2 * pole * cos(frequency) + pole * pole).squareRoot()
    let signal = (0..<2_000).map { 1_000 * sin(frequency * Double($0) + 0.3) }
    let levels = ReferenceSpectrogram(settings).levels(ofMicrovolts: signal)
    let amplitude = 1_000 * gain
    let expected = 24 * log2((amplitude * amplitude + 25).squareRoot() / 5)
    let column = Array(levels.suffix(12))
    #expect(abs(column[4 - settings.firstBin] - expected) < 1e-6)
    // A periodic Hann window leaks to the two neighbours alone, at half the amplitude: one octave less.
    #expect(abs(column[3 - settings.firstBin] - (expected - 24)) < 0.1)
    #expect(column[6 - settings.firstBin] < 1e-6)
  }

  @Test func streamEqualsWholeSignalBitForBit() {
    let signal = noise(count: 1_003).map { Float($0) }
    let whole = FloatSpectrogram(settings).levels(ofMicrovolts: signal)
    let stream = FloatSpectrogram(settings)
    #expect(stream.push(123) == false)
    stream.reset()
    var streamed: [Float] = []
    for (index, sample) in signal.enumerated() where stream.push(sample) {
      #expect(index == settings.lastSample(ofColumn: streamed.count / settings.binCount))
      streamed += stream.latestColumn
    }
    #expect(streamed == whole)
  }

  @Test func signalShorterThanAWindowHasNoColumn() {
    #expect(FloatSpectrogram(settings).levels(ofMicrovolts: []).isEmpty)
    #expect(FloatSpectrogram(settings).levels(ofMicrovolts: [Float](repeating: 1, count: 31)).isEmpty)
    #expect(FloatSpectrogram(settings).levels(ofMicrovolts: [Float](repeating: 1, count: 32)).count == 12)
  }

  @Test func constantSignalIsAllFloorAndAHugeOneIsLimited() {
    let silent = FloatSpectrogram(settings).levels(ofMicrovolts: [Float](repeating: 900, count: 100))
    #expect(silent.allSatisfy { $0 == 0 })
    let huge = FloatSpectrogram(settings).levels(
      ofMicrovolts: noise(count: 100, amplitude: 1e9).map { Float($0) })
    #expect(huge.allSatisfy { $0 == 255 })
  }

  @Test func settingsThatCantWorkAreNamed() {
    #expect(settings.problem == nil)
    func problem(_ change: (inout SpectrogramSettings) -> Void) -> String? {
      var changed = settings
      change(&changed)
      return changed.problem
    }
    #expect(problem { $0.sampleRateHz = 0 } != nil)
    #expect(problem { $0.sampleRateHz = .nan } != nil)
    #expect(problem { $0.windowSamples = 33 } != nil)
    #expect(problem { $0.hopSamples = 0 } != nil)
    #expect(problem { $0.firstBin = .max } != nil)
    #expect(problem { $0.binCount = 17 } != nil)
    #expect(problem { $0.highPassShift = 0 } != nil)
    #expect(problem { $0.floorMicrovolts = 0 } != nil)
    #expect(problem { $0.levelsPerUnit = .infinity } != nil)
  }
}

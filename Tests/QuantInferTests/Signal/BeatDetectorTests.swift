import ECG
import Foundation
import Metrics
import QuantInfer
import Support
import Testing
import TestSupport

/// A synthetic lead: Gaussian P, Q, R, S and T waves, and a heart rate that varies from beat to beat.
private struct SyntheticLead: CustomTestStringConvertible {
  var counts: [Double]
  let beats: [Int]
  let rateHz: Double

  var testDescription: String { "\(beats.count) synthetic beats at \(rateHz) Hz" }

  init(seconds: Double, rateHz: Double = 128, rPeakCounts: Double = 410, seed: UInt64 = 1) {
    let waves: [(seconds: Double, width: Double, height: Double)] = [
      (-0.160, 0.022, 0.12), (-0.028, 0.009, -0.12), (0, 0.011, 1), (0.028, 0.010, -0.22),
      (0.260, 0.045, 0.28),
    ]
    var random = SeededGenerator(seed: seed)
    var counts = [Double](repeating: 0, count: Int(seconds * rateHz))
    var beats: [Int] = []
    var time = 0.4
    while time + 0.1 < seconds {
      beats.append(Int((time * rateHz).rounded()))
      for wave in waves {
        let center = (time + wave.seconds) * rateHz
        let width = wave.width * rateHz
        let reach = Int(5 * width)
        for index in max(0, Int(center) - reach)...Int(center) + reach where index < counts.count {
          let distance = (Double(index) - center) / width
          counts[index] += rPeakCounts * wave.height * exp(-distance * distance / 2)
        }
      }
      time += random.next(in: 0.65...1.05)
    }
    self.counts = counts
    self.beats = beats
    self.rateHz = rateHz
  }

  var samples: [Int16] { counts.map { Int16(clamping: Int($0.rounded())) } }

  /// Adds a value that depends on the time in seconds.
  func adding(_ value: (Double) -> Double) -> SyntheticLead {
    var result = self
    for index in counts.indices { result.counts[index] += value(Double(index) / rateHz) }
    return result
  }

  /// Whether exactly the beats after `seconds` are found, each within 30 ms.
  func isFound(after seconds: Double = 1.2) -> Bool {
    let found = detectBeats(samples, rateHz: rateHz).map(\.place)
    let range = Int(seconds * rateHz)..<counts.count - Int(0.5 * rateHz)
    let expected = beats.filter { range.contains($0) }
    let inTime = found.filter { range.contains($0) }
    return expected.count > 10 && expected.count == inTime.count
      && zip(expected, inTime).allSatisfy { Double(abs($0 - $1)) <= 0.030 * rateHz }
  }
}

/// A beat that the detector reported.
private struct Report: Equatable {
  var place: Int
  var latency: Int
}

/// Memory for a detector's state, at a multiple of 4.
private final class DetectorState {
  let bytes: UnsafeMutableRawBufferPointer

  init(_ rateMillihertz: UInt32) {
    bytes = .allocate(
      byteCount: BeatDetector.stateByteCount(sampleRateMillihertz: rateMillihertz), alignment: 4)
  }

  deinit { bytes.deallocate() }
}

/// Runs a new detector over the samples; `disturb` may damage its state before a sample.
private func detectBeats(
  _ samples: [Int16], rateHz: Double = 128,
  disturb: (_ index: Int, _ state: UnsafeMutableRawBufferPointer) -> Void = { _, _ in }
) -> [Report] {
  let rate = UInt32(rateHz * 1000)
  let state = DetectorState(rate)
  guard var detector = try? BeatDetector(sampleRateMillihertz: rate, state: state.bytes) else { return [] }
  var reports: [Report] = []
  for (index, sample) in samples.enumerated() {
    disturb(index, state.bytes)
    if let age = detector.push(sample) { reports.append(Report(place: index - Int(age), latency: Int(age))) }
  }
  return reports
}

/// Outside truth: beats at known places, and MIT-BIH's reference annotations.
@Suite struct BeatDetectorTests {
  @Test(arguments: [100.0, 128, 200, 250, 360, 500, 1000])
  func syntheticBeatsAreFoundAtEveryRate(rateHz: Double) {
    #expect(SyntheticLead(seconds: 60, rateHz: rateHz).isFound())
  }

  @Test(arguments: [41.0, -41, 410, -410, 2049, -2049, 32_000, -32_000])
  func amplitudeAndPolarityDoNotMatter(rPeakCounts: Double) {
    #expect(SyntheticLead(seconds: 60, rPeakCounts: rPeakCounts).isFound())
  }

  @Test(arguments: [50.0, 60])
  func mainsHumIsNoBeat(humHz: Double) {
    let lead = SyntheticLead(seconds: 60).adding { 100 * sin(2 * .pi * humHz * $0) }
    #expect(lead.isFound())
  }

  @Test func aWanderingBaselineIsNoBeat() {
    #expect(SyntheticLead(seconds: 60).adding { 800 * sin(2 * .pi * 0.3 * $0) }.isFound())
  }

  @Test(arguments: [820.0, -820, 8200])
  func aStepOfTheBaselineIsNoBeat(counts: Double) {
    let lead = SyntheticLead(seconds: 60)
    let between = Double(lead.beats[30] + lead.beats[31]) / 2 / lead.rateHz
    #expect(lead.adding { $0 < between ? 0 : counts }.isFound())
  }

  @Test func beatsAreFoundAgainAfterTenSecondsWithoutSignal() {
    var lead = SyntheticLead(seconds: 60)
    for index in 20 * 128..<30 * 128 { lead.counts[index] = 0 }
    #expect(lead.isFound(after: 31))
    #expect(detectBeats(lead.samples).allSatisfy { !(21 * 128..<30 * 128 - 10).contains($0.place) })
  }

  @Test(arguments: [0.9, 1.5, 5, 30])
  func beatsAreFoundAfterAFlatStart(seconds: Double) {
    var lead = SyntheticLead(seconds: 60)
    for index in 0..<Int(seconds * 128) { lead.counts[index] = 0 }
    #expect(lead.isFound(after: max(seconds, 1) + 1.2))
  }

  @Test func beatsAreFoundAgainWithinTenSecondsOfSaturation() {
    var lead = SyntheticLead(seconds: 60)
    for index in 20 * 128..<25 * 128 { lead.counts[index] = index / 8 % 2 == 0 ? 40_000 : -40_000 }
    #expect(lead.isFound(after: 35))
  }

  @Test(arguments: [Int16.min, -1, 0, 2047, .max])
  func aConstantHasNoBeats(level: Int16) {
    #expect(detectBeats([Int16](repeating: level, count: 128 * 60)).isEmpty)
  }

  @Test func noiseOfTheLastBitHasNoBeats() {
    var random = SeededGenerator(seed: 3)
    #expect(detectBeats((0..<128 * 60).map { _ in Int16(random.nextIndex(below: 3)) }).isEmpty)
  }

  /// Ages that are too great would show that a report reaches behind what the detector keeps.
  @Test(arguments: [100.0, 128, 360, 1000])
  func wildSamplesGiveReportsInOrderAndInTime(rateHz: Double) {
    var random = SeededGenerator(seed: 4)
    let count = Int(rateHz * 60)
    let noise = (0..<count).map { _ in Int16(truncatingIfNeeded: random.next()) }
    let extremes = (1...40).map { run in
      (0..<count).map { $0 / run % 2 == 0 ? Int16.min : Int16.max }
    }
    let bursts = (0..<count).map { $0 / 300 % 3 == 0 ? Int16(truncatingIfNeeded: random.next()) : 0 }
    for samples in extremes + [noise, bursts] {
      let reports = detectBeats(samples, rateHz: rateHz)
      #expect(reports.allSatisfy { $0.latency >= 0 && Double($0.latency) <= 0.61 * rateHz })
      #expect(zip(reports, reports.dropFirst()).allSatisfy { Double($1.place - $0.place) >= 0.19 * rateHz })
    }
  }

  @Test func aStateOfRandomBytesHealsWithinHalfAMinute() {
    let lead = SyntheticLead(seconds: 90)
    let expected = detectBeats(lead.samples).map(\.place).filter { $0 >= 60 * 128 }
    var random = SeededGenerator(seed: 5)
    for _ in 0..<50 {
      let found = detectBeats(lead.samples) { index, state in
        guard index == 30 * 128 else { return }
        for place in state.indices { state[place] = UInt8(truncatingIfNeeded: random.next()) }
      }
      #expect(found.map(\.place).filter { $0 >= 60 * 128 } == expected)
    }
  }

  @Test func aFlippedBitOfTheStateHealsWithinHalfAMinute() {
    let lead = SyntheticLead(seconds: 60)
    let expected = detectBeats(lead.samples).map(\.place).filter { $0 >= 40 * 128 }
    let bitCount = 8 * BeatDetector.stateByteCount(sampleRateMillihertz: 128_000)
    // All bits of the counters and levels, and some of the rings.
    let bits = Array(0..<512) + stride(from: 512, to: bitCount, by: 37)
    let differing = bits.filter { bit in
      let found = detectBeats(lead.samples) { index, state in
        if index == 10 * 128 { state[bit / 8] ^= 1 << UInt8(bit % 8) }
      }
      return found.map(\.place).filter { $0 >= 40 * 128 } != expected
    }
    #expect(differing.isEmpty)
  }

  /// A digest of all reports, with their latencies.
  private func digest(rateHz: Double, seed: UInt64) -> UInt64 {
    var random = SeededGenerator(seed: seed)
    let count = Int(rateHz * 120)
    let lead = SyntheticLead(seconds: 120, rateHz: rateHz, seed: seed).adding { _ in random.next(in: -60...60)
    }
    let wild = (0..<count).map { index in
      index / 500 % 4 == 0 ? Int16(truncatingIfNeeded: random.next()) : index / 37 % 2 == 0 ? .min : .max
    }
    var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    for samples in [lead.samples, wild] {
      for report in detectBeats(samples, rateHz: rateHz) {
        for number in [report.place, report.latency] {
          digest = (digest ^ UInt64(truncatingIfNeeded: number)) &* 0x100_0000_01B3
        }
      }
    }
    return digest
  }

  /// The digests are those of the detector as it was when it took every sum of its filters anew for each sample.
  @Test(
    arguments: [
      (100.0, 4077384197613133603), (128, 3598740212181600463), (200, 13518424938923803215),
      (250, 16541628563217708814), (360, 6491497197206121607), (500, 4047673328631533602),
      (1000, 752799702078928617),
    ] as [(Double, UInt64)])
  func sumsThatFollowTheSamplesFindTheSameBeats(rateHz: Double, expected: UInt64) {
    #expect(digest(rateHz: rateHz, seed: 6) == expected)
  }

  /// Bursts of wild samples, a second apart: the complex behind a peak 25 samples ago is the band-passed samples of 24 to 42
  /// samples ago, whose middle is 8 low-passed samples before them.
  @Test func aBeatsSlopeIsTheSteepestOfItsComplex() throws {
    var random = SeededGenerator(seed: 8)
    let samples = (0..<300 * 128).map { $0 % 128 < 25 ? Int16(random.nextIndex(below: 3001) - 1500) : 0 }
    // A triangle of half length 3 is a sum of three samples twice over.
    let smooth = samples.indices.map { index in
      zip([1, 2, 3, 2, 1], index - 4...index).reduce(0) { $0 + ($1.1 < 0 ? 0 : $1.0 * Int(samples[$1.1])) }
    }
    let state = DetectorState(128_000)
    var detector = try BeatDetector(sampleRateMillihertz: 128_000, state: state.bytes)
    func word(_ index: Int) -> Int { Int(state.bytes.load(fromByteOffset: 4 * index, as: Int32.self)) }
    var compared = 0
    for (index, sample) in samples.enumerated() where detector.push(sample) != nil {
      // The height and age of the largest curve length are 0 where this sample's peak was the beat, not an earlier one.
      guard word(2) == 0, word(3) == 0 else { continue }
      let slopes = (32...50).map { abs(smooth[index - $0] - smooth[index - $0 - 3]) }
      #expect(word(9) == slopes.max(), "at \(index)")
      compared += 1
    }
    #expect(compared > 200)
  }

  @Test func aResetForgetsEverything() throws {
    let samples = SyntheticLead(seconds: 30).samples
    let state = DetectorState(128_000)
    var detector = try BeatDetector(sampleRateMillihertz: 128_000, state: state.bytes)
    let first = samples.map { detector.push($0) }
    detector.reset()
    #expect(samples.map { detector.push($0) } == first)
  }

  @Test func aCopiedStateGoesOnAlike() throws {
    let samples = SyntheticLead(seconds: 30).samples
    let (state, copy) = (DetectorState(128_000), DetectorState(128_000))
    var detector = try BeatDetector(sampleRateMillihertz: 128_000, state: state.bytes)
    var twin = try BeatDetector(sampleRateMillihertz: 128_000, state: copy.bytes)
    for sample in samples.prefix(1777) { _ = detector.push(sample) }
    copy.bytes.copyMemory(from: UnsafeRawBufferPointer(state.bytes))
    for sample in samples.dropFirst(1777) { #expect(twin.push(sample) == detector.push(sample)) }
  }

  @Test(arguments: [0, 99_999, 1_000_001, UInt32.max])
  func otherRatesAreRefused(rateMillihertz: UInt32) {
    let state = DetectorState(rateMillihertz)
    #expect(throws: MemoryError.unsupportedSampleRate) {
      _ = try BeatDetector(sampleRateMillihertz: rateMillihertz, state: state.bytes)
    }
  }

  @Test func memoryThatDoesNotFitIsRefused() {
    let state = DetectorState(128_000)
    let short = UnsafeMutableRawBufferPointer(rebasing: state.bytes.dropLast())
    #expect(throws: MemoryError.tooSmall(requiredByteCount: state.bytes.count)) {
      _ = try BeatDetector(sampleRateMillihertz: 128_000, state: short)
    }
    let large = DetectorState(256_000)
    let odd = UnsafeMutableRawBufferPointer(rebasing: large.bytes.dropFirst())
    #expect(throws: MemoryError.misaligned) {
      _ = try BeatDetector(sampleRateMillihertz: 128_000, state: odd)
    }
  }

  // claim: detector
  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func atLeast995In1000BeatsOfMITBIHAreFoundAndAsManyReportsAreBeats() throws {
    for records in [MITBIH.ds1, MITBIH.ds2 + MITBIH.paced] {
      var gross = BeatMatching(reference: [], detected: [], sampleRateHz: 128)
      for record in records { gross.add(try match(Databases.path("mitdb/" + record))) }
      let nearCount = gross.matches.count { Double(abs($0.detected - $0.reference)) <= 0.030 * 128 }
      #expect(try #require(gross.sensitivity) >= 0.995)
      #expect(try #require(gross.positivePredictivity) >= 0.995)
      #expect(Double(nearCount) >= 0.98 * Double(gross.matches.count))
    }
  }

  /// Detects the beats of a record's MLII, or of its first lead, at 128 Hz in a 12-bit converter's counts.
  private func match(_ path: String) throws -> BeatMatching {
    let record = try Record.read(path)
    let lead = record.signals.first { $0.name == "MLII" } ?? record.signals[0]
    let samples = try lead.millivolts(atRateHz: 128).map { millivolts in
      Int16(min(max(-2048, (millivolts / 0.00244).rounded()), 2047))
    }
    let labels = try Annotations.read(path).resampled(from: record.sampleRateHz, to: 128)
    var flutters: [Range<Int>] = []
    for label in labels.all {
      if label.code == AnnotationCode(mnemonic: "[") { flutters.append(label.sample..<samples.count) }
      if label.code == AnnotationCode(mnemonic: "]"), let start = flutters.popLast()?.lowerBound {
        flutters.append(start..<label.sample)
      }
    }
    return BeatMatching(
      reference: labels.beats.map(\.sample), detected: detectBeats(samples).map(\.place), sampleRateHz: 128,
      excluding: flutters)
  }
}

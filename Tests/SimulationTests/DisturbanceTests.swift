import ECG
import Foundation
import HostDevice
import Simulation
import Support
import Testing
import TestSupport

/// What befalls a signal before the converter, measured on the counts of a fine converter at the record's own rate,
/// where no anti-alias filter comes between.
@Suite struct DisturbanceTests {
  private static let rate = 360.0
  private static let fine = DeviceProfile(
    name: "fine", summary: "", converterBits: 16, converterRangeMillivolts: 65.536)

  /// A minute of the shipped record.
  private func record() throws -> Record {
    var record = try Record.read(ProjectFiles.record)
    record.signals[0].samples = Array(record.signals[0].samples.prefix(21_600))
    record.sampleCount = 21_600
    return record
  }

  /// R peaks, found by their height alone: the record's largest deflections more than 0.4 s apart.
  private func peaks(_ samples: [Double]) -> [Int] {
    stride(from: 180, to: samples.count - 180, by: 1).filter { index in
      samples[index] > 500 && samples[index] == samples[index - 144...index + 144].max()
    }
  }

  /// A record's counts of 1 uV.
  private func acquire(
    _ record: Record, profile: DeviceProfile = fine, noise: String? = nil, beats: [Int]? = nil,
    _ change: (inout Disturbances) -> Void = { _ in }
  ) throws -> Acquisition {
    var disturbances = Disturbances()
    disturbances.noise = noise
    change(&disturbances)
    return try Acquisition(
      record, lead: nil, sampleRateHz: Self.rate, profile: profile, file: "mitdb-208",
      disturbances: disturbances,
      noise: noise.map { try Noise($0) }, beats: beats)
  }

  private func microvolts(_ acquisition: Acquisition) -> [Double] { acquisition.samples.map(Double.init) }

  /// The noise that was added, in microvolts.
  private func noise(_ name: String, decibels: Double = 6, seed: UInt64 = 1) throws -> [Double] {
    let clean = microvolts(try acquire(record()))
    let noisy = microvolts(
      try acquire(record(), noise: name, beats: peaks(clean)) {
        ($0.snrDecibels, $0.seed) = (decibels, seed)
      })
    return zip(noisy, clean).map { $0 - $1 }
  }

  private func trimmedMean(_ values: [Double]) -> Double {
    let cut = values.count / 20
    let kept = values.sorted()[cut..<values.count - cut]
    return kept.reduce(0, +) / Double(kept.count)
  }

  /// The SNR as nst and sigamp define it.
  private func decibels(_ clean: [Double], beats: [Int], noise: [Double]) -> Double {
    let amplitude = trimmedMean(
      beats.map { clean[$0 - 18...$0 + 18].max()! - clean[$0 - 18...$0 + 18].min()! })
    let sizes = (0..<noise.count / 360).map { second in
      let window = noise[second * 360..<second * 360 + 360]
      let mean = window.reduce(0, +) / 360
      return (window.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 360).squareRoot()
    }
    return 20 * log10(amplitude * 2.0.squareRoot() / 4 / trimmedMean(sizes))
  }

  @Test(
    arguments: ["mains50", "mains60", "emg", "wander", ProjectFiles.record], [24.0, 0.0])
  func noiseComesAtItsSNR(name: String, wanted: Double) throws {
    let clean = microvolts(try acquire(record()))
    let beats = peaks(clean)
    #expect(beats.count > 50)
    let measured = try decibels(clean, beats: beats, noise: noise(name, decibels: wanted))
    #expect(abs(measured - wanted) < 0.1)
  }

  @Test func withoutAnnotationsTheDetectorsBeatsMeasureTheSNR() throws {
    let clean = microvolts(try acquire(record()))
    let noisy = microvolts(try acquire(record(), noise: "emg") { $0.snrDecibels = 6 })
    let measured = decibels(clean, beats: peaks(clean), noise: zip(noisy, clean).map { $0 - $1 })
    #expect(abs(measured - 6) < 0.5)
  }

  /// NSTDB's own records were made by nst, which measures the first five minutes of noise, not the noise added; lead
  /// V1's noise is even enough for both to agree within a decibel.
  @Test(
    .enabled(if: Databases.has("nstdb") && Databases.has("mitdb"), "needs NSTDB beside the project"),
    arguments: [24.0, 6.0])
  func theSNRIsThatOfNSTDBsOwnRecords(wanted: Double) throws {
    let name = wanted == 24 ? "118e24" : "118e06"
    func lead(_ path: String) throws -> [Float] { try Record.read(path).signals[1].microvolts() }
    let clean = try lead(Databases.path("mitdb/118"))
    let noisy = try lead(Databases.path("nstdb/" + name))
    let beats = try Annotations.read(Databases.path("mitdb/118")).beats.map(\.sample)
    // From minute 5 on, two minutes with noise and two without.
    let added = (0..<6).flatMap { segment in
      let start = (5 + 4 * segment) * 21_600
      return (start..<start + 43_200).map { noisy[$0] - clean[$0] }
    }
    let amplitude = try #require(NoiseLevel.qrsAmplitude(clean, beats: beats, sampleRateHz: 360))
    let size = try #require(NoiseLevel.rootMeanSquare(added, sampleRateHz: 360))
    #expect(abs(NoiseLevel.decibels(qrsAmplitude: amplitude, noiseRootMeanSquare: size) - wanted) < 1)
  }

  /// The share of a signal's energy in a band, from a DFT of whole hertz over 10 s.
  private func share(_ signal: [Double], from low: Double, to high: Double) -> Double {
    let part = Array(signal[3600..<7200])
    func energy(_ hertz: Double) -> Double {
      var (real, imaginary) = (0.0, 0.0)
      for (index, value) in part.enumerated() {
        let angle = 2 * Double.pi * hertz * Double(index) / Self.rate
        real += value * cos(angle)
        imaginary += value * sin(angle)
      }
      return 2 * (real * real + imaginary * imaginary) / Double(part.count)
    }
    let total = part.reduce(0) { $0 + $1 * $1 }
    return stride(from: low, through: high, by: 0.1).reduce(0) { $0 + energy($1) } / total
  }

  @Test func mixedNoisesTogetherHaveTheSNRAndAreAsLargeAsEachOther() throws {
    let clean = microvolts(try acquire(record()))
    let mixed = try noise("mains50+mains60", decibels: 6)
    #expect(abs(decibels(clean, beats: peaks(clean), noise: mixed) - 6) < 0.1)
    #expect(abs(share(mixed, from: 50, to: 50) - 0.5) < 0.01)
    #expect(abs(share(mixed, from: 60, to: 60) - 0.5) < 0.01)
  }

  @Test func noisesWithAnSNROfTheirOwnComeAtIt() throws {
    let clean = microvolts(try acquire(record()))
    let noisy = microvolts(
      try acquire(record(), noise: "mains50@6+mains60@16", beats: peaks(clean)) { $0.snrDecibels = nil })
    let mixed = zip(noisy, clean).map { $0 - $1 }
    // 10 dB apart: 10 of 11 parts of the energy, and the sum 10 lg 1.1 dB above the larger.
    #expect(abs(share(mixed, from: 50, to: 50) - 10.0 / 11) < 0.01)
    #expect(abs(share(mixed, from: 60, to: 60) - 1.0 / 11) < 0.01)
    #expect(abs(decibels(clean, beats: peaks(clean), noise: mixed) - (6 - 10 * log10(1.1))) < 0.1)
  }

  @Test func aMixtureIsReadOrRefused() {
    let parts = NoisePart.parts(of: "em@-6.5+a/mains50")
    #expect(parts?.map(\.name) == ["em", "a/mains50"] && parts?.map(\.decibels) == [-6.5, nil])
    for bad in ["", "em+", "@6", "em@", "em@six", "em@nan"] {
      #expect(NoisePart.parts(of: bad) == nil, "\(bad)")
    }
    var disturbances = Disturbances()
    disturbances.noise = "em@6+mains50"
    #expect(disturbances.problem != nil, "mains50 has no SNR")
    disturbances.snrDecibels = 12
    #expect(disturbances.problem == nil)
    disturbances.noise = "em@6"
    #expect(disturbances.problem != nil, "the SNR is nobody's")
  }

  @Test func mainsIsASineOfItsFrequency() throws {
    #expect(try share(noise("mains50"), from: 50, to: 50) > 0.999)
    #expect(try share(noise("mains60"), from: 60, to: 60) > 0.999)
  }

  @Test func muscleNoiseLiesBetween20And150Hertz() throws {
    #expect(try share(noise("emg"), from: 20, to: 150) > 0.85)
    #expect(try share(noise("emg"), from: 0.1, to: 10) < 0.01)
  }

  @Test func wanderLiesBelowHalfAHertz() throws {
    #expect(try share(noise("wander"), from: 0, to: 0.7) > 0.95)
  }

  @Test func recordedNoiseIsTheRecordingFromADrawnStartOn() throws {
    let recording = try Record.read(ProjectFiles.record).signals[0].microvolts().map(Double.init)
    let added = try noise(ProjectFiles.record, decibels: 0)
    // The differences of neighbours don't depend on where the noise was shifted to.
    let steps = zip(added.dropFirst(), added).map { $0 - $1 }
    let recordedSteps = zip(recording.dropFirst(), recording).map { $0 - $1 }
    let pattern = steps[1000..<1200]
    let best =
      (0..<recordedSteps.count - 200).map { start -> Double in
        var (product, first, second) = (0.0, 0.0, 0.0)
        for (a, b) in zip(pattern, recordedSteps[start..<start + 200]) {
          product += a * b
          first += a * a
          second += b * b
        }
        return product / max((first * second).squareRoot(), 1e-9)
      }.max() ?? 0
    #expect(best > 0.999)
  }

  @Test func theSeedDecidesEveryBit() throws {
    for name in ["emg", "wander", "mains50", ProjectFiles.record] {
      #expect(try noise(name, seed: 7) == noise(name, seed: 7))
      #expect(try noise(name, seed: 7) != noise(name, seed: 8))
    }
  }

  @Test func aClockThatRunsFastTakesMoreSamplesOfTheSameSignal() throws {
    // A sine of 11 Hz and 2 mV, in whole nanovolts.
    let sine = (0..<36_000).map { Int32((2e6 * sin(2 * Double.pi * 11 * Double($0) / Self.rate)).rounded()) }
    var record = try record()
    record.signals[0].samples = sine
    record.signals[0].gain = 1e6
    record.signals[0].baseline = 0
    record.sampleCount = sine.count
    for drift in [-500.0, 100, 10_000] {
      let acquisition = try acquire(record) { $0.driftPartsPerMillion = drift }
      #expect(acquisition.samples.count == Int(35_999 * (1 + drift * 1e-6)) + 1)
      let worst = acquisition.samples.enumerated().dropFirst(40).dropLast(40).map { index, sample in
        abs(
          Double(sample) - 2000 * sin(2 * Double.pi * 11 * Double(index) / (Self.rate * (1 + drift * 1e-6))))
      }.max()
      // Half a count of rounding, and 80 dB below 2 mV.
      #expect(try #require(worst) <= 0.7)
    }
  }

  @Test func gainAndOffsetAreThoseOfAnAmplifier() throws {
    let clean = microvolts(try acquire(record()))
    let changed = microvolts(
      try acquire(record()) { ($0.gainErrorPercent, $0.offsetMillivolts) = (-3, 0.25) })
    #expect(zip(clean, changed).allSatisfy { abs(($0 + 250) * 0.97 - $1) <= 1 })
  }

  @Test func anOffsetBeyondTheConverterSaturatesIt() throws {
    let acquisition = try acquire(record(), profile: .reference) { $0.offsetMillivolts = 20 }
    #expect(acquisition.samples.allSatisfy { $0 == 2047 })
    #expect(acquisition.saturatedCount == acquisition.samples.count)
  }

  @Test(arguments: [-300.0, -5, 5, 300])
  func behindACouplingAnElectrodesOffsetIsNotHeard(offset: Double) throws {
    for hertz in [0.05, 0.5] {
      let plain = try acquire(record(), profile: .reference) { $0.couplingHz = hertz }
      let shifted = try acquire(record(), profile: .reference) {
        ($0.couplingHz, $0.offsetMillivolts) = (hertz, offset)
      }
      // In floats of 300 mV a sample is right within 0.02 uV, of a count's 2.4 uV.
      let different = zip(plain.samples, shifted.samples).count { $0 != $1 }
      #expect(zip(plain.samples, shifted.samples).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
      #expect(different < plain.samples.count / 20, "\(different)")
      #expect(shifted.saturatedCount == plain.saturatedCount)
    }
  }

  @Test func theOffsetOfARecordIsItsElectrodes() throws {
    var shifted = try record()
    for index in shifted.signals[0].samples.indices { shifted.signals[0].samples[index] += 60_000 }
    let plain = try acquire(record(), profile: .reference) { $0.couplingHz = 0.05 }
    let coupled = try acquire(shifted, profile: .reference) { $0.couplingHz = 0.05 }
    #expect(zip(plain.samples, coupled.samples).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
    let direct = try acquire(shifted, profile: .reference) { $0.couplingHz = 0 }
    #expect(direct.saturatedCount == direct.samples.count)
    #expect(direct.notes.contains { $0.text.contains("beyond the converter's 5.0 mV") })
    // Without a word what the record needs is done, and said.
    let usual = try acquire(shifted, profile: .reference)
    #expect(usual.saturatedCount == 0 && usual.notes.contains { $0.text.contains("was taken off") })
  }

  @Test func theSNRIsMeasuredBeforeTheCoupling() throws {
    func applied(_ hertz: Double?) throws -> AppliedDisturbances {
      let acquisition = try acquire(record(), noise: "emg", beats: peaks(microvolts(acquire(record())))) {
        ($0.snrDecibels, $0.couplingHz) = (6, hertz)
      }
      return try #require(acquisition.disturbances)
    }
    let (plain, coupled) = (try applied(nil), try applied(5))
    #expect(plain.qrsMillivolts == coupled.qrsMillivolts && plain.noiseMillivolts == coupled.noiseMillivolts)
    #expect(coupled.phrases.contains("coupled from 5.000 Hz on"), "\(coupled.phrases)")
  }

  @Test func theConvertersOwnOffsetComesBehindTheCoupling() throws {
    let plain = try acquire(record(), profile: .reference) {
      ($0.couplingHz, $0.dropOutsPerMinute, $0.dropOutSeconds) = (0.5, 20, 0.25)
    }
    // 0.25 mV is 102.4 counts.
    let shifted = try acquire(record(), profile: .reference) {
      ($0.couplingHz, $0.dropOutsPerMinute, $0.dropOutSeconds) = (0.5, 20, 0.25)
      $0.converterOffsetMillivolts = 0.25
    }
    #expect(zip(plain.samples, shifted.samples).allSatisfy { (102...103).contains(Int($1) - Int($0)) })
  }

  @Test func whatNoCouplingCanBeIsRefused() {
    for (hertz, isPossible) in [
      (0, true), (0.05, true), (20, true), (-1, false), (0.0001, false), (21, false),
    ] {
      var disturbances = Disturbances()
      disturbances.couplingHz = hertz
      #expect((disturbances.problem == nil) == isPossible, "\(hertz)")
    }
  }

  @Test func aLeadThatIsOffStandsAtTheHighestCount() throws {
    let clean = try acquire(record(), profile: .reference).samples
    let acquisition = try acquire(record(), profile: .reference) {
      $0.leadOff = [Stretch(startSeconds: 10, seconds: 2), Stretch(startSeconds: 59, seconds: 9)]
    }
    let isOff = acquisition.samples.indices.map { (3600..<4320).contains($0) || $0 >= 21_240 }
    #expect(
      zip(acquisition.samples, clean).enumerated().allSatisfy { $1.0 == (isOff[$0] ? 2047 : $1.1) })
    #expect(acquisition.disturbances?.lostSamples == 720 + 360)
  }

  @Test func dropOutsAreFlatAndAsManyAsWereAskedFor() throws {
    var long = try record()
    long.signals[0].samples = Array(repeatElement(long.signals[0].samples, count: 30).joined())
    long.sampleCount = long.signals[0].samples.count
    let acquisition = try acquire(long) { ($0.dropOutsPerMinute, $0.dropOutSeconds) = (20, 0.25) }
    let dropOuts = try #require(acquisition.disturbances?.dropOuts)
    // 600 on average; a Poisson count lies within four standard deviations.
    #expect((502...698).contains(dropOuts.count))
    for dropOut in dropOuts {
      let first = Int((dropOut.startSeconds * 360).rounded())
      #expect(acquisition.samples[first..<min(first + 90, acquisition.samples.count)].allSatisfy { $0 == 0 })
    }
  }

  @Test func whatDoesNotSuitTheRecordIsRefused() throws {
    var slow = try record()
    slow.sampleRateHz = 100
    slow.signals[0].sampleRateHz = 100
    #expect(throws: FileError.self) {
      try acquire(slow, noise: "mains60", beats: [500]) { $0.snrDecibels = 0 }
    }
    #expect(throws: FileError.self) {
      try acquire(record(), noise: "emg", beats: []) { $0.snrDecibels = 0 }
    }
    #expect(throws: FileError.self) {
      try acquire(record()) { $0.leadOff = [Stretch(startSeconds: 61, seconds: 1)] }
    }
    #expect(throws: FileError.self) { try Noise("/nowhere/em") }
  }
}

import ECG
import Foundation
import HostDevice
import Simulation
import Support
import Testing
import TestSupport

/// What a sense amplifier tells of a heart whose annotations are known.
@Suite struct SensingTests {
  private static let rate = 128.0

  private func sensing(_ change: (inout Sensing) -> Void = { _ in }) -> Sensing {
    var sensing = Sensing()
    change(&sensing)
    return sensing
  }

  /// An hour of beats, 75 a minute; every tenth one paced.
  private let beats = (1..<4500).map {
    Annotation(sample: $0 * 102, code: $0 % 10 == 0 ? .paced : .normal)
  }

  private func sensed(
    _ labels: [Annotation], seed: UInt64 = 1, _ change: (inout Sensing) -> Void = { _ in }
  ) -> Sensing.Sensed {
    sensing(change).sensed(labels, sampleRateHz: Self.rate, sampleCount: 459_000, seed: seed)
  }

  @Test func everyQRSComplexIsABeatAndAPWaveAnAtrialMarker() throws {
    let mnemonics = ["N", "V", "+", "p", "/", "f", "!", "~", "Q", "x", "|", "t"]
    let labels = try mnemonics.enumerated().map {
      Annotation(sample: 1000 + 100 * $0, code: try #require(AnnotationCode(mnemonic: $1)))
    }
    let result = sensed(labels)
    #expect(result.beats == [1000, 1100, 1400, 1500, 1600, 1800])
    #expect(result.counts == ["ventricularSense": 4, "ventricularPace": 2, "atrialSense": 2])
    #expect(result.text == "4 ventricular senses, 2 ventricular paces, 2 atrial senses")
  }

  @Test func aJitterHasItsDeviationAndSparesPaces() {
    let result = sensed(beats) { $0.jitterMilliseconds = 20 }
    let offsets = zip(beats, result.markers).filter { $0.0.code == .normal }.map { $1.sample - $0.sample }
    let variance = offsets.reduce(0.0) { $0 + Double($1 * $1) } / Double(offsets.count)
    // 2.56 samples, cut at three deviations; rounding adds a twelfth to the variance.
    #expect(abs(variance.squareRoot() - (2.56 * 2.56 + 1.0 / 12).squareRoot()) < 0.1)
    #expect(offsets.allSatisfy { abs($0) <= 8 })
    #expect(zip(beats, result.markers).allSatisfy { $0.code == .normal || $0.sample == $1.sample })
    #expect(sensed(beats) { $0.jitterMilliseconds = 20 } == result)
    #expect(sensed(beats, seed: 2) { $0.jitterMilliseconds = 20 } != result)
  }

  @Test func sensesAreMissedAndMadeUpAsOftenAsWasAsked() {
    let missing = sensed(beats) { $0.missedPercent = 10 }
    // 4,050 senses: 405 on average, five deviations of 19.
    #expect((310...500).contains(missing.missed))
    #expect(missing.counts["ventricularPace"] == 449)
    #expect(missing.beats.count == beats.count - missing.missed)
    let extra = sensed(beats) { $0.extraPerMinute = 5 }
    // An hour: 299 on average.
    #expect((215...385).contains(extra.extra))
    // Of two in one sample one is told.
    #expect((0...extra.refractory).contains(beats.count + extra.extra - extra.beats.count))
    #expect(sensed(beats) { $0.missedPercent = 100 }.beats.count == 449)
  }

  @Test func nothingIsSensedInTheRefractoryPeriodButAPaceIsTold() {
    let labels = [
      Annotation(sample: 1000, code: .normal), Annotation(sample: 1030, code: .prematureVentricular),
      Annotation(sample: 1031, code: .normal), Annotation(sample: 1040, code: .paced),
      Annotation(sample: 1060, code: .normal), Annotation(sample: 1072, code: .normal),
    ]
    // 250 ms are 32 samples.
    let result = sensed(labels) { $0.refractoryMilliseconds = 250 }
    #expect(result.beats == [1000, 1040, 1072] && result.refractory == 3)
    #expect(result.text.contains("3 in the refractory period"))
  }

  @Test func whatNoAmplifierDoesIsRefused() {
    #expect(sensing().problem == nil && !sensing().isRandom)
    #expect(sensing { $0.jitterMilliseconds = -1 }.problem?.contains("--sensed-jitter") == true)
    #expect(sensing { $0.missedPercent = 101 }.problem?.contains("--undersense") == true)
    #expect(sensing { $0.extraPerMinute = .nan }.problem?.contains("--oversense") == true)
    #expect(sensing { $0.refractoryMilliseconds = 2000 }.problem?.contains("--refractory") == true)
  }

  /// The shipped record through the shipped model, beside it the beats that the device finds, as annotations.
  private func run(_ folder: TemporaryFolder, _ change: (inout StreamRun.Options) -> Void) throws -> StreamRun
  {
    var options = StreamRun.Options(model: ProjectFiles.model, record: folder("mitdb-208"))
    for suffix in [".hea", ".dat"] where !FileManager.default.fileExists(atPath: folder("mitdb-208" + suffix))
    {
      try FileManager.default.copyItem(
        atPath: ProjectFiles.record + suffix, toPath: folder("mitdb-208" + suffix))
    }
    if !FileManager.default.fileExists(atPath: folder("mitdb-208.atr")) {
      try StreamRun.run(options).annotations().write(folder("mitdb-208"), annotator: "atr")
    }
    change(&options)
    return try StreamRun.run(options)
  }

  @Test func aDeviceThatSensesRunsNoDetectorAndDecidesAboutEveryBeat() throws {
    let folder = try TemporaryFolder()
    let sensing = try run(folder) { $0.sensing = Sensing() }
    let given = try run(folder) { $0.deciding = .givenBeats }
    let classes = Dictionary(
      uniqueKeysWithValues: sensing.decisions.map { ($0.beatSample ?? -1, $0.fixedLogits) })
    #expect(given.decisions.count > 400 && sensing.decisions.count >= given.decisions.count)
    #expect(given.decisions.allSatisfy { classes[$0.beatSample ?? -2] == $0.fixedLogits })
    let sensed = try #require(sensing.result.sensed)
    #expect(sensed.beats.count == sensing.decisions.count + sensing.result.leftOutBeats)
    #expect(sensing.result.decisionDelay?.lateDecisions == 0)
    #expect(!sensing.result.memoryMap.regions.flatMap(\.parts).contains { $0.name.contains("detector") })
  }

  @Test func aSensingDeviceSleepsBetweenSensedBeatsInRhythm() throws {
    let folder = try TemporaryFolder()
    let awake = try run(folder) { $0.sensing = Sensing() }
    let asleep = try run(folder) {
      $0.sensing = Sensing()
      $0.announcing.wakePercent = 10
    }
    let sleep = try #require(asleep.result.announcements.sleep)
    #expect(sleep.inexactDecisions == 0)
    #expect(asleep.decisions.map(\.beatSample) == awake.decisions.map(\.beatSample))
    #expect(asleep.result.announcements.asleep > 50 && sleep.awakeDecisions > 50)
  }

  @Test func aRecordWithoutAnnotationsCantBeSensed() throws {
    let folder = try TemporaryFolder()
    let samples = (0..<4000).map { "\($0 % 100 < 4 ? 1 : 0)" }.joined(separator: "\n")
    try Files.write("II_mV\n" + samples + "\n", to: folder("ecg.csv"))
    let error = #expect(throws: FileError.self) {
      try run(folder) {
        ($0.record, $0.csv.sampleRateHz, $0.sensing) = (folder("ecg.csv"), 128, Sensing())
      }
    }
    #expect(error?.description.contains("leave out --sensed") == true, "\(String(describing: error))")
  }
}

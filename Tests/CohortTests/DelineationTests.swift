import Cohort
import ECG
import Foundation
import Support
import Testing
import TestSupport

/// Outside truth: LUDB's boundaries by cardiologists, and complexes of a known duration.
@Suite struct DelineationTests {
  /// Errors of one boundary in milliseconds, found less annotated.
  private struct Errors {
    var values: [Double] = []
    var meanAbsolute: Double { values.reduce(0) { $0 + abs($1) } / Double(values.count) }
    var mean: Double { values.reduce(0, +) / Double(values.count) }
    var description: String {
      "MAE \(Numbers.decimal(meanAbsolute, places: 2)) ms, bias \(Numbers.decimal(mean, places: 2)) ms"
    }
  }

  /// The errors over all complexes of lead II whose boundaries LUDB has; the beats are those that the detector finds.
  private func ludb(_ records: some Sequence<Int>) throws -> (onset: Errors, offset: Errors, found: Double) {
    var (onset, offset) = (Errors(), Errors())
    var (found, total) = (0, 0)
    for number in records {
      let path = Databases.path("ludb/data/\(number)")
      let lead = try Record.read(path).signal(named: "ii")
      let millivolts = try lead.millivolts()
      let beats = BeatPlaces.detected(in: millivolts, sampleRateHz: 500)
      let boundaries = QRSDelineator(sampleRateHz: 500).delineate([millivolts], beats: beats)
      let labels = try Annotations.read(path, annotator: "ii").all
      for (index, label) in labels.enumerated().dropFirst().dropLast() where label.code.isBeat {
        let (before, after) = (labels[index - 1], labels[index + 1])
        guard before.code.mnemonic == "(", after.code.mnemonic == ")" else { continue }
        total += 1
        guard
          let beat = beats.indices.min(by: { abs(beats[$0] - label.sample) < abs(beats[$1] - label.sample) }),
          abs(beats[beat] - label.sample) <= 75, let boundary = boundaries[beat]
        else { continue }
        found += 1
        onset.values.append(2 * Double(boundary.onset - before.sample))
        offset.values.append(2 * Double(boundary.offset - after.sample))
      }
    }
    return (onset, offset, Double(found) / Double(total))
  }

  @Test(.enabled(if: Databases.has("ludb"), "needs ../shared/data/ludb"))
  func boundariesAreWithinTenMillisecondsOfLUDBs() throws {
    let chosen = try ludb(stride(from: 1, to: 200, by: 2))
    let tested = try ludb(stride(from: 2, through: 200, by: 2))
    print("LUDB II, odd records: onset \(chosen.onset.description); offset \(chosen.offset.description)")
    print("LUDB II, even records: onset \(tested.onset.description); offset \(tested.offset.description)")
    print("found: \(chosen.found), \(tested.found) of \(tested.onset.values.count)")
    #expect(tested.found >= 0.99)
    #expect(tested.onset.meanAbsolute <= 10)
    #expect(tested.offset.meanAbsolute <= 10)
  }

  @Test(arguments: ConductionPattern.allCases)
  func aSyntheticComplexHasTheDurationAndTheAreaThatItWasDrawnWith(pattern: ConductionPattern) throws {
    var (durations, areas): ([Double], [Double]) = ([], [])
    for seed in UInt64(1)...24 {
      var generator = SeededGenerator(seed: seed)
      var ecg = SyntheticECG()
      ecg.pattern = pattern
      ecg.qrsDurationMs = pattern == .normal ? generator.next(in: 80...110) : generator.next(in: 120...200)
      ecg.qrsAreaMicrovoltSeconds = pattern == .normal ? 40 : generator.next(in: 80...160)
      let (record, beats) = ecg.record(name: "x", using: &generator)
      let features = try ECGFeatures(CohortRecording(record, lead: "V6", file: "x"), usesAllLeads: true)
      durations.append(try #require(features.qrsDurationMs) - ecg.qrsDurationMs)
      areas.append(try #require(features.vectorAreaMicrovoltSeconds) / ecg.qrsAreaMicrovoltSeconds)
      let found = BeatPlaces.detected(in: try record.signal(named: "V6").millivolts(), sampleRateHz: 500)
      #expect(abs(found.count - beats.count) <= 1)
    }
    let mean = durations.reduce(0, +) / Double(durations.count)
    let spread = durations.map { abs($0 - mean) }.max() ?? 0
    let meanArea = areas.reduce(0, +) / Double(areas.count)
    print(
      "\(pattern): duration +\(mean) ms, at most \(spread) from that; area x \(meanArea), \(areas.min()!) ... \(areas.max()!)"
    )
    #expect(abs(mean) <= 8)
    #expect(durations.allSatisfy { abs($0) <= 20 })
    // Kors's matrix isn't quite the inverse of Dower's: their product lengthens the paced complex's mean vector,
    // (1.1, -1.5, 0.8), 1.17 times, for it turns a part of what points up to the back.
    #expect(abs(meanArea - (pattern == .paced ? 1.17 : 1)) <= 0.1)
  }

  @Test(arguments: [128.0, 250, 360, 1000])
  func theRateDoesNotMatter(rateHz: Double) throws {
    var ecg = SyntheticECG()
    ecg.pattern = .lbbb
    ecg.qrsDurationMs = 160
    ecg.qrsAreaMicrovoltSeconds = 120
    ecg.sampleRateHz = rateHz
    ecg.muscleMicrovolts = 5
    ecg.mainsMicrovolts = 2
    var generator = SeededGenerator(seed: 5)
    let (record, _) = ecg.record(name: "x", using: &generator)
    let features = try ECGFeatures(CohortRecording(record, lead: "V6", file: "x"), usesAllLeads: true)
    #expect(abs(try #require(features.qrsDurationMs) - 160) <= 2 * 1000 / rateHz + 8)
  }

  @Test func nothingIsFoundInSilenceAndNothingBreaks() throws {
    let delineator = QRSDelineator(sampleRateHz: 500)
    #expect(delineator.delineate([[]], beats: [0]) == [nil])
    #expect(
      delineator.delineate([[Float](repeating: 1, count: 1000)], beats: [-1, 0, 500, 2000]) == [
        nil, nil, nil, nil,
      ])
    #expect(BeatPlaces.detected(in: [], sampleRateHz: 500).isEmpty)
    #expect(BeatPlaces.detected(in: [1, .nan], sampleRateHz: 500).isEmpty)
    var generator = SeededGenerator(seed: 1)
    let noise = (0..<3000).map { _ in Float(generator.next(in: -1...1)) }
    for boundary in delineator.delineate([noise], beats: Array(0..<3000)).compactMap(\.self) {
      #expect(boundary.onset < boundary.offset && boundary.onset >= 0 && boundary.offset < 3000)
    }
  }

  @Test func featuresOfAKnownRhythmAreThoseOfTheHandCalculation() throws {
    // R peaks 800 and 920 ms apart in turn, 10 and 9 times: rmssd 120, all successive differences above 50 ms.
    var samples = [Int32](repeating: 0, count: 500 * 20)
    var place = 300
    for beat in 0..<20 {
      for offset in -20...20 where samples.indices.contains(place + offset) {
        samples[place + offset] = Int32(1000 * exp(-Double(offset * offset) / 50))
      }
      place += beat % 2 == 0 ? 400 : 460
    }
    var specification = SignalSpecification()
    specification.name = "II"
    specification.gain = 1000
    let signal = Signal(specification, sampleRateHz: 500, samples: samples)
    let record = Record(name: "x", sampleRateHz: 500, sampleCount: samples.count, signals: [signal])
    let features = try ECGFeatures(CohortRecording(record, lead: nil, file: "x"), usesAllLeads: true)
    #expect(abs(try #require(features.rmssdMs) - 120) < 5)
    #expect(features.pnn50 == 1)
    #expect(abs(try #require(features.heartRate) - 60_000 / (16_280.0 / 19)) < 0.2)
    #expect(features.vectorAreaMicrovoltSeconds == nil && features.axisDegrees == nil)
    // 1 mV with a standard deviation of 10 ms: sqrt(2 pi) 10 = 25.07 uVs.
    #expect(abs(try #require(features.qrsAreaMicrovoltSeconds) - 25.07) < 0.5)
    #expect(abs(try #require(features.qrsHeightMillivolts) - 1) < 0.02)
    #expect(features.notchCount == 0)
  }
}

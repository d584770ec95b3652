import ECG
import Foundation
import Support
import Testing

/// What an electrogram of two chambers is said to have is counted in its samples.
@Suite struct SyntheticElectrogramTests {
  private static func made(seed: UInt64 = 1) -> (record: Record, annotations: Annotations) {
    var generator = SeededGenerator(seed: seed)
    return SyntheticElectrogram().record(name: "dual", using: &generator)
  }

  private static func range(_ signal: Signal, about sample: Int, _ reach: Int) -> Int {
    let samples = signal.samples[max(0, sample - reach)...min(signal.samples.count - 1, sample + reach)]
    return Int((samples.max() ?? 0) - (samples.min() ?? 0))
  }

  @Test func itSaysThatItIsMadeUpAndHasTheRhythmsAndBeats() throws {
    let (record, annotations) = Self.made()
    #expect(record.comments.first?.hasPrefix("made-up electrogram") == true)
    #expect(record.signals.map(\.name) == ["A", "V"] && record.sampleCount == 300 * 512)
    let texts = Set(annotations.all.filter { $0.code == .rhythmChange }.map(\.text))
    #expect(texts == ["(N", "(AFIB", "(P"])
    #expect(Set(annotations.beats.map(\.code)) == [.normal, .prematureVentricular, .paced])
    #expect((280...450).contains(annotations.beats.count))
    #expect(zip(annotations.all, annotations.all.dropFirst()).allSatisfy { $0.sample <= $1.sample })
  }

  @Test func eachBeatIsLargeInTheVentricleAndSmallInTheAtrium() throws {
    let (record, annotations) = Self.made()
    // 20 ms about a beat; the atrium's own activations and stimuli aside.
    for beat in annotations.beats where beat.code == .normal && beat.sample > 100 {
      #expect(Self.range(record.signals[1], about: beat.sample, 10) > 6000, "at \(beat.sample)")
    }
    let ventricle = annotations.beats.map { Self.range(record.signals[1], about: $0.sample, 8) }
    let atrium = annotations.beats.map { Self.range(record.signals[0], about: $0.sample, 8) }
    #expect(zip(ventricle, atrium).count { $0 > 2 * $1 } > 9 * ventricle.count / 10)
  }

  /// The derivative of a Gaussian of a positive height rises before it falls; of a premature beat it is the other way round.
  @Test func aNormalBeatRisesFirstAndAPrematureOneFallsFirst() {
    let (record, annotations) = Self.made()
    for beat in annotations.beats where beat.code != .paced && beat.sample > 100 {
      let samples = record.signals[1].samples[beat.sample - 10...beat.sample + 10]
      let (least, most) = (samples.min() ?? 0, samples.max() ?? 0)
      let rises = (samples.firstIndex(of: most) ?? 0) < (samples.firstIndex(of: least) ?? 0)
      #expect(rises == (beat.code == .normal), "\(beat.code) at \(beat.sample)")
    }
  }

  @Test func theAtriumFibrillatesOnlyWhereTheAnnotationsSaySo() throws {
    let (record, annotations) = Self.made()
    let changes = annotations.all.filter { $0.code == .rhythmChange }
    for (index, change) in changes.enumerated() {
      let end = index + 1 < changes.count ? changes[index + 1].sample : record.sampleCount
      guard end - change.sample > 10 * 512 else { continue }
      // Activations a second: stretches of 60 ms with more than 0.4 mV from peak to peak that follow quieter ones.
      let windows = stride(from: change.sample + 512, to: end - 512, by: 31).map {
        Self.range(record.signals[0], about: $0, 15) > 400
      }
      let count = zip(windows, windows.dropFirst()).count { !$0 && $1 }
      let perSecond = Double(count) / (Double(end - change.sample) / 512 - 2)
      if change.text == "(AFIB" {
        #expect(perSecond > 3.5, "\(perSecond) at \(change.sample)")
      } else {
        #expect(perSecond < 2.8, "\(perSecond) at \(change.sample)")
      }
    }
  }

  @Test func oneSeedIsOneRecordAndItSurvivesItsFiles() throws {
    let (one, two) = (Self.made(), Self.made())
    #expect(one.record == two.record && one.annotations == two.annotations)
    #expect(Self.made(seed: 2).record.signals != one.record.signals)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("egm-\(UUID())").path
    try Files.makeFolder(folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try one.record.write(folder + "/dual")
    try one.annotations.write(folder + "/dual")
    #expect(try Record.read(folder + "/dual").signals.map(\.samples) == one.record.signals.map(\.samples))
    #expect(try Annotations.read(folder + "/dual").all.map(\.sample) == one.annotations.all.map(\.sample))
  }
}

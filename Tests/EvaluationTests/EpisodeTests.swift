import Evaluation
import HostDevice
import Networks
import Support
import Tasks
import Testing

@Suite struct EpisodeTests {
  private static let window = BeatWindow(
    settings: SpectrogramSettings(rawSamplesOfRateHz: 100, highPassShift: 0), columnCount: 400,
    delaySeconds: 0, isByClock: true)

  /// 200 s: VT from 20 to 40 s, VF after it to 45 s, noise from 100 to 110 s, a burst of VT from 150 to 153 s.
  private static let signal: LabelledSignal = {
    var signal = LabelledSignal(
      record: "r", lead: "I", microvolts: [Float](repeating: 0, count: 20_000), beats: [], patient: "p")
    func stretch(_ start: Int, _ end: Int, _ classIndex: Int?, _ label: String) -> LabelledSignal.Stretch {
      .init(samples: start * 100..<end * 100, classIndex: classIndex, label: label)
    }
    signal.stretches = [
      stretch(0, 20, 0, "N"), stretch(20, 40, 1, "VT"), stretch(40, 45, 1, "VF"), stretch(45, 100, 0, "N"),
      stretch(100, 110, nil, "NOISE"), stretch(110, 150, 0, "SVTA"), stretch(150, 153, 1, "VT"),
      stretch(153, 200, 0, "N"),
    ]
    return signal
  }()

  /// An announcement a second, of the class within some stretches of seconds.
  private func episodes(_ announced: [Range<Int>], silent: Range<Int> = 0..<0) -> RecordEpisodes {
    let said = (4..<200).map { second in
      (
        sample: second * 100,
        classIndex: silent.contains(second) ? nil : announced.contains { $0.contains(second) } ? 1 : 0
      )
    }
    return RecordEpisodes(said, of: Self.signal, classIndex: 1, window: Self.window, leastSeconds: 10)
  }

  @Test func anEpisodeIsFoundAtItsFirstAnnouncement() {
    let found = episodes([23..<47])
    #expect(found.episodes.count == 1)
    #expect(found.episodes[0].label == "VT, VF" && found.episodes[0].seconds == 25)
    #expect(found.episodes[0].delaySeconds == 3)
    #expect(found.falseAlarms.isEmpty)
    // What stood before is no delay; what comes later than a window after the end is no find.
    #expect(episodes([15..<22]).episodes[0].delaySeconds == 0)
    #expect(episodes([48..<50]).episodes[0].delaySeconds == 28)
    #expect(episodes([50..<52]).episodes[0].delaySeconds == nil)
    #expect(episodes([23..<47], silent: 20..<30).episodes[0].delaySeconds == 10)
  }

  @Test func alarmsAreFalseWhereAnotherLabelIs() {
    let alarms = episodes([60..<63, 104..<107, 130..<131, 152..<155]).falseAlarms
    // Noise is skipped, and the burst of 3 s is what it is called, though too short to count as an episode.
    #expect(alarms.map(\.startSeconds) == [60, 130])
    #expect(alarms.map(\.label) == ["N", "SVTA"])
    #expect(alarms[0].seconds == 3)
  }

  @Test func ratesAreOfTheTimeOfOtherLabels() throws {
    let score = EpisodeScore(
      [episodes([23..<47, 60..<63, 130..<131])], className: "vtvf", leastSeconds: 10, delayLimitSeconds: 2.5,
      announcing: Announcing(), seed: 1)
    // N for 20 + 55 + 47 s and SVTA for 40 s.
    #expect(abs(score.hours - 162.0 / 3600) < 1e-12)
    #expect(abs(score.falseAlarmsPerHour - 2 * 3600 / 162) < 1e-9)
    #expect(abs(score.falseAlarmsPerDay - 24 * score.falseAlarmsPerHour) < 1e-9)
    #expect(score.episodes == 1 && score.found == 1 && score.foundInTime == 0)
    #expect(score.byLabel.map(\.label) == ["N", "SVTA"] && score.byLabel.map(\.falseAlarms) == [1, 1])
  }

  @Test func anAimsOffsetMovesTheDecisionToItsThreshold() throws {
    // Scores 3, 2, 1 of the class and 2.5, -1 of the rest: at a specificity of 1 only the first is found.
    let decisions = zip([3, 2, 1, 2.5, -1], [1, 1, 1, 0, 0]).map { score, classIndex in
      BeatDecision(record: "r", sample: 0, classIndex: classIndex, logits: [0, Float(score)])
    }
    let offset = try #require(WindowValidation.offset(for: .specificity(0.99), decisions, classIndex: 1))
    #expect(offset == -2.75)
    let raised = decisions.map { decision in
      BeatDecision(
        record: "r", sample: 0, classIndex: decision.classIndex, logits: [0, decision.logits[1] + offset])
    }
    #expect(raised.map(\.predictedClass) == [1, 0, 0, 0, 0])
    #expect(WindowValidation.Aim("specificity=0.97") == .specificity(0.97))
    for wrong in ["specificity", "specificity=2", "f1=0.5", ""] {
      #expect(WindowValidation.Aim(wrong) == nil)
    }
  }
}

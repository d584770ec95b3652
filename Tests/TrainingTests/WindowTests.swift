import ECG
import Foundation
import Networks
import Support
import Tasks
import Testing
import TestSupport

@Suite struct WindowTests {
  private let window = BeatWindow(settings: SpectrogramSettings(), columnCount: 43, delaySeconds: 0.7)

  @Test func decisionFallsOnTheFirstColumnThatReachesTheDelay() {
    #expect(window.delaySamples == 90)
    #expect(window.sampleCount == 368)
    for sample in 300..<340 {
      let columns = window.columns(ofBeatAt: sample, inRecordOf: 1_000)
      let last = (columns?.upperBound ?? 0) - 1
      #expect(columns?.count == 43)
      #expect(last * 8 + 31 >= sample + 90 && (last - 1) * 8 + 31 < sample + 90)
    }
  }

  @Test func beatsNearTheEndsHaveNoWindow() {
    // The first whole window's last sample is 367; the last column of 1,000 samples ends at 999.
    #expect(window.columns(ofBeatAt: 270, inRecordOf: 1_000) != nil)
    #expect(window.columns(ofBeatAt: 269, inRecordOf: 1_000) == nil)
    #expect(window.columns(ofBeatAt: 909, inRecordOf: 1_000) != nil)
    #expect(window.columns(ofBeatAt: 910, inRecordOf: 1_000) == nil)
    for sample in [-1, 1_000, Int.max, Int.min] {
      #expect(window.columns(ofBeatAt: sample, inRecordOf: 1_000) == nil)
    }
  }

  @Test func evaluationWindowsAreWhatAStreamHasSeen() throws {
    var generator = SeededGenerator(seed: 4)
    let microvolts = (0..<1_500).map { _ in Float(generator.next(in: -500...500)) }
    let beats = [12, 333, 334, 900, 1_480].map { LabelledSignal.Beat(sample: $0, classIndex: 0) }
    let signal = LabelledSignal(record: "r", lead: "I", microvolts: microvolts, beats: beats)
    let windows = EvaluationWindows([signal], window: window)
    let record = windows.records[0]
    #expect(record.beats.map(\.sample) == [333, 334, 900])
    #expect(record.leftOutBeatCount == 2)
    for beat in record.beats {
      let stream = FloatSpectrogram(window.settings)
      var columns: [[Float]] = []
      for (index, sample) in microvolts.enumerated() {
        let isNew = stream.push(sample)
        if isNew { columns.append(stream.latestColumn) }
        if isNew, index >= beat.sample + 90 { break }
      }
      #expect(Array(windows.levels(of: beat, in: record)) == columns.suffix(43).flatMap { $0 })
    }
  }

  @Test func predictedClassIsTheLargestLogits() {
    func predicted(_ logits: [Float]) -> Int {
      BeatDecision(record: "r", sample: 0, classIndex: 0, logits: logits).predictedClass
    }
    #expect(predicted([1, 3, 2]) == 1)
    #expect(predicted([2, 1, 2]) == 0)
  }

  @Test func tasksMapLabelsAsDocumented() throws {
    func names(_ task: TaskDefinition) -> [String: String] {
      var names: [String: String] = [:]
      for raw in 0...AnnotationCode.maximum {
        let code = AnnotationCode(rawValue: raw)
        if let index = task.classIndex(of: code) { names[code.mnemonic] = task.classNames[index] }
      }
      return names
    }
    #expect(
      names(.types) == ["N": "N", "L": "L", "R": "R", "A": "A", "V": "V", "/": "paced"])
    let aami = names(.aami)
    for (mnemonic, name) in ["N": "N", "L": "N", "e": "N", "a": "S", "S": "S", "E": "V", "F": "F"] {
      #expect(aami[mnemonic] == name)
    }
    for mnemonic in ["/", "f", "Q", "~", "+", "!"] { #expect(aami[mnemonic] == nil) }
    #expect(TaskDefinition.aami.recordNames?.count == 44 && TaskDefinition.types.recordNames?.count == 48)
  }

  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func record114IsReadFromItsSecondSignal() throws {
    let leads = try LabelledSignal.readLeads(
      ofRecord: "114", folder: Databases.path("mitdb"), task: .aami, sampleRateHz: 128)
    #expect(leads.map(\.lead) == ["MLII", "V5"])
    let signal = leads[0]
    #expect(signal.microvolts.count == 231_111)
    // PhysioNet's table of record 114: 1,820 normal, 10 atrial, 2 junctional, 43 ventricular, 4 fusion beats.
    let counts = (0..<4).map { index in signal.beats.count { $0.classIndex == index } }
    #expect(counts == [1_820, 12, 43, 4])
    let record = try ECG.Record.read(Databases.path("mitdb") + "/114")
    #expect(record.signals[1].name == "MLII")
  }

  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func randomSplitKeepsEachBeatOnceAndAFifthOfEachClass() throws {
    let folder = Databases.path("mitdb")
    let data = try BeatDataSet.read(
      folder: folder, task: .types, split: .intra, trainingLeads: .main, sampleRateHz: 128)
    let classes = 0..<6
    func counts(_ signals: [LabelledSignal]) -> [Int] {
      classes.map { index in signals.map { $0.beats.count { $0.classIndex == index } }.reduce(0, +) }
    }
    // PhysioNet's totals of the database: N, L, R, A, V and /.
    let totals = [75_052, 8_075, 7_259, 2_546, 7_130, 7_028]
    #expect(counts(data.test) == totals.map { $0 / 5 })
    #expect(zip(counts(data.training), counts(data.test)).map { $0 + $1 } == totals)
    for (training, test) in zip(data.training, data.test) {
      #expect(Set(training.beats.map(\.sample)).isDisjoint(with: test.beats.map(\.sample)))
    }
  }

  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func otherLeadsAreTrainedOnWithTheSameBeats() throws {
    let folder = Databases.path("mitdb")
    let data = try BeatDataSet.read(folder: folder, task: .aami, split: .inter, sampleRateHz: 128)
    #expect(Set(data.training.map(\.record)) == Set(MITBIH.ds1) && data.training.count == 44)
    #expect(data.test.map(\.record).sorted() == MITBIH.ds2 && data.test.allSatisfy { $0.lead == "MLII" })
    for record in MITBIH.ds1 {
      let leads = data.training.filter { $0.record == record }
      #expect(leads.count == 2 && leads[0].lead == "MLII" && leads[1].lead != "MLII")
      #expect(leads[0].beats == leads[1].beats && leads[0].microvolts != leads[1].microvolts)
    }
  }
}

import ECG
import Foundation
import HostDevice
import Metrics
import ModelFiles
import Networks
import Support
import Tasks

/// A float network, its int8 twin, or both.
package struct Twins: Sendable {
  package let window: BeatWindow
  package let classNames: [String]
  /// The task; nil where it is none that this program knows.
  package let task: TaskDefinition?
  package let split: String?
  let float: FloatGraph?
  /// The float network of beats beside it; nil for none.
  let beats: FloatBeatNetwork?
  let int8: FixedPointDecisions?
  /// The model image; nil for a float network alone.
  let image: LoadedModel?
  /// The class whose logit the beats' intervals move; nil for decisions of the network alone.
  private(set) var normalClass: Int?

  /// Reads a float network.
  package init(checkpoint: String) throws(FileError) {
    let trained = try Checkpoint.read(checkpoint)
    (window, classNames, task, split) = (
      trained.window, trained.classNames, trained.definition, trained.split
    )
    (float, beats) = try Self.graphs(trained, file: checkpoint)
    (int8, image) = (nil, nil)
  }

  /// Reads a model image, and its float twin where one is named.
  package init(image: String, checkpoint: String?) throws(FileError) {
    let model = try LoadedModel(file: image)
    try model.requireLeadsOfTask(file: image)
    self.image = model
    guard model.model.frontEnd != nil, model.model.isStreamable else { throw model.takesNoSamples(image) }
    do {
      let decisions = try FixedPointDecisions(model)
      (window, int8) = (decisions.window, decisions)
    } catch {
      throw .malformed(image, error.description, remedy: "export it with `exporter quantize`")
    }
    (classNames, task, split) = (
      model.classNames, model.task, model.provenance[.split]
    )
    guard let checkpoint else {
      (float, beats) = (nil, nil)
      return
    }
    let trained = try Checkpoint.read(checkpoint)
    guard model.isTwin(of: trained), trained.definition == task, trained.split == split else {
      throw .malformed(
        checkpoint, "is not the network that \(image) was made from",
        remedy: "name the image's own checkpoint")
    }
    (float, beats) = try Self.graphs(trained, file: checkpoint)
  }

  private static func graphs(
    _ trained: Checkpoint, file: String
  ) throws(FileError) -> (FloatGraph, FloatBeatNetwork?) {
    do {
      return (try FloatGraph(trained), try FloatBeatNetwork(beside: trained))
    } catch {
      throw .malformed(file, error.description, remedy: "use an undamaged checkpoint of this version")
    }
  }

  /// The same twins with decisions that the beats' intervals move; see `RhythmPrior`.
  ///
  /// - Throws: `FileError` where the classes of the network in `file` aren't the AAMI's.
  package func withRhythm(file: String) throws(FileError) -> Twins {
    guard window.settings.beats == nil else {
      throw .malformed(
        file, "is a network of beats, whose input has the intervals already", remedy: "leave out --rhythm")
    }
    guard let normalClass = FloatRhythmPrior.normalClass(of: classNames) else {
      throw .malformed(
        file, "has the classes \(classNames.joined(separator: ", ")), not N, S, V and F",
        remedy: "leave out --rhythm")
    }
    var twins = self
    twins.normalClass = normalClass
    return twins
  }

  /// Both twins' decisions about a record's beats; both hear what the device's converter hears.
  package func evaluation(of signal: LabelledSignal) throws -> RecordEvaluation {
    var floatDecisions: [BeatDecision]?
    if let float {
      let heard = int8?.converter.heard(signal) ?? signal
      let decisions = try EvaluationWindows([heard], window: window, beside: beats).decisions(of: float)
      floatDecisions =
        normalClass.map {
          FloatRhythmPrior.moved(
            decisions, normalClass: $0, beats: signal.beats.map(\.sample),
            within: image?.logitRange ?? -.infinity ... .infinity)
        } ?? decisions
      if int8 == nil {
        floatDecisions = try SignalWatch(window, lostLead: task?.lostLead ?? .noResult)
          .decisions(floatDecisions ?? [], where: signal)
      }
    }
    var signal = signal
    let converter = int8?.converter ?? DeviceProfile.reference.converter
    signal.notes +=
      converter.saturationNote(signal.microvolts, file: signal.record, lead: signal.lead).map { [$0] } ?? []
    let int8Decisions = try int8?.decisions(about: signal, hasRhythm: normalClass != nil)
    let windows = signal.beats.count {
      window.columns(ofBeatAt: $0.sample, inRecordOf: signal.microvolts.count) != nil
    }
    return RecordEvaluation(
      signal, windows: windows, classNames: classNames, float: floatDecisions, int8: int8Decisions)
  }
}

/// One record's decisions.
package struct RecordEvaluation: Encodable, Sendable {
  package var record: String
  package var lead: String
  /// What was assumed of the record and its annotations, and what about them isn't plausible.
  package var notes: [FileNote]
  package var beats: Int
  package var leftOutBeats: Int
  /// The beats at which the device has no result, as the signal is bad; they are no decisions, its twin's neither,
  /// nor are they of a float network alone.
  package var noResultBeats: Int
  package var float: ConfusionMatrix?
  package var int8: ConfusionMatrix?
  package var agreement: Agreement?
  /// The patient, where the task names patients; nil for MIT-BIH's.
  private var ownPatient: String?
  /// The decisions themselves, for scores of windows.
  private(set) var decisions: (float: [BeatDecision]?, int8: [BeatDecision]?)

  private enum CodingKeys: CodingKey {
    case record, lead, notes, beats, leftOutBeats, noResultBeats, float, int8, agreement, ownPatient
  }

  /// Counts decisions.
  ///
  /// - Parameters:
  ///   - signal: The record.
  ///   - windows: The number of beats with a whole window.
  ///   - classNames: The classes.
  ///   - float: The float network's decisions about all of these.
  ///   - int8: The device's, where it has a result.
  package init(
    _ signal: LabelledSignal, windows: Int, classNames: [String], float: [BeatDecision]?,
    int8: [BeatDecision]?
  ) {
    func matrix(_ decisions: [BeatDecision]) -> ConfusionMatrix {
      var matrix = ConfusionMatrix(classNames: classNames)
      for decision in decisions {
        matrix.add(reference: decision.classIndex, prediction: decision.predictedClass)
      }
      return matrix
    }
    record = signal.record
    lead = signal.lead
    notes = signal.notes
    leftOutBeats = signal.beats.count - windows
    let float = int8.flatMap { int8 in float.map { Self.decisions($0, where: int8) } } ?? float
    beats = (float ?? int8 ?? []).count
    decisions = (float, int8)
    ownPatient = signal.patient == MITBIH.patient(of: signal.record) ? nil : signal.patient
    noResultBeats = windows - beats
    self.float = float.map(matrix)
    self.int8 = int8.map(matrix)
    if let float, let int8 {
      var agreement = Agreement()
      for (reference, measured) in zip(float, int8) {
        agreement.add(reference: reference.logits, measured: measured.logits)
      }
      self.agreement = agreement
    }
  }

  /// The patient, by the first record.
  package var patient: String { ownPatient ?? MITBIH.patient(of: record) }

  /// The decisions about the beats that others, in the same order, are about.
  private static func decisions(_ all: [BeatDecision], where others: [BeatDecision]) -> [BeatDecision] {
    var rest = others[...]
    return all.filter { decision in
      guard rest.first?.sample == decision.sample else { return false }
      rest.removeFirst()
      return true
    }
  }
}

/// How well a network tells beats apart; what no beat defines is not a number.
package struct Score: Encodable {
  package struct ClassScore: Encodable {
    package var name: String
    package var beats: Int
    package var sensitivity: Double
    package var positivePredictivity: Double
    package var f1: Double
    package var f1Interval: Interval?
  }

  package var accuracy: Double
  package var accuracyInterval: Interval
  package var macroF1: Double
  package var macroF1Interval: Interval?
  package var classes: [ClassScore]
  package var confusion: ConfusionMatrix

  /// The score of some patients' decisions.
  package init(patients: [ConfusionMatrix], classNames: [String], seed: UInt64) {
    let sum = patients.reduce(into: ConfusionMatrix(classNames: classNames)) { $0 += $1 }
    func interval(_ statistic: (ConfusionMatrix) -> Double?) -> Interval? {
      Interval.bootstrap(matrices: patients, seed: seed, statistic: statistic)
    }
    accuracy = sum.accuracy ?? .nan
    accuracyInterval = .wilson(successes: sum.correct, trials: sum.total)
    macroF1 = sum.macroF1 ?? .nan
    macroF1Interval = interval { $0.macroF1 }
    classes = classNames.indices.map { index in
      ClassScore(
        name: classNames[index], beats: sum.referenceCount(ofClass: index),
        sensitivity: sum.sensitivity(ofClass: index) ?? .nan,
        positivePredictivity: sum.positivePredictivity(ofClass: index) ?? .nan,
        f1: sum.f1(ofClass: index) ?? .nan, f1Interval: interval { $0.f1(ofClass: index) })
    }
    confusion = sum
  }
}

/// The evaluation of a model, float, int8 or both, on some records.
package struct BeatEvaluation: Encodable {
  package var task: String
  package var split: String
  package var records: String
  package var seed: UInt64
  package var includesTrainingBeats: Bool
  /// Whether the beats' intervals moved a logit.
  package var hasRhythmPrior: Bool
  /// What a decision is about where it isn't a beat; nil for beats.
  package var unit: String?
  package var beats: Int
  package var leftOutBeats: Int
  /// The beats at which the device has no result, as the signal is bad.
  package var noResultBeats: Int
  package var float: Score?
  package var int8: Score?
  /// On how many beats the network is asked; nil where that is all of them.
  package var networkShare: NetworkShare?
  package var agreement: Agreement?
  /// int8 less float.
  package var macroF1Difference: Double?
  package var macroF1DifferenceInterval: Interval?
  /// The windows of each class that matters, of the network alone; nil for beats.
  package var floatWindows, int8Windows: [WindowScore]?
  /// The episodes as the device announces them; nil for a task without, and for a float network alone.
  package var episodes: [EpisodeScore]?
  package var perRecord: [RecordEvaluation]

  package init(
    _ twins: Twins, of data: TaskRecords, records: RecordSelection, perRecord: [RecordEvaluation],
    seed: UInt64
  ) {
    task = data.task.name
    unit = data.task.isByClock ? "windows" : nil
    split = data.splitName
    self.records = records.description
    self.seed = seed
    includesTrainingBeats = records.includesTrained(of: data, among: perRecord.map(\.record))
    hasRhythmPrior = twins.normalClass != nil
    beats = perRecord.reduce(0) { $0 + $1.beats }
    leftOutBeats = perRecord.reduce(0) { $0 + $1.leftOutBeats }
    noResultBeats = perRecord.reduce(0) { $0 + $1.noResultBeats }
    self.perRecord = perRecord
    networkShare = NetworkShare(
      perRecord.compactMap { NetworkShare.part(of: $0.decisions.int8 ?? $0.decisions.float ?? []) })

    let patients = Dictionary(grouping: perRecord, by: \.patient).sorted { $0.key < $1.key }.map(\.value)
    func matrices(_ twin: KeyPath<RecordEvaluation, ConfusionMatrix?>) -> [ConfusionMatrix]? {
      let sums = patients.compactMap { records in
        records.compactMap { $0[keyPath: twin] }.reduce(into: nil as ConfusionMatrix?) { sum, matrix in
          sum =
            sum.map {
              var total = $0; total += matrix; return total
            } ?? matrix
        }
      }
      return sums.isEmpty ? nil : sums
    }
    let floatMatrices = matrices(\.float)
    let int8Matrices = matrices(\.int8)
    if data.task.isByClock { (floatWindows, int8Windows) = Self.windowScores(patients, data.task, seed) }
    float = floatMatrices.map { Score(patients: $0, classNames: twins.classNames, seed: seed) }
    int8 = int8Matrices.map { Score(patients: $0, classNames: twins.classNames, seed: seed) }
    guard let floatMatrices, let int8Matrices, let float, let int8 else { return }
    agreement = perRecord.compactMap(\.agreement).reduce(into: Agreement()) { $0 += $1 }
    macroF1Difference = int8.macroF1 - float.macroF1
    let pairs = zip(floatMatrices, int8Matrices).map { (float: $0, int8: $1) }
    macroF1DifferenceInterval = Interval.bootstrap(pairs, seed: seed) { drawn in
      let none = ConfusionMatrix(classNames: twins.classNames)
      let float = drawn.reduce(into: none) { $0 += $1.float }.macroF1
      let int8 = drawn.reduce(into: none) { $0 += $1.int8 }.macroF1
      return float.flatMap { float in int8.map { $0 - float } }
    }
  }

  /// The specificity at which the sensitivity for windows is told.
  package static let windowSpecificity = 0.97

  private static func windowScores(
    _ patients: [[RecordEvaluation]], _ task: TaskDefinition, _ seed: UInt64
  ) -> (float: [WindowScore]?, int8: [WindowScore]?) {
    func scores(_ twin: (RecordEvaluation) -> [BeatDecision]?) -> [WindowScore]? {
      let decisions = patients.map { $0.compactMap(twin) }
      guard zip(decisions, patients).allSatisfy({ $0.count == $1.count }) else { return nil }
      return task.scoredClasses.map { index in
        WindowScore(
          decisions.map { $0.flatMap(\.self) }, classIndex: index, className: task.classNames[index],
          atSpecificity: windowSpecificity, seed: seed)
      }
    }
    return (scores(\.decisions.float), scores(\.decisions.int8))
  }
}

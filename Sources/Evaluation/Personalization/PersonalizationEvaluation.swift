import ECG
import HostDevice
import Metrics
import ModelFiles
import Support
import Tasks

/// What a patient's labelled minutes are like.
package struct PersonalizationCondition: Codable, Equatable, Sendable {
  /// The minutes at a record's start whose beats are learnt from.
  package var minutes: Double
  /// The part of those beats whose label is another class's, drawn at random.
  package var wrongLabels: Double

  package init(minutes: Double, wrongLabels: Double = 0) {
    (self.minutes, self.wrongLabels) = (minutes, wrongLabels)
  }

  /// The usual one, fewer minutes, and wrong labels.
  package static func all(minutes: Double) -> [PersonalizationCondition] {
    [PersonalizationCondition(minutes: minutes)]
      + [1, 2].filter { $0 < minutes }.map { PersonalizationCondition(minutes: $0) }
      + [0.05, 0.1, 0.2].map { PersonalizationCondition(minutes: minutes, wrongLabels: $0) }
  }
}

/// One record before and after its patch.
package struct PersonalizedRecord: Encodable, Sendable {
  package var record: String
  package var lead: String
  /// The beats learnt from, a class.
  package var ownBeats: [Int]
  package var patchBytes: Int
  package var shipped: ConfusionMatrix
  package var personalized: ConfusionMatrix

  /// The patient, by the first record.
  package var patient: String { MITBIH.patient(of: record) }
}

/// A model on some records' rest, with each patient's patch and without.
package struct PersonalizedScore: Encodable {
  package var condition: PersonalizationCondition
  /// The least and the greatest size of a patch.
  package var patchBytes: [Int]
  package var subsets: [Subset]

  /// The records that something is true of.
  package struct Subset: Encodable {
    package var name: String
    package var records: [String]
    package var shipped: Score
    package var personalized: Score
  }
}

/// What personalization does to all patients of a data set.
package struct PersonalizationEvaluation: Encodable {
  package var records: String
  package var replayRecords: [String]
  package var options: PersonalizationOptions
  /// What is scored: beats from here on, whatever is learnt from.
  package var scoredFromMinute: Double
  /// The first condition's records.
  package var perRecord: [PersonalizedRecord]
  package var scores: [PersonalizedScore]
}

/// Personalizes a model for records, one patient after the other.
package struct PersonalizationRun {
  private let model: LoadedModel
  private let inputs: HeadInputs
  private let personalization: Personalization
  private let classNames: [String]
  private let rateHz: Double

  /// Prepares a model with beats that it was trained on, whose head's inputs are computed here, once.
  package static func prepared(
    _ model: LoadedModel, replay: [LabelledSignal], options: PersonalizationOptions, threads: Int,
    progress: @escaping ProgressHandler
  ) throws -> PersonalizationRun {
    let inputs = try HeadInputs(model)
    let beats = try replay.concurrentMap(threads: threads, progress: progress) { try inputs.beats(of: $0) }
    return PersonalizationRun(
      model: model, inputs: inputs,
      personalization: try Personalization(model, replay: beats.flatMap(\.self), options: options),
      classNames: model.classNames, rateHz: inputs.window.settings.sampleRateHz)
  }

  /// A patient's patch from the first minutes of a record; and the classes' numbers of beats that it was learnt from.
  package func patch(
    _ signal: LabelledSignal, condition: PersonalizationCondition, sequenceNumber: UInt32 = 1
  ) throws -> (image: PatchImage, ownBeats: [Int]) {
    let end = Int(condition.minutes * 60 * rateHz)
    var start = signal
    start.microvolts = Array(signal.microvolts.prefix(end))
    start.furtherLeads = signal.furtherLeads.map { Array($0.prefix(end)) }
    start.beats = signal.beats.filter { $0.sample < end }
    if condition.wrongLabels > 0 { mislabel(&start, part: condition.wrongLabels) }
    var own: [HeadInputs.Beat] = []
    let hop = inputs.window.settings.hopSamples
    let phases = min(personalization.options.phases, hop)
    for phase in 0..<phases { own += try inputs.beats(of: start, phase: phase * hop / phases) }
    var counts = [Int](repeating: 0, count: classNames.count)
    for beat in try inputs.beats(of: start) { counts[beat.classIndex] += 1 }
    return (try personalization.patch(own: own, sequenceNumber: sequenceNumber), counts)
  }

  /// Gives a part of the beats another class.
  private func mislabel(_ signal: inout LabelledSignal, part: Double) {
    var generator = SeededGenerator(seed: personalization.options.seed).split(Int(part * 1000))
    for index in signal.beats.indices where generator.nextUniform() < part {
      let other = generator.nextIndex(below: classNames.count - 1)
      signal.beats[index].classIndex = (signal.beats[index].classIndex + 1 + other) % classNames.count
    }
  }

  /// A record before and after its patch, on the beats behind the first `minutes`.
  private func record(
    _ signal: LabelledSignal, condition: PersonalizationCondition, scoredFrom minutes: Double
  ) throws -> PersonalizedRecord {
    let (image, ownBeats) = try patch(signal, condition: condition)
    let patched = try model.applying(patch: image.bytes)
    let start = Int(minutes * 60 * rateHz)
    // The device that ships, with the patch and without.
    func matrix(_ model: LoadedModel) throws -> ConfusionMatrix {
      var matrix = ConfusionMatrix(classNames: classNames)
      for decision in try FixedPointDecisions(model).decisions(about: signal) where decision.sample >= start {
        matrix.add(reference: decision.classIndex, prediction: decision.predictedClass)
      }
      return matrix
    }
    return PersonalizedRecord(
      record: signal.record, lead: signal.lead, ownBeats: ownBeats, patchBytes: image.bytes.count,
      shipped: try matrix(model), personalized: try matrix(patched))
  }

  /// Scores all records under all conditions.
  package func evaluation(
    of signals: [LabelledSignal], records: String, replayRecords: [String],
    conditions: [PersonalizationCondition], threads: Int, progress: @escaping ProgressHandler
  ) throws -> PersonalizationEvaluation {
    let minutes = conditions.map(\.minutes).max() ?? 0
    let runs = conditions.flatMap { condition in signals.map { (condition, $0) } }
    let all = try runs.concurrentMap(threads: threads, progress: progress) { condition, signal in
      try record(signal, condition: condition, scoredFrom: minutes)
    }
    let perCondition = conditions.indices.map {
      Array(all[$0 * signals.count..<($0 + 1) * signals.count])
    }
    return PersonalizationEvaluation(
      records: records, replayRecords: replayRecords, options: personalization.options,
      scoredFromMinute: minutes, perRecord: perCondition.first ?? [],
      scores: zip(conditions, perCondition).map { score($1, condition: $0) })
  }

  private func score(
    _ records: [PersonalizedRecord], condition: PersonalizationCondition
  ) -> PersonalizedScore {
    func subset(_ name: String, _ isIn: (PersonalizedRecord) -> Bool) -> PersonalizedScore.Subset? {
      let chosen = records.filter(isIn)
      let patients = Dictionary(grouping: chosen, by: \.patient).sorted { $0.key < $1.key }.map(\.value)
      func score(_ twin: KeyPath<PersonalizedRecord, ConfusionMatrix>) -> Score {
        let matrices = patients.map { records in
          records.reduce(into: ConfusionMatrix(classNames: classNames)) { $0 += $1[keyPath: twin] }
        }
        return Score(
          patients: matrices, classNames: classNames, seed: personalization.options.seed)
      }
      return chosen.isEmpty
        ? nil
        : PersonalizedScore.Subset(
          name: name, records: chosen.map(\.record), shipped: score(\.shipped),
          personalized: score(\.personalized))
    }
    let sizes = records.map(\.patchBytes)
    return PersonalizedScore(
      condition: condition, patchBytes: [sizes.min() ?? 0, sizes.max() ?? 0],
      subsets: [subset("all records", { _ in true })].compactMap(\.self)
        + (records.contains { $0.record == "232" }
          ? [subset("without 232", { $0.record != "232" })].compactMap(\.self) : [])
        + classNames.indices.dropFirst().compactMap { index in
          subset("no \(classNames[index]) in those minutes", { $0.ownBeats[index] == 0 })
        }
        + [subset("no event in those minutes", { $0.ownBeats.dropFirst().allSatisfy { $0 == 0 } })]
        .compactMap(\.self))
  }
}

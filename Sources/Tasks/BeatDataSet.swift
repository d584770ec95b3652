import ECG
import Foundation
import Support

/// The labelled beats of MIT-BIH for a task, divided into those to train on and those to test on.
package struct BeatDataSet: Sendable {
  /// The signals with the beats to train on: each record's main lead, and the others where asked for.
  package var training: [LabelledSignal]
  /// The signals with the beats to test on, each record's main lead.
  package var test: [LabelledSignal]

  /// The seed of the random split: one for all trainings, so that they share their test beats.
  package static let splitSeed: UInt64 = 1

  /// Reads the records from a folder.
  ///
  /// - Parameters:
  ///   - folder: The folder with MIT-BIH's records.
  ///   - task: What the classes are.
  ///   - split: How the beats are divided.
  ///   - trainingLeads: The leads to train on.
  ///   - sampleRateHz: The front end's rate, to which the signals are resampled.
  ///   - progress: Told of each record.
  /// - Returns: The signals.
  /// - Throws: `FileError` where a record is missing or broken.
  package static func read(
    folder: String, task: BeatTask, split: BeatSplit, trainingLeads: TrainingLeads = .all,
    sampleRateHz: Double, progress: ProgressHandler? = nil
  ) throws(FileError) -> BeatDataSet {
    var signals: [LabelledSignal] = []
    var otherLeads: [LabelledSignal] = []
    let names = task.records
    for (index, name) in names.enumerated() {
      let leads = try LabelledSignal.readLeads(
        ofRecord: name, folder: folder, task: task, sampleRateHz: sampleRateHz)
      signals.append(leads[0])
      otherLeads += leads.dropFirst()
      progress?(TaskProgress(completed: index + 1, total: names.count, detail: name))
    }
    var (training, test): ([LabelledSignal], [LabelledSignal])
    switch split {
    case .inter:
      training = signals.filter { MITBIH.ds1.contains($0.record) }
      test = signals.filter { MITBIH.ds2.contains($0.record) }
    case .intra:
      (training, test) = divide(signals, classCount: task.classNames.count)
    }
    if trainingLeads == .all {
      training += training.flatMap { signal in
        otherLeads.filter { $0.record == signal.record }.map { other in
          LabelledSignal(
            record: other.record, lead: other.lead, microvolts: other.microvolts, beats: signal.beats)
        }
      }
    }
    return BeatDataSet(training: training, test: test)
  }

  /// Puts a random fifth of each class's beats aside.
  static func divide(
    _ signals: [LabelledSignal], classCount: Int
  ) -> (training: [LabelledSignal], test: [LabelledSignal]) {
    var isTest = signals.map { [Bool](repeating: false, count: $0.beats.count) }
    for classIndex in 0..<classCount {
      var places = signals.indices.flatMap { signal in
        signals[signal].beats.indices.filter { signals[signal].beats[$0].classIndex == classIndex }
          .map { (signal: signal, beat: $0) }
      }
      var generator = SeededGenerator(seed: splitSeed).split(classIndex)
      places.shuffle(using: &generator)
      for place in places.prefix(places.count / 5) { isTest[place.signal][place.beat] = true }
    }
    func select(_ chosen: Bool) -> [LabelledSignal] {
      signals.indices.map { index in
        var signal = signals[index]
        signal.beats = signal.beats.indices.filter { isTest[index][$0] == chosen }.map { signal.beats[$0] }
        return signal
      }
    }
    return (select(false), select(true))
  }
}

extension LabelledSignal {
  /// Reads a record's leads, each with the beats that the task has a class for.
  ///
  /// The first is the main lead: MLII, or the record's first lead where it has none.
  ///
  /// - Throws: `FileError` where the record or its annotations are missing or broken.
  package static func readLeads(
    ofRecord name: String, folder: String, task: BeatTask, sampleRateHz: Double
  ) throws(FileError) -> [LabelledSignal] {
    let path = (folder as NSString).appendingPathComponent(name)
    let record = try ECG.Record.read(path)
    guard !record.signals.isEmpty else {
      throw .malformed(path, "has no signal", remedy: "use MIT-BIH's records")
    }
    let beats = try Annotations.read(path).resampled(from: record.sampleRateHz, to: sampleRateHz).all
      .compactMap { label in
        task.classIndex(of: label.code).map { Beat(sample: label.sample, classIndex: $0) }
      }
    var leads = record.signals
    if let main = leads.firstIndex(where: { $0.name == "MLII" }) {
      leads.insert(leads.remove(at: main), at: 0)
    }
    var signals: [LabelledSignal] = []
    for lead in leads {
      let millivolts = try lead.millivolts(atRateHz: sampleRateHz)
      signals.append(
        LabelledSignal(
          record: name, lead: lead.name, microvolts: millivolts.map { $0 * 1_000 }, beats: beats))
    }
    return signals
  }
}

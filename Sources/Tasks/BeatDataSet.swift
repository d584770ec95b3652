import ECG
import Foundation
import Support

/// The labelled beats or windows of a task, divided into those to train on and those to test on.
package struct BeatDataSet: Sendable {
  /// The signals with what to train on: each record's main lead, and the others where asked for.
  package var training: [LabelledSignal]
  /// The signals with what to test on, each record's main lead.
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
  ///   - coupling: What of the electrode's offset comes through.
  ///   - progress: Told of each record.
  /// - Returns: The signals.
  /// - Throws: `FileError` where a record is missing or broken.
  package static func read(
    folder: String, task: TaskDefinition, split: TaskSplit, trainingLeads: TrainingLeads = .all,
    sampleRateHz: Double, coupling: Coupling = .automatic, progress: ProgressHandler? = nil
  ) throws(FileError) -> BeatDataSet {
    var records = TaskRecords(
      folder: folder, task: task, split: split, sampleRateHz: sampleRateHz, threads: 1)
    records.coupling = coupling
    return try read(records, try records.catalog(), trainingLeads: trainingLeads, progress: progress)
  }

  /// Reads a task's records, divided as its split says.
  ///
  /// - Throws: `FileError` where a record is missing or broken.
  static func read(
    _ records: TaskRecords, _ catalog: [TaskRecord], trainingLeads: TrainingLeads,
    progress: ProgressHandler? = nil
  ) throws(FileError) -> BeatDataSet {
    let leads = try catalog.concurrentMap(threads: records.threads, progress: progress ?? { _ in }) {
      record throws(FileError) in try records.leads(of: record)
    }
    let signals = leads.map { $0[0] }
    try records.requireWindows(signals)
    var (training, test) = (signals, [LabelledSignal]())
    if records.split == .intra {
      (training, test) = divide(signals, classCount: records.task.classNames.count)
    } else {
      let parts = try records.parts(of: catalog)
      func part(_ wanted: TaskPart) -> [LabelledSignal] {
        zip(signals, parts).compactMap { $1 == wanted ? $0 : nil }
      }
      (training, test) = (part(.training), part(.test))
    }
    if trainingLeads == .all {
      let others = Dictionary(uniqueKeysWithValues: leads.map { ($0[0].record, $0.dropFirst()) })
      training += training.flatMap { signal in
        (others[signal.record] ?? []).map { other in
          var other = other
          other.beats = signal.beats
          return other
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

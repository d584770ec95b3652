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
  ///   - coupling: What of the electrode's offset comes through.
  ///   - progress: Told of each record.
  /// - Returns: The signals.
  /// - Throws: `FileError` where a record is missing or broken.
  package static func read(
    folder: String, task: BeatTask, split: BeatSplit, trainingLeads: TrainingLeads = .all,
    sampleRateHz: Double, coupling: Coupling = .automatic, progress: ProgressHandler? = nil
  ) throws(FileError) -> BeatDataSet {
    var signals: [LabelledSignal] = []
    var otherLeads: [LabelledSignal] = []
    let names = task.records
    for (index, name) in names.enumerated() {
      let leads = try LabelledSignal.readLeads(
        ofRecord: name, folder: folder, coupling: coupling, task: task, sampleRateHz: sampleRateHz)
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
  /// The first is the main lead by the one rule for leads; the others follow in the record's order.
  ///
  /// - Throws: `FileError` where the record or its annotations are missing or broken.
  package static func readLeads(
    ofRecord name: String, folder: String, coupling: Coupling = .automatic, task: BeatTask,
    sampleRateHz: Double
  ) throws(FileError) -> [LabelledSignal] {
    let source = try Source(name, folder: folder, coupling: coupling, task: task, sampleRateHz: sampleRateHz)
    let main = try source.mainIndex(nil)
    let others = source.record.signals.indices.filter {
      $0 != main && source.record.signals[$0].millivoltsPerUnit != nil
    }
    return try ([main] + others).map { index throws(FileError) in try source.signal(index) }
  }

  /// Reads one lead of a record, with the beats that the task has a class for.
  ///
  /// - Parameters:
  ///   - name: The record: a WFDB record or a CSV file with annotations beside it.
  ///   - folder: Its folder.
  ///   - lead: The lead's name or number; nil for MLII, II or the first.
  ///   - csv: How to read a CSV file.
  ///   - coupling: What of the electrode's offset comes through.
  ///   - task: What the classes are.
  ///   - sampleRateHz: The front end's rate.
  /// - Returns: The lead's signal.
  /// - Throws: `FileError` where the record, its annotations or the lead are missing or broken.
  package static func read(
    _ name: String, folder: String, lead: String?, csv: CSVOptions = CSVOptions(),
    coupling: Coupling = .automatic, task: BeatTask, sampleRateHz: Double
  ) throws(FileError) -> LabelledSignal {
    let source = try Source(
      name, folder: folder, csv: csv, coupling: coupling, task: task, sampleRateHz: sampleRateHz)
    return try source.signal(try source.mainIndex(lead))
  }

  /// A record with its labels.
  private struct Source {
    let name: String
    let path: String
    let record: ECG.Record
    let labels: Annotations
    let task: BeatTask
    let sampleRateHz: Double
    let coupling: Coupling

    init(
      _ name: String, folder: String, csv: CSVOptions = CSVOptions(), coupling: Coupling, task: BeatTask,
      sampleRateHz: Double
    ) throws(FileError) {
      (self.name, self.task, self.sampleRateHz, self.coupling) = (name, task, sampleRateHz, coupling)
      path = (folder as NSString).appendingPathComponent(name)
      record = try ECG.Record.load(path, csv: csv)
      labels = try Annotations.read(path, sampleRateHz: record.sampleRateHz)
    }

    func mainIndex(_ lead: String?) throws(FileError) -> Int {
      do throws(FileError) {
        return try record.leadIndex(lead)
      } catch {
        var error = error
        error.file = path
        throw error
      }
    }

    func signal(_ index: Int) throws(FileError) -> LabelledSignal {
      let lead = try Lead(record, index: index, file: path, coupling: coupling)
      var signal = LabelledSignal(
        record: name, lead: lead.name,
        microvolts: try lead.millivolts(atRateHz: sampleRateHz).map { $0 * 1_000 },
        beats: labels.resampled(from: record.sampleRateHz, to: sampleRateHz).all.compactMap { label in
          task.classIndex(of: label.code).map { Beat(sample: label.sample, classIndex: $0) }
        })
      signal.isPaced = labels.all.contains { $0.code == .paced }
      signal.notes = lead.notes + labels.notes
      return signal
    }
  }
}

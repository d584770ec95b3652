import ECG
import Foundation
import Support

extension LabelledSignal {
  /// Reads a record's leads, each with the labels that the task has a class for.
  ///
  /// The first is the main lead; the others follow in the record's order.
  ///
  /// - Throws: `FileError` where the record or its annotations are missing or broken.
  package static func readLeads(
    ofRecord name: String, folder: String, task: TaskDefinition, sampleRateHz: Double
  ) throws(FileError) -> [LabelledSignal] {
    try readLeads(
      of: TaskRecord(name: name, patient: task.patient(of: name)), folder: folder, coupling: .automatic,
      task: task, sampleRateHz: sampleRateHz)
  }

  /// The same of a task's record.
  ///
  /// - Throws: `FileError` where the record or its labels are missing or broken.
  static func readLeads(
    of record: TaskRecord, folder: String, csv: CSVOptions = CSVOptions(), coupling: Coupling,
    task: TaskDefinition, sampleRateHz: Double
  ) throws(FileError) -> [LabelledSignal] {
    let source = try Source(
      record, folder: folder, csv: csv, coupling: coupling, task: task, sampleRateHz: sampleRateHz)
    let main = try source.mainIndex(nil)
    // Leads that are sampled together are one signal.
    guard task.furtherLeads.isEmpty else { return [try source.signal(try source.indices(nil))] }
    let others = source.record.signals.indices.filter {
      $0 != main && source.record.signals[$0].millivoltsPerUnit != nil
    }
    return try ([main] + others).map { index throws(FileError) in try source.signal([index]) }
  }

  /// Reads one lead of a record, with the labels that the task has a class for.
  ///
  /// - Parameters:
  ///   - name: The record: a WFDB record or a CSV file with annotations beside it.
  ///   - folder: Its folder.
  ///   - lead: The lead's name or number; nil for the task's.
  ///   - csv: How to read a CSV file.
  ///   - coupling: What of the electrode's offset comes through.
  ///   - task: What the classes are.
  ///   - sampleRateHz: The front end's rate.
  /// - Returns: The lead's signal.
  /// - Throws: `FileError` where the record, its annotations or the lead are missing or broken.
  package static func read(
    _ name: String, folder: String, lead: String?, csv: CSVOptions = CSVOptions(),
    coupling: Coupling = .automatic, task: TaskDefinition, sampleRateHz: Double
  ) throws(FileError) -> LabelledSignal {
    try read(
      TaskRecord(name: name, patient: task.patient(of: name)), folder: folder, lead: lead, csv: csv,
      coupling: coupling, task: task, sampleRateHz: sampleRateHz)
  }

  /// The same of a task's record.
  ///
  /// - Throws: `FileError` where the record, its labels or the lead are missing or broken.
  static func read(
    _ record: TaskRecord, folder: String, lead: String?, csv: CSVOptions, coupling: Coupling,
    task: TaskDefinition, sampleRateHz: Double
  ) throws(FileError) -> LabelledSignal {
    let source = try Source(
      record, folder: folder, csv: csv, coupling: coupling, task: task, sampleRateHz: sampleRateHz)
    return try source.signal(try source.indices(lead))
  }

  /// A record with its labels.
  private struct Source {
    let own: TaskRecord
    let path: String
    let record: ECG.Record
    /// The annotations; nil where a manifest has the labels.
    let labels: Annotations?
    let task: TaskDefinition
    let sampleRateHz: Double
    let folder: String
    let coupling: Coupling

    init(
      _ own: TaskRecord, folder: String, csv: CSVOptions, coupling: Coupling, task: TaskDefinition,
      sampleRateHz: Double
    ) throws(FileError) {
      (self.own, self.task, self.sampleRateHz, self.folder) = (own, task, sampleRateHz, folder)
      self.coupling = coupling
      path = RecordPath.file(own.name, beside: folder + "/")
      var csv = csv
      if let rate = own.sampleRateHz { csv.sampleRateHz = rate }
      record = try ECG.Record.load(path, csv: csv)
      labels =
        own.stretches == nil ? try Annotations.read(path, sampleRateHz: record.sampleRateHz) : nil
    }

    /// The lead that is asked for, else the manifest's, else the first of the task's that the record has, else the usual.
    func mainIndex(_ lead: String?) throws(FileError) -> Int {
      if let wanted = lead ?? own.lead { return try index(of: wanted) }
      for wanted in task.leads {
        if let index = try? record.leadIndex(wanted) { return index }
      }
      return try index(of: nil)
    }

    /// The leads that are sampled together: those that are asked for, with commas between them, or the task's.
    func indices(_ lead: String?) throws(FileError) -> [Int] {
      guard !task.furtherLeads.isEmpty else { return [try mainIndex(lead)] }
      if let lead {
        return try record.leads(lead, count: 1 + task.furtherLeads.count, file: path).map {
          name throws(FileError) in try index(of: name)
        }
      }
      var found = [try mainIndex(nil)]
      for list in task.furtherLeads {
        let next = list.lazy.compactMap { try? record.leadIndex($0) }.first { !found.contains($0) }
        guard let next else {
          throw .malformed(
            path,
            "has none of the leads \(list.joined(separator: ", ")) beside "
              + found.map { record.signals[$0].name }.joined(separator: ", "),
            remedy: "leave the record out, or name others of its leads in the task's leads: "
              + record.signals.map(\.name).joined(separator: ", "))
        }
        found.append(next)
      }
      return found
    }

    private func index(of lead: String?) throws(FileError) -> Int {
      do throws(FileError) {
        return try record.leadIndex(lead)
      } catch {
        var error = error
        error.file = path
        throw error
      }
    }

    func signal(_ indices: [Int]) throws(FileError) -> LabelledSignal {
      let leads = try indices.map { index throws(FileError) in
        try Lead(record, index: index, file: path, coupling: coupling)
      }
      let (lead, rateHz) = (leads[0], sampleRateHz)
      var signal = LabelledSignal(
        record: own.name, lead: lead.name,
        microvolts: try lead.millivolts(atRateHz: rateHz).map { $0 * 1_000 }, beats: [],
        patient: own.patient)
      signal.isPaced = labels?.all.contains { $0.code == .paced } ?? false
      signal.notes = lead.notes + (labels?.notes ?? [])
      try signal.take(leads.dropFirst(), rateHz: rateHz)
      if !task.leads.isEmpty, own.lead == nil,
        !task.leads.contains(where: { (try? record.leadIndex($0)) != nil })
      {
        signal.notes.append(
          FileNote(
            path, "has none of the leads \(task.leads.joined(separator: ", ")); \(lead.name) was taken"))
      }
      guard task.isByClock else {
        signal.beats = (labels ?? Annotations([])).resampled(from: record.sampleRateHz, to: rateHz).all
          .compactMap { label in
            task.classIndex(of: label.code).map { Beat(sample: label.sample, classIndex: $0) }
          }
        return signal
      }
      let count = signal.microvolts.count
      if let rows = own.stretches, case .manifest(let file) = task.labels {
        signal.stretches = try task.stretches(of: rows, sampleCount: count, file: folder + "/" + file)
      } else if let labels {
        signal.stretches = try task.stretches(
          in: labels, recordRateHz: record.sampleRateHz, sampleCount: count,
          file: Annotations.path(ofRecord: path, annotator: "atr"))
      }
      signal.labelWindows(of: task)
      return signal
    }
  }
}

extension LabelledSignal {
  /// Takes further leads, as long as the first one: where a lead of another rate ends earlier, its last value stays.
  fileprivate mutating func take(_ leads: ArraySlice<Lead>, rateHz: Double) throws(FileError) {
    for lead in leads {
      var microvolts = try lead.millivolts(atRateHz: rateHz).map { $0 * 1_000 }
      let last = microvolts.last ?? 0
      microvolts = Array(microvolts.prefix(self.microvolts.count))
      microvolts += [Float](repeating: last, count: self.microvolts.count - microvolts.count)
      furtherLeads.append(microvolts)
      self.lead += ", " + lead.name
      notes += lead.notes.filter { !notes.contains($0) }
    }
  }
}

import ECG
import HostDevice
import Networks
import Support
import Tasks

/// A cohort as networks and baselines see it: beats, ECG features, covariates and responses, by patient.
package struct TransferCohort: Sendable {
  /// What the cohort is called in reports.
  package let name: String
  /// Whether any of it is synthetic.
  package let isSynthetic: Bool
  /// The patients' names.
  package let patients: [String]
  /// Whether each patient responded.
  package let labels: [Bool]
  /// What else is known of each patient.
  package let covariates: [Covariates]
  /// What was measured in each patient's ECG.
  package let features: [ECGFeatures]
  /// Each patient's signals with the beats that the device's detector found.
  package let signals: [[LabelledSignal]]
  /// The windows' size and place.
  package let window: BeatWindow
  /// The converter that heard the signals.
  package let converter: AnalogConverter
  /// The beats' windows as the float network's inputs, `[patient][beat, time, channel]`.
  package let windows: [[Float]]
  /// What there is to say of the records' leads.
  package let notes: [FileNote]

  /// The number of patients.
  package var count: Int { labels.count }

  /// The beats with a whole window.
  package var beatCounts: [Int] {
    let size = window.columnCount * window.settings.binCount
    return windows.map { $0.count / size }
  }

  fileprivate struct Member {
    var features: ECGFeatures
    var signals: [LabelledSignal]
    var windows: [Float]
    var notes: [FileNote]
  }

  private init(
    name: String, isSynthetic: Bool, patients: [String], labels: [Bool], covariates: [Covariates],
    members: [Member], view: View
  ) {
    (self.name, self.isSynthetic, self.patients, self.labels, self.covariates) = (
      name, isSynthetic, patients, labels, covariates
    )
    features = members.map(\.features)
    signals = members.map(\.signals)
    windows = members.map(\.windows)
    notes = members.flatMap(\.notes)
    (window, converter) = (view.window, view.converter)
  }

  /// How patients' records are looked at.
  package struct View: Sendable {
    /// The windows' size and place.
    package var window: BeatWindow
    /// The device's converter.
    package var converter: AnalogConverter
    /// The number of beats of a patient, spread over the records.
    package var beatsPerPatient: Int
    /// Whether the features for the baselines are of all leads; the network has one.
    package var usesAllLeads: Bool

    /// Creates a view.
    package init(
      window: BeatWindow, converter: AnalogConverter, beatsPerPatient: Int, usesAllLeads: Bool = false
    ) {
      (self.window, self.converter) = (window, converter)
      (self.beatsPerPatient, self.usesAllLeads) = (beatsPerPatient, usesAllLeads)
    }

    fileprivate func member(_ recordings: [CohortRecording], label: Bool) throws(FileError) -> Member {
      var features: [ECGFeatures] = []
      var signals: [LabelledSignal] = []
      for recording in recordings {
        features.append(try ECGFeatures(recording, usesAllLeads: usesAllLeads))
        signals.append(try signal(recording, label: label))
      }
      let seen = EvaluationWindows(thinned(signals), window: window)
      let kept = zip(signals, seen.records).map { signal, record in
        LabelledSignal(
          record: signal.record, lead: signal.lead, microvolts: signal.microvolts,
          beats: record.beats.map { .init(sample: $0.sample, classIndex: $0.classIndex) })
      }
      let windows = seen.records.flatMap { record in
        record.beats.flatMap { beat in
          seen.levels(of: beat, in: record).map { window.settings.networkInput(ofLevel: $0) }
        }
      }
      return Member(
        features: .mean(features), signals: kept, windows: windows, notes: signals.flatMap(\.notes))
    }

    /// A lead as the device hears it, with the beats that its detector finds, but for those at which it has no result.
    private func signal(_ recording: CohortRecording, label: Bool) throws(FileError) -> LabelledSignal {
      let rate = window.settings.sampleRateHz
      let lead = try recording.lead(coupling: window.settings.coupling)
      let millivolts = try lead.millivolts(atRateHz: rate)
      let found = BeatPlaces.detected(in: millivolts, sampleRateHz: rate).filter {
        window.columns(ofBeatAt: $0, inRecordOf: millivolts.count) != nil
      }
      var signal = LabelledSignal(
        record: recording.record.name, lead: lead.name, microvolts: millivolts.map { $0 * 1000 }, beats: [])
      // The watch's own memory can't be too small.
      let hasResult =
        (try? SignalWatch(window, converter: converter).hasResults(atBeats: found, in: signal.microvolts))
      signal.beats = zip(found, hasResult ?? found.map { _ in true }).filter(\.1).map {
        .init(sample: $0.0, classIndex: label ? 1 : 0)
      }
      let note = recording.note(
        leftOut: found.count - signal.beats.count, of: found.count, lead: lead,
        "as a device has no result at them, after lost contact or on a lead without signal")
      signal.notes = lead.notes + (note.map { [$0] } ?? [])
      return converter.heard(signal)
    }

    /// At most `beatsPerPatient` beats, evenly spread.
    private func thinned(_ signals: [LabelledSignal]) -> [LabelledSignal] {
      let count = signals.reduce(0) { $0 + $1.beats.count }
      let kept = min(count, beatsPerPatient)
      // Beat number i is kept where i * kept / count steps up.
      var number = 0
      return signals.map { signal in
        var signal = signal
        signal.beats = signal.beats.filter { _ in
          defer { number += 1 }
          return number * kept / count != (number + 1) * kept / count
        }
        return signal
      }
    }
  }

  /// Reads a cohort's records.
  ///
  /// - Throws: `FileError`, where a record is missing or wrong, or the window's rate is out of the detector's range.
  package static func read(
    _ cohort: PatientCohort, view: View, threads: Int = 1, progress: @escaping ProgressHandler = { _ in }
  ) throws(FileError) -> TransferCohort {
    let members = try cohort.patients.concurrentMap(threads: threads, progress: progress) {
      patient throws(FileError) in
      try view.member(
        patient.records.map { record throws(FileError) in try cohort.load(record) }, label: patient.responds)
    }
    return TransferCohort(
      name: cohort.file, isSynthetic: cohort.isSynthetic, patients: cohort.patients.map(\.name),
      labels: cohort.labels,
      covariates: cohort.patients.map(\.covariates), members: members, view: view)
  }

  /// Synthesizes a cohort in memory.
  ///
  /// - Throws: `FileError`, where there is no such lead.
  package static func synthesized(
    _ cohort: SyntheticCohort, lead: String, view: View, threads: Int = 1,
    progress: @escaping ProgressHandler = { _ in }
  ) throws(FileError) -> TransferCohort {
    let members = try Array(cohort.patients.indices).concurrentMap(threads: threads, progress: progress) {
      index throws(FileError) in
      let record = cohort.record(of: index)
      return try view.member(
        [CohortRecording(record, lead: lead, file: record.name)], label: cohort.patients[index].responds)
    }
    return TransferCohort(
      name: cohort.notice, isSynthetic: true, patients: cohort.patients.map(\.name),
      labels: cohort.patients.map(\.responds),
      covariates: cohort.patients.map(\.covariates), members: members, view: view)
  }
}

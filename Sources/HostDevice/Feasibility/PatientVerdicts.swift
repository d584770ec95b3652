import Support

/// What a patient's record makes a device do.
package struct PatientSchedule: Encodable, Equatable, Sendable {
  /// The record's name.
  package var record: String
  /// Whose it is, by the name of the patient's first record.
  package var patient: String
  /// When decisions come, and what they are made of.
  package var schedule: Feasibility.Schedule

  /// Creates a schedule.
  package init(record: String, patient: String, schedule: Feasibility.Schedule) {
    (self.record, self.patient, self.schedule) = (record, patient, schedule)
  }
}

/// What patients' records make a device do, and how well the model decided about them.
package struct PatientLoad: Sendable {
  /// A schedule a record; at least one.
  package var schedules: [PatientSchedule]
  /// The patient whom a verdict is about.
  package var rank: PatientRank
  /// The decisions' scores; nil where the records name no beats of the model's classes.
  package var scores: Scores?

  /// How well the device decided about the annotated beats of all records.
  package struct Scores: Encodable, Equatable, Sendable {
    /// What was decided about: `beats`, or `windows` where the model decides by the clock.
    package var unit: String
    /// The number of those of the model's classes.
    package var beats: Int
    /// The records among them that the model was trained on.
    package var trainingRecordCount: Int
    /// F1 of each class that isn't absent, in the model's order.
    package var f1: [ClassScore]

    /// A class and its F1.
    package struct ClassScore: Encodable, Equatable, Sendable {
      /// The class.
      package var name: String
      /// Its F1, in 0...1.
      package var f1: Double

      /// Creates a score.
      package init(name: String, f1: Double) { (self.name, self.f1) = (name, f1) }
    }

    /// Creates scores.
    package init(
      unit: String = "beats", beats: Int, trainingRecordCount: Int = 0, f1: [ClassScore]
    ) {
      (self.unit, self.beats, self.trainingRecordCount, self.f1) = (unit, beats, trainingRecordCount, f1)
    }

    /// F1 by class.
    package var text: String { f1.map { "\($0.name) \(Numbers.percent($0.f1))" }.joined(separator: ", ") }

    /// Where they come from, which tells what they are worth.
    package var source: String {
      trainingRecordCount == 0
        ? ""
        : " (the model was trained on \(Numbers.integer(trainingRecordCount)) of these records: no accuracy on new patients)"
    }
  }

  /// Creates a load.
  package init(schedules: [PatientSchedule], rank: PatientRank, scores: Scores?) {
    (self.schedules, self.rank, self.scores) = (schedules, rank, scores)
  }
}

/// Which of some patients a verdict is about, in the order of what they make the device take.
package enum PatientRank: String, CaseIterable, Encodable, Sendable {
  /// The one in the middle; of two, the one who takes more.
  case median
  /// The one that 95 % don't exceed.
  case p95
  /// The one who takes most.
  case worst

  /// The rank in words.
  package var words: String {
    switch self {
    case .median: "the patient in the middle"
    case .p95: "the patient whom 95 % don't exceed"
    case .worst: "the patient who takes most"
    }
  }

  /// The place among so many, from 0.
  func place(among count: Int) -> Int {
    switch self {
    case .median: count / 2
    case .p95: min(count - 1, Int((0.95 * Double(count)).rounded(.up)) - 1)
    case .worst: count - 1
    }
  }
}

/// A device's verdicts over patients: each one's record makes it do something else.
package struct PatientVerdicts: Encodable, Sendable {
  /// A patient's verdict.
  package struct Entry: Encodable, Sendable {
    /// The patient's record: of several the one that takes most.
    package var record: String
    /// Decisions a minute.
    package var decisionsPerMinute: Double
    /// The part of the beats that the network is asked about; null for all.
    package var networkShare: Double?
    /// The average current; null where the profile has none.
    package var microamps: Estimate?
    /// The part of the time that the processor is busy.
    package var dutyCycle: Estimate?
    /// Whether the device carries the network for this patient.
    package var outcome: Outcome
  }

  /// The patients, in the order of what they take at the unfavourable end.
  package private(set) var patients: [Entry]
  /// The one that the verdict is about.
  package let rank: PatientRank

  /// How many patients the device carries the network for.
  package var passingCount: Int { patients.count { $0.outcome == .pass } }

  /// The patient of a rank.
  package func patient(_ rank: PatientRank) -> Entry { patients[rank.place(among: patients.count)] }

  /// Judges a model for each patient.
  ///
  /// - Parameters:
  ///   - schedules: What the records make the device do; at least one.
  ///   - rank: The one that the verdict is about.
  ///   - judge: Judges the model by a schedule.
  /// - Returns: The verdicts, and that of the rank's patient; nil where the profile has no processor.
  static func judged(
    _ schedules: [PatientSchedule], rank: PatientRank, by judge: (Feasibility.Schedule) -> Feasibility?
  ) -> (all: PatientVerdicts, chosen: Feasibility)? {
    var judged: [String: (entry: Entry, verdict: Feasibility)] = [:]
    for schedule in schedules {
      guard let verdict = judge(schedule.schedule) else { return nil }
      let entry = Entry(schedule, verdict)
      if let other = judged[schedule.patient], !(other.entry.load < entry.load) { continue }
      judged[schedule.patient] = (entry, verdict)
    }
    let ordered = judged.values.sorted {
      ($0.entry.load, $0.entry.record) < ($1.entry.load, $1.entry.record)
    }
    guard !ordered.isEmpty else { return nil }
    return (
      PatientVerdicts(patients: ordered.map(\.entry), rank: rank),
      ordered[rank.place(among: ordered.count)].verdict
    )
  }

  /// The ranks, a line each: the verdict's own, and always the worst.
  package var lines: [String] {
    let ranks = PatientRank.allCases.filter { $0 == rank || $0 != .p95 || patients.count >= 20 }
    let isOne = patients.count == 1
    return (isOne ? [rank] : ranks).map { rank in
      let patient = patient(rank)
      let current = patient.microamps.map { "\($0.text) uA" } ?? "no current"
      let asked = patient.networkShare.map { ", network asked about \(Numbers.percent($0))" } ?? ""
      let name = patient.record.split(separator: "/").last.map(String.init) ?? patient.record
      return "\(isOne ? "" : rank.words + ": ")record \(isOne ? name : patient.record), \(current), "
        + "\(Numbers.decimal(patient.decisionsPerMinute, places: 0)) decisions a minute\(asked): \(patient.outcome.rawValue)"
    } + (isOne ? [] : ["\(passingCount) of \(patients.count) patients pass"])
  }
}

extension PatientVerdicts.Entry {
  fileprivate init(_ patient: PatientSchedule, _ verdict: Feasibility) {
    let best = verdict.best
    record = patient.record
    decisionsPerMinute = 60 * patient.schedule.decisionsPerSecond
    networkShare = patient.schedule.networkShare
    microamps = best.criterion(.averageCurrent)?.estimate
    dutyCycle = best.criterion(.dutyCycle)?.estimate
    outcome = verdict.outcome
  }

  /// What orders patients.
  fileprivate var load: Double { microamps?.high ?? dutyCycle?.high ?? 0 }
}

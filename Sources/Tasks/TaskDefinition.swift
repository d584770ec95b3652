import ECG

/// What is to be told apart, in which records, by which labels: plain data, which a JSON file holds.
///
/// Everything that trains or scores a network follows it: see `TaskFile` for the file, `BuiltInTasks` for those that
/// have names.
package struct TaskDefinition: Equatable, Sendable {
  /// What a decision is about.
  package enum Unit: String, CaseIterable, Sendable {
    /// Each beat of the record's annotations, or of the device's detector.
    case beats
    /// A stretch of the signal, every so many seconds.
    case windows
    /// The same; and runs of windows of a class are announced, found or missed.
    case episodes
  }

  /// Where the classes come from.
  package enum Labels: Equatable, Sendable {
    /// From the codes of beats: for each class its mnemonics.
    case beats([[String]])
    /// From rhythm annotations, such as `(VT`: for each class its rhythms without the bracket, and those to skip.
    case rhythms([[String]], skipped: [String])
    /// From a manifest in the folder of the records; see `TaskManifest`.
    case manifest(String)
  }

  /// How records are divided into those to train on and those to test on.
  package enum Division: Equatable, Sendable {
    /// By name.
    case records(training: [String], validation: [String], test: [String])
    /// By the manifest's column `split`.
    case column
    /// Into so many folds of patients, each tested by a network that was trained on the others.
    case folds(Int)
  }

  /// The task's name.
  package var name: String
  /// The classes' names, in the order of the network's logits.
  package var classNames: [String]
  /// The classes in which a network for a device must not be worse than another: those that are announced.
  package var criticalClassNames: [String]
  /// What a decision is about.
  package var unit: Unit
  /// A window's length and the time from one to the next, in seconds; nil for beats.
  package var windowSeconds, hopSeconds: Double?
  /// Where the classes come from.
  package var labels: Labels
  /// The leads by name or number from 1: the first that a record has; its usual one where it has none of them.
  package var leads: [String] = []
  /// Of each further lead that is sampled together with these the names or numbers: the first that a record has.
  package var furtherLeads: [[String]] = []
  /// What a device does while it has lost one of several leads.
  package enum LostLead: String, CaseIterable, Sendable {
    /// It has no result.
    case noResult = "no result"
    /// It goes on while another lead is good: the network is trained to do without.
    case goOn = "go on"
  }

  /// What a device does while it has lost one of several leads.
  package var lostLead = LostLead.noResult
  /// How samples become the network's input.
  package var frontEnd = SpectrogramSettings()
  /// The records; nil for all of the folder.
  package var recordNames: [String]?
  /// Records that are of one patient; a record that isn't among them is a patient's own.
  package var patients: [[String]] = []
  /// Whether records with paced beats are left out, as the AAMI recommends.
  package var leavesOutPacedRecords = false
  /// How records are divided.
  package var division: Division

  /// Creates a task.
  package init(
    name: String, classNames: [String], critical: [String], unit: Unit, labels: Labels, division: Division
  ) {
    (self.name, self.classNames, criticalClassNames) = (name, classNames, critical)
    (self.unit, self.labels, self.division) = (unit, labels, division)
  }

  /// Whether decisions come by the clock, not at beats.
  package var isByClock: Bool { unit != .beats }

  /// Whether the name alone doesn't tell the task: a checkpoint then holds all of it, so that it stays what it was.
  package var needsTelling: Bool { isByClock || TaskDefinition(named: name) != self }

  /// The class of a beat's label; nil where the task has none for it.
  package func classIndex(of code: AnnotationCode) -> Int? {
    guard case .beats(let mnemonics) = labels else { return nil }
    let mnemonic = code.mnemonic
    return mnemonics.firstIndex { $0.contains(mnemonic) }
  }

  /// The places of the classes that are scored one against all others: the critical ones, or all.
  package var scoredClasses: [Int] {
    let critical = classNames.indices.filter { criticalClassNames.contains(classNames[$0]) }
    return critical.isEmpty ? Array(classNames.indices) : critical
  }

  /// The patient of a record, by the name of the patient's first record.
  package func patient(of record: String) -> String {
    let name = RecordPath.name(of: record)
    return patients.first { $0.contains(record) || $0.contains(name) }?.first ?? MITBIH.patient(of: record)
  }

  // MARK: Windows by the clock

  /// A window's length in columns of the front end; nil for beats, whose windows are the network's own matter.
  package var columnCount: Int? {
    windowSeconds.map {
      frontEnd.columnCount(sampleCount: Int(($0 * frontEnd.sampleRateHz).rounded()))
    }
  }

  /// The columns from one window to the next; nil for beats.
  package var hopColumns: Int? {
    hopSeconds.map {
      max(1, Int(($0 * frontEnd.sampleRateHz / Double(frontEnd.hopSamples)).rounded()))
    }
  }

  /// The samples from one window to the next; nil for beats.
  package var hopSamples: Int? { hopColumns.map { $0 * frontEnd.hopSamples } }

  /// The time from one window to the next as columns come: `hopSeconds` to a whole number of them; nil for beats.
  package var secondsOfClock: Double? { hopSamples.map { Double($0) / frontEnd.sampleRateHz } }
}

/// The leads of a record that are trained on; tests are always on the main one.
package enum TrainingLeads: String, CaseIterable, Codable, Sendable {
  /// MLII, or the first lead where a record has none.
  case main
  /// Every lead: the other electrode places of the same beats stand in for other patients' anatomy.
  case all
}

/// How a network's records are divided into those to train on and those to test on: the task's division, or one fold of it.
package enum TaskSplit: Equatable, Sendable {
  /// By patient, as the task names its records: for MIT-BIH's beats train on DS1, test on DS2 (de Chazal 2004).
  ///
  /// What a new patient may expect.
  case inter
  /// At random within each class, four fifths to train on: the same patients are on both sides.
  case intra
  /// Train on all folds of patients but this one, counted from 1, and test on it.
  case fold(Int)
  /// Train on all records; none are left to test on.
  case all
}

extension TaskSplit: RawRepresentable {
  /// Reads a split's name, such as `inter` or `fold-2`; nil for anything else.
  package init?(rawValue: String) {
    switch rawValue {
    case "inter": self = .inter
    case "intra": self = .intra
    case "all": self = .all
    default:
      guard rawValue.hasPrefix("fold-"), let fold = Int(rawValue.dropFirst(5)), fold > 0,
        rawValue == "fold-\(fold)"
      else { return nil }
      self = .fold(fold)
    }
  }

  package var rawValue: String {
    switch self {
    case .inter: "inter"
    case .intra: "intra"
    case .fold(let fold): "fold-\(fold)"
    case .all: "all"
    }
  }
}

extension TaskDefinition {
  /// The split of a training that isn't told one.
  package var usualSplit: TaskSplit {
    switch division {
    case .records, .column: name == Self.types.name ? .intra : .inter
    case .folds: .fold(1)
    }
  }

  /// The record by the task's name for it, where a network was trained on it; nil where it wasn't, or names don't tell.
  ///
  /// - Parameters:
  ///   - path: The record's path.
  ///   - split: The network's.
  /// - Returns: The name.
  package func trainedRecord(at path: String, split: TaskSplit) -> String? {
    let trained: [String]
    switch (division, split) {
    case (.records(let training, _, _), .inter): trained = training
    case (.records(let training, let validation, let test), .all),
      (.records(let training, let validation, let test), .intra):
      trained = recordNames ?? training + validation + test
    case (_, .all): trained = recordNames ?? []
    default: trained = []
    }
    return trained.first { RecordPath.leads(path, to: $0) }
  }

  /// What is wrong with a split of this task, in a few words; nil where nothing is.
  package func problem(of split: TaskSplit) -> String? {
    switch (split, division) {
    case (.inter, .folds(let count)):
      "the task has \(count) folds: choose one, fold-1 ... fold-\(count), or all"
    case (.intra, _): unit == .beats ? nil : "a random split is for beats: neighbouring windows are alike"
    case (.fold(let fold), .folds(let count)):
      fold <= count ? nil : "the task has \(count) folds, and none of number \(fold)"
    case (.fold, _): "the task has no folds"
    case (.inter, _), (.all, _): nil
    }
  }
}

import Foundation
import HostDevice
import Metrics
import Support

/// What a search found: the content of `exporter design --json`.
package struct DesignResult: Encodable, Sendable {
  /// A point with its figures.
  package struct Entry: Encodable, Sendable {
    /// The point.
    package var point: DesignPoint
    /// It in a few words.
    package var name: String
    /// What the device draws on average for the patient in the middle; null where the profile has no such figure.
    package var median: Estimate?
    /// For the patient who takes most.
    package var worst: Estimate?
    /// That patient's record.
    package var worstRecord: String
    /// The decisions a minute of the patient in the middle.
    package var decisionsPerMinute: Double
    /// The part of the beats that the network is asked about, of the patient in the middle; null for all.
    package var networkShare: Double?
    /// Whether the current of the patient in the middle is within the budget at the unfavourable end; null without a budget.
    package var fits: Bool?
    /// Whether that of every patient is.
    package var fitsWorst: Bool?
    /// Whether the device carries the network for the patient in the middle, by all of its requirements.
    package var outcome: Outcome
    /// The image's bytes.
    package var imageBytes: Int
    /// How well the devices decided about the patients of their folds, in integers.
    package var scores: PatientValidation.Scores
    /// Whether no other point takes less and decides as well, nor as much and decides better.
    package var isOnFront = false
    /// The commands that make it of all training records.
    package var commands: [String]
  }

  /// A result that is not there yet.
  package struct Missing: Encodable, Equatable, Sendable {
    package var name: String
    package var seed: UInt64
    /// From 1.
    package var fold: Int
  }

  package var task: String
  package var criticalClasses: [String]
  package var profile: String
  package var folds: Int
  package var seeds: [UInt64]
  package var epochs: [String: Int]
  /// The most that the patient in the middle may take, in microamperes; null where neither options nor profile say.
  package var budgetMicroamps: Double?
  /// The points of which all results are there, in the order of their currents.
  package var points: [Entry]
  /// What is missing of the others.
  package var missing: [Missing]

  /// Gathers what there is of a search.
  ///
  /// - Throws: `FileError` where a result is damaged, or the profile tells no processor.
  package init(_ search: DesignSearch) throws(FileError) {
    let options = search.options
    (task, profile, folds, seeds) = (search.task.name, options.profile, search.folds, options.seeds)
    criticalClasses = search.task.criticalClassNames
    epochs = ["columns": options.training.epochs, "beats": options.beatTraining.epochs]
    budgetMicroamps = options.budgetMicroamps
    (points, missing) = ([], [])
    for point in options.points {
      var bySeed: [[DesignFold]] = []
      var absent: [Missing] = []
      for seed in seeds {
        bySeed.append([])
        for fold in 0..<folds {
          if let result = try search.result(of: point, seed: seed, fold: fold) {
            bySeed[bySeed.count - 1].append(result)
          } else {
            absent.append(Missing(name: point.name, seed: seed, fold: fold + 1))
          }
        }
      }
      missing += absent
      guard absent.isEmpty else { continue }
      let entry = try Entry(point, bySeed, search, budget: &budgetMicroamps)
      points.append(entry)
    }
    points.sort { ($0.current, $0.name) < ($1.current, $1.name) }
    for index in points.indices {
      let own = points[index]
      points[index].isOnFront = !points.contains { $0.isBetter(than: own, in: criticalClasses) }
    }
  }
}

extension DesignResult.Entry {
  fileprivate init(
    _ point: DesignPoint, _ bySeed: [[DesignFold]], _ search: DesignSearch, budget: inout Double?
  ) throws(FileError) {
    let options = search.options
    self.point = point
    name = point.name
    commands = DesignSearch.commands(of: point, options)
    // Counts are the same of every fold's image: they follow from the shape alone.
    let file = "\(options.folder)/\(name.replacing(", ", with: "-").replacing(" ", with: "")).fold-1.qinf"
    try Files.write(bySeed[0][0].image, to: file)
    imageBytes = bySeed[0][0].image.count
    let verdicts = try ModelVerdicts(
      model: file, profiles: [options.profile], schedule: nil,
      load: PatientLoad(schedules: bySeed.joined().flatMap(\.schedules), rank: .median, scores: nil))
    let device = verdicts.devices[0]
    guard let patients = device.patients else {
      throw .malformed(
        options.data, "has no beat in a fold that the device decides about", remedy: "use whole records")
    }
    let (middle, most) = (patients.patient(.median), patients.patient(.worst))
    (median, worst, worstRecord) = (middle.microamps, most.microamps, most.record)
    decisionsPerMinute = middle.decisionsPerMinute
    (networkShare, outcome) = (middle.networkShare, middle.outcome)
    budget = budget ?? device.verdict.best.criterion(.averageCurrent)?.budget
    let limit = budget
    fits = limit.flatMap { limit in middle.microamps.map { $0.high <= limit } }
    fitsWorst = limit.flatMap { limit in most.microamps.map { $0.high <= limit } }
    scores = PatientValidation.Scores(
      bySeed: bySeed.map { $0.flatMap(\.records).map { ($0.patient, $0.decisions) } },
      classNames: search.task.classNames)
  }

  /// The current at the unfavourable end.
  package var current: Double { median?.high ?? 0 }

  /// A class's F1.
  package func f1(_ name: String) -> Double { scores.classes.first { $0.name == name }?.f1 ?? .nan }

  /// Whether it takes no more than another and decides no worse, and either less or better.
  fileprivate func isBetter(than other: DesignResult.Entry, in classes: [String]) -> Bool {
    func figures(_ entry: DesignResult.Entry) -> [Double] {
      ([-entry.current, entry.scores.macroF1] + classes.map(entry.f1)).map { $0.isNaN ? -1e9 : $0 }
    }
    let pairs = zip(figures(self), figures(other))
    return pairs.allSatisfy { $0 >= $1 } && pairs.contains { $0 > $1 }
  }
}

import HostDevice
import Metrics
import Networks
import Support
import Tasks

/// How well a way of training tells windows apart on patients that it has not seen: every fold's network in float, and
/// as the device that it becomes.
package struct WindowValidation: Encodable {
  /// What a class's logit is to be raised for.
  package enum Aim: Equatable, Sendable {
    /// The greatest sensitivity at a specificity of at least so much.
    case specificity(Double)
    /// The greatest specificity at a sensitivity of at least so much.
    case sensitivity(Double)

    /// Reads an aim such as `specificity=0.97`; nil for anything else.
    package init?(_ text: String) {
      let parts = text.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, let value = Double(parts[1]), value > 0, value < 1 else { return nil }
      switch parts[0] {
      case "specificity": self = .specificity(value)
      case "sensitivity": self = .sensitivity(value)
      default: return nil
      }
    }

    /// What a score lacks, in a sentence; nil where it reaches the aim.
    ///
    /// Where several classes are raised, each takes windows
    /// from the others, and windows of equal scores can't be divided.
    package func shortfall(of score: WindowScore) -> String? {
      let (name, wanted, found) =
        switch self {
        case .specificity(let value): ("specificity", value, score.specificity.value)
        case .sensitivity(let value): ("sensitivity", value, score.sensitivity.value)
        }
      guard found < wanted - 1e-9 else { return nil }
      return
        "\(score.className) has a \(name) of \(Numbers.percent(found)) on these records, below the aim of "
        + "\(Numbers.percent(wanted)); set it by hand with --offsets"
    }

    package var description: String {
      switch self {
      case .specificity(let value): "specificity=\(value)"
      case .sensitivity(let value): "sensitivity=\(value)"
      }
    }
  }

  /// How episodes are announced and counted.
  package struct EpisodeRule: Sendable {
    /// The length from which on an episode counts, and the time within which it must be announced.
    package var leastSeconds, limitSeconds: Double
    /// The device's policy.
    package var announcing: Announcing

    /// Creates a rule.
    package init(
      leastSeconds: Double = EpisodeScore.usualLeastSeconds,
      limitSeconds: Double = EpisodeScore.usualLimitSeconds, announcing: Announcing
    ) {
      (self.leastSeconds, self.limitSeconds, self.announcing) = (leastSeconds, limitSeconds, announcing)
    }
  }

  /// Each class that matters against all others: the networks as they are, in float and as devices.
  package var float, int8: [WindowScore]
  /// What every threshold gives of the devices' windows, a curve a class: the offset of a class's logit is less the threshold.
  package var curves: [WindowCurve]
  /// What the classes' logits were raised for; nil where they weren't.
  package var aim: String?
  /// By how much each class's logit is to be raised for the aim, chosen on all folds: for a network that is shipped.
  package var offsets: [String: Double]?
  /// The devices with logits raised for the aim, each by what the other folds' patients say: none of its own patients.
  package var tuned: [WindowScore]?
  /// The episodes that those devices announce; nil for a task without.
  package var episodes: [EpisodeScore]?

  /// Scores the folds of one seed.
  ///
  /// - Parameters:
  ///   - folds: The networks.
  ///   - task: The task.
  ///   - aim: What to raise logits for; nil to leave them.
  ///   - beta: How many times as much as +P sensitivity counts in F-beta.
  ///   - rule: How episodes count.
  ///   - threads: The number of folds side by side.
  ///   - progress: Told of each fold.
  /// - Throws: `InvalidNetwork` where a device can't hold a network.
  package init(
    _ folds: [TrainedFold], of task: TaskDefinition, aim: Aim?, beta: Double = WindowScore.usualBeta,
    rule: EpisodeRule, threads: Int,
    progress: @escaping ProgressHandler
  ) throws {
    let seed = folds.first?.seed ?? 1
    let results = try folds.concurrentMap(threads: threads, progress: progress) { fold in
      let device = try fold.device()
      return (
        patients: fold.held.map(\.patient), float: try fold.decisions(),
        int8: try fold.held.map { try device.decisions(about: $0, includesSilent: true) }
      )
    }
    func scores(_ decisions: [(patients: [String], decisions: [[BeatDecision]])]) -> [WindowScore] {
      let patients = Self.byPatient(decisions)
      return task.scoredClasses.map { index in
        WindowScore(
          patients, classIndex: index, className: task.classNames[index],
          atSpecificity: BeatEvaluation.windowSpecificity, beta: beta, seed: seed)
      }
    }
    float = scores(results.map { ($0.patients, $0.float) })
    int8 = scores(results.map { ($0.patients, $0.int8) })
    curves = task.scoredClasses.map { index in
      WindowCurve(
        results.flatMap { $0.int8.flatMap(\.self) }, classIndex: index, className: task.classNames[index])
    }
    var ownOffsets = folds.map { _ in [Float](repeating: 0, count: task.classNames.count) }
    if let aim {
      self.aim = aim.description
      func offsets(without fold: Int?) -> [Float] {
        let others = results.indices.filter { $0 != fold }.flatMap { results[$0].int8.flatMap(\.self) }
        return task.classNames.indices.map { index in
          task.scoredClasses.contains(index) ? Self.offset(for: aim, others, classIndex: index) ?? 0 : 0
        }
      }
      ownOffsets = folds.indices.map { offsets(without: $0) }
      self.offsets = Dictionary(
        uniqueKeysWithValues: zip(task.classNames, offsets(without: nil)).compactMap { name, offset in
          offset == 0 ? nil : (name, Double(offset))
        })
    }
    guard aim != nil || task.unit == .episodes else { return }
    let window = folds.first?.checkpoint.window
    let raised = try Array(zip(folds, ownOffsets)).concurrentMap(threads: threads, progress: progress) {
      fold, offsets in
      let device = try fold.device(raisedBy: offsets)
      return (
        patients: fold.held.map(\.patient),
        int8: try fold.held.map { try device.decisions(about: $0, includesSilent: true) },
        episodes: try fold.held.map { signal in
          let said = try device.announcements(along: signal, announcing: rule.announcing)
          return task.scoredClasses.map { index in
            RecordEpisodes(
              said, of: signal, classIndex: index, window: window ?? device.window,
              leastSeconds: rule.leastSeconds)
          }
        }
      )
    }
    if aim != nil { tuned = scores(raised.map { ($0.patients, $0.int8) }) }
    guard task.unit == .episodes else { return }
    let records = raised.flatMap(\.episodes)
    episodes = task.scoredClasses.enumerated().map { place, index in
      EpisodeScore(
        records.map { $0[place] }, className: task.classNames[index], leastSeconds: rule.leastSeconds,
        delayLimitSeconds: rule.limitSeconds, announcing: rule.announcing, seed: seed)
    }
  }

  /// By how much a class's logit is to be raised so that decisions meet an aim; nil where a class has no case.
  package static func offset(for aim: Aim, _ decisions: [BeatDecision], classIndex: Int) -> Float? {
    let ranked = RankedScores(
      scores: decisions.map { $0.score(ofClass: classIndex) },
      labels: decisions.map { $0.classIndex == classIndex }, groups: decisions.map { _ in 0 })
    let threshold =
      switch aim {
      case .specificity(let value): ranked.threshold(atSpecificity: value)
      case .sensitivity(let value): ranked.threshold(atSensitivity: value)
      }
    // The class is decided for from a score of 0 on.
    return threshold.map { Float(-$0) }
  }

  private static func byPatient(
    _ folds: [(patients: [String], decisions: [[BeatDecision]])]
  ) -> [[BeatDecision]] {
    var patients: [String: [BeatDecision]] = [:]
    for fold in folds {
      for (patient, decisions) in zip(fold.patients, fold.decisions) {
        patients[patient, default: []] += decisions
      }
    }
    return patients.sorted { $0.key < $1.key }.map(\.value)
  }
}

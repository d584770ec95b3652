import ArgumentParser
import Evaluation
import HostDevice
import Support

/// How a device's announcements are compared with labelled episodes: the options of tasks of episodes.
struct EpisodeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Announce the most frequent class of the last decisions. (default: 1)", valueName: "decisions"))
  var majority: Int?
  @Option(
    help: ArgumentHelp(
      "Announce a new class after so many decisions for it in a row. (default: 1)", valueName: "decisions"))
  var hysteresis: Int?
  @Option(
    help: ArgumentHelp(
      "The length from which on an episode counts. (default: \(Numbers.shortest(EpisodeScore.usualLeastSeconds)))",
      valueName: "s"))
  var leastSeconds: Double?
  @Option(
    help: ArgumentHelp(
      "The time within which an episode must be announced. (default: \(Numbers.shortest(EpisodeScore.usualLimitSeconds)))",
      valueName: "s"))
  var within: Double?

  /// Whether any is given.
  var isGiven: Bool { majority != nil || hysteresis != nil || leastSeconds != nil || within != nil }

  /// How episodes are announced and counted.
  var rule: WindowValidation.EpisodeRule {
    WindowValidation.EpisodeRule(
      leastSeconds: leastSeconds ?? EpisodeScore.usualLeastSeconds,
      limitSeconds: within ?? EpisodeScore.usualLimitSeconds, announcing: announcing)
  }

  /// The policy.
  var announcing: Announcing {
    var announcing = Announcing()
    announcing.majority = majority ?? 1
    announcing.hysteresis = hysteresis ?? 1
    return announcing
  }

  func validate() throws {
    if let problem = announcing.problem { throw ValidationError(problem) }
    for (name, value) in [("least-seconds", leastSeconds), ("within", within)] {
      if let value, !(value > 0 && value <= 86_400) {
        throw ValidationError("--\(name) must be above 0, and at most 86,400 s")
      }
    }
  }
}

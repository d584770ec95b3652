import HostDevice
import ModelFiles
import Networks
import Tasks

/// When a device's network ran, and why, and what it never looked at.
package struct NetworkRuns: Encodable, Sendable {
  /// The annotated beats of a class that matters.
  package struct CriticalClass: Encodable, Sendable {
    /// The class.
    package var name: String
    /// Its annotated beats with a decision.
    package var beats: Int
    /// Those of them at which the network didn't run.
    package var unseen: Int
    /// Those of these that weren't told: the memory gave another class, or the network slept.
    package var missed: Int
  }

  /// What keeps the network from running.
  package enum Saver: String, Encodable, Sendable {
    /// The memory of the patient's usual beats answers.
    case memory
    /// The network sleeps while beats are regular.
    case sleep
  }

  /// What keeps it from running.
  package var saver: Saver
  /// The decisions.
  package var decisions: Int
  /// Those at which the network ran.
  package var asked: Int
  /// Those of each reason.
  package var reasons: [String: Int]
  /// The classes that matter; null where the record has no annotations, or the model's task is none of this program's.
  package var criticalClasses: [CriticalClass]?

  init(_ decisions: [StreamResult.Decision], of loaded: LoadedModel) {
    saver = loaded.takesBeats ? .memory : .sleep
    self.decisions = decisions.count
    asked = decisions.count { $0.asked != nil }
    reasons = [:]
    for reason in decisions.compactMap(\.asked) { reasons[reason.rawValue, default: 0] += 1 }
    let saver = saver
    guard let task = loaded.task, decisions.contains(where: { $0.annotated != nil }) else { return }
    criticalClasses = task.criticalClassNames.filter(loaded.classNames.contains).map { name in
      let beats = decisions.filter { $0.annotated == name }
      let unseen = beats.filter { $0.asked == nil }
      return CriticalClass(
        name: name, beats: beats.count, unseen: unseen.count,
        missed: unseen.count { saver == .sleep || $0.fixed != name })
    }
  }
}

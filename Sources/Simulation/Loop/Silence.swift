import ModelFiles
import QuantInfer

/// The samples and the decisions for which a device had no result, by reason.
package struct Silence: Equatable, Sendable {
  private var samples = [Int](repeating: 0, count: 8)
  private var decisions = [Int](repeating: 0, count: 8)

  mutating func count(_ reason: NoResult?) {
    if let reason { samples[Int(reason.rawValue)] += 1 }
  }

  mutating func countDecision(_ reason: NoResult) { decisions[Int(reason.rawValue)] += 1 }

  /// The samples without a result for a reason.
  package func sampleCount(_ reason: NoResult) -> Int { samples[Int(reason.rawValue)] }
  /// The decisions without a result for a reason: those at which the whole window had come.
  package func decisionCount(_ reason: NoResult) -> Int { decisions[Int(reason.rawValue)] }
  /// The samples without a result.
  package var sampleCount: Int { samples.reduce(0, +) }
  /// The decisions without a result.
  package var decisionCount: Int { decisions.reduce(0, +) }
}

/// What a sleeping network did, held against one that never sleeps.
package struct ObservedSleep: Equatable, Sendable {
  /// The decisions that were due.
  package var decisions = 0
  /// Those that the network woke for.
  package var awakeDecisions = 0
  /// The columns that were computed.
  package var columns = 0
  /// The most that one decision had to wait for.
  package var greatestBurst = 0
  /// The decisions whose logits are not those of a network that never sleeps: 0.
  package var inexactDecisions = 0
  /// The state in which samples wait.
  package let ringBytes: Int

  init(_ loaded: LoadedModel, _ options: Monitor.Options) throws(MemoryError) {
    ringBytes = try 2 * Monitor.StateLayout(loaded.model, options).sampleCount
  }

  mutating func count(_ decision: Monitor.Decision, isExact: Bool) {
    decisions += 1
    awakeDecisions += decision.hasLogits ? 1 : 0
    inexactDecisions += isExact ? 0 : 1
  }

  mutating func count(burst columnCount: Int) {
    columns += columnCount
    greatestBurst = max(greatestBurst, columnCount)
  }
}

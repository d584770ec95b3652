import Networks
import Support

/// The part of the beats that a network of beats is asked about, over some records.
package struct NetworkShare: Encodable, Equatable, Sendable {
  /// That of the record in the middle.
  package var median: Double
  /// That of the record that 95 % of the others don't exceed.
  package var most: Double

  /// Over the records' parts; nil where there are none, or the network is asked about every beat of each.
  package init?(_ parts: [Double]) {
    let parts = parts.sorted()
    guard let first = parts.first, first < 1 else { return nil }
    median = parts[parts.count / 2]
    most = parts[min(parts.count - 1, Int(0.95 * Double(parts.count)))]
  }

  /// The part of some decisions that are the network's; nil without decisions.
  package static func part(of decisions: [BeatDecision]) -> Double? {
    guard !decisions.isEmpty else { return nil }
    return Double(decisions.count { !$0.isRecalled }) / Double(decisions.count)
  }

  /// A sentence.
  package var text: String {
    "The network is asked about \(Numbers.percent(median)) of the beats of the record in the middle, and about "
      + "\(Numbers.percent(most)) of the one that 95 % of the records don't exceed."
  }
}

/// What a float network said of the patient's usual beat: the float twin of the runtime's `BeatAnswers`.
package struct RecalledLogits: Sendable {
  private var means: [Float] = []

  /// Nothing was said yet.
  package init() {}

  /// What is decided about a beat: the network's logits, or the mean of those about known beats.
  ///
  /// - Parameters:
  ///   - isKnown: Whether the beat is as the patient's usual one.
  ///   - isAnswered: Whether the network isn't asked.
  ///   - network: Asks it.
  /// - Returns: The logits.
  package mutating func decide(isKnown: Bool, isAnswered: Bool, network: () -> [Float]) -> [Float] {
    if isAnswered { return means }
    let logits = network()
    guard isKnown else { return logits }
    means = means.isEmpty ? logits : zip(means, logits).map { $0 + ($1 - $0) / 8 }
    return logits
  }
}

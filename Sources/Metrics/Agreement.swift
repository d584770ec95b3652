/// How far a fixed-point network's logits follow its float twin's, one decision at a time.
///
/// Its JSON has `decisions`, `top1` (a fraction), `maxAbsoluteLogitError` and `meanAbsoluteLogitError` (in
/// logit units).
package struct Agreement: Equatable, Sendable {
  /// The number of decisions.
  package private(set) var decisions = 0
  /// The number of decisions for the same class; of equal logits the first counts as the largest.
  package private(set) var equalDecisions = 0
  /// The largest difference of two logits; 0 where there is none.
  package private(set) var maxAbsoluteLogitError = 0.0
  private var sumOfAbsoluteErrors = 0.0
  private var logits = 0

  /// Creates an agreement over no decisions.
  package init() {}

  /// Adds a decision; both spans hold one logit a class, and there is at least one.
  ///
  /// A logit that isn't finite makes the decision differ, by an infinite error.
  ///
  /// - Parameters:
  ///   - reference: The float twin's logits.
  ///   - measured: The fixed-point logits, in the same unit.
  package mutating func add(reference: Span<Float>, measured: Span<Float>) {
    precondition(reference.count == measured.count && !reference.isEmpty, "one logit a class in both twins")
    var referenceTop = 0
    var measuredTop = 0
    var isFinite = true
    for index in reference.indices {
      let error = abs(Double(measured[index]) - Double(reference[index]))
      isFinite = isFinite && error.isFinite
      let absoluteError = error.isFinite ? error : .infinity
      maxAbsoluteLogitError = max(maxAbsoluteLogitError, absoluteError)
      sumOfAbsoluteErrors += absoluteError
      if reference[index] > reference[referenceTop] { referenceTop = index }
      if measured[index] > measured[measuredTop] { measuredTop = index }
    }
    logits += reference.count
    decisions += 1
    if isFinite && referenceTop == measuredTop { equalDecisions += 1 }
  }

  /// Adds a decision given as arrays; see `add(reference:measured:)` over spans.
  package mutating func add(reference: [Float], measured: [Float]) {
    add(reference: reference.span, measured: measured.span)
  }

  /// Adds the decisions of another agreement.
  package static func += (agreement: inout Agreement, other: Agreement) {
    agreement.decisions += other.decisions
    agreement.equalDecisions += other.equalDecisions
    agreement.maxAbsoluteLogitError = max(agreement.maxAbsoluteLogitError, other.maxAbsoluteLogitError)
    agreement.sumOfAbsoluteErrors += other.sumOfAbsoluteErrors
    agreement.logits += other.logits
  }

  /// The fraction of decisions for the same class; nil where there is none.
  package var top1: Double? { decisions == 0 ? nil : Double(equalDecisions) / Double(decisions) }

  /// The mean difference of two logits; nil where there is none.
  package var meanAbsoluteLogitError: Double? { logits == 0 ? nil : sumOfAbsoluteErrors / Double(logits) }
}

extension Agreement: Encodable {
  private enum CodingKeys: String, CodingKey {
    case decisions, top1, maxAbsoluteLogitError, meanAbsoluteLogitError
  }

  /// Writes the agreement; what no decision defines is null.
  ///
  /// - Throws: `EncodingError`, where the encoder does.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(decisions, forKey: .decisions)
    try container.encode(top1, forKey: .top1)
    try container.encode(maxAbsoluteLogitError, forKey: .maxAbsoluteLogitError)
    try container.encode(meanAbsoluteLogitError, forKey: .meanAbsoluteLogitError)
  }
}

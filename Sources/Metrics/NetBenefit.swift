/// What decisions by a predicted probability are worth at a threshold.
package struct NetBenefit: Codable, Equatable, Sendable {
  /// The probability from which on one treats.
  package var threshold: Double
  /// TP / n - FP / n * threshold / (1 - threshold).
  package var netBenefit: Double
  /// The same of treating everybody; treating nobody is worth 0.
  package var treatAll: Double

  /// The decision curve over thresholds between 0 and 1, exclusive.
  ///
  /// - SeeAlso: A. J. Vickers and E. B. Elkin, Med. Decis. Making 26 (2006) 565.
  package static func curve(
    probabilities: [Double], labels: [Bool],
    thresholds: [Double] = (1..<20).map { Double($0) / 20 }
  ) -> [NetBenefit] {
    precondition(probabilities.count == labels.count && !labels.isEmpty, "a label for each probability")
    let n = Double(labels.count)
    let positives = Double(labels.count(where: \.self))
    return thresholds.map { threshold in
      var (truePositives, falsePositives) = (0.0, 0.0)
      for (probability, label) in zip(probabilities, labels) where probability >= threshold {
        if label { truePositives += 1 } else { falsePositives += 1 }
      }
      let odds = threshold / (1 - threshold)
      return NetBenefit(
        threshold: threshold, netBenefit: (truePositives - falsePositives * odds) / n,
        treatAll: (positives - (n - positives) * odds) / n)
    }
  }
}

/// How often each class was taken for each.
///
/// Its JSON is `{"classNames": [...], "counts": [[...]]}`.
package struct ConfusionMatrix: Codable, Equatable, Sendable {
  /// The classes' names.
  package let classNames: [String]
  /// The number of cases: `[reference class, predicted class]`.
  package private(set) var counts: [[Int]]

  /// Creates a matrix without cases.
  package init(classNames: [String]) {
    self.classNames = classNames
    counts = Array(repeating: Array(repeating: 0, count: classNames.count), count: classNames.count)
  }

  /// Counts `count` cases; the classes must be indices into `classNames`.
  package mutating func add(reference: Int, prediction: Int, count: Int = 1) {
    counts[reference][prediction] += count
  }

  /// Adds another matrix of the same classes.
  package static func += (matrix: inout ConfusionMatrix, other: ConfusionMatrix) {
    precondition(matrix.classNames == other.classNames, "matrices of different classes can't be added")
    for (row, cases) in other.counts.enumerated() {
      for (column, count) in cases.enumerated() { matrix.counts[row][column] += count }
    }
  }

  /// The number of cases.
  package var total: Int { counts.joined().reduce(0, +) }

  /// The number of cases that were predicted right.
  package var correct: Int { counts.indices.reduce(0) { $0 + counts[$1][$1] } }

  /// The number of cases that are of a class.
  package func referenceCount(ofClass index: Int) -> Int { counts[index].reduce(0, +) }

  /// The number of cases that were taken for a class.
  package func predictionCount(ofClass index: Int) -> Int { counts.reduce(0) { $0 + $1[index] } }

  /// The fraction of cases that were predicted right; nil where there is none.
  package var accuracy: Double? { fraction(correct, of: total) }

  /// Se = TP / (TP + FN): the fraction of a class's cases that were found; nil where there is none.
  package func sensitivity(ofClass index: Int) -> Double? {
    fraction(counts[index][index], of: referenceCount(ofClass: index))
  }

  /// +P = TP / (TP + FP): the fraction of a class's predictions that are right; nil where there is none.
  package func positivePredictivity(ofClass index: Int) -> Double? {
    fraction(counts[index][index], of: predictionCount(ofClass: index))
  }

  /// F1 = 2 TP / (2 TP + FP + FN); nil for an absent class: one with neither a case nor a prediction.
  package func f1(ofClass index: Int) -> Double? {
    fraction(
      2 * counts[index][index],
      of: referenceCount(ofClass: index) + predictionCount(ofClass: index))
  }

  /// The mean F1 over the classes that aren't absent; nil where all are.
  ///
  /// A class that has cases but no right prediction, or only wrong predictions and no case, counts as 0.
  /// This is scikit-learn's `f1_score(average="macro", zero_division=0)` without `labels`.
  package var macroF1: Double? {
    let scores = classNames.indices.compactMap { f1(ofClass: $0) }
    return scores.isEmpty ? nil : scores.reduce(0, +) / Double(scores.count)
  }

  private func fraction(_ part: Int, of whole: Int) -> Double? {
    whole == 0 ? nil : Double(part) / Double(whole)
  }
}

extension ConfusionMatrix {
  private enum CodingKeys: String, CodingKey {
    case classNames, counts
  }

  /// Reads a matrix.
  ///
  /// - Throws: `DecodingError`, where the counts aren't a square of numbers in `0...2^40` that fits the names.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    classNames = try container.decode([String].self, forKey: .classNames)
    counts = try container.decode([[Int]].self, forKey: .counts)
    let size = classNames.count
    guard counts.count == size, counts.allSatisfy({ $0.count == size }) else {
      throw DecodingError.dataCorruptedError(
        forKey: .counts, in: container, debugDescription: "counts must be \(size) rows of \(size) numbers")
    }
    guard counts.joined().allSatisfy({ (0...1 << 40).contains($0) }) else {
      throw DecodingError.dataCorruptedError(
        forKey: .counts, in: container, debugDescription: "a count must be in 0 to 2^40")
    }
  }
}

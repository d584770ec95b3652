import Support

/// A division of patients: those that a method may learn from, and those that it is tested on.
package struct Fold: Equatable, Sendable {
  /// The patients to learn from, by index, in order.
  package var training: [Int]
  /// The patients to test on, by index, in order.
  package var test: [Int]

  /// Creates a fold.
  package init(training: [Int], test: [Int]) {
    (self.training, self.test) = (training, test)
  }
}

/// Divisions of whole patients, each class spread evenly.
///
/// What is divided are patients, never records, so nobody stands on both sides.
package enum Folds {
  /// Repeated stratified cross-validation: in each repeat every patient is tested once.
  ///
  /// - Parameters:
  ///   - labels: Each patient's class.
  ///   - count: The folds of a repeat, at least 2; at most the patients of the rarer class.
  ///   - repeats: The repeats, each with patients dealt anew.
  ///   - seed: The seed of the deal.
  /// - Returns: `[repeat][fold]`.
  package static func stratified(
    _ labels: [Bool], count: Int, repeats: Int = 1, seed: UInt64
  ) -> [[Fold]] {
    precondition((2...max(2, labels.count)).contains(count) && repeats > 0, "folds of at least a patient")
    let generator = SeededGenerator(seed: seed)
    return (0..<repeats).map { index in
      var generator = generator.split(index)
      // One class after the other is dealt out, on from the fold where the last one ended, so that the folds' sizes
      // differ by one at most.
      let order = shuffledByClass(labels, using: &generator).joined()
      var foldOfPatient = [Int](repeating: 0, count: labels.count)
      for (place, patient) in order.enumerated() { foldOfPatient[patient] = place % count }
      return (0..<count).map { fold in
        Fold(
          training: labels.indices.filter { foldOfPatient[$0] != fold },
          test: labels.indices.filter { foldOfPatient[$0] == fold })
      }
    }
  }

  /// One division, such as for validation: a share of each class to test on, at least one patient of each where
  /// there are two.
  ///
  /// - Parameters:
  ///   - patients: The patients to divide, by index.
  ///   - labels: Each patient's class, by the same index.
  ///   - share: The share to test on, between 0 and 1.
  ///   - seed: The seed of the draw.
  /// - Returns: The division.
  package static func split(
    _ patients: [Int], labels: [Bool], testShare share: Double, seed: UInt64
  ) -> Fold {
    precondition(share > 0 && share < 1, "a share between 0 and 1")
    var generator = SeededGenerator(seed: seed)
    var test: Set<Int> = []
    for group in shuffledByClass(patients.map { labels[$0] }, using: &generator) where group.count > 1 {
      let count = min(max(1, Int((Double(group.count) * share).rounded())), group.count - 1)
      test.formUnion(group.prefix(count).map { patients[$0] })
    }
    return Fold(training: patients.filter { !test.contains($0) }, test: patients.filter(test.contains))
  }

  /// The penalty of the least log loss in a cross-validation within the patients; of equal ones the largest.
  ///
  /// - Parameters:
  ///   - penalties: What to choose from, the least first.
  ///   - labels: The patients' classes.
  ///   - seed: The seed of the folds.
  ///   - losses: The test patients' log loss with each penalty; nil where there is no fit.
  /// - Returns: The penalty; 1 where a class has fewer than two patients, or there is no fit.
  static func chosenPenalty(
    of penalties: [Double], labels: [Bool], seed: UInt64, losses: (Fold) -> [Double]?
  ) -> Double {
    let positives = labels.count(where: \.self)
    let folds = min(5, positives, labels.count - positives)
    guard folds >= 2 else { return 1 }
    var sums = penalties.map { _ in 0.0 }
    for fold in stratified(labels, count: folds, seed: seed)[0] {
      guard let losses = losses(fold) else { return 1 }
      for (index, loss) in losses.enumerated() { sums[index] += loss }
    }
    var best = penalties.count - 1
    for index in penalties.indices.reversed() where sums[index] < sums[best] { best = index }
    return penalties[best]
  }

  private static func shuffledByClass(
    _ labels: [Bool], using generator: inout SeededGenerator
  ) -> [[Int]] {
    [true, false].map { label in
      labels.indices.filter { labels[$0] == label }.shuffled(using: &generator)
    }
  }
}

extension Folds {
  /// Repeated stratified cross-validation of a cohort's patients; see `stratified`.
  ///
  /// - Parameters:
  ///   - labels: Each patient's class.
  ///   - count: The folds of a repeat.
  ///   - repeats: The repeats.
  ///   - seed: The seed of the deal.
  ///   - name: What the cohort is called in errors.
  /// - Returns: `[repeat][fold]`.
  /// - Throws: `FileError`, malformed, where a class has fewer patients than there are folds.
  static func crossValidation(
    _ labels: [Bool], count: Int, repeats: Int, seed: UInt64, of name: String
  ) throws(FileError) -> [[Fold]] {
    let responders = labels.count(where: \.self)
    let rarer = min(responders, labels.count - responders)
    guard rarer >= 2 else {
      throw .malformed(
        name, "has \(responders) responders among \(labels.count) patients, too few to learn from",
        remedy: "give two patients or more of each class")
    }
    guard (2...rarer).contains(count), repeats > 0 else {
      throw .malformed(
        name, "has \(rarer) patients of the rarer class, which don't make \(count) folds",
        remedy: "use 2 to \(rarer) folds")
    }
    return stratified(labels, count: count, repeats: repeats, seed: seed)
  }
}

import Metrics

/// A last layer of two classes that gives patients' responses the largest penalized likelihood.
///
/// A patient's score is the mean of the beats' logit margins, and the margin is linear in what the last layer reads. So
/// the score is linear in the patient's mean inputs, each patient weighs the same however many beats there are, and
/// the best layer is that of a logistic regression: no steps, no learning rate, no seed but that of the folds which
/// choose the penalty.
package struct HeadFit {
  /// The margin's weights, one an input.
  package let weights: [Double]
  /// The margin of inputs that are 0.
  package let bias: Double
  /// The penalty that was chosen, for inputs scaled to a mean square distance of 1 from their mean.
  package let penalty: Double

  /// The penalties to choose from.
  static let penalties = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]
  /// A smaller part of the loss is nothing to gain.
  private static let leastGain = 1e-9

  /// Fits a layer to patients' mean inputs; nil where a class has no patient.
  ///
  /// - Parameters:
  ///   - inputs: The mean inputs, `[patient][input]`.
  ///   - labels: The patients' classes.
  ///   - seed: The seed of the folds that choose the penalty.
  package init?(inputs: [[Double]], labels: [Bool], seed: UInt64) {
    guard labels.contains(true), labels.contains(false), let width = inputs.first?.count else { return nil }
    let count = Double(inputs.count)
    var mean = [Double](repeating: 0, count: width)
    for row in inputs { for index in 0..<width { mean[index] += row[index] / count } }
    let spread = inputs.reduce(0.0) { sum, row in
      sum + row.indices.reduce(0) { $0 + (row[$1] - mean[$1]) * (row[$1] - mean[$1]) }
    }
    let scale = spread > 0 ? (count / spread).squareRoot() : 1
    let rows = inputs.map { row in row.indices.map { (row[$0] - mean[$0]) * scale } }
    let span = PatientSpan(rows)
    let fit = LogisticFit(rows: span.coordinates.map { [1] + $0 }, labels: labels)
    func penalties(_ penalty: Double) -> [Double] { [0] + Array(repeating: penalty, count: span.rank) }
    penalty = Folds.chosenPenalty(of: Self.penalties, labels: labels, seed: seed) { fold in
      // From the largest penalty down, each fit begins where the last one ended.
      var (losses, coefficients): ([Double], [Double]?) = ([], nil)
      for penalty in Self.penalties.reversed() {
        coefficients = fit.coefficients(
          penalties: penalties(penalty), cases: fold.training, from: coefficients, leastGain: Self.leastGain)
        guard let coefficients else { return nil }
        losses.append(fit.loss(coefficients, of: fold.test))
      }
      return losses.reversed()
    }
    guard
      let coefficients = fit.coefficients(penalties: penalties(penalty), leastGain: Self.leastGain)
    else { return nil }
    let direction = span.vector(ofCoordinates: Array(coefficients.dropFirst()), rows: rows)
    weights = direction.map { $0 * scale }
    bias = coefficients[0] - zip(weights, mean).reduce(0) { $0 + $1.0 * $1.1 }
  }
}

/// The space that patients' inputs span: there are fewer patients than inputs, so everything happens in it.
///
/// By a pivoted Cholesky decomposition of the inner products, ended where a hundredth of the variance is left, or at 40
/// dimensions: coordinates whose inner products are the inputs', to that.
private struct PatientSpan {
  /// The patients' coordinates, `[patient][rank]`.
  private(set) var coordinates: [[Double]]
  /// The patients whose inputs are the basis.
  private var pivots: [Int] = []

  var rank: Int { pivots.count }

  init(_ rows: [[Double]]) {
    let count = rows.count
    func product(_ a: Int, _ b: Int) -> Double {
      rows[a].withUnsafeBufferPointer { a in
        rows[b].withUnsafeBufferPointer { b in
          var sum = 0.0
          for index in a.indices { sum += a[index] * b[index] }
          return sum
        }
      }
    }
    var left = (0..<count).map { product($0, $0) }
    let enough = 0.01 * left.reduce(0, +)
    coordinates = Array(repeating: [], count: count)
    while pivots.count < min(count, 40), left.reduce(0, +) > enough {
      var pivot = 0
      for index in 1..<count where left[index] > left[pivot] { pivot = index }
      let root = left[pivot].squareRoot()
      guard root > 0 else { break }
      let own = coordinates[pivot]
      for patient in 0..<count {
        let known = zip(own, coordinates[patient]).reduce(0) { $0 + $1.0 * $1.1 }
        let value = pivots.contains(patient) ? 0 : (product(pivot, patient) - known) / root
        coordinates[patient].append(patient == pivot ? root : value)
        left[patient] = patient == pivot ? 0 : max(0, left[patient] - value * value)
      }
      pivots.append(pivot)
    }
  }

  /// The vector in the inputs' space whose inner products with the patients are those of coordinates.
  func vector(ofCoordinates target: [Double], rows: [[Double]]) -> [Double] {
    // The pivots' coordinates are a lower triangle L: the vector is the sum of their inputs times a with L^T a = target.
    var shares = target
    for i in pivots.indices.reversed() {
      for j in pivots.indices.dropFirst(i + 1) { shares[i] -= coordinates[pivots[j]][i] * shares[j] }
      shares[i] /= coordinates[pivots[i]][i]
    }
    var vector = [Double](repeating: 0, count: rows.first?.count ?? 0)
    for (share, pivot) in zip(shares, pivots) {
      for index in vector.indices { vector[index] += share * rows[pivot][index] }
    }
    return vector
  }
}

import Foundation

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
    let design = RidgeDesign(span.coordinates, labels: labels)
    penalty = Self.chosenPenalty(design, seed: seed)
    let coefficients = design.fit(Array(rows.indices), penalty: penalty)
    let direction = span.vector(ofCoordinates: Array(coefficients.dropFirst()), rows: rows)
    weights = direction.map { $0 * scale }
    bias = coefficients[0] - zip(weights, mean).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// The penalty of the least log loss in a cross-validation within the patients; of equal ones the largest.
  private static func chosenPenalty(_ design: RidgeDesign, seed: UInt64) -> Double {
    let positives = design.labels.count(where: \.self)
    let folds = min(5, positives, design.labels.count - positives)
    guard folds >= 2 else { return 1 }
    let division = Folds.stratified(design.labels, count: folds, seed: seed)[0]
    var losses = penalties.map { _ in 0.0 }
    for fold in division {
      var coefficients: [Double] = []
      // From the largest penalty down, each fit begins where the last one ended.
      for (index, penalty) in penalties.enumerated().reversed() {
        coefficients = design.fit(fold.training, penalty: penalty, from: coefficients)
        losses[index] += design.loss(coefficients, of: fold.test)
      }
    }
    var best = penalties.count - 1
    for index in penalties.indices.reversed() where losses[index] < losses[best] { best = index }
    return penalties[best]
  }
}

/// Logistic regression with a ridge penalty on all columns but the intercept, by Newton's method.
private struct RidgeDesign {
  let labels: [Bool]
  /// The columns of a patient with the intercept's before them.
  private let width: Int
  /// `[patient][column]`, one after the other.
  private let values: [Double]

  init(_ coordinates: [[Double]], labels: [Bool]) {
    self.labels = labels
    width = 1 + (coordinates.first?.count ?? 0)
    values = coordinates.flatMap { [1] + $0 }
  }

  private func margin(_ coefficients: [Double], _ patient: Int) -> Double {
    var sum = 0.0
    for column in 0..<width { sum += coefficients[column] * values[patient * width + column] }
    return sum
  }

  /// The sum of some patients' log losses.
  func loss(_ coefficients: [Double], of patients: [Int]) -> Double {
    patients.reduce(0) { sum, patient in
      let margin = margin(coefficients, patient)
      let signed = labels[patient] ? -margin : margin
      return sum + max(signed, 0) + log1p(exp(-abs(signed)))
    }
  }

  /// The coefficients of least penalized loss, the intercept first.
  ///
  /// The loss is strictly convex where both classes are there, which a stratified fold has.
  func fit(_ patients: [Int], penalty: Double, from start: [Double] = []) -> [Double] {
    var coefficients = start.isEmpty ? [Double](repeating: 0, count: width) : start
    func total(_ coefficients: [Double]) -> Double {
      loss(coefficients, of: patients)
        + penalty / 2 * coefficients.dropFirst().reduce(0) { $0 + $1 * $1 }
    }
    var current = total(coefficients)
    for _ in 0..<50 {
      let step = newtonStep(coefficients, patients, penalty)
      var length = 1.0
      var next = coefficients
      var nextLoss = Double.infinity
      while length > 1e-9 {
        next = zip(coefficients, step).map { $0 - length * $1 }
        nextLoss = total(next)
        if nextLoss <= current { break }
        length /= 2
      }
      guard nextLoss <= current else { break }
      let gained = current - nextLoss
      (coefficients, current) = (next, nextLoss)
      if gained <= 1e-9 * max(1, current) { break }
    }
    return coefficients
  }

  /// The gradient through the inverse of the second derivatives, by Cholesky's decomposition.
  private func newtonStep(_ coefficients: [Double], _ patients: [Int], _ penalty: Double) -> [Double] {
    let width = width
    var step = [Double](repeating: 0, count: width)
    // Lower triangle, row by row; a little on the diagonal keeps it positive where all probabilities are 0 or 1.
    var matrix = [Double](repeating: 0, count: width * width)
    for column in 0..<width {
      step[column] = column == 0 ? 0 : penalty * coefficients[column]
      matrix[column * width + column] = column == 0 ? 1e-9 : penalty
    }
    matrix.withUnsafeMutableBufferPointer { matrix in
      step.withUnsafeMutableBufferPointer { step in
        values.withUnsafeBufferPointer { values in
          for patient in patients {
            let row = UnsafeBufferPointer(rebasing: values[patient * width..<(patient + 1) * width])
            let probability = NetworkLearner.probability(margin(coefficients, patient))
            let slope = probability - (labels[patient] ? 1 : 0)
            let weight = probability * (1 - probability)
            for i in 0..<width {
              step[i] += slope * row[i]
              let factor = weight * row[i]
              for j in 0...i { matrix[i * width + j] += factor * row[j] }
            }
          }
        }
        for i in 0..<width {
          for j in 0...i {
            var sum = matrix[i * width + j]
            for k in 0..<j { sum -= matrix[i * width + k] * matrix[j * width + k] }
            matrix[i * width + j] = i == j ? max(sum, 1e-12).squareRoot() : sum / matrix[j * width + j]
          }
          for k in 0..<i { step[i] -= matrix[i * width + k] * step[k] }
          step[i] /= matrix[i * width + i]
        }
        for i in (0..<width).reversed() {
          for k in (i + 1)..<max(width, i + 1) { step[i] -= matrix[k * width + i] * step[k] }
          step[i] /= matrix[i * width + i]
        }
      }
    }
    return step
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

import Foundation

/// A logistic regression's coefficients of largest penalized likelihood, by Newton's method.
package struct LogisticFit {
  /// A coefficient for each column.
  package let coefficients: [Double]

  /// Fits coefficients; nil where there is no finite best one.
  ///
  /// Minimizes the sum of the log losses plus half of each penalty times its coefficient squared.
  ///
  /// - Parameters:
  ///   - rows: The cases, `[case][column]`; a column of ones is the intercept.
  ///   - labels: The cases' classes.
  ///   - penalties: A penalty for each column.
  ///   - offsets: What is added to each case's log odds; none where it is empty.
  package init?(rows: [[Double]], labels: [Bool], penalties: [Double], offsets: [Double] = []) {
    let width = penalties.count
    func loss(_ beta: [Double]) -> Double {
      var sum = zip(penalties, beta).reduce(0) { $0 + $1.0 * $1.1 * $1.1 / 2 }
      for (index, row) in rows.enumerated() {
        let odds = Self.logOdds(row, beta) + (offsets.isEmpty ? 0 : offsets[index])
        // log(1 + exp(x)) without overflow.
        sum += max(odds, 0) + log1p(exp(-abs(odds))) - (labels[index] ? odds : 0)
      }
      return sum
    }

    guard labels.contains(true), labels.contains(false) else { return nil }
    var beta = [Double](repeating: 0, count: width)
    var current = loss(beta)
    for _ in 0..<200 {
      var gradient = zip(penalties, beta).map { $0 * $1 }
      var hessian = (0..<width).map { column in
        (0..<width).map { $0 == column ? penalties[column] : 0 }
      }
      for (index, row) in rows.enumerated() {
        let probability = Self.probability(
          Self.logOdds(row, beta) + (offsets.isEmpty ? 0 : offsets[index]))
        let weight = probability * (1 - probability)
        for i in 0..<width {
          gradient[i] += (probability - (labels[index] ? 1 : 0)) * row[i]
          for j in 0...i { hessian[i][j] += weight * row[i] * row[j] }
        }
      }
      guard let step = Self.solve(hessian, gradient) else { return nil }
      // The loss is convex, so a short enough step lowers it until nothing is left to gain.
      var length = 1.0
      var next = beta
      var nextLoss = Double.infinity
      while length > 1e-10 {
        next = zip(beta, step).map { $0 - length * $1 }
        nextLoss = loss(next)
        if nextLoss <= current { break }
        length /= 2
      }
      guard nextLoss <= current else { break }
      beta = next
      let isDone = step.allSatisfy { abs($0) < 1e-10 * max(1, beta.map(abs).max() ?? 1) }
      current = nextLoss
      if isDone { break }
      // Without a penalty separable classes drive the coefficients to infinity.
      guard beta.allSatisfy({ abs($0) < 1e4 }) else { return nil }
    }
    guard beta.allSatisfy(\.isFinite) else { return nil }
    coefficients = beta
  }

  static func logOdds(_ row: [Double], _ coefficients: [Double]) -> Double {
    var sum = 0.0
    for index in row.indices { sum += row[index] * coefficients[index] }
    return sum
  }

  package static func probability(_ logOdds: Double) -> Double {
    logOdds >= 0 ? 1 / (1 + exp(-logOdds)) : exp(logOdds) / (1 + exp(logOdds))
  }

  /// Solves a symmetric system of which the lower half is given, by Cholesky's decomposition; nil where the matrix
  /// isn't positive definite.
  private static func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double]? {
    let count = right.count
    var lower = matrix
    var solution = right
    for i in 0..<count {
      for j in 0...i {
        var sum = matrix[i][j]
        for k in 0..<j { sum -= lower[i][k] * lower[j][k] }
        if i == j {
          guard sum > 1e-12 * max(matrix[i][i], 1e-300), sum.isFinite else { return nil }
          lower[i][i] = sum.squareRoot()
        } else {
          lower[i][j] = sum / lower[j][j]
        }
      }
      for k in 0..<i { solution[i] -= lower[i][k] * solution[k] }
      solution[i] /= lower[i][i]
    }
    for i in (0..<count).reversed() {
      for k in i + 1..<count { solution[i] -= lower[k][i] * solution[k] }
      solution[i] /= lower[i][i]
    }
    return solution
  }
}

import Foundation

/// Cases for a logistic regression, whose coefficients of largest penalized likelihood Newton's method finds.
package struct LogisticFit: Sendable {
  private let labels: [Bool]
  private let offsets: [Double]
  private let width: Int
  /// `[case][column]`, one after the other.
  private let values: [Double]

  /// Takes cases.
  ///
  /// - Parameters:
  ///   - rows: The cases, `[case][column]`; a column of ones is the intercept.
  ///   - labels: The cases' classes.
  ///   - offsets: What is added to each case's log odds; none where it is empty.
  package init(rows: [[Double]], labels: [Bool], offsets: [Double] = []) {
    self.labels = labels
    self.offsets = offsets.isEmpty ? [Double](repeating: 0, count: labels.count) : offsets
    width = rows.first?.count ?? 0
    values = Array(rows.joined())
  }

  /// The best coefficients; nil where there are no finite best ones.
  ///
  /// They minimize the sum of the log losses plus half of each penalty times its coefficient squared.
  ///
  /// - Parameters:
  ///   - penalties: A penalty for each column.
  ///   - cases: The cases to fit to; nil for all.
  ///   - start: Coefficients to begin with; nil for zeros.
  ///   - leastGain: A step that lowers the loss by no more than this part of it is the last; nil to go on until no
  ///     coefficient moves.
  /// - Returns: A coefficient for each column.
  package func coefficients(
    penalties: [Double], cases: [Int]? = nil, from start: [Double]? = nil, leastGain: Double? = nil
  ) -> [Double]? {
    let cases = cases ?? Array(labels.indices)
    guard cases.contains(where: { labels[$0] }), cases.contains(where: { !labels[$0] }) else { return nil }
    func total(_ beta: [Double]) -> Double {
      zip(penalties, beta).reduce(loss(beta, of: cases)) { $0 + $1.0 * $1.1 * $1.1 / 2 }
    }
    var beta = start ?? [Double](repeating: 0, count: width)
    var current = total(beta)
    for _ in 0..<200 {
      guard let step = step(from: beta, penalties, cases) else { return nil }
      // The loss is convex, so a short enough step lowers it until nothing is left to gain.
      var length = 1.0
      var next = beta
      var nextLoss = Double.infinity
      while length > 1e-10 {
        next = zip(beta, step).map { $0 - length * $1 }
        nextLoss = total(next)
        if nextLoss <= current { break }
        length /= 2
      }
      guard nextLoss <= current else { break }
      let gained = current - nextLoss
      (beta, current) = (next, nextLoss)
      if let leastGain, gained <= leastGain * max(1, current) { break }
      if step.allSatisfy({ abs($0) < 1e-10 * max(1, beta.map(abs).max() ?? 1) }) { break }
      // Without a penalty separable classes drive the coefficients to infinity.
      guard beta.allSatisfy({ abs($0) < 1e4 }) else { return nil }
    }
    return beta.allSatisfy(\.isFinite) ? beta : nil
  }

  /// The sum of some cases' log losses.
  package func loss(_ coefficients: [Double], of cases: [Int]) -> Double {
    cases.reduce(0) { sum, index in
      let odds = logOdds(index, coefficients)
      // log(1 + exp(x)) without overflow.
      return sum + max(odds, 0) + log1p(exp(-abs(odds))) - (labels[index] ? odds : 0)
    }
  }

  /// The probability whose log odds are given.
  package static func probability(_ logOdds: Double) -> Double {
    logOdds >= 0 ? 1 / (1 + exp(-logOdds)) : exp(logOdds) / (1 + exp(logOdds))
  }

  private func logOdds(_ index: Int, _ coefficients: [Double]) -> Double {
    var sum = 0.0
    for column in 0..<width { sum += values[index * width + column] * coefficients[column] }
    return sum + offsets[index]
  }

  /// The gradient through the inverse of the second derivatives, by Cholesky's decomposition; nil where these aren't
  /// positive definite.
  private func step(from beta: [Double], _ penalties: [Double], _ cases: [Int]) -> [Double]? {
    let width = width
    var step = zip(penalties, beta).map { $0 * $1 }
    // The lower triangle, row by row.
    var matrix = [Double](repeating: 0, count: width * width)
    for column in 0..<width { matrix[column * width + column] = penalties[column] }
    return matrix.withUnsafeMutableBufferPointer { matrix in
      values.withUnsafeBufferPointer { values in
        for index in cases {
          let row = UnsafeBufferPointer(rebasing: values[index * width..<(index + 1) * width])
          let probability = Self.probability(logOdds(index, beta))
          let (slope, weight) = (probability - (labels[index] ? 1 : 0), probability * (1 - probability))
          for i in 0..<width {
            step[i] += slope * row[i]
            let factor = weight * row[i]
            for j in 0...i { matrix[i * width + j] += factor * row[j] }
          }
        }
      }
      for i in 0..<width {
        for j in 0...i {
          let entry = matrix[i * width + j]
          var sum = entry
          for k in 0..<j { sum -= matrix[i * width + k] * matrix[j * width + k] }
          guard i == j else {
            matrix[i * width + j] = sum / matrix[j * width + j]
            continue
          }
          guard sum > 1e-12 * max(entry, 1e-300), sum.isFinite else { return nil }
          matrix[i * width + i] = sum.squareRoot()
        }
        for k in 0..<i { step[i] -= matrix[i * width + k] * step[k] }
        step[i] /= matrix[i * width + i]
      }
      for i in (0..<width).reversed() {
        for k in i + 1..<max(width, i + 1) { step[i] -= matrix[k * width + i] * step[k] }
        step[i] /= matrix[i * width + i]
      }
      return step
    }
  }
}

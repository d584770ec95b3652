import Foundation

/// SOFTMAX along the last dimension.
struct FloatSoftmax: FloatKernel {
  private let beta: Float
  private let depth: Int
  private let count: Int

  /// Prepares a softmax; nil where the shapes don't fit together.
  init?(beta: Float, from source: FloatGraph.Tensor, to target: FloatGraph.Tensor) {
    guard source.count == target.count, source.channelCount > 0 else { return nil }
    (self.beta, depth, count) = (beta, source.channelCount, source.count)
  }

  func compute(_ inputs: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>) {
    for start in stride(from: 0, to: count, by: depth) {
      let row = UnsafeBufferPointer(start: inputs[0] + start, count: depth)
      let greatest = row.max() ?? 0
      let powers = row.map { exp(beta * ($0 - greatest)) }
      let sum = powers.reduce(0, +)
      for index in 0..<depth { target[start + index] = powers[index] / sum }
    }
  }
}

/// RESHAPE: the same values in the same order.
struct FloatCopy: FloatKernel {
  private let count: Int

  /// Prepares a copy; nil where the shapes don't fit together.
  init?(from source: FloatGraph.Tensor, to target: FloatGraph.Tensor) {
    guard source.count == target.count else { return nil }
    count = source.count
  }

  func compute(_ inputs: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>) {
    target.update(from: inputs[0], count: count)
  }
}

/// A function of each value alone.
struct FloatMap: FloatKernel {
  private let function: FloatFunction
  private let count: Int

  /// Prepares a function; nil where the shapes don't fit together.
  init?(_ function: FloatFunction, from source: FloatGraph.Tensor, to target: FloatGraph.Tensor) {
    guard source.count == target.count else { return nil }
    (self.function, count) = (function, source.count)
  }

  func compute(_ inputs: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>) {
    for index in 0..<count { target[index] = function(inputs[0][index]) }
  }
}

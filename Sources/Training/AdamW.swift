import Foundation
import Networks

/// The optimizer AdamW (arXiv:1711.05101).
package struct AdamW {
  /// The running means of the gradient and of its square.
  package var state: Checkpoint.OptimizerState

  /// Starts from a state.
  package init(state: Checkpoint.OptimizerState) {
    self.state = state
  }

  private static let meanDecay: Float = 0.9
  private static let squareDecay: Float = 0.999
  private static let epsilon: Float = 1e-8

  /// Takes one step, counted from 0; the parameters where `decays` also shrink by `decay`.
  package mutating func update(
    _ parameters: inout [Float], gradient: [Float], step: Int, learningRate: Double, decay: Double,
    decays: [Bool]
  ) {
    let meanCorrection = 1 - pow(Double(Self.meanDecay), Double(step + 1))
    let squareCorrection = 1 - pow(Double(Self.squareDecay), Double(step + 1))
    let rate = Float(learningRate / meanCorrection)
    let squareScale = Float(1 / squareCorrection)
    let shrinkage = Float(1 - learningRate * decay)
    for index in parameters.indices {
      let slope = gradient[index]
      let mean = Self.meanDecay * state.gradientMean[index] + (1 - Self.meanDecay) * slope
      let square = Self.squareDecay * state.gradientSquare[index] + (1 - Self.squareDecay) * slope * slope
      state.gradientMean[index] = mean
      state.gradientSquare[index] = square
      if decays[index] { parameters[index] *= shrinkage }
      parameters[index] -= rate * mean / ((square * squareScale).squareRoot() + Self.epsilon)
    }
  }
}

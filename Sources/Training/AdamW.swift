import Foundation
import Networks

/// What AdamW trains: parameters, and a loss's gradient by them.
package protocol Trainable: AnyObject {
  /// The parameters.
  var parameters: [Float] { get set }
  /// The gradient of the loss that was computed last.
  var gradient: [Float] { get }
  /// Whether a parameter also shrinks at each step.
  var decays: [Bool] { get }
}

/// The optimizer AdamW (arXiv:1711.05101).
package struct AdamW {
  /// The running means of the gradient and of its square.
  package private(set) var state: Checkpoint.OptimizerState
  /// The number of steps taken.
  package private(set) var completedSteps: Int

  /// Starts from a state.
  package init(state: Checkpoint.OptimizerState, completedSteps: Int = 0) {
    (self.state, self.completedSteps) = (state, completedSteps)
  }

  /// Starts from the beginning.
  package init(_ model: some Trainable) {
    let zeros = [Float](repeating: 0, count: model.parameters.count)
    self.init(state: .init(gradientMean: zeros, gradientSquare: zeros))
  }

  private static let meanDecay: Float = 0.9
  private static let squareDecay: Float = 0.999
  private static let epsilon: Float = 1e-8

  /// Takes one step.
  ///
  /// - Parameters:
  ///   - model: What learns.
  ///   - learningRate: How fast.
  ///   - decay: By how much of the rate parameters shrink.
  ///   - loss: Draws the step's batch, and computes its loss and the gradient.
  /// - Returns: The loss.
  /// - Throws: `TrainingError` where the loss is no longer finite.
  package mutating func step(
    _ model: some Trainable, learningRate: Double, decay: Double = 0, loss: () -> Double
  ) throws(TrainingError) -> Double {
    let loss = loss()
    guard loss.isFinite else {
      throw TrainingError("the loss is not finite at step \(completedSteps); choose a lower learning rate")
    }
    update(
      &model.parameters, gradient: model.gradient, learningRate: learningRate, decay: decay,
      decays: model.decays)
    completedSteps += 1
    return loss
  }

  private mutating func update(
    _ parameters: inout [Float], gradient: [Float], learningRate: Double, decay: Double, decays: [Bool]
  ) {
    let meanCorrection = 1 - pow(Double(Self.meanDecay), Double(completedSteps + 1))
    let squareCorrection = 1 - pow(Double(Self.squareDecay), Double(completedSteps + 1))
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

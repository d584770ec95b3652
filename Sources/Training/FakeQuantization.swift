import Foundation
import Networks

/// The integers of one layer while its network is trained for them.
///
/// Forward, the layer computes what the runtime will: whole codes, 32-bit sums, and the runtime's own rounding.
/// Backward, gradients pass the rounding as if it weren't there, and stop where a code is at its end (the
/// straight-through estimator; arXiv:1806.08342).
package struct LayerCodes: Sendable {
  /// Real input = scale * (code - zero point).
  package var inputScale: Float
  /// The same of the output.
  package var outputScale: Float
  /// The output's code of 0.
  package var outputZeroPoint: Int
  /// The output's codes: none below the zero point where ReLU follows.
  package var outputCodes: ClosedRange<Int>
  /// The runtime's scaling of a 32-bit sum by a real factor.
  package var scaling: @Sendable (_ factor: Double) -> @Sendable (_ sum: Int32) -> Int32

  /// Creates a layer's integers.
  package init(
    inputScale: Float, outputScale: Float, outputZeroPoint: Int, outputCodes: ClosedRange<Int>,
    scaling: @escaping @Sendable (Double) -> @Sendable (Int32) -> Int32
  ) {
    (self.inputScale, self.outputScale, self.outputZeroPoint) = (inputScale, outputScale, outputZeroPoint)
    (self.outputCodes, self.scaling) = (outputCodes, scaling)
  }
}

/// The integers of all layers, and of the network's input.
package struct NetworkCodes: Sendable {
  /// Real input = scale * (code - zero point).
  package var inputScale: Float
  /// The input's code of 0.
  package var inputZeroPoint: Int
  /// First to last.
  package var layers: [LayerCodes]

  /// Creates a network's integers.
  package init(inputScale: Float, inputZeroPoint: Int, layers: [LayerCodes]) {
    (self.inputScale, self.inputZeroPoint, self.layers) = (inputScale, inputZeroPoint, layers)
  }

  /// An input's code, less the zero point.
  func code(_ real: Float) -> Float {
    let code = (real / inputScale).rounded()
    return max(Float(-128 - inputZeroPoint), min(Float(127 - inputZeroPoint), code))
  }
}

/// A layer's weights and biases as codes, for one step.
struct WeightCodes {
  /// Whole numbers, in the weights' order.
  var codes: [Float]
  /// What a code stands for, a channel.
  var scales: [Float]
  /// A channel.
  var biases: [Int32]
  /// From a sum to the output's code less its zero point, a channel.
  var scalings: [@Sendable (Int32) -> Int32]

  init(weights: [Float], biases: [Float], layer: LayerCodes) {
    let perChannel = weights.count / biases.count
    let largestCode: Float = 127
    (codes, scales, self.biases, scalings) = ([], [], [], [])
    codes.reserveCapacity(weights.count)
    for channel in biases.indices {
      let row = weights[channel * perChannel..<(channel + 1) * perChannel]
      let span = row.reduce(0) { max($0, abs($1)) }
      let scale = span > 0 ? span / largestCode : 1
      scales.append(scale)
      codes += row.map { max(-largestCode, min(largestCode, ($0 / scale).rounded())) }
      let bias = (Double(biases[channel]) / (Double(layer.inputScale) * Double(scale))).rounded()
      self.biases.append(Int32(max(-0x4000_0000, min(0x4000_0000, bias))))
      scalings.append(layer.scaling(Double(layer.inputScale) * Double(scale) / Double(layer.outputScale)))
    }
  }

  /// The weights that the codes stand for, in the same order.
  var weights: [Float] {
    let perChannel = codes.count / scales.count
    return codes.indices.map { codes[$0] * scales[$0 / perChannel] }
  }
}

extension Checkpoint {
  /// This trained network as the start of a training for integers: batch normalization is folded into the weights
  /// and stands still.
  package func prepared(for awareness: QuantizationAwareness, training: TrainingOptions) -> Checkpoint {
    var prepared = self
    prepared.training = training
    prepared.awareness = awareness
    prepared.completedSteps = 0
    prepared.layers = layers.map { layer in
      guard let normalization = layer.normalization else { return layer }
      let folded = layer.folded
      let count = normalization.scale.count
      return Layer(
        weights: folded.values, biases: [],
        normalization: BatchNormalization(
          scale: [Float](repeating: 1, count: count), shift: folded.biases,
          mean: [Float](repeating: 0, count: count),
          variance: [Float](repeating: BatchNormalization.varianceOfOne, count: count)))
    }
    let zeros = [Float](
      repeating: 0,
      count: prepared.layers.reduce(0) {
        $0 + $1.weights.count + ($1.normalization.map { 2 * $0.scale.count } ?? $1.biases.count)
      })
    prepared.optimizer = OptimizerState(gradientMean: zeros, gradientSquare: zeros)
    return prepared
  }
}

extension BatchNormalization {
  /// The variance that makes the gain of a scale of 1 exactly 1.
  static let varianceOfOne: Float = {
    let near = 1 - epsilon
    return [near, near.nextUp, near.nextDown].first { ($0 + epsilon).squareRoot() == 1 } ?? near
  }()
}

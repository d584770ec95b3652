import Networks
import QuantInfer
import Support

/// How a weight between two codes becomes one of them.
package enum WeightRounding: String, CaseIterable, Codable, Sendable {
  /// The nearer code, ties away from zero.
  case nearest
  /// Either code by chance, the nearer more likely, so that errors are zero in the mean.
  case stochastic
  /// The code that makes the layer's outputs on the calibration windows come nearest to the float ones: AdaRound's
  /// objective (arXiv:2004.10568), solved by changing one weight at a time for as long as that helps.
  case adaptive
}

/// A layer's weights as codes.
struct RoundedWeights {
  /// 8 or 4.
  let bits: Int
  /// In the float weights' order.
  private(set) var codes: [Int8] = []
  /// A scale an output channel.
  private(set) var scales: [Float] = []
  /// The biases, corrected where the options ask for it.
  private(set) var biases: [Double] = []

  /// Rounds a layer's weights.
  ///
  /// - Parameters:
  ///   - parameters: Weights and biases.
  ///   - shape: Their shape.
  ///   - layer: The layer's place, which splits the random numbers.
  ///   - options: How.
  ///   - moments: The layer's inputs, for adaptive rounding and bias correction.
  init(
    _ parameters: FloatGraph.Weights, _ shape: SumShape, layer: Int, _ options: QuantizationOptions,
    moments: InputMoments?
  ) {
    bits = options.weightBits(ofLayer: layer)
    let limit: Float = bits == 4 ? 7 : 127
    let largest = parameters.values.reduce(0) { max($0, abs($1)) }
    var generator = SeededGenerator(seed: options.roundingSeed).split(layer)
    codes = [Int8](repeating: 0, count: parameters.values.count)
    for channel in 0..<shape.outputs {
      let places = shape.places(of: channel)
      let row = places.map { parameters.values[$0] }
      let span = options.granularity == .tensor ? largest : row.reduce(0) { max($0, abs($1)) }
      var scale = span > 0 ? span / limit : 1
      if let given = parameters.scales { scale = given[channel] }
      let weights = row.map { Double($0 / scale) }
      var rounded = row.map { Double(max(-limit, min(limit, ($0 / scale).rounded()))) }
      if parameters.scales != nil {
        rounded = row.map { Double(max(-128, min(127, ($0 / scale).rounded()))) }
      }
      switch parameters.scales == nil ? options.rounding : .nearest {
      case .nearest: break
      case .stochastic:
        rounded = weights.map {
          max(-Double(limit), min(Double(limit), ($0 + generator.nextUniform()).rounded(.down)))
        }
      case .adaptive: moments?.choose(weights, &rounded, output: channel, limit: Double(limit))
      }
      scales.append(scale)
      for (place, code) in zip(places, rounded) { codes[place] = Int8(code) }
      var bias = Double(parameters.biases[channel])
      if options.correctsBiases, let means = moments?.means(of: channel) {
        for index in means.indices {
          bias -= Double(scale) * (rounded[index] - weights[index]) * means[index]
        }
      }
      biases.append(bias)
    }
  }
}

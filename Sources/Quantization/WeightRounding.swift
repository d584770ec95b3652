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

/// The inputs of a layer's sums on the calibration windows: their means, and the means of their products.
struct InputMoments {
  /// Windows beyond these are left out.
  static let mostWindows = 256

  private let shape: LayerShape
  private var count = 0.0
  private var sums: [Double]
  /// `[input, input]`; empty where nobody asks.
  private var products: [Float]

  init(_ shape: LayerShape, hasProducts: Bool) {
    self.shape = shape
    let inputs = shape.kernelColumns * shape.inputChannels
    sums = [Double](repeating: 0, count: inputs)
    products = hasProducts ? [Float](repeating: 0, count: inputs * inputs) : []
  }

  /// Adds all outputs' inputs of a window `[time, channel]` of the layer's input.
  mutating func add(_ window: [Float]) {
    var inputs = [Float](repeating: 0, count: sums.count)
    for output in 0..<shape.outputColumns {
      for tap in 0..<shape.kernelColumns {
        let column = output * shape.strideColumns + tap * shape.dilationColumns
        for channel in 0..<shape.inputChannels {
          inputs[tap * shape.inputChannels + channel] = window[column * shape.inputChannels + channel]
        }
      }
      count += 1
      for index in inputs.indices { sums[index] += Double(inputs[index]) }
      guard !products.isEmpty else { continue }
      inputs.withUnsafeBufferPointer { inputs in
        products.withUnsafeMutableBufferPointer { products in
          for row in inputs.indices where inputs[row] != 0 {
            let (factor, start) = (inputs[row], row * inputs.count)
            for column in inputs.indices { products[start + column] += factor * inputs[column] }
          }
        }
      }
    }
  }

  /// The inputs' means.
  var means: [Double] { sums.map { $0 / max(1, count) } }

  /// Chooses between the codes below and above each weight, so that the squared error of the sum falls with each step.
  ///
  /// - Parameters:
  ///   - weights: A channel's weights in steps of its scale.
  ///   - codes: The nearest codes to start from; on return, the chosen ones.
  ///   - limit: The greatest magnitude of a code.
  func choose(_ weights: [Double], _ codes: inout [Double], limit: Double) {
    let size = weights.count
    // Half the squared error's slope along each code.
    var slopes = [Double](repeating: 0, count: size)
    func move(_ index: Int, by step: Double) {
      for other in 0..<size { slopes[other] += step * Double(products[index * size + other]) }
    }
    for index in 0..<size { move(index, by: codes[index] - weights[index]) }
    for _ in 0..<20 {
      var hasMoved = false
      for index in 0..<size {
        let other =
          codes[index] > weights[index] ? weights[index].rounded(.down) : weights[index].rounded(.up)
        let step = other - codes[index]
        guard step != 0, abs(other) <= limit else { continue }
        let change = 2 * step * slopes[index] + step * step * Double(products[index * size + index])
        guard change < 0 else { continue }
        codes[index] = other
        move(index, by: step)
        hasMoved = true
      }
      if !hasMoved { break }
    }
  }
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
    _ parameters: FloatGraph.Weights, _ shape: LayerShape, layer: Int, _ options: QuantizationOptions,
    moments: InputMoments?
  ) {
    bits = options.weightBits(ofLayer: layer)
    let limit: Float = bits == 4 ? 7 : 127
    let perChannel = parameters.values.count / shape.outputChannels
    let largest = parameters.values.reduce(0) { max($0, abs($1)) }
    let means = moments?.means
    var generator = SeededGenerator(seed: options.roundingSeed).split(layer)
    codes.reserveCapacity(parameters.values.count)
    for channel in 0..<shape.outputChannels {
      let row = parameters.values[channel * perChannel..<(channel + 1) * perChannel]
      let span = options.granularity == .tensor ? largest : row.reduce(0) { max($0, abs($1)) }
      let scale = span > 0 ? span / limit : 1
      let weights = row.map { Double($0 / scale) }
      var rounded = row.map { Double(max(-limit, min(limit, ($0 / scale).rounded()))) }
      switch options.rounding {
      case .nearest: break
      case .stochastic:
        rounded = weights.map {
          max(-Double(limit), min(Double(limit), ($0 + generator.nextUniform()).rounded(.down)))
        }
      case .adaptive: moments?.choose(weights, &rounded, limit: Double(limit))
      }
      scales.append(scale)
      codes += rounded.map { Int8($0) }
      var bias = Double(parameters.biases[channel])
      if options.correctsBiases, let means {
        for index in means.indices {
          bias -= Double(scale) * (rounded[index] - weights[index]) * means[index]
        }
      }
      biases.append(bias)
    }
  }
}

extension FloatGraph {
  /// The same function with weights that share the codes better: cross-layer equalization (arXiv:1906.04721).
  ///
  /// A channel between two layers, with ReLU between them, is divided by a factor in the first and multiplied by it in
  /// the second, so that its greatest weights are as large in both.
  ///
  /// - Throws: `InvalidNetwork` where the layers are no chain of convolutions and fully connected operators.
  package func equalized() throws(InvalidNetwork) -> FloatGraph {
    let shapes = try layerShapes()
    var weights = operators.compactMap(\.weights)
    for _ in 0..<20 {
      for layer in 0..<max(0, shapes.count - 1) where shapes[layer].isRectified {
        Self.equalize(&weights, layer, shapes[layer], shapes[layer + 1])
      }
    }
    var graph = self
    for layer in shapes.indices { graph.changeWeights(ofLayer: layer) { $0 = weights[layer] } }
    return graph
  }

  private static func equalize(
    _ weights: inout [Weights], _ layer: Int, _ first: LayerShape, _ second: LayerShape
  ) {
    let perOutput = first.kernelColumns * first.inputChannels
    for channel in 0..<first.outputChannels {
      let outgoing = channel * perOutput..<(channel + 1) * perOutput
      let incoming = stride(from: channel, to: weights[layer + 1].values.count, by: second.inputChannels)
      let a = outgoing.reduce(0) { max($0, abs(weights[layer].values[$1])) }
      let b = incoming.reduce(0) { max($0, abs(weights[layer + 1].values[$1])) }
      // A channel that nothing feeds or reads stays as it is.
      guard a > 0, b > 0 else { continue }
      let factor = (a / b).squareRoot()
      guard factor.isNormal else { continue }
      for index in outgoing { weights[layer].values[index] /= factor }
      weights[layer].biases[channel] /= factor
      for index in incoming { weights[layer + 1].values[index] *= factor }
    }
  }
}

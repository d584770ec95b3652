import Foundation
import Networks
import Support
import Testing
import Training

@Suite struct GradientTests {
  /// Strides, dilations, widths that are no whole SIMD block, a hidden dense layer.
  private static let specifications = [
    NetworkSpecification(
      inputColumns: 11, inputChannels: 3,
      layers: [
        .convolution(outputChannels: 5, kernelColumns: 3, strideColumns: 1, dilationColumns: 2),
        .convolution(outputChannels: 9, kernelColumns: 2, strideColumns: 2, dilationColumns: 1),
        .dense(outputCount: 3),
      ]),
    NetworkSpecification(
      inputColumns: 5, inputChannels: 2, layers: [.dense(outputCount: 6), .dense(outputCount: 2)]),
    // A sum with the middle of what a layer read, one with all of it, a pool of neighbours and one of all there is.
    NetworkSpecification(
      inputColumns: 19, inputChannels: 3,
      layers: [
        .convolution(outputChannels: 5, kernelColumns: 3), .depthwise(kernelColumns: 3, dilationColumns: 2),
        .convolution(outputChannels: 5, kernelColumns: 2), .sum(layerCount: 2),
        .pool(.maximum, kernelColumns: 3, strideColumns: 2),
        .convolution(outputChannels: 5, kernelColumns: 1),
        .sum(layerCount: 1), .globalPool(.average), .dense(outputCount: 3),
      ]),
    // A depthwise convolution with a stride over the input itself, and a sum that reads the input.
    NetworkSpecification(
      inputColumns: 21, inputChannels: 3,
      layers: [
        .depthwise(kernelColumns: 2), .sum(layerCount: 1), .depthwise(kernelColumns: 4, strideColumns: 2),
        .pool(.average, kernelColumns: 2, strideColumns: 1), .globalPool(.maximum), .dense(outputCount: 2),
      ]),
  ]

  /// The batch's loss by the definition in double precision, from parameters in the network's order; the logits are seen less their offsets.
  private static func loss(
    _ shapes: [LayerShape], _ parameters: [Double], _ inputs: [Double], _ labels: [Int], smoothing: Double,
    _ offsets: [Double]
  ) -> Double {
    let batch = labels.count
    var values = inputs
    var first = 0
    var read: [[Double]] = []
    for (index, shape) in shapes.enumerated() {
      read.append(values)
      guard shape.hasWeights else {
        values = weightless(shape, values, batch) { index - $0 < 0 ? [] : read[index - $0] }
        continue
      }
      let (channels, columns) = (shape.outputChannels, shape.outputColumns)
      let weights = Array(parameters[first..<first + shape.weightCount])
      var outputs: [Double] = []
      for window in 0..<batch {
        for time in 0..<columns {
          for channel in 0..<channels {
            var sum = 0.0
            for k in 0..<shape.kernelColumns {
              let column = time * shape.strideColumns + k * shape.dilationColumns
              let place = (window * shape.inputColumns + column) * shape.inputChannels
              if shape.kind == .depthwise {
                sum += weights[channel * shape.kernelColumns + k] * values[place + channel]
                continue
              }
              for c in 0..<shape.inputChannels {
                sum +=
                  weights[(channel * shape.kernelColumns + k) * shape.inputChannels + c] * values[place + c]
              }
            }
            outputs.append(sum)
          }
        }
      }
      first += shape.weightCount
      for channel in 0..<channels {
        let places = Array(stride(from: channel, to: outputs.count, by: channels))
        var (gain, offset) = (1.0, parameters[first + channel])
        if !shape.isDense {
          let mean = places.map { outputs[$0] }.reduce(0, +) / Double(places.count)
          let variance = places.map { pow(outputs[$0] - mean, 2) }.reduce(0, +) / Double(places.count)
          gain = parameters[first + channel] / (variance + 1e-5).squareRoot()
          offset = parameters[first + channels + channel] - mean * gain
        }
        for place in places {
          let value = gain * outputs[place] + offset
          outputs[place] = shape.isRectified ? max(value, 0) : value
        }
      }
      first += (shape.isDense ? 1 : 2) * channels
      values = outputs
    }
    let classes = shapes[shapes.count - 1].outputChannels
    var loss = 0.0
    for (window, label) in labels.enumerated() {
      let logits = zip(values[window * classes..<(window + 1) * classes], offsets).map { $0 - $1 }
      let logSum = log(logits.map { exp($0) }.reduce(0, +))
      for (index, logit) in logits.enumerated() {
        let target = smoothing / Double(classes) + (index == label ? 1 - smoothing : 0)
        loss -= target * (logit - logSum)
      }
    }
    return loss / Double(batch)
  }

  /// A pool or a sum by the definition, `[window, time, channel]`.
  private static func weightless(
    _ shape: LayerShape, _ values: [Double], _ batch: Int, readBefore: (Int) -> [Double]
  ) -> [Double] {
    let (channels, columns) = (shape.outputChannels, shape.inputColumns)
    return (0..<batch * shape.outputColumns * channels).map { place in
      let (channel, cell) = (place % channels, place / channels)
      let (time, window) = (cell % shape.outputColumns, cell / shape.outputColumns)
      let taps = (0..<shape.kernelColumns).map { tap in
        values[(window * columns + time * shape.strideColumns + tap) * channels + channel]
      }
      switch shape.kind {
      case .pool(.maximum): return taps.max()!
      case .pool(.average): return taps.reduce(0, +) / Double(taps.count)
      case .sum(let count, let first):
        let other = readBefore(count)
        let otherColumns = other.count / batch / channels
        #expect(first == (otherColumns - columns) / 2)
        return max(0, taps[0] + other[(window * otherColumns + first + time) * channels + channel])
      default: preconditionFailure("has weights")
      }
    }
  }

  // claim: gradients
  @Test(arguments: specifications.indices, [1, 2])
  func everyGradientEqualsFiniteDifferences(index: Int, threads: Int) throws {
    let specification = Self.specifications[index]
    var generator = SeededGenerator(seed: 11)
    func random(_ count: Int, _ range: ClosedRange<Double> = -1...1) -> [Float] {
      (0..<count).map { _ in Float(generator.next(in: range)) }
    }
    let shapes = try specification.layerShapes()
    let layers = shapes.map { shape in
      guard shape.hasWeights else {
        return Checkpoint.Layer(weights: [], biases: [], normalization: nil)
      }
      let normalization = BatchNormalization(
        scale: random(shape.outputChannels, 0.5...1.5), shift: random(shape.outputChannels),
        mean: random(shape.outputChannels), variance: random(shape.outputChannels, 0.5...1.5))
      return Checkpoint.Layer(
        weights: random(shape.weightCount), biases: shape.isDense ? random(shape.outputChannels) : [],
        normalization: shape.isDense ? nil : normalization)
    }
    let batchSize = 13
    let offsets = (0..<shapes[shapes.count - 1].outputChannels).map { Double($0 % 3) / 2 - 0.5 }
    let network = try TrainableNetwork(
      specification: specification, layers: layers, batchSize: batchSize, labelSmoothing: 0.1,
      logitOffsets: offsets.map { Float($0) }, threads: threads)
    #expect(network.states == layers)
    let inputs = random(network.inputs.count)
    _ = network.inputs.update(fromContentsOf: inputs)
    for window in 0..<batchSize {
      network.labels[window] = generator.nextIndex(below: shapes[shapes.count - 1].outputChannels)
    }
    let labels = Array(network.labels)
    let loss = network.computeGradient()

    let parameters = network.parameters.map { Double($0) }
    let values = inputs.map { Double($0) }
    #expect(abs(loss - Self.loss(shapes, parameters, values, labels, smoothing: 0.1, offsets)) < 1e-5)
    for place in parameters.indices {
      var changed = parameters
      changed[place] += 1e-6
      let above = Self.loss(shapes, changed, values, labels, smoothing: 0.1, offsets)
      changed[place] -= 2e-6
      let below = Self.loss(shapes, changed, values, labels, smoothing: 0.1, offsets)
      let difference = (above - below) / 2e-6
      #expect(
        abs(Double(network.gradient[place]) - difference) < 2e-5 + 1e-4 * abs(difference),
        "parameter \(place)")
    }
  }
}

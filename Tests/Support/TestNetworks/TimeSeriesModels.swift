import Foundation
import ModelFiles
import Support

/// Random `.tflite` models of a window of samples, as converters write Keras' Conv1D networks.
package struct TimeSeriesModels {
  package var random: SeededGenerator

  /// A random choice from a seed.
  package init(random: SeededGenerator) { self.random = random }

  /// How the window's samples are named.
  package enum Shape: CaseIterable {
    /// `[1, time]`, `[1, time, 1]`, `[1, 1, time, 1]`, `[1, time, 1, 1]`.
    case row, sequence, image, column
  }

  /// Convolutions along the width of a height of 1, pools along the height of a width of 1, and EXPAND_DIMS, SQUEEZE and
  /// RESHAPE between them; then a dense operator over all, or over the means.
  ///
  /// - Parameters:
  ///   - shape: How the input's samples are named.
  ///   - leads: The leads that are sampled together: the input's last dimension, which a row has none of.
  ///   - isPadded: Whether the first convolution pads along time.
  /// - Returns: The model, the number of its samples, and the product of its strides.
  package mutating func network(_ shape: Shape, leads: Int = 1, isPadded: Bool = false) -> (
    model: TFLiteModel, sampleCount: Int, stride: Int
  ) {
    var builder = ModelBuilder()
    let sampleCount = 40 + random.nextIndex(below: 60)
    var (time, channels, stride) = (sampleCount, leads, 1)
    let input = builder.tensor(
      {
        switch shape {
        case .row: [1, time * leads]
        case .sequence: [1, time, leads]
        case .image: [1, 1, time, leads]
        case .column: [1, time, 1, leads]
        }
      }(), scale: Float(random.next(in: 0.01...0.05)), zeroPoint: random.nextIndex(below: 40) - 20)
    var (tensor, scale, zeroPoint) = (input, quantization(input, builder).0, quantization(input, builder).1)
    func renamed(_ kind: Int32, _ shape: [Int]) -> Int32 {
      let next = builder.tensor(shape, scale: scale, zeroPoint: zeroPoint)
      builder.add(kind, nil, [tensor], to: [next])
      return next
    }
    for layer in 0..<1 + random.nextIndex(below: 3) {
      let isPool = layer > 0 && random.nextIndex(below: 2) == 0
      let (kernel, step) = (1 + random.nextIndex(below: 4), 1 + random.nextIndex(below: 2))
      let pads = isPadded && layer == 0
      let count = pads ? (time + step - 1) / step : (time - kernel) / step + 1
      if isPool {
        let name: [Int] = [1, time, 1, channels]
        tensor = renamed(70, name)
        let next = builder.tensor([1, count, 1, channels], scale: scale, zeroPoint: zeroPoint)
        let settings = options(5) {
          ($0.padding, $0.filterHeight, $0.filterWidth) = (.valid, Int32(kernel), 1)
          ($0.strideHeight, $0.strideWidth) = (Int32(step), 1)
        }
        builder.add(.maximumPool, settings, [tensor], to: [next])
        tensor = next
      } else {
        let outputs = 1 + random.nextIndex(below: 6)
        if shape != .image || layer > 0 {
          tensor = renamed(layer % 2 == 0 ? 70 : 22, [1, 1, time, channels])
        }
        let taps = pads ? kernel + 2 : kernel
        let codes = (0..<outputs * taps * channels).map { _ in Int8(random.nextIndex(below: 255) - 127) }
        let weights = builder.constant(
          [outputs, 1, taps, channels], .int8, codes,
          scales: (0..<outputs).map { _ in Float(random.next(in: 0.001...0.01)) })
        let biases = builder.constant(
          [outputs], .int32, (0..<outputs).map { _ in Int32(random.nextIndex(below: 2001) - 1000) })
        (scale, zeroPoint) = (Float(random.next(in: 0.02...0.1)), random.nextIndex(below: 100) - 50)
        let next = builder.tensor([1, 1, count, outputs], scale: scale, zeroPoint: zeroPoint)
        let settings = options(1) {
          ($0.padding, $0.activation) = (pads ? .same : .valid, .relu)
          ($0.strideHeight, $0.strideWidth) = (Int32(step), Int32(step))
        }
        builder.add(.convolution, settings, [tensor, weights, biases], to: [next])
        (tensor, channels) = (next, outputs)
      }
      (time, stride) = (count, stride * step)
      tensor = renamed(43, [1, time, channels])
    }
    var features = channels
    if random.nextIndex(below: 2) == 0 {
      let axes = builder.integers([1])
      let means = builder.tensor([1, channels], scale: scale, zeroPoint: zeroPoint)
      builder.add(.mean, options(27), [tensor, axes], to: [means])
      tensor = means
    } else {
      features = time * channels
      tensor = renamed(22, [1, features])
    }
    let outputs = 2 + random.nextIndex(below: 4)
    let weights = builder.constant(
      [outputs, features], .int8,
      (0..<outputs * features).map { _ in Int8(random.nextIndex(below: 255) - 127) }, scales: [0.004])
    let logits = builder.tensor([1, outputs], scale: 0.3, zeroPoint: 5)
    builder.add(.fullyConnected, options(8), [tensor, weights], to: [logits])
    return (builder.finished(inputs: [input], outputs: [logits]), sampleCount, stride)
  }

  private func quantization(_ tensor: Int32, _ builder: ModelBuilder) -> (Float, Int) {
    let quantization = builder.model.graph.tensors[Int(tensor)].quantization
    return (quantization?.scales[0] ?? 1, Int(quantization?.zeroPoints[0] ?? 0))
  }
}

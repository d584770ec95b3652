import Networks

/// A layer without weights: a pool, or a sum with what an earlier layer read.
final class WeightlessLayer: BatchLayer {
  let shape: LayerShape
  let width: Int
  let output: UnsafeMutablePointer<Float>
  let gradient: UnsafeMutablePointer<Float>
  /// The input's channels, padded where it is another layer's output.
  private let inputWidth: Int
  /// The layer's integers, where the network is trained for them: inputs and outputs are codes then, less their zero point.
  private let codes: LayerCodes?
  /// A sum's other part; nil for a pool.
  private let other: Other?

  /// What a sum adds to its input.
  struct Other {
    /// `[window, time, padded channel]`.
    var values: UnsafePointer<Float>
    /// The number of columns, and of padded channels.
    var columns, width: Int
    /// The first column that is added.
    var first: Int
    /// What a code of it stands for, where the network is trained for integers; else 1.
    var scale: Float
  }

  init(shape: LayerShape, codes: LayerCodes?, inputWidth: Int, other: Other?, batchSize: Int) {
    (self.shape, self.codes, self.inputWidth, self.other) = (shape, codes, inputWidth, other)
    width = Contraction.padded(shape.outputChannels)
    let count = batchSize * shape.outputColumns * width
    (output, gradient) = (.allocate(capacity: count), .allocate(capacity: count))
    for buffer in [output, gradient] { buffer.initialize(repeating: 0, count: count) }
  }

  deinit {
    for buffer in [output, gradient] { buffer.deallocate() }
  }

  func state(_ parameters: ArraySlice<Float>) -> Checkpoint.Layer {
    Checkpoint.Layer(weights: [], biases: [], normalization: nil)
  }

  func prepare(_ parameters: ArraySlice<Float>) {}
  func finishProducts() {}
  func computeOutputs(windows: Range<Int>) {}
  func finishSlopes(_ parameterGradient: inout ArraySlice<Float>) {}
  func finishGradients(_ parameterGradient: inout ArraySlice<Float>) {}

  /// Computes a shard's outputs.
  func computeProducts(shard: Int, windows: Range<Int>, input: UnsafePointer<Float>) {
    for window in windows {
      let source = input + window * shape.inputColumns * inputWidth
      let target = output + window * shape.outputColumns * width
      switch shape.kind {
      case .pool(.maximum): computeMaximum(source, into: target)
      case .pool(.average): computeMean(source, into: target)
      default: computeSum(source, window: window, into: target)
      }
      if let codes { roundToCodes(target, codes) }
    }
  }

  /// Turns a window's outputs, in steps of the input's codes, into output codes less their zero point.
  ///
  /// The runtime multiplies by fixed-point factors, and may differ by a code where a value lies between two.
  private func roundToCodes(_ target: UnsafeMutablePointer<Float>, _ codes: LayerCodes) {
    let factor = codes.inputScale / codes.outputScale
    let lowest = Float(codes.outputCodes.lowerBound - codes.outputZeroPoint)
    let highest = Float(codes.outputCodes.upperBound - codes.outputZeroPoint)
    // A pool's mean of codes is rounded as it is; what is multiplied is so less its zero point.
    let isPool = if case .pool = shape.kind { shape.outputColumns > 1 } else { false }
    let zero = isPool ? Float(codes.outputZeroPoint) : 0
    for place in 0..<shape.outputColumns * width {
      target[place] = min(max((target[place] * factor + zero).rounded() - zero, lowest), highest)
    }
  }

  private func computeMaximum(_ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    for column in 0..<shape.outputColumns {
      let first = source + column * shape.strideColumns * inputWidth
      for channel in 0..<shape.outputChannels {
        target[column * width + channel] = first[channel + inputWidth * greatest(first + channel)]
      }
    }
  }

  /// The column of a kernel that holds the greatest value, the first of equal ones.
  @inline(__always)
  private func greatest(_ values: UnsafePointer<Float>) -> Int {
    var (best, value) = (0, values[0])
    for column in 1..<max(1, shape.kernelColumns) where values[column &* inputWidth] > value {
      (best, value) = (column, values[column &* inputWidth])
    }
    return best
  }

  private func computeMean(_ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    let factor = 1 / Float(shape.kernelColumns)
    for column in 0..<shape.outputColumns {
      let sums = target + column * width
      sums.update(repeating: 0, count: width)
      for tap in 0..<shape.kernelColumns {
        let row = source + (column * shape.strideColumns + tap) * inputWidth
        for channel in 0..<shape.outputChannels { sums[channel] += row[channel] }
      }
      for channel in 0..<shape.outputChannels { sums[channel] *= factor }
    }
  }

  private func computeSum(
    _ source: UnsafePointer<Float>, window: Int, into target: UnsafeMutablePointer<Float>
  ) {
    guard let other else { return }
    let factor = other.scale / (codes?.inputScale ?? 1)
    for column in 0..<shape.outputColumns {
      let added = other.values + (window * other.columns + other.first + column) * other.width
      for channel in 0..<shape.outputChannels {
        let sum = source[column * inputWidth + channel] + factor * added[channel]
        target[column * width + channel] = shape.isRectified ? max(sum, 0) : sum
      }
    }
  }

  /// Takes ReLU, and the ends of the codes, into the gradient, a shard's.
  func computeSlopes(shard: Int, windows: Range<Int>) {
    guard case .sum = shape.kind else { return }
    let lowest = codes.map { Float($0.outputCodes.lowerBound - $0.outputZeroPoint) }
    let highest = codes.map { Float($0.outputCodes.upperBound - $0.outputZeroPoint) } ?? .infinity
    let size = shape.outputColumns * width
    for place in windows.lowerBound * size..<windows.upperBound * size
    where output[place] <= lowest ?? (shape.isRectified ? 0 : -.infinity) || output[place] >= highest {
      gradient[place] = 0
    }
  }

  /// Computes a shard's gradient by the input.
  func computeGradients(
    shard: Int, windows: Range<Int>, input: UnsafePointer<Float>, inputGradient: UnsafeMutablePointer<Float>?
  ) {
    guard let inputGradient else { return }
    let size = shape.inputColumns * inputWidth
    (inputGradient + windows.lowerBound * size).update(repeating: 0, count: windows.count * size)
    for window in windows {
      let (source, target) = (input + window * size, inputGradient + window * size)
      for column in 0..<shape.outputColumns {
        let slopes = gradient + (window * shape.outputColumns + column) * width
        let start = column * shape.strideColumns * inputWidth
        for channel in 0..<shape.outputChannels {
          switch shape.kind {
          case .pool(.maximum):
            target[start + channel + inputWidth * greatest(source + start + channel)] += slopes[channel]
          case .pool(.average):
            let slope = slopes[channel] / Float(shape.kernelColumns)
            for tap in 0..<shape.kernelColumns { target[start + tap * inputWidth + channel] += slope }
          default: target[start + channel] = slopes[channel]
          }
        }
      }
    }
  }

  /// Adds a shard's gradient by a sum's other part to that part's own.
  func addGradient(windows: Range<Int>, toOther gradient: UnsafeMutablePointer<Float>) {
    guard let other else { return }
    for window in windows {
      for column in 0..<shape.outputColumns {
        let slopes = self.gradient + (window * shape.outputColumns + column) * width
        let target = gradient + (window * other.columns + other.first + column) * other.width
        for channel in 0..<shape.outputChannels { target[channel] += slopes[channel] }
      }
    }
  }
}

import Networks

/// A layer with weights, of a batch with its gradient: products, then `gain * product + offset` a channel, then ReLU.
///
/// In a convolution the gain and the offset are batch normalization's; in a dense layer they are 1 and the bias.
final class TrainableLayer: BatchLayer {
  let shape: LayerShape
  /// The input's channels, padded where it is another layer's output.
  let inputWidth: Int
  /// The output's channels, padded to whole SIMD blocks.
  let width: Int
  /// `[window, time, padded channel]`.
  let output: UnsafeMutablePointer<Float>
  /// The loss's gradient by the output, later by the products; `[window, time, padded channel]`.
  let gradient: UnsafeMutablePointer<Float>
  /// The layer's integers, where it is trained for them: inputs and outputs are codes then, less their zero point.
  let codes: LayerCodes?
  /// A convolution's running statistics, `[padded channel]`.
  var runningMean: [Float]
  var runningVariance: [Float]

  private let products: UnsafeMutablePointer<Float>
  private let batchSize: Int
  private let shardCount: Int

  /// `[kernel column, input channel, padded output channel]`.
  private var forwardWeights: [Float] = []
  /// `[kernel column, output channel, padded input channel]`.
  private var backwardWeights: [Float] = []
  /// `[padded channel]`: `output = max(0, gain product + offset)`.
  private var gain: [Float]
  private var offset: [Float]
  /// `[padded channel]`: the normalized product is `(product - mean) / deviation`.
  private var mean: [Float]
  private var inverseDeviation: [Float]
  /// `[padded channel]`: the means over the batch of the slope, and of it times the normalized product.
  private var slopeMean: [Float]
  private var slopeProductMean: [Float]

  /// The shards' sums: `[shard, 2, padded channel]`, then `[shard, kernel column, input channel, padded channel]`.
  private let channelSums: UnsafeMutablePointer<Double>
  private let weightSums: UnsafeMutablePointer<Float>

  /// The step's integers, where the layer is trained for them.
  private var weightCodes: WeightCodes?
  /// Whether the batch's statistics normalize the products: in a convolution that isn't trained for integers.
  private var isNormalized: Bool { shape.isNormalized && codes == nil }

  private typealias Block = SIMD8<Float>
  private static let statisticsMomentum: Float = 0.1

  init(shape: LayerShape, codes: LayerCodes? = nil, inputWidth: Int, batchSize: Int, shardCount: Int) {
    self.shape = shape
    self.codes = codes
    self.inputWidth = inputWidth
    self.batchSize = batchSize
    self.shardCount = shardCount
    width = Contraction.padded(shape.outputChannels)
    let outputCount = batchSize * shape.outputColumns * width
    output = .allocate(capacity: outputCount)
    gradient = .allocate(capacity: outputCount)
    products = .allocate(capacity: outputCount)
    for buffer in [output, gradient, products] { buffer.initialize(repeating: 0, count: outputCount) }
    channelSums = .allocate(capacity: shardCount * 2 * width)
    channelSums.initialize(repeating: 0, count: shardCount * 2 * width)
    let weightCount = shardCount * shape.weightsPerOutput * width
    weightSums = .allocate(capacity: weightCount)
    weightSums.initialize(repeating: 0, count: weightCount)
    let zeros = [Float](repeating: 0, count: width)
    (gain, offset, mean, inverseDeviation) = (zeros, zeros, zeros, zeros)
    (slopeMean, slopeProductMean, runningMean, runningVariance) = (zeros, zeros, zeros, zeros)
  }

  deinit {
    for buffer in [output, gradient, products, weightSums] { buffer.deallocate() }
    channelSums.deallocate()
  }

  // MARK: Forward

  /// Packs the step's parameters: weights, then biases, or scales and shifts.
  func prepare(_ parameters: ArraySlice<Float>) {
    let weights = Array(parameters.prefix(shape.weightCount))
    let channels = Array(parameters.dropFirst(shape.weightCount))
    if let codes {
      let integers = WeightCodes(
        weights: weights, biases: Array(channels.suffix(shape.outputChannels)), layer: codes)
      weightCodes = integers
      pack(forward: integers.codes, backward: integers.weights)
      return
    }
    pack(forward: weights, backward: weights)
    if shape.isDense {
      gain = [Float](repeating: 1, count: width)
      offset.replaceSubrange(0..<shape.outputChannels, with: channels)
    } else {
      gain.replaceSubrange(0..<shape.outputChannels, with: channels.prefix(shape.outputChannels))
      offset.replaceSubrange(0..<shape.outputChannels, with: channels.suffix(shape.outputChannels))
    }
  }

  private func pack(forward: [Float], backward: [Float]) {
    if shape.kind == .depthwise {
      forwardWeights = shape.packTaps(forward)
      backwardWeights = shape.packTaps(backward)
    } else {
      forwardWeights = shape.packForward(forward)
      backwardWeights = shape.packBackward(backward, inputWidth: inputWidth)
    }
  }

  /// Computes a shard's products from the layer's input, and their sums and squares.
  func computeProducts(shard: Int, windows: Range<Int>, input: UnsafePointer<Float>) {
    let rows = shape.outputColumns * width
    let shardProducts = products + windows.lowerBound * rows
    shardProducts.update(repeating: 0, count: windows.count * rows)
    var contraction = shape.forward(inputWidth: inputWidth)
    let inputCount = shape.inputColumns * inputWidth
    if shape.kind == .depthwise {
      for window in windows {
        shape.addDepthwise(
          input + window * inputCount, inputWidth, forwardWeights, into: products + window * rows)
      }
    } else if shape.outputColumns == 1 {
      contraction.rows = windows.count
      contraction.aRowStride = inputCount
      contraction.accumulate(input + windows.lowerBound * inputCount, forwardWeights, into: shardProducts)
    } else {
      for window in windows {
        contraction.accumulate(input + window * inputCount, forwardWeights, into: products + window * rows)
      }
    }
    guard isNormalized else { return }
    sumChannels(shard: shard, windows: windows) { place, _ in
      let product = products.block(place)
      return (product, product * product)
    }
  }

  /// Turns the sums into the batch's statistics, and updates the running ones.
  func finishProducts() {
    guard isNormalized else { return }
    let count = Double(batchSize * shape.outputColumns)
    for channel in 0..<shape.outputChannels {
      let mean = channelSum(0, channel) / count
      let variance = Float(max(channelSum(1, channel) / count - mean * mean, 0))
      self.mean[channel] = Float(mean)
      inverseDeviation[channel] = 1 / (variance + BatchNormalization.epsilon).squareRoot()
      gain[channel] *= inverseDeviation[channel]
      offset[channel] -= self.mean[channel] * gain[channel]
      runningMean[channel] += Self.statisticsMomentum * (self.mean[channel] - runningMean[channel])
      runningVariance[channel] += Self.statisticsMomentum * (variance - runningVariance[channel])
    }
  }

  /// Computes a shard's outputs.
  func computeOutputs(windows: Range<Int>) {
    if let codes, let weightCodes {
      computeCodes(windows, codes, weightCodes)
      return
    }
    gain.withUnsafeBufferPointer { gain in
      offset.withUnsafeBufferPointer { offset in
        forEachBlock(windows) { place, channel in
          let value =
            gain.baseAddress!.block(channel) * products.block(place) + offset.baseAddress!.block(channel)
          output.set(
            place, shape.isRectified ? value.replacing(with: Block.zero, where: value .< Block.zero) : value)
        }
      }
    }
  }

  /// The outputs' codes less their zero point, as the runtime computes them.
  ///
  /// Sums of codes are whole numbers far below 2^24, which single precision holds exactly.
  private func computeCodes(_ windows: Range<Int>, _ codes: LayerCodes, _ weightCodes: WeightCodes) {
    let lowest = codes.outputCodes.lowerBound - codes.outputZeroPoint
    let highest = codes.outputCodes.upperBound - codes.outputZeroPoint
    for row in windows.lowerBound * shape.outputColumns..<windows.upperBound * shape.outputColumns {
      for channel in 0..<shape.outputChannels {
        let place = row &* width &+ channel
        let sum = Int32(products[place]) &+ weightCodes.biases[channel]
        output[place] = Float(min(max(Int(weightCodes.scalings[channel](sum)), lowest), highest))
      }
    }
  }

  // MARK: Backward

  /// Takes ReLU, and the ends of the codes, into the gradient, a shard's, and sums it.
  func computeSlopes(shard: Int, windows: Range<Int>) {
    if let codes { stopAtTheEnds(windows, codes) }
    mean.withUnsafeBufferPointer { mean in
      inverseDeviation.withUnsafeBufferPointer { inverseDeviation in
        sumChannels(shard: shard, windows: windows) { place, channel in
          var slope = gradient.block(place)
          if shape.isRectified {
            slope = slope.replacing(with: Block.zero, where: output.block(place) .<= Block.zero)
            gradient.set(place, slope)
          }
          let normalized =
            (products.block(place) - mean.baseAddress!.block(channel))
            * inverseDeviation.baseAddress!.block(channel)
          return (slope, slope * normalized)
        }
      }
    }
  }

  private func stopAtTheEnds(_ windows: Range<Int>, _ codes: LayerCodes) {
    let lowest = Block(repeating: Float(codes.outputCodes.lowerBound - codes.outputZeroPoint))
    let highest = Block(repeating: Float(codes.outputCodes.upperBound - codes.outputZeroPoint))
    forEachBlock(windows) { place, _ in
      let value = output.block(place)
      gradient.set(
        place, gradient.block(place).replacing(with: Block.zero, where: value .<= lowest .| value .>= highest)
      )
    }
  }

  /// Turns the sums into the gradients of biases, or of scales and shifts.
  func finishSlopes(_ parameterGradient: inout ArraySlice<Float>) {
    let first = parameterGradient.startIndex + shape.weightCount
    let count = Double(batchSize * shape.outputColumns)
    for channel in 0..<shape.outputChannels {
      if shape.isDense {
        parameterGradient[first + channel] = Float(channelSum(0, channel))
      } else {
        parameterGradient[first + channel] = Float(channelSum(1, channel))
        parameterGradient[first + shape.outputChannels + channel] = Float(channelSum(0, channel))
        slopeMean[channel] = Float(channelSum(0, channel) / count)
        slopeProductMean[channel] = Float(channelSum(1, channel) / count)
      }
    }
  }

  /// Computes a shard's gradient by the products, by the weights and, where asked for, by the input.
  func computeGradients(
    shard: Int, windows: Range<Int>, input: UnsafePointer<Float>, inputGradient: UnsafeMutablePointer<Float>?
  ) {
    if isNormalized { normalizeSlopes(windows) }
    sumWeightGradient(shard: shard, windows: windows, input: input)
    if let inputGradient { computeInputGradient(windows, into: inputGradient) }
  }

  /// Adds the shards' gradients by the weights.
  func finishGradients(_ parameterGradient: inout ArraySlice<Float>) {
    let perOutput = shape.weightsPerOutput
    for output in 0..<shape.outputChannels {
      for index in 0..<perOutput {
        var sum: Float = 0
        for shard in 0..<shardCount { sum += weightSums[(shard * perOutput + index) * width + output] }
        parameterGradient[parameterGradient.startIndex + output * perOutput + index] =
          (codes?.inputScale ?? 1) * sum
      }
    }
  }

  /// The gradient through batch normalization:
  /// `gain (slope - mean(slope) - normalized mean(slope normalized))`.
  private func normalizeSlopes(_ windows: Range<Int>) {
    var slopeGain = [Float](repeating: 0, count: width)
    var slopeOffset = slopeGain
    for channel in 0..<shape.outputChannels {
      slopeGain[channel] = slopeProductMean[channel] * inverseDeviation[channel]
      slopeOffset[channel] = slopeMean[channel] - slopeGain[channel] * mean[channel]
    }
    gain.withUnsafeBufferPointer { gain in
      slopeGain.withUnsafeBufferPointer { slopeGain in
        slopeOffset.withUnsafeBufferPointer { slopeOffset in
          forEachBlock(windows) { place, channel in
            let common =
              slopeGain.baseAddress!.block(channel) * products.block(place)
              + slopeOffset.baseAddress!.block(channel)
            gradient.set(place, gain.baseAddress!.block(channel) * (gradient.block(place) - common))
          }
        }
      }
    }
  }

  private func sumWeightGradient(shard: Int, windows: Range<Int>, input: UnsafePointer<Float>) {
    let perColumn = shape.inputChannels * width
    let sums = weightSums + shard * shape.weightsPerOutput * width
    sums.update(repeating: 0, count: shape.weightsPerOutput * width)
    let inputCount = shape.inputColumns * inputWidth
    if shape.kind == .depthwise {
      for window in windows {
        shape.addDepthwiseWeightGradient(
          input + window * inputCount, inputWidth, gradient + window * shape.outputColumns * width, into: sums
        )
      }
      return
    }
    var contraction = Contraction(
      rows: shape.inputChannels, segments: 1, depth: shape.outputColumns, columns: width,
      aRowStride: 1, aSegmentStride: 0, aDepthStride: shape.strideColumns * inputWidth,
      bSegmentStride: 0, bDepthStride: width, cRowStride: width)
    func accumulate(window: Int) {
      let slopes = gradient + window * shape.outputColumns * width
      for column in 0..<shape.kernelColumns {
        contraction.accumulate(
          input + window * inputCount + column * shape.dilationColumns * inputWidth, slopes,
          into: sums + column * perColumn)
      }
    }
    if shape.outputColumns == 1 {
      contraction.depth = windows.count
      contraction.aDepthStride = inputCount
      accumulate(window: windows.lowerBound)
    } else {
      for window in windows { accumulate(window: window) }
    }
  }

  private func computeInputGradient(_ windows: Range<Int>, into inputGradient: UnsafeMutablePointer<Float>) {
    let inputCount = shape.inputColumns * inputWidth
    (inputGradient + windows.lowerBound * inputCount).update(repeating: 0, count: windows.count * inputCount)
    if shape.kind == .depthwise {
      for window in windows {
        shape.addDepthwiseInputGradient(
          gradient + window * shape.outputColumns * width, backwardWeights,
          into: inputGradient + window * inputCount, inputWidth)
      }
      return
    }
    var contraction = Contraction(
      rows: shape.outputColumns, segments: 1, depth: shape.outputChannels, columns: inputWidth,
      aRowStride: width, aSegmentStride: 0, aDepthStride: 1,
      bSegmentStride: 0, bDepthStride: inputWidth, cRowStride: shape.strideColumns * inputWidth)
    func accumulate(window: Int) {
      for column in 0..<shape.kernelColumns {
        backwardWeights.withUnsafeBufferPointer { weights in
          contraction.accumulate(
            gradient + window * shape.outputColumns * width,
            weights.baseAddress! + column * shape.outputChannels * inputWidth,
            into: inputGradient + window * inputCount + column * shape.dilationColumns * inputWidth)
        }
      }
    }
    if shape.outputColumns == 1 {
      contraction.rows = windows.count
      contraction.cRowStride = inputCount
      accumulate(window: windows.lowerBound)
    } else {
      for window in windows { accumulate(window: window) }
    }
  }

  // MARK: Channels

  /// Calls `body` with each SIMD block's place in the batch's buffers and its first channel.
  @inline(__always)
  private func forEachBlock(_ windows: Range<Int>, _ body: (_ place: Int, _ channel: Int) -> Void) {
    var place = windows.lowerBound &* shape.outputColumns &* width
    for _ in 0..<windows.count &* shape.outputColumns {
      var channel = 0
      while channel < width {
        body(place &+ channel, channel)
        channel &+= Contraction.blockWidth
      }
      place &+= width
    }
  }

  /// Sums two quantities a channel over a shard: in single precision over a window, in double over windows.
  @inline(__always)
  private func sumChannels(
    shard: Int, windows: Range<Int>, _ terms: (_ place: Int, _ channel: Int) -> (Block, Block)
  ) {
    let sums = channelSums + shard * 2 * width
    sums.update(repeating: 0, count: 2 * width)
    for window in windows {
      for channel in stride(from: 0, to: width, by: Contraction.blockWidth) {
        var place = window &* shape.outputColumns &* width &+ channel
        var first = Block.zero
        var second = Block.zero
        for _ in 0..<shape.outputColumns {
          let (firstTerm, secondTerm) = terms(place, channel)
          first += firstTerm
          second += secondTerm
          place &+= width
        }
        for lane in 0..<Contraction.blockWidth {
          sums[channel + lane] += Double(first[lane])
          sums[width + channel + lane] += Double(second[lane])
        }
      }
    }
  }

  /// The first or the second sum of a channel over the batch.
  private func channelSum(_ which: Int, _ channel: Int) -> Double {
    (0..<shardCount).reduce(0) { $0 + channelSums[($1 * 2 + which) * width + channel] }
  }
}

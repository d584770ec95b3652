import Networks

/// One layer of a batch with its gradient.
///
/// The batch is cut into a fixed number of shards, each worked on by one thread at a time; what they sum
/// is then added in the shards' order, so that the number of threads changes no bit. A step calls, in turn:
/// `prepare`, `computeProducts` (a shard), `finishProducts`, `computeOutputs` (a shard); then backwards
/// `computeSlopes` (a shard), `finishSlopes`, `computeGradients` (a shard), `finishGradients`.
protocol BatchLayer: AnyObject {
  var shape: LayerShape { get }
  /// The output's channels, padded to whole SIMD blocks.
  var width: Int { get }
  /// `[window, time, padded channel]`.
  var output: UnsafeMutablePointer<Float> { get }
  /// The loss's gradient by the output, later by what ReLU reads; `[window, time, padded channel]`.
  var gradient: UnsafeMutablePointer<Float> { get }
  /// The layer's parameters and running statistics, of these parameters.
  func state(_ parameters: ArraySlice<Float>) -> Checkpoint.Layer

  func prepare(_ parameters: ArraySlice<Float>)
  func computeProducts(shard: Int, windows: Range<Int>, input: UnsafePointer<Float>)
  func finishProducts()
  func computeOutputs(windows: Range<Int>)
  func computeSlopes(shard: Int, windows: Range<Int>)
  func finishSlopes(_ parameterGradient: inout ArraySlice<Float>)
  func computeGradients(
    shard: Int, windows: Range<Int>, input: UnsafePointer<Float>, inputGradient: UnsafeMutablePointer<Float>?)
  func finishGradients(_ parameterGradient: inout ArraySlice<Float>)
}

extension TrainableLayer {
  /// The layer's parameters and running statistics, of these parameters.
  func state(_ parameters: ArraySlice<Float>) -> Checkpoint.Layer {
    let (weights, channels) = (parameters.prefix(shape.weightCount), parameters.dropFirst(shape.weightCount))
    guard shape.isNormalized else {
      return Checkpoint.Layer(weights: Array(weights), biases: Array(channels), normalization: nil)
    }
    let outputs = shape.outputChannels
    let normalization = BatchNormalization(
      scale: Array(channels.prefix(outputs)), shift: Array(channels.suffix(outputs)),
      mean: Array(runningMean.prefix(outputs)), variance: Array(runningVariance.prefix(outputs)))
    return Checkpoint.Layer(weights: Array(weights), biases: [], normalization: normalization)
  }
}

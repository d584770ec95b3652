import Tasks

/// The structure of a network: unpadded layers along time, then dense layers.
///
/// Shapes are `[time, channel]`; the spectrogram's frequency bins are the first layer's channels. As nothing
/// is padded along time, one new column costs one column of work in every layer; but a sum reads two layers at once, and
/// it and what follows it run at a decision.
package struct NetworkSpecification: Codable, Equatable, Sendable {
  /// A layer and its options.
  package enum Layer: Codable, Equatable, Sendable {
    /// A convolution along time over all channels, followed by ReLU.
    case convolution(
      outputChannels: Int, kernelColumns: Int, strideColumns: Int = 1, dilationColumns: Int = 1)
    /// A fully connected layer over all that came before, flattened as `[time, channel]`; followed by ReLU
    /// unless it is the last layer.
    case dense(outputCount: Int)
    /// A convolution along time of each channel by itself, followed by ReLU.
    case depthwise(kernelColumns: Int, strideColumns: Int = 1, dilationColumns: Int = 1)
    /// The greatest value or the mean of neighbouring columns, a channel.
    case pool(Pooling, kernelColumns: Int, strideColumns: Int)
    /// The same of all columns that there are: one is left.
    case globalPool(Pooling)
    /// What the last `layerCount` layers make of their input, plus the middle of that input, followed by ReLU: a residual
    /// sum. The layer in front of it has no ReLU.
    case sum(layerCount: Int)
  }

  /// What a pool makes of columns.
  package enum Pooling: String, CaseIterable, Codable, Sendable {
    /// The greatest value.
    case maximum
    /// The mean.
    case average
  }

  /// The window's length, in spectrogram columns.
  package var inputColumns: Int
  /// The number of values of a column: those of each frequency bin and lead.
  package var inputChannels: Int
  /// The layers, first to last; the last one's outputs are the classes' logits.
  package var layers: [Layer]

  /// Creates a specification.
  package init(inputColumns: Int, inputChannels: Int, layers: [Layer]) {
    self.inputColumns = inputColumns
    self.inputChannels = inputChannels
    self.layers = layers
  }

  /// Dilated convolutions and a dense layer; without further values the network of the shipped ECG models: three convolutions
  /// over 12 bins and 43 columns, 7,104 weights for four classes.
  package static func ecgBeats(
    classCount: Int, columns: Int = 43, channels: Int = 24, dilations: [Int] = [1, 2, 4], hidden: Int? = nil
  ) -> NetworkSpecification {
    var layers = dilations.map {
      Layer.convolution(outputChannels: channels, kernelColumns: 3, dilationColumns: $0)
    }
    if let hidden { layers.append(.dense(outputCount: hidden)) }
    layers.append(.dense(outputCount: classCount))
    return NetworkSpecification(inputColumns: columns, inputChannels: 12, layers: layers)
  }

  /// A network of beats: one hidden layer, normalized in training.
  package static func beats(_ beats: BeatSettings, hidden: Int, classCount: Int) -> NetworkSpecification {
    NetworkSpecification(
      inputColumns: 1, inputChannels: beats.inputCount,
      layers: [.convolution(outputChannels: hidden, kernelColumns: 1), .dense(outputCount: classCount)])
  }

  /// The columns from one decision to the next that the strides allow.
  package var columnsPerDecision: Int {
    layers.reduce(1) { product, layer in
      switch layer {
      case .convolution(_, _, let stride, _), .depthwise(_, let stride, _), .pool(_, _, let stride):
        product * stride
      case .dense, .globalPool, .sum: product
      }
    }
  }

  /// A sum over layers on both sides of a place, and the first layer that it is over; nil where there is none.
  package func sum(across place: Int) -> (layer: Int, first: Int)? {
    for (index, layer) in layers.enumerated() {
      if case .sum(let count) = layer, index - count < place, place <= index { return (index, index - count) }
    }
    return nil
  }

  /// The place of the first sum; nil where every layer takes one column at a time, or all there is.
  package var firstSum: Int? {
    layers.firstIndex { if case .sum = $0 { true } else { false } }
  }

  /// A network for windows of a task by the clock that isn't told another: over a spectrogram that of the ECG models;
  /// over raw samples convolutions whose strides divide the time from one window to the next.
  package static func usual(for task: TaskDefinition) -> NetworkSpecification {
    let classCount = task.classNames.count
    var specification = ecgBeats(classCount: classCount)
    guard let columns = task.columnCount, let hop = task.hopColumns else { return specification }
    (specification.inputColumns, specification.inputChannels) = (columns, task.frontEnd.columnCodeCount)
    guard task.frontEnd.isRawSamples else { return specification }
    specification.layers = []
    var (length, rest) = (columns, hop)
    for channels in [16, 24, 32, 32] {
      let least = channels == 16 ? 10 : 5
      let stride = (2...5).last { rest % $0 == 0 && (length - least) / $0 >= 12 } ?? 1
      guard least <= length else { break }
      // Every column is read.
      let kernel = least + (length - least) % stride
      specification.layers.append(
        .convolution(outputChannels: channels, kernelColumns: kernel, strideColumns: stride))
      (length, rest) = ((length - kernel) / stride + 1, rest / stride)
    }
    specification.layers.append(.dense(outputCount: classCount))
    return specification
  }
}

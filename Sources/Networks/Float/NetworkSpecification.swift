import Tasks

/// The structure of a streamable network: unpadded convolutions along time, then dense layers.
///
/// Shapes are `[time, channel]`; the spectrogram's frequency bins are the first layer's channels. As nothing
/// is padded along time, one new column costs one column of work in every layer.
package struct NetworkSpecification: Codable, Equatable, Sendable {
  /// A layer and its options.
  package enum Layer: Codable, Equatable, Sendable {
    /// A convolution along time over all channels, followed by ReLU.
    case convolution(
      outputChannels: Int, kernelColumns: Int, strideColumns: Int = 1, dilationColumns: Int = 1)
    /// A fully connected layer over all that came before, flattened as `[time, channel]`; followed by ReLU
    /// unless it is the last layer.
    case dense(outputCount: Int)
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

  /// The network of the shipped ECG models: three dilated convolutions over 12 bins and 43 columns, one dense
  /// layer; 7,104 weights for four classes.
  package static func ecgBeats(classCount: Int) -> NetworkSpecification {
    NetworkSpecification(
      inputColumns: 43, inputChannels: 12,
      layers: [
        .convolution(outputChannels: 24, kernelColumns: 3, dilationColumns: 1),
        .convolution(outputChannels: 24, kernelColumns: 3, dilationColumns: 2),
        .convolution(outputChannels: 24, kernelColumns: 3, dilationColumns: 4),
        .dense(outputCount: classCount),
      ])
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
      if case .convolution(_, _, let stride, _) = layer { product * stride } else { product }
    }
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

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
  /// The number of frequency bins.
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
}

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

/// A float network ready for inference: batch normalization folded into weights and biases.
package struct FloatNetwork: Codable, Equatable, Sendable {
  /// One layer's parameters.
  package struct Parameters: Codable, Equatable, Sendable {
    /// The weights, `[output channel, kernel column, input channel]`, kernel column 0 the oldest.
    ///
    /// A dense layer's are `[output, time, channel]`: a kernel that covers all the time there is.
    package var weights: [Float]
    /// `[output channel]`.
    package var biases: [Float]

    /// Creates a layer's parameters.
    package init(weights: [Float], biases: [Float]) {
      self.weights = weights
      self.biases = biases
    }
  }

  /// The layers' structure.
  package var specification: NetworkSpecification
  /// The layers' parameters, in the specification's order.
  package var parameters: [Parameters]

  /// Creates a network.
  package init(specification: NetworkSpecification, parameters: [Parameters]) {
    self.specification = specification
    self.parameters = parameters
  }
}

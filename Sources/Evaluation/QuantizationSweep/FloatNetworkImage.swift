import ModelFiles
import Networks
import Quantization
import Support

/// A float network from another program as a model image, and how well it does what the float network does.
package struct FloatNetworkImage: Sendable {
  /// How the integers do on the samples.
  package struct Fidelity: Encodable, Sendable {
    /// The number of samples.
    package var samples: Int
    /// The part of the samples for which the greatest output is the same one.
    package var agreement: Double
    /// The root mean square of the outputs' difference.
    package var outputError: Double
    /// The parts of the samples whose label has the greatest output, in float and in integers; nil without labels.
    package var floatAccuracy, accuracy: Double?
  }

  /// The image.
  package let image: ModelImage
  /// How it does; nil without samples.
  package let fidelity: Fidelity?
  /// The operators that became integers, for tables.
  package let graph: FloatGraph
  /// How it was quantized.
  package let options: QuantizationOptions

  /// What ranges are measured on.
  package struct Samples: Sendable {
    /// A file of samples for each of the network's inputs, in its own layout, as `exporter run` takes them.
    package var files: [String] = []
    /// A file of a class a sample; nil for none.
    package var labels: String?
    /// A folder of records instead, whose training beats are heard through the front end; nil for none.
    package var records: String?
    /// The most windows that ranges are measured on, evenly chosen.
    package var count = QuantizedNetwork.standardCalibrationWindows
    /// The seed of the beats drawn.
    package var seed: UInt64 = 1

    /// No samples, for a model that has all its tensors' codes itself.
    package init() {}

    /// Files of samples.
    package init(
      files: [String], labels: String? = nil, count: Int = QuantizedNetwork.standardCalibrationWindows
    ) {
      (self.files, self.labels, self.count) = (files, labels, count)
    }
  }

  /// Quantizes a network after training.
  ///
  /// - Parameters:
  ///   - file: The model.
  ///   - samples: What ranges are measured on.
  ///   - frontEnd: What its input is, so that it streams; nil for finished windows.
  ///   - options: How.
  /// - Throws: `FileError`, which names the file and what in it is wrong.
  package init(
    quantizing file: String, samples: Samples, frontEnd: FrontEndFile? = nil, options: QuantizationOptions
  ) throws(FileError) {
    self = try FloatNetworkSource(reading: file, samples: samples, frontEnd: frontEnd).image(options)
  }

  /// Quantizes a network after training, by that of some choices which does best on windows that it wasn't calibrated on.
  ///
  /// - Throws: `FileError`, which names the file and what in it is wrong.
  package init(
    quantizing file: String, samples: Samples, frontEnd: FrontEndFile? = nil, choices: [QuantizationOptions]
  ) throws(FileError) {
    let source = try FloatNetworkSource(reading: file, samples: samples, frontEnd: frontEnd)
    self = try source.image(source.best(of: choices))
  }

  init(_ image: ModelImage, _ graph: FloatGraph, _ options: QuantizationOptions, _ fidelity: Fidelity?) {
    (self.image, self.graph, self.options, self.fidelity) = (image, graph, options, fidelity)
  }

  /// The image of a model that has all its tensors' codes itself.
  ///
  /// - Throws: `FileError`, which names the operator that has none.
  package static func coded(_ file: String) throws(FileError) -> FloatNetworkImage {
    try FloatNetworkImage(quantizing: file, samples: Samples(), options: .forOthersNetworks)
  }
}

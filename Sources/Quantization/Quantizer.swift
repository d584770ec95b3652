import Networks
import QuantInfer
import Tasks

/// What a float network becomes in integers.
package struct QuantizationOptions: Codable, Equatable, Sendable {
  /// What shares a weight scale.
  package enum Granularity: String, CaseIterable, Codable, Sendable {
    /// The weights of an output channel.
    case channel
    /// All weights of a layer.
    case tensor
  }

  /// What shares a weight scale.
  package var granularity = Granularity.channel
  /// How activations' ranges are chosen.
  package var calibration = CalibrationMethod.minmax
  /// The weights' bits, 8 or 4: one number for all layers, or one a layer.
  package var weightBits = [8]
  /// The activations' bits, 8 or 16: one number for all layers, or one a layer.
  ///
  /// A layer reads and writes codes of its own width; QUANTIZE operators stand between layers that differ.
  package var activationBits = [8]
  /// How a weight between two codes is rounded.
  package var rounding = WeightRounding.nearest
  /// The seed of stochastic rounding.
  package var roundingSeed: UInt64 = 1
  /// Whether the scales of neighbouring layers' channels are evened out before; see `FloatGraph.equalized()`.
  package var equalizesLayers = false
  /// Whether biases take up the mean error that rounded weights make on the calibration windows.
  package var correctsBiases = false

  /// int8 weights a channel, int8 activations, least and greatest activation.
  package init() {}

  /// Creates options.
  package init(granularity: Granularity, calibration: CalibrationMethod) {
    self.granularity = granularity
    self.calibration = calibration
  }

  /// What does best on the networks of others that were tried: see docs/notebook.
  package static let forOthersNetworks: QuantizationOptions = {
    var options = QuantizationOptions()
    (options.rounding, options.correctsBiases, options.equalizesLayers) = (.adaptive, true, true)
    options.calibration = .percentile
    return options
  }()

  /// What is tried for a network of others: the usual, ranges up to the least and greatest value, and nothing but these,
  /// which is what TensorFlow Lite's converter does.
  package static let choicesForOthersNetworks: [QuantizationOptions] = {
    var whole = forOthersNetworks
    whole.calibration = .minmax
    return [forOthersNetworks, whole, QuantizationOptions()]
  }()

  /// A layer's weights' bits.
  package func weightBits(ofLayer layer: Int) -> Int { weightBits[min(layer, weightBits.count - 1)] }
  /// A layer's activations' bits.
  package func activationBits(ofLayer layer: Int) -> Int {
    activationBits[min(layer, activationBits.count - 1)]
  }

  /// What is wrong with the options for a network of so many layers, in a few words; nil where nothing is.
  package func problem(layerCount: Int) -> String? {
    for (name, bits, allowed) in [
      ("weights", weightBits, [4, 8]), ("activations", activationBits, [8, 16]),
    ] {
      guard bits.count == 1 || bits.count == layerCount else {
        return "\(bits.count) widths of \(name) are given for \(layerCount) layers"
      }
      if let wrong = bits.first(where: { !allowed.contains($0) }) {
        return "\(name) of \(wrong) bits are not \(allowed[0]) or \(allowed[1])"
      }
    }
    return nil
  }
}

extension QuantizedNetwork {
  /// int8 codes of one scale for the values of two tensors that are to be added, which hold every sum of them too.
  package static func codesOfSum(
    _ first: [Float], _ second: [Float], calibration: CalibrationMethod
  ) -> (scale: Float, zeroPoint: Int) {
    let (a, b) = (
      ActivationRange(of: first, method: calibration), ActivationRange(of: second, method: calibration)
    )
    return ActivationRange(lowest: a.lowest + b.lowest, highest: a.highest + b.highest).quantization(.int8)
  }

  /// A float network quantized after training (arXiv:1806.08342): int8 or int4 weights, int8 or int16 activations
  /// whose ranges are measured on calibration windows, 32-bit biases (64-bit ones for int16 activations).
  ///
  /// - Parameters:
  ///   - network: A checkpoint's layers.
  ///   - settings: Its front end, which sets the input's scale and zero point.
  ///   - calibrationWindows: Windows `[time, channel]` of the network's input, from training records.
  ///   - awareness: The int8 codes that the network was trained for, instead of measured ranges; layers of int16
  ///     codes, and equalized ones, are measured all the same.
  ///   - options: Widths, granularity, calibration and rounding.
  ///   - outputCodes: The logits' codes, where they are to be another network's too; nil where they are measured.
  /// - Returns: The network in integers.
  /// - Throws: `InvalidNetwork` where the network's layers don't fit together, or the options don't fit the network.
  package static func quantized(
    _ network: FloatGraph, settings: SpectrogramSettings, calibrationWindows: [[Float]],
    awareness: QuantizationAwareness? = nil, options: QuantizationOptions = QuantizationOptions(),
    outputCodes: (scale: Float, zeroPoint: Int)? = nil
  ) throws(InvalidNetwork) -> QuantizedNetwork {
    guard !calibrationWindows.isEmpty else { throw InvalidNetwork("there are no windows to calibrate on") }
    let network = options.equalizesLayers ? try network.equalized() : network
    let layerCount = network.operators.count { $0.weights != nil }
    if let problem = options.problem(layerCount: layerCount) { throw InvalidNetwork(problem) }
    var quantizer = try GraphQuantizer(
      network, calibrationWindows: calibrationWindows, awareness: awareness, options: options)
    return try quantizer.run(given: inputCodes(of: settings), outputCodes: outputCodes)
  }

  /// Any float graph quantized after training, its inputs' ranges measured like all others.
  ///
  /// - Parameters:
  ///   - network: The graph.
  ///   - calibrationWindows: Windows: the values of its inputs, one after the other; none where the source model gives
  ///     all tensors their codes.
  ///   - inputCodes: The one input's codes, which a front end gives; nil where they are measured too.
  ///   - options: Widths, granularity, calibration and rounding; a layer is an operator with weights.
  /// - Returns: The network in integers, and the float graph of the same operators.
  /// - Throws: `InvalidNetwork` where an operator can't be in integers, or the options don't fit the network.
  package static func quantized(
    _ network: FloatGraph, calibrationWindows: [[Float]],
    inputCodes: (scale: Float, zeroPoint: Int)? = nil, options: QuantizationOptions
  ) throws(InvalidNetwork) -> (network: QuantizedNetwork, graph: FloatGraph) {
    // A table computes any function of int8 codes; int16 ones have no tables.
    var graph = options.activationBits.contains(16) ? network : network.composed()
    let layerCount = graph.operators.count { $0.weights != nil }
    if let problem = options.problem(layerCount: layerCount) { throw InvalidNetwork(problem) }
    // What has codes already keeps them.
    if options.equalizesLayers, !graph.hasCodes {
      graph = try graph.equalized(peaks: graph.channelPeaks(on: calibrationWindows))
    }
    var quantizer = try GraphQuantizer(
      graph, calibrationWindows: calibrationWindows, awareness: nil, options: options,
      relevance: Relevance(of: graph), mostValues: 1 << 20)
    return (try quantizer.run(given: inputCodes), graph)
  }
}

import ModelFiles
import Networks
import Quantization
import Tasks

extension QuantizedNetwork {
  /// The number of windows that ranges are measured on where nothing else is asked for.
  package static let standardCalibrationWindows = 1024

  /// A trained network in integers, its ranges measured on some of its training beats as a device's converter hears them.
  ///
  /// - Throws: `InvalidNetwork` where there is no beat with a whole window, or the options don't fit the network.
  package static func quantized(
    _ trained: Checkpoint, calibratedOn signals: [LabelledSignal], converter: AnalogConverter,
    windows count: Int = standardCalibrationWindows, seed: UInt64 = 1, options: QuantizationOptions = .init()
  ) throws(InvalidNetwork) -> QuantizedNetwork {
    let training = EvaluationWindows(signals.map(converter.heard), window: trained.window)
    return try QuantizedNetwork.quantized(
      FloatGraph(trained), settings: trained.settings,
      calibrationWindows: training.calibrationWindows(count: count, seed: seed),
      awareness: trained.awareness, options: options)
  }

  /// A trained network of columns in integers and the network of beats beside it, whose logits have codes of one scale, so that
  /// a device adds codes.
  ///
  /// - Throws: `InvalidNetwork` where there is no beat with a whole window, or the options don't fit the networks.
  fileprivate static func quantizedTogether(
    _ trained: Checkpoint, _ beats: Checkpoint, calibratedOn signals: [LabelledSignal],
    converter: AnalogConverter, windows count: Int, seed: UInt64, options: QuantizationOptions
  ) throws(InvalidNetwork) -> (columns: QuantizedNetwork, beats: QuantizedNetwork) {
    guard trained.awareness == nil, options.activationBits == [8] else {
      throw InvalidNetwork(
        "has a network of beats beside it, and goes to activations of int8 after its training")
    }
    let heard = signals.map(converter.heard)
    func windows(_ network: Checkpoint) -> [[Float]] {
      EvaluationWindows(heard, window: network.window).calibrationWindows(count: count, seed: seed)
    }
    let (graph, beatGraph) = (try FloatGraph(trained), try FloatGraph(beats))
    let (given, givenBeats) = (windows(trained), windows(beats))
    let codes = codesOfSum(
      try FloatExecution(graph).logits(ofWindows: given),
      try FloatExecution(beatGraph).logits(ofWindows: givenBeats), calibration: options.calibration)
    var usual = QuantizationOptions()
    (usual.granularity, usual.calibration) = (options.granularity, options.calibration)
    return (
      try quantized(
        graph, settings: trained.settings, calibrationWindows: given, options: options, outputCodes: codes),
      try quantized(
        beatGraph, settings: beats.settings, calibrationWindows: givenBeats, options: usual,
        outputCodes: codes)
    )
  }
}

extension FloatExecution {
  /// The logits of windows, one after the other.
  fileprivate func logits(ofWindows windows: [[Float]]) -> [Float] {
    windows.flatMap { logits(ofWindow: $0) }
  }
}

extension ModelImage {
  /// The image of a trained network, its ranges measured on some of its training beats; see `QuantizedNetwork.quantized`.
  ///
  /// - Throws: `InvalidNetwork` where it can't be quantized, or an image can't hold it.
  package static func quantized(
    _ trained: Checkpoint, calibratedOn signals: [LabelledSignal], converter: AnalogConverter, windows: Int,
    seed: UInt64, options: QuantizationOptions
  ) throws(InvalidNetwork) -> ModelImage {
    let integers: Provenance = [
      .granularity: options.granularity.rawValue,
      .calibration: trained.awareness == nil ? options.calibration.rawValue : "trained",
      .calibrationWindows: "\(windows)", .calibrationSeed: "\(seed)",
    ]
    let provenance =
      Provenance(trained, converter: converter, seed: trained.training.seed) + integers + .exporter
      + Provenance(departuresOf: options)
    if let beats = trained.beatNetwork {
      let networks = try QuantizedNetwork.quantizedTogether(
        trained, beats, calibratedOn: signals, converter: converter, windows: windows, seed: seed,
        options: options)
      return try make(
        of: networks.columns, beats: networks.beats, trained: trained, converter: converter,
        provenance: provenance)
    }
    return try make(
      of: .quantized(
        trained, calibratedOn: signals, converter: converter, windows: windows, seed: seed, options: options),
      trained: trained, converter: converter, provenance: provenance)
  }
}

extension Provenance {
  /// What of the integers isn't as usual.
  init(departuresOf options: QuantizationOptions) {
    let usual = QuantizationOptions()
    func widths(_ bits: [Int], _ usual: [Int]) -> String? {
      bits == usual ? nil : bits.map { "int\($0)" }.joined(separator: ",")
    }
    self = [
      .weights: widths(options.weightBits, usual.weightBits),
      .activations: widths(options.activationBits, usual.activationBits),
      .rounding: options.rounding == usual.rounding ? nil : options.rounding.rawValue,
      .equalized: options.equalizesLayers ? "true" : nil,
      .biasesCorrected: options.correctsBiases ? "true" : nil,
    ]
  }
}

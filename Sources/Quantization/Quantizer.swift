import QuantInfer
import Training

/// What a float network becomes in integers.
public struct QuantizationOptions: Codable, Equatable, Sendable {
  /// What shares a weight scale.
  public enum Granularity: String, CaseIterable, Codable, Sendable {
    /// The weights of an output channel.
    case channel
    /// All weights of a layer.
    case tensor
  }

  /// What shares a weight scale.
  public var granularity = Granularity.channel
  /// How activations' ranges are chosen.
  public var calibration = CalibrationMethod.minmax

  /// int8 weights a channel, least and greatest activation.
  public init() {}

  /// Creates options.
  public init(granularity: Granularity, calibration: CalibrationMethod) {
    self.granularity = granularity
    self.calibration = calibration
  }
}

extension QuantizedNetwork {
  /// Quantizes a float network after training (arXiv:1806.08342): int8 weights, int8 activations whose ranges
  /// are measured on calibration windows, 32-bit biases.
  ///
  /// - Parameters:
  ///   - network: Batch normalization folded in.
  ///   - settings: Its front end, which sets the input's scale and zero point.
  ///   - calibrationWindows: Windows `[time, channel]` of the network's input, from training records.
  ///   - awareness: The codes that the network was trained for, instead of measured ranges.
  ///   - options: Granularity and calibration.
  /// - Throws: `InvalidNetwork` where the network's layers don't fit together.
  public init(
    quantizing network: FloatNetwork, settings: SpectrogramSettings, calibrationWindows: [[Float]],
    awareness: QuantizationAwareness? = nil, options: QuantizationOptions = QuantizationOptions()
  ) throws(InvalidNetwork) {
    guard !calibrationWindows.isEmpty else { throw InvalidNetwork("there are no windows to calibrate on") }
    let inference = try FloatInference(network)
    let shapes = inference.shapes
    var seen = [[Float]](repeating: [], count: shapes.count)
    for window in calibrationWindows {
      for (layer, values) in inference.activations(ofWindow: window).enumerated() {
        seen[layer] += values
      }
    }
    tensors = [
      Tensor(
        name: "spectrogram", shape: [1, shapes[0].inputColumns, 1, shapes[0].inputChannels],
        scale: Self.inputCodes(of: settings).scale, zeroPoint: Self.inputCodes(of: settings).zeroPoint)
    ]
    operators = []
    inputs = [Port(0)]
    outputs = [Port(shapes.count)]
    for (layer, shape) in shapes.enumerated() {
      let range = ActivationRange(of: seen[layer], method: options.calibration)
      let (scale, zeroPoint) =
        awareness.map { ($0.outputs[layer].scale, $0.outputs[layer].zeroPoint) } ?? range.quantization
      tensors.append(
        Tensor(
          name: "\(shape.isDense ? "dense" : "convolution") \(layer + 1)",
          shape: shape.isDense
            ? [1, shape.outputChannels] : [1, shape.outputColumns, 1, shape.outputChannels],
          scale: scale, zeroPoint: zeroPoint))
      tensors[layer + 1].sourceIndex = layer + 1
      operators.append(
        Self.operation(
          layer, shape, network.parameters[layer], input: tensors[layer], output: tensors[layer + 1],
          granularity: options.granularity))
    }
  }

  private static func operation(
    _ layer: Int, _ shape: LayerShape, _ parameters: FloatNetwork.Parameters, input: Tensor,
    output: Tensor, granularity: QuantizationOptions.Granularity
  ) -> Operator {
    let perChannel = parameters.weights.count / shape.outputChannels
    let largest = parameters.weights.reduce(0) { max($0, abs($1)) }
    var weights: [Int8] = []
    var scales: [Float] = []
    var biases: [Int64] = []
    weights.reserveCapacity(parameters.weights.count)
    for channel in 0..<shape.outputChannels {
      let row = parameters.weights[channel * perChannel..<(channel + 1) * perChannel]
      let span = granularity == .tensor ? largest : row.reduce(0) { max($0, abs($1)) }
      let scale = span > 0 ? span / 127 : 1
      scales.append(scale)
      weights += row.map { Int8(max(-127, min(127, ($0 / scale).rounded()))) }
      let bias = (Double(parameters.biases[channel]) / (Double(input.scale) * Double(scale))).rounded()
      biases.append(Int64(max(-0x4000_0000, min(0x4000_0000, bias))))
    }
    let packed = Weights(
      codes: weights, biases: biases, scales: scales, inputScale: input.scale, outputScale: output.scale)
    let time = Step(
      kernel: shape.kernelColumns, stride: shape.strideColumns, dilation: shape.dilationColumns)
    var operation = Operator(
      kind: shape.isDense ? .fullyConnected : .convolution, inputs: [layer], output: layer + 1,
      activation: (shape.isRectified ? output.zeroPoint : -128)...127,
      computation: shape.isDense ? .fullyConnected(packed) : .convolution(Window(time: time), packed))
    operation.sourceIndex = layer
    return operation
  }
}

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
  /// A float network quantized after training (arXiv:1806.08342): int8 or int4 weights, int8 or int16 activations
  /// whose ranges are measured on calibration windows, 32-bit biases (64-bit ones for int16 activations).
  ///
  /// - Parameters:
  ///   - network: Convolutions along time, then fully connected operators.
  ///   - settings: Its front end, which sets the input's scale and zero point.
  ///   - calibrationWindows: Windows `[time, channel]` of the network's input, from training records.
  ///   - awareness: The int8 codes that the network was trained for, instead of measured ranges; layers of int16
  ///     codes, and equalized ones, are measured all the same.
  ///   - options: Widths, granularity, calibration and rounding.
  /// - Returns: The network in integers.
  /// - Throws: `InvalidNetwork` where the network's layers don't fit together, or the options don't fit the network.
  package static func quantized(
    _ network: FloatGraph, settings: SpectrogramSettings, calibrationWindows: [[Float]],
    awareness: QuantizationAwareness? = nil, options: QuantizationOptions = QuantizationOptions()
  ) throws(InvalidNetwork) -> QuantizedNetwork {
    guard !calibrationWindows.isEmpty else { throw InvalidNetwork("there are no windows to calibrate on") }
    let network = options.equalizesLayers ? try network.equalized() : network
    let shapes = try network.layerShapes()
    let execution = try FloatExecution(network)
    if let problem = options.problem(layerCount: shapes.count) { throw InvalidNetwork(problem) }
    var seen = [[Float]](repeating: [], count: shapes.count)
    let needsInputs = options.correctsBiases || options.rounding == .adaptive
    var moments =
      needsInputs ? shapes.map { InputMoments($0, hasProducts: options.rounding == .adaptive) } : []
    for (index, window) in calibrationWindows.enumerated() {
      let values = execution.values(ofWindow: window)
      for layer in seen.indices { seen[layer] += values[layer + 1] }
      // Products of inputs cost far more than ranges, and settle after fewer windows.
      guard needsInputs, index < InputMoments.mostWindows else { continue }
      for layer in moments.indices { moments[layer].add(values[layer]) }
    }
    let spectrogram = Tensor(
      name: network.tensors[0].name, shape: network.tensors[0].shape,
      scale: inputCodes(of: settings).scale, zeroPoint: inputCodes(of: settings).zeroPoint)
    var quantized = QuantizedNetwork(tensors: [spectrogram], operators: [], inputs: [Port(0)], outputs: [])
    for (layer, shape) in shapes.enumerated() {
      let type: ElementType = options.activationBits(ofLayer: layer) == 16 ? .int16 : .int8
      if quantized.tensors[quantized.tensors.count - 1].type != type {
        quantized.appendRequantization(
          to: type, values: layer == 0 ? nil : seen[layer - 1], options.calibration)
      }
      let input = quantized.tensors.count - 1
      let trained = type == .int8 && !options.equalizesLayers ? awareness?.outputs[layer] : nil
      let (scale, zeroPoint) =
        trained.map { ($0.scale, $0.zeroPoint) }
        ?? ActivationRange(of: seen[layer], method: options.calibration, type: type).quantization(type)
      quantized.tensors.append(
        Tensor(
          name: network.tensors[layer + 1].name, shape: network.tensors[layer + 1].shape, type: type,
          scale: scale, zeroPoint: zeroPoint))
      quantized.tensors[input + 1].sourceIndex = layer + 1
      let rounded = RoundedWeights(
        network.operators[layer].weights ?? .init(values: [], biases: []), shape, layer: layer, options,
        moments: needsInputs ? moments[layer] : nil)
      quantized.operators.append(
        rounded.operation(shape, from: input, in: quantized.tensors, sourceIndex: layer))
    }
    quantized.outputs = [Port(quantized.tensors.count - 1)]
    return quantized
  }

  /// Appends a QUANTIZE of the newest tensor to another width.
  ///
  /// - Parameters:
  ///   - type: The new codes.
  ///   - values: The real numbers seen, which decide an int8 range; nil for the spectrogram, which begins as int8.
  ///   - calibration: How.
  private mutating func appendRequantization(
    to type: ElementType, values: [Float]?, _ calibration: CalibrationMethod
  ) {
    let source = tensors[tensors.count - 1]
    var target = Tensor(
      name: "\(source.name), \(type == .int16 ? "int16" : "int8")", shape: source.shape, type: type,
      scale: source.scale / 128, zeroPoint: 0)
    let computation: Computation
    if type == .int16 {
      // A step of int8 is 128 steps of int16, so that nothing is lost.
      computation = .lookup((-128...127).map { Int16(128 * ($0 - source.zeroPoint)) })
    } else {
      (target.scale, target.zeroPoint) =
        ActivationRange(of: values ?? [], method: calibration, type: type).quantization(type)
      let factor = FixedPointMultiplier(real: Double(source.scale) / Double(target.scale))
      computation = .rescaling(Rescaling(multiplier: factor, negativeMultiplier: factor))
    }
    target.sourceIndex = source.sourceIndex
    tensors.append(target)
    operators.append(
      Operator(
        kind: .quantize, inputs: [tensors.count - 2], output: tensors.count - 1,
        activation: type.codes, computation: computation))
  }
}

extension RoundedWeights {
  /// The layer as an operator.
  fileprivate func operation(
    _ shape: LayerShape, from input: Int, in tensors: [QuantizedNetwork.Tensor], sourceIndex: Int
  ) -> QuantizedNetwork.Operator {
    let (source, target) = (tensors[input], tensors[input + 1])
    let limit = source.type == .int16 ? 0x1p38 : 0x1p30
    let codes = zip(biases, scales).map { bias, scale in
      let code = (bias / (Double(source.scale) * Double(scale))).rounded()
      return Int64(max(-limit, min(limit, code)))
    }
    var packed = QuantizedNetwork.Weights(
      codes: self.codes, biases: codes, scales: scales, inputScale: source.scale, outputScale: target.scale)
    packed.bits = bits
    packed.accumulatorBits = source.type == .int16 ? 64 : 32
    let time = QuantizedNetwork.Step(
      kernel: shape.kernelColumns, stride: shape.strideColumns, dilation: shape.dilationColumns)
    let least = shape.isRectified ? target.zeroPoint : target.type.codes.lowerBound
    var operation = QuantizedNetwork.Operator(
      kind: shape.isDense ? .fullyConnected : .convolution, inputs: [input], output: input + 1,
      activation: least...target.type.codes.upperBound,
      computation: shape.isDense
        ? .fullyConnected(packed) : .convolution(QuantizedNetwork.Window(time: time), packed))
    operation.sourceIndex = sourceIndex
    return operation
  }
}

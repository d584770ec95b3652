import Networks
import QuantInfer
import Tasks
import Training

extension QuantizationAwareness {
  /// The codes that the layers of a network have, as many as the network was made of.
  ///
  /// - Throws: `InvalidNetwork` where a layer's output isn't int8.
  package init(of network: QuantizedNetwork, layerCount: Int) throws(InvalidNetwork) {
    // A layer's output is the tensor behind its number in the float graph.
    let outputs = (1...layerCount).compactMap { place in
      network.tensors.first { $0.sourceIndex == place }
    }
    guard outputs.allSatisfy({ $0.type == .int8 }) else {
      throw InvalidNetwork("only int8 activations can be trained for")
    }
    self.init(outputs: outputs.map { Codes(scale: $0.scale, zeroPoint: $0.zeroPoint) })
  }
}

extension Checkpoint {
  /// The integers that the network is trained for, with the runtime's own rounding; nil where it is trained in float.
  package var codes: NetworkCodes? {
    guard let awareness, let shapes = try? specification.layerShapes() else { return nil }
    let input = QuantizedNetwork.inputCodes(of: settings)
    var inputScale = input.scale
    var layers: [LayerCodes] = []
    for (shape, output) in zip(shapes, awareness.outputs) {
      layers.append(
        LayerCodes(
          inputScale: inputScale, outputScale: output.scale, outputZeroPoint: output.zeroPoint,
          outputCodes: (shape.isRectified ? output.zeroPoint : -128)...127,
          scaling: { factor in
            let multiplier = FixedPointMultiplier(real: factor)
            return { multiplier.scale($0) }
          }))
      inputScale = output.scale
    }
    return NetworkCodes(inputScale: input.scale, inputZeroPoint: input.zeroPoint, layers: layers)
  }
}

extension QuantizedNetwork {
  /// What the front end's codes stand for.
  package static func inputCodes(of settings: SpectrogramSettings) -> (scale: Float, zeroPoint: Int) {
    guard !settings.isRawSamples else { return (Float(1 / SpectrogramSettings.rawCodesPerUnit), 0) }
    return (Float(1 / settings.levelsPerUnit), Int(settings.centerLevel) + SpectrogramSettings.zeroLevelCode)
  }
}

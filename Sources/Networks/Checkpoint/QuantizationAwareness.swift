/// How a network shall be quantized, decided before it is trained for it: the activations' codes stay as they are
/// while the weights move.
package struct QuantizationAwareness: Codable, Equatable, Sendable {
  /// What a layer's int8 output codes stand for: real = scale * (code - zeroPoint).
  package struct Codes: Codable, Equatable, Sendable {
    /// A step of one code.
    package var scale: Float
    /// The code of 0.
    package var zeroPoint: Int

    /// Creates codes.
    package init(scale: Float, zeroPoint: Int) {
      (self.scale, self.zeroPoint) = (scale, zeroPoint)
    }
  }

  /// The layers' output codes, first to last.
  package var outputs: [Codes]

  /// Creates a plan.
  package init(outputs: [Codes]) {
    self.outputs = outputs
  }

  /// What is wrong with the plan for a number of layers, in a few words; nil where nothing is.
  package func problem(layerCount: Int) -> String? {
    if outputs.count != layerCount { return "\(outputs.count) layers, not \(layerCount)" }
    for codes in outputs
    where !(codes.scale.isNormal && codes.scale > 0 && (-128...127).contains(codes.zeroPoint)) {
      return "a scale of \(codes.scale) with the zero point \(codes.zeroPoint)"
    }
    return nil
  }
}

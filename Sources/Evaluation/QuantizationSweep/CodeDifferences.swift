/// How a layer's codes differ from those that its float twin's values round to, half to even as ONNX's QuantizeLinear does.
package struct CodeDifferences: Codable, Equatable, Sendable {
  /// The codes.
  package var codes: Int
  /// Those that differ.
  package var differing: Int
  /// The largest difference, in steps of the layer's scale.
  package var largestStep: Int

  /// No codes.
  package init() { (codes, differing, largestStep) = (0, 0, 0) }

  /// The share of codes that differ.
  package var share: Double { Double(differing) / Double(max(1, codes)) }

  /// Counts some codes beside what float has in their place: real = scale * (code - zero point).
  package mutating func add(
    _ some: [Int16], beside reals: [Float], scale: Float, zeroPoint: Int, range: ClosedRange<Int>
  ) {
    for (code, real) in zip(some, reals) {
      let steps = Double((real / scale).rounded(.toNearestOrEven)) + Double(zeroPoint)
      let nearest = Int(max(Double(range.lowerBound), min(Double(range.upperBound), steps)))
      let step = abs(Int(code) - nearest)
      codes += 1
      differing += step == 0 ? 0 : 1
      largestStep = max(largestStep, step)
    }
  }
}

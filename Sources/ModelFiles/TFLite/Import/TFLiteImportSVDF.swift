extension TFLiteOperator {
  /// SVDF of int8 codes; its state and the weights over time are both int16 or both int8.
  ///
  /// TensorFlow Lite's integer kernel has no fused activation, whatever the options say.
  func svdf() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 5...5)
    let options = try options(.svdf)
    let (input, state, output) = (try input(0), try input(4), try output())
    let features = try constant(1, "feature weights", types: .int8)
    let times = try constant(2, "time weights", types: .int8, .int16)
    let rank = Int(options.rank)
    guard input.type == .int8, output.type == .int8, times.type == (state.type == .int8 ? .int8 : .int16)
    else {
      throw refusal("mixes int8 and int16 codes")
    }
    guard 0...3 ~= options.activation.rawValue else {
      throw refusal(
        "has the fused activation \(options.activation.rawValue), which this program doesn't have")
    }
    guard state.isVariable else { throw refusal("has a state that isn't a variable") }
    guard input.shape.count == 2, features.shape.count == 2, times.shape.count == 2, rank > 0,
      features.shape[1] == input.shape[1], times.shape[0] == features.shape[0],
      features.shape[0].isMultiple(of: rank), output.shape == [input.shape[0], features.shape[0] / rank],
      state.shape == [input.shape[0], times.shape[0] * times.shape[1]]
    else {
      throw refusal(
        "goes from the shape \(input.shape) to \(output.shape) with weights of the shapes \(features.shape) and "
          + "\(times.shape), a state of \(state.shape) and the rank \(rank)")
    }
    let (featureScale, timeScale) = (try scale(features, "feature weights"), try scale(times, "time weights"))
    let biases = try svdfBiases(count: output.shape[1], scale: state.scale * timeScale)
    return TFLiteImportedOperator(
      .svdf(
        .init(
          featureWeights: features.int8,
          timeWeights: times.type == .int8 ? times.int8.map { Int16($0) } : times.numbers(Int16.self),
          biases: biases, rank: rank,
          featureMultiplier: try multiplier(
            Double(input.scale) * Double(featureScale) / Double(state.scale)),
          outputMultiplier: try multiplier(Double(state.scale) * Double(timeScale) / Double(output.scale)))),
      inputs: [input, state], output: output)
  }

  /// The one scale of weights whose zero point is 0.
  func scale(_ constant: Constant, _ role: String) throws(NotConvertible) -> Float {
    let (scales, zeroPoints) = (constant.quantization.scales, constant.quantization.zeroPoints)
    guard scales.count == 1, zeroPoints == [0], scales[0].isNormal, scales[0] > 0 else {
      throw refusal("has \(role) with \(scales.count) scales and the zero points \(zeroPoints.prefix(4))")
    }
    return scales[0]
  }

  /// The fourth input on the grid of state times weights; zeros where it is left out.
  private func svdfBiases(count: Int, scale: Float) throws(NotConvertible) -> [Int32] {
    guard optionalInputIndex(3) != nil else { return Array(repeating: 0, count: count) }
    let constant = try constant(3, "biases", types: .int32)
    guard constant.shape.reduce(1, *) == count else {
      throw refusal("has \(constant.shape.reduce(1, *)) biases for \(count) units")
    }
    let biasScale = constant.quantization.scales.first ?? 0
    guard abs(Double(biasScale) - Double(scale)) < 1e-5 else {
      throw refusal("has biases of the scale \(biasScale), not \(scale)")
    }
    return constant.numbers(Int32.self)
  }
}

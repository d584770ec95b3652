import QuantInfer

extension Model {
  /// The conditions with which the runtime's build has what this model needs, and no more.
  ///
  /// Weights are taken to be aligned, as `ModelImage` aligns them.
  package var buildConditions: [String] {
    var conditions = Set((beatNetwork?.buildConditions ?? []).dropFirst())
    for index in 0..<operatorCount {
      let plan = operatorPlan(index)
      switch plan.kind {
      case .convolution: conditions.insert("QUANTINFER_CONVOLUTION")
      case .depthwiseConvolution:
        conditions.insert(plan.weights?.layout == .taps ? "QUANTINFER_DEPTHWISE" : "QUANTINFER_CONVOLUTION")
      case .fullyConnected: conditions.insert("QUANTINFER_FULLY_CONNECTED")
      case .averagePool, .maximumPool, .mean, .sum, .reduceMaximum, .reduceMinimum:
        conditions.insert("QUANTINFER_POOLING")
      case .logistic, .tanh, .relu, .relu6, .leakyRelu, .quantize, .absolute, .negate, .elu, .hardSwish,
        .exponential, .logarithm, .squareRoot, .reciprocalSquareRoot, .softmax, .logSoftmax:
        conditions.insert("QUANTINFER_FUNCTIONS")
      case .add, .subtract, .multiply, .divide, .maximum, .minimum, .prelu, .squaredDifference, .batchMatMul,
        .resizeBilinear,
        .svdf, .pad, .transpose, .stridedSlice, .slice,
        .split, .splitUnevenly, .unpack, .concatenation, .pack, .gather, .tile, .broadcast, .reverse,
        .resizeNearestNeighbor, .depthToSpace, .spaceToDepth, .spaceToBatch, .batchToSpace:
        conditions.insert("QUANTINFER_ELEMENTWISE")
      case .sequenceLSTM: conditions.insert("QUANTINFER_LSTM")
      case .reshape, nil: break
      }
      if let weights = plan.weights, weights.weightBits != 8 || weights.zeroPoint != 0 {
        conditions.insert("QUANTINFER_INT4")
      }
    }
    let streaming = streaming
    if streaming?.readsRing != true || streaming?.tailStart != operatorCount - 1 {
      conditions.insert("QUANTINFER_WHOLE_WINDOW")
    }
    if leadCount > 1 { conditions.insert("QUANTINFER_LEADS") }
    if let tailStart = streaming?.tailStart {
      for index in 0..<tailStart {
        let time = operatorPlan(index).window?.time
        if time?.paddingBefore ?? 0 > 0 || time?.paddingAfter ?? 0 > 0 {
          conditions.insert("QUANTINFER_EDGES")
        }
      }
    }
    if frontEnd?.beats != nil { conditions.insert("QUANTINFER_BEATS") }
    switch frontEnd {
    case .samples: conditions.insert("QUANTINFER_SAMPLES")
    case .spectrogram(let plan) where !plan.isDirect: conditions.insert("QUANTINFER_FAST_TRANSFORM")
    case .spectrogram, .beats, nil: break
    }
    for index in 0..<tensorCount where tensor(index).type == .int16 { conditions.insert("QUANTINFER_INT16") }
    return ["QUANTINFER_SELECTED"] + conditions.sorted()
  }
}

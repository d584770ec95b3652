import Networks
import QuantInfer

// Operators with windows or weights, and fused activations.

extension TFLiteExport.Written {
  /// The ways to say CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: one, with a PAD where the padding is neither SAME
  /// nor VALID.
  func waysOfWeights(
    _ window: QuantizedNetwork.Window?, _ weights: QuantizedNetwork.Weights, options kind: TFLiteOptions.Kind
  ) throws(NotConvertible) -> [TFLiteExport.Way] {
    guard let scales = weights.scales else { throw NotConvertible(problem: "has weights of unknown scales") }
    guard window == nil || input.shape.count == 4 else {
      throw NotConvertible(problem: "is a convolution over \(input.shape.count) dimensions")
    }
    var options = TFLiteOptions(kind)
    options.activation = try activation()
    let isDepthwise = kind == .depthwiseConv2D
    if isDepthwise {
      options.depthMultiplier = Int32(output.shape[3] / max(1, input.shape[3]))
    }
    let padding = window.map { TFLitePadding($0, source: input, target: output) } ?? .valid
    if let window { options.setWindow(window, padding: padding ?? .valid) }
    options.quantizedBiasType = weights.accumulatorBits == 64 ? .int64 : .float32
    let channels = weights.biases.count
    let taps = window.map { [$0.time.kernel, $0.frequency.kernel] } ?? []
    let depth = weights.codes.count / channels / taps.reduce(1, *)
    let shape = isDepthwise ? [1] + taps + [channels] : [channels] + taps + [depth]
    let isOneScale = scales.allSatisfy { $0 == scales[0] } && window == nil
    let (written, described, planned) = (operation.kind, input, options)
    return [
      { export, inputs, output in
        let source =
          padding == nil ? export.addPadding(window ?? .init(), of: described, at: inputs[0]) : inputs[0]
        let codes = export.add(
          name: "weights", shape: shape, type: weights.bits == 4 ? .int4 : .int8,
          bytes: PackedWeights.bytes(weights.codes, bits: weights.bits),
          scales: isOneScale ? [scales[0]] : scales, zeroPoint: weights.zeroPoint,
          dimension: isDepthwise ? 3 : 0)
        let biases = export.add(
          name: "biases", shape: [channels], type: weights.accumulatorBits == 64 ? .int64 : .int32,
          bytes: weights.accumulatorBits == 64
            ? TFLiteExport.littleEndian(weights.biases)
            : TFLiteExport.littleEndian(weights.biases.map { Int32(clamping: $0) }),
          scales: (isOneScale ? [scales[0]] : scales).map { described.scale * $0 })
        export.add(
          TFLiteOperatorKind(rawValue: Int32(written.rawValue)), version: window == nil ? 4 : 3, planned,
          [source, codes, biases], to: output)
      }
    ]
  }

  /// The ways to say a pool: one.
  func waysOfPool(_ window: QuantizedNetwork.Window) throws(NotConvertible) -> [TFLiteExport.Way] {
    guard input.shape.count == 4, let padding = TFLitePadding(window, source: input, target: output) else {
      throw NotConvertible(problem: "pools with a padding that is neither SAME nor VALID")
    }
    var options = TFLiteOptions(.pool2D)
    options.setWindow(window, padding: padding)
    (options.filterHeight, options.filterWidth) = (
      Int32(window.time.kernel), Int32(window.frequency.kernel)
    )
    options.activation = try activation()
    return [way(options)]
  }

  /// The fused activation.
  func activation() throws(NotConvertible) -> TFLiteActivation {
    guard let activation = TFLiteActivation(operation.activation, output: output) else {
      throw NotConvertible(
        problem: "limits its output to \(operation.activation), which no fused activation does")
    }
    return activation
  }

  /// The operator of the same kind with some options, and no constants.
  func way(_ options: TFLiteOptions?) -> TFLiteExport.Way {
    let kind = TFLiteOperatorKind(rawValue: Int32(operation.kind.rawValue))
    return { export, inputs, output in export.add(kind, options, inputs, to: output) }
  }
}

extension TFLiteExport {
  /// A PAD operator before a convolution whose padding is neither SAME nor VALID.
  ///
  /// Returns the padded tensor.
  fileprivate mutating func addPadding(
    _ window: QuantizedNetwork.Window, of source: QuantizedNetwork.Tensor, at input: Int32
  ) -> Int32 {
    let (time, frequency) = (window.time, window.frequency)
    var shape = source.shape
    shape[1] += time.paddingBefore + time.paddingAfter
    shape[2] += frequency.paddingBefore + frequency.paddingAfter
    let amounts = add(
      [0, 0, time.paddingBefore, time.paddingAfter, frequency.paddingBefore, frequency.paddingAfter, 0, 0],
      shape: [4, 2], named: "padding")
    var tensor = source
    (tensor.constant, tensor.isVariable) = (nil, false)
    let padded = add(tensor, name: "padded", shape: shape)
    add(.pad, version: 2, TFLiteOptions(.pad), [input, amounts], to: padded)
    return padded
  }
}

extension TFLiteOptions {
  fileprivate mutating func setWindow(_ window: QuantizedNetwork.Window, padding: TFLitePadding) {
    self.padding = padding
    (strideHeight, strideWidth) = (Int32(window.time.stride), Int32(window.frequency.stride))
    (dilationHeight, dilationWidth) = (Int32(window.time.dilation), Int32(window.frequency.dilation))
  }
}

extension TFLiteActivation {
  /// The fused activation that allows exactly these output codes; nil where there is none.
  init?(_ codes: ClosedRange<Int>, output: QuantizedNetwork.Tensor) {
    let all = output.type.codes
    func code(_ real: Float) -> Int {
      let code = (real / output.scale).rounded()
      return output.zeroPoint + Int(max(-0x1p20, min(0x1p20, code)))
    }
    func range(_ lowest: Int, _ highest: Int) -> ClosedRange<Int>? {
      let (lowest, highest) = (max(all.lowerBound, lowest), min(all.upperBound, highest))
      return lowest <= highest ? lowest...highest : nil
    }
    switch codes {
    case all: self = .none
    case range(code(0), all.upperBound): self = .relu
    case range(code(0), code(6)): self = .relu6
    case range(code(-1), code(1)): self = .reluMinus1To1
    default: return nil
    }
  }
}

extension TFLitePadding {
  /// The padding that reads what a window reads; nil where it is neither SAME nor VALID.
  init?(
    _ window: QuantizedNetwork.Window, source: QuantizedNetwork.Tensor, target: QuantizedNetwork.Tensor
  ) {
    let dimensions = [(window.time, 1), (window.frequency, 2)]
    let isValid = dimensions.allSatisfy { step, axis in
      step.paddingBefore == 0 && source.shape[axis] >= step.reach
        && target.shape[axis] == (source.shape[axis] - step.reach) / step.stride + 1
    }
    let isSame = dimensions.allSatisfy { step, axis in
      let (inputs, outputs) = (source.shape[axis], target.shape[axis])
      let total = max(0, (outputs - 1) * step.stride + step.reach - inputs)
      return outputs == (inputs + step.stride - 1) / step.stride && step.paddingBefore == total / 2
    }
    guard isValid || isSame else { return nil }
    self = isValid ? .valid : .same
  }
}

import Networks
import QuantInfer

// CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and the pools. TensorFlow Lite's height is time, its width frequency.

extension TFLiteOperator {
  func convolution() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 2...3)
    let (input, output) = try imageInputAndOutput()
    let options = try options(.conv2D)
    let kernel = try weights(rank: 4, channelAxis: 0)
    let (channels, groupChannels) = (kernel.shape[0], kernel.shape[3])
    let groups = input.shape[3] / groupChannels
    guard input.shape[3] == groups * groupChannels, output.shape[3] == channels,
      channels.isMultiple(of: groups)
    else {
      throw refusal(
        "goes from \(input.shape[3]) to \(output.shape[3]) channels with weights of the shape \(kernel.shape)"
      )
    }
    let window = try window(options, kernel: kernel.shape[1...2], from: input, to: output)
    let widths: Set<Int> = input.type == .int8 ? [32] : [32, 64]
    let weights = try weights(
      kernel, from: input, to: output, accumulators: widths, without: options.quantizedBiasType)
    return TFLiteImportedOperator(
      .convolution(window, weights), inputs: [input], output: output,
      activation: try range(options.activation, of: output))
  }

  func depthwiseConvolution() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 2...3)
    let (input, output) = try imageInputAndOutput()
    let options = try options(.depthwiseConv2D)
    let kernel = try weights(rank: 4, channelAxis: 3)
    guard kernel.shape[0] == 1, kernel.shape[3] == output.shape[3],
      output.shape[3] == input.shape[3] * Int(options.depthMultiplier)
    else {
      throw refusal(
        "goes from \(input.shape[3]) to \(output.shape[3]) channels with weights of the shape \(kernel.shape) "
          + "and the multiplier \(options.depthMultiplier)")
    }
    let window = try window(options, kernel: kernel.shape[1...2], from: input, to: output)
    let widths: Set<Int> = input.type == .int8 ? [32] : [64]
    let weights = try weights(kernel, from: input, to: output, accumulators: widths, without: .int64)
    return TFLiteImportedOperator(
      .depthwiseConvolution(window, weights), inputs: [input], output: output,
      activation: try range(options.activation, of: output))
  }

  func fullyConnected() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 2...3)
    let (input, output) = (try input(0), try output())
    try requireSameType(input, output)
    try requireSymmetric(input, output)
    let options = try options(.fullyConnected)
    guard options.weightsFormat == 0 else { throw refusal("has shuffled weights") }
    let matrix = try weights(rank: 2, channelAxis: 0, allowsZeroPoint: true)
    let (channels, depth) = (matrix.shape[0], matrix.shape[1])
    guard output.shape.last == channels, input.count.isMultiple(of: depth),
      input.count / depth == output.count / channels
    else {
      throw refusal(
        "goes from the shape \(input.shape) to \(output.shape) with weights of the shape \(matrix.shape)")
    }
    let widths: Set<Int> = input.type == .int8 ? [32] : [32, 64]
    let weights = try weights(
      matrix, from: input, to: output, accumulators: widths, without: options.quantizedBiasType)
    if matrix.scales.count == 1 {
      try requireBiasScale(near: Double(input.scale) * Double(matrix.scales[0]), output: output)
    }
    return TFLiteImportedOperator(
      .fullyConnected(weights), inputs: [input], output: output,
      activation: try range(options.activation, of: output))
  }

  /// TRANSPOSE_CONV as a convolution over inputs with zeros between them, its taps in the opposite order.
  ///
  /// The sums and their rounding are the same; so are zeros, as codes of the zero point, in between and around.
  func transposedConvolution() throws(NotConvertible) -> [TFLiteImportedOperator] {
    try requireCounts(inputs: 3...4)
    let (input, output) = (try input(2), try output())
    try requireSameType(input, output)
    try requireSymmetric(input, output)
    let options = try options(.transposeConv)
    var kernel = try weights(rank: 4, channelAxis: 0)
    guard input.shape.count == 4, output.shape.count == 4, input.shape[0] == output.shape[0],
      input.shape[3] == kernel.shape[3], output.shape[3] == kernel.shape[0], kernel.bits == 8
    else {
      throw refusal(
        "goes from the shape \(input.shape) to \(output.shape) with weights of the shape \(kernel.shape)")
    }
    let taps = kernel.shape[1] * kernel.shape[2]
    kernel.codes = (0..<kernel.codes.count).map { place in
      let (channel, tap, depth) = (
        place / (taps * kernel.shape[3]), place / kernel.shape[3] % taps, place % kernel.shape[3]
      )
      return kernel.codes[(channel * taps + taps - 1 - tap) * kernel.shape[3] + depth]
    }
    let strides = [Int(options.strideHeight), Int(options.strideWidth)]
    var (spread, steps) = (input, [QuantizedNetwork.Step]())
    var axes = Self.whole(input.shape)
    for axis in 1...2 {
      let (length, size, taps, stride) = (
        input.shape[axis], output.shape[axis], kernel.shape[axis], strides[axis - 1]
      )
      guard (1...4096).contains(stride), taps <= 4096, options.padding == .same || options.padding == .valid
      else {
        throw refusal("has the stride \(stride), \(taps) taps and the padding \(options.padding.rawValue)")
      }
      // TensorFlow Lite's padding is that of the convolution from the output to the input.
      let windows = options.padding == .same ? (size + stride - 1) / stride : (size - taps + stride) / stride
      let padding = max(0, (windows - 1) * stride + taps - size) / 2
      let before = taps - 1 - padding
      let padded = size + taps - 1
      // Inputs lie at before + stride * i; those beyond the padded length have no output.
      let count = min(length, (padded - before + stride - 1) / stride)
      guard before >= 0, count > 0 else { throw refusal("goes from \(length) to \(size) cells") }
      axes[axis] = [AxisRun(count: count, outputStart: before, outputStep: stride)]
      spread.shape[axis] = padded
      steps.append(.init(kernel: taps))
    }
    spread.sourceIndex = model.graph.tensors.count + index
    spread.constant = nil
    guard spread.sourceIndex < 65_536, spread.shape.reduce(1, *) <= Self.mostElements else {
      throw refusal("belongs to a model of too many tensors, or gives the shape \(output.shape)")
    }
    let blocks = try blocks(input: 0, from: input.shape, to: spread.shape, axes: axes)
    let weights = try weights(
      kernel, from: input, to: output, accumulators: input.type == .int8 ? [32] : [64], without: .int64,
      biasPlace: 3)
    return [
      TFLiteImportedOperator(
        .rearrangement(blocks, fill: input.zeroPoint), inputs: [input], output: spread, as: .pad),
      TFLiteImportedOperator(
        .convolution(.init(time: steps[0], frequency: steps[1]), weights), inputs: [spread], output: output,
        activation: try range(options.activation, of: output), as: .convolution),
    ]
  }

  func pool() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...1)
    let (input, output) = try imageInputAndOutput()
    let options = try options(.pool2D)
    guard abs(input.scale - output.scale) <= 1e-6, input.zeroPoint == output.zeroPoint,
      input.shape[3] == output.shape[3]
    else { throw refusal("changes scale, zero point or the number of channels") }
    let window = try window(
      options, kernel: [Int(options.filterHeight), Int(options.filterWidth)], from: input, to: output)
    return TFLiteImportedOperator(
      kind == .maxPool2D ? .maximumPool(window) : .averagePool(window), inputs: [input], output: output,
      activation: try range(options.activation, of: output))
  }

  /// Input and output `[batch, height, width, channel]` of one type and batch.
  private func imageInputAndOutput() throws(NotConvertible) -> (
    QuantizedNetwork.Tensor, QuantizedNetwork.Tensor
  ) {
    let (input, output) = (try input(0), try output())
    guard input.shape.count == 4, output.shape.count == 4, input.shape[0] == output.shape[0] else {
      throw refusal("goes from the shape \(input.shape) to \(output.shape)")
    }
    try requireSameType(input, output)
    if kind != .averagePool2D, kind != .maxPool2D { try requireSymmetric(input, output) }
    return (input, output)
  }
}

extension TFLiteOperator {
  /// The steps along height and width.
  func window(
    _ options: TFLiteOptions, kernel: ArraySlice<Int>, from input: QuantizedNetwork.Tensor,
    to output: QuantizedNetwork.Tensor
  ) throws(NotConvertible) -> QuantizedNetwork.Window {
    guard options.padding == .same || options.padding == .valid else {
      throw refusal("has the padding \(options.padding.rawValue), which is neither SAME nor VALID")
    }
    let (height, width) = (kernel[kernel.startIndex], kernel[kernel.startIndex + 1])
    return QuantizedNetwork.Window(
      time: try step(
        kernel: height, stride: options.strideHeight, dilation: options.dilationHeight,
        padding: options.padding, from: input.shape[1], to: output.shape[1]),
      frequency: try step(
        kernel: width, stride: options.strideWidth, dilation: options.dilationWidth,
        padding: options.padding, from: input.shape[2], to: output.shape[2]))
  }

  private func step(
    kernel: Int, stride: Int32, dilation: Int32, padding: TFLitePadding, from inputs: Int, to outputs: Int
  ) throws(NotConvertible) -> QuantizedNetwork.Step {
    guard kernel > 0, stride > 0, dilation > 0 else {
      throw refusal("has the kernel \(kernel), the stride \(stride) and the dilation \(dilation)")
    }
    var step = QuantizedNetwork.Step(kernel: kernel, stride: Int(stride), dilation: Int(dilation))
    let expected =
      padding == .same ? (inputs + step.stride - 1) / step.stride : (inputs - step.reach) / step.stride + 1
    guard outputs == expected, padding == .same || inputs >= step.reach else {
      throw refusal("goes from \(inputs) to \(outputs) cells with a kernel that reaches over \(step.reach)")
    }
    if padding == .same {
      let missing = max(0, (outputs - 1) * step.stride + step.reach - inputs)
      (step.paddingBefore, step.paddingAfter) = (missing / 2, missing - missing / 2)
    }
    return step
  }
}

extension TFLiteOperator {
  /// Constant weights as they are in the file; one scale, or one a channel.
  private struct Kernel {
    var codes: [Int8]
    var bits: Int
    var shape: [Int]
    var scales: [Float]
    var zeroPoint: Int
  }

  /// The second input as weights of so many dimensions, of which one counts the output channels.
  private func weights(
    rank: Int, channelAxis: Int, allowsZeroPoint: Bool = false
  ) throws(NotConvertible) -> Kernel {
    let constant = try constant(1, "weights", types: .int8, .int4)
    guard constant.shape.count == rank else { throw refusal("has weights of the shape \(constant.shape)") }
    let (scales, zeroPoints) = (constant.quantization.scales, constant.quantization.zeroPoints)
    guard scales.count == 1 || scales.count == constant.shape[channelAxis],
      scales.allSatisfy({ $0 == 0 || ($0.isNormal && $0 > 0) })
    else {
      throw refusal(
        "has \(scales.count) weight scales for \(constant.shape[channelAxis]) channels, or one that is negative"
      )
    }
    guard !zeroPoints.isEmpty,
      zeroPoints.allSatisfy({ $0 == 0 || (allowsZeroPoint && zeroPoints.count == 1 && -128...127 ~= $0) }),
      scales.count == 1 || zeroPoints.allSatisfy({ $0 == 0 })
    else { throw refusal("has weights whose zero point isn't 0") }
    return Kernel(
      codes: constant.int8, bits: constant.type == .int4 ? 4 : 8, shape: constant.shape, scales: scales,
      zeroPoint: Int(zeroPoints[0]))
  }

  /// Weights with their biases and multipliers.
  ///
  /// A bias has the width of the sums, which is one of `accumulators`; where there is none, its type would be
  /// `biasType`.
  private func weights(
    _ kernel: Kernel, from input: QuantizedNetwork.Tensor, to output: QuantizedNetwork.Tensor,
    accumulators: Set<Int>, without biasType: TFLiteElementType, biasPlace: Int = 2
  ) throws(NotConvertible) -> QuantizedNetwork.Weights {
    guard kernel.bits == 8 || (input.type == .int8 && (kind != .fullyConnected || kernel.scales.count == 1))
    else { throw refusal("has int4 weights for int16 codes or with a scale for each channel") }
    let channels = output.shape[output.shape.count - 1]
    let (biases, bits) = try biases(
      count: channels, at: biasPlace, accumulators: accumulators, without: biasType)
    let scales =
      kernel.scales.count == 1 ? Array(repeating: kernel.scales[0], count: channels) : kernel.scales
    var multipliers: [FixedPointMultiplier] = []
    for scale in scales {
      multipliers.append(
        try multiplier(
          Double(input.scale) * Double(scale) / Double(output.scale), mostLeftShift: bits == 64 ? 14 : 30))
    }
    var weights = QuantizedNetwork.Weights(codes: kernel.codes, biases: biases, multipliers: multipliers)
    (weights.bits, weights.zeroPoint) = (kernel.bits, kernel.zeroPoint)
    (weights.scales, weights.accumulatorBits) = (scales, bits)
    return weights
  }

  /// The input with the biases, zeros where it is left out, and the sums' width.
  private func biases(
    count: Int, at place: Int, accumulators: Set<Int>, without biasType: TFLiteElementType
  ) throws(NotConvertible) -> ([Int64], Int) {
    guard optionalInputIndex(place) != nil else {
      let isWide = accumulators == [64] || (accumulators.contains(64) && biasType != .int32)
      return (Array(repeating: 0, count: count), isWide ? 64 : 32)
    }
    let constant = try constant(place, "biases", types: .int32, .int64)
    let bits = constant.type == .int32 ? 32 : 64
    guard accumulators.contains(bits) else { throw refusal("has biases of \(constant.type.name)") }
    guard constant.shape.reduce(1, *) == count else {
      throw refusal("has \(constant.shape.reduce(1, *)) biases for \(count) channels")
    }
    let biases =
      bits == 32 ? constant.numbers(Int32.self).map { Int64($0) } : constant.numbers(Int64.self)
    return (biases, bits)
  }

  /// Refuses a bias on another grid than the products', as TensorFlow Lite does.
  private func requireBiasScale(
    near product: Double, output: QuantizedNetwork.Tensor
  ) throws(NotConvertible) {
    guard let index = optionalInputIndex(2) else { return }
    let scale = Double(model.graph.tensors[index].quantization?.scales.first ?? 0)
    guard abs(product - scale) / Double(output.scale) <= 0.02 else {
      throw refusal("has biases of the scale \(scale), not \(product)")
    }
  }
}

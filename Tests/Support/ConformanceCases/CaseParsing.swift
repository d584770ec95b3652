extension ConformanceCase {
  /// Reads a case.
  ///
  /// - Parameter path: A JSON file with `name`, `config` (integers) and `arrays` (`dtype` and `values`).
  /// - Throws: `ConformanceError`, or Foundation's errors for a file that can't be read.
  public init(path: String) throws {
    var file = try CaseFile(path: path)
    if let settings = KnownSettings.convolutionsOf4Bits[file.name] {
      file.config.merge(settings) { $1 }
    }
    self = try file.parsed()
  }
}

extension CaseFile {
  /// The case, whose settings say which operator it is.
  fileprivate func parsed() throws -> ConformanceCase {
    if has("LHS_ROWS") { throw ConformanceError.unsupported(operatorName: "BATCH_MATMUL") }
    if has("HIDDEN_SIZE") { throw ConformanceError.unsupported(operatorName: "UNIDIRECTIONAL_SEQUENCE_LSTM") }
    if has("PAD_X_WITH_OFFSET") { throw ConformanceError.unsupported(operatorName: "TRANSPOSE_CONV") }
    if config.keys.contains(where: { $0.hasPrefix("CONV_2D_1_") }) { return try network() }

    let expected = try array("output_ref", "output")
    let operation: ConformanceCase.Operator
    var inputs = [try array("input", "input_tensor", "input1", "input_tensor_1", "input_sequence")]
    if has("PERM_SIZE") {
      operation = try transposition(bits: inputs[0].bits)
    } else if has("PRE_PAD_N") {
      operation = try padding(bits: inputs[0].bits)
    } else if has("DIFF_MIN") {
      operation = try softmax(inputBits: inputs[0].bits, outputBits: expected.bits)
    } else if has("MULTIPLIER_IN") {
      operation = try svdf()
      let step = operation.inputs[0].count
      return ConformanceCase(
        name: name, operators: [operation],
        runs: stride(from: 0, to: inputs[0].values.count, by: step).map {
          [Swift.Array(inputs[0].values[$0..<$0 + step])]
        }, expected: expected.values)
    } else if has("BATCH_1") {
      inputs.append(try array("input_tensor_2"))
      operation = try extreme(bits: inputs[0].bits)
    } else if has("INPUT1_OFFSET") {
      inputs.append(try array("input2"))
      operation = try arithmetic(count: inputs[0].values.count, bits: inputs[0].bits)
    } else if has("PADDING_W") {
      operation = try pool(inputCount: inputs[0].values.count, bits: inputs[0].bits)
    } else if has("CH_MULT") {
      operation = try convolution(isDepthwise: true, bits: inputs[0].bits)
    } else if has("FILTER_X") {
      operation = try convolution(isDepthwise: false, bits: inputs[0].bits)
    } else if has("ACCUMULATION_DEPTH") {
      operation = try fullyConnected(inputCount: inputs[0].values.count, bits: inputs[0].bits)
    } else {
      throw ConformanceError.malformed("no operator has the settings of \(name)")
    }
    guard operation.output.count == expected.values.count,
      zip(operation.inputs, inputs).allSatisfy({ $0.count == $1.values.count })
    else {
      throw ConformanceError.malformed("\(name) has more or fewer values than its shapes")
    }
    return ConformanceCase(
      name: name, operators: [operation], runs: [inputs.map(\.values)], expected: expected.values)
  }

  // MARK: Weighted operators

  private func convolution(isDepthwise: Bool, bits: Int) throws -> ConformanceCase.Operator {
    let batches = try setting("INPUT_BATCHES")
    let input = [batches, try setting("INPUT_H"), try setting("INPUT_W"), try setting("IN_CH")]
    let output = [batches, try setting("OUTPUT_H"), try setting("OUTPUT_W"), try setting("OUT_CH")]
    let window = ConformanceCase.Window(
      height: try step("Y", "H", input: input[1], output: output[1]),
      width: try step("X", "W", input: input[2], output: output[2]))
    let channels =
      isDepthwise ? 1 : has("FILTER_CH") ? try setting("FILTER_CH") : input[3]
    let weights = try weights(
      count: output[3] * window.height.kernel * window.width.kernel * channels, outputs: output[3])
    return .init(
      inputs: [.init(shape: input, bits: bits, zeroPoint: -(try setting("INPUT_OFFSET")))],
      output: .init(shape: output, bits: bits, zeroPoint: try setting("OUTPUT_OFFSET")),
      activation: try activation(),
      computation: isDepthwise ? .depthwiseConvolution(window, weights) : .convolution(window, weights))
  }

  private func fullyConnected(inputCount: Int, bits: Int) throws -> ConformanceCase.Operator {
    let outputs = try array("biases", "bias", "input_bias").values.count
    let depth = try setting("ACCUMULATION_DEPTH")
    return .init(
      inputs: [
        .init(shape: [inputCount / depth, depth], bits: bits, zeroPoint: -(try setting("INPUT_OFFSET")))
      ],
      output: .init(
        shape: [inputCount / depth, outputs], bits: bits, zeroPoint: try setting("OUTPUT_OFFSET")),
      activation: try activation(),
      computation: .fullyConnected(try weights(count: depth * outputs, outputs: outputs)))
  }

  /// Weights; those of 4 bits lie two to a byte, the lower half first.
  private func weights(count: Int, outputs: Int) throws -> ConformanceCase.Weights {
    let isPacked = name.contains("int4")
    var codes = try array("weights", "input_weights").values
    if isPacked {
      codes = codes.flatMap { byte in [byte, byte >> 4].map { ($0 & 15 ^ 8) - 8 } }
      codes.removeLast(codes.count - count)
    }
    let biases = try array("biases", "bias", "input_bias")
    let mantissas: [Int]
    let shifts: [Int]
    if let mantissa = config["OUTPUT_MULTIPLIER"] {
      mantissas = [Int](repeating: mantissa, count: outputs)
      shifts = [Int](repeating: try setting("OUTPUT_SHIFT"), count: outputs)
    } else {
      mantissas = try array("output_mult", "output_multiplier").values
      shifts = try array("output_shift").values
    }
    guard codes.count == count, biases.values.count == outputs, mantissas.count == outputs,
      shifts.count == outputs
    else { throw ConformanceError.malformed("\(name) has more or fewer weights than its shapes") }
    return .init(
      codes: codes, bits: isPacked ? 4 : 8, biases: biases.values,
      multipliers: zip(mantissas, shifts).map { .init(multiplierQ31: $0, leftShift: $1) },
      accumulatorBits: biases.bits)
  }

  /// Steps along a dimension, from the settings that end in either letter.
  private func step(_ letter: String, _ other: String, input: Int, output: Int) throws
    -> ConformanceCase.Step
  {
    var step = ConformanceCase.Step(
      kernel: try setting("FILTER_" + letter, "FILTER_" + other),
      stride: try setting("STRIDE_" + letter, "STRIDE_" + other),
      dilation: config["DILATION_" + letter] ?? 1,
      paddingBefore: try setting("PAD_" + letter, "PADDING_" + other), paddingAfter: 0)
    let reach = (output - 1) * step.stride + (step.kernel - 1) * step.dilation + 1
    step.paddingAfter = max(0, reach - step.paddingBefore - input)
    return step
  }

  // MARK: Other operators

  private func pool(inputCount: Int, bits: Int) throws -> ConformanceCase.Operator {
    let image = [try setting("INPUT_H"), try setting("INPUT_W"), try setting("INPUT_C")]
    let batches = inputCount / image.reduce(1, *)
    let output = [batches, try setting("OUTPUT_H"), try setting("OUTPUT_W"), try setting("OUTPUT_C")]
    let window = ConformanceCase.Window(
      height: try step("Y", "H", input: image[0], output: output[1]),
      width: try step("X", "W", input: image[1], output: output[2]))
    return .init(
      inputs: [.init(shape: [batches] + image, bits: bits, zeroPoint: 0)],
      output: .init(shape: output, bits: bits, zeroPoint: 0), activation: try activation(),
      computation: name.hasPrefix("max") ? .maximumPool(window) : .averagePool(window))
  }

  private func arithmetic(count: Int, bits: Int) throws -> ConformanceCase.Operator {
    let output = try multiplier("OUTPUT_MULT", "OUTPUT_SHIFT")
    return .init(
      inputs: try ["INPUT1_OFFSET", "INPUT2_OFFSET"].map {
        .init(shape: [count], bits: bits, zeroPoint: -(try setting($0)))
      },
      output: .init(shape: [count], bits: bits, zeroPoint: try setting("OUTPUT_OFFSET")),
      activation: try activation(),
      computation: has("INPUT1_MULT")
        ? .add(
          .init(
            leftShift: try setting("LEFT_SHIFT"), first: try multiplier("INPUT1_MULT", "INPUT1_SHIFT"),
            second: try multiplier("INPUT2_MULT", "INPUT2_SHIFT"), output: output))
        : .multiply(output))
  }

  private func extreme(bits: Int) throws -> ConformanceCase.Operator {
    func shape(_ suffix: String) throws -> [Int] {
      try ["BATCH_", "HEIGHT_", "WIDTH_", "CHANNEL_"].map { try setting($0 + suffix) }
    }
    return .init(
      inputs: try ["1", "2"].map { .init(shape: try shape($0), bits: bits, zeroPoint: 0) },
      output: .init(
        shape: try ["BATCH", "HEIGHT", "WIDTH", "CHANNEL"].map { try setting("OUTPUT_" + $0) }, bits: bits,
        zeroPoint: 0), activation: try activation(),
      computation: name.hasPrefix("max") ? .maximum : .minimum)
  }

  private func padding(bits: Int) throws -> ConformanceCase.Operator {
    func sizes(_ prefix: String) throws -> [Int] {
      try ["N", "H", "W", "C"].map { try setting(prefix + $0) }
    }
    let (input, before, after) = (try sizes("INPUT_"), try sizes("PRE_PAD_"), try sizes("POST_PAD_"))
    return .init(
      inputs: [.init(shape: input, bits: bits, zeroPoint: 0)],
      output: .init(shape: (0..<4).map { before[$0] + input[$0] + after[$0] }, bits: bits, zeroPoint: 0),
      activation: allCodes(bits: bits),
      computation: .pad(before: before, after: after, value: try setting("PAD_VALUE")))
  }

  private func transposition(bits: Int) throws -> ConformanceCase.Operator {
    guard let (shape, permutation) = KnownSettings.transpositions[name] else {
      throw ConformanceError.malformed("the shape of \(name) isn't known")
    }
    return .init(
      inputs: [.init(shape: shape, bits: bits, zeroPoint: 0)],
      output: .init(shape: permutation.map { shape[$0] }, bits: bits, zeroPoint: 0),
      activation: allCodes(bits: bits), computation: .transpose(permutation: permutation))
  }

  private func softmax(inputBits: Int, outputBits: Int) throws -> ConformanceCase.Operator {
    let shape = [try setting("NUM_ROWS"), try setting("ROW_SIZE")]
    let mantissa = try setting("INPUT_MULT", "MULT")
    let shift = try setting("INPUT_LEFT_SHIFT", "SHIFT")
    return .init(
      inputs: [.init(shape: shape, bits: inputBits, zeroPoint: 0)],
      output: .init(shape: shape, bits: outputBits, zeroPoint: -(1 << (outputBits - 1))),
      activation: allCodes(bits: outputBits),
      computation: .softmax(
        .init(multiplierQ31: mantissa, leftShift: shift), leastDifference: try setting("DIFF_MIN")))
  }

  private func svdf() throws -> ConformanceCase.Operator {
    let (rank, filters) = (try setting("RANK"), try setting("FEATURE_BATCHES"))
    let batches = try setting("INPUT_BATCHES")
    let timeWeights = try array("weights_time")
    return .init(
      inputs: [
        .init(
          shape: [batches, try setting("INPUT_SIZE")], bits: 8, zeroPoint: try setting("INPUT_OFFSET"))
      ],
      output: .init(shape: [batches, filters / rank], bits: 8, zeroPoint: try setting("OUTPUT_OFFSET")),
      activation: try activation(),
      computation: .svdf(
        .init(
          featureWeights: try array("weights_feature").values, timeWeights: timeWeights.values,
          biases: try array("biases").values, rank: rank, filterCount: filters,
          featureMultiplier: try multiplier("MULTIPLIER_IN", "SHIFT_1"),
          outputMultiplier: try multiplier("MULTIPLIER_OUT", "SHIFT_2"), stateBits: timeWeights.bits)))
  }

  // MARK: A whole network

  /// CMSIS-NN's keyword spotter DS-CNN-S: nine convolutions in turns, a pool, a dense layer and a softmax.
  private func network() throws -> ConformanceCase {
    var operators: [ConformanceCase.Operator] = []
    for number in 1...9 {
      let isDepthwise = number % 2 == 0
      let kind = isDepthwise ? "depthwise_conv_2d" : "conv_2d"
      operators.append(
        try layer("\(kind.uppercased())_\(number)", "layer_\(number)_\(kind)")
          .convolution(isDepthwise: isDepthwise, bits: 8))
    }
    let pool = layer("AVERAGE_POOL_2D_10", "")
    var average = try pool.poolOfNetwork()
    average.inputs[0].zeroPoint = operators[8].output.zeroPoint
    average.output.zeroPoint = operators[8].output.zeroPoint
    var dense = layer("FULLY_CONNECTED_12", "layer_12_fully_connected")
    dense.config["ACCUMULATION_DEPTH"] = average.output.count
    operators += [
      average, try dense.fullyConnected(inputCount: average.output.count, bits: 8),
      try layer("SOFTMAX_13", "").softmax(inputBits: 8, outputBits: 8),
    ]
    return ConformanceCase(
      name: name, operators: operators, runs: [[try array("input").values]],
      expected: try array("output_ref").values)
  }

  /// A pool whose settings are named like a convolution's.
  private func poolOfNetwork() throws -> ConformanceCase.Operator {
    var renamed = self
    renamed.config["INPUT_C"] = try setting("IN_CH")
    renamed.config["OUTPUT_C"] = try setting("OUT_CH")
    let count = try ["INPUT_H", "INPUT_W", "IN_CH"].reduce(1) { $0 * (try setting($1)) }
    return try renamed.pool(inputCount: count, bits: 8)
  }

  // MARK: Parts

  private func multiplier(_ mantissa: String, _ shift: String) throws -> ConformanceCase.Multiplier {
    .init(multiplierQ31: try setting(mantissa), leftShift: try setting(shift))
  }

  private func activation() throws -> ClosedRange<Int> {
    try setting("OUT_ACTIVATION_MIN", "ACTIVATION_MIN")...setting("OUT_ACTIVATION_MAX", "ACTIVATION_MAX")
  }

  private func allCodes(bits: Int) -> ClosedRange<Int> { -(1 << (bits - 1))...(1 << (bits - 1)) - 1 }
}

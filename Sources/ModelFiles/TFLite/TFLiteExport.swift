import Networks
import QuantInfer

extension TFLiteModel {
  /// A network in integers as a `.tflite` model that gives the same bits: time is the height, frequency the
  /// width.
  ///
  /// - Parameters:
  ///   - network: The network.
  ///   - description: What the model is, in words.
  /// - Throws: `NotConvertible`, which names the operator that the schema has no way to say.
  package init(_ network: QuantizedNetwork, description: String) throws(NotConvertible) {
    self.init()
    self.description = description
    buffers = [Buffer()]
    graph.name = "main"
    for (index, tensor) in network.tensors.enumerated() {
      add(tensor, name: "tensor\(index)", shape: tensor.shape)
    }
    graph.inputs = network.inputs.map { Int32($0.tensor) }
    graph.outputs = network.outputs.map { Int32($0.tensor) }
    for (index, operation) in network.operators.enumerated() {
      try add(operation, index, of: network)
    }
  }

  private mutating func add(
    _ operation: QuantizedNetwork.Operator, _ index: Int, of network: QuantizedNetwork
  ) throws(NotConvertible) {
    let (source, target) = (network.tensors[operation.inputs[0]], network.tensors[operation.output])
    guard let activation = TFLiteActivation(operation.activation, output: target) else {
      throw NotConvertible(
        operatorIndex: index,
        problem: "limits its output to \(operation.activation), which no fused activation does")
    }
    var input = Int32(operation.inputs[0])
    var options: TFLiteOptions
    let constants: QuantizedNetwork.Weights
    let weightShape: [Int]
    switch operation.computation {
    case .convolution(let window, let weights):
      guard source.shape.count == 4, source.type == .int8 else {
        throw NotConvertible(
          operatorIndex: index,
          problem: "is a convolution over \(source.shape.count) dimensions, or not of int8")
      }
      options = TFLiteOptions(.conv2D)
      if let padding = TFLitePadding(window, source: source, target: target) {
        options.padding = padding
      } else {
        input = addPadding(window, operation, index, source: source)
        options.padding = .valid
      }
      (options.strideHeight, options.strideWidth) = (
        Int32(window.time.stride), Int32(window.frequency.stride)
      )
      (options.dilationHeight, options.dilationWidth) =
        (Int32(window.time.dilation), Int32(window.frequency.dilation))
      constants = weights
      let taps = [window.time.kernel, window.frequency.kernel]
      let channels = weights.biases.count
      weightShape = [channels] + taps + [weights.codes.count / channels / taps[0] / taps[1]]
    case .fullyConnected(let weights):
      options = TFLiteOptions(.fullyConnected)
      constants = weights
      weightShape = [weights.biases.count, weights.codes.count / weights.biases.count]
    default:
      throw NotConvertible(operatorIndex: index, problem: "is \(operation.kind.name), which can't be written")
    }
    guard let scales = constants.scales else {
      throw NotConvertible(operatorIndex: index, problem: "has weights of unknown scales")
    }
    options.activation = activation
    let weights = add(
      name: "weights\(index)", shape: weightShape, type: .int8,
      bytes: constants.codes.map { UInt8(bitPattern: $0) }, scales: scales)
    let biases = add(
      name: "biases\(index)", shape: [constants.biases.count], type: .int32,
      bytes: littleEndian(constants.biases.map { Int32(clamping: $0) }),
      scales: scales.map { source.scale * $0 })
    add(
      operation.kind == .convolution ? .init(.conv2D, version: 3) : .init(.fullyConnected, version: 4),
      inputs: [input, weights, biases], output: Int32(operation.output), options: options)
  }

  /// A PAD operator before a convolution whose padding is neither SAME nor VALID.
  ///
  /// Returns the padded tensor.
  private mutating func addPadding(
    _ window: QuantizedNetwork.Window, _ operation: QuantizedNetwork.Operator, _ index: Int,
    source: QuantizedNetwork.Tensor
  ) -> Int32 {
    let (time, frequency) = (window.time, window.frequency)
    var shape = source.shape
    shape[1] += time.paddingBefore + time.paddingAfter
    shape[2] += frequency.paddingBefore + frequency.paddingAfter
    let amounts = [
      0, 0, time.paddingBefore, time.paddingAfter, frequency.paddingBefore, frequency.paddingAfter, 0, 0,
    ]
    let paddings = add(
      name: "padding\(index)", shape: [4, 2], type: .int32, bytes: littleEndian(amounts.map(Int32.init)),
      scales: [])
    let padded = add(source, name: "padded\(index)", shape: shape)
    add(
      .init(.pad, version: 2), inputs: [Int32(operation.inputs[0]), paddings], output: padded,
      options: TFLiteOptions(.pad))
    return padded
  }

  private mutating func add(
    _ code: OperatorCode, inputs: [Int32], output: Int32, options: TFLiteOptions
  ) {
    var operation = Operator()
    if let known = operatorCodes.firstIndex(of: code) {
      operation.code = UInt32(known)
    } else {
      operation.code = UInt32(operatorCodes.count)
      operatorCodes.append(code)
    }
    (operation.inputs, operation.outputs, operation.options) = (inputs, [output], options)
    graph.operators.append(operation)
  }

  /// A tensor that is computed.
  @discardableResult
  private mutating func add(_ tensor: QuantizedNetwork.Tensor, name: String, shape: [Int]) -> Int32 {
    var added = Tensor()
    (added.name, added.shape, added.type) = (name, shape.map { Int32($0) }, .int8)
    added.quantization = Quantization(scales: [tensor.scale], zeroPoints: [Int64(tensor.zeroPoint)])
    graph.tensors.append(added)
    return Int32(graph.tensors.count - 1)
  }

  /// A constant tensor.
  private mutating func add(
    name: String, shape: [Int], type: TFLiteElementType, bytes: [UInt8], scales: [Float]
  ) -> Int32 {
    var added = Tensor()
    (added.name, added.shape, added.type) = (name, shape.map { Int32($0) }, type)
    if !scales.isEmpty {
      added.quantization = Quantization(scales: scales, zeroPoints: scales.map { _ in 0 })
    }
    added.buffer = UInt32(buffers.count)
    buffers.append(Buffer(bytes))
    graph.tensors.append(added)
    return Int32(graph.tensors.count - 1)
  }

  private func littleEndian(_ values: [Int32]) -> [UInt8] {
    values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
  }
}

extension TFLiteActivation {
  /// The fused activation that allows exactly these output codes; nil where there is none.
  init?(_ codes: ClosedRange<Int>, output: QuantizedNetwork.Tensor) {
    func code(_ real: Float) -> Int {
      let code = (real / output.scale).rounded()
      return output.zeroPoint + Int(max(-0x1p20, min(0x1p20, code)))
    }
    func range(_ lowest: Int, _ highest: Int) -> ClosedRange<Int>? {
      let (lowest, highest) = (max(-128, lowest), min(127, highest))
      return lowest <= highest ? lowest...highest : nil
    }
    switch codes {
    case -128...127: self = .none
    case range(code(0), 127): self = .relu
    case range(code(0), code(6)): self = .relu6
    case range(code(-1), code(1)): self = .reluMinus1To1
    default: return nil
    }
  }
}

extension TFLitePadding {
  /// The padding that reads what a convolution reads; nil where it is neither SAME nor VALID.
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

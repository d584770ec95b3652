/// One operator as the exporter planned it; its constants are read by its kernel.
@safe
public struct OperatorPlan: @unchecked Sendable {
  /// What it is called; nil for one that this runtime doesn't have.
  public let kind: OperatorKind?
  /// Its index in the model that the network was imported from.
  public let sourceIndex: Int
  /// The number of tensors that it reads.
  public let inputCount: Int
  /// The index of the tensor that it writes.
  public let outputIndex: Int
  /// The least output code, from the fused activation.
  public let activationMinimum: Int32
  /// The greatest output code.
  public let activationMaximum: Int32
  /// The place of the input's ring of columns in the streaming state, in bytes.
  public let ringOffset: Int
  /// The length of that ring, in columns.
  public let ringColumnCount: Int
  /// Whether the sums of the ring's columns lie behind it in the streaming state.
  public let hasRunningSums: Bool

  /// Biases and weights that take the place of the image's; nil in an operator as shipped.
  var patch: PatchedConstants?
  let image: ImageBytes
  /// The constants' place in the image.
  let parameters: Int
  private let inputsOffset: Int

  /// Reads a record; nothing that it leads to may be read before `Model.validate` has passed.
  init(_ image: ImageBytes, at place: Int) {
    typealias Field = ModelFormat.Operator
    self.image = image
    kind = OperatorKind(rawValue: image.half(at: place + Field.kind))
    sourceIndex = Int(image.half(at: place + Field.sourceIndex))
    inputCount = Int(image.half(at: place + Field.inputCount))
    outputIndex = Int(image.half(at: place + Field.output))
    inputsOffset = Int(truncatingIfNeeded: image.signedWord(at: place + Field.inputs))
    parameters = Int(truncatingIfNeeded: image.signedWord(at: place + Field.parameters))
    activationMinimum = Int32(Int16(bitPattern: image.half(at: place + Field.activation)))
    activationMaximum = Int32(Int16(bitPattern: image.half(at: place + Field.activation + 2)))
    ringOffset = Int(truncatingIfNeeded: image.signedWord(at: place + Field.ring))
    ringColumnCount = Int(image.half(at: place + Field.ringColumnCount))
    hasRunningSums = image.half(at: place + Field.hasRunningSums) != 0
  }

  /// The index of a tensor that it reads; `index` in `0 ..< inputCount`.
  public func inputIndex(_ index: Int) -> Int { Int(image.half(at: inputsOffset + 2 * index)) }

  /// A convolution's or pool's window; nil for other kinds.
  public var window: Window? {
    switch kind {
    case .convolution, .depthwiseConvolution, .averagePool, .maximumPool: Window(image, at: parameters)
    default: nil
    }
  }

  /// The stride along time; 1 for kinds without a window.
  var timeStride: Int { window?.time.stride ?? 1 }

  /// The constants of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED; nil for other kinds.
  public var weights: Weights? {
    switch kind {
    case .convolution, .depthwiseConvolution, .fullyConnected: Weights(self)
    default: nil
    }
  }

  /// Checks where the record's lists lie and how many inputs there are.
  func validateLists(at place: Int) throws(ModelError) {
    typealias Field = ModelFormat.Operator
    guard let kind else { throw ModelError(.unsupportedOperator, at: place) }
    _ = try image.offset(at: place + Field.inputs, count: inputCount, stride: 2)
    guard kind == .reshape || (parameters >= 0 && parameters % ModelFormat.alignment == 0) else {
      throw ModelError(.offsetOutOfRange, at: place + Field.parameters)
    }
    _ = try image.offset(at: place + Field.parameters, count: kind.parameterByteCount, stride: 1)
    let isCountRight =
      switch kind {
      case .add, .subtract, .multiply, .maximum, .minimum, .svdf: inputCount == 2
      case .concatenation: inputCount >= 1
      default: inputCount == 1
      }
    guard isCountRight else { throw ModelError(.invalidOperator, at: place + Field.inputCount) }
    guard image.half(at: place + Field.hasRunningSums) <= (Built.pooling && ringColumnCount > 0 ? 1 : 0)
    else {
      throw ModelError(.invalidOperator, at: place + Field.hasRunningSums)
    }
  }

  /// Checks the activation's range against the output's type.
  func validateActivation(output: Tensor, at place: Int) throws(ModelError) {
    let codes = output.type.codes
    guard activationMinimum <= activationMaximum, codes.contains(Int(activationMinimum)),
      codes.contains(Int(activationMaximum))
    else { throw ModelError(.invalidOperator, at: place + ModelFormat.Operator.activation) }
  }
}

extension OperatorKind {
  /// The size of the kind's constants; the smaller where there are two forms, the kernel checks the rest.
  var parameterByteCount: Int {
    switch self {
    case .convolution, .depthwiseConvolution, .fullyConnected: ModelFormat.Weights.byteCount
    case .averagePool, .maximumPool: ModelFormat.Window.byteCount
    case .add, .subtract, .multiply, .maximum, .minimum: ModelFormat.Elementwise.byteCount
    case .pad, .transpose, .stridedSlice, .concatenation: ModelFormat.Rearrangement.byteCount
    case .mean: ModelFormat.Mean.byteCount
    case .logistic, .tanh, .relu, .relu6, .leakyRelu, .quantize: ModelFormat.Lookup.byteCount
    case .softmax: ModelFormat.Softmax.byteCount
    case .svdf: ModelFormat.SVDF.byteCount
    case .reshape: 0
    }
  }
}

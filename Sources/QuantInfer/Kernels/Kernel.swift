/// What computes operators of some kinds.
///
/// An operator is described in its kernel alone, and reached by the one switch of `OperatorKind.visit`: validation, the
/// planning of memory, whole-window runs and streaming ones all ask the kernel.
protocol Kernel {
  /// What others have to know of its operators.
  static var traits: KernelTraits { get }

  /// Whether an operator's number of inputs is right.
  static func takesInputs(of plan: OperatorPlan) -> Bool

  /// Checks the constants against the tensors, of which the first input and the output are given.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError)

  /// The work for all of an output in steps, see `Model.stepsPerDecision`.
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int

  /// How many bytes the output must lie before an input where the two share memory; nil where they must not.
  static func lead(_ plan: OperatorPlan, input: Int, source: Tensor, target: Tensor) -> Int?

  /// Computes all of an output with codes of a type.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type)
}

/// What validation and streaming have to know of a kernel's operators.
struct KernelTraits {
  /// Whether it is compiled in.
  let isBuilt: Bool
  /// The size of the constants; the smaller where there are two forms, the kernel checks the rest.
  let parameterByteCount: Int
  /// Whether the constants begin with a window along time and frequency.
  var hasWindow = false
  /// Whether the constants are `Weights`.
  var hasWeights = false
  /// Whether two `Weights` are what the constants begin with: those of inputs and those of a recurrence.
  var hasGates = false
  /// Whether the constants are blocks to copy.
  var hasBlocks = false
  /// Whether it can compute an output column from as many input columns as the window reaches over.
  var takesColumns = false
}

extension Kernel {
  static func takesInputs(of plan: OperatorPlan) -> Bool { plan.inputCount == 1 }

  static func lead(_ plan: OperatorPlan, input: Int, source: Tensor, target: Tensor) -> Int? { nil }
}

/// What is done with an operator's kernel.
protocol KernelVisitor {
  /// What comes of it.
  associatedtype Result
  /// Why it fails.
  associatedtype Failure: Error

  /// Does it with a kernel.
  func visit<K: Kernel>(_ kernel: K.Type) throws(Failure) -> Result
}

extension OperatorKind {
  /// Does something with the kind's kernel; nil where it is not built.
  @inline(__always)
  func visit<Visitor: KernelVisitor>(_ visitor: Visitor) throws(Visitor.Failure) -> Visitor.Result? {
    Built.onlyFewKinds ? try visitOneOfFew(visitor) : try visitAny(visitor)
  }

  /// Where no other kinds come from `Built.kind`: two questions in place of the compiler's table of all.
  @inline(__always)
  private func visitOneOfFew<Visitor: KernelVisitor>(
    _ visitor: Visitor
  ) throws(Visitor.Failure) -> Visitor.Result? {
    if self == .fullyConnected { return try ifBuilt(FullyConnected.self, visitor) }
    return self == .reshape ? try ifBuilt(Reshape.self, visitor) : try ifBuilt(Convolution.self, visitor)
  }

  @inline(__always)
  private func visitAny<Visitor: KernelVisitor>(
    _ visitor: Visitor
  ) throws(Visitor.Failure) -> Visitor.Result? {
    switch self {
    case .convolution, .depthwiseConvolution: try ifBuilt(Convolution.self, visitor)
    case .fullyConnected: try ifBuilt(FullyConnected.self, visitor)
    case .averagePool, .maximumPool: try ifBuilt(Pooling.self, visitor)
    case .add, .subtract, .multiply, .divide, .maximum, .minimum, .prelu, .squaredDifference:
      try ifBuilt(Elementwise.self, visitor)
    case .reshape: try ifBuilt(Reshape.self, visitor)
    case .pad, .transpose, .stridedSlice, .slice, .split, .splitUnevenly, .unpack, .concatenation, .pack,
      .gather,
      .tile, .broadcast, .reverse, .resizeNearestNeighbor, .depthToSpace, .spaceToDepth, .spaceToBatch,
      .batchToSpace:
      try ifBuilt(Rearrangement.self, visitor)
    case .mean, .sum, .reduceMaximum, .reduceMinimum: try ifBuilt(Mean.self, visitor)
    case .logistic, .tanh, .relu, .relu6, .leakyRelu, .quantize, .absolute, .negate, .elu, .hardSwish,
      .exponential,
      .logarithm, .squareRoot, .reciprocalSquareRoot:
      try ifBuilt(Functions.self, visitor)
    case .softmax: try ifBuilt(Softmax.self, visitor)
    case .logSoftmax: try ifBuilt(LogSoftmax.self, visitor)
    case .resizeBilinear: try ifBuilt(BilinearResize.self, visitor)
    case .batchMatMul: try ifBuilt(BatchProduct.self, visitor)
    case .svdf: try ifBuilt(SVDF.self, visitor)
    case .sequenceLSTM: try ifBuilt(SequenceLSTM.self, visitor)
    }
  }

  @inline(__always)
  private func ifBuilt<K: Kernel, Visitor: KernelVisitor>(
    _ kernel: K.Type, _ visitor: Visitor
  ) throws(Visitor.Failure) -> Visitor.Result? {
    K.traits.isBuilt ? try visitor.visit(kernel) : nil
  }
}

/// Asks for a kernel's traits.
private struct TraitsVisitor: KernelVisitor {
  @inline(__always)
  func visit<K: Kernel>(_ kernel: K.Type) throws(Never) -> KernelTraits { K.traits }
}

extension OperatorPlan {
  /// What there is to know of the kernel; nil where it is not built.
  @inline(__always)
  var traits: KernelTraits? { kind?.visit(TraitsVisitor()) }

  private var hasWindow: Bool { traits?.hasWindow ?? false }

  /// A convolution's or pool's window; nil for other kinds.
  public var window: Window? { hasWindow ? Window(image, at: parameters) : nil }

  /// The window along time; a single column for kinds without one.
  var time: WindowStep { hasWindow ? Window.step(image, at: parameters) : .cell }

  /// The stride along time; 1 for kinds without a window.
  var timeStride: Int { hasWindow ? Window.timeStride(image, at: parameters) : 1 }

  /// The constants of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED; nil for other kinds.
  public var weights: Weights? { traits?.hasWeights ?? false ? Weights(self) : nil }

  /// The constants of UNIDIRECTIONAL_SEQUENCE_LSTM's gates; nil for other kinds.
  public var gates: Gates? { traits?.hasGates ?? false ? Gates(self) : nil }
}

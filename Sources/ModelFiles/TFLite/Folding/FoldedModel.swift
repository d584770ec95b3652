/// A `.tflite` model in which all that shapes and constants decide is worked out, for a batch of 1.
///
/// Converters write an open batch's arithmetic into the graph (SHAPE, STRIDED_SLICE, PACK before a RESHAPE), a dilated
/// convolution as SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, and sometimes operators that nobody reads. What is left here
/// are the operators that a run needs. A folder never refuses: what it can't work out stays for the importer to name.
struct FoldedModel {
  /// The model: the file's tensors, then those that folding added; what is left of its operators, in order.
  private(set) var model: TFLiteModel
  /// Each operator's index in the file.
  private(set) var sources: [Int]
  /// The tensors whose shape isn't the one in the file.
  private(set) var reshaped: Set<Int> = []

  /// Constants that come from folding may be so large together.
  private static let mostFoldedBytes = 1 << 26

  /// Folds a model whose indices are known to be right.
  init(_ model: TFLiteModel) {
    self.model = model
    sources = Array(model.graph.operators.indices)
    if let states = model.withStatesAsTensors() { (self.model, sources) = states }
    workOutConstants()
    joinDilatedConvolutions()
    removeUnread()
  }

  /// The operators on their way into a network.
  var operators: [TFLiteOperator] {
    sources.indices.map { TFLiteOperator(model, $0, source: sources[$0]) }
  }

  /// The tensors that an operator or the caller reads.
  var readTensors: Set<Int32> {
    Set(model.graph.operators.flatMap(\.inputs) + model.graph.outputs)
  }

  /// Walks forward: shapes that an open batch left wrong, then operators of constants.
  private mutating func workOutConstants() {
    var folded: Set<Int> = []
    var allowance = Self.mostFoldedBytes
    for place in model.graph.operators.indices {
      let shapes = TFLiteOperator(model, place).workedOutShapes(reshaped: reshaped)
      for (output, shape) in zip(model.graph.operators[place].outputs, shapes ?? []) {
        correct(Int(output), to: shape)
      }
      guard let constants = TFLiteOperator(model, place).constantOutputs(mostBytes: allowance) else {
        continue
      }
      for (output, constant) in zip(model.graph.operators[place].outputs, constants) {
        allowance -= constant.bytes.count
        model.graph.tensors[Int(output)].shape = constant.shape.map { Int32($0) }
        model.graph.tensors[Int(output)].buffer = UInt32(model.buffers.count)
        model.buffers.append(.init(constant.bytes))
      }
      folded.insert(place)
    }
    keep { !folded.contains($0) }
  }

  /// Gives a tensor of open shape the one that it has with a batch of 1.
  private mutating func correct(_ tensor: Int, to shape: [Int]) {
    let shape = shape.map { Int32(clamping: $0) }
    guard model.graph.tensors[tensor].shape != shape,
      model.graph.tensors[tensor].shapeSignature.contains(-1)
    else { return }
    model.graph.tensors[tensor].shape = shape
    reshaped.insert(tensor)
  }

  /// Drops operators that no output depends on; those that keep a state have a reason of their own.
  private mutating func removeUnread() {
    var needed = Set(model.graph.outputs)
    var isNeeded = [Bool](repeating: false, count: sources.count)
    for place in sources.indices.reversed() {
      let operation = model.graph.operators[place]
      let kind = model.kind(of: operation)
      guard kind == .assignVariable || kind == .callOnce || !needed.isDisjoint(with: operation.outputs) else {
        continue
      }
      isNeeded[place] = true
      needed.formUnion(operation.inputs)
    }
    keep { isNeeded[$0] }
  }

  private mutating func keep(_ isKept: (Int) -> Bool) {
    let kept = sources.indices.filter(isKept)
    guard kept.count < sources.count else { return }
    model.graph.operators = kept.map { model.graph.operators[$0] }
    sources = kept.map { sources[$0] }
  }

  private mutating func joinDilatedConvolutions() {
    let joins = DilatedConvolution.all(in: model)
    guard !joins.isEmpty else { return }
    var removed: Set<Int> = []
    for join in joins { removed.formUnion(join.apply(to: &model)) }
    keep { !removed.contains($0) }
  }
}

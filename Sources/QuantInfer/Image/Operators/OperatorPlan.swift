/// One operator as the exporter planned it; its constants are read by its kernel.
@safe
public struct OperatorPlan: @unchecked Sendable {
  let image: ImageBytes
  /// The record's place in the image.
  private let place: Int
  #if QUANTINFER_SELECTED && !QUANTINFER_PATCH
    var patch: PatchedConstants? { nil }
  #else
    /// Biases and weights that take the place of the image's; nil in an operator as shipped.
    let patch: PatchedConstants?
  #endif

  #if QUANTINFER_SELECTED && !QUANTINFER_EDGES
    var timePadding: TimePadding? { nil }

    func padded(_ padding: TimePadding) -> OperatorPlan { self }
  #else
    /// The padding along time of the one column that is computed, in place of the record's; nil for all of an output.
    private(set) var timePadding: TimePadding?

    /// The operator for a single column with its own padding along time.
    func padded(_ padding: TimePadding) -> OperatorPlan {
      var plan = self
      plan.timePadding = padding
      return plan
    }
  #endif

  /// A view of a record; nothing that it leads to may be read before `Model.validate` has passed.
  init(_ image: ImageBytes, at place: Int, patch: PatchedConstants?) {
    self.image = image
    self.place = place
    #if !QUANTINFER_SELECTED || QUANTINFER_PATCH
      self.patch = patch
    #endif
  }

  private typealias Field = ModelFormat.Operator

  /// What it is called; nil for one that this runtime doesn't have.
  public var kind: OperatorKind? { Built.kind(image.half(at: place &+ Field.kind)) }
  /// Its index in the model that the network was imported from.
  public var sourceIndex: Int { Int(image.half(at: place &+ Field.sourceIndex)) }
  /// The number of tensors that it reads.
  public var inputCount: Int { Int(image.half(at: place &+ Field.inputCount)) }
  /// The index of the tensor that it writes.
  public var outputIndex: Int { Int(image.half(at: place &+ Field.output)) }
  /// The least output code, from the fused activation.
  public var activationMinimum: Int32 { Int32(Int16(bitPattern: image.half(at: place &+ Field.activation))) }
  /// The greatest output code.
  public var activationMaximum: Int32 {
    Int32(Int16(bitPattern: image.half(at: place &+ Field.activation &+ 2)))
  }
  /// The place of the input's ring of columns in the streaming state, in bytes.
  public var ringOffset: Int { image.number(at: place &+ Field.ring) }
  /// The length of that ring, in columns.
  public var ringColumnCount: Int { Int(image.half(at: place &+ Field.ringColumnCount)) }
  /// Whether the sums of the ring's columns lie behind it in the streaming state.
  public var hasRunningSums: Bool { image.half(at: place &+ Field.hasRunningSums) != 0 }
  /// The constants' place in the image, see `ModelFormat`.
  public var parameters: Int { image.number(at: place &+ Field.parameters) }

  /// The index of a tensor that it reads; `index` in `0 ..< inputCount`.
  public func inputIndex(_ index: Int) -> Int {
    Int(image.half(at: image.number(at: place &+ Field.inputs) &+ 2 &* index))
  }

  /// Checks the activation's range against the output's type.
  func validateActivation(output: Tensor, at place: Int) throws(ModelError) {
    let codes = output.type.codes
    guard activationMinimum <= activationMaximum, codes.contains(Int(activationMinimum)),
      codes.contains(Int(activationMaximum))
    else { throw ModelError(.invalidOperator, at: place &+ ModelFormat.Operator.activation) }
  }
}

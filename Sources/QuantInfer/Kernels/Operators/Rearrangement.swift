/// PAD, TRANSPOSE, CONCATENATION, SPLIT, TILE, GATHER and all else that only moves codes: copies of blocks between
/// strided places.
enum Rearrangement: Kernel {
  private typealias Field = ModelFormat.Rearrangement

  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(
      isBuilt: Built.elementwise, parameterByteCount: Field.byteCount, hasBlocks: true)
  }

  static func takesInputs(of plan: OperatorPlan) -> Bool {
    plan.kind == .concatenation || plan.kind == .pack ? plan.inputCount >= 1 : plan.inputCount == 1
  }

  /// A block to copy.
  private struct Block {
    let input: Int
    let shape: Dimensions
    let inputStart: Int32
    let inputStrides: Strides
    let outputStart: Int32
    let outputStrides: Strides

    init(_ image: ImageBytes, at place: Int) {
      typealias Field = ModelFormat.Block
      input = Int(truncatingIfNeeded: image.signedWord(at: place &+ Field.input))
      shape = Dimensions(image, at: place &+ Field.shape)
      inputStart = image.signedWord(at: place &+ Field.inputStart)
      inputStrides = Strides(image, at: place &+ Field.inputStrides)
      outputStart = image.signedWord(at: place &+ Field.outputStart)
      outputStrides = Strides(image, at: place &+ Field.outputStrides)
    }
  }

  /// Checks the blocks against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    let image = plan.image
    let count = Int(image.half(at: plan.parameters + Field.blockCount))
    let blocks = try image.offset(
      at: plan.parameters + Field.blocks, count: count, stride: ModelFormat.Block.byteCount)
    guard output.type.codes.contains(Int(image.signedWord(at: plan.parameters + Field.fill))) else {
      throw ModelError(.invalidOperator, at: plan.parameters + Field.fill)
    }
    for index in 0..<count {
      let blockPlace = blocks + index * ModelFormat.Block.byteCount
      let block = Block(image, at: blockPlace)
      guard block.input >= 0, block.input < plan.inputCount, let blockCount = block.shape.count,
        blockCount <= output.count
      else { throw ModelError(.invalidOperator, at: blockPlace) }
      let source = model.tensor(plan.inputIndex(block.input))
      guard source.type == output.type,
        block.shape.fit(block.inputStrides, start: block.inputStart, in: source.count),
        block.shape.fit(block.outputStrides, start: block.outputStart, in: output.count)
      else { throw ModelError(.invalidOperator, at: blockPlace) }
    }
  }

  /// Fills the output, then copies all blocks.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    let image = plan.image
    let target = unsafe output.codes(as: Code.self)
    if image.half(at: plan.parameters + Field.hasFill) != 0 {
      let fill = Code(truncatingIfNeeded: image.signedWord(at: plan.parameters + Field.fill))
      unsafe target.update(repeating: fill, count: output.tensor.count)
    }
    let blocks = Int(truncatingIfNeeded: image.signedWord(at: plan.parameters + Field.blocks))
    for index in 0..<Int(image.half(at: plan.parameters + Field.blockCount)) {
      let block = Block(image, at: blocks + index * ModelFormat.Block.byteCount)
      let source = workspace.operand(plan.inputIndex(block.input))
      let inputs = unsafe source.codes(as: Code.self) + Int(truncatingIfNeeded: block.inputStart)
      let outputs = unsafe target + Int(truncatingIfNeeded: block.outputStart)
      let isRun = block.inputStrides.last == 1 && block.outputStrides.last == 1
      var place = SIMD8<Int32>.zero
      for _ in 0..<block.shape.outerCount {
        let from = unsafe inputs + block.inputStrides.offset(place)
        let to = unsafe outputs + block.outputStrides.offset(place)
        if isRun {
          unsafe to.update(from: from, count: block.shape.last)
        } else {
          for element in 0..<block.shape.last {
            unsafe to[element &* block.outputStrides.last] = from[element &* block.inputStrides.last]
          }
        }
        block.shape.advance(&place)
      }
    }
  }
}

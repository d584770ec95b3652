/// RESIZE_BILINEAR of int8 codes: each output lies between four inputs, by fractions of ten bits.
enum BilinearResize: Kernel {
  private typealias Field = ModelFormat.Resize

  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(isBuilt: Built.elementwise, parameterByteCount: Field.byteCount)
  }

  /// How places along a dimension of the output come from the input's.
  private struct Axis {
    let scaleQ10: Int32
    let offsetQ10: Int32
    let inputCount: Int32

    init(_ plan: OperatorPlan, at field: Int, inputCount: Int) {
      scaleQ10 = plan.image.signedWord(at: plan.parameters &+ field)
      let isCentered = plan.image.word(at: plan.parameters &+ Field.hasHalfPixelCenters) != 0
      offsetQ10 = isCentered ? scaleQ10 / 2 &- 512 : 0
      self.inputCount = Int32(truncatingIfNeeded: inputCount)
    }

    /// Whether all outputs lie in the input; places grow with the output's.
    func fits(outputCount: Int) -> Bool {
      let last = Int64(extending: Int32(truncatingIfNeeded: outputCount &- 1))
      let place = last &* Int64(extending: scaleQ10) &+ Int64(extending: offsetQ10)
      return scaleQ10 >= 0 && place < Int64(extending: inputCount) &<< 10
        && place < Int64(extending: Int32.max &- 1024)
    }

    /// The inputs before and behind an output's place, and the weight of the one behind in Q10.
    @inline(__always)
    func neighbours(_ output: Int) -> (before: Int, behind: Int, weightQ10: Int32) {
      let place = Int32(truncatingIfNeeded: output) &* scaleQ10 &+ offsetQ10
      let before = max(place / 1024, 0)
      let behind = min((place &+ 1023) / 1024, inputCount &- 1)
      return (
        Int(truncatingIfNeeded: before), Int(truncatingIfNeeded: behind), place &- before &* 1024
      )
    }
  }

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    guard input.type == .int8, output.type == .int8, input.batchCount == output.batchCount,
      input.channelCount == output.channelCount,
      Axis(plan, at: Field.heightScaleQ10, inputCount: input.timeCount).fits(outputCount: output.timeCount),
      Axis(plan, at: Field.widthScaleQ10, inputCount: input.frequencyCount)
        .fits(outputCount: output.frequencyCount)
    else { throw ModelError(.invalidOperator, at: plan.parameters) }
  }

  /// Computes all of the output.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    let (source, target) = (input.tensor, output.tensor)
    let rows = Axis(plan, at: Field.heightScaleQ10, inputCount: source.timeCount)
    let columns = Axis(plan, at: Field.widthScaleQ10, inputCount: source.frequencyCount)
    let channels = source.channelCount
    var result = unsafe output.codes(as: Int8.self)
    for batch in 0..<source.batchCount {
      let inputs = unsafe input.codes(as: Int8.self) + (batch &* source.timeCount &* source.columnCount)
      for y in 0..<target.timeCount {
        let row = rows.neighbours(y)
        let (upper, lower) = unsafe (
          inputs + row.before &* source.columnCount, inputs + row.behind &* source.columnCount
        )
        for x in 0..<target.frequencyCount {
          let column = columns.neighbours(x)
          let (left, right) = (column.before &* channels, column.behind &* channels)
          for channel in 0..<channels {
            let above = unsafe between(upper[left &+ channel], upper[right &+ channel], column.weightQ10)
            let below = unsafe between(lower[left &+ channel], lower[right &+ channel], column.weightQ10)
            let sumQ20 = above &* (1024 &- row.weightQ10) &+ below &* row.weightQ10
            let half: Int32 = sumQ20 > 0 ? 1 << 19 : -(1 << 19)
            unsafe result[channel] = Int8(truncatingIfNeeded: (sumQ20 &+ half) / (1 << 20))
          }
          unsafe result += channels
        }
      }
    }
  }

  /// Between two codes, in Q10.
  @inline(__always)
  private static func between(_ before: Int8, _ behind: Int8, _ weightQ10: Int32) -> Int32 {
    Int32(before) &* (1024 &- weightQ10) &+ Int32(behind) &* weightQ10
  }
}

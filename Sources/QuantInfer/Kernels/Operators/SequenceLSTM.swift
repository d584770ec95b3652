/// The weights of UNIDIRECTIONAL_SEQUENCE_LSTM's gates, of inputs and of the output of the step before.
///
/// Their channels are those of the input gate, the forget gate, the cell gate and the output gate, each as many as the
/// operator's output has; sums become codes in Q3.12.
@safe
public struct Gates: @unchecked Sendable {
  /// The weights of inputs.
  public let inputs: Weights
  /// The weights of the output of the step before.
  public let recurrence: Weights

  /// Reads an operator's constants; no pointer may be followed before they are validated.
  @inline(__always)
  init(_ plan: OperatorPlan) {
    let codes: (least: Int32, greatest: Int32) = (-32_768, 32_767)
    inputs = Weights(plan.image, at: plan.parameters, from: codes.least, to: codes.greatest)
    recurrence = Weights(
      plan.image, at: plan.parameters &+ ModelFormat.LSTM.recurrence, from: codes.least, to: codes.greatest)
  }
}

/// UNIDIRECTIONAL_SEQUENCE_LSTM: a cell's codes and an output go on from step to step, from real 0 at the first one.
enum SequenceLSTM: Kernel {
  private typealias Field = ModelFormat.LSTM

  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(isBuilt: Built.lstm, parameterByteCount: Field.byteCount, hasGates: true)
  }

  /// The sizes that follow from the tensors, and the places in the scratch.
  struct Sizes {
    let steps: Int
    let inputs: Int
    let units: Int
    /// A row of inputs or of the output before, filled up to a multiple of four.
    let rowCount: Int

    init(input: Tensor, output: Tensor) {
      units = output.channelCount
      steps = quotient(output.count, units)
      inputs = quotient(input.count, steps)
      rowCount = 4 &* Weights.quads(max(inputs, units))
    }

    /// No larger ones are taken, so that a scratch's size fits 32 bits.
    var areSmall: Bool { max(inputs, units) <= Tensor.greatestCount &>> 5 }
  }

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    let (image, parameters) = (plan.image, plan.parameters)
    let (sizes, gates) = (Sizes(input: input, output: output), Gates(plan))
    guard input.type == output.type, remainder(input.count, sizes.steps) == 0, sizes.areSmall,
      Field.scratchByteCount(inputs: sizes.inputs, units: sizes.units) <= model.scratchByteCount,
      gates.inputs.layout == .blocks,
      gates.recurrence.layout == .blocks, gates.inputs.zeroPoint == 0, gates.recurrence.zeroPoint == 0
    else { throw ModelError(.invalidOperator, at: place) }
    // Both sets of weights lie behind the operator before: see `Model.validateOperators`.
    guard
      image.number(at: parameters &+ Field.recurrence &+ ModelFormat.Weights.weights)
        >= image.number(at: parameters &+ ModelFormat.Weights.weights)
    else { throw ModelError(.offsetOutOfRange, at: parameters &+ Field.recurrence) }
    let channelCount = 4 &* sizes.units
    try gates.inputs.validate(
      input: input, channelCount: channelCount, inputsPerOutput: sizes.inputs, groups: 1)
    try gates.recurrence.validate(
      input: output, channelCount: channelCount, inputsPerOutput: sizes.units, groups: 1)
    _ = try image.offset(at: parameters &+ Field.table, count: 128, stride: 4)
    guard image.word(at: parameters &+ Field.cellShift) <= 31,
      image.word(at: parameters &+ Field.cellLimit) <= 32_768
    else { throw ModelError(.invalidOperator, at: parameters &+ Field.cellShift) }
    // Products in Q30 have no room for a left shift.
    guard try image.validMultiplier(at: parameters &+ Field.multipliers).leftShift <= 0,
      try image.validMultiplier(at: parameters &+ Field.multipliers &+ 8).leftShift <= 0
    else { throw ModelError(.invalidMultiplier, at: parameters &+ Field.multipliers) }
  }

  /// Computes all of the output, a step after the other.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    let sizes = Sizes(input: input.tensor, output: output.tensor)
    let gates = Gates(plan)
    let state = State(plan, sizes, zeroPoint: output.tensor.zeroPoint, in: workspace.scratch)
    let inputs = unsafe UnsafePointer(input.codes(as: Code.self))
    let outputs = unsafe output.codes(as: Code.self)
    state.clearCell()
    var steps = Indices(to: sizes.steps)
    while let step = steps.next() {
      unsafe state.put(inputs + (step &* sizes.inputs), count: sizes.inputs)
      unsafe state.sum(gates.inputs, quads: Weights.quads(sizes.inputs), into: state.inputSums, workspace)
      if step == 0 {
        state.putZero(Int16(truncatingIfNeeded: output.tensor.zeroPoint))
      } else {
        unsafe state.put(UnsafePointer(outputs + ((step &- 1) &* sizes.units)), count: sizes.units)
      }
      unsafe state.sum(
        gates.recurrence, quads: Weights.quads(sizes.units), into: state.recurrentSums, workspace)
      unsafe state.advance(into: outputs + (step &* sizes.units))
    }
  }
}

extension SequenceLSTM {
  /// What goes on from step to step, in the scratch, and how.
  @safe
  private struct State {
    private let units: Int
    private let row: Rows
    let inputSums: UnsafeMutablePointer<Int16>
    let recurrentSums: UnsafeMutablePointer<Int16>
    private let cell: UnsafeMutablePointer<Int16>
    private let table: SigmoidTable
    private let cellMultiplier: Int32
    private let cellShift: Int32
    private let cellLimit: Int32
    private let toCell: FixedPointMultiplier
    private let toOutput: FixedPointMultiplier
    private let zeroPoint: Int32
    private let least: Int32
    private let greatest: Int32

    init(_ plan: OperatorPlan, _ sizes: Sizes, zeroPoint: Int32, in scratch: Scratch) {
      let (image, parameters) = (plan.image, plan.parameters)
      units = sizes.units
      let start = unsafe scratch.start.assumingMemoryBound(to: Int16.self)
      unsafe row = Rows(start: start, inputCount: sizes.rowCount)
      unsafe inputSums = start + sizes.rowCount
      unsafe recurrentSums = inputSums + 4 &* sizes.units
      unsafe cell = recurrentSums + 4 &* sizes.units
      table = SigmoidTable(image, at: parameters &+ Field.table)
      cellMultiplier = image.signedWord(at: parameters &+ Field.cellMultiplier)
      cellShift = image.signedWord(at: parameters &+ Field.cellShift)
      cellLimit = image.signedWord(at: parameters &+ Field.cellLimit)
      toCell = image.multiplier(at: parameters &+ Field.multipliers)
      toOutput = image.multiplier(at: parameters &+ Field.multipliers &+ 8)
      self.zeroPoint = zeroPoint
      (least, greatest) = (plan.activationMinimum, plan.activationMaximum)
    }

    func clearCell() { unsafe clear(UnsafeMutableRawPointer(cell), byteCount: 2 &* units) }

    /// Makes codes the row that is summed up next.
    func put<Code: FixedWidthInteger & SignedInteger>(_ codes: UnsafePointer<Code>, count: Int) {
      unsafe row.put(codes, count: count, row: 0)
      row.fill(with: 0, count: 4 &* Weights.quads(count) &- count, row: 0, at: count)
    }

    /// The same with a code for each unit.
    func putZero(_ code: Int16) {
      row.fill(with: code, count: units, row: 0, at: 0)
      row.fill(with: 0, count: 4 &* Weights.quads(units) &- units, row: 0, at: units)
    }

    /// Sums up the row for all gates.
    func sum(
      _ weights: Weights, quads: Int, into sums: UnsafeMutablePointer<Int16>, _ workspace: Workspace
    ) {
      unsafe workspace.instructions.product(
        Rows(start: row.start, inputCount: 4 &* quads), rowCount: 1, weights: weights, firstQuad: 0,
        channels: Range(uncheckedBounds: (0, 4 &* units)), output: sums, outputStride: 4 &* units,
        zeroPoint: 0)
    }

    /// Brings the cell a step forward, and writes the output.
    func advance<Code: FixedWidthInteger & SignedInteger>(into outputs: UnsafeMutablePointer<Code>) {
      // 2^-15: the cell's codes times the forget gate's, in Q15, are the cell's again.
      let fromQ15 = FixedPointMultiplier(multiplierQ31: 1 << 30, leftShift: -14)
      let half: Int32 = cellShift > 0 ? 1 &<< (cellShift &- 1) : 0
      var indices = Indices(to: units)
      while let unit = indices.next() {
        let (entering, kept) = (table.logistic(3 &* gate(0, unit)), table.logistic(3 &* gate(1, unit)))
        let (candidate, leaving) = (table.tanh(3 &* gate(2, unit)), table.logistic(3 &* gate(3, unit)))
        let old = unsafe Int32(cell[unit])
        let sum =
          saturated(fromQ15.scale(Int32(kept) &* old))
          &+ saturated(toCell.scale(Int32(entering) &* Int32(candidate)))
        let new = min(max(saturated(sum), 0 &- cellLimit), cellLimit)
        unsafe cell[unit] = Int16(truncatingIfNeeded: new)
        let activated = Int32(table.tanh((new &* cellMultiplier &+ half) &>> cellShift))
        let code = toOutput.scale(activated &* Int32(leaving)) &+ zeroPoint
        unsafe outputs[unit] = Code(truncatingIfNeeded: min(max(code, least), greatest))
      }
    }

    /// A gate's argument in Q3.12.
    private func gate(_ index: Int, _ unit: Int) -> Int32 {
      let place = index &* units &+ unit
      return saturated(unsafe Int32(inputSums[place]) &+ Int32(recurrentSums[place]))
    }

    private func saturated(_ code: Int32) -> Int32 { min(max(code, -32_768), 32_767) }
  }
}

/// What operators take in steps, see `Model.stepsPerDecision`: at least their work on every core, in proportion.
extension Kernel {
  /// As for one that makes each output of an input or two.
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    4.steps(times: max(input.count, output.count))
  }
}

extension Int {
  /// What each call of an operator begins with.
  static var stepsPerCall: Int { 256 }

  /// What each run of neighbouring codes begins with.
  static var stepsPerRun: Int { 8 }

  /// The same where the codes are gathered for products, of which a core does several in the time of one code.
  static var productsPerRun: Int { 32 }

  /// What it takes to bring a sum to a code's scale, or to divide it.
  static var stepsPerRounding: Int { 8 }

  /// A product that stops at the greatest number; neither factor is negative.
  func steps(times other: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }

  /// A sum that stops at the greatest number; neither part is negative.
  static func steps(_ some: Int, plus others: Int) -> Int {
    let (sum, overflow) = some.addingReportingOverflow(others)
    return overflow ? .max : sum
  }

  /// Adds steps, and stops at the greatest number.
  mutating func addSteps(_ others: Int) { self = .steps(self, plus: others) }
}

extension OperatorPlan {
  /// The work for an output of a size, the call included.
  func steps(input: Tensor, output: Tensor, of model: Model) -> Int {
    .steps(
      kind?.visit(StepsVisitor(plan: self, input: input, output: output, model: model)) ?? 0,
      plus: .stepsPerCall)
  }
}

/// Asks a kernel for the work.
private struct StepsVisitor: KernelVisitor {
  let plan: OperatorPlan
  let input: Tensor
  let output: Tensor
  let model: Model

  @inline(__always)
  func visit<K: Kernel>(_ kernel: K.Type) throws(Never) -> Int {
    K.steps(plan, input: input, output: output, of: model)
  }
}

extension Convolution {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    let (window, weights) = (Window(plan.image, at: plan.parameters), Weights(plan))
    let cells = output.count / output.channelCount
    guard weights.layout == .blocks else {
      // A tap's product, beside what begins with each cell, and the sum's rounding, which few taps share.
      let taps = window.time.kernel &* window.frequency.kernel
      return .steps(
        output.count.steps(times: 2 &* taps &+ .stepsPerRounding),
        plus: Int.productsPerRun.steps(times: cells))
    }
    let groups = input.channelCount / weights.groupChannelCount
    let inputs = window.inputsPerOutput(groupChannelCount: weights.groupChannelCount)
    // A group's inputs are gathered in runs: a column's under the window at once, or a tap's.
    let isRun = groups == 1 && window.frequency.dilation == 1
    let runs = isRun ? window.time.kernel : window.time.kernel &* window.frequency.kernel
    let quads = Weights.quads(inputs)
    let products = (16 &* quads).steps(times: Weights.quads(output.channelCount / groups))
    let gathered = Int.steps(4 &* quads, plus: Int.productsPerRun.steps(times: runs))
    return Int.steps(products, plus: gathered).steps(times: groups).steps(times: cells)
  }
}

extension FullyConnected {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    let rows = output.count / output.channelCount
    let quads = Weights.quads(input.count / rows)
    let products = (16 &* quads).steps(times: Weights.quads(output.channelCount))
    return Int.steps(products, plus: 4 &* quads &+ .productsPerRun).steps(times: rows)
  }
}

extension Pooling {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    let window = Window(plan.image, at: plan.parameters)
    // Sixteen channels at a time, whether there are as many or not, and a quarter more to reach each tap's.
    let stretches = (output.count / output.channelCount).steps(times: (output.channelCount &+ 15) / 16)
    // A mean is a division.
    let ending = plan.kind == .averagePool ? .stepsPerRounding &+ 2 : 2
    let taps = window.time.kernel &* window.frequency.kernel
    return stretches.steps(times: 20 &* taps &+ 16 &* ending)
  }
}

extension Elementwise {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    let rows = Dimensions(plan.image, at: plan.parameters &+ ModelFormat.Elementwise.shape).outerCount
    return .steps(4.steps(times: output.count), plus: Int.stepsPerRun.steps(times: rows))
  }
}

extension Rearrangement {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    typealias Field = ModelFormat.Rearrangement
    let image = plan.image
    var steps = image.half(at: plan.parameters &+ Field.hasFill) != 0 ? output.count : 0
    let blocks = image.number(at: plan.parameters &+ Field.blocks)
    for index in 0..<Int(image.half(at: plan.parameters &+ Field.blockCount)) {
      let block = blocks &+ index &* ModelFormat.Block.byteCount
      let shape = Dimensions(image, at: block &+ ModelFormat.Block.shape)
      let rows = shape.outerCount
      // To read the block's record takes as much as to begin a row.
      steps.addSteps(.steps(rows.steps(times: shape.last), plus: Int.stepsPerRun.steps(times: rows &+ 1)))
    }
    return steps
  }
}

extension Mean {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    let rows = Dimensions(plan.image, at: plan.parameters &+ ModelFormat.Mean.reducedShape).outerCount
    return .steps(input.count, plus: Int.stepsPerRun.steps(times: rows &+ 1).steps(times: output.count))
  }
}

extension Functions {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    // An inverse root is some twenty products of 32 bits, as two exponentials are.
    let isRoot = input.type == .int16 && plan.kind == .reciprocalSquareRoot
    return (isRoot ? 64 : 4).steps(times: output.count)
  }
}

extension Softmax {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    // Two exponentials a code.
    64.steps(times: output.count)
  }
}

extension SVDF {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    let rank = plan.image.number(at: plan.parameters &+ ModelFormat.SVDF.rank)
    let filters = rank.steps(times: output.channelCount)
    let state = model.tensor(plan.inputIndex(1)).count
    // Plain loops over inputs and state, which also moves; they begin with each filter.
    let products = Int.steps(4.steps(times: input.count).steps(times: filters), plus: 8.steps(times: state))
    return .steps(products, plus: 64.steps(times: rank).steps(times: output.count))
  }
}

extension BatchProduct {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    let depth = Dimensions(plan.image, at: plan.parameters &+ ModelFormat.BatchProduct.depth).last
    // Neither factor is packed: a product takes two codes that are moved.
    return .steps(
      4.steps(times: depth).steps(times: output.count), plus: Int.stepsPerRun.steps(times: output.count))
  }
}

extension LogSoftmax {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    // An exponential a code, and a logarithm a row.
    64.steps(times: output.count)
  }
}

extension BilinearResize {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    // Four inputs and their weights.
    16.steps(times: output.count)
  }
}

extension SequenceLSTM {
  static func steps(_ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model) -> Int {
    let sizes = Sizes(input: input, output: output)
    // Products as a fully connected operator's, for both rows; then eight roundings and five interpolations a unit.
    let quads = Weights.quads(sizes.inputs) &+ Weights.quads(sizes.units)
    let products = (16 &* quads).steps(times: sizes.units)
    let gathered = 4 &* quads &+ 2 &* Int.productsPerRun
    let units = (24 &* Int.stepsPerRounding).steps(times: sizes.units)
    return Int.steps(.steps(products, plus: gathered), plus: units).steps(times: sizes.steps)
  }
}

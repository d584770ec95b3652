/// The network of beats at work.
///
/// Where each operator is a row of codes times weights, and the next one's input, a view of every tensor would cost as much as
/// their products: then what a row needs is read from the image by itself.
@safe
struct BeatNetwork {
  private let workspace: Workspace
  /// Whether all operators are such rows, and one of the fast instruction sets serves them.
  private let isChain: Bool

  /// A network in memory that was checked.
  init(_ workspace: Workspace) {
    self.workspace = workspace
    isChain = Self.isChain(workspace)
  }

  private static func isChain(_ workspace: Workspace) -> Bool {
    let model = workspace.model
    var source = model.inputPort(0).tensorIndex
    guard Built.fullyConnected, model.tensor(source).isRow else { return false }
    var indices = Indices(to: model.operatorCount)
    while let index = indices.next() {
      let plan = model.operatorPlan(index)
      guard plan.kind == .fullyConnected, plan.inputIndex(0) == source else { return false }
      let weights = Weights(plan)
      source = plan.outputIndex
      guard model.tensor(source).isRow, weights.zeroPoint == 0,
        workspace.instructions.servesDirectly(Int8.self, weights)
      else { return false }
    }
    return true
  }

  /// Runs all operators.
  ///
  /// A call of its own, whose instructions are counted.
  @inline(never)
  func run() {
    let model = workspace.model
    var indices = Indices(to: model.operatorCount)
    if Built.fullyConnected, isChain {
      var row = model.row(ofTensor: model.operatorPlan(0).inputIndex(0))
      while let index = indices.next() {
        let plan = model.operatorPlan(index)
        let outputs = model.row(ofTensor: plan.outputIndex)
        // In its place: the weights' other initializer is a call, a twentieth of the network.
        let weights = Weights(
          plan.image, at: plan.parameters, patch: plan.patch, from: plan.activationMinimum,
          to: plan.activationMaximum)
        unsafe workspace.instructions.fullyConnectedRow(
          weights, channelCount: outputs.count, zeroPoint: outputs.zeroPoint,
          inputs: Columns<Int8>(
            base: UnsafePointer(codes(row)), columnCount: row.count, capacity: 1, start: 0),
          scratch: workspace.scratch, into: codes(outputs))
        row = outputs
      }
    } else {
      let runner = OperatorRunner(workspace: workspace)
      while let index = indices.next() { runner.run(index) }
    }
  }

  @inline(__always)
  private func codes(_ row: Model.Row) -> UnsafeMutablePointer<Int8> {
    unsafe (workspace.arena + row.byteOffset).assumingMemoryBound(to: Int8.self)
  }
}

extension Tensor {
  /// Whether it is one row of codes in the arena.
  fileprivate var isRow: Bool {
    type == .int8 && storage == .computed && rank > 0 && count == channelCount
  }
}

extension Model {
  /// A tensor of the arena that is one row of codes, as far as a product needs to know.
  fileprivate struct Row {
    let count: Int
    let zeroPoint: Int32
    let byteOffset: Int
  }

  @inline(__always)
  fileprivate func row(ofTensor index: Int) -> Row {
    typealias Field = ModelFormat.Tensor
    let place = tensorPlace(index)
    let rank = Int(image.byte(at: place &+ Field.rank))
    return Row(
      count: image.number(at: place &+ Field.shape &+ 4 &* (rank &- 1)),
      zeroPoint: image.signedWord(at: place &+ Field.zeroPoint),
      byteOffset: image.number(at: place &+ Field.place))
  }
}

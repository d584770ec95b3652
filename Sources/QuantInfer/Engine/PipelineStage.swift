extension StreamingPipeline {
  /// An operator with a ring: one that takes columns, or the tail's first.
  struct Stage {
    let index: Int
    let plan: OperatorPlan
    /// The number of codes in a column of the ring.
    let columnCount: Int
    #if QUANTINFER_SELECTED && !QUANTINFER_EDGES
      var window: EdgedWindow { .none }
    #else
      /// What it reads and makes in a whole window; nobody's where no operator pads along time.
      let window: EdgedWindow
    #endif

    init(_ model: Model, _ index: Int, behind edges: Edges, isTail: Bool, pads: Bool) {
      self.index = index
      plan = model.operatorPlan(index)
      columnCount = model.columnCount(ofTensor: plan.inputIndex(0))
      #if !QUANTINFER_SELECTED || QUANTINFER_EDGES
        window =
          pads ? EdgedWindow(plan, of: model, behind: edges, isTail: isTail) : .none
      #endif
    }

    /// The tensor that the ring holds columns of.
    var inputIndex: Int { plan.inputIndex(0) }
  }
}

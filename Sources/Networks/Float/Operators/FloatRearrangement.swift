/// PAD, TRANSPOSE, STRIDED_SLICE and CONCATENATION: copies of blocks between strided places.
struct FloatRearrangement: FloatKernel {
  private let blocks: [(block: QuantizedNetwork.Block, walk: StridedWalk)]
  private let fill: Float?
  private let count: Int

  /// Prepares copies; nil where a block leaves its tensors.
  init?(
    _ blocks: [QuantizedNetwork.Block], fill: Float?, from sources: [FloatGraph.Tensor],
    to target: FloatGraph.Tensor
  ) {
    var prepared: [(block: QuantizedNetwork.Block, walk: StridedWalk)] = []
    for block in blocks {
      guard sources.indices.contains(block.input),
        let walk = StridedWalk(
          block.shape, strides: [block.inputStrides, block.outputStrides],
          starts: [block.inputStart, block.outputStart], counts: [sources[block.input].count, target.count])
      else { return nil }
      prepared.append((block, walk))
    }
    (self.blocks, self.fill, count) = (prepared, fill, target.count)
  }

  func compute(_ inputs: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>) {
    if let fill { target.update(repeating: fill, count: count) }
    for (block, walk) in blocks {
      let source = inputs[block.input]
      let (from, to) = (walk.innerStrides[0], walk.innerStrides[1])
      walk.forEachRow(from: [block.inputStart, block.outputStart]) { places in
        let (input, output) = (source + places[0], target + places[1])
        for index in 0..<walk.innerCount { output[index * to] = input[index * from] }
      }
    }
  }
}

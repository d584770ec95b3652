/// BATCH_MATMUL: products of two matrices, summed in double precision.
struct FloatBatchProduct: FloatKernel {
  private let walk: StridedWalk
  private let depth: Int
  private let steps: (first: Int, second: Int)

  /// Prepares products; nil where the shapes don't fit together.
  init?(
    _ product: QuantizedNetwork.BatchProduct, from sources: [FloatGraph.Tensor], to target: FloatGraph.Tensor
  ) {
    // The walk over all products, so that no sum leaves its tensor; then the one over the sums.
    guard sources.count == 2, product.depth > 0, product.shape.reduce(1, *) == target.count,
      StridedWalk(
        product.shape + [product.depth],
        strides: [product.firstStrides + [product.firstStep], product.secondStrides + [product.secondStep]],
        starts: [0, 0], counts: sources.map(\.count)) != nil,
      let walk = StridedWalk(
        product.shape, strides: [product.firstStrides, product.secondStrides], starts: [0, 0],
        counts: sources.map(\.count))
    else { return nil }
    (self.walk, depth, steps) = (walk, product.depth, (product.firstStep, product.secondStep))
  }

  func compute(_ inputs: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>) {
    var output = target
    let (first, second) = (walk.innerStrides[0], walk.innerStrides[1])
    walk.forEachRow(from: [0, 0]) { places in
      for index in 0..<walk.innerCount {
        let (a, b) = (inputs[0] + places[0] + index * first, inputs[1] + places[1] + index * second)
        var sum = 0.0
        for step in 0..<depth { sum += Double(a[step * steps.first]) * Double(b[step * steps.second]) }
        output[index] = Float(sum)
      }
      output += walk.innerCount
    }
  }
}

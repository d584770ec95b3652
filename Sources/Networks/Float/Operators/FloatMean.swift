/// MEAN over any dimensions, summed in double precision.
struct FloatMean: FloatKernel {
  private let kept: StridedWalk
  private let reduced: StridedWalk
  private let factor: Double

  /// Prepares a mean; nil where the shapes don't fit together.
  init?(_ mean: QuantizedNetwork.Mean, from source: FloatGraph.Tensor, to target: FloatGraph.Tensor) {
    guard mean.shape.reduce(1, *) == target.count,
      mean.reducedShape.reduce(1, *) * target.count == source.count,
      let kept = StridedWalk(mean.shape, strides: [mean.strides], starts: [0], counts: [source.count]),
      let reduced = StridedWalk(
        mean.reducedShape, strides: [mean.reducedStrides], starts: [0], counts: [source.count])
    else { return nil }
    let reach = [(mean.shape, mean.strides), (mean.reducedShape, mean.reducedStrides)]
      .reduce(0) { $0 + zip($1.0, $1.1).reduce(0) { $0 + ($1.0 - 1) * $1.1 } }
    guard reach < source.count else { return nil }
    (self.kept, self.reduced, factor) = (kept, reduced, 1 / Double(max(1, source.count / target.count)))
  }

  func compute(_ inputs: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>) {
    var output = target
    let (step, stride) = (kept.innerStrides[0], reduced.innerStrides[0])
    kept.forEachRow(from: [0]) { places in
      for index in 0..<kept.innerCount {
        let first = places[0] + index * step
        var sum = 0.0
        reduced.forEachRow(from: [first]) { places in
          let row = inputs[0] + places[0]
          for index in 0..<reduced.innerCount { sum += Double(row[index * stride]) }
        }
        output[index] = Float(sum * factor)
      }
      output += kept.innerCount
    }
  }
}

import Networks
import QuantInfer

// ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, PRELU, SQUARED_DIFFERENCE with broadcasting, BATCH_MATMUL, and reductions.

extension TFLiteOperator {
  func sum() throws(NotConvertible) -> TFLiteImportedOperator {
    let options = try options(kind == .add ? .add : .sub)
    var (elementwise, first, second, output) = try elementwise()
    try requireSymmetric(first, second, output)
    elementwise.leftShift = output.type == .int16 ? 15 : 20
    let twiceGreatest = 2 * Double(max(first.scale, second.scale))
    elementwise.firstMultiplier = try fraction(Double(first.scale) / twiceGreatest)
    elementwise.secondMultiplier = try fraction(Double(second.scale) / twiceGreatest)
    elementwise.outputMultiplier = try fraction(
      twiceGreatest / (Double(1 << elementwise.leftShift) * Double(output.scale)))
    return TFLiteImportedOperator(
      .elementwise(elementwise), inputs: [first, second], output: output,
      activation: try range(options.activation, of: output))
  }

  func product() throws(NotConvertible) -> TFLiteImportedOperator {
    let options = try options(.mul)
    var (elementwise, first, second, output) = try elementwise()
    try requireSymmetric(first, second, output)
    elementwise.outputMultiplier = try multiplier(
      Double(first.scale) * Double(second.scale) / Double(output.scale))
    return TFLiteImportedOperator(
      .elementwise(elementwise), inputs: [first, second], output: output,
      activation: try range(options.activation, of: output))
  }

  /// DIV of int8; TensorFlow Lite takes the factor in single precision.
  func quotient() throws(NotConvertible) -> TFLiteImportedOperator {
    let options = try options(.div)
    var (elementwise, first, second, output) = try elementwise()
    guard output.type == .int8 else { throw refusal("divides int16 codes") }
    elementwise.outputMultiplier = try multiplier(
      Double(first.scale / (second.scale * output.scale)), mostLeftShift: 22)
    return TFLiteImportedOperator(
      .elementwise(elementwise), inputs: [first, second], output: output,
      activation: try range(options.activation, of: output))
  }

  /// PRELU: codes from the zero point up are rescaled, those below are multiplied with the second input's.
  ///
  /// The slopes of int16 codes are int8 in the file, and int16 here.
  func prelu() throws(NotConvertible) -> TFLiteImportedOperator {
    var (elementwise, first, second, output) = try elementwise(mixesTypes: true)
    guard first.type == output.type, second.type == .int8 else {
      throw refusal("has slopes that aren't int8")
    }
    guard second.type == output.type || second.constant != nil else { throw refusal("has computed slopes") }
    second.type = output.type
    elementwise.firstMultiplier = try multiplier(Double(first.scale) / Double(output.scale))
    elementwise.outputMultiplier = try multiplier(
      Double(first.scale) * Double(second.scale) / Double(output.scale))
    return TFLiteImportedOperator(.elementwise(elementwise), inputs: [first, second], output: output)
  }

  func squaredDifference() throws(NotConvertible) -> TFLiteImportedOperator {
    var (elementwise, first, second, output) = try elementwise()
    try requireSymmetric(first, second, output)
    elementwise.leftShift = output.type == .int16 ? 0 : 7
    let twiceGreatest = 2 * Double(max(first.scale, second.scale))
    elementwise.firstMultiplier = try fraction(Double(first.scale) / twiceGreatest)
    elementwise.secondMultiplier = try fraction(Double(second.scale) / twiceGreatest)
    elementwise.outputMultiplier = try multiplier(
      twiceGreatest * twiceGreatest / (Double(1 << (2 * elementwise.leftShift)) * Double(output.scale)))
    return TFLiteImportedOperator(.elementwise(elementwise), inputs: [first, second], output: output)
  }

  func extremum() throws(NotConvertible) -> TFLiteImportedOperator {
    _ = try options(.maximumMinimum)
    let (elementwise, first, second, output) = try elementwise()
    return TFLiteImportedOperator(.elementwise(elementwise), inputs: [first, second], output: output)
  }

  /// The multiplier of a factor that must be above 0 and below 1.
  private func fraction(_ real: Double) throws(NotConvertible) -> FixedPointMultiplier {
    guard real > 0, real < 1 else { throw refusal("asks for the factor \(real), which isn't in 0...1") }
    return try multiplier(real, mostLeftShift: 0)
  }

  /// Both inputs, the output, and how they are walked through.
  private func elementwise(mixesTypes: Bool = false) throws(NotConvertible) -> (
    QuantizedNetwork.Elementwise, QuantizedNetwork.Tensor, QuantizedNetwork.Tensor, QuantizedNetwork.Tensor
  ) {
    try requireCounts(inputs: 2...2)
    let (first, second, output) = (try input(0), try input(1), try output())
    if !mixesTypes { try requireSameType(first, second, output) }
    let rank = max(first.shape.count, second.shape.count)
    let (one, other) = (Self.padded(first.shape, to: rank), Self.padded(second.shape, to: rank))
    var shape: [Int] = []
    for (a, b) in zip(one, other) {
      guard a == b || a == 1 || b == 1 else {
        throw refusal("has inputs of the shapes \(first.shape) and \(second.shape)")
      }
      shape.append(max(a, b))
    }
    guard output.shape == shape else {
      throw refusal("gives the shape \(output.shape), not \(shape)")
    }
    let merged = mergedDimensions(shape, [Self.strides(one), Self.strides(other)])
    return (
      QuantizedNetwork.Elementwise(
        shape: merged.shape, firstStrides: merged.strides[0], secondStrides: merged.strides[1]),
      first, second, output
    )
  }

  /// A shape with dimensions of 1 before it.
  private static func padded(_ shape: [Int], to rank: Int) -> [Int] {
    Array(repeating: 1, count: rank - shape.count) + shape
  }

  /// The distances between a tensor's elements; 0 along the dimensions that are repeated.
  private static func strides(_ shape: [Int]) -> [Int] {
    zip(shape, contiguousStrides(shape)).map { $0 == 1 ? 0 : $1 }
  }
}

extension TFLiteOperator {
  /// MEAN, SUM, REDUCE_MAX and REDUCE_MIN.
  func reduction() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 2...2)
    _ = try options(.reducer)
    let (input, output) = (try input(0), try output())
    try requireSameType(input, output)
    let isExtreme = kind == .reduceMax || kind == .reduceMin
    guard !isExtreme || (input.scale == output.scale && input.zeroPoint == output.zeroPoint) else {
      throw refusal("changes the scale or zero point")
    }
    let rank = input.shape.count
    var isReduced = Array(repeating: false, count: rank)
    for axis in try integers(1, "axes") {
      guard (-rank..<rank).contains(axis) else { throw refusal("has the axis \(axis) of \(rank) dimensions") }
      isReduced[axis < 0 ? axis + rank : axis] = true
    }
    let strides = contiguousStrides(input.shape)
    func merged(_ wanted: Bool) -> (shape: [Int], strides: [[Int]]) {
      let axes = input.shape.indices.filter { isReduced[$0] == wanted }
      return mergedDimensions(axes.map { input.shape[$0] }, [axes.map { strides[$0] }])
    }
    let (kept, reduced) = (merged(false), merged(true))
    guard output.count == kept.shape.reduce(1, *) else {
      throw refusal("gives the shape \(output.shape) from \(input.shape)")
    }
    let real = Double(input.scale) / Double(output.scale)
    let walk = QuantizedNetwork.Mean(
      shape: kept.shape, strides: kept.strides[0], reducedShape: reduced.shape,
      reducedStrides: reduced.strides[0],
      multiplier: try kind == .mean
        ? meanMultiplier(real, count: reduced.shape.reduce(1, *)) : multiplier(real))
    return TFLiteImportedOperator(
      kind == .mean ? .mean(walk) : .reduction(walk), inputs: [input], output: output)
  }

  /// A multiplier divided by the number of elements, after a left shift as far as 32 bits allow.
  private func meanMultiplier(_ real: Double, count: Int) throws(NotConvertible) -> FixedPointMultiplier {
    let whole = try multiplier(real)
    let shift = min(Int.bitWidth - 1 - count.leadingZeroBitCount, 32, 31 + Int(whole.leftShift))
    return FixedPointMultiplier(
      multiplierQ31: Int32((Int64(whole.multiplierQ31) << Int64(shift)) / Int64(count)),
      leftShift: whole.leftShift - Int8(shift))
  }
}

extension TFLiteOperator {
  /// BATCH_MATMUL of two computed tensors; sums of 32 bits for int8, of 64 for int16.
  func batchProduct() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 2...2)
    let options = try options(.batchMatMul)
    let (first, second, output) = (try input(0), try input(1), try output())
    try requireSameType(first, second, output)
    try requireSymmetric(first, second, output)
    let rank = max(first.shape.count, second.shape.count)
    guard min(first.shape.count, second.shape.count) >= 2 else {
      throw refusal("has inputs of the shapes \(first.shape) and \(second.shape)")
    }
    /// A tensor's rows, columns and batches, each with its distances.
    func matrix(_ tensor: QuantizedNetwork.Tensor, isTransposed: Bool) -> (shape: [Int], strides: [Int]) {
      var shape = [Int](repeating: 1, count: rank - tensor.shape.count) + tensor.shape
      var strides = contiguousStrides(shape)
      for axis in 0..<rank - 2 where shape[axis] == 1 { strides[axis] = 0 }
      if isTransposed {
        shape.swapAt(rank - 2, rank - 1)
        strides.swapAt(rank - 2, rank - 1)
      }
      return (shape, strides)
    }
    let one = matrix(first, isTransposed: options.transposesFirst)
    let other = matrix(second, isTransposed: options.transposesSecond)
    let batches = zip(one.shape, other.shape).dropLast(2)
    let shape = batches.map { max($0, $1) } + [one.shape[rank - 2], other.shape[rank - 1]]
    guard batches.allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }),
      one.shape[rank - 1] == other.shape[rank - 2],
      output.shape == shape
    else {
      throw refusal("goes from the shapes \(first.shape) and \(second.shape) to \(output.shape)")
    }
    let real = Double(first.scale) * Double(second.scale) / Double(output.scale)
    let product = QuantizedNetwork.BatchProduct(
      shape: shape, firstStrides: Array(one.strides.dropLast()) + [0],
      secondStrides: Array(other.strides.dropLast(2)) + [0, other.strides[rank - 1]],
      depth: one.shape[rank - 1], firstStep: one.strides[rank - 1], secondStep: other.strides[rank - 2],
      multiplier: try multiplier(real, mostLeftShift: output.type == .int16 ? 14 : 30))
    return TFLiteImportedOperator(.batchProduct(product), inputs: [first, second], output: output)
  }
}

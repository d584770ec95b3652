import Networks

// DEPTH_TO_SPACE, SPACE_TO_BATCH_ND and their inverses, and STRIDED_SLICE.

extension TFLiteOperator {
  /// DEPTH_TO_SPACE and SPACE_TO_DEPTH: a block's rows and columns from channels, or to them.
  func depthAndSpace() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: 1...1)
    let input = try shape(0)
    let size = Int(try options(kind == .depthToSpace ? .depthToSpace : .spaceToDepth).blockSize)
    let isToSpace = kind == .depthToSpace
    guard input.count == 4, (1...4096).contains(size),
      isToSpace
        ? input[3].isMultiple(of: size * size)
        : input[1].isMultiple(of: size) && input[2].isMultiple(of: size)
    else { throw refusal("has the shape \(input) and blocks of \(size)") }
    let (batch, height, width, depth) = (input[0], input[1], input[2], input[3])
    let (split, order, shape): ([Int], [Int], [Int]) =
      isToSpace
      ? (
        [batch, height, width, size, size, depth / (size * size)], [0, 1, 3, 2, 4, 5],
        [batch, height * size, width * size, depth / (size * size)]
      )
      : (
        [batch, height / size, size, width / size, size, depth], [0, 1, 3, 2, 4, 5],
        [batch, height / size, width / size, depth * size * size]
      )
    let strides = contiguousStrides(split)
    let result = order.map { split[$0] }
    return Movement(outputs: [
      .init(
        shape: shape,
        blocks: [
          try block(
            shape: result, inputStrides: order.map { strides[$0] }, outputStrides: contiguousStrides(result))
        ])
    ])
  }

  /// SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: element `j` of phase `k` in a batch is element `j * block + k`, less what
  /// is padded or cropped before, in space.
  func spaceAndBatch() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: 3...3)
    let isToBatch = kind == .spaceToBatchND
    let input = try shape(0)
    let sizes = try integers(1, "block sizes")
    let borders = try integers(2, "paddings or crops", count: 2 * sizes.count)
    let phases = sizes.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    guard input.count > sizes.count, sizes.allSatisfy({ (1...4096).contains($0) }),
      (1...4096).contains(phases),
      borders.allSatisfy({ (0...Self.mostElements).contains($0) }),
      isToBatch || input[0].isMultiple(of: phases)
    else { throw refusal("has the shape \(input), blocks of \(sizes) and the border \(borders)") }
    var shape = input
    shape[0] = isToBatch ? input[0] * phases : input[0] / phases
    for (axis, size) in sizes.enumerated() {
      let border = borders[2 * axis] + borders[2 * axis + 1]
      let length = isToBatch ? input[axis + 1] + border : input[axis + 1] * size - border
      guard length > 0, !isToBatch || length.isMultiple(of: size) else {
        throw refusal("has the shape \(input), blocks of \(sizes) and the border \(borders)")
      }
      shape[axis + 1] = isToBatch ? length / size : length
    }
    guard shape.reduce(1, *) <= Self.mostElements else { throw refusal("gives the shape \(shape)") }
    let batches = min(input[0], shape[0])
    var blocks: [QuantizedNetwork.Block] = []
    for phase in 0..<phases {
      var axes = Self.whole(zip(input, shape).map { min($0, $1) })
      axes[0] = [
        AxisRun(
          count: batches, inputStart: isToBatch ? 0 : phase * batches,
          outputStart: isToBatch ? phase * batches : 0)
      ]
      var rest = phase
      for axis in sizes.indices.reversed() {
        let (offset, size) = (rest % sizes[axis], sizes[axis])
        rest /= size
        axes[axis + 1] = Self.phase(
          offset - borders[2 * axis], of: size, spaceLength: isToBatch ? input[axis + 1] : shape[axis + 1],
          batchLength: isToBatch ? shape[axis + 1] : input[axis + 1], isToBatch: isToBatch)
      }
      blocks += try self.blocks(input: 0, from: input, to: shape, axes: axes)
    }
    let isPadded = isToBatch && borders.contains { $0 > 0 }
    return Movement(outputs: [.init(shape: shape, blocks: blocks, isFilled: isPadded)])
  }

  /// The elements that a phase has in common with space; none where all of it is border.
  private static func phase(
    _ offset: Int, of size: Int, spaceLength: Int, batchLength: Int, isToBatch: Bool
  ) -> [AxisRun] {
    // The places j with 0 <= j * size + offset < spaceLength.
    let first = offset >= 0 ? 0 : (-offset + size - 1) / size
    let end = min(batchLength, offset < spaceLength ? (spaceLength - offset + size - 1) / size : 0)
    guard first < end else { return [] }
    let space = first * size + offset
    return [
      isToBatch
        ? AxisRun(
          count: end - first, inputStart: space, inputStep: size, outputStart: first, outputStep: 1)
        : AxisRun(
          count: end - first, inputStart: first, inputStep: 1, outputStart: space, outputStep: size)
    ]
  }
}

extension TFLiteOperator {
  func stridedSlice() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: 4...4)
    let options = try options(.stridedSlice)
    guard options.ellipsisMask == 0, options.newAxisMask == 0, !options.endIsOffset else {
      throw refusal("has an ellipsis, a new axis or ends that are offsets")
    }
    let input = try shape(0)
    let rank = input.count
    let begins = try integers(1, "begins", count: rank)
    let ends = try integers(2, "ends", count: rank)
    let steps = try integers(3, "strides", count: rank)
    var (axes, keptShape) = ([[AxisRun]](), [Int]())
    for axis in 0..<rank {
      func has(_ mask: Int32) -> Bool { mask >> Int32(axis) & 1 == 1 }
      let slice = try slice(
        of: input[axis], begin: has(options.beginMask) ? nil : begins[axis],
        end: has(options.endMask) ? nil : ends[axis], step: steps[axis], isSingle: has(options.shrinkAxisMask)
      )
      axes.append([AxisRun(count: slice.count, inputStart: slice.first, inputStep: steps[axis])])
      if !has(options.shrinkAxisMask) { keptShape.append(slice.count) }
    }
    let blocks = try blocks(input: 0, from: input, to: axes.map { $0[0].count }, axes: axes)
    return Movement(outputs: [.init(shape: keptShape, blocks: blocks)])
  }

  /// The first element and the number of those that a slice takes of a dimension; nil means from or to its border.
  private func slice(
    of size: Int, begin: Int?, end: Int?, step: Int, isSingle: Bool
  ) throws(NotConvertible) -> (first: Int, count: Int) {
    guard step != 0 else { throw refusal("has the stride 0") }
    let places = step > 0 ? 0...size : -1...size - 1
    func place(_ index: Int?, border: Int) -> Int {
      guard let index else { return border }
      return min(max(index < 0 ? index + size : index, places.lowerBound), places.upperBound)
    }
    let first = place(begin, border: step > 0 ? 0 : size - 1)
    if isSingle {
      guard step > 0, first < size else {
        throw refusal("takes the element \(first) of \(size) backwards or beyond")
      }
      return (first, 1)
    }
    let last = place(end, border: step > 0 ? size : -1)
    let distance = step > 0 ? last - first : first - last
    guard distance > 0 else { throw refusal("takes no element of a dimension of \(size)") }
    return (first, (distance - 1) / abs(step) + 1)
  }
}

import Networks

// RESHAPE, EXPAND_DIMS, SQUEEZE, PAD, TRANSPOSE, STRIDED_SLICE and CONCATENATION: what only moves codes.

extension TFLiteOperator {
  func reshape() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...2)
    let (input, output) = (try input(0), try output())
    try requireSameType(input, output)
    guard input.count == output.count else {
      throw refusal("goes from the shape \(input.shape) to \(output.shape)")
    }
    return TFLiteImportedOperator(.reshape, inputs: [input], output: output)
  }

  func pad() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: kind == .pad ? 2...2 : 3...3)
    let (input, output) = (try input(0), try output())
    try requireSameType(input, output)
    let rank = input.shape.count
    let amounts = try integers(1, "paddings", count: 2 * rank)
    let padded = input.shape.indices.map { amounts[2 * $0] + input.shape[$0] + amounts[2 * $0 + 1] }
    guard amounts.allSatisfy({ $0 >= 0 }), output.shape == padded else {
      throw refusal("pads the shape \(input.shape) by \(amounts) to \(output.shape)")
    }
    let strides = contiguousStrides(output.shape)
    let start = zip((0..<rank).map { amounts[2 * $0] }, strides).map { $0 * $1 }.reduce(0, +)
    let block = Self.block(
      input: 0, shape: input.shape, inputStart: 0, inputStrides: contiguousStrides(input.shape),
      outputStart: start, outputStrides: strides)
    let fill = input.count == output.count ? nil : try padding(of: output)
    return TFLiteImportedOperator(.rearrangement([block], fill: fill), inputs: [input], output: output)
  }

  /// The code that PAD writes: real 0; or PADV2's third input.
  private func padding(of output: QuantizedNetwork.Tensor) throws(NotConvertible) -> Int {
    guard kind == .padV2 else { return output.type == .int8 ? output.zeroPoint : 0 }
    let value = try input(2)
    try requireSameType(value, output)
    guard let codes = value.constant, codes.count == 1, value.scale == output.scale,
      value.zeroPoint == output.zeroPoint
    else { throw refusal("pads with something else than one constant of the output's scale") }
    return Int(codes[0])
  }

  func transpose() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 2...2)
    let (input, output) = (try input(0), try output())
    try requireSameType(input, output)
    let order = try integers(1, "dimensions", count: input.shape.count)
    guard order.sorted() == Array(input.shape.indices), output.shape == order.map({ input.shape[$0] }) else {
      throw refusal("goes from the shape \(input.shape) to \(output.shape) by the order \(order)")
    }
    let strides = contiguousStrides(input.shape)
    let block = Self.block(
      input: 0, shape: output.shape, inputStart: 0, inputStrides: order.map { strides[$0] }, outputStart: 0,
      outputStrides: contiguousStrides(output.shape))
    return TFLiteImportedOperator(.rearrangement([block], fill: nil), inputs: [input], output: output)
  }

  func concatenation() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 1...Int(UInt16.max))
    let options = try options(.concatenation)
    guard options.activation == .none else { throw refusal("has a fused activation") }
    let output = try output()
    let rank = output.shape.count
    guard (-rank..<rank).contains(Int(options.axis)) else {
      throw refusal("has the axis \(options.axis) of \(rank) dimensions")
    }
    let axis = Int(options.axis) + (options.axis < 0 ? rank : 0)
    let strides = contiguousStrides(output.shape)
    var inputs: [QuantizedNetwork.Tensor] = []
    var blocks: [QuantizedNetwork.Block] = []
    var position = 0
    for place in operation.inputs.indices {
      let input = try input(place)
      try requireSameType(input, output)
      try requireSymmetric(input, output)
      guard input.type == .int16 || (input.scale == output.scale && input.zeroPoint == output.zeroPoint)
      else {
        throw refusal("changes the scale or zero point of its input \(place)")
      }
      guard input.shape.count == rank,
        input.shape.indices.allSatisfy({ $0 == axis || input.shape[$0] == output.shape[$0] })
      else { throw refusal("joins the shape \(input.shape) to \(output.shape) along axis \(axis)") }
      blocks.append(
        Self.block(
          input: place, shape: input.shape, inputStart: 0, inputStrides: contiguousStrides(input.shape),
          outputStart: position * strides[axis], outputStrides: strides))
      inputs.append(input)
      position += input.shape[axis]
    }
    guard position == output.shape[axis] else {
      throw refusal("joins \(position) along axis \(axis) to the shape \(output.shape)")
    }
    return TFLiteImportedOperator(.rearrangement(blocks, fill: nil), inputs: inputs, output: output)
  }

  private static func block(
    input: Int, shape: [Int], inputStart: Int, inputStrides: [Int], outputStart: Int, outputStrides: [Int]
  ) -> QuantizedNetwork.Block {
    let merged = mergedDimensions(shape, [inputStrides, outputStrides])
    return QuantizedNetwork.Block(
      input: input, shape: merged.shape, inputStart: inputStart, inputStrides: merged.strides[0],
      outputStart: outputStart, outputStrides: merged.strides[1])
  }
}

extension TFLiteOperator {
  func stridedSlice() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 4...4)
    let options = try options(.stridedSlice)
    guard options.ellipsisMask == 0, options.newAxisMask == 0, !options.endIsOffset else {
      throw refusal("has an ellipsis, a new axis or ends that are offsets")
    }
    let (input, output) = (try input(0), try output())
    try requireSameType(input, output)
    let rank = input.shape.count
    let begins = try integers(1, "begins", count: rank)
    let ends = try integers(2, "ends", count: rank)
    let steps = try integers(3, "strides", count: rank)
    let strides = contiguousStrides(input.shape)
    var (shape, keptShape, start) = ([Int](), [Int](), 0)
    for axis in 0..<rank {
      func has(_ mask: Int32) -> Bool { mask >> Int32(axis) & 1 == 1 }
      let slice = try slice(
        of: input.shape[axis], begin: has(options.beginMask) ? nil : begins[axis],
        end: has(options.endMask) ? nil : ends[axis], step: steps[axis], isSingle: has(options.shrinkAxisMask)
      )
      start += slice.first * strides[axis]
      shape.append(slice.count)
      if !has(options.shrinkAxisMask) { keptShape.append(slice.count) }
    }
    guard output.shape == keptShape else {
      throw refusal("gives the shape \(output.shape), not \(keptShape)")
    }
    let block = Self.block(
      input: 0, shape: shape, inputStart: start, inputStrides: zip(strides, steps).map { $0 * $1 },
      outputStart: 0, outputStrides: contiguousStrides(shape))
    return TFLiteImportedOperator(.rearrangement([block], fill: nil), inputs: [input], output: output)
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

import QuantInfer

// Slices, gathers, concatenations, padding and repetition: copies of blocks.

extension GraphBuilder {
  /// Every `step`-th value along a dimension, backwards where it is negative.
  ///
  /// - Throws: `InvalidNetwork` where the range is not in the dimension.
  package mutating func sliced(
    _ value: Value, axis: Int, start: Int, step: Int, count: Int
  ) throws(InvalidNetwork) -> Value {
    let size = value.shape[axis]
    guard count > 0, (0..<size).contains(start), (0..<size).contains(start + (count - 1) * step) else {
      throw InvalidNetwork("takes \(count) of \(size) values from \(start) on")
    }
    if count == size, start == 0, step == 1 { return value }
    let source = try simple(value)
    guard let factor = source.layout.axes[axis].first else { return source }
    var (shape, strides) = (source.layout.factors, source.layout.strides)
    let begin = start * strides[factor]
    shape[factor] = count
    strides[factor] *= step
    let block = try Self.block(shape, from: strides, at: begin, to: contiguousStrides(shape), at: 0)
    let layout = source.layout.resized(factor: factor, to: count)
    let tensor = try append(
      .stridedSlice, [source.tensor], shape: memoryShape(layout), .rearrangement([block], fill: nil))
    return Value(tensor: tensor, layout: layout)
  }

  /// The values at some places along a dimension.
  ///
  /// - Throws: `InvalidNetwork` where a place is not in the dimension.
  package mutating func gathered(_ value: Value, axis: Int, _ places: [Int]) throws(InvalidNetwork) -> Value {
    guard let first = places.first else { throw InvalidNetwork("gathers nothing") }
    let step = places.count > 1 ? places[1] - first : 1
    if step != 0, places.indices.allSatisfy({ places[$0] == first + $0 * step }) {
      return try sliced(value, axis: axis, start: first, step: step, count: places.count)
    }
    var parts: [Operand] = []
    for place in places {
      parts.append(.value(try sliced(value, axis: axis, start: place, step: 1, count: 1)))
    }
    return try concatenated(parts, axis: axis)
  }

  /// Tensors one after the other along a dimension.
  ///
  /// - Throws: `InvalidNetwork` where the other dimensions differ.
  package mutating func concatenated(_ operands: [Operand], axis: Int) throws(InvalidNetwork) -> Value {
    guard let rank = operands.first?.shape.count, axis < rank else { throw InvalidNetwork("joins nothing") }
    var shape = operands[0].shape
    shape[axis] = operands.reduce(0) { $0 + ($1.shape.count == rank ? $1.shape[axis] : 0) }
    for operand in operands {
      var expected = shape
      expected[axis] = operand.shape.count == rank ? operand.shape[axis] : 0
      guard operand.shape == expected else {
        throw InvalidNetwork("joins the shapes \(operands.map(\.shape))")
      }
    }
    var sources: [(tensor: Int, layout: AxisLayout)] = []
    for operand in operands {
      switch operand {
      case .value(let value):
        let value = try simple(value)
        sources.append((value.tensor, value.layout))
      case .constant(let constant):
        sources.append((self.constant(constant.values, shape: constant.shape), AxisLayout(constant.shape)))
      }
    }
    // Memory's order is that of the first tensor that has all the dimensions.
    let orders = sources.compactMap(\.layout.memoryOrder)
    let wanted = shape.indices.filter { shape[$0] != 1 }
    let order =
      orders.first { $0.sorted() == wanted }
      ?? (rank > 2 && axis == 1 ? wanted.filter { $0 != 1 } + [1] : wanted)
    let target = AxisLayout(shape, memoryOrder: order)
    let strides = order.indices.map { target.strides[$0] }
    var (blocks, start): ([QuantizedNetwork.Block], Int) = ([], 0)
    let axisStride = order.firstIndex(of: axis).map { strides[$0] } ?? 1
    for (index, source) in sources.enumerated() {
      let part = source.layout
      let partShape = part.shape
      blocks.append(
        try Self.block(
          input: index, order.map { partShape[$0] },
          from: order.map { axis in part.axes[axis].first.map { part.strides[$0] } ?? 0 }, at: 0, to: strides,
          at: start * axisStride))
      start += partShape[axis]
    }
    let tensor = try append(
      .concatenation, sources.map(\.tensor), shape: memoryShape(target), .rearrangement(blocks, fill: nil))
    return Value(tensor: tensor, layout: target)
  }

  /// A number around a value.
  mutating func pad(
    _ value: Value, _ padding: [(before: Int, after: Int)], with number: Float
  ) throws(InvalidNetwork) -> Value {
    let source = try simple(value)
    guard padding.count == source.shape.count else {
      throw InvalidNetwork("pads \(padding.count) of \(source.shape.count) dimensions")
    }
    let shape = zip(source.shape, padding).map { $0 + $1.before + $1.after }
    try requireRoom(for: shape)
    let known = source.layout.memoryOrder ?? []
    let missing = shape.indices.filter { shape[$0] != 1 && !known.contains($0) }
    let target = AxisLayout(shape, memoryOrder: missing + known)
    let order = missing + known
    let (sizes, strides) = (source.shape, target.strides)
    let start = order.indices.reduce(0) { $0 + padding[order[$1]].before * strides[$1] }
    let block = try Self.block(
      order.map { sizes[$0] },
      from: order.map { axis in source.layout.axes[axis].first.map { source.layout.strides[$0] } ?? 0 },
      at: 0,
      to: strides, at: start)
    let tensor = try append(
      .pad, [source.tensor], shape: memoryShape(target), .rearrangement([block], fill: number))
    return Value(tensor: tensor, layout: target)
  }

  /// Dimensions of 1 repeated to a shape.
  ///
  /// - Throws: `InvalidNetwork` where another dimension would change, or the result is too large.
  package mutating func repeated(_ value: Value, to shape: [Int]) throws(InvalidNetwork) -> Value {
    var source = try simple(value)
    while source.shape.count < shape.count { source.layout = source.layout.inserting(at: 0) }
    guard zip(source.shape, shape).allSatisfy({ $0 == $1 || $0 == 1 }), source.shape.count == shape.count
    else { throw InvalidNetwork("repeats the shape \(value.shape) to \(shape)") }
    if source.shape == shape { return source }
    try requireRoom(for: shape)
    let layout = source.layout
    // Channels stay last in memory; a repeated dimension lies just outside of what follows it in the source.
    let known = layout.memoryOrder ?? []
    let order = shape.indices.filter { shape[$0] != 1 && !known.contains($0) }
      .reduce(into: known) { order, axis in
        let next =
          order.firstIndex { $0 > axis && $0 != 1 } ?? (order.last == 1 ? order.count - 1 : order.count)
        order.insert(axis, at: next)
      }
    let target = AxisLayout(shape, memoryOrder: order)
    let block = try Self.block(
      order.map { shape[$0] },
      from: order.map { axis in layout.axes[axis].first.map { layout.strides[$0] } ?? 0 }, at: 0,
      to: target.strides, at: 0)
    let tensor = try append(
      .stridedSlice, [source.tensor], shape: memoryShape(target), .rearrangement([block], fill: nil))
    return Value(tensor: tensor, layout: target)
  }

  /// Copies between places of tensors as they are with their dimensions in order, outermost first.
  ///
  /// - Parameters:
  ///   - operands: What the blocks read.
  ///   - shape: The result's dimensions.
  ///   - blocks: The copies.
  ///   - isFilled: Whether some places get 0 instead.
  /// - Returns: The result, its dimensions in order in memory.
  /// - Throws: `InvalidNetwork` where the result is too large.
  package mutating func moved(
    _ operands: [Operand], to shape: [Int], _ blocks: [QuantizedNetwork.Block], isFilled: Bool
  ) throws(InvalidNetwork) -> Value {
    var sources: [Int] = []
    for operand in operands {
      switch operand {
      case .value(let value):
        sources.append(try arranged(value, Array(value.shape.indices)).tensor)
      case .constant(let constant): sources.append(self.constant(constant.values, shape: constant.shape))
      }
    }
    let target = AxisLayout(shape)
    let tensor = try append(
      .stridedSlice, sources, shape: [1] + target.factors, .rearrangement(blocks, fill: isFilled ? 0 : nil))
    return Value(tensor: tensor, layout: target)
  }

  /// A shape for a tensor of a layout: `[batch, time, frequency, channel]` where it can be that.
  private func memoryShape(_ layout: AxisLayout) -> [Int] {
    let shape = layout.shape
    let order = layout.memoryOrder ?? []
    let channelsLast = shape.count > 2 ? Self.channelsLast(shape.count).filter { shape[$0] != 1 } : []
    if shape.count > 2, order == channelsLast {
      return Self.imageShape(Self.channelsLast(shape.count).map { shape[$0] }) ?? layout.factors
    }
    return [1] + layout.factors
  }
}

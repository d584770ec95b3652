import Networks

// Operators that move values without changing them.

extension ONNXImport {
  /// What a reshape, slice or the like gives; nil for other kinds.
  mutating func rearrangement(_ node: ONNXNode) throws(NotConvertible) -> [ONNXValue]? {
    switch node.node.kind {
    case "Identity", "Dropout": return [.value(try node.value())]
    case "Cast":
      guard [1, 10, 11, 16].contains(try node.integer("to", 1)) else {
        throw node.refusal("makes whole numbers of real ones")
      }
      return [.value(try node.value())]
    case "Reshape", "Flatten", "Squeeze", "Unsqueeze":
      let value = try node.value()
      let shape = try node.reshaped(value.shape)
      return [.value(try node.building { () throws(InvalidNetwork) in try builder.reshaped(value, shape) })]
    case "Transpose":
      let value = try node.value()
      return [.value(builder.transposed(value, try node.permutation(rank: value.shape.count)))]
    case "Slice": return [.value(try slice(node))]
    case "Split": return try split(node)
    case "Gather": return [.value(try gather(node))]
    case "Concat": return [.value(try concatenation(node))]
    case "Pad": return [.value(try padding(node))]
    case "Expand":
      let value = try node.value()
      let shape = try node.broadcast(value.shape, try node.constant(1).integers)
      return [
        .value(try node.building { () throws(InvalidNetwork) in try builder.repeated(value, to: shape) })
      ]
    case "Resize", "Upsample": return [.value(try resize(node))]
    default: return nil
    }
  }

  private mutating func slice(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    var value = try node.value()
    for slice in try node.slices(value.shape) {
      value = try node.building { () throws(InvalidNetwork) in
        try builder.sliced(value, axis: slice.axis, start: slice.start, step: slice.step, count: slice.count)
      }
    }
    return value
  }

  private mutating func split(_ node: ONNXNode) throws(NotConvertible) -> [ONNXValue] {
    let value = try node.value()
    let axis = try node.axis(try node.integer("axis", 0), rank: value.shape.count)
    let (size, count) = (value.shape[axis], node.node.outputs.count)
    let equal = (size + count - 1) / max(1, count)
    let usual = (0..<count).map { max(0, min(equal, size - $0 * equal)) }
    let sizes = try node.integers("split", orInput: 1) ?? usual
    guard sizes.count == count, sizes.allSatisfy({ (1...size).contains($0) }), sizes.reduce(0, +) == size
    else {
      throw node.refusal("splits \(size) into \(sizes)")
    }
    var parts: [ONNXValue] = []
    var start = 0
    for size in sizes {
      parts.append(
        .value(
          try node.building { () throws(InvalidNetwork) in
            try builder.sliced(value, axis: axis, start: start, step: 1, count: size)
          }))
      start += size
    }
    return parts
  }

  private mutating func gather(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    let value = try node.value()
    let (axis, places, inner) = try node.gathering(value.shape)
    guard places.count <= 1024 else { throw node.refusal("gathers \(places.count) places") }
    var shape = value.shape
    shape.replaceSubrange(axis...axis, with: inner)
    return try node.building { () throws(InvalidNetwork) in
      let gathered = try builder.gathered(value, axis: axis, places)
      return try builder.reshaped(gathered, shape)
    }
  }

  private mutating func concatenation(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    var operands: [GraphBuilder.Operand] = []
    for place in node.inputs.indices { operands.append(try node.input(place).operand) }
    let axis = try node.axis(try node.integer("axis", 0), rank: operands.first?.shape.count ?? 0)
    return try node.building { () throws(InvalidNetwork) in try builder.concatenated(operands, axis: axis) }
  }

  private mutating func padding(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    let value = try node.value()
    guard let numbers = try node.integers("pads", orInput: 1) else { throw node.refusal("has no padding") }
    let axes = try node.axes(
      try node.optionalConstant(3)?.integers ?? Array(value.shape.indices), rank: value.shape.count)
    guard numbers.count == 2 * axes.count else {
      throw node.refusal("has \(numbers.count) paddings of \(axes.count) dimensions")
    }
    var number = try node.float("value", 0)
    if let constant = try node.optionalConstant(2)?.floats.first { number = constant }
    let mode = try node.text("mode", "constant")
    guard mode == "constant" else {
      return try repeatedEdges(node, value, mode, Array(zip(axes, zip(numbers, numbers[axes.count...]))))
    }
    var padding = value.shape.map { _ in (before: 0, after: 0) }
    for (index, axis) in axes.enumerated() { padding[axis] = (numbers[index], numbers[axes.count + index]) }
    return try node.building { () throws(InvalidNetwork) in
      try builder.padded(value, padding, with: number)
    }
  }

  /// Padding with values of the tensor itself: mirrored, or the outermost ones.
  private mutating func repeatedEdges(
    _ node: ONNXNode, _ value: GraphBuilder.Value, _ mode: String, _ padding: [(Int, (Int, Int))]
  ) throws(NotConvertible) -> GraphBuilder.Value {
    var result = value
    for (axis, (before, after)) in padding where (before, after) != (0, 0) {
      let size = result.shape[axis]
      let most = mode == "reflect" ? size - 1 : mode == "edge" || mode == "wrap" ? size : -1
      guard (0...max(0, most)).contains(before), (0...max(0, most)).contains(after), most >= 0 else {
        throw node.refusal("pads \(before) and \(after) of \(size) values in the mode \(mode.prefix(20))")
      }
      let places = (-before..<size + after).map { place in
        switch mode {
        case "reflect": place < 0 ? -place : place < size ? place : 2 * (size - 1) - place
        case "wrap": (place + size) % size
        default: max(0, min(size - 1, place))
        }
      }
      guard places.count <= 4096 else { throw node.refusal("pads to \(places.count) values") }
      let whole = result
      result = try node.building { () throws(InvalidNetwork) in
        // The edges one by one, the tensor itself as a whole.
        var parts: [GraphBuilder.Operand] = []
        for place in places[..<before] {
          parts.append(.value(try builder.sliced(whole, axis: axis, start: place, step: 1, count: 1)))
        }
        parts.append(.value(whole))
        for place in places[(before + size)...] {
          parts.append(.value(try builder.sliced(whole, axis: axis, start: place, step: 1, count: 1)))
        }
        return try builder.concatenated(parts, axis: axis)
      }
    }
    return result
  }

  /// Values repeated a whole number of times.
  private mutating func resize(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    let value = try node.value()
    guard try node.text("mode", "nearest") == "nearest" else {
      throw node.refusal("doesn't repeat the nearest values")
    }
    let isUpsample = node.node.kind == "Upsample"
    let scales = try node.optionalConstant(isUpsample ? 1 : 2)?.values ?? []
    let sizes = try isUpsample ? nil : node.optionalConstant(3)?.integers
    var factors: [Int] = []
    for (axis, size) in value.shape.enumerated() {
      if let sizes, sizes.count == value.shape.count, sizes[axis] >= size, sizes[axis].isMultiple(of: size) {
        factors.append(sizes[axis] / size)
      } else if sizes == nil, scales.count == value.shape.count, let factor = Int(exactly: scales[axis]),
        factor > 0
      {
        factors.append(factor)
      }
    }
    guard factors.count == value.shape.count, factors.allSatisfy({ $0 < 1 << 16 }) else {
      throw node.refusal("resizes \(value.shape) by factors that aren't whole numbers")
    }
    return try node.building { () throws(InvalidNetwork) in
      var result = value
      for (axis, factor) in factors.enumerated() where factor > 1 {
        let shape = result.shape
        var split = shape
        split.insert(1, at: axis + 1)
        var wide = split
        wide[axis + 1] = factor
        var joined = shape
        joined[axis] *= factor
        let repeated = try builder.repeated(try builder.reshaped(result, split), to: wide)
        result = try builder.reshaped(repeated, joined)
      }
      return result
    }
  }
}

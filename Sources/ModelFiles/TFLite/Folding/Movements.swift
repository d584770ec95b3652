import Networks

// The operators that only move elements, as movements.

extension TFLiteOperator {
  /// The operator as a movement; nil where it computes something.
  ///
  /// - Throws: `NotConvertible`, where its lists aren't constant or don't fit the shapes.
  func movement() throws(NotConvertible) -> Movement? {
    switch kind {
    case .reshape, .expandDims, .squeeze: try renaming()
    case .pad, .padV2: try padding()
    case .transpose: try transposition()
    case .stridedSlice: try stridedSlice()
    case .slice: try slice()
    case .split, .splitV: try split()
    case .unpack: try unpacking()
    case .concatenation, .pack: try joining()
    case .gather: try gathering()
    case .tile, .broadcastTo: try repetition()
    case .reverseV2: try reversal()
    case .resizeNearestNeighbor: try nearestNeighbours()
    case .depthToSpace, .spaceToDepth: try depthAndSpace()
    case .spaceToBatchND, .batchToSpaceND: try spaceAndBatch()
    default: nil
    }
  }

  /// The shape of an input, from the model as it is folded so far.
  func shape(_ place: Int) throws(NotConvertible) -> [Int] { try shape(ofTensor: inputIndex(place)) }

  func shape(ofTensor index: Int) throws(NotConvertible) -> [Int] {
    do throws(NotConvertible) {
      return try Self.shape(of: index, in: model)
    } catch {
      throw refusal(error.problem)
    }
  }

  private func outputShape() throws(NotConvertible) -> [Int] { try shape(ofTensor: outputIndex) }

  private func movement(
    of shape: [Int], from inputShape: [Int], axes: [[AxisRun]], as outputShape: [Int]? = nil,
    isFilled: Bool = false
  ) throws(NotConvertible) -> Movement.Output {
    .init(
      shape: outputShape ?? shape,
      blocks: try blocks(input: 0, from: inputShape, to: shape, axes: axes), isFilled: isFilled)
  }

  /// RESHAPE, EXPAND_DIMS and SQUEEZE: all elements in the same order.
  private func renaming() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: 1...2)
    let (input, output) = (try shape(0), try outputShape())
    let count = input.reduce(1, *)
    let wanted = try? newShape(of: input)
    let result = output.reduce(1, *) == count ? output : wanted ?? output
    guard result.reduce(1, *) == count else {
      throw refusal("goes from the shape \(input) to \(output)")
    }
    return Movement(outputs: [try movement(of: [count], from: [count], axes: Self.whole([count]), as: result)]
    )
  }

  /// The shape that the operator's own list or axis asks for.
  private func newShape(of input: [Int]) throws(NotConvertible) -> [Int]? {
    switch kind {
    case .expandDims:
      var shape = input
      shape.insert(1, at: try axis(try integers(1, "axes", count: 1)[0], of: input.count + 1))
      return shape
    case .squeeze:
      var axes: Set<Int> = []
      for axis in try options(.squeeze).squeezedDimensions {
        axes.insert(try self.axis(Int(axis), of: input.count))
      }
      return input.enumerated().filter { $1 != 1 || !(axes.isEmpty || axes.contains($0)) }.map(\.element)
    default:
      let list =
        optionalInputIndex(1) == nil
        ? try options(.reshape).newShape.map { Int($0) } : try integers(1, "dimensions")
      let known = list.filter { $0 >= 0 }.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
      let count = input.reduce(1, *)
      guard list.contains(-1), known > 0, count.isMultiple(of: known) else { return list }
      return list.map { $0 == -1 ? count / known : $0 }
    }
  }

  private func padding() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: kind == .pad ? 2...2 : 3...3)
    let input = try shape(0)
    let amounts = try integers(1, "paddings", count: 2 * input.count)
    let padded = input.indices.map { amounts[2 * $0] + input[$0] + amounts[2 * $0 + 1] }
    guard amounts.allSatisfy({ (0...Self.mostElements).contains($0) }),
      padded.allSatisfy({ $0 <= Self.mostElements })
    else { throw refusal("pads the shape \(input) by \(amounts) to \(try outputShape())") }
    let axes = input.indices.map { [AxisRun(count: input[$0], outputStart: amounts[2 * $0])] }
    return Movement(outputs: [
      try movement(of: padded, from: input, axes: axes, isFilled: padded != input)
    ])
  }

  private func transposition() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: 2...2)
    let input = try shape(0)
    let order = try integers(1, "dimensions", count: input.count)
    let declared = try outputShape()
    guard order.sorted() == Array(input.indices), hasOpenShape || declared == order.map({ input[$0] }) else {
      throw refusal("goes from the shape \(input) to \(declared) by the order \(order)")
    }
    let shape = order.map { input[$0] }
    return Movement(outputs: [.init(shape: shape, blocks: [try transposed(input, by: order)])])
  }

  /// All elements of a shape, its dimensions in another order.
  private func transposed(_ shape: [Int], by order: [Int]) throws(NotConvertible) -> QuantizedNetwork.Block {
    let strides = contiguousStrides(shape)
    let result = order.map { shape[$0] }
    return try block(
      shape: result, inputStrides: order.map { strides[$0] }, outputStrides: contiguousStrides(result))
  }

  private func slice() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: 3...3)
    let input = try shape(0)
    let begins = try integers(1, "begins", count: input.count)
    let sizes = try integers(2, "sizes", count: input.count)
    var axes: [[AxisRun]] = []
    for (axis, length) in input.enumerated() {
      let begin = begins[axis]
      guard (0..<length).contains(begin) else { throw refusal("begins at \(begin) of \(length)") }
      let size = sizes[axis] == -1 ? length - begin : sizes[axis]
      guard (1...length - begin).contains(size) else {
        throw refusal("takes \(size) from \(begin) of \(length)")
      }
      axes.append([AxisRun(count: size, inputStart: begin)])
    }
    return Movement(outputs: [try movement(of: axes.map { $0[0].count }, from: input, axes: axes)])
  }

  /// SPLIT into equal parts and SPLIT_V into given ones.
  private func split() throws(NotConvertible) -> Movement {
    let (data, axisPlace) = kind == .split ? (1, 0) : (0, 2)
    try requireCounts(inputs: kind == .split ? 2...2 : 3...3, outputs: 1...Self.mostOutputs)
    let input = try shape(data)
    let axis = try axis(try integers(axisPlace, "axes", count: 1)[0], of: input.count)
    let parts = operation.outputs.count
    var sizes = [Int](repeating: input[axis] / parts, count: parts)
    if kind == .splitV {
      sizes = try integers(1, "sizes", count: parts)
      let known = sizes.filter { $0 != -1 }.reduce(0) { $0 + min($1, Self.mostElements) }
      sizes = sizes.map { $0 == -1 ? input[axis] - known : $0 }
    }
    guard sizes.allSatisfy({ (1...input[axis]).contains($0) }), sizes.reduce(0, +) == input[axis] else {
      throw refusal("splits \(input[axis]) into \(parts) parts")
    }
    var outputs: [Movement.Output] = []
    var start = 0
    for size in sizes {
      var (shape, axes) = (input, Self.whole(input))
      shape[axis] = size
      axes[axis] = [AxisRun(count: size, inputStart: start)]
      outputs.append(try movement(of: shape, from: input, axes: axes))
      start += size
    }
    return Movement(inputs: [data], outputs: outputs)
  }

  private static var mostOutputs: Int { 65_535 }

  private func unpacking() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: 1...1, outputs: 1...Self.mostOutputs)
    let input = try shape(0)
    let axis = try axis(Int(try options(.unpack).axis), of: input.count)
    guard input[axis] == operation.outputs.count else {
      throw refusal("unpacks \(input[axis]) into \(operation.outputs.count)")
    }
    var outputs: [Movement.Output] = []
    for index in 0..<input[axis] {
      var (shape, axes) = (input, Self.whole(input))
      shape[axis] = 1
      axes[axis] = [AxisRun(count: 1, inputStart: index)]
      var named = shape
      named.remove(at: axis)
      outputs.append(try movement(of: shape, from: input, axes: axes, as: named))
    }
    return Movement(outputs: outputs)
  }

  /// CONCATENATION along an axis, and PACK along a new one.
  private func joining() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: 1...Self.mostOutputs)
    let options = try options(kind == .pack ? .pack : .concatenation)
    guard options.activation == .none else { throw refusal("has a fused activation") }
    var shapes: [[Int]] = []
    for place in operation.inputs.indices { shapes.append(try shape(place)) }
    let axis = try axis(Int(options.axis), of: shapes[0].count + (kind == .pack ? 1 : 0))
    if kind == .pack {
      for place in shapes.indices { shapes[place].insert(1, at: min(axis, shapes[place].count)) }
    }
    var shape = shapes[0]
    for (place, other) in shapes.enumerated().dropFirst() {
      guard other.count == shape.count, other.indices.allSatisfy({ $0 == axis || other[$0] == shape[$0] })
      else {
        throw refusal("joins the shape \(shapes[place]) to \(shapes[0]) along axis \(axis)")
      }
      shape[axis] += other[axis]
    }
    guard shape.reduce(1, *) <= Self.mostElements else { throw refusal("gives the shape \(shape)") }
    let declared = try outputShape()
    guard kind == .pack || declared.count <= axis || declared[axis] == shape[axis] || hasOpenShape else {
      throw refusal("joins \(shape[axis]) along axis \(axis) to the shape \(declared)")
    }
    var blocks: [QuantizedNetwork.Block] = []
    var start = 0
    for (place, part) in shapes.enumerated() {
      var axes = Self.whole(part)
      axes[axis] = [AxisRun(count: part[axis], outputStart: start)]
      blocks += try self.blocks(input: place, from: part, to: shape, axes: axes)
      start += part[axis]
    }
    return Movement(
      inputs: Array(shapes.indices), outputs: [.init(shape: shape, blocks: blocks)])
  }

  /// GATHER of constant indices along an axis.
  private func gathering() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: 2...2)
    let options = try options(.gather)
    let input = try shape(0)
    let axis = try axis(Int(options.axis), of: input.count)
    guard options.batchDimensions == 0 else { throw refusal("gathers for each batch") }
    let indices = try integers(1, "indices")
    guard indices.allSatisfy({ (0..<input[axis]).contains($0) }) else {
      throw refusal("gathers an element that isn't among \(input[axis])")
    }
    var (shape, axes, named) = (input, Self.whole(input), input)
    shape[axis] = indices.count
    axes[axis] = AxisRun.runs(of: indices)
    named.replaceSubrange(axis...axis, with: try self.shape(1))
    return Movement(outputs: [try movement(of: shape, from: input, axes: axes, as: named)])
  }

  /// TILE and BROADCAST_TO.
  private func repetition() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: 2...2)
    var input = try shape(0)
    var times: [Int]
    if kind == .tile {
      times = try integers(1, "multiples", count: input.count)
    } else {
      let wanted = try integers(1, "dimensions")
      guard wanted.count >= input.count else { throw refusal("goes from the shape \(input) to \(wanted)") }
      input = [Int](repeating: 1, count: wanted.count - input.count) + input
      times = zip(input, wanted).map { $0 == $1 ? 1 : $0 == 1 ? $1 : 0 }
    }
    guard times.allSatisfy({ (1...Self.mostElements).contains($0) }) else {
      throw refusal("repeats the shape \(input) by \(times)")
    }
    let shape = zip(input, times).map { $0 * $1 }
    let strides = contiguousStrides(input)
    let all = zip(times, input).flatMap { [$0, $1] }
    return Movement(outputs: [
      .init(
        shape: shape,
        blocks: [
          try block(
            shape: all, inputStrides: strides.flatMap { [0, $0] }, outputStrides: contiguousStrides(all))
        ])
    ])
  }

  private func reversal() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: 2...2)
    let input = try shape(0)
    var axes = Self.whole(input)
    for axis in try integers(1, "axes") {
      let axis = try self.axis(axis, of: input.count)
      axes[axis] = [AxisRun(count: input[axis], inputStart: input[axis] - 1, inputStep: -1)]
    }
    return Movement(outputs: [try movement(of: input, from: input, axes: axes)])
  }

  /// RESIZE_NEAREST_NEIGHBOR, with TensorFlow Lite's rounding in single precision.
  private func nearestNeighbours() throws(NotConvertible) -> Movement {
    try requireCounts(inputs: 2...2)
    let options = try options(.resizeNearestNeighbor)
    let input = try shape(0)
    let sizes = try integers(1, "sizes", count: 2)
    guard input.count == 4, sizes.allSatisfy({ (1...65_536).contains($0) }) else {
      throw refusal("resizes the shape \(input) to \(sizes)")
    }
    func indices(_ length: Int, _ size: Int) -> [Int] {
      let corners = options.alignsCorners && size > 1
      let scale = corners ? Float(length - 1) / Float(size - 1) : Float(length) / Float(size)
      let offset: Float = options.hasHalfPixelCenters ? 0.5 : 0
      return (0..<size).map { place in
        let exact = (Float(place) + offset) * scale
        let rounded = options.alignsCorners ? exact.rounded(.toNearestOrAwayFromZero) : exact.rounded(.down)
        return max(0, min(Int(rounded), length - 1))
      }
    }
    var (shape, axes) = (input, Self.whole(input))
    for axis in 1...2 {
      shape[axis] = sizes[axis - 1]
      axes[axis] = AxisRun.runs(of: indices(input[axis], shape[axis]))
    }
    return Movement(outputs: [try movement(of: shape, from: input, axes: axes)])
  }
}

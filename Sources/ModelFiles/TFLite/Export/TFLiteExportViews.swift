import Networks

// Operators whose tensors are seen in other dimensions. The engine's are views of the same memory: a slice may drop its
// dimensions of 1, a sum may add tensors of different ranks. TensorFlow Lite wants a RESHAPE there.

extension TFLiteExport.Written {
  /// The operator with its tensors in other dimensions that its computation could be meant in.
  var views: [TFLiteExport.Written] {
    guard !inputs.contains(where: \.isVariable) else { return [] }
    return switch operation.computation {
    case .lookup, .rescaling, .sigmoid, .softmax, .logSoftmax:
      [seen(in: inputs.map(\.shape), input.shape)].compactMap(\.self)
    case .elementwise(let pair):
      [
        seen(
          in: [pair.firstStrides, pair.secondStrides].map { strides in
            zip(pair.shape, strides).map { $1 == 0 ? 1 : $0 }
          }, pair.shape)
      ].compactMap(\.self)
    case .mean(let mean):
      [
        seen(
          in: [Self.dimensions(mean.shape + mean.reducedShape, mean.strides + mean.reducedStrides)],
          mean.shape)
      ].compactMap(\.self)
    case .rearrangement(let blocks, _): viewsOfMovement(blocks)
    default: []
    }
  }

  /// Dimensions of 1 left out of all tensors, or put where one has fewer than another; and those of the copy itself.
  private func viewsOfMovement(_ blocks: [QuantizedNetwork.Block]) -> [TFLiteExport.Written] {
    let sources = inputs.map { Self.withoutOnes($0.shape) }
    let target = Self.withoutOnes(output.shape)
    let rank = max(target.count, sources.map(\.count).max() ?? 0)
    var views = Self.shapes(target, ofRank: rank).flatMap { target in
      Self.shapes(sources[0], ofRank: rank).compactMap { first in
        seen(in: [first] + sources.dropFirst(), target)
      }
    }
    if blocks.count == 1 {
      views += [seen(in: [Self.dimensions(blocks[0].shape, blocks[0].inputStrides)], blocks[0].shape)]
        .compactMap(\.self)
    }
    return views
  }

  /// The operator with its tensors in these dimensions; nil where they count other numbers of values.
  private func seen(in shapes: [[Int]], _ shape: [Int]) -> TFLiteExport.Written? {
    guard shapes.count == inputs.count, !shape.isEmpty, shapes.allSatisfy({ !$0.isEmpty }) else { return nil }
    var (seen, result) = (inputs, output)
    for (index, shape) in shapes.enumerated() { seen[index].shape = shape }
    result.shape = shape
    guard result.count == output.count, zip(seen, inputs).allSatisfy({ $0.count == $1.count }) else {
      return nil
    }
    return TFLiteExport.Written(operation, from: seen, to: result)
  }

  private static func withoutOnes(_ shape: [Int]) -> [Int] {
    let kept = shape.filter { $0 != 1 }
    return kept.isEmpty ? [1] : kept
  }

  /// A shape with ones in all places that bring it to a rank.
  private static func shapes(_ shape: [Int], ofRank rank: Int) -> [[Int]] {
    guard shape.count < rank else { return [shape] }
    var longer: [[Int]] = []
    for place in 0...shape.count {
      var next = shape
      next.insert(1, at: place)
      if !longer.contains(next) { longer.append(next) }
    }
    return longer.flatMap { shapes($0, ofRank: rank) }
  }

  /// Lengths in the order of the memory that they walk through: the farthest apart first.
  private static func dimensions(_ lengths: [Int], _ strides: [Int]) -> [Int] {
    zip(lengths, strides).sorted { $0.1 > $1.1 }.map(\.0)
  }
}

extension TFLiteExport {
  /// Adds an operator in one of its ways, with a RESHAPE wherever a tensor is seen in other dimensions than it has.
  mutating func add(_ seen: Written, of written: Written, _ way: Way) {
    var inputs: [Int32] = []
    for (index, place) in written.operation.inputs.enumerated() {
      let (tensor, view) = (written.inputs[index], seen.inputs[index])
      guard tensor.shape != view.shape else {
        inputs.append(Int32(place))
        continue
      }
      inputs.append(add(view, name: "\(view.name), seen otherwise"))
      if view.constant == nil { addReshape(Int32(place), to: inputs[index], view.shape) }
    }
    guard seen.output.shape != written.output.shape else {
      return way(&self, inputs, Int32(written.operation.output))
    }
    let output = add(seen.output, name: "\(seen.output.name), seen otherwise")
    way(&self, inputs, output)
    addReshape(output, to: Int32(written.operation.output), written.output.shape)
  }

  /// Adds a RESHAPE.
  mutating func addReshape(_ input: Int32, to output: Int32, _ shape: [Int]) {
    var options = TFLiteOptions(.reshape)
    options.newShape = shape.map { Int32($0) }
    let list = add(shape, named: "shape")
    add(.reshape, options, [input, list], to: output)
  }
}

import Networks
import QuantInfer

// Copies between strided places as the operators of TensorFlow Lite that could make them.

extension TFLiteExport.Written {
  /// The ways to say some copies.
  func waysOfMovement(_ blocks: [QuantizedNetwork.Block], fill: Int?) -> [TFLiteExport.Way] {
    guard let first = blocks.first else { return [] }
    if fill != nil { return wayOfPadding(first, fill: fill ?? 0) }
    if operation.inputs.count > 1 { return waysOfJoining }
    return wayOfSlice(first) + waysOfOrder + waysOfGathering(blocks) + waysOfBlocks + waysOfRepetition
      + waysOfReversal + waysOfNearest + waysOfJoining
  }

  /// Where a place lies along each dimension of a shape.
  private func place(_ index: Int, in shape: [Int]) -> [Int] {
    var (place, rest): ([Int], Int) = ([], index)
    for length in shape.reversed() {
      place.insert(rest % length, at: 0)
      rest /= length
    }
    return place
  }

  private func wayOfPadding(_ block: QuantizedNetwork.Block, fill: Int) -> [TFLiteExport.Way] {
    guard input.shape.count == output.shape.count else { return [] }
    let before = place(block.outputStart, in: output.shape)
    let after = input.shape.indices.map { output.shape[$0] - input.shape[$0] - before[$0] }
    guard after.allSatisfy({ $0 >= 0 }) else { return [] }
    let amounts = zip(before, after).flatMap { [$0, $1] }
    let rank = input.shape.count
    var code = output
    (code.shape, code.constant, code.isVariable) = ([1], [Int16(truncatingIfNeeded: fill)], false)
    let filled = code
    return [
      { export, inputs, output in
        let list = export.add(amounts, shape: [rank, 2], named: "paddings")
        export.add(.pad, version: 2, TFLiteOptions(.pad), [inputs[0], list], to: output)
      },
      { export, inputs, output in
        let list = export.add(amounts, shape: [rank, 2], named: "paddings")
        let value = export.add(filled, name: "value")
        export.add(.padV2, version: 2, nil, [inputs[0], list, value], to: output)
      },
    ]
  }

  /// STRIDED_SLICE: where each dimension of the output has so many of the input's, evenly spaced.
  private func wayOfSlice(_ block: QuantizedNetwork.Block) -> [TFLiteExport.Way] {
    guard input.shape.count == output.shape.count else { return [] }
    let begins = place(block.inputStart, in: input.shape)
    // The distance along a dimension is the input's own, times the slice's step.
    let strides = contiguousStrides(input.shape)
    var steps = [Int](repeating: 1, count: input.shape.count)
    for axis in input.shape.indices where output.shape[axis] > 1 {
      let room = input.shape[axis] - 1 - begins[axis]
      let candidates = block.inputStrides.filter { $0 > 0 && $0.isMultiple(of: strides[axis]) }
        .map { $0 / strides[axis] }.filter { $0 * (output.shape[axis] - 1) <= room }
      steps[axis] = output.shape[axis] == input.shape[axis] ? 1 : candidates.min() ?? 1
    }
    return [steps, steps.map { _ in 1 }].map { steps -> TFLiteExport.Way in
      let ends = steps.indices.map { begins[$0] + (output.shape[$0] - 1) * steps[$0] + 1 }
      return { export, inputs, output in
        let lists = [begins, ends, steps].map { export.add($0, named: "slice") }
        export.add(.stridedSlice, TFLiteOptions(.stridedSlice), [inputs[0]] + lists, to: output)
      }
    }
  }

  private var waysOfOrder: [TFLiteExport.Way] {
    guard input.shape.count == output.shape.count, input.shape.count <= 6,
      input.shape.sorted() == output.shape.sorted()
    else { return [] }
    return Self.orders(of: Array(input.shape.indices)).filter { order in
      order.map { input.shape[$0] } == output.shape
    }.map { order -> TFLiteExport.Way in
      { export, inputs, output in
        let list = export.add(order, named: "order")
        export.add(.transpose, TFLiteOptions(.transpose), [inputs[0], list], to: output)
      }
    }
  }

  private static func orders(of axes: [Int]) -> [[Int]] {
    guard axes.count > 1 else { return [axes] }
    return axes.flatMap { first in orders(of: axes.filter { $0 != first }).map { [first] + $0 } }
  }

  /// CONCATENATION along each dimension, and PACK along a new one.
  private var waysOfJoining: [TFLiteExport.Way] {
    let rank = output.shape.count
    let count = operation.inputs.count
    return (0..<rank).flatMap { axis -> [TFLiteExport.Way] in
      [
        { export, inputs, output in
          var options = TFLiteOptions(.concatenation)
          options.axis = Int32(axis)
          export.add(.concatenation, options, inputs, to: output)
        },
        { export, inputs, output in
          var options = TFLiteOptions(.pack)
          (options.axis, options.partCount) = (Int32(axis), Int32(count))
          export.add(.pack, options, inputs, to: output)
        },
      ]
    }
  }

  /// GATHER: each place of the output along a dimension from some place of the input's.
  private func waysOfGathering(_ blocks: [QuantizedNetwork.Block]) -> [TFLiteExport.Way] {
    guard blocks.allSatisfy({ $0.inputStrides.count == $0.shape.count }) else { return [] }
    // A copy's elements in the input, by their place in the output.
    var sources = [Int](repeating: -1, count: output.count)
    guard output.count <= 1 << 16 else { return [] }
    for block in blocks {
      for element in 0..<block.shape.reduce(1, *) {
        let place = place(element, in: block.shape)
        let from = block.inputStart + zip(place, block.inputStrides).reduce(0) { $0 + $1.0 * $1.1 }
        let to = block.outputStart + zip(place, block.outputStrides).reduce(0) { $0 + $1.0 * $1.1 }
        if sources.indices.contains(to) { sources[to] = from }
      }
    }
    return input.shape.indices.compactMap { axis -> TFLiteExport.Way? in
      let inner = input.shape[(axis + 1)...].reduce(1, *)
      let outer = input.shape[..<axis].reduce(1, *)
      let count = output.count / max(1, inner * outer)
      guard count > 0, count * inner * outer == output.count else { return nil }
      let places = (0..<count).map { sources[$0 * inner] / max(1, inner) }
      guard places.allSatisfy({ (0..<input.shape[axis]).contains($0) }) else { return nil }
      // Fewer dimensions come of one place, more of places in a table.
      let rank = output.shape.count - (input.shape.count - 1)
      guard rank >= 0, axis + rank <= output.shape.count else { return nil }
      let shape = Array(output.shape[axis..<axis + rank])
      guard shape.reduce(1, *) == count else { return nil }
      return { export, inputs, output in
        var options = TFLiteOptions(.gather)
        options.axis = Int32(axis)
        let list = export.add(places, shape: shape, named: "places")
        export.add(.gather, options, [inputs[0], list], to: output)
      }
    }
  }

  /// DEPTH_TO_SPACE, SPACE_TO_DEPTH, SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND without cropping.
  private var waysOfBlocks: [TFLiteExport.Way] {
    guard input.shape.count == 4, output.shape.count == 4 else { return [] }
    let (height, width) = (input.shape[1], input.shape[2])
    var ways: [TFLiteExport.Way] = []
    for (kind, options, larger, smaller) in [
      (TFLiteOperatorKind.depthToSpace, TFLiteOptions.Kind.depthToSpace, output.shape[1], height),
      (.spaceToDepth, .spaceToDepth, height, output.shape[1]),
    ] where larger.isMultiple(of: smaller) {
      ways.append { export, inputs, output in
        var chosen = TFLiteOptions(options)
        chosen.blockSize = Int32(larger / smaller)
        export.add(kind, chosen, [inputs[0]], to: output)
      }
    }
    for (kind, from, to) in [
      (TFLiteOperatorKind.spaceToBatchND, (height, width), (output.shape[1], output.shape[2])),
      (.batchToSpaceND, (output.shape[1], output.shape[2]), (height, width)),
    ] where from.0.isMultiple(of: to.0) && from.1.isMultiple(of: to.1) {
      ways.append { export, inputs, output in
        let sizes = export.add([from.0 / to.0, from.1 / to.1], named: "sizes")
        let none = export.add([0, 0, 0, 0], shape: [2, 2], named: "edges")
        export.add(kind, nil, [inputs[0], sizes, none], to: output)
      }
    }
    return ways
  }

  private var waysOfRepetition: [TFLiteExport.Way] {
    var ways: [TFLiteExport.Way] = []
    let shape = output.shape
    if input.shape.count == shape.count,
      zip(input.shape, shape).allSatisfy({ $1.isMultiple(of: $0) })
    {
      let times = zip(input.shape, shape).map { $1 / $0 }
      ways.append { export, inputs, output in
        let list = export.add(times, named: "times")
        export.add(.tile, nil, [inputs[0], list], to: output)
      }
    }
    ways.append { export, inputs, output in
      let list = export.add(shape, named: "shape")
      export.add(.broadcastTo, nil, [inputs[0], list], to: output)
    }
    return ways
  }

  private var waysOfReversal: [TFLiteExport.Way] {
    guard input.shape == output.shape else { return [] }
    let rank = input.shape.count
    return (1..<1 << rank).map { set -> TFLiteExport.Way in
      { export, inputs, output in
        let axes = export.add((0..<rank).filter { set >> $0 & 1 == 1 }, named: "axes")
        export.add(.reverseV2, nil, [inputs[0], axes], to: output)
      }
    }
  }

  private var waysOfNearest: [TFLiteExport.Way] {
    guard output.shape.count == 4 else { return [] }
    let sizes = Array(output.shape[1...2])
    return [(false, false), (true, false), (false, true), (true, true)].map {
      corners, centres -> TFLiteExport.Way in
      { export, inputs, output in
        var options = TFLiteOptions(.resizeNearestNeighbor)
        (options.alignsCorners, options.hasHalfPixelCenters) = (corners, centres)
        let list = export.add(sizes, named: "sizes")
        export.add(.resizeNearestNeighbor, options, [inputs[0], list], to: output)
      }
    }
  }
}

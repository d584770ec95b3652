// Shapes that a file with an open batch holds wrong.

extension TFLiteOperator {
  /// The outputs' shapes with a batch of 1, where the file leaves them open; nil where it says all there is to know.
  ///
  /// A converter writes 1 for an open dimension also where a batch of 1 gives another number: behind
  /// SPACE_TO_BATCH_ND, or where time is folded into the batch.
  func workedOutShapes(reshaped: Set<Int>) -> [[Int]]? {
    let signatures = operation.outputs.map { model.graph.tensors[Int($0)].shapeSignature }
    guard signatures.contains(where: { $0.contains(-1) }) else { return nil }
    if let movement = (try? movement()) ?? nil { return movement.outputs.map(\.shape) }
    guard operation.inputs.contains(where: { reshaped.contains(Int($0)) }), operation.outputs.count == 1
    else {
      return nil
    }
    return computedShape.map { [$0] }
  }

  /// The shape of what an operator computes, from its inputs'; nil for kinds that need more than shapes.
  private var computedShape: [Int]? {
    guard let input = try? shape(0), let given = try? shape(ofTensor: outputIndex) else { return nil }
    switch kind {
    case .conv2D, .depthwiseConv2D, .averagePool2D, .maxPool2D, .resizeBilinear, .transposeConv:
      return input.count == given.count ? Array(input.prefix(1)) + given.dropFirst() : nil
    case .fullyConnected:
      guard let channels = given.last, let weights = try? shape(1), let depth = weights.last, depth > 0 else {
        return nil
      }
      return given.count == 2 ? [input.reduce(1, *) / depth, channels] : input.dropLast() + [channels]
    case .add, .sub, .mul, .div, .maximum, .minimum, .squaredDifference, .prelu:
      guard let other = try? shape(1) else { return nil }
      let rank = max(input.count, other.count)
      let padded = [input, other].map { [Int](repeating: 1, count: rank - $0.count) + $0 }
      return zip(padded[0], padded[1]).map { max($0, $1) }
    case .mean, .sum, .reduceMax, .reduceMin:
      guard let axes = try? integers(1, "axes"), let options = try? options(.reducer),
        axes.allSatisfy({ (-input.count..<input.count).contains($0) })
      else { return nil }
      let reduced = Set(axes.map { $0 < 0 ? $0 + input.count : $0 })
      return input.indices.compactMap { axis in
        reduced.contains(axis) ? (options.keepsDimensions ? 1 : nil) : input[axis]
      }
    case .batchMatMul:
      guard let other = try? shape(1), let options = try? options(.batchMatMul), input.count >= 2,
        input.count == other.count
      else { return nil }
      let rank = input.count
      let rows = options.transposesFirst ? input[rank - 1] : input[rank - 2]
      let columns = options.transposesSecond ? other[rank - 2] : other[rank - 1]
      return zip(input, other).dropLast(2).map { max($0, $1) } + [rows, columns]
    default:
      // Functions of single elements, and softmax.
      return operation.inputs.count == 1 && input.count == given.count ? input : nil
    }
  }
}

import Networks

// Operators whose outputs are known before any run: shapes, lists of dimensions, and constants that are moved.

extension TFLiteOperator {
  /// A constant that folding gives.
  struct FoldedConstant {
    var shape: [Int]
    var bytes: [UInt8]
  }

  /// The outputs' constants; nil where they depend on more than shapes and constants, or are too large.
  func constantOutputs(mostBytes: Int) -> [FoldedConstant]? {
    switch kind {
    case .shape, .rank: shapeList.map { [$0] }
    case .add, .sub, .mul, .div, .floorDiv, .floorMod, .maximum, .minimum: combined.map { [$0] }
    case .reduceProd, .sum, .reduceMax, .reduceMin: reduced.map { [$0] }
    case .cast: converted.map { [$0] }
    case .fill: filled(mostBytes: mostBytes).map { [$0] }
    case .range: sequence.map { [$0] }
    default: moved(mostBytes: mostBytes)
    }
  }

  /// The dimensions of the input, which may be computed, or their number.
  private var shapeList: FoldedConstant? {
    guard operation.inputs.count == 1, operation.outputs.count == 1, let shape = try? shape(0) else {
      return nil
    }
    return kind == .rank ? list([shape.count], shape: []) : list(shape, shape: [shape.count])
  }

  /// Numbers in the output's type; nil where that isn't int32 or int64, or they are beyond it.
  private func list(_ numbers: [Int], shape: [Int]) -> FoldedConstant? {
    switch model.graph.tensors[outputIndex].type {
    case .int32:
      guard numbers.allSatisfy({ Int32(exactly: $0) != nil }) else { return nil }
      return FoldedConstant(shape: shape, bytes: Self.bytes(numbers.map { Int32($0) }))
    case .int64: return FoldedConstant(shape: shape, bytes: Self.bytes(numbers.map { Int64($0) }))
    default: return nil
    }
  }

  private static func bytes<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
    numbers.flatMap { number in
      (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
    }
  }

  /// A constant input of int32 or int64; lists of dimensions are short.
  private func numbers(_ place: Int) -> (shape: [Int], numbers: [Int])? {
    guard operation.outputs.count == 1,
      let constant = try? constant(place, "numbers", types: .int32, .int64),
      constant.shape.reduce(1, *) <= 4096
    else { return nil }
    let numbers =
      constant.type == .int32
      ? constant.numbers(Int32.self).map { Int($0) } : constant.numbers(Int64.self).map { Int($0) }
    return (constant.shape, numbers)
  }

  /// Two lists, number by number; either may be a single number.
  private var combined: FoldedConstant? {
    guard operation.inputs.count == 2, let first = numbers(0), let second = numbers(1) else { return nil }
    let isFirstLonger = first.numbers.count >= second.numbers.count
    let (shape, count) =
      isFirstLonger ? (first.shape, first.numbers.count) : (second.shape, second.numbers.count)
    guard [1, count].contains(first.numbers.count), [1, count].contains(second.numbers.count),
      first.numbers.count != second.numbers.count || first.shape == second.shape
    else { return nil }
    var result: [Int] = []
    for place in 0..<count {
      let a = first.numbers[first.numbers.count == 1 ? 0 : place]
      let b = second.numbers[second.numbers.count == 1 ? 0 : place]
      guard let number = Self.combine(a, b, kind) else { return nil }
      result.append(number)
    }
    return list(result, shape: shape)
  }

  /// Nil where the result overflows or isn't there.
  private static func combine(_ a: Int, _ b: Int, _ kind: TFLiteOperatorKind) -> Int? {
    func checked(_ result: (partialValue: Int, overflow: Bool)) -> Int? {
      result.overflow ? nil : result.partialValue
    }
    switch kind {
    case .add: return checked(a.addingReportingOverflow(b))
    case .sub: return checked(a.subtractingReportingOverflow(b))
    case .mul: return checked(a.multipliedReportingOverflow(by: b))
    case .maximum: return max(a, b)
    case .minimum: return min(a, b)
    case .div: return checked(a.dividedReportingOverflow(by: b))
    case .floorDiv, .floorMod:
      guard let quotient = checked(a.dividedReportingOverflow(by: b)) else { return nil }
      let rest = a - quotient * b
      let isBelow = rest != 0 && (rest < 0) != (b < 0)
      return kind == .floorDiv ? quotient - (isBelow ? 1 : 0) : rest + (isBelow ? b : 0)
    default: return nil
    }
  }

  /// A list brought to one number.
  private var reduced: FoldedConstant? {
    guard operation.inputs.count == 2, let source = numbers(0), source.shape.count <= 1,
      let keeps = try? options(.reducer).keepsDimensions
    else { return nil }
    var result = source.numbers[0]
    for number in source.numbers.dropFirst() {
      let kind: TFLiteOperatorKind =
        switch kind {
        case .reduceProd: .mul
        case .sum: .add
        case .reduceMax: .maximum
        default: .minimum
        }
      guard let next = Self.combine(result, number, kind) else { return nil }
      result = next
    }
    return list([result], shape: keeps ? source.shape : [])
  }

  private var converted: FoldedConstant? {
    guard operation.inputs.count == 1, let source = numbers(0) else { return nil }
    return list(source.numbers, shape: source.shape)
  }

  private func filled(mostBytes: Int) -> FoldedConstant? {
    guard operation.inputs.count == 2, let dimensions = numbers(0),
      dimensions.numbers.count <= Self.mostDimensions,
      dimensions.numbers.allSatisfy({ (1...Self.mostElements).contains($0) }), let place = try? inputIndex(1),
      let value = (try? Self.constantBytes(of: place, in: model)) ?? nil,
      model.graph.tensors[place].type == model.graph.tensors[outputIndex].type
    else { return nil }
    let count = dimensions.numbers.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    guard (1...Self.mostElements).contains(count), count * value.count <= mostBytes else { return nil }
    return FoldedConstant(
      shape: dimensions.numbers, bytes: Array(repeatElement(value, count: count).joined()))
  }

  private var sequence: FoldedConstant? {
    guard operation.inputs.count == 3, let start = numbers(0)?.numbers, let end = numbers(1)?.numbers,
      let step = numbers(2)?.numbers, [start.count, end.count, step.count] == [1, 1, 1], step[0] != 0,
      (end[0] - start[0]) / step[0] < 4096
    else { return nil }
    let numbers = Array(stride(from: start[0], to: end[0], by: step[0]))
    return numbers.isEmpty ? nil : list(numbers, shape: [numbers.count])
  }
}

extension TFLiteOperator {
  /// Constants in other places: what a movement makes of them.
  private func moved(mostBytes: Int) -> [FoldedConstant]? {
    guard let first = operation.inputs.first(where: { $0 >= 0 }),
      operation.inputs.contains(where: { $0 >= 0 && hasConstant(Int($0)) }),
      let movement = (try? movement()) ?? nil, !movement.outputs.contains(where: \.isFilled)
    else { return nil }
    var (sources, type) = ([[UInt8]](), model.graph.tensors[Int(first)].type)
    for place in movement.inputs {
      guard let index = try? inputIndex(place), hasConstant(index),
        let bytes = (try? Self.constantBytes(of: index, in: model)) ?? nil
      else { return nil }
      type = model.graph.tensors[index].type
      sources.append(bytes)
    }
    guard let size = type.byteCount,
      movement.inputs.allSatisfy({ model.graph.tensors[Int(operation.inputs[$0])].type == type }),
      operation.outputs.allSatisfy({ model.graph.tensors[Int($0)].type == type }),
      movement.outputs.map({ $0.shape.reduce(1, *) * size }).reduce(0, +) <= mostBytes
    else { return nil }
    return movement.outputs.map { output in
      var bytes = [UInt8](repeating: 0, count: output.shape.reduce(1, *) * size)
      for block in output.blocks { block.copy(sources[block.input], to: &bytes, elementSize: size) }
      return FoldedConstant(shape: output.shape, bytes: bytes)
    }
  }

  private func hasConstant(_ tensor: Int) -> Bool {
    !model.buffers[Int(model.graph.tensors[tensor].buffer)].bytes.isEmpty
  }
}

extension TFLiteElementType {
  /// An element's size in a buffer; nil where several share a byte, or it isn't known here.
  fileprivate var byteCount: Int? {
    switch self {
    case .int8, .uint8, .bool: 1
    case .int16: 2
    case .int32, .float32: 4
    case .int64: 8
    default: nil
    }
  }
}

extension QuantizedNetwork.Block {
  /// Copies elements of so many bytes.
  fileprivate func copy(_ source: [UInt8], to target: inout [UInt8], elementSize size: Int) {
    var place = [Int](repeating: 0, count: shape.count)
    for _ in 0..<shape.reduce(1, *) {
      let from = inputStart + zip(place, inputStrides).map { $0 * $1 }.reduce(0, +)
      let to = outputStart + zip(place, outputStrides).map { $0 * $1 }.reduce(0, +)
      for byte in 0..<size { target[to * size + byte] = source[from * size + byte] }
      var axis = shape.count - 1
      while axis >= 0 {
        place[axis] += 1
        if place[axis] < shape[axis] { break }
        place[axis] = 0
        axis -= 1
      }
    }
  }
}

import Foundation
import Networks

// Operators on constants alone, as exporters write them to compute shapes and paddings.

extension ONNXNode {
  /// What the operator makes of constants; nil where it isn't one of those that are computed beforehand.
  func folded() throws(NotConvertible) -> [ONNXTensor]? {
    switch node.kind {
    case "Constant": return [try constantAttribute()]
    case "Shape":
      let shape = try input().shape
      return [try sliced(shape)]
    case "Size":
      return [ONNXTensor(shape: [], type: .int64, values: [Double(try input().shape.reduce(1, *))])]
    case "ConstantOfShape": return [try constantOfShape()]
    case "Range": return [try range()]
    case "Identity", "Dropout": return [try constant(0)]
    case "Cast": return [try cast(try constant(0))]
    case "DequantizeLinear": return [try dequantized(try constant(0))]
    case "Reshape", "Squeeze", "Unsqueeze", "Flatten":
      var tensor = try constant(0)
      tensor.shape = try reshaped(tensor.shape)
      return [tensor]
    case "Transpose":
      let tensor = try constant(0)
      return [tensor.transposed(try permutation(rank: tensor.shape.count))]
    case "Slice":
      var tensor = try constant(0)
      for slice in try slices(tensor.shape) { tensor = tensor.gathered(axis: slice.axis, slice.places) }
      return [tensor]
    case "Gather":
      let tensor = try constant(0)
      let (axis, places, shape) = try gathering(tensor.shape)
      var result = tensor.gathered(axis: axis, places)
      result.shape.replaceSubrange(axis...axis, with: shape)
      return [result]
    case "Concat":
      var parts: [ONNXTensor] = []
      for place in inputs.indices { parts.append(try constant(place)) }
      let axis = try self.axis(try integer("axis", 0), rank: parts.first?.shape.count ?? 0)
      guard let result = ONNXTensor.concatenated(parts, axis: axis) else {
        throw refusal("joins the shapes \(parts.map(\.shape))")
      }
      return [result]
    case "Expand":
      let tensor = try constant(0)
      let shape = try broadcast(tensor.shape, try constant(1).integers)
      guard let result = tensor.repeated(to: shape) else {
        throw refusal("repeats \(tensor.shape) to \(shape)")
      }
      return [result]
    case "Where":
      let (condition, yes, no) = (try constant(0), try constant(1), try constant(2))
      let shape = try broadcast(condition.shape, try broadcast(yes.shape, no.shape))
      guard let c = condition.repeated(to: shape), let a = yes.repeated(to: shape),
        let b = no.repeated(to: shape)
      else { throw refusal("has shapes that don't fit") }
      let values = c.values.indices.map { c.values[$0] != 0 ? a.values[$0] : b.values[$0] }
      return [ONNXTensor(shape: shape, type: yes.type, values: values)]
    case "ReduceProd", "ReduceSum":
      guard inputs.count == 1 else { return nil }
      let tensor = try constant(0)
      let value = tensor.values.reduce(node.kind == "ReduceSum" ? 0 : 1, node.kind == "ReduceSum" ? (+) : (*))
      let shape = try integer("keepdims", 1) == 0 ? [] : tensor.shape.map { _ in 1 }
      return [ONNXTensor(shape: shape, type: tensor.type, values: [value])]
    default:
      if let function = Self.unary[node.kind] {
        let tensor = try constant(0)
        return [ONNXTensor(shape: tensor.shape, type: tensor.type, values: tensor.values.map(function))]
      }
      return try binary().map { [$0] }
    }
  }

  private static let unary: [String: @Sendable (Double) -> Double] = [
    "Neg": { -$0 }, "Floor": { $0.rounded(.down) }, "Ceil": { $0.rounded(.up) }, "Sqrt": { $0.squareRoot() },
    "Abs": { abs($0) }, "Exp": { exp($0) }, "Log": { log($0) }, "Reciprocal": { 1 / $0 },
    "Relu": { max($0, 0) }, "Not": { $0 == 0 ? 1 : 0 },
  ]

  private func binary() throws(NotConvertible) -> ONNXTensor? {
    let kinds = [
      "Add", "Sub", "Mul", "Div", "Mod", "Pow", "Min", "Max", "Equal", "Less", "Greater", "And", "Or",
    ]
    guard kinds.contains(node.kind), inputs.count == 2 else { return nil }
    let (first, second) = (try constant(0), try constant(1))
    let shape = try broadcast(first.shape, second.shape)
    guard let a = first.repeated(to: shape), let b = second.repeated(to: shape) else {
      throw refusal("has inputs of the shapes \(first.shape) and \(second.shape)")
    }
    let isWhole = first.type.isWhole
    let operation: (Double, Double) -> Double =
      switch node.kind {
      case "Add": { $0 + $1 }
      case "Sub": { $0 - $1 }
      case "Mul": { $0 * $1 }
      case "Div": { isWhole ? ($0 / $1).rounded(.towardZero) : $0 / $1 }
      case "Mod": { $0 - $1 * ($0 / $1).rounded(.down) }
      case "Pow": { pow($0, $1) }
      case "Min": { min($0, $1) }
      case "Max": { max($0, $1) }
      case "Equal": { $0 == $1 ? 1 : 0 }
      case "Less": { $0 < $1 ? 1 : 0 }
      case "Greater": { $0 > $1 ? 1 : 0 }
      case "And": { $0 != 0 && $1 != 0 ? 1 : 0 }
      default: { $0 != 0 || $1 != 0 ? 1 : 0 }
      }
    let isTruth = ["Equal", "Less", "Greater", "And", "Or"].contains(node.kind)
    return ONNXTensor(
      shape: shape, type: isTruth ? .bool : first.type, values: zip(a.values, b.values).map(operation))
  }

  private func constantAttribute() throws(NotConvertible) -> ONNXTensor {
    for (name, attribute) in node.attributes {
      switch (name, attribute) {
      case ("value", .tensor(let tensor)): return tensor
      case ("value_float", .float(let number)):
        return ONNXTensor(shape: [], type: .float32, values: [Double(number)])
      case ("value_int", .integer(let number)):
        return ONNXTensor(shape: [], type: .int64, values: [Double(number)])
      case ("value_floats", .floats(let numbers)):
        return ONNXTensor(shape: [numbers.count], type: .float32, values: numbers.map(Double.init))
      case ("value_ints", .integers(let numbers)): return ONNXTensor(numbers.map { Int($0) })
      default: continue
      }
    }
    throw refusal("holds no numbers")
  }

  private func sliced(_ shape: [Int]) throws(NotConvertible) -> ONNXTensor {
    func place(_ number: Int) -> Int { max(0, min(shape.count, number < 0 ? number &+ shape.count : number)) }
    let (start, end) = (place(try integer("start", 0)), place(try integer("end", shape.count)))
    return ONNXTensor(Array(shape[min(start, end)..<end]))
  }

  private func constantOfShape() throws(NotConvertible) -> ONNXTensor {
    let shape = try constant(0).integers
    guard shape.allSatisfy({ (0...ONNXTensor.greatestCount).contains($0) }),
      shape.reduce(1, { min($0 * $1, ONNXTensor.greatestCount + 1) }) <= ONNXTensor.greatestCount
    else { throw refusal("makes a constant of the shape \(shape)") }
    var value = ONNXTensor(shape: [1], type: .float32, values: [0])
    if case .tensor(let tensor) = node.attributes["value"] { value = tensor }
    guard let number = value.values.first else { throw refusal("has no value") }
    return ONNXTensor(
      shape: shape, type: value.type, values: [Double](repeating: number, count: shape.reduce(1, *)))
  }

  private func range() throws(NotConvertible) -> ONNXTensor {
    let (start, limit, step) = (try constant(0), try constant(1), try constant(2))
    guard let first = start.values.first, let end = limit.values.first, let delta = step.values.first,
      delta != 0,
      case let count = ((end - first) / delta).rounded(.up),
      count.magnitude < Double(ONNXTensor.greatestCount)
    else { throw refusal("has an impossible range") }
    let values = (0..<max(0, Int(count))).map { first + Double($0) * delta }
    return ONNXTensor(shape: [values.count], type: start.type, values: values)
  }

  private func cast(_ tensor: ONNXTensor) throws(NotConvertible) -> ONNXTensor {
    guard let type = ONNXTensor.ElementType(rawValue: try integer("to", 1)) else {
      throw refusal("casts to a type that isn't a number's")
    }
    let values =
      type == .bool
      ? tensor.values.map { $0 == 0 ? 0 : 1 }
      : type.isWhole ? tensor.values.map { $0.rounded(.towardZero) } : tensor.values
    return ONNXTensor(shape: tensor.shape, type: type, values: values)
  }
}

import Networks
import Support

/// A value while a model is being imported.
enum ONNXValue {
  /// A constant.
  case constant(ONNXTensor)
  /// A tensor that is computed.
  case value(GraphBuilder.Value)

  /// The dimensions.
  var shape: [Int] {
    switch self {
    case .constant(let tensor): tensor.shape
    case .value(let value): value.shape
    }
  }

  /// What an operator of the graph reads.
  var operand: GraphBuilder.Operand {
    switch self {
    case .constant(let tensor): .constant(tensor.array)
    case .value(let value): .value(value)
    }
  }
}

/// An operator with what it reads.
struct ONNXNode {
  /// Its place in the model.
  let index: Int
  /// What the model says.
  let node: ONNXModel.Node
  /// The version of the operators' definitions.
  let operatorSet: Int
  /// What it reads; nil for what is left out.
  let inputs: [ONNXValue?]

  /// An error about it.
  func refusal(_ problem: String) -> NotConvertible {
    NotConvertible(
      operatorIndex: index, operatorName: String(node.kind.onOneLine.prefix(60)), problem: problem)
  }

  /// An input.
  ///
  /// - Throws: `NotConvertible` where it is left out.
  func input(_ place: Int = 0) throws(NotConvertible) -> ONNXValue {
    guard inputs.indices.contains(place), let input = inputs[place] else {
      throw refusal("has no input \(place)")
    }
    return input
  }

  /// An input that is computed.
  func value(_ place: Int = 0) throws(NotConvertible) -> GraphBuilder.Value {
    guard case .value(let value) = try input(place) else { throw refusal("has a constant as input \(place)") }
    return value
  }

  /// A constant input; nil where it is left out.
  func optionalConstant(_ place: Int) throws(NotConvertible) -> ONNXTensor? {
    guard inputs.indices.contains(place), let input = inputs[place] else { return nil }
    guard case .constant(let tensor) = input else {
      throw refusal("has an input \(place) that isn't constant")
    }
    return tensor
  }

  /// A constant input.
  func constant(_ place: Int) throws(NotConvertible) -> ONNXTensor {
    guard let tensor = try optionalConstant(place) else { throw refusal("has no input \(place)") }
    return tensor
  }

  /// A whole number; `usual` where it isn't there.
  func integer(_ name: String, _ usual: Int) throws(NotConvertible) -> Int {
    switch node.attributes[name] {
    case nil: return usual
    case .integer(let number): return Int(number)
    default: throw refusal("has the attribute \(name), which isn't a whole number")
    }
  }

  /// A real number; `usual` where it isn't there.
  func float(_ name: String, _ usual: Float) throws(NotConvertible) -> Float {
    switch node.attributes[name] {
    case nil: return usual
    case .float(let number): return number
    default: throw refusal("has the attribute \(name), which isn't a number")
    }
  }

  /// A word; `usual` where it isn't there.
  func text(_ name: String, _ usual: String) throws(NotConvertible) -> String {
    switch node.attributes[name] {
    case nil: return usual
    case .text(let text): return text
    default: throw refusal("has the attribute \(name), which isn't a text")
    }
  }

  /// Whole numbers; nil where they aren't there.
  func integers(_ name: String) throws(NotConvertible) -> [Int]? {
    switch node.attributes[name] {
    case nil: return nil
    case .integers(let numbers): return numbers.map { Int($0) }
    default: throw refusal("has the attribute \(name), which isn't a list of whole numbers")
    }
  }

  /// Whole numbers of an attribute, or of an input in later versions; nil where they aren't there.
  func integers(_ name: String, orInput place: Int) throws(NotConvertible) -> [Int]? {
    if let numbers = try integers(name) { return numbers }
    return try optionalConstant(place)?.integers
  }

  /// A dimension's number, counted from the end where it is negative.
  func axis(_ axis: Int, rank: Int) throws(NotConvertible) -> Int {
    guard (-rank..<rank).contains(axis) else { throw refusal("has the axis \(axis) of \(rank) dimensions") }
    return axis < 0 ? axis + rank : axis
  }

  /// Dimensions' numbers, each once.
  func axes(_ axes: [Int], rank: Int) throws(NotConvertible) -> [Int] {
    var result: [Int] = []
    for axis in axes { result.append(try self.axis(axis, rank: rank)) }
    guard Set(result).count == result.count else { throw refusal("names an axis twice") }
    return result
  }

  /// Does something with a graph under construction.
  ///
  /// - Throws: `NotConvertible`, with what doesn't fit together there.
  func building<Result>(
    _ body: () throws(InvalidNetwork) -> Result
  ) throws(NotConvertible) -> Result {
    do throws(InvalidNetwork) { return try body() } catch { throw refusal(error.description) }
  }
}

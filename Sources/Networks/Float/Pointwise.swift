import QuantInfer

/// An expression of one number: what several operators make of each value of a tensor.
package indirect enum Pointwise: Equatable, Sendable {
  /// The number itself.
  case argument
  /// A constant.
  case constant(Float)
  /// A function of an expression.
  case function(FloatFunction, Pointwise)
  /// Two expressions under ADD, SUB, MUL, MAXIMUM or MINIMUM.
  case combined(OperatorKind, Pointwise, Pointwise)
  /// The second expression where the first is above a limit, else the third.
  case chosen(Pointwise, above: Float, Pointwise, Pointwise)

  /// The expression's value.
  package func callAsFunction(_ x: Float) -> Float {
    switch self {
    case .argument: return x
    case .constant(let value): return value
    case .function(let function, let inner): return function(inner(x))
    case .combined(let kind, let first, let second):
      let (a, b) = (first(x), second(x))
      switch kind {
      case .add: return a + b
      case .subtract: return a - b
      case .multiply: return a * b
      case .maximum: return max(a, b)
      default: return min(a, b)
      }
    case .chosen(let condition, let limit, let first, let second):
      return condition(x) > limit ? first(x) : second(x)
    }
  }

  /// The number of parts.
  var size: Int {
    switch self {
    case .argument, .constant: 1
    case .function(_, let inner): 1 + inner.size
    case .combined(_, let first, let second): 1 + first.size + second.size
    case .chosen(let condition, _, let first, let second): 1 + condition.size + first.size + second.size
    }
  }
}

/// What operators make of single values, followed from operator to operator.
struct PointwiseExpressions {
  /// An expression of a tensor's values; the base is nil for a constant.
  struct Expression {
    /// The tensor whose values are the argument.
    var base: Int?
    /// What is made of them.
    var value: Pointwise
  }

  /// Longer expressions aren't followed further.
  static let mostParts = 64

  private let tensors: [FloatGraph.Tensor]
  private var expressions: [Int: Expression] = [:]

  /// Begins with nothing known.
  init(of tensors: [FloatGraph.Tensor]) { self.tensors = tensors }

  /// A tensor's values as an expression: of themselves, where no more is known.
  subscript(tensor: Int) -> Expression {
    if let constant = tensors[tensor].constant, constant.count == 1 {
      return Expression(base: nil, value: .constant(constant[0]))
    }
    return expressions[tensor] ?? Expression(base: tensor, value: .argument)
  }

  /// Follows an operator: what it makes of one tensor's values; nil where it makes them of more.
  @discardableResult
  mutating func follow(_ operation: FloatGraph.Operator) -> Expression? {
    guard operation.activation == FloatGraph.everything, let expression = expression(operation),
      expression.base != nil, expression.value.size <= Self.mostParts
    else { return nil }
    if tensors[operation.output].codes == nil { expressions[operation.output] = expression }
    return expression
  }

  private func expression(_ operation: FloatGraph.Operator) -> Expression? {
    let inputs = operation.inputs.map { self[$0] }
    switch operation.computation {
    case .function(.composed): return nil
    case .function(let function):
      return Expression(base: inputs[0].base, value: .function(function, inputs[0].value))
    case .depthwiseConvolution(let window, let factors):
      guard window == .init(), Set(factors.values).count == 1, Set(factors.biases).count == 1 else {
        return nil
      }
      var value = inputs[0].value
      if factors.values[0] != 1 { value = .combined(.multiply, value, .constant(factors.values[0])) }
      if factors.biases[0] != 0 { value = .combined(.add, value, .constant(factors.biases[0])) }
      return Expression(base: inputs[0].base, value: value)
    case .elementwise(let elementwise):
      let bases = Set(inputs.compactMap(\.base))
      let count = tensors[operation.output].count
      guard bases.count == 1, let base = bases.first, tensors[base].count == count,
        zip(operation.inputs, [elementwise.firstStrides, elementwise.secondStrides]).allSatisfy({
          tensor, strides in
          tensors[tensor].count == 1 && tensors[tensor].constant != nil
            || strides == contiguousStrides(elementwise.shape)
        })
      else { return nil }
      return Expression(base: base, value: .combined(operation.kind, inputs[0].value, inputs[1].value))
    default: return nil
    }
  }
}

extension FloatGraph {
  /// Replaces chains of operators that make each value from one value of the same tensor by a single function, as a
  /// table of codes computes it: x times LOGISTIC of x becomes one operator.
  mutating func composeFunctions() {
    var expressions = PointwiseExpressions(of: tensors)
    for (index, operation) in operators.enumerated() {
      guard let composed = expressions.follow(operation), let base = composed.base,
        // A function alone stays what it is, and a factor alone may become part of weights.
        operation.inputs != [base]
      else { continue }
      let function = FloatFunction.composed(composed.value)
      operators[index] = Operator(
        kind: function.kind, inputs: [base], output: operation.output, computation: .function(function))
    }
  }
}

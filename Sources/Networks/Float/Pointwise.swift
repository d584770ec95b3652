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
    }
  }

  /// The number of parts.
  var size: Int {
    switch self {
    case .argument, .constant: 1
    case .function(_, let inner): 1 + inner.size
    case .combined(_, let first, let second): 1 + first.size + second.size
    }
  }
}

extension FloatGraph {
  /// An expression of a tensor's values.
  private struct Expression {
    var base: Int?
    var value: Pointwise
  }

  /// Replaces chains of operators that make each value from one value of the same tensor by a single function, as a
  /// table of codes computes it: x times LOGISTIC of x becomes one operator.
  mutating func composeFunctions() {
    var expressions: [Int: Expression] = [:]
    func expression(_ tensor: Int) -> Expression {
      if let constant = tensors[tensor].constant, constant.count == 1 {
        return Expression(base: nil, value: .constant(constant[0]))
      }
      return expressions[tensor] ?? Expression(base: tensor, value: .argument)
    }
    for index in operators.indices {
      let operation = operators[index]
      let inputs = operation.inputs.map(expression)
      guard let composed = Self.expression(operation, inputs, tensors), let base = composed.base,
        composed.value.size <= 64, operation.activation == Self.everything
      else { continue }
      if tensors[operation.output].codes == nil { expressions[operation.output] = composed }
      // A function alone stays what it is, and a factor alone may become part of weights.
      guard operation.inputs != [base] else { continue }
      let function = FloatFunction.composed(composed.value)
      operators[index] = Operator(
        kind: function.kind, inputs: [base], output: operation.output, computation: .function(function))
    }
  }

  /// What an operator makes of its inputs' expressions; nil where it isn't a function of single values of one tensor.
  private static func expression(
    _ operation: Operator, _ inputs: [Expression], _ tensors: [Tensor]
  ) -> Expression? {
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

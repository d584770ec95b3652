extension GraphBuilder {
  /// Whether each of a tensor's values is above a limit, or isn't.
  package struct Condition: Equatable, Sendable {
    /// The tensor.
    package var value: Value
    /// The limit.
    package var limit: Float
    /// Whether it holds above the limit, or up to it.
    package var holdsAbove: Bool

    /// Creates a condition.
    package init(_ value: Value, limit: Float, holdsAbove: Bool) {
      (self.value, self.limit, self.holdsAbove) = (value, limit, holdsAbove)
    }
  }

  /// The first tensor's value where a condition holds, else the second's, as SELU spelled out has it.
  ///
  /// - Throws: `InvalidNetwork` where the three aren't functions of the values of one tensor, each of its own.
  package mutating func chosen(
    _ condition: Condition, _ first: Operand, _ second: Operand
  ) throws(InvalidNetwork) -> Value {
    var expressions = PointwiseExpressions(of: tensors)
    for operation in operators { expressions.follow(operation) }
    let source = try settled(condition.value)
    let compared = expressions[source.tensor]
    var values: [Pointwise] = []
    for operand in condition.holdsAbove ? [first, second] : [second, first] {
      switch operand {
      case .constant(let constant) where constant.values.count == 1:
        values.append(.constant(constant.values[0]))
      case .value(let value)
      where value.layout == source.layout && value.padding.isEmpty
        && expressions[value.tensor].base == compared.base:
        values.append(expressions[value.tensor].value)
      default: throw InvalidNetwork("chooses between values of more than one tensor")
      }
    }
    let choice = Pointwise.chosen(compared.value, above: condition.limit, values[0], values[1])
    guard let base = compared.base, choice.size <= PointwiseExpressions.mostParts else {
      throw InvalidNetwork("chooses between functions of too many parts")
    }
    let function = FloatFunction.composed(choice)
    let tensor = try append(function.kind, [base], shape: tensors[base].shape, .function(function))
    return Value(tensor: tensor, layout: source.layout)
  }
}

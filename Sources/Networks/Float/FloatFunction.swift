import Foundation

/// A function of single values, as activations are.
package enum FloatFunction: Equatable, Sendable {
  /// Values beyond a range become its ends: RELU, RELU6 and others.
  case clamp(ClosedRange<Float>)
  /// LEAKY_RELU: negative values times a factor.
  case leakyRelu(alpha: Float)
  /// ELU: alpha (exp(x) - 1) below 0; `scale` times all of it, as SELU has it.
  case elu(alpha: Float, scale: Float = 1)
  /// LOGISTIC.
  case logistic
  /// TANH.
  case tanh
  /// HARD_SWISH: x times `hardSigmoid(slope: 1/6, offset: 1/2)`.
  case hardSwish
  /// slope x + offset, within 0...1.
  case hardSigmoid(slope: Float, offset: Float)
  /// GELU; by the hyperbolic tangent where it is approximate.
  case gelu(isApproximate: Bool)
  /// x times the logistic function of x, also called swish.
  case silu
  /// The error function.
  case erf
  /// The natural logarithm of 1 + exp(x).
  case softplus
  /// x / (1 + |x|).
  case softsign
  /// x times the hyperbolic tangent of softplus(x).
  case mish
  /// The exponential.
  case exponential
  /// The natural logarithm.
  case logarithm
  /// The square root.
  case squareRoot
  /// One divided by the square root.
  case reciprocalSquareRoot
  /// One divided by x.
  case reciprocal
  /// The magnitude.
  case absolute
  /// x times x.
  case square
  /// Functions and sums of functions.
  case composed(Pointwise)

  /// The function's value.
  package func callAsFunction(_ x: Float) -> Float {
    switch self {
    case .clamp(let range): min(max(x, range.lowerBound), range.upperBound)
    case .leakyRelu(let alpha): x < 0 ? alpha * x : x
    case .elu(let alpha, let scale): scale * (x < 0 ? alpha * Float(expm1(Double(x))) : x)
    case .logistic: Self.logistic(x)
    case .tanh: Float(Foundation.tanh(Double(x)))
    case .hardSwish: x * min(max(x / 6 + 0.5, 0), 1)
    case .hardSigmoid(let slope, let offset): min(max(slope * x + offset, 0), 1)
    case .gelu(let isApproximate): Float(Self.gelu(Double(x), isApproximate))
    case .silu: x * Self.logistic(x)
    case .erf: Float(Foundation.erf(Double(x)))
    case .softplus: Self.softplus(x)
    case .softsign: x / (1 + abs(x))
    case .mish: x * Float(Foundation.tanh(Double(Self.softplus(x))))
    case .exponential: Float(exp(Double(x)))
    case .logarithm: Float(log(Double(x)))
    case .squareRoot: x.squareRoot()
    case .reciprocalSquareRoot: 1 / x.squareRoot()
    case .reciprocal: 1 / x
    case .absolute: abs(x)
    case .square: x * x
    case .composed(let expression): expression(x)
    }
  }

  /// The arguments beyond which the function doesn't change any more: it may be given the range's end instead.
  ///
  /// Functions that come near a limit count as constant where an int8 code of their whole range can't tell.
  package var changingRange: ClosedRange<Float> {
    switch self {
    case .clamp(let range): range
    case .hardSwish: -3...Float.infinity
    case .hardSigmoid(let slope, let offset) where slope > 0: -offset / slope...(1 - offset) / slope
    case .logistic: -8...8
    case .tanh, .erf: -4...4
    case .gelu: -4...Float.infinity
    case .silu, .mish, .softplus: -10...Float.infinity
    case .elu: -8...Float.infinity
    default: -Float.infinity...Float.infinity
    }
  }

  private static func logistic(_ x: Float) -> Float { Float(1 / (1 + exp(-Double(x)))) }

  private static func softplus(_ x: Float) -> Float { max(x, 0) + Float(log1p(exp(-abs(Double(x))))) }

  private static func gelu(_ x: Double, _ isApproximate: Bool) -> Double {
    isApproximate
      ? 0.5 * x * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
      : 0.5 * x * (1 + Foundation.erf(x / 2.0.squareRoot()))
  }
}

/// LOG_SOFTMAX of int8 codes along the last dimension.
enum LogSoftmax: Kernel {
  private typealias Field = ModelFormat.LogSoftmax

  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(isBuilt: Built.functions, parameterByteCount: Field.byteCount)
  }

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    let (image, parameters) = (plan.image, plan.parameters)
    let depth = image.number(at: parameters + Field.depth)
    // So many exponentials of 1 can be summed up in 32 bits.
    guard input.type == .int8, output.type == .int8, input.count == output.count, (1...4095).contains(depth),
      input.count % depth == 0, image.signedWord(at: parameters + Field.leastDifference) <= 0,
      image.signedWord(at: parameters + Field.leastDifference) >= -(1 << 30)
    else { throw ModelError(.invalidOperator, at: parameters) }
    _ = try image.validMultiplier(at: parameters + Field.multiplier)
    _ = try image.validMultiplier(at: parameters + Field.reverseMultiplier)
  }

  static func lead(_ plan: OperatorPlan, input: Int, source: Tensor, target: Tensor) -> Int? { 0 }

  /// Computes all of the output, row by row.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    let depth = plan.image.number(at: plan.parameters + Field.depth)
    var row = 0
    while row < input.tensor.count {
      unsafe computeRow(
        plan, input.codes(as: Int8.self) + row, into: output.codes(as: Int8.self) + row, count: depth)
      row &+= depth
    }
  }

  private static func computeRow(
    _ plan: OperatorPlan, _ inputs: UnsafeMutablePointer<Int8>, into outputs: UnsafeMutablePointer<Int8>,
    count: Int
  ) {
    let multiplier = plan.image.multiplier(at: plan.parameters + Field.multiplier)
    let reverse = plan.image.multiplier(at: plan.parameters + Field.reverseMultiplier)
    let least = plan.image.signedWord(at: plan.parameters + Field.leastDifference)
    var greatest = Int8.min
    for index in 0..<count { greatest = unsafe max(greatest, inputs[index]) }
    var sumQ19: Int32 = 0
    for index in 0..<count {
      let difference = unsafe Int32(inputs[index]) &- Int32(greatest)
      guard difference >= least else { continue }
      sumQ19 &+= dividedByPowerOfTwo(Softmax.exponential(multiplier.scale(difference)), exponent: 12)
    }
    let logQ26 = logarithm(sumQ19)
    let bound = max(least &- 1, reverse.scale(logQ26 &+ Int32.min))
    for index in 0..<count {
      let difference = unsafe Int32(inputs[index]) &- Int32(greatest)
      var code: Int32 = -128
      if difference > bound {
        code = dividedByPowerOfTwo(multiplier.scale(difference) &- logQ26, exponent: 22) &+ 127
      }
      unsafe outputs[index] = Int8(truncatingIfNeeded: min(max(code, -128), 127))
    }
  }

  /// log(x) in Q26 for x in Q19, x >= 1.
  ///
  /// x is brought near sqrt(sqrt(1/2)) by a power of two, or of two and a half, whichever is nearer; a rational function
  /// gives the rest.
  private static func logarithm(_ x: Int32) -> Int32 {
    let (root, fourthRoot): (Int32, Int32) = (1_518_500_250, 1_805_811_301)
    let quarterQ25: Int32 = 1 &<< 23
    let zeros = Int32(truncatingIfNeeded: x.leadingZeroBitCount)
    let whole = Softmax.shiftedLeft(
      doubledHighProduct(Softmax.shiftedLeft(x, by: zeros &- 1), root), by: 1)
    let halved = doubledHighProduct(x, root)
    let halvedZeros = Int32(truncatingIfNeeded: halved.leadingZeroBitCount) &- 1
    let other = Softmax.shiftedLeft(x, by: max(halvedZeros, 0))
    let power = max(
      (12 &- zeros) &<< 25 &+ quarterQ25, (12 &- halvedZeros) &<< 25 &- quarterQ25)
    let r = min(whole, other)
    // Neither is negative: the sum shifted is its half, rounded.
    let p = Int32(truncatingIfNeeded: (Int64(extending: r) &+ Int64(extending: fourthRoot) &+ 1) &>> 1)
    let q = (r &- fourthRoot) &* 2
    let square = doubledHighProduct(q, q)
    let numerator =
      doubledHighProduct(q, r) &+ doubledHighProduct(doubledHighProduct(q, square), 117_049_297)
    let denominator =
      doubledHighProduct(1_057_819_769 &+ q &+ doubledHighProduct(square, 127_690_142), p)
      &+ doubledHighProduct(q, 638_450_708)
    let quotient = doubledHighProduct(
      dividedByPowerOfTwo(numerator, exponent: 6), Softmax.reciprocal(denominator))
    return Softmax.shiftedLeft(doubledHighProduct(power, 1_488_522_236) &+ quotient, by: 1)
  }
}

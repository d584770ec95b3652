/// SOFTMAX along the last dimension.
///
/// For int8 the exponential is a barrel of constants and a polynomial in Q0.31, the sum has 19 fractional bits, and
/// the reciprocal is found by Newton's method: gemmlowp's arithmetic. For int16 both come from tables.
enum Softmax: Kernel {
  private typealias Field = ModelFormat.Softmax

  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(
      isBuilt: Built.functions, parameterByteCount: Field.byteCount)
  }

  /// The number of exponentials of 1 that 32 bits can sum up, for int8 and int16.
  public static let greatestDepths = (int8: 4095, int16: 65_535)

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    let (image, parameters) = (plan.image, plan.parameters)
    let depth = try image.size(at: parameters + Field.depth)
    let greatest = input.type == .int8 ? greatestDepths.int8 : greatestDepths.int16
    guard input.count == output.count, depth > 0, depth <= greatest, input.count % depth == 0,
      input.type == .int8 || output.type == .int16
    else { throw ModelError(.invalidOperator, at: place) }
    _ = try image.validMultiplier(at: parameters + Field.multiplier)
    guard input.type == .int16 else { return }
    for table in 0..<2 {
      let tables = try image.offset(at: parameters + Field.tables + 4 * table, count: 257, stride: 4)
      for index in 0..<513 where image.half(at: tables + 2 * index) > UInt16(Int16.max) {
        throw ModelError(.invalidOperator, at: tables + 2 * index)
      }
    }
  }

  static func lead(_ plan: OperatorPlan, input: Int, source: Tensor, target: Tensor) -> Int? {
    source.type == target.type ? 0 : nil
  }

  /// Computes all of the output; an output element is written after its input was read for the last time.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    let depth = Int(truncatingIfNeeded: plan.image.signedWord(at: plan.parameters + Field.depth))
    if input.tensor.type == .int8, output.tensor.type == .int8,
      unsafe workspace.instructions.softmaxRows(
        input.codes(as: Int8.self), rows: quotient(input.tensor.count, depth), count: depth,
        plan.image.multiplier(at: plan.parameters + Field.multiplier),
        leastDifference: plan.image.signedWord(at: plan.parameters + Field.leastDifference),
        into: output.codes(as: Int8.self))
    {
      return
    }
    for first in stride(from: 0, to: input.tensor.count, by: depth) {
      switch (input.tensor.type, output.tensor.type) {
      case (.int8, .int8):
        unsafe computeRow(
          plan, input.codes(as: Int8.self) + first, into: output.codes(as: Int8.self) + first, count: depth)
      case (.int8, _):
        unsafe computeRow(
          plan, input.codes(as: Int8.self) + first, into: output.codes(as: Int16.self) + first, count: depth)
      default:
        unsafe computeRow(
          plan, input.codes(as: Int16.self) + first, into: output.codes(as: Int16.self) + first, count: depth)
      }
    }
  }

  private static func computeRow<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, _ inputs: UnsafeMutablePointer<Int8>, into outputs: UnsafeMutablePointer<Code>,
    count: Int
  ) {
    let multiplier = plan.image.multiplier(at: plan.parameters + Field.multiplier)
    let least = plan.image.signedWord(at: plan.parameters + Field.leastDifference)
    var greatest = Int8.min
    for index in 0..<count { greatest = unsafe max(greatest, inputs[index]) }
    var sum: Int32 = 0
    for index in 0..<count {
      let difference = unsafe Int32(inputs[index]) &- Int32(greatest)
      guard difference >= least else { continue }
      sum &+= dividedByPowerOfTwo(exponential(multiplier.scale(difference)), exponent: 12)
    }
    let headroom = Int32(truncatingIfNeeded: sum.leadingZeroBitCount)
    let reciprocal = reciprocal(
      Int32(bitPattern: (UInt32(bitPattern: sum) &<< UInt32(headroom)) ^ (1 &<< 31)))
    let exponent = 12 &- headroom &+ 31 &- Int32(Code.bitWidth)
    for index in 0..<count {
      let difference = unsafe Int32(inputs[index]) &- Int32(greatest)
      var code = Int32(truncatingIfNeeded: Code.min)
      if difference >= least, exponent <= 31 {
        let product = doubledHighProduct(reciprocal, exponential(multiplier.scale(difference)))
        code = min(
          code &+ dividedByPowerOfTwo(product, exponent: max(0, exponent)),
          Int32(truncatingIfNeeded: Code.max))
      }
      unsafe outputs[index] = Code(truncatingIfNeeded: code)
    }
  }

  /// exp(x) in Q0.31 for x in Q5.26, x <= 0.
  static func exponential(_ x: Int32) -> Int32 {
    if x == 0 { return Int32.max }
    // x = quarter - remainder, with quarter in -1/4 ..< 0 and the remainder a multiple of 1/4.
    let quarter = (x & 0xFF_FFFF) &- (1 &<< 24)
    let remainder = quarter &- x
    // exp(quarter) as a polynomial around -1/8.
    let t = (quarter &<< 5) &+ (1 &<< 28)
    let t2 = doubledHighProduct(t, t)
    let t3 = doubledHighProduct(t2, t)
    let t4 = doubledHighProduct(t2, t2)
    let higher = dividedByPowerOfTwo(
      doubledHighProduct(dividedByPowerOfTwo(t4, exponent: 2) &+ t3, 715_827_883) &+ t2, exponent: 1)
    var result: Int32 = 1_895_147_668 &+ doubledHighProduct(t &+ higher, 1_895_147_668)
    // exp(-2^k) in Q0.31 for k = -2...4.
    let powers: (Int32, Int32, Int32, Int32, Int32, Int32, Int32) = (
      1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242
    )
    if remainder & (1 &<< 24) != 0 { result = doubledHighProduct(result, powers.0) }
    if remainder & (1 &<< 25) != 0 { result = doubledHighProduct(result, powers.1) }
    if remainder & (1 &<< 26) != 0 { result = doubledHighProduct(result, powers.2) }
    if remainder & (1 &<< 27) != 0 { result = doubledHighProduct(result, powers.3) }
    if remainder & (1 &<< 28) != 0 { result = doubledHighProduct(result, powers.4) }
    if remainder & (1 &<< 29) != 0 { result = doubledHighProduct(result, powers.5) }
    if remainder & (1 &<< 30) != 0 { result = doubledHighProduct(result, powers.6) }
    return result
  }

  /// 1 / (1 + x) in Q0.31 for x in Q0.31, x in 0 ..< 1, by three of Newton's steps in Q2.29.
  static func reciprocal(_ x: Int32) -> Int32 {
    let halfDenominator = Int32(bitPattern: (UInt32(bitPattern: x) &+ (1 &<< 31)) &>> 1)
    // 48/17 - 32/17 d is the linear function that is nearest to 1/d for d in 1/2...1.
    var y: Int32 = 1_515_870_810 &+ doubledHighProduct(halfDenominator, -1_010_580_540)
    for _ in 0..<3 {
      let error = (1 &<< 29) &- doubledHighProduct(halfDenominator, y)
      y = saturated(y, plus: shiftedLeft(doubledHighProduct(y, error), by: 2))
    }
    return shiftedLeft(y, by: 1)
  }

  static func shiftedLeft(_ x: Int32, by bits: Int32) -> Int32 {
    if x > Int32.max &>> bits { return Int32.max }
    return x < Int32.min &>> bits ? Int32.min : x &<< bits
  }

  private static func saturated(_ x: Int32, plus y: Int32) -> Int32 {
    let (sum, overflow) = x.addingReportingOverflow(y)
    return overflow ? (y > 0 ? Int32.max : Int32.min) : sum
  }

  /// A row of int16 codes: exponentials go to the output first.
  private static func computeRow(
    _ plan: OperatorPlan, _ inputs: UnsafeMutablePointer<Int16>,
    into outputs: UnsafeMutablePointer<Int16>, count: Int
  ) {
    let multiplier = plan.image.multiplier(at: plan.parameters + Field.multiplier)
    let exponentials: UnsafePointer<Int16> = unsafe plan.image.pointer(at: plan.parameters + Field.tables)
    let reciprocals: UnsafePointer<Int16> = unsafe plan.image.pointer(
      at: plan.parameters + Field.tables + 4)
    var greatest = Int16.min
    for index in 0..<count { greatest = unsafe max(greatest, inputs[index]) }
    var sum: Int32 = 0
    for index in 0..<count {
      let difference = unsafe multiplier.scale(Int32(inputs[index]) &- Int32(greatest))
      let place = Int16(clamping: max(difference, -65_535) &+ 32_767)
      let value = unsafe interpolated(exponentials, at: place)
      unsafe outputs[index] = value
      sum &+= Int32(value)
    }
    let headroom = Int32(truncatingIfNeeded: max(sum, 1).leadingZeroBitCount)
    let normalized = Int32(
      truncatingIfNeeded: ((Int64(extending: sum) &<< Int64(extending: headroom &- 1))
        &+ (1 &<< 13)) &>> 14)
    let reciprocal = unsafe Int32(
      interpolated(reciprocals, at: Int16(clamping: normalized &- ((1 &<< 15) &+ (1 &<< 16)))))
    let shift = 31 &- headroom
    let half: Int32 = shift > 0 ? 1 &<< (shift &- 1) : 0
    for index in 0..<count {
      let scaled = unsafe (Int32(outputs[index]) &* reciprocal &+ half) &>> shift
      unsafe outputs[index] = Int16(truncatingIfNeeded: min(max(scaled, 0), 32_767))
    }
  }

  /// A function between the 513 values of its table, for an argument that spans all of 16 bits.
  private static func interpolated(_ table: UnsafePointer<Int16>, at x: Int16) -> Int16 {
    let index = 256 &+ Int(x &>> 7)
    let (base, next) = unsafe (Int32(table[index]), Int32(table[index &+ 1]))
    let delta = ((next &- base) &* Int32(x & 0x7F) &+ 64) &>> 7
    return Int16(truncatingIfNeeded: base &+ delta)
  }
}

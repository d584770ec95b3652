import CKernels

/// The binary logarithm of a positive integer, in Q16: `log2(x) * 65536`, by integer arithmetic alone.
///
/// The position of the leading bit gives the integer part; a polynomial of degree six in the bits that follow
/// gives the fraction, with an error below 3e-6 (a fifth of the last place).
///
/// - Parameter x: At least 1.
/// - Returns: 0 ... 2,097,152.
/// - Complexity: O(1): six multiplications.
@inline(never)
package func log2Q16(_ x: UInt32) -> Int32 {
  let leadingZeros = Int32(truncatingIfNeeded: x.leadingZeroBitCount)
  let exponent = 31 &- leadingZeros
  // The bits after the leading one as a fraction in 0 ..< 1, in Q31.
  let fractionQ31 = Int32(truncatingIfNeeded: (x &<< UInt32(truncatingIfNeeded: leadingZeros)) & 0x7FFF_FFFF)
  // log2(1 + f) = f * p(f), where p is fitted for the least maximal error with p(1) = 1, in Horner's form.
  var polynomialQ30: Int32 = -27_746_708
  polynomialQ30 = qi_times_fraction(polynomialQ30, fractionQ31) &+ 130_778_484
  polynomialQ30 = qi_times_fraction(polynomialQ30, fractionQ31) &- 298_397_426
  polynomialQ30 = qi_times_fraction(polynomialQ30, fractionQ31) &+ 491_289_107
  polynomialQ30 = qi_times_fraction(polynomialQ30, fractionQ31) &- 771_102_461
  polynomialQ30 = qi_times_fraction(polynomialQ30, fractionQ31) &+ 1_548_920_828
  let logarithmQ30 = qi_times_fraction(polynomialQ30, fractionQ31)
  return (exponent &<< 16) &+ ((logarithmQ30 &+ (1 &<< 13)) &>> 14)
}

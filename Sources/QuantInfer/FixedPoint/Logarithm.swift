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
package func log2Q16(_ x: UInt32) -> Int32 { qi_log2_q16(x) }

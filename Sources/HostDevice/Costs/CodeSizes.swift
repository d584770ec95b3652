/// The runtime's code in bytes by what a build selects, of Embedded Swift 6.3 with `-Osize`, in a program in C that streams, saves
/// and restores: written by `make code-sizes`.
///
/// A build with some of the operators that have weights takes what stands beside them. Any other condition adds its own, as measured
/// beside a convolution and a fully connected layer; `QUANTINFER_INT4`, `_INT16` and `_WHOLE_WINDOW` add more where there are more
/// operators: everything together takes 114 kB on a Cortex-M4. The builds with operators that have weights were measured on 2026-12-01, what
/// other conditions add with an earlier runtime, and what a fast transform adds not yet. The Cortex-M4 has DSP instructions and long multiplications, the Cortex-M0 neither.
enum CodeSizes {
  static let cortexM4: [String: Int] = [
    "": 7846,
    "FULLY_CONNECTED": 10464,
    "CONVOLUTION": 12414,
    "CONVOLUTION FULLY_CONNECTED": 13550,
    "DEPTHWISE": 14990,
    "DEPTHWISE FULLY_CONNECTED": 16612,
    "CONVOLUTION DEPTHWISE": 17756,
    "CONVOLUTION DEPTHWISE FULLY_CONNECTED": 18978,
    "POOLING": 6949,
    "ELEMENTWISE": 4433,
    "FUNCTIONS": 3569,
    "INT4": 11150,
    "SAMPLES": 350,
    "WHOLE_WINDOW": 2766,
    "INT16": 5046,
    "MONITOR": 6498,
  ]
  static let cortexM0: [String: Int] = [
    "": 12284,
    "FULLY_CONNECTED": 18140,
    "CONVOLUTION": 20294,
    "CONVOLUTION FULLY_CONNECTED": 23796,
    "DEPTHWISE": 17480,
    "DEPTHWISE FULLY_CONNECTED": 22248,
    "CONVOLUTION DEPTHWISE": 23392,
    "CONVOLUTION DEPTHWISE FULLY_CONNECTED": 26940,
    "POOLING": 8669,
    "ELEMENTWISE": 5751,
    "FUNCTIONS": 4453,
    "INT4": 1806,
    "SAMPLES": 558,
    "WHOLE_WINDOW": 9340,
    "INT16": 5490,
    "MONITOR": 7100,
  ]
}

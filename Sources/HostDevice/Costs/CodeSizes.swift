/// The runtime's code in bytes by what a build selects, of Embedded Swift 6.3 with `-Osize`, in a program in C that streams, saves
/// and restores: written by `make code-sizes`.
///
/// A build with some of the operators that have weights takes what stands beside them. Any other condition adds its own, as measured
/// beside a convolution and a fully connected layer; `QUANTINFER_INT4`, `_INT16` and `_WHOLE_WINDOW` add more where there are more
/// operators: everything together takes 68 kB on a Cortex-M4. The Cortex-M4 has DSP instructions and long multiplications, the Cortex-M0 neither.
enum CodeSizes {
  static let cortexM4: [String: Int] = [
    "": 7404,
    "FULLY_CONNECTED": 11624,
    "CONVOLUTION": 11898,
    "CONVOLUTION FULLY_CONNECTED": 13054,
    "DEPTHWISE": 14100,
    "DEPTHWISE FULLY_CONNECTED": 17312,
    "CONVOLUTION DEPTHWISE": 16876,
    "CONVOLUTION DEPTHWISE FULLY_CONNECTED": 18070,
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
    "": 11826,
    "FULLY_CONNECTED": 17852,
    "CONVOLUTION": 19984,
    "CONVOLUTION FULLY_CONNECTED": 23756,
    "DEPTHWISE": 16812,
    "DEPTHWISE FULLY_CONNECTED": 21828,
    "CONVOLUTION DEPTHWISE": 22918,
    "CONVOLUTION DEPTHWISE FULLY_CONNECTED": 26728,
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

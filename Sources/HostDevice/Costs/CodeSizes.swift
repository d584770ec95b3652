/// The runtime's code in bytes by what a build selects, of Embedded Swift 6.3 with `-Osize`, in a program in C that streams, saves
/// and restores: written by `make code-sizes`.
///
/// A build with some of the operators that have weights takes what stands beside them. Any other condition adds its own, as measured
/// beside a convolution and a fully connected layer; `QUANTINFER_INT4`, `_INT16` and `_WHOLE_WINDOW` add more where there are more
/// operators: everything together takes 68 kB on a Cortex-M4. The Cortex-M4 has DSP instructions and long multiplications, the Cortex-M0 neither.
enum CodeSizes {
  static let cortexM4: [String: Int] = [
    "": 6570,
    "FULLY_CONNECTED": 10800,
    "CONVOLUTION": 11072,
    "CONVOLUTION FULLY_CONNECTED": 12184,
    "DEPTHWISE": 13160,
    "DEPTHWISE FULLY_CONNECTED": 16370,
    "CONVOLUTION DEPTHWISE": 15900,
    "CONVOLUTION DEPTHWISE FULLY_CONNECTED": 17208,
    "POOLING": 6050,
    "ELEMENTWISE": 2864,
    "FUNCTIONS": 2698,
    "INT4": 11256,
    "SAMPLES": 502,
    "WHOLE_WINDOW": 4176,
    "INT16": 4866,
    "MONITOR": 5798,
  ]
  static let cortexM0: [String: Int] = [
    "": 10906,
    "FULLY_CONNECTED": 17070,
    "CONVOLUTION": 19222,
    "CONVOLUTION FULLY_CONNECTED": 22986,
    "DEPTHWISE": 15770,
    "DEPTHWISE FULLY_CONNECTED": 20918,
    "CONVOLUTION DEPTHWISE": 22046,
    "CONVOLUTION DEPTHWISE FULLY_CONNECTED": 25968,
    "POOLING": 7302,
    "ELEMENTWISE": 3708,
    "FUNCTIONS": 3446,
    "INT4": 1790,
    "SAMPLES": 754,
    "WHOLE_WINDOW": 11572,
    "INT16": 5218,
    "MONITOR": 6412,
  ]
}

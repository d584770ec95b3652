/// The runtime's code in bytes by what a build selects, of Embedded Swift 6.3 with `-Osize`, in a program in C that streams, saves
/// and restores: written by `make code-sizes`.
///
/// A build with some of the operators that have weights takes what stands beside them. Any other condition adds its own, as measured
/// beside a convolution and a fully connected layer; `QUANTINFER_INT4`, `_INT16` and `_WHOLE_WINDOW` add more where there are more
/// operators: everything together takes 68 kB on a Cortex-M4. The Cortex-M4 has DSP instructions and long multiplications, the Cortex-M0 neither.
enum CodeSizes {
  static let cortexM4: [String: Int] = [
    "": 6662,
    "FULLY_CONNECTED": 10938,
    "CONVOLUTION": 11100,
    "CONVOLUTION FULLY_CONNECTED": 12180,
    "DEPTHWISE": 13294,
    "DEPTHWISE FULLY_CONNECTED": 16430,
    "CONVOLUTION DEPTHWISE": 16030,
    "CONVOLUTION DEPTHWISE FULLY_CONNECTED": 17200,
    "POOLING": 6232,
    "ELEMENTWISE": 2888,
    "FUNCTIONS": 2820,
    "INT4": 11292,
    "SAMPLES": 418,
    "WHOLE_WINDOW": 3254,
    "INT16": 5332,
    "MONITOR": 5800,
  ]
  static let cortexM0: [String: Int] = [
    "": 11096,
    "FULLY_CONNECTED": 17262,
    "CONVOLUTION": 19364,
    "CONVOLUTION FULLY_CONNECTED": 23030,
    "DEPTHWISE": 16008,
    "DEPTHWISE FULLY_CONNECTED": 21082,
    "CONVOLUTION DEPTHWISE": 22292,
    "CONVOLUTION DEPTHWISE FULLY_CONNECTED": 26008,
    "POOLING": 7472,
    "ELEMENTWISE": 3866,
    "FUNCTIONS": 3516,
    "INT4": 1790,
    "SAMPLES": 560,
    "WHOLE_WINDOW": 10284,
    "INT16": 5770,
    "MONITOR": 6410,
  ]
}

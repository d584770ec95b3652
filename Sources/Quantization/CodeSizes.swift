/// The runtime's code in bytes by what a build selects, of Embedded Swift 6.3 with `-Osize`, in a program in C that streams, saves
/// and restores: written by `make code-sizes`.
///
/// A build with some of the operators that have weights takes what stands beside them; any other condition adds its own.
/// The Cortex-M4 has DSP instructions and long multiplications, the Cortex-M0 neither.
enum CodeSizes {
  static let cortexM4: [String: Int] = [
    "": 6646,
    "CONVOLUTION": 11148,
    "DEPTHWISE": 12448,
    "FULLY_CONNECTED": 10894,
    "CONVOLUTION FULLY_CONNECTED": 12278,
    "MONITOR": 5472,
    "POOLING": 15722,
    "WHOLE_WINDOW": 2000,
  ]
  static let cortexM0: [String: Int] = [
    "": 10668,
    "CONVOLUTION": 19352,
    "DEPTHWISE": 15516,
    "FULLY_CONNECTED": 16934,
    "CONVOLUTION FULLY_CONNECTED": 22850,
    "MONITOR": 6102,
    "POOLING": 5150,
    "WHOLE_WINDOW": 2000,
  ]
}

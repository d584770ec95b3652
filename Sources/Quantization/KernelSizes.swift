/// The kernels' code on a Cortex-M4 in bytes, of Embedded Swift 6.3 with `-Osize`: written by `make kernel-sizes`.
///
/// A kernel's code for a type of codes stands beside what both types share, its checks included.
enum KernelSizes {
  static let bytes: [String: Int] = [
    "Convolution.int16": 1948,
    "Convolution.int8": 4986,
    "Convolution.shared": 268,
    "Depthwise.int16": 1608,
    "Depthwise.int8": 3526,
    "Depthwise.shared": 230,
    "Elementwise.int16": 1238,
    "Elementwise.int8": 1170,
    "Elementwise.shared": 558,
    "FullyConnected.int16": 1684,
    "FullyConnected.int8": 2344,
    "FullyConnected.shared": 250,
    "Functions.int16": 216,
    "Functions.int8": 214,
    "Functions.shared": 672,
    "MatrixProduct.int16": 1680,
    "MatrixProduct.int8": 3284,
    "Mean.int16": 1218,
    "Mean.int8": 1158,
    "Mean.shared": 766,
    "Pooling.int16": 1758,
    "Pooling.int8": 1926,
    "Rearrangement.int16": 1038,
    "Rearrangement.int8": 1042,
    "Rearrangement.shared": 228,
    "SVDF.int16": 928,
    "SVDF.int8": 884,
    "SVDF.shared": 420,
    "Softmax.int16": 434,
    "Softmax.int8": 428,
    "Softmax.shared": 1282,
  ]
}

/// The kernels' code on a Cortex-M4 in bytes, of Embedded Swift 6.3 with `-Osize`: written by `make kernel-sizes`.
///
/// A kernel's code for a type of codes stands beside what both types share, its checks included.
enum KernelSizes {
  static let bytes: [String: Int] = [
    "Convolution.int16": 1930,
    "Convolution.int8": 3336,
    "Convolution.shared": 292,
    "Depthwise.int16": 1604,
    "Depthwise.int8": 1688,
    "Depthwise.shared": 250,
    "Elementwise.int16": 1248,
    "Elementwise.int8": 1170,
    "Elementwise.shared": 464,
    "FullyConnected.int16": 1348,
    "FullyConnected.int8": 1740,
    "FullyConnected.shared": 248,
    "Functions.int16": 182,
    "Functions.int8": 182,
    "Functions.shared": 548,
    "MatrixProduct.int16": 1160,
    "MatrixProduct.int8": 1160,
    "Mean.int16": 1298,
    "Mean.int8": 1228,
    "Mean.shared": 518,
    "Pooling.int16": 1812,
    "Pooling.int8": 1882,
    "Pooling.shared": 192,
    "Rearrangement.int16": 1156,
    "Rearrangement.int8": 1190,
    "Rearrangement.shared": 258,
    "SVDF.int16": 932,
    "SVDF.int8": 916,
    "SVDF.shared": 442,
    "Softmax.int16": 442,
    "Softmax.int8": 436,
    "Softmax.shared": 1278,
  ]
}

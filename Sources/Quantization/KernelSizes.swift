/// The kernels' code on a Cortex-M4 in bytes, of Embedded Swift 6.3 with `-Osize`: written by `make kernel-sizes`.
///
/// A kernel's code for a type of codes stands beside what both types share, its checks included.
enum KernelSizes {
  static let bytes: [String: Int] = [
    "Convolution.int16": 1956,
    "Convolution.int8": 5090,
    "Convolution.shared": 292,
    "Depthwise.int16": 1604,
    "Depthwise.int8": 3512,
    "Depthwise.shared": 250,
    "Elementwise.int16": 1248,
    "Elementwise.int8": 1170,
    "Elementwise.shared": 464,
    "FullyConnected.int16": 1340,
    "FullyConnected.int8": 1924,
    "FullyConnected.shared": 248,
    "Functions.int16": 182,
    "Functions.int8": 182,
    "Functions.shared": 548,
    "MatrixProduct.int16": 1296,
    "MatrixProduct.int8": 2998,
    "Mean.int16": 1296,
    "Mean.int8": 1228,
    "Mean.shared": 742,
    "Pooling.int16": 1916,
    "Pooling.int8": 1978,
    "Pooling.shared": 192,
    "Rearrangement.int16": 1256,
    "Rearrangement.int8": 1240,
    "Rearrangement.shared": 258,
    "SVDF.int16": 932,
    "SVDF.int8": 916,
    "SVDF.shared": 442,
    "Softmax.int16": 442,
    "Softmax.int8": 436,
    "Softmax.shared": 1278,
  ]
}

/// What CMSIS-NN's own files say about some cases and the JSON files don't.
enum KnownSettings {
  /// TRANSPOSE: shapes and permutations, which are lists of numbers (`config_data.h` of each case).
  static let transpositions: [String: (shape: [Int], permutation: [Int])] = [
    "transpose_3dim": ([5, 4, 20], [0, 2, 1]),
    "transpose_default": ([4, 3, 3, 22], [3, 2, 1, 0]),
    "transpose_matrix": ([5, 20], [1, 0]),
    "transpose_nchw": ([4, 9, 3, 19], [0, 3, 1, 2]),
    "transpose_ncwh": ([5, 4, 3, 9], [0, 3, 2, 1]),
    "transpose_nhcw": ([1, 1, 128, 128], [0, 1, 3, 2]),
    "transpose_nwhc": ([1, 19, 3, 64], [0, 2, 1, 3]),
    "transpose_wchn": ([4, 3, 3, 21], [2, 3, 1, 0]),
  ]

  /// Convolutions of 4-bit weights: settings that belong to the arrays.
  ///
  /// CMSIS-NN keeps two generations of data in these cases' folders. Both define the names `input` and
  /// `output_shift`, and a JSON file holds the older ones: they go with `weights`, `biases`, `output_mult` and
  /// `output_ref`. Its settings are the younger generation's; here are the older one's, from CMSIS-NN's commit
  /// bfc54ed ("4-bit support for convolution"), where they differ.
  static let convolutionsOf4Bits: [String: [String: Int]] = [
    "basic_2_int4": ["INPUT_OFFSET": 0],
    "conv_1_x_n_1_int4": ["STRIDE_Y": 1, "OUT_ACTIVATION_MIN": -127, "INPUT_OFFSET": 0, "INPUT_BATCHES": 2],
    "conv_1_x_n_2_int4": ["OUT_ACTIVATION_MIN": -111],
    "conv_1_x_n_3_int4": ["OUT_ACTIVATION_MIN": -111, "INPUT_OFFSET": 0],
    "conv_1_x_n_4_int4": ["OUT_ACTIVATION_MIN": -88, "INPUT_OFFSET": 0],
    "conv_1_x_n_5_int4": ["OUT_ACTIVATION_MIN": -88, "INPUT_OFFSET": 0],
    "conv_2_int4": ["OUT_ACTIVATION_MIN": -101, "INPUT_OFFSET": 0],
    "conv_2x3_dilation_int4": [
      "DILATION_Y": 2, "PAD_Y": 2, "OUT_ACTIVATION_MIN": -61, "OUT_ACTIVATION_MAX": 107, "INPUT_OFFSET": 0,
    ],
    "conv_3_int4": ["OUT_ACTIVATION_MIN": -127],
    "conv_3x2_dilation_int4": ["OUT_ACTIVATION_MIN": -61, "OUT_ACTIVATION_MAX": 107, "INPUT_OFFSET": 0],
    "conv_4_int4": ["OUT_ACTIVATION_MIN": -109, "INPUT_OFFSET": 0, "INPUT_BATCHES": 3],
    "conv_out_activation_int4": ["OUT_ACTIVATION_MAX": 107, "INPUT_OFFSET": 0],
    "kernel1x1_int4": ["OUT_ACTIVATION_MIN": -126, "INPUT_BATCHES": 2],
    "stride2pad1_int4": ["INPUT_OFFSET": 0],
  ]
}

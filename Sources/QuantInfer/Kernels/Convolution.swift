/// A convolution along time and frequency (CONV_2D), one output column at a time.
enum Convolution {
  /// Computes one output column.
  ///
  /// The inputs under the kernel are gathered into a patch once for each output row, with the input's zero
  /// point where the kernel reaches over the edge; each output channel is then one dot product.
  ///
  /// - Parameters:
  ///   - plan: The operator, validated.
  ///   - input: The input's tensor.
  ///   - outputTensor: The output's tensor.
  ///   - columns: The input; its column 0 lies under tap 0 where there is no padding.
  ///   - firstColumn: The input column under tap 0: negative in the padding before the first.
  ///   - columnCount: The number of input columns there are; beyond it lies padding.
  ///   - patch: Scratch for `kernel time * kernel frequency * input channels` bytes.
  ///   - output: Receives `[frequency, channel]`.
  static func computeColumn(
    _ plan: OperatorPlan, input: Tensor, output outputTensor: Tensor, columns: Columns, firstColumn: Int,
    columnCount: Int, patch: UnsafeMutablePointer<Int8>, into output: UnsafeMutablePointer<Int8>
  ) {
    let channels = input.channelCount
    let padding = Int8(truncatingIfNeeded: input.zeroPoint)
    let patchCount = plan.time.kernel &* plan.frequency.kernel &* channels
    for row in 0..<outputTensor.frequencyCount {
      var place = 0
      let firstRow = row &* plan.frequency.stride &- plan.frequency.paddingBefore
      for timeTap in 0..<plan.time.kernel {
        let column = firstColumn &+ timeTap &* plan.time.dilation
        let isInside = column >= 0 && column < columnCount
        for frequencyTap in 0..<plan.frequency.kernel {
          let inputRow = firstRow &+ frequencyTap &* plan.frequency.dilation
          if isInside && inputRow >= 0 && inputRow < input.frequencyCount {
            let source = unsafe columns.column(column) + (inputRow &* channels)
            unsafe (patch + place).update(from: source, count: channels)
          } else {
            unsafe (patch + place).update(repeating: padding, count: channels)
          }
          place &+= channels
        }
      }
      let outputRow = unsafe output + (row &* outputTensor.channelCount)
      for channel in 0..<outputTensor.channelCount {
        let weights = unsafe plan.weights + (channel &* patchCount)
        let sum = unsafe dotProduct(UnsafePointer(patch), weights, count: patchCount) &+ plan.biases[channel]
        unsafe outputRow[channel] = plan.code(sum, channel: channel, zeroPoint: outputTensor.zeroPoint)
      }
    }
  }
}

/// A fully connected operator (FULLY_CONNECTED) over all columns of its input.
enum FullyConnected {
  /// Computes the outputs.
  ///
  /// - Parameters:
  ///   - plan: The operator, validated.
  ///   - outputTensor: The output's tensor.
  ///   - columns: The input, oldest column first: a ring is read in its two parts.
  ///   - output: Receives a code an output channel.
  /// - Complexity: O(inputs x outputs).
  static func compute(
    _ plan: OperatorPlan, output outputTensor: Tensor, columns: Columns,
    into output: UnsafeMutablePointer<Int8>
  ) {
    let inputCount = columns.capacity &* columns.columnByteCount
    let firstPartCount = (columns.capacity &- columns.start) &* columns.columnByteCount
    let firstPart = unsafe columns.base + (columns.start &* columns.columnByteCount)
    for channel in 0..<outputTensor.channelCount {
      let weights = unsafe plan.weights + (channel &* inputCount)
      let sum =
        unsafe dotProduct(firstPart, weights, count: firstPartCount)
        &+ dotProduct(columns.base, weights + firstPartCount, count: inputCount &- firstPartCount)
        &+ plan.biases[channel]
      unsafe output[channel] = plan.code(sum, channel: channel, zeroPoint: outputTensor.zeroPoint)
    }
  }
}

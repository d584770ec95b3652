/// FULLY_CONNECTED: every row of the input times every row of the weights, both zero points taken off.
///
/// - Parameters:
///   - input: `[row, input]`.
///   - zeroPoint: The input code of real 0.
///   - weights: `[output, input]`.
///   - weightZeroPoint: The weights' code of real 0: not 0 in legacy models only.
///   - biases: One an output; empty for none.
///   - outputCount: The number of outputs of a row.
///   - output: From sums to codes.
/// - Returns: The output's codes, `[row, output]`.
public func referenceFullyConnected(
  _ input: [Int], zeroPoint: Int, weights: [Int], weightZeroPoint: Int = 0, biases: [Int], outputCount: Int,
  output: ReferenceOutput
) -> [Int] {
  let inputCount = weights.count / outputCount
  var codes: [Int] = []
  for row in 0..<input.count / inputCount {
    for o in 0..<outputCount {
      var sum = biases.isEmpty ? 0 : biases[o]
      for i in 0..<inputCount {
        sum &+= (input[row * inputCount + i] - zeroPoint) * (weights[o * inputCount + i] - weightZeroPoint)
      }
      codes.append(output.code(sum, channel: o))
    }
  }
  return codes
}

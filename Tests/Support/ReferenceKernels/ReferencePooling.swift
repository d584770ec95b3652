/// AVERAGE_POOL_2D: the mean of the raw codes under the window, halves away from zero; padding doesn't count.
///
/// - Parameters:
///   - input: `[batch, time, frequency, channel]`.
///   - shape: The input's dimensions.
///   - time: Steps along time (TensorFlow Lite's height).
///   - frequency: Steps along frequency (its width).
///   - outputShape: `[batch, time, frequency, channel]`.
///   - range: The codes that the fused activation allows.
/// - Returns: The output's codes.
public func referenceAveragePool(
  _ input: [Int], shape: [Int], time: ReferenceStep, frequency: ReferenceStep, outputShape: [Int],
  range: ClosedRange<Int>
) -> [Int] {
  pool(input, shape: shape, time: time, frequency: frequency, outputShape: outputShape) { codes in
    let sum = codes.reduce(0, +)
    let half = codes.count / 2
    let mean = (sum > 0 ? sum + half : sum - half) / codes.count
    return ReferenceArithmetic.clamped(mean, to: range)
  }
}

/// MAX_POOL_2D: the largest code under the window.
///
/// - Parameters:
///   - input: `[batch, time, frequency, channel]`.
///   - shape: The input's dimensions.
///   - time: Steps along time (TensorFlow Lite's height).
///   - frequency: Steps along frequency (its width).
///   - outputShape: `[batch, time, frequency, channel]`.
///   - range: The codes that the fused activation allows.
/// - Returns: The output's codes.
public func referenceMaximumPool(
  _ input: [Int], shape: [Int], time: ReferenceStep, frequency: ReferenceStep, outputShape: [Int],
  range: ClosedRange<Int>
) -> [Int] {
  pool(input, shape: shape, time: time, frequency: frequency, outputShape: outputShape) { codes in
    ReferenceArithmetic.clamped(codes.reduce(codes[0], max), to: range)
  }
}

private func pool(
  _ input: [Int], shape: [Int], time: ReferenceStep, frequency: ReferenceStep, outputShape: [Int],
  summary: ([Int]) -> Int
) -> [Int] {
  allIndices(of: outputShape).map { index in
    var codes: [Int] = []
    for i in 0..<time.kernel {
      for j in 0..<frequency.kernel {
        let row = time.position(output: index[1], tap: i)
        let column = frequency.position(output: index[2], tap: j)
        guard (0..<shape[1]).contains(row), (0..<shape[2]).contains(column) else { continue }
        codes.append(input[offset([index[0], row, column, index[3]], in: shape)])
      }
    }
    return summary(codes)
  }
}

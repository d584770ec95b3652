import Support
import Training

/// How an activation's range is chosen from the values seen.
public enum CalibrationMethod: String, CaseIterable, Codable, Sendable {
  /// The least and the greatest value.
  case minmax
  /// All but the 0.01 % farthest values on each side.
  case percentile
  /// The range, within the least and greatest value, whose int8 codes have the least mean squared error.
  case mse
}

/// A range of real numbers that int8 codes shall cover; it contains 0.
struct ActivationRange: Equatable {
  var lowest: Float
  var highest: Float

  /// Chooses a range for values.
  init(of values: [Float], method: CalibrationMethod) {
    let lowest = min(0, values.min() ?? 0)
    let highest = max(0, values.max() ?? 0)
    self.init(lowest: lowest, highest: highest)
    switch method {
    case .minmax: break
    case .percentile:
      let sorted = values.sorted()
      let outliers = values.count / 10_000
      self.init(lowest: min(0, sorted[outliers]), highest: max(0, sorted[sorted.count - 1 - outliers]))
    case .mse:
      var least = squaredError(of: values)
      for step in 1..<64 {
        let shrink = Float(64 - step) / 64
        let candidate = ActivationRange(lowest: lowest * shrink, highest: highest * shrink)
        let error = candidate.squaredError(of: values)
        if error < least { (least, self) = (error, candidate) }
      }
    }
  }

  init(lowest: Float, highest: Float) {
    self.lowest = lowest
    self.highest = highest
  }

  /// The scale and zero point whose 256 codes cover the range; 0 has a code of its own.
  var quantization: (scale: Float, zeroPoint: Int) {
    let span = highest - lowest
    guard span > 0 else { return (1, -128) }
    let scale = span / 255
    let zeroPoint = Int((-128 - lowest / scale).rounded())
    return (scale, max(-128, min(127, zeroPoint)))
  }

  private func squaredError(of values: [Float]) -> Double {
    let (scale, zeroPoint) = quantization
    let tensor = QuantizedNetwork.Tensor(name: "", shape: [], scale: scale, zeroPoint: zeroPoint)
    return values.reduce(0) { sum, value in
      let error = Double(tensor.real(tensor.code(value)) - value)
      return sum + error * error
    }
  }
}

extension EvaluationWindows {
  /// Windows `[time, channel]` of the network's input, drawn from all beats, each class in its turn.
  ///
  /// Rare classes are as large a part as they can be, so that their activations' ranges are seen.
  public func calibrationWindows(count: Int, seed: UInt64) -> [[Float]] {
    let beats = records.flatMap { record in record.beats.map { (record: record, beat: $0) } }
    let classCount = (beats.map(\.beat.classIndex).max() ?? -1) + 1
    let queues = (0..<classCount).map { classIndex in
      var generator = SeededGenerator(seed: seed).split(classIndex)
      return beats.filter { $0.beat.classIndex == classIndex }.shuffled(using: &generator)
    }
    let longest = queues.map(\.count).max() ?? 0
    let inTurn = (0..<longest).lazy.flatMap { turn in queues.compactMap { turn < $0.count ? $0[turn] : nil } }
    return inTurn.prefix(count).map { record, beat in
      levels(of: beat, in: record).map { window.settings.networkInput(ofLevel: $0) }
    }
  }
}

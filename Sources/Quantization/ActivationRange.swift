import Foundation
import Networks
import QuantInfer
import Support

/// How an activation's range is chosen from the values seen.
package enum CalibrationMethod: String, CaseIterable, Codable, Sendable {
  /// The least and the greatest value.
  case minmax
  /// All but the 0.01 % farthest values on each side.
  case percentile
  /// The range, within the least and greatest value, whose codes have the least mean squared error.
  case mse
  /// The range, within the least and greatest value, whose 256 codes keep the most of the values' distribution: the
  /// least Kullback-Leibler divergence of histograms. 16-bit codes take the least and greatest value.
  case entropy
}

/// A range of real numbers that codes shall cover; it contains 0.
struct ActivationRange: Equatable {
  var lowest: Float
  var highest: Float

  /// Chooses a range for values.
  init(of values: [Float], method: CalibrationMethod, type: ElementType = .int8) {
    let lowest = min(0, values.min() ?? 0)
    let highest = max(0, values.max() ?? 0)
    self.init(lowest: lowest, highest: highest)
    switch method {
    case .minmax: break
    case .percentile:
      guard !values.isEmpty else { break }
      let sorted = values.sorted()
      let outliers = values.count / 10_000
      self.init(lowest: min(0, sorted[outliers]), highest: max(0, sorted[sorted.count - 1 - outliers]))
    case .mse: self = shrunk { $0.squaredError(of: values, type) }
    case .entropy:
      guard type == .int8, highest > lowest else { break }
      let histogram = Histogram(of: values, in: self)
      self = shrunk { histogram.divergence(of: $0) }
    }
  }

  init(lowest: Float, highest: Float) {
    self.lowest = lowest
    self.highest = highest
  }

  /// The range of least loss, of this one and 63 that are shorter in the same proportion on both sides.
  private func shrunk(_ loss: (ActivationRange) -> Double) -> ActivationRange {
    var (least, best) = (loss(self), self)
    for step in 1..<64 {
      let shrink = Float(64 - step) / 64
      let candidate = ActivationRange(lowest: lowest * shrink, highest: highest * shrink)
      let value = loss(candidate)
      if value < least { (least, best) = (value, candidate) }
    }
    return best
  }

  /// The scale and zero point whose codes cover the range; 0 has a code of its own, which is 0 for int16.
  func quantization(_ type: ElementType) -> (scale: Float, zeroPoint: Int) {
    let span = highest - lowest
    if type == .int16 {
      let greatest = max(highest, -lowest)
      return (greatest > 0 ? greatest / 32_767 : 1, 0)
    }
    guard span > 0 else { return (1, -128) }
    let scale = span / 255
    let zeroPoint = Int((-128 - lowest / scale).rounded())
    return (scale, max(-128, min(127, zeroPoint)))
  }

  private func squaredError(of values: [Float], _ type: ElementType) -> Double {
    let (scale, zeroPoint) = quantization(type)
    let zero = Float(zeroPoint)
    let (least, greatest) = (Float(type.codes.lowerBound), Float(type.codes.upperBound))
    var sum = 0.0
    for value in values {
      let code = max(least, min(greatest, (value / scale).rounded() + zero))
      let error = Double(scale * (code - zero) - value)
      sum += error * error
    }
    return sum
  }

  /// How often values lie in each of 2,048 equal parts of their range.
  private struct Histogram {
    private static let binCount = 2048
    private let range: ActivationRange
    private var counts = [Double](repeating: 0, count: binCount)

    init(of values: [Float], in range: ActivationRange) {
      self.range = range
      let perUnit = Float(Self.binCount) / (range.highest - range.lowest)
      for value in values where value.isFinite {
        counts[max(0, min(Self.binCount - 1, Int((value - range.lowest) * perUnit)))] += 1
      }
    }

    /// The divergence of what 256 codes over a shorter range can tell from what was seen.
    ///
    /// Values beyond the range count as its ends (T. Migacz, 8-bit inference with TensorRT, 2017).
    func divergence(of candidate: ActivationRange) -> Double {
      let width = Double(range.highest - range.lowest) / Double(Self.binCount)
      func bin(_ value: Float) -> Int { Int((Double(value - range.lowest) / width).rounded()) }
      let (first, end) = (
        bin(candidate.lowest), min(Self.binCount, max(bin(candidate.highest), bin(candidate.lowest) + 1))
      )
      var seen = Array(counts[first..<end])
      seen[0] += counts[..<first].reduce(0, +)
      seen[seen.count - 1] += counts[end...].reduce(0, +)
      let total = seen.reduce(0, +)
      var (divergence, told) = (0.0, 0.0)
      var shares = [Double](repeating: 0, count: seen.count)
      for code in 0..<256 {
        let bins = seen.count * code / 256..<seen.count * (code + 1) / 256
        let inside = bins.reduce(0) { $0 + counts[first + $1] }
        let filled = bins.count { counts[first + $0] > 0 }
        for index in bins where counts[first + index] > 0 { shares[index] = inside / Double(filled) }
        told += inside
      }
      for (index, count) in seen.enumerated() where count > 0 {
        // A code that was never seen within the range, and stands for what lies beyond, tells next to nothing.
        let share = max(shares[index] / told, 1e-9)
        divergence += count / total * log(count / total / share)
      }
      return divergence
    }
  }
}

extension EvaluationWindows {
  /// Windows `[time, channel]` of the network's input, drawn from all beats, each class in its turn.
  ///
  /// Rare classes are as large a part as they can be, so that their activations' ranges are seen.
  package func calibrationWindows(count: Int, seed: UInt64) -> [[Float]] {
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

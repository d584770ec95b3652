import ECG
import Foundation
import Support

/// A sampling clock that runs fast or slow by a constant share.
///
/// Samples of the signal between those given come from a sinc of 32 taps in a Kaiser window: below 0.8 of half the
/// rate the error is at least 80 dB down.
struct ClockDrift {
  /// The device's clock against true time, less 1.
  let share: Double

  private static let tapCount = 32
  private static let phaseCount = 1024
  /// The filter, `[phase, tap]`, with a last phase for interpolation.
  private static let taps: [Float] = design()

  init(partsPerMillion: Double) {
    share = partsPerMillion * 1e-6
  }

  /// The samples that the device takes of a signal, which keeps its first and last value beyond its ends.
  func callAsFunction(_ input: [Float]) -> [Float] {
    guard share != 0, let first = input.first, let last = input.last else { return input }
    let reach = Self.tapCount / 2
    let padded =
      [Float](repeating: first, count: reach) + input + [Float](repeating: last, count: reach)
    let count = Int((Double(input.count - 1) * (1 + share)).rounded(.down)) + 1
    let taps = Self.taps
    return (0..<count).map { index in
      let time = min(Double(index) / (1 + share), Double(input.count - 1))
      let whole = Int(time)
      let phase = (time - Double(whole)) * Double(Self.phaseCount)
      let row = min(Int(phase), Self.phaseCount - 1)
      let fraction = Float(phase - Double(row))
      var sum: Float = 0
      for tap in 0..<Self.tapCount {
        let place = row * Self.tapCount + tap
        let weight = taps[place] + fraction * (taps[place + Self.tapCount] - taps[place])
        sum += weight * padded[whole + 1 + tap]
      }
      return sum
    }
  }

  private static func design() -> [Float] {
    let (half, beta) = (Double(tapCount / 2), 9.0)
    return (0...phaseCount).flatMap { phase in
      let row = (0..<tapCount).map { tap in
        let time = Double(tap + 1) - half - Double(phase) / Double(phaseCount)
        let sinc = time == 0 ? 1 : sin(Double.pi * time) / (Double.pi * time)
        return sinc * Kaiser.weight(time / half, beta: beta)
      }
      let sum = row.reduce(0, +)
      return row.map { Float($0 / sum) }
    }
  }
}

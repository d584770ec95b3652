import ECG
import Foundation
import Support

/// What a device's own stimuli do to the signal that its converter takes: spikes, and a blanked input.
///
/// A stimulus comes 20 ms before its beat's annotation. A spike is a pulse; a sample holds its mean over the sample's time,
/// as a converter that integrates does, and the coupling answers it with an undershoot. While the input is blanked it
/// stands at the value before the stimulus.
package struct Pacing: Codable, Equatable, Sendable {
  /// The spike's height at the electrode, in millivolts; 0 for none.
  package var spikeMillivolts = 0.0
  /// Its width in milliseconds.
  package var spikeMilliseconds = 0.0
  /// How long after a stimulus the input is blanked, in milliseconds; 0 for an input that never is.
  package var blankingMilliseconds = 0.0

  /// A device whose stimuli nobody sees.
  package init() {}

  /// How long before a beat's annotation its stimulus comes.
  package static let leadSeconds = 0.02

  /// What is impossible in the settings, in words; nil where nothing is.
  package var problem: String? {
    if !(-10_000...10_000).contains(spikeMillivolts) || !(0...20).contains(spikeMilliseconds)
      || (spikeMillivolts == 0) != (spikeMilliseconds == 0)
    {
      return "--pace-spikes must be of at most 10,000 mV, and above 0 and up to 20 ms wide"
    }
    if !(0...500).contains(blankingMilliseconds) { return "--blanking must be in 0 ... 500 ms" }
    return nil
  }

  /// The settings in words.
  package var phrases: [String] {
    var phrases: [String] = []
    if spikeMillivolts != 0 {
      phrases.append(
        "pace spikes of \(Numbers.decimal(spikeMillivolts, places: 1)) mV and "
          + "\(Numbers.decimal(spikeMilliseconds, places: 2)) ms")
    }
    if blankingMilliseconds > 0 {
      phrases.append("blanked for \(Numbers.decimal(blankingMilliseconds, places: 1)) ms after a pace")
    }
    return phrases
  }

  /// The beats of a record that stand for a device's stimuli, in seconds: its paced ones; where it has none, all, as of
  /// a device that paces all the time.
  package static func stimuli(_ labels: Annotations, sampleRateHz: Double) -> [Double] {
    let paced = labels.all.filter { Sensing.Marker($0.code) == .ventricularPace }
    return (paced.isEmpty ? labels.beats : paced).map { Double($0.sample) / sampleRateHz }
  }

  /// Puts the stimuli's traces into a signal.
  ///
  /// - Parameters:
  ///   - millivolts: The signal at the converter's input.
  ///   - beats: The paced beats, in seconds by the device's clock.
  ///   - gain: The amplifier's gain.
  ///   - coupling: The electrode's coupling.
  ///   - sampleRateHz: The converter's rate.
  func apply(
    to millivolts: inout [Float], beats: [Double], gain: Float, coupling: Coupling, sampleRateHz: Double
  ) {
    let starts = beats.map { $0 - Self.leadSeconds }
    if spikeMillivolts != 0 {
      var spikes = pulses(at: starts, count: millivolts.count, sampleRateHz: sampleRateHz)
      if let hertz = coupling.hertz {
        spikes = Coupling.highPassed(spikes, hertz: hertz, sampleRateHz: sampleRateHz)
      }
      for index in millivolts.indices { millivolts[index] += gain * spikes[index] }
    }
    guard blankingMilliseconds > 0 else { return }
    for start in starts {
      let first = max(0, Int((start * sampleRateHz - 0.5).rounded(.up)))
      let end = min(
        millivolts.count, Int(((start + blankingMilliseconds / 1000) * sampleRateHz + 0.5).rounded(.up)))
      guard first < end else { continue }
      let held = first > 0 ? millivolts[first - 1] : 0
      for index in first..<end { millivolts[index] = held }
    }
  }

  /// The pulses' mean over each sample's time, which lies half before it and half after it.
  private func pulses(at starts: [Double], count: Int, sampleRateHz: Double) -> [Float] {
    var spikes = [Float](repeating: 0, count: count)
    for start in starts {
      let first = start * sampleRateHz + 0.5
      let end = first + spikeMilliseconds / 1000 * sampleRateHz
      for index in max(0, Int(first.rounded(.down)))...max(0, Int(end.rounded(.down))) where index < count {
        let share = min(end, Double(index + 1)) - max(first, Double(index))
        spikes[index] += Float(spikeMillivolts * max(0, share))
      }
    }
    return spikes
  }
}

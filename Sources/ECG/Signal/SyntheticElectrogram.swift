import Foundation
import Support

/// A made-up electrogram of two chambers, as the sense amplifiers of a dual-chamber pacemaker may hear them.
///
/// It is a demonstration and a test, and no model of a heart: activations are biphasic deflections, each chamber's signal
/// has something of the other chamber's, and the rhythms come one after the other: sinus rhythm, atrial fibrillation,
/// sinus rhythm with premature ventricular beats, and a rhythm that the device paces in both chambers.
package struct SyntheticElectrogram: Sendable {
  /// A stretch of one rhythm.
  package enum Rhythm: String, CaseIterable, Sendable {
    case sinus, fibrillation, premature, paced

    /// The rhythm's name among annotations.
    fileprivate var text: String {
      switch self {
      case .sinus: "(N"
      case .fibrillation: "(AFIB"
      case .premature: "(N"
      case .paced: "(P"
      }
    }
  }

  /// The sampling rate.
  package var sampleRateHz = 512.0
  /// The length, in seconds.
  package var durationSeconds = 300.0
  /// The shortest and longest time of a rhythm, in seconds.
  package var rhythmSeconds: ClosedRange<Double> = 20...40
  /// The noise's standard deviation, in microvolts.
  package var noiseMicrovolts = 25.0

  /// Creates five minutes.
  package init() {}

  /// What a chamber does at a moment.
  private enum Event {
    /// The atrium is excited, in its signal so high, in millivolts.
    case atrium(height: Double)
    /// A beat of the ventricle, of its label.
    case ventricle(code: AnnotationCode)
    /// The device's own pulse, which both amplifiers hear.
    case stimulus
  }

  /// A deflection: its middle, its length as a standard deviation, and its height in millivolts.
  private struct Wave {
    var seconds, width, millivolts: Double
    /// Whether it goes up and down again through 0, or is a bump.
    var isBiphasic = true
  }

  /// The record, of the leads A and V, and the ventricle's beats and the rhythms as annotations.
  ///
  /// Its comments say that it is made up.
  ///
  /// - Parameters:
  ///   - name: The record's name.
  ///   - generator: Draws intervals, heights and noise.
  /// - Returns: The record in microvolts, and its annotations.
  package func record(
    name: String, using generator: inout SeededGenerator
  ) -> (record: Record, annotations: Annotations) {
    let count = Int((durationSeconds * sampleRateHz).rounded())
    var labels: [Annotation] = []
    var (atrium, ventricle) = ([Wave](), [Wave]())
    for (seconds, event) in events(&generator, labels: &labels) {
      let (a, v) = waves(of: event, at: seconds, &generator)
      atrium += a
      ventricle += v
    }
    let signals = [("A", atrium), ("V", ventricle)].map { name, waves in
      var specification = SignalSpecification()
      (specification.name, specification.gain, specification.adcResolutionBits) = (name, 1000, 16)
      let samples = millivolts(waves, count, &generator).map {
        Int32(min(max(($0 * 1000).rounded(), -32_767), 32_767))
      }
      specification.initialValue = Int(samples.first ?? 0)
      return Signal(specification, sampleRateHz: sampleRateHz, samples: samples)
    }
    let record = Record(
      name: name, sampleRateHz: sampleRateHz, sampleCount: count, signals: signals,
      comments: ["made-up electrogram of two chambers, computed by QuantInfer; no person's"])
    labels.removeAll { !(0..<count).contains($0.sample) }
    return (record, Annotations(labels.sorted { $0.sample < $1.sample }))
  }

  /// All that happens, and the labels of it: each rhythm in its turn.
  private func events(
    _ generator: inout SeededGenerator, labels: inout [Annotation]
  ) -> [(seconds: Double, event: Event)] {
    var events: [(seconds: Double, event: Event)] = []
    var (start, index) = (0.0, 0)
    func place(_ seconds: Double) -> Int { Int((seconds * sampleRateHz).rounded()) }
    while start < durationSeconds {
      let rhythm = Rhythm.allCases[index % Rhythm.allCases.count]
      let end = min(start + generator.next(in: rhythmSeconds), durationSeconds)
      labels.append(
        Annotation(sample: place(start), code: .rhythmChange, auxiliary: Array(rhythm.text.utf8) + [0]))
      for (seconds, event) in rhythmEvents(rhythm, from: start + 0.3, to: end, &generator) {
        events.append((seconds, event))
        if case .ventricle(let code) = event { labels.append(Annotation(sample: place(seconds), code: code)) }
      }
      (start, index) = (end, index + 1)
    }
    return events
  }

  private func rhythmEvents(
    _ rhythm: Rhythm, from start: Double, to end: Double, _ generator: inout SeededGenerator
  ) -> [(seconds: Double, event: Event)] {
    var events: [(seconds: Double, event: Event)] = []
    if rhythm == .fibrillation {
      var time = start
      while time < end {
        events.append((time, .atrium(height: generator.next(in: 0.3...0.9))))
        time += generator.next(in: 0.15...0.22)
      }
      time = start + 0.1
      while time < end {
        events.append((time, .ventricle(code: .normal)))
        time += generator.next(in: 0.4...0.95)
      }
      return events
    }
    var time = start
    while time < end - 0.6 {
      let isPremature = rhythm == .premature && generator.nextUniform() < 0.2
      if isPremature {
        // The ventricle comes early, and by itself; the atrium keeps its pace.
        events.append((time - 0.25, .ventricle(code: .prematureVentricular)))
        events.append((time, .atrium(height: 1.5)))
      } else if rhythm == .paced {
        events.append((time - 0.01, .stimulus))
        events.append((time, .atrium(height: 1.2)))
        events.append((time + 0.15, .stimulus))
        events.append((time + 0.17, .ventricle(code: .paced)))
      } else {
        events.append((time, .atrium(height: 1.5)))
        events.append((time + generator.next(in: 0.15...0.18), .ventricle(code: .normal)))
      }
      time += rhythm == .paced ? 0.857 : generator.next(in: 0.78...0.9)
    }
    return events
  }

  /// What each chamber's amplifier hears of an event.
  private func waves(
    of event: Event, at seconds: Double, _ generator: inout SeededGenerator
  ) -> (atrium: [Wave], ventricle: [Wave]) {
    func wave(_ width: Double, _ millivolts: Double, after delay: Double = 0, isBiphasic: Bool = true) -> Wave
    {
      Wave(
        seconds: seconds + delay, width: width, millivolts: millivolts * generator.next(in: 0.9...1.1),
        isBiphasic: isBiphasic)
    }
    switch event {
    case .atrium(let height): return ([wave(0.006, height)], [wave(0.006, 0.05 * height)])
    case .stimulus:
      return ([wave(0.001, 4, isBiphasic: false)], [wave(0.001, 4, isBiphasic: false)])
    case .ventricle(let code):
      // A beat that doesn't come down the bundles is broader, and of the other direction.
      let isWide = code != .normal
      let (width, height) = isWide ? (0.018, -3.0) : (0.009, 4.0)
      return (
        [wave(0.02, 0.2, isBiphasic: false)],
        [
          wave(width, height),
          wave(0.045, isWide ? 0.6 : 0.4, after: isWide ? 0.3 : 0.26, isBiphasic: false),
        ]
      )
    }
  }

  private func millivolts(
    _ waves: [Wave], _ count: Int, _ generator: inout SeededGenerator
  ) -> [Double] {
    // Even noise of a standard deviation d spans 2 sqrt(3) d.
    let span = noiseMicrovolts / 1000 * 12.0.squareRoot()
    var signal = (0..<count).map { _ in span * (generator.nextUniform() - 0.5) }
    for wave in waves {
      let reach = max(1, Int((5 * wave.width * sampleRateHz).rounded(.up)))
      let middle = Int((wave.seconds * sampleRateHz).rounded())
      let (first, end) = (max(0, middle - reach), min(count, middle + reach + 1))
      guard first < end else { continue }
      for sample in first..<end {
        let x = (Double(sample) / sampleRateHz - wave.seconds) / wave.width
        // The first derivative of a Gaussian, with its peak at 1.
        let shape = wave.isBiphasic ? -x * exp(0.5 - x * x / 2) : exp(-x * x / 2)
        signal[sample] += wave.millivolts * shape
      }
    }
    return signal
  }
}

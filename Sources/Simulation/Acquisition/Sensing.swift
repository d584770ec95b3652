import ECG
import Foundation
import Support

/// How a device's sense amplifier tells it of the heart: beats with a sample's number, and what goes wrong with them.
///
/// The record's annotations stand for the heart. Every QRS complex is a beat, whatever the model's classes; a paced one is
/// a pace, which nothing can miss. In the order of time, each sense comes with a jitter, may be missed, and is not
/// told within the refractory period of the last beat; senses of nothing come at any moment.
package struct Sensing: Codable, Equatable, Sendable {
  /// The standard deviation of a sense's time, in milliseconds; it stays within three of them.
  package var jitterMilliseconds = 0.0
  /// The senses that are missed, in percent.
  package var missedPercent = 0.0
  /// The senses of nothing a minute, on average.
  package var extraPerMinute = 0.0
  /// How long after a beat none is sensed, in milliseconds.
  package var refractoryMilliseconds = 0.0

  /// An amplifier that senses every beat in its sample.
  package init() {}

  /// Whether the seed makes a difference.
  package var isRandom: Bool { jitterMilliseconds > 0 || missedPercent > 0 || extraPerMinute > 0 }

  /// What is impossible in the settings, in words; nil where nothing is.
  package var problem: String? {
    if !(0...100).contains(jitterMilliseconds) { return "--sensed-jitter must be in 0 ... 100 ms" }
    if !(0...100).contains(missedPercent) { return "--undersense must be in 0 ... 100 %" }
    if !(0...600).contains(extraPerMinute) { return "--oversense must be in 0 ... 600 a minute" }
    if !(0...1000).contains(refractoryMilliseconds) { return "--refractory must be in 0 ... 1,000 ms" }
    return nil
  }

  /// What a device is told of the heart.
  package enum Marker: String, Codable, Sendable, CaseIterable {
    /// A P wave that was sensed.
    case atrialSense
    /// A QRS complex that was sensed.
    case ventricularSense
    /// A stimulus that captured the ventricles.
    case ventricularPace

    /// The marker of an annotation; nil where nothing is sensed or paced.
    init?(_ code: AnnotationCode) {
      switch code.mnemonic {
      case "/", "f": self = .ventricularPace
      case "p", "x": self = .atrialSense
      default:
        guard code.isQRS else { return nil }
        self = .ventricularSense
      }
    }

    /// Whether it is a beat.
    package var isBeat: Bool { self != .atrialSense }
  }

  /// What was sensed in a recording.
  package struct Sensed: Encodable, Equatable, Sendable {
    /// The settings.
    package var settings: Sensing
    /// The seed of all that was drawn.
    package var seed: UInt64
    /// The markers of each kind that were told.
    package var counts: [String: Int] = [:]
    /// The senses that were missed.
    package var missed = 0
    /// The senses of nothing that were told.
    package var extra = 0
    /// The senses that fell into a refractory period.
    package var refractory = 0
    /// The markers, in order of time; `sample` is at the device's rate.
    package var markers: [(sample: Int, marker: Marker)] = []

    /// The beats' samples, in order of time.
    package var beats: [Int] { markers.filter(\.marker.isBeat).map(\.sample) }

    enum CodingKeys: CodingKey { case settings, seed, counts, missed, extra, refractory }

    package static func == (first: Sensed, second: Sensed) -> Bool {
      first.settings == second.settings && first.seed == second.seed
        && first.markers.elementsEqual(second.markers) { $0 == $1 }
    }
  }

  /// Senses a recording.
  ///
  /// - Parameters:
  ///   - labels: The annotations, in order of time, at the device's rate.
  ///   - sampleRateHz: The device's rate.
  ///   - sampleCount: The recording's length.
  ///   - seed: The seed of all that is drawn.
  /// - Returns: What the device is told.
  package func sensed(
    _ labels: [Annotation], sampleRateHz: Double, sampleCount: Int, seed: UInt64
  ) -> Sensed {
    var result = Sensed(settings: self, seed: seed)
    let generator = SeededGenerator(seed: seed)
    var (jitter, missing) = (generator.split(2), generator.split(3))
    var events: [Event] = []
    for label in labels {
      guard let marker = Marker(label.code) else { continue }
      let offset = jitterMilliseconds / 1000 * sampleRateHz * max(-3, min(3, jitter.nextGaussian()))
      let isMissed = missing.nextUniform() * 100 < missedPercent
      guard marker != .ventricularPace else {
        events.append(Event(sample: label.sample, marker: marker))
        continue
      }
      if isMissed {
        result.missed += 1
      } else {
        events.append(Event(sample: label.sample + Int(offset.rounded()), marker: marker))
      }
    }
    events += extraEvents(sampleRateHz: sampleRateHz, sampleCount: sampleCount, using: generator.split(4))
    let refractorySamples = Int((refractoryMilliseconds / 1000 * sampleRateHz).rounded())
    var lastBeat: Int?
    for event in events.sorted(by: { $0.sample < $1.sample })
    where (0..<sampleCount).contains(event.sample) {
      if event.marker.isBeat {
        // One sample holds one beat.
        let isTooClose = lastBeat.map { event.sample - $0 < max(1, refractorySamples) } ?? false
        if isTooClose, event.marker == .ventricularSense {
          result.refractory += 1
          continue
        }
        lastBeat = event.sample
      }
      if event.isExtra { result.extra += 1 }
      result.counts[event.marker.rawValue, default: 0] += 1
      result.markers.append((event.sample, event.marker))
    }
    return result
  }

  private struct Event {
    var sample: Int
    var marker: Marker
    var isExtra = false
  }

  /// Senses of nothing: they come at any moment with the same chance.
  private func extraEvents(
    sampleRateHz: Double, sampleCount: Int, using generator: SeededGenerator
  ) -> [Event] {
    guard extraPerMinute > 0 else { return [] }
    var (generator, time) = (generator, 0.0)
    var events: [Event] = []
    while true {
      time -= log(1 - generator.nextUniform()) * 60 / extraPerMinute
      let sample = Int(min(time * sampleRateHz, 1e15))
      guard sample < sampleCount else { return events }
      events.append(Event(sample: sample, marker: .ventricularSense, isExtra: true))
    }
  }
}

extension Sensing.Sensed {
  /// What the device was told, in words.
  package var text: String {
    func count(_ marker: Sensing.Marker, _ name: String) -> String? {
      counts[marker.rawValue].map { "\(Numbers.integer($0)) \(name)\($0 == 1 ? "" : "s")" }
    }
    var phrases = [
      count(.ventricularSense, "ventricular sense"), count(.ventricularPace, "ventricular pace"),
      count(.atrialSense, "atrial sense"),
    ].compactMap(\.self)
    if phrases.isEmpty { phrases = ["nothing"] }
    if settings.jitterMilliseconds > 0 {
      phrases.append("jitter \(Numbers.decimal(settings.jitterMilliseconds, places: 1)) ms")
    }
    if settings.missedPercent > 0 { phrases.append("\(Numbers.integer(missed)) missed") }
    if settings.extraPerMinute > 0 { phrases.append("\(Numbers.integer(extra)) of nothing") }
    if refractory > 0 { phrases.append("\(Numbers.integer(refractory)) in the refractory period") }
    if settings.isRandom { phrases.append("seed \(seed)") }
    return phrases.joined(separator: ", ")
  }
}

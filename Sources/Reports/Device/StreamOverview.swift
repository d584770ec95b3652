import Drawing
import QuantInfer
import Simulation
import Support

/// The run as a whole, and the moments that a reader looks at.
extension StreamRun {
  /// The whole record: the heart's rate, and what was announced, withheld and wrong.
  var overviewSection: Section {
    Section(
      "The whole record",
      (rateChart.map { [$0] } ?? []) + [
        Timeline(
          title: "What the device said, and when it had nothing to say", explanation: laneExplanation,
          durationSeconds: result.durationSeconds, lanes: lanes)
      ])
  }

  /// The strips: a longer one, and those around chosen moments.
  func ecgSection(_ excerpt: Excerpt, momentsSeconds: [Double]) -> Section {
    let length = excerpt.endSeconds - excerpt.startSeconds
    let parts: [any Component] =
      strips(
        "What the converter heard, and what was decided",
        explanation: "\(Numbers.duration(seconds: length)) of "
          + "\(Numbers.duration(seconds: result.durationSeconds)). \"Said\" is what was announced: - is no result, z a "
          + "network that slept.", samples: excerpt.samples, secondsPerRow: 10)
      + momentsSeconds.flatMap { strips(around: $0, seconds: 10) }
    return Section("ECG and decisions", parts)
  }

  /// Strips of some seconds around a moment: one of each lead.
  func strips(around moment: Double, seconds: Double) -> [ECGStrip] {
    let rate = result.sampleRateHz
    let count = acquisition.samples.count
    let length = min(count, Int(seconds * rate))
    let first = min(max(0, Int((moment - seconds / 2) * rate)), count - length)
    return strips(
      "Around \(Numbers.decimal(moment, places: 2)) s", explanation: "", samples: first..<first + length,
      secondsPerRow: seconds)
  }

  /// A strip; of several leads, each row of each lead above the next one's, with what was decided at the first.
  private func strips(
    _ title: String, explanation: String, samples: Range<Int>, secondsPerRow: Double
  ) -> [ECGStrip] {
    guard !furtherLeads.isEmpty else {
      return [strip(title, explanation: explanation, samples: samples, secondsPerRow: secondsPerRow)]
    }
    let rowSamples = max(1, Int(secondsPerRow * result.sampleRateHz))
    return stride(from: samples.lowerBound, to: samples.upperBound, by: rowSamples).flatMap { start in
      let row = start..<min(start + rowSamples, samples.upperBound)
      let first = strip(
        (start == samples.lowerBound ? "\(title): lead " : "Lead ") + acquisition.leadName,
        explanation: start == samples.lowerBound ? explanation : "", samples: row,
        secondsPerRow: secondsPerRow)
      return [first]
        + furtherLeads.map { lead in
          ECGStrip(
            title: "Lead \(lead.leadName)", millivolts: lead.millivolts(row),
            sampleRateHz: result.sampleRateHz,
            startSeconds: first.startSeconds, secondsPerRow: secondsPerRow, decisions: [])
        }
    }
  }

  private func strip(
    _ title: String, explanation: String, samples: Range<Int>, secondsPerRow: Double
  ) -> ECGStrip {
    let rate = result.sampleRateHz
    let marks = zip(decisions, result.decisionList).filter {
      samples.contains($0.0.beatSample ?? $0.0.sample)
    }
    return ECGStrip(
      title: title, explanation: explanation,
      millivolts: acquisition.millivolts(samples), sampleRateHz: rate,
      startSeconds: Double(samples.lowerBound) / rate, secondsPerRow: secondsPerRow,
      decisions: marks.map { decision, told in
        .init(
          timeSeconds: told.beatSeconds ?? told.timeSeconds, float: told.float, fixed: told.fixed,
          said: told.announced ?? (decision.announcement == .asleep ? "z" : "-"))
      },
      annotations: (annotatedBeats ?? []).filter { samples.contains($0.sample) }.map {
        .init(timeSeconds: Double($0.sample) / rate, result.classNames[$0.classIndex])
      })
  }

  // MARK: The lanes

  /// The class that was announced most often: drawn at every beat it would hide the others.
  private var usualClass: String? {
    result.announcements.resultsByClass.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }

  private var lanes: [Timeline.Lane] {
    let list = result.decisionList
    var lanes = result.classNames.filter { $0 != usualClass }.map { name in
      Timeline.Lane(name, moments: list.filter { $0.announced == name }.map(\.timeSeconds))
    }
    lanes.append(
      .init("no result", spans: spans { $0.announced == nil && $0.noResult != "asleep" }, style: .alarm))
    if result.announcements.sleep != nil {
      lanes.append(.init("asleep", spans: spans { $0.noResult == "asleep" }))
    }
    if result.agreement != nil {
      lanes.append(
        .init(
          "differ", moments: list.filter(\.differs).map(\.timeSeconds), style: .alarm))
    }
    if result.accuracy != nil {
      lanes.append(
        .init(
          "wrong", moments: list.filter(\.isWrong).map(\.timeSeconds),
          style: .alarm))
    }
    return lanes
  }

  private var laneExplanation: String {
    let usual = usualClass.map { "\($0), announced most often, is not drawn. " } ?? ""
    return usual + "\"No result\" goes from a decision without one to the next with one"
      + (result.agreement == nil ? "" : "; \"differ\" are decisions that are not the float twin's")
      + (result.accuracy == nil ? "" : "; \"wrong\" are raw decisions that the annotations contradict") + "."
  }

  /// From each decision of a kind to the next one that isn't.
  private func spans(_ isInside: (StreamResult.Decision) -> Bool) -> [ClosedRange<Double>] {
    var spans: [ClosedRange<Double>] = []
    var start: Double?
    for decision in result.decisionList {
      if isInside(decision) {
        start = start ?? decision.timeSeconds
      } else if let begun = start {
        spans.append(begun...decision.timeSeconds)
        start = nil
      }
    }
    if let start { spans.append(start...max(start, result.durationSeconds)) }
    return spans
  }

  /// Beats a minute in each of 300 stretches of the record; nil where decisions aren't about beats.
  private var rateChart: LineChart? {
    let beats = decisions.compactMap(\.beatSample)
    guard beats.count > 2 else { return nil }
    let unit = Timeline.unit(ofSeconds: result.durationSeconds)
    let stretch = max(result.durationSeconds / 300, 5)
    var rates: [(place: Double, perMinute: Double)] = []
    var first = 0
    for index in beats.indices.dropFirst() {
      let seconds = Double(beats[index] - beats[first]) / result.sampleRateHz
      guard seconds >= stretch || index == beats.count - 1, seconds > 0 else { continue }
      let middle = Double(beats[index] + beats[first]) / 2 / result.sampleRateHz
      rates.append((middle / unit.seconds, 60 * Double(index - first) / seconds))
      first = index
    }
    return LineChart(
      title: "Heart rate", explanation: "by the beats that were decided about",
      series: [.init("rate", rates.map(\.perMinute), at: rates.map(\.place), style: .thin)],
      horizontalUnit: "time (\(unit.name))", verticalUnit: "beats a minute", height: 110,
      // The time of the lanes below.
      horizontalRange: 0...max(result.durationSeconds, 1e-3) / unit.seconds)
  }
}

extension Acquisition {
  /// What the converter heard in some samples, in millivolts.
  fileprivate func millivolts(_ range: Range<Int>) -> [Double] {
    let microvolts = Double(profile.converter.microvoltsPerCount)
    return samples[range.clamped(to: samples.indices)].map { Double($0) * microvolts / 1000 }
  }
}

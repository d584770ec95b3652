import HostDevice
import Metrics
import QuantInfer
import Support
import Tasks

/// What a device announces of one class along a record, beside the labelled episodes.
package struct RecordEpisodes: Encodable, Sendable {
  /// A labelled episode that is long enough.
  package struct Episode: Encodable, Equatable, Sendable {
    /// Its start and length, in seconds.
    package var startSeconds, seconds: Double
    /// Its labels, such as `VT, VF`.
    package var label: String
    /// The time from its start to the announcement; 0 where the class stood before; nil where it was missed.
    package var delaySeconds: Double?
  }

  /// An announcement of the class where no label is of it.
  package struct FalseAlarm: Encodable, Equatable, Sendable {
    /// Its start and length, in seconds.
    package var startSeconds, seconds: Double
    /// The label there; `-` where there is none.
    package var label: String
  }

  /// The record, and its patient.
  package var record, patient: String
  /// The episodes.
  package var episodes: [Episode]
  /// The false alarms.
  package var falseAlarms: [FalseAlarm]
  /// The labelled time without the class, in seconds, by label.
  package var otherSeconds: [String: Double]

  /// The moments at which a device that decides by the clock said something, and the class; nil for no result.
  package typealias Announcements = [(sample: Int, classIndex: Int?)]

  /// Compares announcements with labels.
  ///
  /// A run of announcements of the class finds each episode that it overlaps, up to a window's length after the episode's
  /// end, for so long the window still holds it. A run that overlaps no stretch of the class, however short, and begins
  /// in a stretch of another label is a false alarm; one that begins where labels are skipped or missing is neither.
  ///
  /// - Parameters:
  ///   - announcements: What the device said.
  ///   - signal: The record with its labelled stretches.
  ///   - classIndex: The class.
  ///   - window: The windows.
  ///   - leastSeconds: The length from which on an episode counts.
  package init(
    _ announcements: Announcements, of signal: LabelledSignal, classIndex: Int, window: BeatWindow,
    leastSeconds: Double
  ) {
    (record, patient) = (signal.record, signal.patient)
    let rate = window.settings.sampleRateHz
    let runs = Self.runs(of: classIndex, in: announcements)
    let own = LabelledSignal.joined(signal.stretches).filter { $0.classIndex == classIndex }
    func reach(_ stretch: Range<Int>) -> Range<Int> {
      stretch.lowerBound..<stretch.upperBound + window.sampleCount
    }
    episodes = own.filter { Double($0.samples.count) >= leastSeconds * rate }.map { stretch in
      let found = runs.first { $0.overlaps(reach(stretch.samples)) }
      let labels = signal.stretches.filter { $0.samples.overlaps(stretch.samples) }.map(\.label)
      return Episode(
        startSeconds: Double(stretch.samples.lowerBound) / rate,
        seconds: Double(stretch.samples.count) / rate,
        label: labels.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }.joined(
          separator: ", "),
        delaySeconds: found.map { Double(max(0, $0.lowerBound - stretch.samples.lowerBound)) / rate })
    }
    falseAlarms = runs.filter { run in !own.contains { reach($0.samples).overlaps(run) } }.compactMap { run in
      // What a window decides about lies in its middle.
      let middle = max(0, run.lowerBound - window.sampleCount / 2)
      guard let label = signal.stretches.first(where: { $0.samples.contains(middle) }),
        label.classIndex != nil
      else { return nil }
      return FalseAlarm(
        startSeconds: Double(run.lowerBound) / rate, seconds: Double(run.count) / rate, label: label.label)
    }
    otherSeconds = [:]
    for stretch in signal.stretches where stretch.classIndex != nil && stretch.classIndex != classIndex {
      otherSeconds[stretch.label, default: 0] += Double(stretch.samples.count) / rate
    }
  }

  /// The stretches from the first announcement of a class to the next of anything else.
  private static func runs(of classIndex: Int, in announcements: Announcements) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var start: Int?
    for (sample, announced) in announcements {
      if announced == classIndex {
        start = start ?? sample
      } else if let first = start {
        runs.append(first..<sample)
        start = nil
      }
    }
    if let first = start, let last = announcements.last { runs.append(first..<max(first + 1, last.sample)) }
    return runs
  }
}

/// How many episodes a device finds and how often it alarms without one, after its policy.
package struct EpisodeScore: Encodable, Sendable {
  /// The false alarms of a label.
  package struct LabelAlarms: Encodable, Equatable, Sendable {
    /// The label.
    package var label: String
    /// Its time, in hours.
    package var hours: Double
    /// The false alarms in it.
    package var falseAlarms: Int
  }

  /// The length from which on an episode counts, and the time within which it must be announced, where nobody says
  /// otherwise.
  package static let usualLeastSeconds = 10.0
  package static let usualLimitSeconds = 8.0

  /// The class, and the length from which on an episode counts.
  package var className: String
  package var leastSeconds: Double
  /// The device's policy in words; empty where each decision is announced as it comes.
  package var policy: [String]
  /// The episodes, those that were announced, and those announced within `delayLimitSeconds`.
  package var episodes, found, foundInTime: Int
  /// The time within which an announcement is in time.
  package var delayLimitSeconds: Double
  /// Wilson's interval of the share found in time.
  package var foundInTimeInterval: Interval
  /// The delays of those found: the middle one and the longest, in seconds.
  package var medianDelaySeconds, longestDelaySeconds: Double?
  /// The false alarms, the hours that they are of, and an hour's and a day's.
  package var falseAlarms: Int
  package var hours: Double
  package var falseAlarmsPerHour, falseAlarmsPerDay: Double
  /// The interval of an hour's by draws of patients.
  package var falseAlarmsPerHourInterval: Interval?
  /// The false alarms by label.
  package var byLabel: [LabelAlarms]
  /// Each record.
  package var perRecord: [RecordEpisodes]

  /// Sums up records.
  package init(
    _ records: [RecordEpisodes], className: String, leastSeconds: Double, delayLimitSeconds: Double,
    announcing: Announcing, seed: UInt64
  ) {
    self.className = className
    (self.leastSeconds, self.delayLimitSeconds) = (leastSeconds, delayLimitSeconds)
    policy = announcing.phrases
    perRecord = records
    let all = records.flatMap(\.episodes)
    let delays = all.compactMap(\.delaySeconds).sorted()
    episodes = all.count
    found = delays.count
    foundInTime = delays.count { $0 <= delayLimitSeconds }
    foundInTimeInterval = .wilson(successes: foundInTime, trials: episodes)
    medianDelaySeconds = delays.isEmpty ? nil : delays[delays.count / 2]
    longestDelaySeconds = delays.last
    func rate(_ records: [RecordEpisodes]) -> Double? {
      let seconds = records.reduce(0) { $0 + $1.otherSeconds.values.reduce(0, +) }
      return seconds > 0 ? Double(records.reduce(0) { $0 + $1.falseAlarms.count }) * 3600 / seconds : nil
    }
    falseAlarms = records.reduce(0) { $0 + $1.falseAlarms.count }
    hours = records.reduce(0) { $0 + $1.otherSeconds.values.reduce(0, +) } / 3600
    falseAlarmsPerHour = rate(records) ?? .nan
    falseAlarmsPerDay = 24 * falseAlarmsPerHour
    let patients = Dictionary(grouping: records, by: \.patient).sorted { $0.key < $1.key }.map(\.value)
    falseAlarmsPerHourInterval = Interval.bootstrap(patients, seed: seed) { rate($0.flatMap(\.self)) }
    var labels: [String: LabelAlarms] = [:]
    for record in records {
      for (label, seconds) in record.otherSeconds {
        labels[label, default: .init(label: label, hours: 0, falseAlarms: 0)].hours += seconds / 3600
      }
      for alarm in record.falseAlarms { labels[alarm.label]?.falseAlarms += 1 }
    }
    byLabel = labels.values.sorted { ($1.hours, $0.label) < ($0.hours, $1.label) }
  }
}

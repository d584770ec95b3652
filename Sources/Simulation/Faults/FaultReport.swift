import HostDevice
import Metrics
import Support

/// What becomes of a device in which something breaks.
package enum FaultKind: String, CaseIterable, Codable, Sendable {
  /// Bits of the packed weights flip while the device runs.
  case weights
  /// Bits of the streaming state, or of the beat detector's, flip between two samples.
  case state
  /// Bits of the arena flip between two operators of a whole-window run.
  case arena
  /// Bits of the image flip before it is loaded.
  case image
  /// Bits of the image flip before it is loaded, and its checksum is made right again.
  case forged
  /// Samples are dropped or come twice.
  case samples
  /// A bit of the converter sticks.
  case adc
  /// A column's work is not done in time, and is skipped.
  case clock
  /// The supply fails, and the device goes on from its last save.
  case brownout
}

/// A detector of faults that costs a device something, and is there only where it is asked for.
package enum FaultGuard: String, CaseIterable, Codable, Sendable {
  /// The state is checksummed after each sample, and the checksum held against it before the next one.
  case state
  /// A low bit of the converter that doesn't change in a second is taken for stuck.
  case adc
  /// Samples are counted against a clock every second, and columns against their deadlines.
  case clock
}

/// How a fault ended.
enum FaultOutcome {
  /// It was found before any decision changed.
  case detected
  /// It was found after a decision had changed.
  case late
  /// It was not found, and no decision changed.
  case masked
  /// It was not found, and a decision changed.
  case silent
}

/// One injected fault and what came of it.
struct FaultTrial: Codable, Equatable, Sendable {
  /// Where it hit; equal names are counted together, in this order.
  struct Place: Codable, Hashable, Sendable {
    var order: Int
    var name: String
  }

  /// What found it, and after which sample.
  struct Detection: Codable, Equatable, Sendable {
    var sample: Int
    var means: String
  }

  var kind: FaultKind
  var place: Place
  var bit: Int?
  var detection: Detection?
  /// The first decision that differs, by its sample.
  var firstChange: Int?
  var changedDecisions = 0

  var outcome: FaultOutcome {
    switch (detection, firstChange) {
    case (let detection?, let change?) where change < detection.sample: .late
    case (_?, _): .detected
    case (nil, nil): .masked
    case (nil, _?): .silent
    }
  }
}

/// A fault and what decided it: a result of a campaign's log.
struct FaultLine: Codable, Sendable {
  /// All that decides what becomes of a fault of a kind and number.
  struct Settings: Codable {
    var version = Release.version
    var model: String
    var modelDigest: String
    var record: String
    var samplesDigest: String
    var lead: String
    var everyColumns: Int?
    var announcing: Announcing
    var converterBits: Int
    var seed: UInt64
    var bitsPerFault: Int
    var scrubSeconds: Double?
    var saveSeconds: Double
    var guards: [FaultGuard]
  }

  /// What holds such results.
  static let log = ResultLog.Kind("fault campaign", version: 1)

  var settings: Settings
  /// The fault's number among those of its kind, from 0.
  var index: Int
  var trial: FaultTrial
}

/// A fault campaign's results: the content of `device-sim faults --json`.
package struct FaultReport: Encodable, Sendable {
  /// A number of faults among others.
  package struct Share: Encodable, Equatable, Sendable {
    /// How many.
    package var count: Int
    /// Their share; null where there were none at all.
    package var fraction: Double?
    /// The share's 95 % interval, by Wilson.
    package var interval: Interval

    package init(_ count: Int, of trials: Int) {
      self.count = count
      fraction = trials > 0 ? Double(count) / Double(trials) : nil
      interval = .wilson(successes: count, trials: trials)
    }
  }

  /// The float network beside the healthy device: what integers change without any fault.
  package struct Twin: Encodable, Equatable, Sendable {
    /// Its file's name.
    package var file: String
    /// The decisions of the run without faults, before its policy.
    package var decisions: Int
    /// Those for another class than the float network's.
    package var differing: Share
  }

  /// What became of some faults.
  package struct Tally: Encodable, Equatable, Sendable {
    /// What they have in common.
    package var name: String
    /// How many there were.
    package var trials: Int
    /// Found before any decision changed.
    package var detected: Share
    /// Found after a decision had changed.
    package var late: Share
    /// Not found, and no decision changed.
    package var masked: Share
    /// Not found, and a decision changed, came or was missing.
    package var silent: Share
    /// A decision changed, whether the fault was found or not: what it does to a device that goes on.
    package var changed: Share
    /// The decisions that changed, over all faults.
    package var changedDecisions: Int
    /// What found faults, and how many.
    package var detectedBy: [String: Int]

    init(_ name: String, _ faults: [FaultTrial]) {
      self.name = name
      trials = faults.count
      let outcomes = faults.map(\.outcome)
      func share(_ outcome: FaultOutcome) -> Share {
        Share(outcomes.count { $0 == outcome }, of: faults.count)
      }
      (detected, late) = (share(.detected), share(.late))
      (masked, silent) = (share(.masked), share(.silent))
      changed = Share(faults.count { $0.firstChange != nil }, of: faults.count)
      changedDecisions = faults.reduce(0) { $0 + $1.changedDecisions }
      detectedBy = faults.reduce(into: [:]) { counts, fault in
        if let means = fault.detection?.means { counts[means, default: 0] += 1 }
      }
    }
  }

  /// A kind's faults: all, by place, and by bit where the bit means something.
  package struct Kind: Encodable, Equatable, Sendable {
    /// The kind.
    package var kind: FaultKind
    /// All of them.
    package var total: Tally
    /// By layer, section or size.
    package var places: [Tally]
    /// By bit, the lowest first, named by its number.
    package var bits: [Tally]

    init(_ kind: FaultKind, _ faults: [FaultTrial]) {
      self.kind = kind
      total = Tally(kind.rawValue, faults)
      places = Dictionary(grouping: faults, by: \.place)
        .sorted { ($0.key.order, $0.key.name) < ($1.key.order, $1.key.name) }
        .map { Tally($0.key.name, $0.value) }
      bits = Dictionary(grouping: faults.filter { $0.bit != nil }, by: { $0.bit ?? 0 })
        .sorted { $0.key < $1.key }.map { Tally("\($0.key)", $0.value) }
    }
  }

  /// The program's version.
  package var version: String
  /// The model's file name.
  package var model: String
  /// The image's CRC-32, in hexadecimal.
  package var modelChecksum: String
  /// The image's SHA-256, in hexadecimal.
  package var modelDigest: String
  /// The record's name.
  package var record: String
  /// SHA-256 of the record's files; null for standard input.
  package var recordDigest: String?
  /// The lead's name.
  package var lead: String
  /// What was assumed of the record, and what about it isn't plausible.
  package var notes: [FileNote]
  /// The samples at the model's rate.
  package var samples: Int
  /// The model's rate.
  package var sampleRateHz: Double
  /// The bytes that the device keeps between samples, all of which faults of the state hit.
  package var stateBytes: Int
  /// The decisions of the run without faults.
  package var decisions: Int
  /// The float network beside it; null without one.
  package var twin: Twin?
  /// When the device decides.
  package var decide: String
  /// What becomes of decisions, and whether the network sleeps.
  package var announcing: Announcing
  /// The profile's name.
  package var profile: String
  /// The profile's converter.
  package var converterBits: Int
  /// The seed of all choices.
  package var seed: UInt64
  /// The neighbouring bits that flip at once.
  package var bitsPerFault: Int
  /// How often the running image's checksum is held against it; null: at load alone.
  package var scrubSeconds: Double?
  /// How often the state is saved against brown-outs.
  package var saveSeconds: Double
  /// The detectors that were on.
  package var guards: [FaultGuard]
  /// The seconds of the record in which the guard of the converter would have raised a false alarm.
  package var falseAlarms: Int
  /// The kinds, in the order of the run.
  package var kinds: [Kind]
}

extension FaultReport {
  /// A row of the terminal's table.
  package struct Row: Sendable {
    /// The label.
    package var label: String
    /// The cells.
    package var cells: [String]
  }

  /// What integers change without a fault, in a sentence; nil without a float network.
  package var twinSentence: String? {
    twin.map {
      "Without faults \(Numbers.integer($0.differing.count)) of \(Numbers.integer($0.decisions)) decisions are for "
        + "another class than \($0.file)'s in float."
    }
  }

  /// What was broken, in a line, and what to know about it.
  package var headline: String {
    let scrubbing = scrubSeconds.map { "checksum every \(Self.seconds($0))" } ?? "checksum at load alone"
    let guarding = guards.isEmpty ? "no guards" : "guards: " + guards.map(\.rawValue).joined(separator: ", ")
    let alarms =
      guards.contains(.adc) && falseAlarms > 0
      ? "; the stuck-bit check raises \(Numbers.integer(falseAlarms)) false alarms on this record" : ""
    let integers = twinSentence.map { "\($0)\n" } ?? ""
    return integers + "\(record), \(lead), \(Numbers.duration(seconds: Double(samples) / sampleRateHz)), "
      + "\(Numbers.integer(decisions)) decisions by \(model); "
      + "\(bitsPerFault) bit\(bitsPerFault == 1 ? "" : "s") at once, \(scrubbing), "
      + "state saved every \(Self.seconds(saveSeconds)), \(guarding)\(alarms)\n\n"
  }

  package static func seconds(_ value: Double) -> String {
    "\(Numbers.decimal(value, places: value == value.rounded() ? 0 : 2)) s"
  }

  /// The columns of the terminal's table.
  package static let columns = [
    "faults", "found", "found late", "masked", "silent (95 % interval)", "decisions changed", "found by",
  ]

  /// The rows of the terminal's table: each kind, and below it its places and bits.
  ///
  /// "Decisions changed" is their mean number a fault, found or not.
  package var rows: [Row] {
    kinds.flatMap { kind in
      let places = kind.places.count > 1 ? kind.places : []
      return [Self.row(kind.total, label: kind.kind.rawValue)]
        + places.map { Self.row($0, label: "  \($0.name)") }
        + kind.bits.map { Self.row($0, label: "  bit \($0.name)") }
    }
  }

  private static func row(_ tally: Tally, label: String) -> Row {
    func percent(_ share: Share) -> String { Numbers.percent(share.fraction ?? .nan, places: 1) }
    let limits = tally.silent.interval.percentages(places: 1)
    let changed = Double(tally.changedDecisions) / Double(max(tally.trials, 1))
    let means = tally.detectedBy.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { "\($0.key) \(Numbers.integer($0.value))" }
    return Row(
      label: label,
      cells: [
        Numbers.integer(tally.trials), percent(tally.detected), percent(tally.late), percent(tally.masked),
        "\(percent(tally.silent)) (\(limits))", Numbers.decimal(changed, places: 1),
        means.joined(separator: ", "),
      ])
  }
}

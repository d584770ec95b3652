import Foundation
import ModelFiles
import QuantInfer
import Support
import Tasks

/// One model on several devices: the content of `device-sim verdict --json`.
package struct ModelVerdicts: Encodable, Sendable {
  /// A device and what it makes of the model.
  package struct Entry: Encodable, Sendable {
    /// The profile with all its figures.
    package var profile: DeviceProfile
    /// The verdict: where patients' records were run, that of one of them.
    package var verdict: Feasibility
    /// The verdicts over patients; null where no records were run.
    package var patients: PatientVerdicts?
  }

  /// The model's file name.
  package var model: String
  /// The image's CRC-32, in hexadecimal.
  package var modelChecksum: String
  /// Memory.
  package var memory: ModelSummary.Memory
  /// Operations.
  package var operations: ModelSummary.Operations
  /// The front end; null for a model without one.
  package var frontEnd: ModelSummary.FrontEnd?
  /// How well the model decided about the beats of the records that were run; null where none were, or they name no beats.
  package var scores: PatientLoad.Scores?
  /// The devices in the order given.
  package var devices: [Entry]
  /// Whether the model decides about beats where nothing else is said.
  private let isByBeats: Bool

  private enum CodingKeys: CodingKey {
    case model, modelChecksum, memory, operations, frontEnd, scores, devices
  }

  /// Judges a model.
  ///
  /// - Parameters:
  ///   - model: The `.qinf` file, or a `.tflite` one, with the front end that is described beside it.
  ///   - profiles: Profiles' names or files; all built-in ones where there are none.
  ///   - wanted: When decisions come; nil for every so many seconds where the model decides by the clock, else after
  ///     each of 70 beats a minute.
  ///   - networkShare: The part of the beats that the network is asked about, where beats are its input; nil for all.
  ///   - load: What patients' records make the devices do, in place of `wanted` and `networkShare`; nil where none were run.
  /// - Throws: `FileError` where a file is missing or wrong, or a profile has no processor.
  package init(
    model: String, profiles: [String], schedule wanted: Feasibility.Schedule?, networkShare: Double? = nil,
    load: PatientLoad? = nil
  ) throws(FileError) {
    let loaded = try LoadedModel.read(model, withFrontEnd: true)
    let schedule =
      wanted ?? loaded.secondsOfClock.map { .every(seconds: $0) } ?? .detectedBeats(perSecond: 70.0 / 60)
    let summary = ModelSummary(loaded)
    self.model = (model as NSString).lastPathComponent
    modelChecksum = summary.checksum
    (memory, operations, frontEnd) = (summary.memory, summary.operations, summary.frontEnd)
    (scores, devices) = (load?.scores, [])
    isByBeats = loaded.secondsOfClock == nil && loaded.model.frontEnd != nil
    if let seconds = summary.secondsBetweenDecisions, schedule.shortestIntervalSeconds < seconds,
      !schedule.isAboutBeats
    {
      throw .malformed(
        model,
        "can decide anew every \(Estimate.significant(seconds)) s at most, not every "
          + "\(Estimate.significant(schedule.shortestIntervalSeconds)) s: before that there is no new column",
        remedy: "choose a longer interval")
    }
    if schedule.isAboutBeats, wanted != nil, let obstacle = loaded.obstacleToBeats {
      throw .malformed(model, obstacle.problem, remedy: obstacle.remedy)
    }
    if networkShare != nil, summary.frontEnd?.kind != .beats {
      throw .malformed(
        model, "takes no beats as its input, and is asked at every decision",
        remedy: "leave out --network-share")
    }
    for name in profiles.isEmpty ? DeviceProfile.builtIn.map(\.name) : profiles {
      let profile = try DeviceProfile.load(name)
      // Without a front end nobody looks for beats.
      var schedule = schedule
      if summary.frontEnd?.kind == .beats {
        schedule.networkShare = networkShare
        if wanted == nil { schedule.findsBeats = false }
      }
      if schedule.announcingBytes == nil {
        schedule.announcingBytes = loaded.announcingByteCount(schedule, converter: profile.converter)
      }
      if summary.frontEnd == nil { (schedule.findsBeats, schedule.isAboutBeats) = (false, false) }
      let patients = load.flatMap { load in
        PatientVerdicts.judged(load.schedules, rank: load.rank) { own in
          var own = own
          own.announcingBytes = own.announcingBytes ?? schedule.announcingBytes
          return Feasibility(loaded, on: profile, schedule: own)
        }
      }
      guard let verdict = patients?.chosen ?? Feasibility(loaded, on: profile, schedule: schedule) else {
        throw .malformed(
          name, at: "processor", "is missing, and the verdict is about it",
          remedy: "add processor and limits, as `device-sim profiles --show pacemaker` has them")
      }
      devices.append(Entry(profile: profile, verdict: verdict, patients: patients?.all))
    }
  }

  /// What is judged, in a line; where patients' records were run, what passes and how well it decides.
  package var headline: String {
    guard let schedule = devices.first?.verdict.schedule else { return "" }
    if let patients = devices.first?.patients {
      let carriers = devices.filter(\.verdict.passes).map(\.verdict.profile)
      let count = patients.patients.count
      let rank = count == 1 ? "for its one patient" : "for \(patients.rank.words) of \(count)"
      return
        "\(model) \(carriers.isEmpty ? "passes nowhere" : "passes on \(carriers.joined(separator: ", "))") \(rank)"
        + (scores.map {
          "; F1 over their \(Numbers.integer($0.beats)) \($0.unit) of its classes: \($0.text)\($0.source)"
        } ?? "")
        + "\n"
    }
    return "\(model) with a decision every \(FeasibilityAdvice.interval(schedule.meanIntervalSeconds))"
      + (schedule.findsBeats
        ? ", after each beat that its own detector finds"
        : isByBeats && !schedule.isAboutBeats ? ", by a clock: its beats are found by nobody here" : "")
      + "\n"
  }

  /// The table's columns after the device's name.
  package var columns: [String] {
    [
      "", "", "", "RAM", "flash", "column", "decision", "duty cycle", "current", "a decision", "battery lost",
    ]
  }

  /// The table's rows: for a device and a way of running the network each requirement's upper end, lower end and
  /// budget.
  package var rows: [(label: String, cells: [(text: String, outcome: Outcome?)])] {
    devices.flatMap { device in
      device.verdict.modes.flatMap {
        judgement -> [(label: String, cells: [(text: String, outcome: Outcome?)])] in
        func cells(_ text: (Feasibility.Criterion) -> (String, Outcome?)) -> [(
          text: String, outcome: Outcome?
        )] {
          Feasibility.Criterion.Name.allCases.map { judgement.criterion($0).map(text) ?? ("-", nil) }
        }
        let outcome = (text: judgement.outcome.rawValue, outcome: Optional(judgement.outcome))
        return [
          (
            device.verdict.profile,
            [(judgement.mode.words, nil), outcome, ("at most", nil)]
              + cells { ($0.text($0.estimate.high) + ($0.outcome == .fail ? " !" : ""), $0.outcome) }
          ),
          ("", [("", nil), ("", nil), ("at least", nil)] + cells { ($0.text($0.estimate.low), nil) }),
          ("", [("", nil), ("", nil), ("budget", nil)] + cells { ($0.budget.map($0.text) ?? "none", nil) }),
        ]
      }
    }
  }

  /// What patients make of each device; none where no records were run.
  package var patientRows: [(label: String, cells: [String])] {
    let rows = devices.flatMap { device in
      (device.patients?.lines ?? []).enumerated().map { index, line in
        (label: index == 0 ? device.verdict.profile : "", cells: [line])
      }
    }
    guard !rows.isEmpty, scores == nil else { return rows }
    return rows + [
      (label: "F1", cells: ["unknown: the records have no annotations that the model's classes fit"])
    ]
  }

  /// The most that one sample can set off on each device.
  package var worstCases: [(label: String, cells: [String])] {
    devices.flatMap { device in
      device.verdict.modes.map { ("\(device.verdict.profile), \($0.mode.words)", [$0.worstCase.text]) }
    }
  }

  /// What would help where a device fails.
  package var advice: [(label: String, cells: [String])] {
    devices.flatMap { device in
      device.verdict.modes.flatMap { judgement -> [(label: String, cells: [String])] in
        // What makes all pass comes first; the others make what stands in their brackets pass.
        let failing = Set(judgement.failing.map(\.name))
        let whole = judgement.suggestions.filter { failing.isSubset(of: $0.passes) }
        let partial = judgement.suggestions.filter { !failing.isSubset(of: $0.passes) }
        let lines =
          whole.enumerated().map { ($0 == 0 ? "would pass with " : "or ") + $1.sentence }
          + partial.enumerated().map {
            ($0 == 0 ? "would pass in part with " : "or in part with ") + $1.sentence
          }
        return lines.enumerated().map { index, line in
          (index == 0 ? "\(device.verdict.profile), \(judgement.mode.words)" : "", [line])
        }
      }
    }
  }
}

extension LoadedModel {
  /// What a device keeps for policy, watch and schedule beside the networks' and the detector's states, in bytes; nil where
  /// the model doesn't stream.
  fileprivate func announcingByteCount(_ schedule: Feasibility.Schedule, converter: AnalogConverter) -> Int? {
    guard model.isStreamable else { return nil }
    let timing: DecisionTiming =
      schedule.findsBeats ? .detectedBeats : schedule.isAboutBeats ? .givenBeats([]) : .everyColumns(1)
    let options = Monitor.Options(timing, announcing: Announcing(), of: self, converter: converter)
    guard let layout = try? Monitor.StateLayout(model, options) else { return nil }
    return layout.byteCount - layout.pipeline.count - layout.beats.count - layout.detector.count
  }
}

extension ModelSummary {
  /// The least time from one decision to another about new columns; nil for a model without a front end.
  var secondsBetweenDecisions: Double? {
    frontEnd.map { Double($0.hopSamples * (operations.columnsPerDecision ?? 1)) / $0.sampleRateHz }
  }
}

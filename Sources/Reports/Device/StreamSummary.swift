import Foundation
import Simulation
import Support

extension StreamRun {
  /// A run in one line: what went through what.
  package var headline: String {
    "\(result.record), \(result.lead), \(Numbers.duration(seconds: result.durationSeconds)) "
      + "(\(Self.rate(result.sourceRateHz)) -> "
      + (result.converterRateHz.map { "\(Self.rate($0)), decimated on the device to " } ?? "")
      + "\(Self.rate(result.sampleRateHz)), \(result.profile.converterBits)-bit ADC) "
      + "through \(result.model) (int8)\n\n"
  }

  /// A rate with the digits that it needs.
  static func rate(_ hertz: Double) -> String {
    "\(Numbers.decimal(hertz, places: hertz == hertz.rounded() ? 0 : 2)) Hz"
  }

  /// The rows of the terminal's summary.
  package var summary: [(label: String, cells: [String])] {
    var rows: [(label: String, cells: [String])] = []
    if let patch = result.patch { rows.append(("patch", [patch.text])) }
    let count = Numbers.integer(result.decisions)
    if let agreement = result.agreement {
      let top1 = agreement.top1.map { Numbers.percent($0) } ?? "-"
      let worst = Numbers.decimal(agreement.maxAbsoluteLogitError, places: 2)
      rows.append(("decisions", [count, count, "\(top1) the same class, largest logit error \(worst)"]))
    } else {
      rows.append(("decisions", [count, "-", "no float twin: give one with --float"]))
    }
    if let spectrogram = result.spectrogram {
      let decibels = spectrogram.snrDecibels.map { Numbers.decimal($0, places: 1) } ?? "-"
      let steps = Int(spectrogram.maxAbsoluteStepError)
      rows.append(
        (
          "spectrogram",
          [
            "int8 columns", "FFTW double",
            "\(decibels) dB, largest difference \(steps) step\(steps == 1 ? "" : "s")",
          ]
        ))
    }
    if let sensed = result.sensed { rows.append(("sensed", [sensed.text])) }
    if let delay = result.decisionDelay { rows.append(("delay", [delay.text])) }
    let classes = result.classNames.map { "\($0) \(Numbers.integer(result.decisionsByClass[$0] ?? 0))" }
    let leftOut =
      result.leftOutBeats == 0
      ? "" : "; \(Numbers.integer(result.leftOutBeats)) beats too near the record's ends left out"
    rows.append(("classes", [classes.joined(separator: ", ") + leftOut]))
    if let target = result.target { rows.append(("board", [target.sentence])) }
    if let accuracy = result.accuracy, let fixed = accuracy.fixed.accuracy {
      let float = accuracy.float?.accuracy.map { Numbers.percent($0) } ?? "-"
      rows.append(
        (
          "annotations",
          [
            Numbers.percent(fixed), float,
            accuracy.unit == "beats"
              ? "of \(Numbers.integer(accuracy.fixed.total)) annotated beats, "
                + "\(Numbers.integer(accuracy.missedBeats)) missed; "
                + "\(Numbers.integer(accuracy.extraDecisions)) decisions about other beats or none"
              : "of \(Numbers.integer(accuracy.fixed.total)) labelled windows; "
                + "\(Numbers.integer(accuracy.extraDecisions)) that no label holds whole",
          ]
        ))
    }
    for score in result.episodes ?? [] {
      rows.append(
        (
          "episodes",
          [
            "\(score.found) of \(score.episodes)", "-",
            "\(score.className), of \(Numbers.shortest(score.leastSeconds)) s and more, \(score.foundInTime) within "
              + "\(Numbers.shortest(score.delayLimitSeconds)) s; \(score.falseAlarms) false alarm\(score.falseAlarms == 1 ? "" : "s") in "
              + "\(Numbers.decimal(score.hours, places: 2)) h",
          ]
        ))
    }
    rows += policyRows
    if result.saturatedSamples + result.invalidSamples > 0 {
      rows.append(
        (
          "samples",
          [
            "\(Numbers.integer(result.saturatedSamples)) beyond the converter's range, "
              + "\(Numbers.integer(result.invalidSamples)) of the record's marked invalid"
          ]
        ))
    }
    if let disturbances = result.disturbances {
      rows.append(("front end", [disturbances.phrases.joined(separator: "; ")]))
    }
    if let note = trainingNote { rows.append(("note", [note])) }
    let memory = result.memory
    rows.append(
      (
        "memory",
        [
          "weights \(Numbers.bytes(memory.weightBytes)), image \(Numbers.bytes(memory.modelBytes)), "
            + "state \(Numbers.bytes(memory.stateBytes)), scratch \(Numbers.bytes(memory.streamingScratchBytes ?? memory.scratchBytes)) "
            + "(whole window: arena \(Numbers.bytes(memory.arenaBytes))), no heap"
        ]
      ))
    let operations = result.operations
    rows.append(
      (
        "work",
        [
          "\(Numbers.integer(operations.macsPerColumn ?? 0)) MAC a column + "
            + "\(Numbers.integer(operations.macsPerDecision ?? 0)) a decision "
            + "(whole window: \(Numbers.integer(operations.macsPerWindow)))"
        ]
      ))
    rows.append(
      (
        "speed",
        [
          "\(Numbers.integer(Int(result.realTimeFactor))) times real time on one core"
            + (result.agreement == nil ? "" : ", float twin included")
        ]
      ))
    return rows + (result.verdict?.summary ?? [])
  }

  /// Writes the decisions as WFDB annotations into a folder, as `RECORD.ANNOTATOR`.
  ///
  /// - Throws: `FileError` where it can't be written.
  package func writeAnnotations(_ folder: String, annotator: String) throws(FileError) {
    let record = (result.record as NSString).lastPathComponent
    try annotations().write((folder as NSString).appendingPathComponent(record), annotator: annotator)
  }
}

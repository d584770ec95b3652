import ECG
import Foundation
import Metrics
import Support

/// A sweep's results, summed up over records and seeds.
package struct SweepSummary: Encodable, Sendable {
  /// A share of what was counted, with its interval of 95 %.
  package struct Share: Encodable, Sendable {
    /// What held.
    package var count: Int
    /// Of how many.
    package var total: Int
    /// The share.
    package var fraction: Double
    /// From 2,000 draws of whole patients; from a single patient Wilson's, which takes beats as independent.
    package var interval: Interval

    /// A share of some patients' counts; nil where nothing was counted.
    init?(_ patients: [(count: Int, total: Int)]) {
      count = patients.reduce(0) { $0 + $1.count }
      total = patients.reduce(0) { $0 + $1.total }
      guard total > 0 else { return nil }
      fraction = Double(count) / Double(total)
      interval =
        Interval.bootstrap(patients, seed: 1) { drawn in
          let total = drawn.reduce(0) { $0 + $1.total }
          return total > 0 ? Double(drawn.reduce(0) { $0 + $1.count }) / Double(total) : nil
        } ?? .wilson(successes: count, trials: total)
    }

    /// The share and its interval in words.
    package var text: String { "\(Numbers.percent(fraction)) (\(interval.percentages(places: 2)))" }
  }

  /// A class's share of beats that were found and decided right.
  package struct ClassScore: Encodable, Sendable {
    /// The class.
    package var name: String
    /// Its annotated beats that a decision was about.
    package var beats: Int
    /// Of them the share that was decided right; nil without any.
    package var sensitivity: Double?
    /// Of the decisions for the class about annotated beats the share that was right; nil without any.
    package var positivePredictivity: Double?
  }

  /// The results of the same settings, records and seeds aside.
  package struct Row: Encodable, Sendable {
    /// The settings; the record and the seed are one of several.
    package var settings: SweepResult.Settings
    /// Whether the noise was computed, not recorded; nil without noise.
    package var noiseIsSynthetic: Bool?
    /// The number of records.
    package var records: Int
    /// The number of runs: records and seeds.
    package var runs: Int
    /// The decisions that were the float twin's; nil without one.
    package var agreement: Share?
    /// Of the annotated beats that a decision was about, those whose class was right; nil without annotations.
    package var accuracy: Share?
    /// The float twin's accuracy.
    package var floatAccuracy: Share?
    /// The mean F1 over the classes.
    package var macroF1: Double?
    /// Of the annotated beats, those that a decision was about; nil where decisions come by the clock.
    package var found: Share?
    /// The decisions about no annotated beat, an hour; nil where decisions come by the clock.
    package var extraDecisionsPerHour: Double?
    /// The decisions whose window reaches into lost samples.
    package var decisionsOverLostSamples: Int
    /// The classes.
    package var classes: [ClassScore]

    /// The noise's SNR; nil without noise.
    package var snrDecibels: Double? { settings.disturbances.snrDecibels }

    /// The disturbances in words, the SNR aside.
    package var disturbanceLabel: String {
      let noise = settings.disturbances.noise.map {
        NoisePart.label($0) + (noiseIsSynthetic == true ? " (synthetic)" : "")
      }
      return ([noise ?? "no noise"] + settings.disturbances.phrases).joined(separator: ", ")
    }

    /// The disturbances in words.
    package var label: String {
      guard let snrDecibels else { return disturbanceLabel }
      let places = snrDecibels == snrDecibels.rounded() ? 0 : 1
      return "\(disturbanceLabel), \(Numbers.decimal(snrDecibels, places: places)) dB"
    }
  }

  /// The rows: without noise first, then each noise from the highest SNR to the lowest.
  package let rows: [Row]
  /// The records.
  package let records: [String]
  /// Those of them that the model was trained on.
  package let trainingRecords: [String]
  /// The seeds of what is random.
  package let seeds: [UInt64]

  /// Sums up results.
  package init(_ results: [SweepResult]) {
    func common(_ result: SweepResult) -> SweepResult.Settings {
      var settings = result.settings.byName
      (settings.record, settings.disturbances.seed) = ("", 0)
      return settings
    }
    let groups = Dictionary(grouping: results) { JSON.line(common($0)) }
    rows = groups.values.map(Row.init).sorted { first, second in
      func order(_ row: Row) -> (String, String, String, String, Double) {
        let settings = row.settings
        return (
          settings.model + settings.modelChecksum, settings.profile, settings.disturbances.noise ?? "",
          row.disturbanceLabel, -(row.snrDecibels ?? .infinity)
        )
      }
      return order(first) < order(second)
    }
    records = Set(results.map(\.settings.record)).sorted()
    trainingRecords = Set(results.filter(\.isTrainingRecord).map(\.settings.record)).sorted()
    seeds = Set(results.filter(\.settings.disturbances.isRandom).map(\.settings.disturbances.seed)).sorted()
  }

  /// What must be said of the accuracy; nil where the model was trained on none of the records.
  package var trainingNote: String? {
    guard !trainingRecords.isEmpty else { return nil }
    return "The model was trained on \(Numbers.integer(trainingRecords.count)) of the "
      + "\(Numbers.integer(records.count)) record\(records.count == 1 ? "" : "s"): the accuracy is not that on new patients."
  }
}

extension SweepSummary.Row {
  /// Sums up the results of the same settings.
  fileprivate init(_ unordered: [SweepResult]) {
    typealias Share = SweepSummary.Share
    let results = unordered.sorted { JSON.line($0.settings) < JSON.line($1.settings) }
    let first = results[0]
    (settings, noiseIsSynthetic) = (first.settings, first.noiseIsSynthetic)
    records = Set(results.map(\.settings.record)).count
    runs = results.count
    let patients = Dictionary(grouping: results) { MITBIH.patient(of: $0.settings.record) }.sorted {
      $0.key < $1.key
    }.map(\.value)
    func share(_ counts: (SweepResult) -> (count: Int, total: Int)?) -> Share? {
      Share(
        patients.compactMap { results in
          let all = results.compactMap(counts)
          return all.isEmpty
            ? nil : (all.reduce(0) { $0 + $1.count }, all.reduce(0) { $0 + $1.total })
        })
    }
    agreement = share { $0.agreement.map { ($0.equalDecisions, $0.decisions) } }
    accuracy = share { $0.accuracy.map { ($0.fixed.correct, $0.fixed.total) } }
    floatAccuracy = share { $0.accuracy?.float.map { ($0.correct, $0.total) } }
    // Windows by the clock are neither found nor extra: all come when they must.
    let aboutBeats = results.filter { !$0.settings.decide.hasPrefix("every ") }
    found =
      aboutBeats.isEmpty
      ? nil : share { $0.accuracy.map { ($0.fixed.total, $0.fixed.total + $0.missedBeats) } }
    decisionsOverLostSamples = results.reduce(0) { $0 + $1.decisionsOverLostSamples }
    let scored = results.compactMap { result in result.accuracy.map { (result, $0) } }
    let hours = scored.reduce(0) { $0 + $1.0.durationSeconds } / 3600
    extraDecisionsPerHour =
      hours > 0 && !aboutBeats.isEmpty ? Double(scored.reduce(0) { $0 + $1.1.extraDecisions }) / hours : nil
    let names = scored.first?.1.fixed.classNames ?? []
    var matrix = ConfusionMatrix(classNames: names)
    for (_, accuracy) in scored where accuracy.fixed.classNames == names { matrix += accuracy.fixed }
    macroF1 = matrix.macroF1
    classes = names.indices.map { index in
      SweepSummary.ClassScore(
        name: names[index], beats: matrix.referenceCount(ofClass: index),
        sensitivity: matrix.sensitivity(ofClass: index),
        positivePredictivity: matrix.positivePredictivity(ofClass: index))
    }
  }
}

/// Results from several files of a sweep, each combination once, in order.
///
/// A file grows as its sweep goes on. Where a record, a record of noise or the float network changed between, the file's
/// later result of a combination takes the place of the earlier one; two files whose records differ don't belong together.
package struct SweepMerge: Sendable {
  /// The results.
  package let results: [SweepResult]
  /// The merged file: a sweep's, whose lines don't tell how long they took.
  package let content: Data
  /// The lines that were there more than once.
  package let duplicateCount: Int
  /// The lines of files that have changed since.
  package let supersededCount: Int

  /// Reads files.
  ///
  /// - Throws: `FileError` where a file is missing, breaks off or holds another result of a combination than a file
  ///   before it.
  package init(_ files: [String]) throws(FileError) {
    var found: [String: (result: SweepResult, key: String, file: String, line: Int)] = [:]
    var (duplicateCount, supersededCount) = (0, 0)
    for file in files {
      for (line, key, result) in try ResultLog.read(file, kind: SweepResult.log, as: SweepResult.self) {
        let name = JSON.line(result.settings.byName)
        guard let earlier = found[name] else {
          found[name] = (result, key, file, line)
          continue
        }
        let isSameContent = earlier.result.settings == result.settings
        if isSameContent, earlier.result.merged == result.merged {
          duplicateCount += 1
        } else if !isSameContent, earlier.file == file {
          supersededCount += 1
          found[name] = (result, key, file, line)
        } else {
          throw .malformed(
            file, at: "line \(line)",
            "gives another result for record \(result.settings.record) than \(earlier.file):line \(earlier.line)"
              + (isSameContent ? "" : ", whose files were other ones"),
            remedy: "run the sweep anew with one version, model and data")
        }
      }
    }
    let merged = found.sorted { $0.key < $1.key }.map(\.value)
    results = merged.map(\.result)
    content = ResultLog.text(merged.map { ($0.key, $0.result.merged) }, kind: SweepResult.log)
    (self.duplicateCount, self.supersededCount) = (duplicateCount, supersededCount)
  }
}

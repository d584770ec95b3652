import ECG
import HostDevice
import Metrics
import Support

/// One combination of a sweep and what it gave: a line of the sweep's file.
package struct SweepResult: Codable, Equatable, Sendable {
  /// All that decides the result.
  package struct Settings: Codable, Equatable, Sendable {
    /// The program's version.
    package var version = Release.version
    /// The model's file name.
    package var model: String
    /// The model image's CRC-32, in hexadecimal.
    package var modelChecksum: String
    /// The model image's SHA-256, in hexadecimal.
    package var modelDigest: String
    /// The float twin's file name; nil without one.
    package var float: String?
    /// SHA-256 of the float twin's file; nil without one.
    package var floatDigest: String?
    /// The record, by its name in the folder of data.
    package var record: String
    /// SHA-256 of the record's files, so that a record that has changed is run again.
    package var recordDigest: String?
    /// SHA-256 of the files of each record of noise; nil where none is recorded.
    package var noiseDigests: [String]?
    /// The lead that was asked for; nil for MLII, II or the first.
    package var lead: String?
    /// How a CSV file was read; nil for WFDB records and where nothing was stated.
    package var csv: CSVOptions?
    /// When the device decides: `beats`, `annotations`, or a number of columns.
    package var decide: String
    /// The profile's name.
    package var profile: String
    /// The profile's converter.
    package var converterBits: Int
    /// The profile's converter.
    package var converterRangeMillivolts: Double
    /// What befalls the signal before the converter.
    package var disturbances: Disturbances
    /// How decisions become announcements; nil where each is announced as it comes.
    package var announcing: Announcing?
    /// How the device's own amplifier senses the beats; nil where it doesn't.
    package var sensing: Sensing?

    /// The settings by the files' names alone, whatever is in them; the model's content counts all the same.
    var byName: Settings {
      var settings = self
      (settings.floatDigest, settings.recordDigest, settings.noiseDigests) = (nil, nil, nil)
      return settings
    }
  }

  /// What was announced.
  package struct Announcements: Codable, Equatable, Sendable {
    /// The decisions with a result.
    package var results: Int
    /// The time without a result, by reason.
    package var noResultSeconds: [String: Double]
    /// The decisions for which the network woke; nil where it never sleeps.
    package var awakeDecisions: Int?
    /// The columns that were computed in bursts; nil where the network never sleeps.
    package var burstColumns: Int?
    /// What was announced of annotated beats; nil without annotations.
    package var announced: ConfusionMatrix?
    /// The annotated beats of each class that the network slept through; nil where it never sleeps.
    package var asleep: [String: Int]?
  }

  /// The decisions against the float twin's.
  package struct Agreement: Codable, Equatable, Sendable {
    /// The number of decisions.
    package var decisions: Int
    /// The decisions for the same class.
    package var equalDecisions: Int
    /// The largest difference of two logits.
    package var maxAbsoluteLogitError: Double
    /// The mean difference of two logits.
    package var meanAbsoluteLogitError: Double?
  }

  /// The decisions against the record's annotations.
  package struct Accuracy: Codable, Equatable, Sendable {
    /// The device's decisions about annotated beats.
    package var fixed: ConfusionMatrix
    /// The twin's.
    package var float: ConfusionMatrix?
    /// The annotated beats of the model's classes that no decision was about.
    package var missedBeats: Int
    /// The decisions about no annotated beat of the model's classes.
    package var extraDecisions: Int
  }

  /// The settings.
  package var settings: Settings
  /// The lead.
  package var lead: String
  /// What was assumed of the record and its annotations, and what about them isn't plausible; nil for nothing.
  package var notes: [String]?
  /// The recording's length.
  package var durationSeconds: Double
  /// The decisions.
  package var decisions: Int
  /// The samples beyond the converter's range.
  package var saturatedSamples: Int
  /// The samples in which the lead was off or dropped out.
  package var lostSamples: Int
  /// The decisions whose window reaches into lost samples.
  package var decisionsOverLostSamples: Int
  /// Whether the noise was computed, not recorded; nil without noise.
  package var noiseIsSynthetic: Bool?
  /// Against the float twin; nil without one.
  package var agreement: Agreement?
  /// Against the record's annotations; nil where it has none.
  package var accuracy: Accuracy?
  /// What was announced; nil in files of versions that didn't announce.
  package var announcements: Announcements?
  /// Whether the model was trained on the record, so that the accuracy is not that on a new patient.
  package var isTrainingRecord: Bool
  /// The time that the combination took on its thread, reading included; nil in merged files, whose lines don't
  /// depend on how the work was divided.
  package var seconds: Double?

  init(_ settings: Settings, _ run: StreamRun, seconds: Double) {
    let result = run.result
    self.settings = settings
    isTrainingRecord = run.trainingNote != nil
    lead = result.lead
    notes = result.notes.isEmpty ? nil : result.notes.map(\.description)
    durationSeconds = result.durationSeconds
    decisions = result.decisions
    saturatedSamples = result.saturatedSamples
    lostSamples = result.disturbances?.lostSamples ?? 0
    decisionsOverLostSamples = result.disturbances?.decisionsOverLostSamples ?? 0
    noiseIsSynthetic = result.disturbances?.noiseIsSynthetic
    agreement = result.agreement.map {
      Agreement(
        decisions: $0.decisions, equalDecisions: $0.equalDecisions,
        maxAbsoluteLogitError: $0.maxAbsoluteLogitError, meanAbsoluteLogitError: $0.meanAbsoluteLogitError)
    }
    accuracy = result.accuracy.map {
      Accuracy(
        fixed: $0.fixed, float: $0.float, missedBeats: $0.missedBeats, extraDecisions: $0.extraDecisions)
    }
    let announcements = result.announcements
    self.announcements = Announcements(
      results: announcements.results, noResultSeconds: announcements.noResult.mapValues(\.seconds),
      awakeDecisions: announcements.sleep?.awakeDecisions, burstColumns: announcements.sleep?.columns,
      announced: result.accuracy?.announced,
      asleep: announcements.sleep == nil ? nil : result.accuracy?.asleep)
    self.seconds = seconds
  }

  /// The result as a merged file has it: without the time that it took.
  package var merged: SweepResult {
    var result = self
    result.seconds = nil
    return result
  }

  /// What holds such results.
  static let log = ResultLog.Kind("sweep", version: 1)
}

import Evaluation
import Support

/// One combination of a sweep and what it gave: a line of the sweep's file.
public struct SweepResult: ResultLine, Equatable {
  /// All that decides the result.
  public struct Settings: Codable, Equatable, Sendable {
    /// The program's version.
    public var version = Release.version
    /// The model's file name.
    public var model: String
    /// The model image's CRC-32, in hexadecimal.
    public var modelChecksum: String
    /// The float twin's file name; nil without one.
    public var float: String?
    /// The record, by its name in the folder of data.
    public var record: String
    /// SHA-256 of the record's files, so that a record that has changed is run again.
    public var recordDigest: String?
    /// The lead that was asked for; nil for MLII, II or the first.
    public var lead: String?
    /// When the device decides: `beats`, `annotations`, or a number of columns.
    public var decide: String
    /// The profile's name.
    public var profile: String
    /// The profile's converter.
    public var converterBits: Int
    /// The profile's converter.
    public var converterRangeMillivolts: Double
    /// What befalls the signal before the converter.
    public var disturbances: Disturbances
    /// How decisions become announcements; nil where each is announced as it comes.
    public var announcing: Announcing?
  }

  /// What was announced.
  public struct Announcements: Codable, Equatable, Sendable {
    /// The decisions with a result.
    public var results: Int
    /// The time without a result, by reason.
    public var noResultSeconds: [String: Double]
    /// The decisions for which the network woke; nil where it never sleeps.
    public var awakeDecisions: Int?
    /// The columns that were computed in bursts; nil where the network never sleeps.
    public var burstColumns: Int?
    /// What was announced of annotated beats; nil without annotations.
    public var announced: ConfusionMatrix?
    /// The annotated beats of each class that the network slept through; nil where it never sleeps.
    public var asleep: [String: Int]?
  }

  /// The decisions against the float twin's.
  public struct Agreement: Codable, Equatable, Sendable {
    /// The number of decisions.
    public var decisions: Int
    /// The decisions for the same class.
    public var equalDecisions: Int
    /// The largest difference of two logits.
    public var maxAbsoluteLogitError: Double
    /// The mean difference of two logits.
    public var meanAbsoluteLogitError: Double?
  }

  /// The decisions against the record's annotations.
  public struct Accuracy: Codable, Equatable, Sendable {
    /// The device's decisions about annotated beats.
    public var fixed: ConfusionMatrix
    /// The twin's.
    public var float: ConfusionMatrix?
    /// The annotated beats of the model's classes that no decision was about.
    public var missedBeats: Int
    /// The decisions about no annotated beat of the model's classes.
    public var extraDecisions: Int
  }

  /// The settings.
  public var settings: Settings
  /// The lead.
  public var lead: String
  /// The recording's length.
  public var durationSeconds: Double
  /// The decisions.
  public var decisions: Int
  /// The samples beyond the converter's range.
  public var saturatedSamples: Int
  /// The samples in which the lead was off or dropped out.
  public var lostSamples: Int
  /// The decisions whose window reaches into lost samples.
  public var decisionsOverLostSamples: Int
  /// Whether the noise was computed, not recorded; nil without noise.
  public var noiseIsSynthetic: Bool?
  /// Against the float twin; nil without one.
  public var agreement: Agreement?
  /// Against the record's annotations; nil where it has none.
  public var accuracy: Accuracy?
  /// What was announced; nil in files of versions that didn't announce.
  public var announcements: Announcements?
  /// Whether the model was trained on the record, so that the accuracy is not that on a new patient.
  public var isTrainingRecord: Bool
  /// The time that the combination took on its thread, reading included; nil in merged files, whose lines don't
  /// depend on how the work was divided.
  public var seconds: Double?

  init(_ settings: Settings, _ run: StreamRun, seconds: Double) {
    let result = run.result
    self.settings = settings
    isTrainingRecord = run.trainingNote != nil
    lead = result.lead
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

  /// The result as a line of JSON, its keys sorted.
  public var line: String { json }

  /// The result as a line of a merged file: without the time that it took.
  public var mergedLine: String {
    var result = self
    result.seconds = nil
    return result.line
  }

  static let source = "sweep"
}

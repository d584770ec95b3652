import Foundation
import HostDevice
import Metrics
import ModelFiles
import Networks
import Support
import Tasks

/// What the device of one point decided about the records of one fold, which its network has not seen.
struct DesignFold: Codable, Sendable {
  /// A record's run.
  struct Record: Codable, Sendable {
    var record: String
    var patient: String
    /// The raw decisions about its annotated beats.
    var decisions: ConfusionMatrix
    var decisionsPerSecond: Double
    /// The part of the beats that the network was asked about; nil for all.
    var networkShare: Double?
  }

  var records: [Record]
  /// The image's bytes.
  var image: Data

  /// Makes the image of a trained fold, and lets a device that is told of the annotated beats run it over the fold's records.
  ///
  /// - Throws: `InvalidNetwork` where a device can't hold the network.
  init(_ fold: TrainedFold) throws {
    let bytes = try fold.image().bytes
    let loaded = try LoadedModel(image: bytes)
    let device = try FixedPointDecisions(loaded)
    image = Data(bytes)
    records = []
    for signal in fold.held {
      let decisions = try device.decisions(about: signal, includesSilent: true)
      guard !decisions.isEmpty else { continue }
      var matrix = ConfusionMatrix(classNames: loaded.classNames)
      for decision in decisions {
        matrix.add(reference: decision.classIndex, prediction: decision.predictedClass)
      }
      records.append(
        Record(
          record: signal.record, patient: signal.patient, decisions: matrix,
          decisionsPerSecond: Double(decisions.count) * fold.checkpoint.settings.sampleRateHz
            / Double(signal.microvolts.count),
          networkShare: loaded.takesBeats ? NetworkShare.part(of: decisions) : nil))
    }
  }

  /// What the records made the device do.
  var schedules: [PatientSchedule] {
    records.map { record in
      var schedule = Feasibility.Schedule.givenBeats(perSecond: record.decisionsPerSecond)
      schedule.networkShare = record.networkShare
      return PatientSchedule(record: record.record, patient: record.patient, schedule: schedule)
    }
  }
}

import HostDevice
import ModelFiles
import QuantInfer

/// Sees a run while it goes, such as what `device-sim stream --serve` shows.
package protocol StreamWatcher: AnyObject, Sendable {
  /// A run begins.
  func begin(_ run: WatchedRun)
  /// Samples went through the device, which goes on when this returns: a watcher sets the pace.
  func follow(_ step: WatchedStep)
  /// A board has taken part of the samples, which it does after the host's device.
  func follow(board: TargetResult)
}

/// What is known of a run before its first sample.
package struct WatchedRun: Sendable {
  /// The record's name.
  package var record: String
  /// The leads' names.
  package var leads: [String]
  /// The model, and the device that it is judged on.
  package var loaded: LoadedModel
  package var profile: DeviceProfile
  /// The model's file without its folder.
  package var modelName: String
  /// The rate of the device's samples.
  package var sampleRateHz: Double
  /// How long the record is.
  package var durationSeconds: Double
  /// Whether a float twin, and whether a board, takes the same samples.
  package var hasTwin: Bool
  package var hasBoard: Bool
}

/// What went through the device since the step before.
package struct WatchedStep: Sendable {
  /// The counts frame by frame, a sample of each lead.
  package var frames: ArraySlice<Int16>
  /// The decisions that came with them.
  package var decisions: ArraySlice<DeviceDecision>
  /// Why there is no result at their end; nil where there may be one.
  package var noResult: NoResult?
  /// The decisions so far that were the same class on both twins, and all that were compared.
  package var agreement: (same: Int, all: Int)
  /// What the run has made the device do so far.
  package var schedule: Feasibility.Schedule
}

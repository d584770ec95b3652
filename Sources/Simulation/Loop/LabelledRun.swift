import ECG
import Evaluation
import HostDevice
import ModelFiles
import Support
import Tasks

/// A run through a network of windows beside its record's labels.
extension StreamRun {
  /// The record's stretches with a class of the model's task by the clock; nil where there are none.
  ///
  /// Labels that are wrong stop nothing: they are told.
  static func labelled(
    _ options: Options, _ loaded: LoadedModel, record: Record, acquisition: Acquisition
  ) -> (stretches: [LabelledSignal.Stretch]?, notes: [FileNote]) {
    guard let task = loaded.task, task.isByClock else { return (nil, []) }
    do throws(FileError) {
      let stretches = try task.stretches(
        ofRecord: options.record, recordRateHz: record.sampleRateHz, sampleCount: acquisition.samples.count)
      return (stretches, [])
    } catch {
      return (nil, [FileNote(error, "nothing was compared with labels")])
    }
  }

  /// What was announced beside the labelled episodes; nil for a task without, and for a record without labels.
  static func episodes(
    _ loop: DeviceLoop, _ loaded: LoadedModel, _ stretches: [LabelledSignal.Stretch]?,
    acquisition: Acquisition,
    announcing: Announcing
  ) -> [EpisodeScore]? {
    guard let task = loaded.task, task.unit == .episodes, let stretches, let window = loaded.beatWindow else {
      return nil
    }
    var signal = LabelledSignal(
      record: acquisition.recordName, lead: acquisition.leadName, microvolts: [], beats: [])
    signal.stretches = stretches
    let said = loop.decisions.map { (sample: $0.sample, classIndex: $0.announcedClass) }
    return task.scoredClasses.map { index in
      EpisodeScore(
        [
          RecordEpisodes(
            said, of: signal, classIndex: index, window: window,
            leastSeconds: EpisodeScore.usualLeastSeconds)
        ], className: task.classNames[index], leastSeconds: EpisodeScore.usualLeastSeconds,
        delayLimitSeconds: EpisodeScore.usualLimitSeconds, announcing: announcing, seed: 1)
    }
  }
}

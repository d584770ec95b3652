import HostDevice
import Support
import Tasks

extension Twins {
  /// What the image announces along records beside their labelled episodes, for each class that matters; nil for a float
  /// network alone, which has no device.
  ///
  /// - Parameters:
  ///   - signals: The records.
  ///   - task: The task.
  ///   - leastSeconds: The length from which on an episode counts.
  ///   - limitSeconds: The time within which one must be announced.
  ///   - announcing: The device's policy.
  ///   - seed: The seed of the draws of patients.
  ///   - threads: The number of threads.
  ///   - progress: Told of each record.
  /// - Returns: A score a class, or nil.
  /// - Throws: `MemoryError`, which the image's loading has ruled out.
  package func episodes(
    in signals: [LabelledSignal], of task: TaskDefinition, leastSeconds: Double,
    within limitSeconds: Double, announcing: Announcing, seed: UInt64, threads: Int,
    progress: @escaping ProgressHandler
  ) throws -> [EpisodeScore]? {
    guard let int8 else { return nil }
    let window = window
    let perRecord = try signals.concurrentMap(threads: threads, progress: progress) { signal in
      let said = try int8.announcements(along: signal, announcing: announcing)
      return task.scoredClasses.map { index in
        RecordEpisodes(said, of: signal, classIndex: index, window: window, leastSeconds: leastSeconds)
      }
    }
    return task.scoredClasses.enumerated().map { place, index in
      EpisodeScore(
        perRecord.map { $0[place] }, className: task.classNames[index], leastSeconds: leastSeconds,
        delayLimitSeconds: limitSeconds, announcing: announcing, seed: seed)
    }
  }
}

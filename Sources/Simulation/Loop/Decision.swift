import HostDevice
import ModelFiles
import Networks
import QuantInfer

/// A decision of the device, and its twin's.
///
/// The logits are those of a device that never sleeps; what a sleeping one says is in the announcement.
package struct DeviceDecision: Equatable, Sendable {
  /// The sample, counted from 0, after which the device decided.
  package var sample: Int
  /// The beat that it decided about; nil where decisions come by the clock.
  package var beatSample: Int?
  /// The device's logits.
  package var fixedLogits: [Float]
  /// The float twin's logits; nil without a twin.
  package var floatLogits: [Float]?
  /// What the device said: the class after its policy, no result, or that it slept.
  package var announcement: Announcement
  /// Why the network ran; nil where it didn't, or where it runs at every decision.
  package var asked: AskingReason?

  /// The class that the device announced; nil where it slept or had no result.
  package var announcedClass: Int? {
    if case .result(let classIndex, _) = announcement { return classIndex }
    return nil
  }

  /// The device's class: that of the largest logit, the first of equal ones.
  package var fixedClass: Int { fixedLogits.placeOfLargest }
  /// The twin's class.
  package var floatClass: Int? { floatLogits?.placeOfLargest }

  /// Whether the device and its twin decided differently.
  package var differs: Bool { floatClass.map { $0 != fixedClass } ?? false }
}

extension Feasibility.Schedule {
  /// The pace of a run's decisions: the clock's interval, or beats at their mean rate.
  ///
  /// Without a decision the rate is that of a heart at rest.
  ///
  /// - Parameters:
  ///   - decisions: The run's decisions.
  ///   - findsBeats: Whether the runtime's own detector ran.
  ///   - sampleRateHz: The rate of its samples.
  ///   - durationSeconds: Its length.
  package init(
    _ decisions: [DeviceDecision], findsBeats: Bool, sampleRateHz: Double, durationSeconds: Double
  ) {
    if !findsBeats, let first = decisions.first, first.beatSample == nil {
      let second = decisions.dropFirst().first
      self = .every(
        seconds: second.map { Double($0.sample - first.sample) / sampleRateHz } ?? durationSeconds)
    } else {
      let rate = decisions.isEmpty ? 70 / 60 : Double(decisions.count) / durationSeconds
      self = findsBeats ? .detectedBeats(perSecond: rate) : .givenBeats(perSecond: rate)
    }
  }

  /// The pace of a run, with its sleep, and the part of the beats that a network of beats was asked about; without a duration
  /// of one that is finished.
  package init(
    of loop: DeviceLoop, _ loaded: LoadedModel, _ acquisition: Acquisition, durationSeconds: Double? = nil
  ) {
    let durationSeconds = durationSeconds ?? acquisition.durationSeconds
    self.init(
      loop.decisions, findsBeats: loop.timing == .detectedBeats, sampleRateHz: acquisition.sampleRateHz,
      durationSeconds: durationSeconds)
    announcingBytes = loop.announcingByteCount - (loop.sleep?.ringBytes ?? 0)
    if loaded.takesBeats, !loop.decisions.isEmpty {
      networkShare = 1 - Double(loop.recalledCount) / Double(loop.decisions.count)
    }
    if let observed = loop.sleep {
      sleep(observed, findsBeats: loop.options.findsBeats, durationSeconds: durationSeconds)
    }
  }

  /// Takes a run's observed sleep: only waking decisions cost, and a streaming network's columns only then.
  mutating func sleep(_ sleep: ObservedSleep, findsBeats: Bool, durationSeconds: Double) {
    decisionsPerSecond = Double(max(1, sleep.awakeDecisions)) / durationSeconds
    self.findsBeats = findsBeats
    self.sleep = Sleep(
      columnsPerSecond: Double(sleep.columns) / durationSeconds, columnsPerBurst: sleep.greatestBurst,
      ringBytes: sleep.ringBytes)
  }
}

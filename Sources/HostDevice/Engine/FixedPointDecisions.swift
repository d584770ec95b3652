import ModelFiles
import Networks
import QuantInfer
import Tasks

/// An int8 model's decisions about labelled beats: those of the device that ships, to which the beats are given.
package struct FixedPointDecisions: Sendable {
  /// The windows' size and place.
  package let window: BeatWindow
  /// The converter that the model was made for.
  package let converter: AnalogConverter
  private let loaded: LoadedModel

  /// Prepares a model.
  ///
  /// - Throws: `InvalidNetwork` where the model can't stream, or its provenance lacks the decision's delay.
  package init(_ loaded: LoadedModel) throws(InvalidNetwork) {
    guard let frontEnd = loaded.model.frontEnd, loaded.model.isStreamable else {
      throw InvalidNetwork("the model takes no samples: it has no front end or can't stream")
    }
    guard let window = loaded.beatWindow else {
      throw InvalidNetwork("the model doesn't tell how long after a beat it decides")
    }
    guard window.isByClock || loaded.model.decidesAtEveryColumn else {
      throw InvalidNetwork("the model can't decide at every column: it has strides along time")
    }
    self.window = window
    let bits = loaded.converterBits
    let microvoltsPerCount = Float(bitPattern: frontEnd.microvoltsPerCountBits)
    guard (2...16).contains(bits), microvoltsPerCount > 0, microvoltsPerCount.isFinite else {
      throw InvalidNetwork("the model's converter is impossible")
    }
    converter = AnalogConverter(bits: bits, microvoltsPerCount: microvoltsPerCount)
    self.loaded = loaded
  }

  /// The decisions about a signal's beats at which the device has a result, in the order of the beats.
  ///
  /// Beats without a whole window have none, nor have those at which the signal is bad, where these aren't asked for.
  ///
  /// - Parameters:
  ///   - signal: The signal; its beats in order of time.
  ///   - hasRhythm: Whether the intervals of all of its beats move a logit.
  ///   - includesSilent: Whether logits count where the device has no result: for a score of the network alone.
  /// - Returns: The decisions.
  /// - Throws: `MemoryError`, which `init(_:)` has ruled out.
  package func decisions(
    about signal: LabelledSignal, hasRhythm: Bool = false, includesSilent: Bool = false
  ) throws(MemoryError) -> [BeatDecision] {
    let announcing = hasRhythm ? Announcing.withRhythm : Announcing()
    // With strides along time the device decides at every column that they allow, and windows by the clock end at such.
    let step = loaded.model.streaming?.columnsPerDecision ?? 1
    let timing = step == 1 ? DecisionTiming.givenBeats(signal.beats.map(\.sample)) : .everyColumns(step)
    let longestAge = step * window.settings.hopSamples
    var device = try RunningDevice(
      loaded, Monitor.Options(timing, announcing: announcing, of: loaded, converter: converter), timing)
    var decisions: [BeatDecision] = []
    var next = 0
    device.run(converter.frames(of: signal)) { sample, decision, logits in
      if let age = decision.beatAge {
        while signal.beats[next].sample != sample - age { next += 1 }
      } else {
        while next < signal.beats.count, signal.beats[next].sample <= sample - longestAge { next += 1 }
        guard next < signal.beats.count, signal.beats[next].sample <= sample else { return }
      }
      let beat = signal.beats[next]
      next += 1
      guard decision.hasLogits, includesSilent || decision.hasResult else { return }
      decisions.append(
        BeatDecision(
          record: signal.record, sample: beat.sample, classIndex: beat.classIndex,
          logits: logits.map { Float(loaded.logit($0)) }, isRecalled: decision.isRecalled))
    }
    return decisions
  }
}

extension FixedPointDecisions {
  /// What the device that ships says along a signal where it decides by the clock; nil classes where it has no result.
  ///
  /// - Throws: `MemoryError`, which `init(_:)` has ruled out.
  package func announcements(
    along signal: LabelledSignal, announcing: Announcing = Announcing()
  ) throws(MemoryError) -> [(sample: Int, classIndex: Int?)] {
    let timing = DecisionTiming.everyColumns(loaded.decisionHopColumns ?? 1)
    var device = try RunningDevice(
      loaded, Monitor.Options(timing, announcing: announcing, of: loaded, converter: converter), timing)
    var said: [(sample: Int, classIndex: Int?)] = []
    device.run(converter.frames(of: signal)) { sample, decision, _ in
      if case .result(let classIndex, _) = decision.announcement {
        said.append((sample, classIndex))
      } else {
        said.append((sample, nil))
      }
    }
    return said
  }
}

extension Monitor.Decision {
  /// Whether the device announces a class.
  package var hasResult: Bool {
    if case .result = announcement { true } else { false }
  }
}

extension Announcement {
  /// Whether nothing is said as the signal is bad.
  package var isAboutBadSignal: Bool {
    switch self {
    case .noResult(.flatLine), .noResult(.saturation), .noResult(.refilling): true
    case .noResult, .result, .asleep: false
    }
  }
}

import Support
import Tasks

extension Checkpoint {
  /// Reads a checkpoint of one network, for what takes no network of beats beside it.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - what: What takes none, with its verb: `a training starts`.
  /// - Returns: The checkpoint.
  /// - Throws: `FileError` as `read`, and malformed where there is one.
  package static func readOne(_ path: String, for what: String) throws(FileError) -> Checkpoint {
    let checkpoint = try read(path)
    guard checkpoint.beatNetwork == nil else {
      throw .malformed(
        path, "has a network of beats beside its own, and \(what) from one network",
        remedy: "name the checkpoint of one: train it without --front-end both")
    }
    return checkpoint
  }

  /// The network of columns with a network of beats beside it: at each beat both are asked, and their logits added.
  ///
  /// - Parameters:
  ///   - beats: The network of beats, trained for the same task and to be asked about every beat.
  ///   - share: What its logits are multiplied by: 1 for two opinions of the same weight.
  /// - Returns: Both.
  /// - Throws: `InvalidNetwork` where they can't decide together.
  package func joined(with beats: Checkpoint, share: Float = 1) throws(InvalidNetwork) -> Checkpoint {
    if let problem = problem(beside: beats) { throw InvalidNetwork(problem) }
    var (joined, scaled) = (self, beats)
    scaled.scaleLogits(by: share)
    joined.beatNetwork = scaled
    return joined
  }

  /// Why this network of columns and one of beats can't decide together, in a few words; nil where they can.
  package func problem(beside beats: Checkpoint) -> String? {
    guard let plan = beats.settings.beats else { return "is of columns itself" }
    if settings.beats != nil || beatNetwork != nil || beats.beatNetwork != nil {
      return "goes beside one network of columns"
    }
    if window.isByClock { return "can't go beside a network that decides by the clock" }
    if settings.leadCount != 1 { return "can't go beside a network of several leads" }
    if plan.knownDistance != 0 { return "must be asked about every beat: train it with --known-distance 0" }
    if optimizer != nil || beats.optimizer != nil { return "must be trained to the end, as the other one" }
    if task != beats.task || classNames != beats.classNames { return "tells other classes apart" }
    if decisionDelaySeconds != beats.decisionDelaySeconds { return "decides at another time after a beat" }
    if settings.hopSamples != beats.settings.hopSamples {
      return "is asked at other times than the columns come"
    }
    if settings.sampleRateHz != beats.settings.sampleRateHz
      || settings.couplingHz != beats.settings.couplingHz
    {
      return "hears another signal: its rate or its coupling differs"
    }
    return nil
  }

  /// Multiplies the logits: those of the last layer, which has weights and biases.
  private mutating func scaleLogits(by factor: Float) {
    guard let last = layers.indices.last else { return }
    layers[last].weights = layers[last].weights.map { $0 * factor }
    layers[last].biases = layers[last].biases.map { $0 * factor }
  }
}

/// A float network of beats beside one of columns: at each beat its logits are added to the other's.
package struct FloatBeatNetwork: Sendable {
  /// The network.
  package var graph: FloatGraph
  /// What a beat becomes.
  package var settings: SpectrogramSettings

  /// The network of beats beside a checkpoint's of columns; nil where there is none.
  ///
  /// - Throws: `InvalidNetwork` where its layers don't fit together.
  package init?(beside checkpoint: Checkpoint) throws(InvalidNetwork) {
    guard let beats = checkpoint.beatNetwork else { return nil }
    (graph, settings) = (try FloatGraph(beats), beats.settings)
  }
}

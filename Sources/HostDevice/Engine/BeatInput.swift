import ModelFiles
import Support

/// What a model can't do whose input are beats, not columns.
extension LoadedModel {
  /// Whether beats are the input.
  package var takesBeats: Bool { model.frontEnd?.beats != nil }

  /// Whether a network of beats decides beside that of columns.
  package var hasBeatNetwork: Bool { model.beatNetwork != nil }

  /// Refuses an image of two networks for what takes one.
  ///
  /// - Parameters:
  ///   - what: What does, with its verb: `a .tflite holds`.
  ///   - file: The model's file.
  /// - Throws: `FileError`, malformed.
  package func requireOneNetwork(for what: String, file: String) throws(FileError) {
    guard hasBeatNetwork else { return }
    throw .malformed(
      file, "has a network of beats beside its own, and \(what) one",
      remedy: "name the image of one network, or let a monitor run this one: `device-sim stream`")
  }

  /// Refuses a model of beats for what looks at columns, and one with a network of beats beside its own.
  ///
  /// - Parameters:
  ///   - what: What does, with its verb: `a patch is learnt`.
  ///   - file: The model's file.
  /// - Throws: `FileError`, malformed.
  package func requireColumns(for what: String, file: String) throws(FileError) {
    guard !hasBeatNetwork else {
      throw .malformed(
        file, "has a network of beats beside its own, and \(what) on a network of columns alone",
        remedy: "name the image of one network, or compare this one's twins with `exporter evaluate`")
    }
    guard takesBeats else { return }
    throw .malformed(
      file, "is a network of beats, and \(what) on a network of columns",
      remedy: "name another model, or compare this one's twins with `exporter evaluate`")
  }

  /// Refuses to let a model of beats decide by the clock, sleep, or have its logits moved by intervals, which are among its inputs.
  ///
  /// - Throws: `FileError`, malformed.
  package func requirePossible(_ timing: DecisionTiming, _ announcing: Announcing, file: String)
    throws(FileError)
  {
    guard takesBeats || hasBeatNetwork else { return }
    guard timing.isAboutBeats else {
      throw .malformed(
        file, "\(takesBeats ? "is" : "has") a network of beats and decides at them alone",
        remedy: "leave out --every and --decide clock")
    }
    guard takesBeats else { return }
    guard announcing.wakePercent == 0 else {
      throw .malformed(
        file, "is a network of beats, which known beats don't wake anyway", remedy: "leave out --wake-rr")
    }
    guard !announcing.rhythm else {
      throw .malformed(
        file, "is a network of beats, whose input has the intervals already", remedy: "leave out --rhythm")
    }
  }
}

import ModelFiles
import Support

/// How long after its beat a network's decision comes: where the beat lies in the window that it was trained with.
///
/// Columns come at their own pace, so that a decision comes up to a hop after the delay has passed.
package struct DecisionDelay: Codable, Equatable, Sendable {
  /// The least, in samples.
  package var leastSamples: Int
  /// The greatest, in samples.
  package var greatestSamples: Int
  /// The samples' rate.
  package var sampleRateHz: Double

  /// Creates a delay.
  package init(leastSamples: Int, greatestSamples: Int, sampleRateHz: Double) {
    (self.leastSamples, self.greatestSamples) = (leastSamples, greatestSamples)
    self.sampleRateHz = sampleRateHz
  }

  /// The delay that a model was trained with; nil where it has no front end, or can't decide at every column and so not
  /// at beats.
  package init?(_ loaded: LoadedModel) {
    guard let frontEnd = loaded.model.frontEnd, loaded.model.decidesAtEveryColumn else {
      return nil
    }
    let least = loaded.beatWindow?.delaySamples ?? 0
    self.init(
      leastSamples: least, greatestSamples: least + frontEnd.hopSamples - 1,
      sampleRateHz: Double(frontEnd.sampleRateMillihertz) / 1000)
  }

  /// The delay in words: `90 to 97 samples (0.703 to 0.758 s)`.
  package var text: String {
    func range(_ text: (Int) -> String) -> String {
      leastSamples == greatestSamples
        ? text(leastSamples) : "\(text(leastSamples)) to \(text(greatestSamples))"
    }
    let unit = greatestSamples == 1 ? "sample" : "samples"
    return "\(range { Numbers.integer($0) }) \(unit) "
      + "(\(range { Numbers.decimal(Double($0) / sampleRateHz, places: 3) }) s)"
  }
}

extension LoadedModel {
  /// Why the model can't decide at beats, with the columns from one decision to the next; nil where it can.
  package var obstacleToBeats: (columns: Int, problem: String, remedy: String)? {
    guard let columns = model.streaming?.columnsPerDecision, columns > 1 else { return nil }
    let late = (columns - 1) * (model.frontEnd?.hopSamples ?? 1)
    let isImported = task?.isByClock != true
    return (
      columns,
      "was planned to decide every \(columns) columns only, so its decision about a beat would come up to "
        + "\(late) \(late == 1 ? "sample" : "samples") later than it was trained to",
      isImported
        ? "import the network again without mode and hopSamples in its front end's description, or decide by the "
          + "clock with --every \(columns)"
        : "leave out --decide, --sensed and --heart-rate: its task decides by the clock"
    )
  }
}

import QuantInferTarget
import Support

/// What a board did beside the host: the `target` of `device-sim stream --json`.
package struct TargetResult: Encodable, Sendable {
  /// The first thing that differed.
  package struct Difference: Encodable, Equatable, Sendable {
    /// `decision`, `column` or `state`.
    package var what: String
    /// The sample after which it was seen, counted from 0.
    package var sample: Int
    /// What the board said.
    package var board: String
    /// What the host said.
    package var host: String
    /// The first part of the kept memory that differs, such as an operator's ring; null where none does.
    package var part: String?
  }

  /// What the board's counter counted.
  package struct Ticks: Encodable, Equatable, Sendable {
    /// `cycles`, or under an emulator `instructions`.
    package var unit: String
    /// A sample with which no column ends, in the mean.
    package var perSample: Double?
    /// A sample with which one does.
    package var perColumn: Double?
    /// A decision.
    package var perDecision: Double?
    /// The most of one sample, in the block in which it came.
    package var worstSample: Double
    /// All of them over all samples.
    package var perSecond: Double
  }

  /// Whose samples both took.
  package enum SampleSource: String, Encodable, Sendable {
    /// The host's: of a record.
    case host
    /// The board's own, which the host then replayed.
    case board
  }

  /// The target, as it was named.
  package var address: String
  /// The board, by what it says of itself.
  package var board: TargetBoardFacts
  /// Where the image was: `flash` or `memory`.
  package var image: String
  /// Whose samples both took.
  package var samplesFrom = SampleSource.host
  /// The samples that both took; of several leads the frames.
  package var samples = 0
  /// The board's own frames that came faster than it took them, and are missing from `samples`.
  package var lostFrames = 0
  /// The columns, decisions and saved or whole states that were compared.
  package var compared = 0
  /// Of these, the decisions: announcement, beat and logits.
  package var decisions = 0
  /// Of these, the columns.
  package var columns = 0
  /// Of these, the states.
  package var states = 0
  /// How many differed; columns that were compared together count as one.
  package var differing = 0
  /// The first of them.
  package var firstDifference: Difference?
  /// Why the run ended before its samples did; null where it didn't.
  package var failure: String?
  /// What it took; null for a board without a counter.
  package var ticks: Ticks?
  /// The most that the board's stack took, in bytes.
  package var stackBytes = 0
  /// How much faster than real time it was, the wire included.
  package var realTimeFactor: Double?

  /// Whether the board ran all samples as the host did.
  package var isSame: Bool { differing == 0 && failure == nil }

  /// Fails where it didn't.
  ///
  /// - Throws: `FileError`, with the first difference or why the run ended.
  package func check() throws(FileError) {
    if let failure {
      throw .inaccessible(
        address, "\(failure), after \(Numbers.integer(samples)) samples",
        remedy: "what was compared until then is in the results; look at power and wire, and run it again")
    }
    guard let first = firstDifference else { return }
    throw .malformed(
      address,
      "\(differing) of \(compared) compared differ, first the \(first.what) after sample \(first.sample)",
      remedy: "find where with --layers")
  }

  /// The result in one sentence, or in two where the samples are the board's.
  package var sentence: String {
    let name = board.name.isEmpty ? address : "\(board.name) (\(address))"
    let end = (failure.map { "; it ended early: \($0)" } ?? "") + "." + sourceSentence
    guard let first = firstDifference else {
      return
        "\(name): \(Numbers.integer(decisions)) decisions, \(Numbers.integer(columns)) columns and \(states) state\(states == 1 ? "" : "s") "
        + "compared, 0 differing\(end)"
    }
    let part = first.part.map { ", first in \($0)" } ?? ""
    return
      "\(name): \(differing) of \(compared) compared differ, first the \(first.what) after sample \(first.sample): "
      + "\(first.board) there, \(first.host) here\(part)\(end)"
  }

  private var sourceSentence: String {
    guard samplesFrom == .board else { return "" }
    let lost =
      lostFrames == 0 ? "" : "; \(Numbers.integer(lostFrames)) came too fast for it and are missing"
    return " The record is the board's: it sampled by itself, and the host replayed these samples\(lost)."
  }
}

import ArgumentParser
import Evaluation
import Foundation
import Support

/// How beats that a device found by itself are compared with the reference, and where they are written.
struct ComparisonOptions: ParsableArguments {
  static let standardLearningSeconds = 300.0
  static let standardAnnotator = "qinf"

  @Option(
    help: ArgumentHelp(
      "The start of each record that is left out, for an algorithm to learn.", valueName: "s"))
  var learningSeconds = Self.standardLearningSeconds
  @Option(
    help: ArgumentHelp(
      "A folder for the beats found, as annotation files that bxb or wfdb can score.", valueName: "dir"))
  var annotations: String?
  @Option(help: ArgumentHelp("The annotation files' suffix; a float twin's has f added.", valueName: "name"))
  var annotator = Self.standardAnnotator

  func validate() throws {
    guard learningSeconds >= 0, learningSeconds <= 86_400 else {
      throw ValidationError("--learning-seconds must be in 0 ... 86400")
    }
    let isName = annotator.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    guard isName, (1...20).contains(annotator.count), annotator.first?.isLetter == true else {
      throw ValidationError("--annotator must be 1 to 20 letters and digits, a letter first")
    }
    guard !["atr", "dat", "hea"].contains(annotator.lowercased()) else {
      throw ValidationError("--annotator \(annotator) is the suffix of a database's own files")
    }
  }

  /// Whether no option was given.
  var isStandard: Bool {
    learningSeconds == Self.standardLearningSeconds && annotations == nil
      && annotator == Self.standardAnnotator
  }

  /// What writes the beats found; nil where they aren't asked for.
  func writer() throws(FileError) -> Writer? {
    guard let annotations else { return nil }
    try Files.makeFolder(annotations)
    return Writer(folder: annotations, annotator: annotator)
  }

  /// Writes annotation files into a folder.
  struct Writer {
    let folder: String
    let annotator: String

    func write(_ beats: ComparedBeats, record: String) throws(FileError) {
      try beats.annotations.write((folder as NSString).appendingPathComponent(record), annotator: annotator)
    }

    /// Writes the beats as the float twin decides about them.
    func writeTwin(_ beats: ComparedBeats, record: String) throws(FileError) {
      try beats.annotations.write(
        (folder as NSString).appendingPathComponent(record), annotator: annotator + "f")
    }
  }
}

import ArgumentParser
import CommandSupport
import ECG
import Evaluation
import Foundation
import Support

/// How beats that a device found by itself are compared with the reference, and where they are written.
struct ComparisonOptions: ParsableArguments {
  static let standardLearningSeconds = 300.0

  @Option(
    help: ArgumentHelp(
      "The start of each record that is left out, for an algorithm to learn.", valueName: "s"))
  var learningSeconds = Self.standardLearningSeconds
  @OptionGroup var annotating: AnnotationOptions

  func validate() throws {
    guard learningSeconds >= 0, learningSeconds <= 86_400 else {
      throw ValidationError("--learning-seconds must be in 0 ... 86400")
    }
  }

  /// Whether no option was given.
  var isStandard: Bool {
    learningSeconds == Self.standardLearningSeconds && annotating.isStandard
  }

  /// What writes the beats found in some records; nil where they aren't asked for.
  ///
  /// - Throws: `FileError` where the folder can't be written, or two records of different folders have one name.
  func writer(of records: [String]) throws(FileError) -> Writer? {
    guard let folder = try annotating.makeFolder() else { return nil }
    var paths: [String: String] = [:]
    for record in records {
      guard let other = paths.updateValue(record, forKey: RecordPath.name(of: record)) else { continue }
      throw .malformed(
        folder, "would get the annotations of \(other) and of \(record) under one name",
        remedy: "compare them in two runs, each with a folder of its own")
    }
    return Writer(folder: folder, annotator: annotating.annotator)
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

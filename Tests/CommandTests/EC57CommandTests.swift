import ECG
import Evaluation
import Foundation
import Testing
import TestSupport

/// `exporter detect` and `exporter evaluate --ec57` on the five minutes of MIT-BIH 208 that come with the project, with
/// references that are made of what the device found.
@Suite struct EC57CommandTests {
  private let exporter = Command("exporter")
  private let folder: TemporaryFolder
  private let model = ProjectFiles.path("Models/ecg-beats/ecg-beats")

  private struct Figures: Decodable, Equatable {
    var truePositives: Int
    var falseNegatives: Int
    var falsePositives: Int
  }

  private struct Detection: Decodable {
    var gross: Figures
  }

  private struct Comparison: Decodable {
    struct Matrix: Decodable {
      var counts: [[Int]]
      var qrs: Figures
    }
    struct Summary: Decodable { var gross: Matrix }
    var int8: Summary
    var float: Summary?
    var pacedRecords: [String]
    var includesTrainingBeats: Bool
  }

  init() throws {
    folder = try TemporaryFolder()
    let source = try Record.read(ProjectFiles.path("Models/records/mitdb-208"))
    let record = Record(
      name: "208", sampleRateHz: source.sampleRateHz, sampleCount: source.sampleCount,
      signals: source.signals, comments: source.comments)
    try record.write(folder("208"))
    try reference([Annotation(sample: 0, code: .normal)])
  }

  private func reference(_ labels: [Annotation]) throws { try Annotations(labels).write(folder("208")) }

  private func found(_ annotator: String = "qinf") throws -> [Annotation] {
    try Annotations.read(folder("out/208"), annotator: annotator).all
  }

  private func detect(_ arguments: String...) throws -> Figures {
    let result = try exporter.run(
      [
        "detect", "--data", folder.path, "--records", "208", "--annotations", folder("out"), "--json", "-",
        "--quiet",
      ] + arguments)
    #expect(result.status == 0, "\(result.errors)")
    return try JSONDecoder().decode(Detection.self, from: Data(result.output.utf8)).gross
  }

  private func compare(_ arguments: String...) throws -> Comparison {
    let result = try exporter.run(
      [
        "evaluate", model + ".qinf", "--float", model + ".safetensors", "--data", folder.path, "--records",
        "208", "--ec57", "--learning-seconds", "0", "--annotations", folder("out"), "--json", "-", "--quiet",
      ] + arguments)
    #expect(result.status == 0, "\(result.errors)")
    return try JSONDecoder().decode(Comparison.self, from: Data(result.output.utf8))
  }

  @Test func removedAndAddedBeatsAreExtraAndMissed() throws {
    _ = try detect()
    let beats = try found()
    #expect(beats.count > 400)
    let removed = beats.enumerated().filter { $0.offset % 10 != 3 }.map(\.element)
    // A beat between two others is nobody's where it is more than 54 samples, 150 ms, from both.
    let added = zip(beats, beats.dropFirst()).filter { $1.sample - $0.sample > 120 }.map {
      Annotation(sample: ($0.sample + $1.sample) / 2, code: .normal)
    }
    try reference(removed + added)
    let figures = try detect("--learning-seconds", "0")
    #expect(
      figures
        == Figures(
          truePositives: removed.count, falseNegatives: added.count,
          falsePositives: beats.count - removed.count))
    // The first 4 minutes are 86,400 samples; no beat is within 150 ms of their end.
    let late = beats.filter { $0.sample >= 86_400 }.count
    let lateReference = (removed + added).count { $0.sample >= 86_400 }
    let rest = try detect("--learning-seconds", "240")
    #expect(rest.truePositives + rest.falseNegatives == lateReference)
    #expect(abs(rest.truePositives + rest.falsePositives - late) <= 1)
  }

  @Test func aReferenceOfTheDevicesOwnDecisionsIsMatchedWholly() throws {
    _ = try compare()
    let own = try found()
    try reference(own)
    let comparison = try compare()
    let counts = comparison.int8.gross.counts
    let classes = ["N", "A", "V", "F", "Q"]
    for (row, name) in classes.enumerated() {
      for column in classes.indices {
        let expected = own.count { $0.code.aamiClass == AnnotationCode(mnemonic: name)?.aamiClass }
        #expect(counts[row][column] == (row == column ? expected : 0))
      }
    }
    #expect(counts[0][0] > 100 && counts[2][2] > 50)
    #expect(
      comparison.int8.gross.qrs
        == Figures(truePositives: own.count, falseNegatives: 0, falsePositives: 0))
    #expect(comparison.includesTrainingBeats)
    // The float twin decides about the same beats.
    #expect(try found("qinff").map(\.sample) == own.map(\.sample))
    #expect(comparison.float?.gross.qrs == comparison.int8.gross.qrs)
  }

  /// The accuracy about annotated beats.
  private func accuracy(_ arguments: String...) throws -> Double {
    struct Evaluation: Decodable {
      struct Score: Decodable { var accuracy: Double }
      var int8: Score
    }
    let result = try exporter.run(
      ["evaluate", model + ".qinf", "--data", folder.path, "--records", "208", "--json", "-", "--quiet"]
        + arguments)
    #expect(result.status == 0, "\(result.errors)")
    return try JSONDecoder().decode(Evaluation.self, from: Data(result.output.utf8)).int8.accuracy
  }

  @Test func intervalsMoveTheSameDecisionsInEveryCommand() throws {
    _ = try compare("--rhythm")
    let own = try found()
    let streamed = try Command("device-sim").run([
      "stream", "--model", model + ".qinf", "--record", folder("208"), "--rhythm", "--annotations",
      folder("out"), "--annotator", "stream", "--quiet",
    ])
    #expect(streamed.status == 0, "\(streamed.errors)")
    let decided = try Annotations.read(folder("out/208"), annotator: "stream").all
    let compared = Dictionary(own.map { ($0.sample, $0.code) }) { first, _ in first }
    #expect(decided.count > 400 && decided.allSatisfy { compared[$0.sample] == $0.code })
    // Annotated where the device found them, the beats have its intervals but for the rounding of their places.
    try reference(own)
    #expect(try accuracy("--rhythm") > 0.97)
    #expect(try accuracy() < 0.95)
  }

  /// What is no beat can't be missed: its row ends before the column of beats that nobody found.
  @Test func theMatrixOnTheTerminalLeavesOutWhatCannotBe() throws {
    let result = try exporter(
      "evaluate", model + ".qinf", "--data", folder.path, "--records", "208", "--ec57", "--learning-seconds",
      "0", "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    let rows = result.output.split(separator: "\n").map { $0.split(separator: " ") }
    for name in ["N", "V", "O", "X"] {
      let row = try #require(rows.first { $0.first == name[...] && Int($0.last ?? "") != nil })
      #expect(row.count == (name == "N" || name == "V" ? 7 : 6), "\(row)")
    }
  }

  @Test func aPacedRecordIsLeftOutUnlessAskedFor() throws {
    try reference([
      Annotation(sample: 1000, code: .paced), Annotation(sample: 1300, code: .normal),
    ])
    #expect(try compare().pacedRecords == ["208"])
    #expect(try compare("--include-paced").pacedRecords.isEmpty)
  }

  @Test(arguments: [
    ["evaluate", "a.qinf", "--data", ".", "--learning-seconds", "0"],
    ["evaluate", "a.qinf", "--data", ".", "--include-paced"],
    ["evaluate", "a.safetensors", "--data", ".", "--ec57"],
    ["evaluate", "a.qinf", "--data", ".", "--ec57", "--annotator", "atr"],
    ["evaluate", "a.qinf", "--data", ".", "--ec57", "--annotator", "../a"],
    ["detect", "--data", ".", "--learning-seconds", "nan"], ["detect", "--data", ".", "--rate", "99"],
    ["detect", "--data", ".", "--records", "test"],
  ])
  func wrongArgumentsExitWith64(_ arguments: [String]) throws {
    let result = try exporter.run(arguments)
    #expect(result.status == 64 && result.errors.hasPrefix("error: ") && result.output.isEmpty)
  }

  @Test func missingReferencesExitWith66() throws {
    try FileManager.default.removeItem(atPath: folder("208.atr"))
    let result = try exporter("detect", "--data", folder.path, "--records", "208", "--quiet")
    #expect(result.status == 66 && result.hasOneErrorLine && result.errors.contains("208.atr"))
  }
}

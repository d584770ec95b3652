import ECG
import Foundation
import Support
import Testing
import TestSupport

/// `--records` in every command that has it: the same values, with the same answers.
///
/// Outside truth: the folder, whose records are known.
@Suite struct RecordSelectionTests {
  private let folder: TemporaryFolder

  /// A folder with 20 s of the shipped record as `r`, `sub/s` and `sub/t`, each with two labels.
  init() throws {
    folder = try TemporaryFolder()
    try Files.makeFolder(folder("sub"))
    let source = try Record.read(ProjectFiles.record)
    var signal = source.signals[0]
    signal.samples = Array(signal.samples.prefix(7200))
    for name in ["r", "sub/s", "sub/t"] {
      try Record(name: "r", sampleRateHz: 360, sampleCount: 7200, signals: [signal]).write(folder(name))
      try Annotations([
        Annotation(sample: 2000, code: .normal), Annotation(sample: 4000, code: .normal),
      ]).write(folder(name))
    }
  }

  /// A command up to its `--records`, with `DATA` for the folder, and `OUT` and `DIR` for what it writes.
  private static let commands: [(name: String, words: [String])] = [
    ("evaluate", ["exporter", "evaluate", ProjectFiles.model, "--data", "DATA"]),
    (
      "evaluate --ec57",
      ["exporter", "evaluate", ProjectFiles.model, "--ec57", "--learning-seconds", "0", "--data", "DATA"]
    ),
    ("detect", ["exporter", "detect", "--learning-seconds", "0", "--data", "DATA"]),
    ("sweep", ["device-sim", "sweep", "--model", ProjectFiles.model, "--data", "DATA", "--output", "OUT"]),
    ("report", ["exporter", "report", ProjectFiles.checkpoint, "--data", "DATA", "--output", "DIR"]),
    ("personalize", ["exporter", "personalize", "--model", ProjectFiles.model, "--data", "DATA"]),
    (
      "tune",
      [
        "exporter", "tune", ProjectFiles.path("Models/vtvf/vtvf.safetensors"), "--data", "DATA", "--aim",
        "specificity=0.9", "--output", "OUT",
      ]
    ),
  ]

  private func run(_ words: [String], records: String) throws -> Command.Result {
    let words = words.map { ["DATA": folder.path, "OUT": folder("out"), "DIR": folder("report")][$0] ?? $0 }
    return try Command(words[0]).run(words.dropFirst() + ["--records", records, "--quiet"])
  }

  /// A value, and what every command says of it: the status, and a part of the line.
  @Test(arguments: [
    ("nosuch", 66, "nosuch"), ("sub/nosuch", 66, "sub/nosuch"), ("r,nosuch", 66, "nosuch"),
    ("ds1", 66, "101"), ("ds2", 66, "100"), ("/nowhere/r", 66, "/nowhere/r"),
    ("r,,r", 64, "--records"), ("r,sub,r", 64, "--records: has r twice; name it once"), ("", 64, "--records"),
  ])
  func everyCommandSaysTheSame(value: String, status: Int32, part: String) throws {
    for (name, words) in Self.commands {
      let result = try run(words, records: value)
      #expect(result.status == status, "\(name) --records \(value): \(result.errors)")
      let line = result.errors.split(separator: "\n").first {
        $0.hasPrefix("error: ") || $0.hasPrefix("Error: ")
      }
      #expect(line?.contains(part) == true, "\(name) --records \(value): \(result.errors)")
    }
  }

  /// A value, and the records that it stands for.
  @Test(arguments: [
    ("r", ["r"]), ("sub/t", ["t"]), ("r,sub/s", ["r", "s"]), ("sub", ["s", "t"]),
    ("sub/,r", ["s", "t", "r"]),
    ("all", ["r", "s", "t"]),
  ])
  func everyCommandTakesTheSameRecords(value: String, expected: [String]) throws {
    for (name, words) in Self.commands.prefix(4) {
      let result = try run(words + ["--json", "-"], records: value)
      #expect(result.status == 0, "\(name) --records \(value): \(result.errors)")
      let records: [String]
      if name == "sweep" {
        let lines = String(decoding: try Files.read(folder("out")), as: UTF8.self).split(separator: "\n")
        records = lines.dropFirst().compactMap { line in
          line.firstMatch(of: /"record":"([^"]*)"/).map { String($0.1) }
        }
        try FileManager.default.removeItem(atPath: folder("out"))
      } else {
        records = (try result.json()["perRecord"] as? [[String: Any]] ?? []).compactMap {
          $0["record"] as? String
        }
      }
      #expect(
        records.map { ($0 as NSString).lastPathComponent }.sorted() == expected.sorted(), "\(name) \(value)")
    }
    // A path from the root is the same record.
    let whole = try run(Self.commands[0].words + ["--json", "-"], records: folder("sub/s"))
    #expect(whole.status == 0, "\(whole.errors)")
  }

  @Test func annotationsOfTwoRecordsOfOneNameReplaceNothing() throws {
    try Files.makeFolder(folder("other"))
    for suffix in [".hea", ".dat", ".atr"] {
      try Files.write(try Files.read(folder("r" + suffix)), to: folder("other/r" + suffix))
    }
    for command in [Self.commands[1], Self.commands[2]] {
      let result = try run(command.words + ["--annotations", folder("beats")], records: "r,other")
      #expect(result.status == 65 && result.hasOneErrorLine, "\(command.name): \(result.errors)")
      #expect(result.errors.contains("annotations of r and of other/r under one name"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder("beats")).isEmpty)
    }
  }

  @Test func aSideOfASplitIsTheModelsOwn() throws {
    // The shipped model's split is DS1 and DS2 of MIT-BIH, which the folder lacks.
    for (value, record) in [("test", "100"), ("training", "101")] {
      for (name, words) in Self.commands where name != "detect" && name != "tune" {
        let result = try run(words, records: value)
        #expect(result.status == 66 && result.errors.contains(record), "\(name) \(value): \(result.errors)")
      }
      let detect = try run(Self.commands[2].words, records: value)
      #expect(detect.status == 64 && detect.errors.contains("no model takes part"))
    }
  }
}

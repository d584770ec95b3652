import Foundation
import Support
import Testing
import TestSupport

/// Each kind of wrong file, in each place that a command reads one: the status, and the one line that it says.
///
/// Every combination keeps the contract; those of `ErrorTable.lines` say exactly that.
@Suite struct ErrorTableTests {
  /// A wrong file, and the status that it ends with.
  enum Kind: String, CaseIterable {
    case missing, empty, folder, pipe, noise, page, half

    /// Puts the file where the command looks for it.
    func make(_ path: String, whole: String) throws {
      switch self {
      case .missing: break
      case .empty: try Files.write(Data(), to: path)
      case .folder: try Files.makeFolder(path)
      case .pipe: #expect(mkfifo(path, 0o600) == 0)
      case .noise:
        var generator = SeededGenerator(seed: 5)
        try Files.write(Data((0..<3000).map { _ in UInt8(truncatingIfNeeded: generator.next()) }), to: path)
      case .page: try Files.write("<!DOCTYPE html>\n<html><body>Please log in.</body></html>\n", to: path)
      case .half:
        let data = try Files.read(whole)
        try Files.write(data.prefix(data.count / 2), to: path)
      }
    }
  }

  /// A place that a command reads a file at: FILE is the wrong one.
  struct Place {
    var name: String
    var file: String
    /// The right file that half of is made.
    var whole: String
    var command: [String]
  }

  private static let (model, checkpoint, record) = (
    ProjectFiles.model, ProjectFiles.checkpoint, ProjectFiles.record
  )
  private static let stream = ["device-sim", "stream"]

  private static let places = [
    Place(
      name: "stream --model", file: "x.qinf", whole: model,
      command: stream + ["--model", "FILE", "--record", record]),
    Place(
      name: "stream --float", file: "x.safetensors", whole: checkpoint,
      command: stream + ["--model", model, "--record", record, "--float", "FILE"]),
    Place(
      name: "stream --record .hea", file: "x.hea", whole: record + ".hea",
      command: stream + ["--model", model, "--record", "FILE"]),
    Place(
      name: "stream --record .csv", file: "x.csv", whole: "CSV",
      command: stream + ["--model", model, "--record", "FILE"]),
    Place(
      name: "stream --record .edf", file: "x.edf", whole: "EDF",
      command: stream + ["--model", model, "--record", "FILE"]),
    Place(
      name: "stream --profile", file: "x.json", whole: "PROFILE",
      command: stream + ["--model", model, "--record", record, "--profile", "FILE"]),
    Place(
      name: "stream --patch", file: "x.qpatch", whole: model,
      command: stream + ["--model", model, "--record", record, "--patch", "FILE"]),
    Place(
      name: "verdict --model", file: "x.qinf", whole: model,
      command: ["device-sim", "verdict", "--model", "FILE"]),
    Place(
      name: "faults --record", file: "x.hea", whole: record + ".hea",
      command: ["device-sim", "faults", "--model", model, "--record", "FILE", "--trials", "1"]),
    Place(name: "merge", file: "x.jsonl", whole: "LOG", command: ["device-sim", "merge", "FILE"]),
    Place(name: "profiles", file: "x.json", whole: "PROFILE", command: ["device-sim", "profiles", "FILE"]),
    Place(name: "inspect", file: "x.qinf", whole: model, command: ["exporter", "inspect", "FILE"]),
    Place(
      name: "evaluate", file: "x.qinf", whole: model,
      command: ["exporter", "evaluate", "FILE", "--data", "Models/records"]),
    Place(
      name: "evaluate checkpoint", file: "x.safetensors", whole: checkpoint,
      command: ["exporter", "evaluate", "FILE", "--data", "Models/records"]),
    Place(
      name: "quantize", file: "x.safetensors", whole: checkpoint,
      command: ["exporter", "quantize", "FILE", "--data", "Models/records", "--output", "OUT"]),
    Place(
      name: "import", file: "x.tflite", whole: "TFLITE",
      command: ["exporter", "import", "FILE", "--output", "OUT"]),
    Place(
      name: "run --input", file: "x.npy", whole: "NPY",
      command: ["exporter", "run", model, "--input", "FILE", "--output", "OUT"]),
    Place(
      name: "export", file: "x.qinf", whole: model,
      command: ["exporter", "export", "FILE", "--format", "c", "--output", "OUT"]),
    Place(
      name: "explain --record", file: "x.hea", whole: record + ".hea",
      command: ["exporter", "explain", model, "--float", checkpoint, "--record", "FILE", "--at", "1"]),
    Place(
      name: "cohort check", file: "x.csv", whole: "MANIFEST",
      command: ["exporter", "cohort", "check", "FILE"]),
    Place(
      name: "train --from", file: "x.safetensors", whole: checkpoint,
      command: [
        "exporter", "train", "--task", "aami", "--data", "Models/records", "--from", "FILE", "--output",
        "OUT",
      ]),
  ]

  /// The right files that are made for half of them to be taken.
  private static func whole(_ name: String, in folder: TemporaryFolder) throws -> String {
    switch name {
    case "CSV":
      try folder.put("w.csv", "time,II\n" + (0..<50).map { "0.0\($0 + 10),0.1\n" }.joined() + "0.061,\"")
    case "EDF": try folder.put("w.edf", Array("0       ".utf8) + [UInt8](repeating: 0x20, count: 800))
    case "PROFILE":
      try folder.put("w.json", try Command("device-sim")("profiles", "--show", "pacemaker").output)
    case "LOG": try folder.put("w.jsonl", "{\"kind\":\"sweep\",\"program\":\"0.1.0\",\"version\":1}\n")
    case "TFLITE":
      try folder.put("w.tflite", [28, 0, 0, 0] + Array("TFL3".utf8) + [UInt8](repeating: 0, count: 60))
    case "NPY":
      try folder.put(
        "w.npy", NumPyArray(shape: [1, 100], values: .int8([Int8](repeating: 1, count: 100))).encoded())
    case "MANIFEST": try folder.put("w.csv", "patient,record,label\na,r1,1\nb,r2,0\n\"")
    default: name
    }
  }

  // claim: errors
  @Test func everyWrongFileIsToldInOneLine() throws {
    var found: [String] = []
    for place in Self.places {
      for kind in Kind.allCases {
        let folder = try TemporaryFolder()
        let file = folder(place.file)
        try kind.make(file, whole: try Self.whole(place.whole, in: folder))
        let arguments = place.command.dropFirst().map {
          $0 == "FILE"
            ? file : $0 == "OUT" ? folder("out") : $0 == "Models/records" ? ProjectFiles.path($0) : $0
        }
        let result = try Command(place.command[0]).run(arguments + ["--quiet"])
        let errors = result.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
        let name = "\(place.name) \(kind)"
        #expect(errors.count == 1, "\(name): \(result.errors)")
        #expect([1, 65, 66].contains(result.status), "\(name): \(result.status)")
        let line = (errors.first ?? "").replacing(file, with: "FILE").replacing(folder.path, with: "FOLDER")
        #expect(line.hasPrefix("error: FILE") || line.hasPrefix("error: FOLDER"), "\(name): \(line)")
        #expect(line.contains("; "), "\(name): says no remedy: \(line)")
        #expect(!FileManager.default.fileExists(atPath: folder("out")), "\(name): wrote its output")
        found.append("\(place.name) | \(kind) | \(result.status) | \(line.dropFirst(7))")
      }
    }
    for line in ErrorTable.lines.split(separator: "\n").map(String.init) where !found.contains(line) {
      let start = line.split(separator: "|").prefix(2).joined(separator: "|")
      Issue.record("\(line)\n\(found.first { $0.hasPrefix(start) } ?? "nothing")")
    }
    #expect(found.count == Self.places.count * Kind.allCases.count)
  }
}

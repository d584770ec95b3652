import ECG
import Foundation
import Support
import Testing
import TestSupport

/// A folder that holds what a guide's commands name: the project's own models and records, and stand-ins for the reader's.
struct GuideSandbox {
  let folder: TemporaryFolder

  /// Puts there what some commands name.
  init(for text: String) throws {
    folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      atPath: folder("Models"), withDestinationPath: ProjectFiles.path("Models"))
    try putModels(text)
    try putRecords(text)
    if text.contains("beats.onnx --samples") { try putFloatNetworks() }
    if text.contains("import beats.tflite") {
      try putQuantizedNetwork("beats.tflite")
      let reference = String(
        decoding: try Files.read(ProjectFiles.path("docs/reference/FrontEnd.md")), as: UTF8.self)
      let examples = reference.components(separatedBy: "```json\n").dropFirst().map {
        $0.components(separatedBy: "```")[0]
      }
      try Files.write(
        try #require(examples.first { $0.contains("spectrogram") }), to: folder("beats.frontend.json"))
    }
    if text.contains("keywords.tflite") {
      try putQuantizedNetwork("keywords.tflite")
      // A window of 43 columns of 12 bins, all codes 0.
      let header = "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 516), }"
      let padded = header + String(repeating: " ", count: 117 - header.count) + "\n"
      try Files.write(
        Data([0x93] + "NUMPY".utf8 + [1, 0, 118, 0] + padded.utf8) + Data(count: 516), to: folder("x.npy"))
    }
  }

  private func putModels(_ text: String) throws {
    for name in ["my", "beats", "ecg-beats", "aware", "response"] {
      for (ending, file) in [(".qinf", ProjectFiles.model), (".safetensors", ProjectFiles.checkpoint)]
      where text.contains(" " + name + ending) {
        try folder.put(name + ending, Files.read(file))
      }
    }
    if text.contains("ecg-beats-wide.qinf") {
      try folder.put(
        "ecg-beats-wide.qinf", Files.read(ProjectFiles.path("Models/ecg-beats-wide/ecg-beats-wide.qinf")))
    }
  }

  private func putRecords(_ text: String) throws {
    for ending in [".hea", ".dat"] where text.contains("mitdb-208") {
      try folder.put("mitdb-208" + ending, Files.read(ProjectFiles.record + ending))
    }
    if text.contains("data/mitdb") {
      try Files.makeFolder(folder("data/mitdb"))
      try SyntheticRecords.write(to: folder("data/mitdb"), seed: 1)
    }
    for (name, place) in [("em", "data/nstdb"), ("100", "path/to"), ("100", "folder")]
    where text.contains(place) {
      try Files.makeFolder(folder(place))
      try SyntheticRecords.write([name], to: folder(place), seed: 2)
    }
    if text.contains("clinic/") {
      try Files.makeFolder(folder("clinic/records"))
      try SyntheticRecords.write(["p001", "p002"], leads: ["II"], to: folder("clinic/records"), seed: 3)
    }
    guard text.contains("shapes.json") || text.contains("ecg.csv") else { return }
    let segments = try SegmentFolder(folder("segments"), count: 12)
    try folder.put("shapes.json", Files.read(segments.task))
    try folder.put("ecg.csv", Files.read(segments.folder + "/segment-000.csv"))
  }

  private func putFloatNetworks() throws {
    for name in ["beats.onnx", "beats.tflite", "beats.json", "x.npy", "y.npy"] {
      try folder.put(name, Files.read(ProjectFiles.path("Tests/Oracle/beats/" + name)))
    }
  }

  private func putQuantizedNetwork(_ name: String) throws {
    let result = try Command("exporter")(
      "export", ProjectFiles.model, "--format", "tflite", "--output", folder(name), "--quiet")
    #expect(result.status == 0, "\(result.errors)")
  }
}

import Foundation
import Support
import Testing
import TestSupport

/// A folder with synthetic records, where a model is made from them.
struct Bench {
  let folder: TemporaryFolder
  private let exporter = Command("exporter")

  /// A training of a second, in ten epochs.
  static let longTraining = ["--epochs", "10", "--windows-per-epoch", "1024"]

  init() throws {
    folder = try TemporaryFolder()
    try Files.makeFolder(folder("data"))
    try SyntheticRecords.write(to: data, seed: 1)
  }

  var data: String { folder("data") }
  var checkpoint: String { folder("beats.safetensors") }
  var model: String { folder("beats.qinf") }

  func callAsFunction(_ name: String) -> String { folder(name) }

  /// Trains; the arguments replace those that a quick training has.
  func train(_ arguments: String...) throws -> Command.Result { try train(arguments) }

  func train(_ arguments: [String]) throws -> Command.Result {
    try exporter.run(trainArguments(arguments))
  }

  /// Quantizes; likewise.
  func quantize(_ arguments: String...) throws -> Command.Result { try quantize(arguments) }

  func quantize(_ arguments: [String]) throws -> Command.Result {
    try exporter.run(
      replacing(
        ["--data", data, "--output", model, "--windows", "64"], by: ["quantize", checkpoint] + arguments))
  }

  /// Starts a training and kills it once it is past its second epoch.
  func killTraining(_ arguments: [String]) throws {
    let process = exporter.process(trainArguments(arguments + ["--threads", "1"]))
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    // The part file is written at the start and after each epoch.
    var states: Set<Data> = []
    while states.count < 3 && process.isRunning {
      if let state = FileManager.default.contents(atPath: checkpoint + ".part") { states.insert(state) }
      usleep(2000)
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal, "the training was over too soon")
  }

  private func trainArguments(_ arguments: [String]) -> [String] {
    replacing(
      [
        "--task", "aami", "--data", data, "--output", checkpoint, "--epochs", "1", "--windows-per-epoch",
        "256", "--batch-size", "32", "--logit-offsets", "none",
      ], by: ["train"] + arguments)
  }

  /// `arguments`, and of the standard ones those options that they don't name.
  private func replacing(_ standard: [String], by arguments: [String]) -> [String] {
    stride(from: 0, to: standard.count, by: 2).reduce(into: arguments) { result, index in
      if !arguments.contains(standard[index]) { result += standard[index...index + 1] }
    }
  }
}

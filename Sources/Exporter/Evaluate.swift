import ArgumentParser
import CommandSupport
import ECG
import Evaluation
import Foundation
import Quantization
import Support
import Training

/// The command `exporter evaluate`.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how well a network tells beats apart, in float, int8 or both.",
    discussion: """
      A model image runs sample by sample as on the device. With --float both
      networks hear the same counts, so that what differs is what integers lose.
      Accuracy has Wilson's interval; F1 has the interval of 2,000 draws of whole
      patients. Both hold 95 %.

      Records: test (those that the model was not trained on, by its own split),
      ds2, all, or names.

      Examples:

        exporter evaluate beats.safetensors --data data/mitdb
        exporter evaluate beats.qinf --float beats.safetensors --data data/mitdb
        exporter evaluate beats.qinf --data data/mitdb --records 200,233 --json -
      """)

  @Argument(help: ArgumentHelp("A checkpoint, or a model image (.qinf).", valueName: "model")) var model:
    String
  @Option(help: ArgumentHelp("The folder of MIT-BIH's records.", valueName: "dir")) var data: String
  @Option(name: .customLong("float"), help: ArgumentHelp("The image's float checkpoint.", valueName: "ckpt"))
  var checkpoint: String?
  @Option(help: ArgumentHelp("test, ds2, all, or names with commas.", valueName: "records"))
  var records = RecordSelection.test
  @Option(help: ArgumentHelp("The seed of the draws of patients.", valueName: "s"))
  var seed: UInt64 = 1
  @Option(help: ArgumentHelp("The number of threads.", valueName: "n"))
  var threads = ProcessInfo.processInfo.activeProcessorCount
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [results.jsonFile], inputs: [model, checkpoint])
    guard (1...256).contains(threads) else {
      throw ValidationError("\(threads) threads are not in 1 ... 256")
    }
    guard checkpoint == nil || isImage else {
      throw ValidationError("--float goes with a model image (.qinf)")
    }
  }

  func run() throws {
    let twins = try isImage ? Twins(image: model, checkpoint: checkpoint) : Twins(checkpoint: model)
    let beats = try BeatRecords(
      folder: data, task: twins.task, split: twins.split, classNames: twins.classNames,
      sampleRateHz: twins.window.settings.sampleRateHz, threads: threads, file: model)
    let signals = try results.withProgress("Reading") { progress in
      try records.signals(of: beats, progress: progress)
    }
    let perRecord = try results.withProgress("Evaluating") { progress in
      try signals.concurrentMap(threads: threads, progress: progress) { try twins.evaluation(of: $0) }
    }
    let evaluation = BeatEvaluation(twins, of: beats, records: records, perRecord: perRecord, seed: seed)
    try results.show(evaluation.title)
    for (title, table) in evaluation.classTables {
      try results.show("\n\(title)\n")
      try results.show(table)
    }
    if let table = evaluation.agreementTable {
      try results.show("\n")
      try results.show(table)
    }
    try results.writeJSON(evaluation)
  }

  private var isImage: Bool { model.hasSuffix(".qinf") }
}

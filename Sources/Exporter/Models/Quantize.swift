import ArgumentParser
import CommandSupport
import Evaluation
import Foundation
import HostDevice
import ModelFiles
import Networks
import Quantization
import Support
import Tasks

/// The command `exporter quantize`.
struct Quantize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Bring a trained network to integers, as a model image for the device.",
    discussion: """
      The ranges of the activations are measured on windows of the checkpoint's
      training beats, as the device's converter hears them; or they are those that
      it was trained for by `exporter train --quantization-aware`.

      Another program's float network, an .onnx or a float .tflite model, is quantized
      on samples of its own: NumPy arrays of float32, a row a sample, --samples for each
      input. What the integers do on them beside the float network is told; with
      --labels, a class a row, how many are right. Its image takes float32 in
      `exporter run`. A model that has integers of its own (QuantizeLinear,
      DequantizeLinear) needs no samples and keeps its scales. Where nothing is said
      of granularity, calibration, rounding, equalization and biases, three ways are
      tried: each half of the windows judges what the other half calibrates.

      With --front-end, a JSON file that docs/reference/FrontEnd.md describes, the image
      streams: sample in, decision out. Ranges may then be measured on the training
      beats of the file's task in the records of --data.

      Examples:

        exporter quantize beats.safetensors --data data/mitdb --output beats.qinf
        exporter quantize beats.safetensors --data data/mitdb --adc-bits 10 \\
          --adc-range-mv 20 --calibration mse --output implant.qinf
        exporter quantize beats.safetensors --data data/mitdb --output small.qinf \\
          --weights int8,int4,int4,int8 --rounding adaptive
        exporter quantize beats.onnx --samples x.npy --labels y.npy --output beats.qinf
        exporter quantize beats.onnx --front-end beats.json --data data/mitdb \\
          --output beats.qinf

      int16 activations run over whole windows, not in a stream. What each choice
      costs and saves is told by `exporter report`.
      """)

  @Argument(
    help: ArgumentHelp("The trained network: a checkpoint, an .onnx or .tflite model.", valueName: "network"))
  var checkpoint: String
  @Option(help: ArgumentHelp("The folder of MIT-BIH's records.", valueName: "dir"))
  var data: String?
  @Option(
    help: ArgumentHelp("The front end that an .onnx or .tflite model streams behind.", valueName: "f.json"))
  var frontEnd: String?
  @Option(
    help: ArgumentHelp("Samples for an .onnx or .tflite model; an option an input.", valueName: "x.npy"))
  var samples: [String] = []
  @Option(help: ArgumentHelp("The samples' classes, to count what is right.", valueName: "y.npy")) var labels:
    String?
  @Option(help: ArgumentHelp("The model image to write.", valueName: "model.qinf")) var output: String
  @OptionGroup var adc: ConverterOptions
  @Option(help: ArgumentHelp("The number of windows to calibrate on.", valueName: "n"))
  var windows = QuantizedNetwork.standardCalibrationWindows
  @Option(help: ArgumentHelp("The seed of the windows drawn.", valueName: "seed"))
  var seed: UInt64 = 1
  @OptionGroup(title: "Integers") var integers: QuantizationArguments
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(
      outputs: [output, results.jsonFile],
      inputs: [checkpoint] + samples + [labels, frontEnd].compactMap(\.self))
    if FloatNetwork.isOne(checkpoint) {
      guard data == nil || (frontEnd != nil && samples.isEmpty) else {
        throw ValidationError(
          "an .onnx or .tflite model is quantized on --samples x.npy, or on --data dir behind a --front-end f.json"
        )
      }
      guard labels == nil || !samples.isEmpty else { throw ValidationError("--labels needs --samples") }
    } else {
      guard data != nil, samples.isEmpty, labels == nil, frontEnd == nil else {
        // A file that is no checkpoint is told by what it is, when it is read.
        guard (try? Checkpoint.read(checkpoint)) != nil else { return }
        throw ValidationError(
          "a checkpoint is quantized on --data dir, not on --samples, behind its own front end")
      }
    }
    guard (1...16_384).contains(windows) else { throw ValidationError("--windows must be in 1 ... 16384") }
  }

  func run() throws {
    if FloatNetwork.isOne(checkpoint) { return try quantizeFloatNetwork() }
    let trained = try Checkpoint.read(checkpoint)
    if let problem = integers.values(seed: seed).problem(layerCount: trained.weightedLayerCount) {
      throw ValidationError(problem)
    }
    guard trained.beatNetwork == nil || integers.values(seed: seed).activationBits == [8] else {
      throw FileError.malformed(
        checkpoint, "has a network of beats beside its own, and both have activations of int8",
        remedy: "leave out --activations")
    }
    let image = try makeImage(of: trained)
    guard let loaded = try? LoadedModel(image: image.bytes), loaded.isTwin(of: trained) else {
      throw FileError.malformed(
        checkpoint, "is a network that a model image can't hold", remedy: "train a smaller one")
    }
    try Files.write(Data(image.bytes), to: output)
    let summary = ModelSummary(loaded)
    try results.show(summary.operatorTable)
    try results.show("\n")
    try results.show(summary.memoryTable)
    try results.writeJSON(summary)
  }

  /// What is said of another program's network in integers.
  private struct Result: Encodable {
    var model: ModelSummary
    var fidelity: FloatNetworkImage.Fidelity?
  }

  private func quantizeFloatNetwork() throws {
    var given = FloatNetworkImage.Samples(files: samples, labels: labels, count: windows)
    (given.records, given.seed) = (data, seed)
    let made = try results.withProgress("Quantizing") { _ throws(FileError) in
      try FloatNetworkImage(
        quantizing: checkpoint, samples: given,
        frontEnd: frontEnd.map { file throws(FileError) in try FrontEndFile(reading: file) },
        choices: integers.choices(seed: seed))
    }
    try Files.write(Data(made.image.bytes), to: output)
    let summary = ModelSummary(try LoadedModel(file: output))
    try results.show(summary.operatorTable)
    try results.show("\n")
    try results.show(summary.memoryTable)
    if let fidelity = made.fidelity {
      var table = SummaryTable(columns: [])
      if !made.graph.hasCodes { table.add("settings", settings(of: made.options)) }
      table.add("samples", Numbers.integer(fidelity.samples))
      table.add("agreement", "\(Numbers.percent(fidelity.agreement)) the same class as in float")
      table.add("output error", "\(Numbers.decimal(fidelity.outputError, places: 4)) in the root mean square")
      if let float = fidelity.floatAccuracy, let integer = fidelity.accuracy {
        table.add("right", "\(Numbers.percent(integer)), in float \(Numbers.percent(float))")
      }
      try results.show("\n")
      try results.show(table)
    }
    try results.writeJSON(Result(model: summary, fidelity: made.fidelity))
  }

  /// How a network was quantized, in the options' words.
  private func settings(of options: QuantizationOptions) -> String {
    [
      "--calibration \(options.calibration)", "--rounding \(options.rounding)",
      options.equalizesLayers ? "--equalize" : "--no-equalize",
      options.correctsBiases ? "--correct-biases" : "--no-correct-biases",
    ].joined(separator: " ")
  }

  private func makeImage(of trained: Checkpoint) throws -> ModelImage {
    var beats = try TaskRecords(
      folder: data ?? "", task: trained.definition, split: trained.split, classNames: trained.classNames,
      sampleRateHz: trained.settings.sampleRateHz, threads: 1, file: checkpoint)
    beats.coupling = trained.settings.coupling
    let signals = try results.withProgress("Reading") { progress in
      try beats.training(leads: trained.training.leads, progress: progress)
    }
    do throws(InvalidNetwork) {
      return try .quantized(
        trained, calibratedOn: signals, converter: adc.converter, windows: windows, seed: seed,
        options: integers.values(seed: seed))
    } catch {
      throw FileError.malformed(
        checkpoint, error.description, remedy: "train a network of whole records that the device can hold")
    }
  }
}

import ArgumentParser
import CommandSupport
import Evaluation
import Foundation
import HostDevice
import ModelFiles
import Support

/// The command `exporter run`.
struct Run: ParsableCommand {
  /// What was computed.
  private struct Result: Encodable {
    var samples: Int
    var outputsPerSample: [Int]
    var layers: [String]
  }

  static let configuration = CommandConfiguration(
    abstract: "Run a model on samples.",
    usage: "exporter run <model> --input <x.npy> --output <y.npy> [<options>]",
    discussion: """
      Inputs and outputs are NumPy arrays, a row a sample: the values in a line or in
      the input's shape, in the model's own type (int8, int16, or float32 where a
      .tflite model quantizes its input itself). A model of several inputs or outputs
      takes --input and --output for each, in its order. A float .onnx or .tflite model
      runs in float, or in integers where it has its own, in its own layout.

      Examples:

        exporter run beats.qinf --input windows.npy --output logits.npy
        exporter run keywords.tflite --input x.npy --output y.npy --layers layers
        exporter run beats.onnx --input x.npy --output y.npy
        exporter run wakeword.tflite --input frames.npy --output y.npy --carry
      """)

  @Argument(help: ArgumentHelp("The model: .qinf, .tflite or .onnx.", valueName: "model")) var model: String
  @Option(help: ArgumentHelp("The samples; an option an input.", valueName: "x.npy")) var input: [String]
  @Option(help: ArgumentHelp("The outputs to write; an option an output.", valueName: "y.npy"))
  var output: [String]
  @Option(
    help: ArgumentHelp(
      "A folder for every operator's output for the first sample, as opNN_NAME_tTENSOR.npy.", valueName: "dir"
    ))
  var layers: String?
  @Flag(help: "Let each sample go on with the states that the one before it left, as in a stream.")
  var carry = false
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: output + [results.jsonFile], folders: [layers], inputs: [model] + input)
    guard !input.isEmpty, !output.isEmpty else { throw ValidationError("name an --input and an --output") }
  }

  func run() throws {
    let run = try computed()
    for (file, values) in zip(output, run.outputs) { try Files.write(values.encoded(), to: file) }
    if let layers {
      try Files.makeFolder(layers)
      for layer in run.layers { try Files.write(layer.values.encoded(), to: layers + "/" + layer.fileName) }
    }
    try report(run)
  }

  private func computed() throws -> SampleRun {
    func samples() throws -> [(file: String, values: NumPyArray)] {
      var samples: [(file: String, values: NumPyArray)] = []
      for file in input { samples.append((file, try NumPyArray.read(file))) }
      return samples
    }
    func checkOutputs(_ count: Int) throws {
      guard output.count > count else { return }
      throw FileError.malformed(
        model, "has \(count) outputs, not \(output.count)", remedy: "name fewer with --output")
    }
    let loaded: LoadedModel
    if FloatNetwork.isOne(model) {
      let network = try FloatNetwork(reading: model)
      try checkOutputs(network.outputs.count)
      guard network.graph.hasCodes else {
        guard !carry else {
          throw FileError.malformed(
            model, "runs in float, where no state is kept from sample to sample", remedy: "leave out --carry")
        }
        return try SampleRun.run(network, file: model, inputs: samples())
      }
      loaded = try LoadedModel(image: FloatNetworkImage.coded(model).image.bytes)
    } else {
      loaded = try LoadedModel.read(model)
    }
    try loaded.requireOneNetwork(for: "finished windows are those of", file: model)
    try checkOutputs(loaded.model.outputCount)
    guard !carry || loaded.model.hasState else {
      throw FileError.malformed(
        model, "keeps no state from sample to sample: no tensor of it is variable",
        remedy: "leave out --carry")
    }
    return try SampleRun.run(loaded, inputs: samples(), carriesState: carry)
  }

  private func report(_ run: SampleRun) throws {
    var table = SummaryTable(columns: [])
    table.add("samples", Numbers.integer(run.outputs[0].shape[0]))
    for (file, values) in zip(output, run.outputs) {
      table.add("outputs", "\(values.shape[1]) a sample, \(values.values.typeName), in \(file)")
    }
    if let layers { table.add("layers", "\(run.layers.count) in \(layers)") }
    try results.show(table)
    try results.writeJSON(
      Result(
        samples: run.outputs[0].shape[0], outputsPerSample: run.outputs.map { $0.shape[1] },
        layers: layers == nil ? [] : run.layers.map(\.fileName)))
  }
}

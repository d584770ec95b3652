import ArgumentParser
import CommandSupport
import Foundation
import Quantization
import Support

/// The command `exporter run`.
struct Run: ParsableCommand {
  /// What was computed.
  private struct Result: Encodable {
    var samples: Int
    var outputsPerSample: Int
    var layers: [String]
  }

  static let configuration = CommandConfiguration(
    abstract: "Run a model image on samples of codes.",
    discussion: """
      Inputs and outputs are NumPy arrays of int8, a row a sample: the window's
      codes [time, frequency, channel], in a line or in their shape.

      Examples:

        exporter run beats.qinf --input windows.npy --output logits.npy
        exporter run beats.qinf --input windows.npy --output logits.npy --layers layers
      """)

  @Argument(help: ArgumentHelp("The model image.", valueName: "model.qinf")) var model: String
  @Option(help: ArgumentHelp("The samples.", valueName: "x.npy")) var input: String
  @Option(help: ArgumentHelp("The outputs to write.", valueName: "y.npy")) var output: String
  @Option(
    help: ArgumentHelp(
      "A folder for every operator's output for the first sample, as opNN_NAME.npy.", valueName: "dir"))
  var layers: String?
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [output, results.jsonFile], inputs: [model, input])
  }

  func run() throws {
    let run = try SampleRun(
      LoadedModel(file: model), inputs: NumPyArray.read(input), file: input)
    let names = run.layers.enumerated().map { index, layer in
      "op\(index < 10 ? "0" : "")\(index)_\(layer.name).npy"
    }
    try Files.write(run.outputs.encoded(), to: output)
    if let layers {
      try Files.makeFolder(layers)
      for (name, layer) in zip(names, run.layers) {
        try Files.write(layer.codes.encoded(), to: layers + "/" + name)
      }
    }
    var table = SummaryTable(columns: [])
    table.add("samples", .init(Numbers.integer(run.outputs.shape[0])))
    table.add("outputs", .init("\(run.outputs.shape[1]) a sample, int8"))
    if layers != nil { table.add("layers", .init(names.joined(separator: ", "))) }
    try results.show(table)
    try results.writeJSON(
      Result(
        samples: run.outputs.shape[0], outputsPerSample: run.outputs.shape[1],
        layers: layers == nil ? [] : names))
  }
}

import ArgumentParser
import CommandSupport
import Quantization
import Support

/// The command `exporter export`.
struct Export: ParsableCommand {
  /// The formats that a model image can be written in.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case tflite
  }

  /// What was written.
  private struct Result: Encodable {
    var format: String
    var bytes: Int
    var operators: [String]
    var tensors: Int
  }

  static let configuration = CommandConfiguration(
    abstract: "Write a model image's network for other programs.",
    discussion: """
      A .tflite model gives the image's bits in TensorFlow Lite Micro: time is its
      height, frequency its width. The front end is not part of it.

      Example:

        exporter export beats.qinf --format tflite --output beats.tflite
      """)

  @Argument(help: ArgumentHelp("The model image.", valueName: "model.qinf")) var model: String
  @Option(help: "The format to write: tflite.") var format: Format
  @Option(help: ArgumentHelp("The file to write.", valueName: "file")) var output: String
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [output, results.jsonFile], inputs: [model])
  }

  func run() throws {
    let exported = try tflite()
    let data = try exported.encoded()
    try Files.write(data, to: output)
    let operators = exported.graph.operators.map { exported.kind(of: $0).name }
    var table = SummaryTable(columns: [])
    table.add("format", .init(format.rawValue))
    table.add("size", .init("\(Numbers.integer(data.count)) B"))
    table.add("operators", .init(operators.joined(separator: ", ")))
    try results.show(table)
    try results.writeJSON(
      Result(
        format: format.rawValue, bytes: data.count, operators: operators,
        tensors: exported.graph.tensors.count))
  }

  private func tflite() throws(FileError) -> TFLiteModel {
    let loaded = try LoadedModel(file: model)
    do throws(NotConvertible) {
      return try TFLiteModel(loaded.network(), description: "Written by QuantInfer \(Release.version)")
    } catch {
      throw .malformed(
        model, at: error.operatorIndex.map { "operator \($0)" }, error.problem,
        remedy: "this network can't be written as .tflite")
    }
  }
}

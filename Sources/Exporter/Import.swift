import ArgumentParser
import CommandSupport
import Foundation
import Quantization
import Support

/// The command `exporter import`.
struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a model image of another program's network.",
    discussion: """
      A .tflite model of int8 or int16 codes becomes an image that gives TensorFlow
      Lite Micro's bits. What the image can't hold is refused by the operator's name.
      Float inputs and outputs stay float for `exporter run`; the image takes codes.

      Example:

        exporter import keywords.tflite --output keywords.qinf
      """)

  @Argument(help: ArgumentHelp("The model.", valueName: "model.tflite")) var model: String
  @Option(help: ArgumentHelp("The model image to write.", valueName: "model.qinf")) var output: String
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [output, results.jsonFile], inputs: [model])
  }

  func run() throws {
    let image = try ModelImage(importing: model)
    try Files.write(Data(image.bytes), to: output)
    let summary = ModelSummary(try LoadedModel(file: output))
    try results.show(summary.operatorTable)
    try results.show("\n")
    try results.show(summary.arenaTable)
    try results.show("\n")
    try results.show(summary.memoryTable)
    try results.writeJSON(summary)
  }
}

import ArgumentParser
import CommandSupport
import Foundation
import HostDevice
import ModelFiles
import Support

/// The command `exporter import`.
struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a model image of another program's network.",
    usage: "exporter import <model.tflite> --output <model.qinf> [<options>]",
    discussion: """
      A .tflite model of int8 or int16 codes becomes an image that gives TensorFlow
      Lite Micro's bits. What the image can't hold is refused by the operator's name.
      Float inputs and outputs stay float for `exporter run`; the image takes codes.

      With --streaming the image gets a front end, so that `device-sim` streams ECG
      through the network: a spectrogram or raw samples, as a JSON file beside the
      model describes it. docs/reference/FrontEnd.md has the keys and an example of each.

      Examples:

        exporter import keywords.tflite --output keywords.qinf
        exporter import beats.tflite --streaming --output beats.qinf
      """)

  @Argument(help: ArgumentHelp("The model.", valueName: "model.tflite")) var model: String
  @Option(help: ArgumentHelp("The model image to write.", valueName: "model.qinf")) var output: String
  @Flag(help: "Stream: sample in, decision out. The front end is described in MODEL.frontend.json.")
  var streaming = false
  @Option(
    help: ArgumentHelp("Another description of the front end; implies --streaming.", valueName: "f.json"))
  var frontEnd: String?
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(
      outputs: [output, results.jsonFile], inputs: [model, frontEnd ?? FrontEndFile.path(besideModel: model)])
  }

  func run() throws {
    let description = frontEnd ?? (streaming ? FrontEndFile.path(besideModel: model) : nil)
    if let description, !FileManager.default.fileExists(atPath: description) {
      throw FileError.missing(
        description, remedy: "describe the model's front end there, as docs/reference/FrontEnd.md shows")
    }
    let image = try ModelImage(
      importing: model,
      frontEnd: description.map { file throws(FileError) in try FrontEndFile(reading: file) })
    try Files.write(Data(image.bytes), to: output)
    let summary = ModelSummary(try LoadedModel(file: output))
    try results.show(summary.operatorTable)
    try results.show("\n")
    try results.show(summary.arenaTable)
    try results.show("\n")
    try results.show(summary.memoryTable)
    if summary.frontEnd != nil {
      try results.show("\n")
      try results.show(summary.identityTable)
    }
    try results.writeJSON(summary)
  }
}

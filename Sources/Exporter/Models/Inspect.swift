import ArgumentParser
import CommandSupport
import HostDevice
import ModelFiles

/// The command `exporter inspect`.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a model's operators, memory, front end and provenance, or what a patch is for.",
    discussion: """
      Shapes are batch x time x frequency x channels, where there are so many; a
      kernel "3x1 by 2x1" is dilated.
      MAC/step is for a new column, on average, or for a decision. Kernels execute more
      where channels are no multiple of four, or padding is multiplied: the rows below
      the operators say how much.
      "zero" is the zero point: real = scale x (code - zero).

      A .tflite model is shown as the image that `exporter import` makes of it, with the
      front end that is described beside it.

      Examples:

        exporter inspect beats.qinf --json -
        exporter inspect beats.tflite
      """)

  @Argument(help: ArgumentHelp("The model, .qinf or .tflite, or a patch (.qpatch).", valueName: "model"))
  var model: String
  @OptionGroup var results: OutputOptions

  func run() throws {
    if model.hasSuffix(".qpatch") {
      let patch = try PatchDescription(file: model)
      try results.show("Patch of \(patch.text)\n")
      return try results.writeJSON(patch)
    }
    let summary = ModelSummary(try LoadedModel.read(model, withFrontEnd: true))
    try results.show(summary.operatorTable)
    try results.show("\n")
    if summary.operations.macsPerColumn != nil {
      try results.show(summary.workTable)
      try results.show("\n")
    }
    try results.show(summary.arenaTable)
    try results.show("\n")
    try results.show(summary.memoryTable)
    try results.show("\n")
    try results.show(summary.identityTable)
    try results.writeJSON(summary)
  }
}

import ArgumentParser
import CommandSupport
import Evaluation
import Foundation
import Reports
import Support

/// The command `exporter explain`.
struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take one decision apart: both twins' tensors side by side.",
    usage: "exporter explain <model> --float <net> --record <record> --at <s> ...",
    discussion: """
      The record goes sample by sample through the image, and through its float twin,
      up to the first decision at or after a moment. For each layer there is what both
      have, and the values that differ most; --json has all of them, --tensors writes
      them as .npy files. A network without a front end gets a row of --input instead.
      "other codes" are those that float's values don't round to, and by how many steps
      at most; "own" are the layer's alone: float's layer reads what the integers had.

      Examples:

        exporter explain beats.qinf --float beats.safetensors \\
          --record data/mitdb/208 --at 61.5 --tensors tensors
        exporter explain beats.qinf --float beats.onnx --input x.npy --row 12
      """)

  @Argument(help: ArgumentHelp("The model image.", valueName: "model.qinf")) var model: String
  @Option(
    name: .customLong("float"),
    help: ArgumentHelp("Its float network: a checkpoint, an .onnx or .tflite model.", valueName: "net"))
  var checkpoint: String
  @Option(help: ArgumentHelp("The record.", valueName: "record")) var record: String?
  @OptionGroup(title: "Record") var opening: RecordOptions
  @Option(
    help: ArgumentHelp(
      "The moment of the decision, from the record's start; a beat's decision comes later than the beat, and the page of device-sim stream lists both.",
      valueName: "s"))
  var at: Double?
  @Option(
    name: [.customLong("input"), .customLong("samples")],
    help: ArgumentHelp("Samples, a row each, in place of a record.", valueName: "x.npy"))
  var input: String?
  @Option(help: ArgumentHelp("The row of the samples, from 0 on. (default: 0)", valueName: "n")) var row: Int?
  @Option(help: ArgumentHelp("How many values that differ most to show for each layer.", valueName: "n"))
  var worst = 2
  @Option(help: ArgumentHelp("A folder for the tensors as .npy files.", valueName: "dir")) var tensors:
    String?
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(
      outputs: [results.jsonFile], folders: [tensors], inputs: [model, checkpoint, record, input])
    guard (record != nil) == (at != nil), (record == nil) != (input == nil) else {
      throw ValidationError("give --record and --at, or --input and --row")
    }
    if row != nil, input == nil { throw ValidationError("--row is of --input; leave it out with --record") }
    if input != nil, !opening.isStandard {
      throw ValidationError(
        "--lead, --sample-rate, --gain, --baseline and --no-header are of --record; leave them out with --input"
      )
    }
    guard (0...1e9).contains(at ?? 0) else { throw ValidationError("--at must be in 0 ... 1,000,000,000 s") }
    guard (0...100).contains(worst) else { throw ValidationError("--worst must be in 0 ... 100") }
  }

  func run() throws {
    let explanation =
      if let record, let at {
        try Explanation(
          model: model, float: checkpoint, record: record, lead: opening.lead, csv: opening.csv, at: at)
      } else { try Explanation(model: model, float: checkpoint, samples: input ?? "", row: row ?? 0) }
    results.tell(explanation.notes)
    if let tensors { try explanation.writeTensors(to: tensors) }
    func decimal(_ value: Double?, _ places: Int) -> String {
      value.map { Numbers.decimal($0, places: places) } ?? "-"
    }
    func differences(_ codes: CodeDifferences?) -> String {
      codes.map { "\(Numbers.integer($0.differing)) by <= \(Numbers.integer($0.largestStep))" } ?? "-"
    }
    var decision = SummaryTable(columns: explanation.classNames, alignment: .right)
    for (name, logits) in [("float", explanation.floatLogits), ("int8", explanation.integerLogits)] {
      decision.add("\(name) logits", logits.map { decimal(Double($0), 3) })
    }
    let beat = explanation.beatSeconds.map { " about a beat at \(decimal($0, 2)) s" } ?? ""
    let decided =
      explanation.row.map { "Row \($0) of \(explanation.record)" }
      ?? "Record \(explanation.record), \(explanation.lead): the decision at "
      + "\(decimal(explanation.decisionSeconds, 2)) s\(beat)"
    try results.show("\(decided) is \(explanation.integerClass), in float \(explanation.floatClass)\n\n")
    try results.show(decision)
    var layers = SummaryTable(
      columns: [
        "SNR (dB)", "own SNR (dB)", "mean error", "saturated", "codes used", "worst channel", "other codes",
        "own",
      ],
      alignment: .right)
    for layer in explanation.layers {
      layers.add(
        layer.name, decimal(layer.snrDecibels, 1), decimal(layer.ownSNRDecibels, 1),
        decimal(layer.errorMean, 4), Numbers.percent(layer.saturatedShare),
        "\(layer.usedCodes) of \(layer.codeCount)", "\(layer.worstChannel)",
        differences(layer.differences), differences(layer.ownDifferences))
    }
    try results.show("\n")
    try results.show(layers)
    var values = SummaryTable(columns: ["place", "float", "integer", "code"], alignment: .right)
    for tensor in explanation.tensors {
      for cell in tensor.worst(worst) {
        values.add(
          tensor.name, "\(cell.place)", decimal(Double(cell.float), 4), decimal(Double(cell.integer), 4),
          "\(cell.code)")
      }
    }
    if worst > 0 {
      try results.show("\nWhat differs most\n")
      try results.show(values)
    }
    for finding in explanation.layers.compactMap(\.finding) { try results.show("\n  \(finding)\n") }
    try results.writeJSON(explanation)
  }
}

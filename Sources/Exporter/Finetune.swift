import ArgumentParser
import Cohort
import CommandSupport
import Foundation
import Networks
import PhysioNet
import Reports
import Support
import Tasks

/// The command `exporter finetune`.
struct Finetune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Transfer a beat network to a cohort's patients, and tell how well it can be expected to do.",
    discussion: """
      A cohort is a CSV file with a row a record; see exporter cohort check. The
      network is transferred to the question whether a patient responds, and tested by
      repeated cross-validation of the patients beside its int8 twin, the same network
      from scratch, guideline rules, logistic regression and a random forest. The model
      that is written has learnt from all patients.

      Examples:

        exporter finetune --from beats.safetensors --cohort clinic/cohort.csv \\
          --output response.safetensors --report response.html
        exporter finetune --from beats.safetensors --cohort ludb.csv --freeze none \\
          --layer-rates 0.1,0.3,1,1 --image ludb.qinf --output ludb.safetensors
      """)

  @Option(help: ArgumentHelp("The pre-trained network.", valueName: "ckpt")) var from: String
  @Option(help: ArgumentHelp("The cohort's CSV file.", valueName: "csv")) var cohort: String
  @Option(help: ArgumentHelp("What is a response: given, lvesv15 or lvef5.", valueName: "definition"))
  var response = ResponseDefinition.given
  @Option(help: ArgumentHelp("The checkpoint to write.", valueName: "ckpt")) var output: String
  @Option(help: ArgumentHelp("The model image to write too.", valueName: "qinf")) var image: String?
  @Option(help: ArgumentHelp("The page to write.", valueName: "html")) var report: String?
  @OptionGroup(title: "Cross-validation") var division: CrossValidationArguments
  @OptionGroup(title: "Learning") var transfer: TransferArguments
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [output, image, report, results.jsonFile], inputs: [from, cohort])
  }

  func run() throws {
    let source = try Checkpoint.read(from)
    // What can't be written is told now, not after the study.
    try requireFolders(of: [output, image, report, results.jsonFile])
    let manifest = try Cohort(manifest: cohort, response: response)
    let threads = transfer.threading.count
    let patients = try results.withProgress("Reading") { progress throws(FileError) in
      try TransferCohort(
        manifest, view: transfer.view(of: source), threads: threads, progress: progress)
    }
    let options = transfer.options
    let methods = try TransferMethods(
      from: source, file: from, cohort: patients, options: options, seed: division.seed, threads: threads)
    let study = try results.withProgress("Cross-validating") { progress throws(FileError) in
      try TransferStudy(
        methods, cohort: patients, response: response, options: options, folds: division.folds,
        repeats: division.repeats, seed: division.seed, withInt8: !transfer.floatOnly, threads: threads,
        progress: progress)
    }
    let model = try CohortModel(
      methods.transfer, cohort: patients, threshold: study.threshold, seed: division.seed,
      isSynthetic: manifest.isSynthetic)
    try model.checkpoint.write(to: output)
    if let image { try Files.write(Data(model.image.bytes), to: image) }
    if let report {
      let classes = source.classNames.joined(separator: ", ")
      try Files.write(
        study.page(
          source: "\((from as NSString).lastPathComponent), classes \(classes)", command: Invocation.text),
        to: report)
    }
    try show(study)
    try results.writeJSON(Result(study: study, checkpoint: output, image: image, verdict: study.verdict))
  }

  private func show(_ study: TransferStudy) throws {
    if study.data.isSynthetic { try results.show("Synthetic: computed ECGs, no patient's.\n") }
    try results.show(study.table)
    try results.show("\n" + study.verdict + "\n\n")
    var table = SummaryTable(columns: [])
    table.add("checkpoint", output)
    if let image { table.add("image", image) }
    if let report { table.add("page", report) }
    try results.show(table)
  }

  private struct Result: Encodable {
    var study: TransferStudy
    var checkpoint: String
    var image: String?
    var verdict: String
  }
}

/// Refuses outputs in folders that aren't there, before a long run.
///
/// - Throws: `FileError`, inaccessible.
func requireFolders(of outputs: [String?]) throws(FileError) {
  for output in outputs.compactMap(\.self) where output != "-" {
    let folder = URL(fileURLWithPath: output).deletingLastPathComponent().path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw .inaccessible(
        output, "can't be written: there is no folder \(folder)", remedy: "make it first or choose another")
    }
  }
}

/// How patients are divided, as arguments.
struct CrossValidationArguments: ParsableArguments {
  @Option(help: ArgumentHelp("The folds of a repeat.", valueName: "k")) var folds = 5
  @Option(help: ArgumentHelp("The repeats, each with patients dealt anew.", valueName: "r")) var repeats = 10
  @Option(help: ArgumentHelp("The seed of folds, draws and random weights.", valueName: "s"))
  var seed: UInt64 = 1

  func validate() throws {
    guard (2...100).contains(folds) else { throw ValidationError("--folds must be in 2 ... 100") }
    guard (1...1000).contains(repeats) else { throw ValidationError("--repeats must be in 1 ... 1000") }
  }
}

/// How a network learns from patients, as arguments with the library's defaults.
struct TransferArguments: ParsableArguments {
  private static let defaults = TransferOptions()

  @Option(
    help: ArgumentHelp(
      "The first layers that don't learn: a number, all (but the last) or none.", valueName: "n"))
  var freeze = defaults.frozenLayers.map(String.init) ?? "all"
  @Option(
    help: ArgumentHelp(
      "The learning layers' rates as multiples, first to last, with commas. (default: 1)", valueName: "x,y"))
  var layerRates: String?
  @Option(help: ArgumentHelp("The steps in which layers before the last learn.", valueName: "n"))
  var steps = defaults.steps
  @Option(help: ArgumentHelp("The beats of a step.", valueName: "n")) var batchSize = defaults.batchSize
  @Option(help: ArgumentHelp("The learning rate at the first step.", valueName: "x"))
  var learningRate = defaults.learningRate
  @Option(help: ArgumentHelp("AdamW's weight decay.", valueName: "x")) var weightDecay = defaults.weightDecay
  @Option(help: ArgumentHelp("The most beats of a patient to use.", valueName: "n"))
  var beatsPerPatient = defaults.beatsPerPatient
  @Flag(help: "Measure the baselines' features in all leads, not the network's alone.") var allLeads = false
  @Flag(help: "Leave the int8 twin out of the cross-validation.") var floatOnly = false
  @OptionGroup var adc: ConverterOptions
  @OptionGroup var threading: ThreadOptions

  func validate() throws {
    guard frozenLayers != nil else { throw ValidationError("--freeze must be a number, all or none") }
    guard rates != nil else { throw ValidationError("--layer-rates must be numbers with commas between") }
    if let problem = options.problem { throw ValidationError(problem) }
  }

  /// The frozen layers: nil for what isn't a number, all or none; a nil in it for all.
  private var frozenLayers: Int?? {
    switch freeze {
    case "all": .some(nil)
    case "none": .some(0)
    default: Int(freeze).map { .some($0) }
    }
  }

  private var rates: [Double]? {
    guard let layerRates else { return [] }
    let parts = layerRates.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Double($0) }
    return numbers.count == parts.count ? numbers : nil
  }

  var options: TransferOptions {
    var options = TransferOptions()
    options.frozenLayers = frozenLayers ?? nil
    options.layerRates = rates ?? []
    (options.steps, options.batchSize, options.learningRate) = (steps, batchSize, learningRate)
    (options.weightDecay, options.beatsPerPatient) = (weightDecay, beatsPerPatient)
    return options
  }

  func view(of source: Checkpoint) -> TransferCohort.View {
    TransferCohort.View(
      window: source.window, converter: adc.converter,
      beatsPerPatient: beatsPerPatient, usesAllLeads: allLeads)
  }
}

extension TransferStudy {
  /// The methods' figures for people.
  fileprivate var table: SummaryTable {
    var table = SummaryTable(
      columns: ["accuracy", "Se", "Sp", "AUC", "95 %", "Brier"], alignment: .right)
    func text(_ value: Double?) -> String {
      value.map { Numbers.decimal($0, places: 3) } ?? "-"
    }
    for method in methods {
      let interval = method.auc?.interval?.text(places: 3)
      table.add(
        method.method,
        [
          text(method.accuracy?.value), text(method.sensitivity?.value), text(method.specificity?.value),
          text(method.auc?.value), interval ?? "-", text(method.brier?.value),
        ])
    }
    return table
  }
}

import ArgumentParser
import Cohort
import CommandSupport
import Foundation
import Networks
import Reports
import Support

/// The command `exporter finetune`.
struct Finetune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Transfer a beat network to a cohort's patients, and tell how well it can be expected to do.",
    usage: "exporter finetune --from <ckpt> --cohort <csv> --output <ckpt> ...",
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
    let source = try Checkpoint.readOne(from, for: "a transfer starts")
    let manifest = try PatientCohort(manifest: cohort, response: response)
    let threads = transfer.threading.count
    let patients = try results.withProgress("Reading") { progress throws(FileError) in
      try TransferCohort.read(
        manifest, view: transfer.view(of: source), threads: threads, progress: progress)
    }
    results.tell(patients.notes)
    let options = transfer.options
    let methods = try TransferMethods(
      from: source, file: from, cohort: patients, options: options, seed: division.seed, threads: threads)
    let study = try results.withProgress("Cross-validating") { progress throws(FileError) in
      try TransferStudy.crossValidated(
        methods, cohort: patients, response: response, options: options, folds: division.folds,
        repeats: division.repeats, seed: division.seed, withInt8: !transfer.floatOnly, threads: threads,
        progress: progress)
    }
    let model = try CohortModel.learnt(
      by: methods.transfer, cohort: patients, threshold: study.threshold, seed: division.seed,
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

extension TransferStudy {
  /// The methods' figures for people.
  fileprivate var table: SummaryTable {
    var table = SummaryTable(columns: ["accuracy", "Se", "Sp", "AUC", "95 %", "Brier"], alignment: .right)
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

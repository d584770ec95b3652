import ArgumentParser
import Cohort
import CommandSupport
import Foundation
import Networks
import Reports
import Support

/// The command `exporter cohort study`.
struct CohortStudyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Repeat a small synthetic study over many seeds: what its figures are by luck.",
    discussion: """
      Each seed gives a synthetic cohort, in which a transferred network, the same from
      scratch, rules and classical methods are cross-validated. The results are kept a
      line a cohort in LOG, from which the same command goes on after an interruption.
      The number of threads changes nothing.

      Example:

        exporter cohort study --from beats.safetensors --cohorts 200 \\
          --log study.jsonl --report study.html
      """)

  @Option(help: ArgumentHelp("The pre-trained network.", valueName: "ckpt")) var from: String
  @Option(help: ArgumentHelp("The number of cohorts of an arm.", valueName: "n")) var cohorts = 200
  @Option(help: ArgumentHelp("The first cohort's seed.", valueName: "seed")) var firstSeed: UInt64 = 1
  @Option(help: ArgumentHelp("The patients of a cohort.", valueName: "n")) var patients = 71
  @Option(help: ArgumentHelp("published, pessimistic, or both.", valueName: "arm")) var arm = Arms.both
  @Option(help: ArgumentHelp("The folds of the cross-validation.", valueName: "k")) var folds = 5
  @Option(help: ArgumentHelp("The folds that choose a network's threshold.", valueName: "k"))
  var innerFolds = 2
  @Option(help: ArgumentHelp("The lead.", valueName: "lead")) var lead = "V6"
  @Option(help: ArgumentHelp("The file that keeps the results.", valueName: "jsonl")) var log: String
  @Option(help: ArgumentHelp("The page to write.", valueName: "html")) var report: String?
  @OptionGroup(title: "Learning") var transfer: TransferArguments
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [log, report, results.jsonFile], inputs: [from])
    guard (1...100_000).contains(cohorts), firstSeed <= .max - 100_000 else {
      throw ValidationError("--cohorts must be in 1 ... 100,000")
    }
    guard (20...10_000).contains(patients) else {
      throw ValidationError("--patients must be in 20 ... 10,000")
    }
    guard (2...10).contains(folds), (2...10).contains(innerFolds) else {
      throw ValidationError("--folds and --inner-folds must be in 2 ... 10")
    }
    try requireLead(lead)
  }

  func run() throws {
    let source = try Checkpoint.readOne(from, for: "a transfer starts")
    let settings = SyntheticStudy.Settings(
      patients: patients, folds: folds, innerFolds: innerFolds, lead: lead, usesAllLeads: transfer.allLeads,
      withInt8: !transfer.floatOnly, options: transfer.options, source: source)
    let study = SyntheticStudy(
      settings, source: source, file: from, converter: transfer.view(of: source).converter)
    let all = try results.withProgress("Studying") { progress throws(FileError) in
      try study.run(
        arms: arm.values, seeds: firstSeed...(firstSeed + UInt64(cohorts - 1)), log: log,
        threads: transfer.threading.count, progress: progress)
    }
    let summaries = arm.values.map { SyntheticStudySummary(all, arm: $0) }
    if let report {
      try Files.write(
        SyntheticStudySummary.page(
          summaries, settings: settings, source: (from as NSString).lastPathComponent,
          command: Invocation.text),
        to: report)
    }
    try results.show("Synthetic: computed ECGs, no patient's.\n")
    for summary in summaries {
      try results.show(
        "\(summary.arm.rawValue) arm, \(summary.cohorts) cohorts of \(patients): medians, 95 %\n")
      try results.show(summary.table)
    }
    try results.show("\n" + SyntheticStudySummary.verdict(summaries) + "\n")
    try results.writeJSON(Output(settings: settings, arms: summaries, isSynthetic: true))
  }

  /// The arms to study.
  enum Arms: String, CaseIterable, ExpressibleByArgument {
    case published, pessimistic, both

    var values: [SyntheticArm] {
      switch self {
      case .published: [.published]
      case .pessimistic: [.pessimistic]
      case .both: [.published, .pessimistic]
      }
    }
  }

  private struct Output: Encodable {
    var settings: SyntheticStudy.Settings
    var arms: [SyntheticStudySummary]
    var isSynthetic: Bool
  }
}

extension SyntheticStudySummary {
  fileprivate var table: SummaryTable {
    var table = SummaryTable(columns: ["accuracy", "", "Se", "Sp", "AUC", ""], alignment: .right)
    func range(_ values: Distribution?) -> String {
      values?.range.text(places: 2) ?? "-"
    }
    func median(_ values: Distribution?) -> String {
      values.map { Numbers.decimal($0.median, places: 3) } ?? "-"
    }
    for method in methods {
      table.add(
        method.name,
        [
          median(method.accuracy), range(method.accuracy), median(method.sensitivity),
          median(method.specificity), median(method.auc), range(method.auc),
        ])
    }
    return table
  }
}

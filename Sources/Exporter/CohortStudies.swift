import ArgumentParser
import Cohort
import CommandSupport
import ECG
import Foundation
import Networks
import PhysioNet
import QuantInfer
import Reports
import Support

/// The command `exporter cohort study`.
struct CohortStudies: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Repeat a small synthetic study over many seeds: what its figures are by luck.",
    discussion: """
      Each seed gives a synthetic cohort, in which a transferred network, the same from
      scratch, rules and classical methods are cross-validated. The results are kept a
      line a cohort in LOG, from which the same command goes on after an interruption.
      The number of threads changes nothing.

      Example:

        exporter cohort study --from beats.safetensors --seeds 200 --log study.jsonl \\
          --report study.html
      """)

  @Option(help: ArgumentHelp("The pre-trained network.", valueName: "ckpt")) var from: String
  @Option(help: ArgumentHelp("The number of cohorts of an arm.", valueName: "n")) var seeds = 200
  @Option(help: ArgumentHelp("The first cohort's seed.", valueName: "s")) var firstSeed: UInt64 = 1
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
    guard (1...100_000).contains(seeds), firstSeed <= .max - 100_000 else {
      throw ValidationError("--seeds must be in 1 ... 100,000")
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
    let source = try Checkpoint.read(from)
    try requireFolders(of: [log, report, results.jsonFile])
    let settings = SyntheticStudy.Settings(
      patients: patients, folds: folds, innerFolds: innerFolds, lead: lead, usesAllLeads: transfer.allLeads,
      withInt8: !transfer.floatOnly, options: transfer.options, source: source)
    let study = SyntheticStudy(
      settings, source: source, file: from, converter: transfer.view(of: source).converter)
    let all = try results.withProgress("Studying") { progress throws(FileError) in
      try study.run(
        arms: arm.values, seeds: firstSeed...(firstSeed + UInt64(seeds - 1)), log: log,
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

/// The command `exporter cohort curve`.
struct CohortCurve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "curve",
    abstract: "Tell how many labelled patients a transferred network needs, beside one from scratch.",
    discussion: """
      In each repeat some patients are set aside, and every method learns from growing
      parts of the others. With --cohort the cohort is divided anew in each repeat;
      without, each repeat has a synthetic cohort of its own.

      Examples:

        exporter cohort curve --from beats.safetensors --cohort ludb.csv --report ludb.html
        exporter cohort curve --from beats.safetensors --arm published --report curve.html
      """)

  @Option(help: ArgumentHelp("The pre-trained network.", valueName: "ckpt")) var from: String
  @Option(help: ArgumentHelp("The cohort's CSV file.", valueName: "csv")) var cohort: String?
  @Option(help: ArgumentHelp("What is a response: given, lvesv15 or lvef5.", valueName: "definition"))
  var response = ResponseDefinition.given
  @Option(help: ArgumentHelp("A synthetic arm: published or pessimistic.", valueName: "arm"))
  var arm: SyntheticArm?
  @Option(help: ArgumentHelp("A synthetic cohort's lead.", valueName: "lead")) var lead = "V6"
  @Option(help: ArgumentHelp("A synthetic cohort's patients to test on.", valueName: "n"))
  var testPatients = 200
  @Option(help: ArgumentHelp("The numbers of patients to learn from.", valueName: "n,m"))
  var sizes = "10,20,40,71,142"
  @Option(help: ArgumentHelp("The repeats.", valueName: "r")) var repeats = 30
  @Option(help: ArgumentHelp("The seed.", valueName: "s")) var seed: UInt64 = 1
  @Option(help: ArgumentHelp("The page to write.", valueName: "html")) var report: String?
  @OptionGroup(title: "Learning") var transfer: TransferArguments
  @OptionGroup var results: OutputOptions

  private var sizeList: [Int]? {
    let parts = sizes.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Int($0) }
    let isRising = zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }
    return numbers.count == parts.count && isRising && numbers.allSatisfy((4...100_000).contains)
      ? numbers : nil
  }

  func validate() throws {
    try requireDistinct(outputs: [report, results.jsonFile], inputs: [from, cohort])
    guard (cohort == nil) != (arm == nil) else {
      throw ValidationError("give --cohort or a synthetic --arm")
    }
    guard sizeList != nil else { throw ValidationError("--sizes must be rising numbers from 4 on") }
    guard (2...10_000).contains(repeats) else { throw ValidationError("--repeats must be in 2 ... 10,000") }
    guard (10...100_000).contains(testPatients) else {
      throw ValidationError("--test-patients must be in 10 ... 100,000")
    }
    try requireLead(lead)
  }

  func run() throws {
    let source = try Checkpoint.read(from)
    try requireFolders(of: [report, results.jsonFile])
    let (view, options, threads) = (transfer.view(of: source), transfer.options, transfer.threading.count)
    let curve: LabelEfficiency
    if let cohort {
      let manifest = try Cohort(manifest: cohort, response: response)
      let patients = try results.withProgress("Reading") { progress throws(FileError) in
        try TransferCohort(manifest, view: view, threads: threads, progress: progress)
      }
      let methods = try TransferMethods(
        from: source, file: from, cohort: patients, options: options, seed: seed, threads: threads)
      curve = try results.withProgress("Learning") { progress throws(FileError) in
        try LabelEfficiency(
          patients, methods: methods, options: options, sizes: sizeList ?? [], repeats: repeats, seed: seed,
          threads: threads, progress: progress)
      }
    } else {
      curve = try results.withProgress("Learning") { progress throws(FileError) in
        try LabelEfficiency(
          arm: arm ?? .published, lead: lead, testPatients: testPatients, source: source, file: from,
          view: view, options: options, sizes: sizeList ?? [], repeats: repeats, seed: seed,
          threads: threads, progress: progress)
      }
    }
    if let report {
      try Files.write(
        curve.page(source: (from as NSString).lastPathComponent, command: Invocation.text), to: report)
    }
    if curve.isSynthetic { try results.show("Synthetic: computed ECGs, no patient's.\n") }
    try results.show(curve.table)
    try results.show("\n" + curve.verdict + "\n")
    try results.writeJSON(curve)
  }
}

private func requireLead(_ lead: String) throws {
  guard SyntheticECG.leadNames.contains(lead) else {
    throw ValidationError("--lead must be one of \(SyntheticECG.leadNames.joined(separator: ", "))")
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

extension LabelEfficiency {
  fileprivate var table: SummaryTable {
    var table = SummaryTable(columns: points.map { "\($0.patients)" }, alignment: .right)
    func text(_ mean: Mean?) -> String {
      mean.map { Numbers.decimal($0.mean, places: 3) } ?? "-"
    }
    for name in points.first?.auc.map(\.method) ?? [] {
      table.add(name, points.map { point in text(point.auc.first { $0.method == name }) })
    }
    return table
  }
}

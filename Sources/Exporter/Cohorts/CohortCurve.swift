import ArgumentParser
import Cohort
import CommandSupport
import Foundation
import Networks
import Reports
import Support

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
  @Option(help: ArgumentHelp("The seed.", valueName: "seed")) var seed: UInt64 = 1
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
    let source = try Checkpoint.readOne(from, for: "a transfer starts")
    let (view, options, threads) = (transfer.view(of: source), transfer.options, transfer.threading.count)
    let curve: LabelEfficiency
    if let cohort {
      let manifest = try PatientCohort(manifest: cohort, response: response)
      let patients = try results.withProgress("Reading") { progress throws(FileError) in
        try TransferCohort.read(manifest, view: view, threads: threads, progress: progress)
      }
      results.tell(patients.notes)
      let methods = try TransferMethods(
        from: source, file: from, cohort: patients, options: options, seed: seed, threads: threads)
      curve = try results.withProgress("Learning") { progress throws(FileError) in
        try LabelEfficiency.measured(
          patients, methods: methods, options: options, sizes: sizeList ?? [], repeats: repeats, seed: seed,
          threads: threads, progress: progress)
      }
    } else {
      curve = try results.withProgress("Learning") { progress throws(FileError) in
        try LabelEfficiency.measured(
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

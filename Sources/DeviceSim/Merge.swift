import ArgumentParser
import CommandSupport
import Reports
import Simulation
import Support

/// `device-sim merge`: the results of a sweep's shards in one.
struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Merge the results of sweeps, and report agreement and accuracy by noise and SNR.",
    usage: "device-sim merge <file.jsonl> ... [<options>]",
    discussion: """
      The merged lines are in order, each combination once and without the time that
      it took, so that they are the same however the work was divided. A combination
      with two different results is an error that names both, unless the record, the
      noise or the float network has changed between: then a file's later result counts.

      Example:

        device-sim merge shard-*.jsonl --output sweep.jsonl --report sweep.html
      """)

  @Argument(help: ArgumentHelp("Sweeps' results.", valueName: "file.jsonl"))
  var files: [String]

  @Option(name: .customLong("output"), help: ArgumentHelp("The merged results.", valueName: "file.jsonl"))
  var merged: String?

  @Option(help: ArgumentHelp("Write a page for people.", valueName: "file.html"))
  var report: String?

  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [merged, report, results.jsonFile], inputs: files)
  }

  func run() throws {
    let merge = try SweepMerge(files)
    let summary = SweepSummary(merge.results)
    if let merged { try Files.write(merge.content, to: merged) }
    if let report { try Files.write(summary.page(command: Invocation.text), to: report) }
    try results.writeJSON(summary)
    try results.show(SummaryTable(summary))
    var table = SummaryTable(columns: [])
    let superseded =
      merge.supersededCount == 0
      ? "" : ", \(Numbers.integer(merge.supersededCount)) of files that have changed since left out"
    let counts =
      "\(Numbers.integer(merge.results.count)), \(Numbers.integer(merge.duplicateCount)) more were there twice"
    table.add("results", counts + superseded)
    if let merged { table.add("merged", merged) }
    if let report { table.add("page", report) }
    if let note = summary.trainingNote { table.add("note", note) }
    try results.show("\n")
    try results.show(table)
  }
}

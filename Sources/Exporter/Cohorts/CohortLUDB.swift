import ArgumentParser
import Cohort
import CommandSupport
import Foundation
import Support

extension LUDBCohort.Blocks: ExpressibleByArgument {}

/// The command `exporter cohort ludb`.
struct CohortLUDB: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ludb",
    abstract: "Write a manifest of LUDB's 200 patients: who has a conduction disease, by lead II.",
    usage: "exporter cohort ludb --data <dir> --output <csv> [<options>]",
    discussion: """
      A patient has one where a bundle branch block was diagnosed, or where the
      median annotated QRS complex lasts 120 ms or more. The columns _qrsd_ms, _block
      and _lbbb tell what the label was made of; nothing learns from them.

      Example:

        exporter records fetch ludb --into data/ludb
        exporter cohort ludb --data data/ludb --output ludb.csv
        exporter cohort check ludb.csv
      """)

  @Option(help: ArgumentHelp("The folder of LUDB.", valueName: "dir")) var data: String
  @Option(help: "The bundle branch blocks that count: any or complete.") var blocks = LUDBCohort.Blocks.any
  @Option(name: .customLong("output"), help: ArgumentHelp("The manifest to write.", valueName: "csv"))
  var file: String
  @OptionGroup var output: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [file, output.jsonFile], inputs: [])
  }

  func run() throws {
    let cohort = try LUDBCohort(folder: data, blocks: blocks)
    try Files.write(cohort.manifestText(for: file), to: file)
    let summary = Summary(cohort)
    var table = SummaryTable(columns: [])
    table.add("patients", Numbers.integer(summary.patients))
    table.add(
      "conduction disease",
      "\(Numbers.integer(summary.diseased)), \(Numbers.percent(summary.share, places: 1))")
    table.add("of them with a block", Numbers.integer(summary.blocked))
    table.add("of them wide", "\(Numbers.integer(summary.wide)), QRS of 120 ms or more")
    table.add("manifest", file)
    try output.show(table)
    try output.writeJSON(summary)
  }

  private struct Summary: Encodable {
    var patients: Int
    var diseased: Int
    var blocked: Int
    var wide: Int
    var share: Double { Double(diseased) / Double(patients) }

    init(_ cohort: LUDBCohort) {
      patients = cohort.patients.count
      diseased = cohort.patients.count(where: cohort.hasDisease)
      blocked = cohort.patients.count { $0.hasBlock(cohort.blocks) }
      wide = cohort.patients.count(where: \.isWide)
    }
  }
}

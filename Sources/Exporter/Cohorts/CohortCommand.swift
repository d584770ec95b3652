import ArgumentParser
import Cohort
import CommandSupport
import Support

extension ResponseDefinition: ExpressibleByArgument {}
extension SyntheticArm: ExpressibleByArgument {}

/// The command `exporter cohort`.
struct CohortCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cohort",
    abstract: "Check a study's patients, measure their ECGs, make a cohort, or study one.",
    discussion: """
      A cohort is a CSV file with a row a record and the columns patient, record,
      and, as far as known, lead, label, qrsd_ms, lbbb, sex, age, nyha,
      lvef_before, lvef_after, lvesv_before, lvesv_after. Records are relative to
      its folder, in WFDB or CSV. docs/reference/Cohort.md tells more.
      """,
    subcommands: [
      Check.self, Features.self, Synthesize.self, CohortLUDB.self, CohortStudyCommand.self, CohortCurve.self,
    ])

  /// The options of commands that read a manifest.
  struct ManifestOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The cohort's CSV file.", valueName: "manifest")) var manifest: String
    @Option(help: ArgumentHelp("What is a response: given, lvesv15 or lvef5.", valueName: "definition"))
    var response = ResponseDefinition.given
    @OptionGroup var threading: ThreadOptions

  }

  /// The command `exporter cohort check`.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Read a cohort's manifest and every record of it, and count.",
      usage: "exporter cohort check <manifest> [<options>]",
      discussion: """
        The response is the label given; lvesv15: the end-systolic volume falls by
        15 % or more; or lvef5: the ejection fraction rises by 5 points or more.

        Examples:

          exporter cohort check clinic/cohort.csv
          exporter cohort check clinic/cohort.csv --response lvesv15 --json -
        """)

    @OptionGroup var input: ManifestOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
      try requireDistinct(outputs: [output.jsonFile], inputs: [input.manifest])
    }

    func run() throws {
      let cohort = try PatientCohort(manifest: input.manifest, response: input.response)
      let summary = try output.withProgress("Reading") { progress throws(FileError) in
        try CohortSummary.read(cohort, threads: input.threading.count, progress: progress)
      }
      output.tell(summary.notes)
      try output.show(summary.table)
      try output.writeJSON(summary)
    }
  }

  /// The command `exporter cohort features`.
  struct Features: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Measure each patient's ECG: QRS duration and area, notches, axis, heart rate variability.",
      usage: "exporter cohort features <manifest> --output <csv> [<options>]",
      discussion: """
        The output has a row a patient, empty where something can't be measured, and
        the mean over a patient's records. By default only the manifest's lead is
        used; with --all-leads the duration is from the first onset to the last
        offset of all leads, and axis and vector area are measured where I, II, aVF
        and V1 to V6 are there.

        Example:

          exporter cohort features clinic/cohort.csv --all-leads --output features.csv
        """)

    @OptionGroup var input: ManifestOptions
    @Flag(help: "Use all leads of the records, not the manifest's alone.") var allLeads = false
    @Option(name: .customLong("output"), help: ArgumentHelp("The CSV file to write.", valueName: "csv"))
    var file: String
    @OptionGroup var output: OutputOptions

    func validate() throws {
      try requireDistinct(outputs: [file, output.jsonFile], inputs: [input.manifest])
    }

    func run() throws {
      let cohort = try PatientCohort(manifest: input.manifest, response: input.response)
      let (features, notes) = try output.withProgress("Measuring") { progress throws(FileError) in
        try cohort.ecgFeatures(usesAllLeads: allLeads, threads: input.threading.count, progress: progress)
      }
      output.tell(notes)
      try Files.write(cohort.csv(features), to: file)
      var table = SummaryTable(columns: ["measured", "median"], alignment: .right)
      for (column, name) in ECGFeatures.names.enumerated() {
        let values = features.compactMap { $0.values[column] }.sorted()
        let median = values.isEmpty ? .nan : values[values.count / 2]
        table.add(name, "\(values.count) of \(features.count)", Numbers.decimal(median, places: 2))
      }
      if cohort.isSynthetic { try output.show("Synthetic: computed ECGs, no patient's.\n") }
      try output.show(table)
      try output.writeJSON(features)
    }
  }

  /// The command `exporter cohort synthesize`.
  struct Synthesize: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a synthetic CRT cohort: records, manifest and truth.",
      usage: "exporter cohort synthesize --output <dir> [<options>]",
      discussion: """
        Twelve leads of 10 s at 500 Hz a patient. Response, QRS duration, QRS area and
        LBBB are drawn with published effect sizes, or with 0.61 times their
        differences: no method can have an AUC above 0.79 (published) or 0.69
        (pessimistic), but by chance. Nothing learnt from it is a claim about patients,
        and every file says synthetic. Equal arguments give equal bytes.

        Example:

          exporter cohort synthesize --patients 71 --seed 1 --output synthetic
        """)

    @Option(help: ArgumentHelp("The number of patients.", valueName: "n")) var patients = 71
    @Option(help: ArgumentHelp("The seed.", valueName: "seed")) var seed: UInt64 = 1
    @Option(help: ArgumentHelp("published or pessimistic.", valueName: "arm"))
    var arm = SyntheticArm.published
    @Option(help: ArgumentHelp("The lead that the manifest names.", valueName: "lead")) var lead = "V6"
    @Option(name: .customLong("output"), help: ArgumentHelp("The folder to write.", valueName: "dir"))
    var folder: String
    @OptionGroup var threading: ThreadOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
      guard (1...100_000).contains(patients) else {
        throw ValidationError("\(patients) patients are not in 1 ... 100,000")
      }
      try requireLead(lead)
      try requireDistinct(outputs: [output.jsonFile], folders: [folder], inputs: [])
    }

    func run() throws {
      let cohort = SyntheticCohort(patientCount: patients, arm: arm, seed: seed)
      try output.withProgress("Synthesizing") { progress throws(FileError) in
        try cohort.write(to: folder, lead: lead, threads: threading.count, progress: progress)
      }
      let responders = cohort.patients.count(where: \.responds)
      var table = SummaryTable(columns: [])
      table.add("synthetic", "no patient's data")
      table.add("patients", "\(Numbers.integer(patients)), of whom \(Numbers.integer(responders)) respond")
      table.add("manifest", folder + "/manifest.csv")
      table.add("truth", folder + "/truth.csv")
      try output.show(table)
      try output.writeJSON(
        Result(
          synthetic: true, arm: arm, seed: seed, patients: patients, responders: responders,
          manifest: folder + "/manifest.csv", truth: folder + "/truth.csv"))
    }

    private struct Result: Encodable {
      var synthetic: Bool
      var arm: SyntheticArm
      var seed: UInt64
      var patients: Int
      var responders: Int
      var manifest: String
      var truth: String
    }
  }
}

extension CohortSummary {
  /// The summary for people.
  fileprivate var table: SummaryTable {
    var table = SummaryTable(columns: [])
    if isSynthetic { table.add("synthetic", "computed ECGs, no patient's") }
    table.add("patients", Numbers.integer(patients))
    table.add(
      "responders",
      "\(Numbers.integer(responders)), \(Numbers.percent(Double(responders) / Double(patients), places: 1)),"
        + " by \(response.rawValue)")
    table.add("records", "\(Numbers.integer(records)), \(Numbers.duration(seconds: seconds)) in all")
    table.add(
      "leads", leads.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    for (column, count) in missing.sorted(by: { $0.key < $1.key }) where count > 0 {
      table.add("no \(column)", "\(Numbers.integer(count)) patients")
    }
    return table
  }
}

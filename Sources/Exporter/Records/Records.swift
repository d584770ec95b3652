import ArgumentParser
import CommandSupport
import ECG
import Foundation
import PhysioNet
import Support

/// The command `exporter records`.
struct Records: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List, check, download or make up WFDB records.",
    subcommands: [List.self, Verify.self, Fetch.self, Electrogram.self])

  /// The command `exporter records list`.
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List a folder's records from their headers.",
      discussion: """
        Example:

          exporter records list data/mitdb
        """)

    @Argument(help: ArgumentHelp("The folder of records.", valueName: "dir")) var folder: String
    @OptionGroup var output: OutputOptions

    func run() throws {
      let index = try RecordIndex(folder: folder)
      let records = output.withProgress("Reading", index.list)
      var table = SummaryTable(columns: ["rate", "samples", "length", "beats", "leads"])
      for record in records where record.problem == nil {
        table.add(
          record.name, "\(record.sampleRateHz.formatted) Hz", Numbers.integer(record.sampleCount),
          Numbers.duration(seconds: record.durationSeconds),
          record.beatCount.map { Numbers.integer($0) } ?? "-", record.leads.joined(separator: ", "))
      }
      output.tell(records.flatMap(\.notes))
      try output.show(table)
      try output.writeJSON(records.map(RecordResult.init))
      try report(problemsOf: records)
    }
  }

  /// The command `exporter records verify`.
  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Read every sample and annotation of a folder's records, and check the checksums.",
      discussion: """
        Each wrong record is told in a line of its own; the exit status is then 65.

        Example:

          exporter records verify data/mitdb
        """)

    @Argument(help: ArgumentHelp("The folder of records.", valueName: "dir")) var folder: String
    @OptionGroup var output: OutputOptions

    func run() throws {
      let index = try RecordIndex(folder: folder)
      let records = output.withProgress("Verifying", index.verify)
      let right = records.filter { $0.problem == nil }
      let signalCount = right.reduce(0) { $0 + $1.leads.count }
      let checksumCount = right.reduce(0) { $0 + $1.checksumCount }
      let beatCount = right.reduce(0) { $0 + ($1.beatCount ?? 0) }
      let wrongCount = records.count - right.count
      let outcome = wrongCount == 0 ? "all right" : "\(wrongCount) wrong"
      var table = SummaryTable(columns: [])
      table.add(
        "records",
        [.init(Numbers.integer(records.count)), .init(outcome, outcome: wrongCount == 0 ? .pass : .fail)])
      table.add("samples", Self.range(right.map(\.sampleCount)), "each signal")
      table.add(
        "checksums", Numbers.integer(checksumCount),
        checksumCount == signalCount
          ? "all right" : "right; \(signalCount - checksumCount) signals state none")
      table.add("beats", Numbers.integer(beatCount))
      output.tell(records.flatMap(\.notes))
      try output.show(table)
      try output.writeJSON(
        Result(
          records: records.count, wrong: wrongCount, signals: signalCount, checksumsRight: checksumCount,
          beats: beatCount, perRecord: records.map(RecordResult.init)))
      try report(problemsOf: records)
    }

    private static func range(_ values: [Int]) -> String {
      guard let least = values.min(), let greatest = values.max() else { return "0" }
      return least == greatest
        ? Numbers.integer(least) : "\(Numbers.integer(least)) to \(Numbers.integer(greatest))"
    }

    private struct Result: Encodable {
      var records: Int
      var wrong: Int
      var signals: Int
      var checksumsRight: Int
      var beats: Int
      var perRecord: [RecordResult]
    }
  }

  /// The command `exporter records fetch`.
  struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Download a database from PhysioNet, and check its SHA-256 sums.",
      usage: "exporter records fetch <name> --into <dir> [<options>]",
      discussion: """
        Files that are there and right are kept; an interrupted download goes on
        where it stopped when the command is run again. SOURCE.txt, beside the
        records, says where they are from, their licence and what to cite.

        Known by name and version are
        \(databaseNames).
        Another database's version is that of its page on physionet.org.

        Examples:

          exporter records fetch mitdb --into data/mitdb
          exporter records fetch ltafdb --into data/ltafdb --limit 5
          exporter records fetch ptb-xl --database-version 1.0.3 --into data/ptb-xl
        """)

    /// The names of the databases that are known, in lines of help.
    private static var databaseNames: String {
      let names = Database.all.map(\.name)
      let half = names.count / 2
      return names[..<half].joined(separator: ", ") + ",\n" + names[half...].joined(separator: ", ")
    }

    @Argument(help: "The database's short name, such as mitdb or ludb.") var name: String
    @Option(name: .customLong("into"), help: ArgumentHelp("The folder for the files.", valueName: "dir"))
    var folder: String
    @Option(help: ArgumentHelp("The database's version.", valueName: "version"))
    var databaseVersion: String?
    @Option(help: ArgumentHelp("The most that is downloaded, in gigabytes.", valueName: "GB"))
    var limit = 20.0
    @Option(help: ArgumentHelp("The server's folder of databases.", valueName: "url"))
    var server = PhysioNet.publicURL.absoluteString
    @OptionGroup var output: OutputOptions

    func validate() throws {
      guard let url = URL(string: server), ["http", "https"].contains(url.scheme) else {
        throw ValidationError("--server must be an http or https address")
      }
      guard (0.001...100_000).contains(limit) else {
        throw ValidationError("--limit must be in 0.001 ... 100,000 GB")
      }
      guard name.contains(/^[A-Za-z0-9][-_.A-Za-z0-9]*$/),
        databaseVersion?.contains(/^[0-9]+(\.[0-9]+)*$/) != false
      else {
        throw ValidationError(
          "a database is named as in its address, such as mitdb, and its version as 1.0.0")
      }
      try requireDistinct(outputs: [output.jsonFile], folders: [folder], inputs: [])
    }

    func run() throws {
      var source = PhysioNet(baseURL: URL(string: server) ?? PhysioNet.publicURL)
      source.limits.totalBytes = Int(limit * 1e9)
      let outcome = try output.withProgress("Fetching \(name)") { progress throws(FileError) in
        try source.fetch(database: name, version: databaseVersion, into: folder, progress: progress)
      }
      var table = SummaryTable(columns: [])
      table.add("database", outcome.title)
      table.add("downloaded", "\(Numbers.integer(outcome.downloaded.count)) files")
      table.add("kept", "\(Numbers.integer(outcome.kept.count)) files, there and right")
      table.add("folder", folder)
      try output.show(table)
      try output.writeJSON(["downloaded": outcome.downloaded, "kept": outcome.kept])
    }
  }
}

/// A record's summary as JSON.
private struct RecordResult: Encodable {
  var record: String
  var leads: [String]
  var sampleRateHz: Double
  var samples: Int
  var checksumsRight: Int
  var annotators: [String]
  var beats: Int?
  var notes: [FileNote]
  var problem: String?

  init(_ summary: RecordSummary) {
    record = summary.name
    leads = summary.leads
    sampleRateHz = summary.sampleRateHz
    samples = summary.sampleCount
    checksumsRight = summary.checksumCount
    annotators = summary.annotators
    beats = summary.beatCount
    notes = summary.notes
    problem = summary.problem?.description
  }
}

/// Tells each wrong record in a line; the exit status is then that of bad data.
private func report(problemsOf records: [RecordSummary]) throws {
  let problems = records.compactMap(\.problem)
  for problem in problems { Terminal.error.write("error: \(problem)\n") }
  if !problems.isEmpty { throw ExitCode(65) }
}

extension Double {
  /// A whole number without decimals, else as many as it takes.
  fileprivate var formatted: String { Int(exactly: self).map { "\($0)" } ?? "\(self)" }
}

import ArgumentParser
import CommandSupport
import Reports
import Support

/// The command `exporter dossier`.
struct DossierCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dossier",
    abstract: "Write what the project claims and what holds each claim: page, JSON, SPDX.",
    usage: "exporter dossier --output <dir> [--tests <file.jsonl>] [<options>]",
    discussion: """
      Reads a checkout of QuantInfer: its claims and the tests that carry their ids,
      the last results of longer checks, the shipped models from data to verdict, the
      software that it is built from. --tests takes the events of a run of the tests;
      `make evidence` runs them and calls this. A claim whose test failed, or isn't
      there, is an error. It states nothing about conformity.

      Examples:

        exporter dossier --output evidence
        swift test -c release --event-stream-output-path events.jsonl
        exporter dossier --tests events.jsonl --output evidence
      """)

  @Option(help: ArgumentHelp("The folder of a checkout.", valueName: "dir")) var project = "."
  @Option(help: ArgumentHelp("The events of a run of the tests.", valueName: "file.jsonl")) var tests: String?
  @Option(
    help: ArgumentHelp("The folder for dossier.html, dossier.json and dossier.spdx.json.", valueName: "dir"))
  var output: String
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [results.jsonFile], folders: [output], inputs: [tests])
  }

  func run() throws {
    let dossier = try Dossier(project: project, testEvents: tests)
    try Files.makeFolder(output)
    try Files.write(dossier.page(command: Invocation.text), to: output + "/dossier.html")
    try Files.write(JSON.data(dossier), to: output + "/dossier.json")
    try Files.write(JSON.data(dossier.software), to: output + "/dossier.spdx.json")
    try results.writeJSON(dossier)
    try results.show("\(dossier.sentence)\nWritten: \(output)/dossier.html, .json, .spdx.json\n")
    try dossier.requireThatNothingFailed(output + "/dossier.html")
  }
}

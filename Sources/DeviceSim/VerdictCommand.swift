import ArgumentParser
import CommandSupport
import Foundation
import HostDevice
import Reports
import Support

/// `device-sim verdict`: a model on devices, from its counts alone.
struct VerdictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verdict",
    abstract: "Estimate whether a model can live on devices: memory, time, charge, battery.",
    usage: "device-sim verdict --model <file.qinf> [<options>]",
    discussion: """
      Nothing is streamed: the estimates come from the model's own counts and the profiles' figures. A requirement \
      passes where the unfavourable end of its range is within the budget. The worst case counts everything that one \
      sample can set off, for images of any origin.

      Examples:

        device-sim verdict --model ecg-beats.qinf
        device-sim verdict --model ecg-beats.qinf --profile leadless --profile mine.json \\
          --interval 3600 --json verdict.json --report verdict.html
        device-sim verdict --model ecg-beats.qinf --profile pacemaker --check
      """)

  @Option(help: ArgumentHelp("The quantized model, .qinf or .tflite.", valueName: "file"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "A device: a profile's name or JSON file; may be repeated. All built-in ones where none is named.",
      valueName: "name|file"))
  var profile: [String] = []

  @Option(
    help: ArgumentHelp(
      "Decide after each beat, so many a minute. (default: 70 where the model decides at beats)",
      valueName: "bpm"))
  var heartRate: Double?

  @Option(
    help: ArgumentHelp(
      "Decide every so many seconds instead. (default: as the model's task has it where it decides by the clock)",
      valueName: "seconds"))
  var interval: Double?

  @Option(
    help: ArgumentHelp(
      "Where beats are the model's input: the part of them that the network is asked about, as `exporter evaluate` tells. (default: all of them)",
      valueName: "x"))
  var networkShare: Double?

  @Flag(
    help:
      "Beats come from the device's own amplifier, and no detector runs: the default where beats are the input."
  )
  var sensed = false

  @Option(help: ArgumentHelp("Write a page for people.", valueName: "file.html"))
  var report: String?

  @Flag(help: "End with status 2 unless every device carries the network in one of its ways.")
  var check = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [report, output.jsonFile], inputs: [model] + profile)
    guard (10...400).contains(heartRate ?? 70) else {
      throw ValidationError("--heart-rate needs beats a minute in 10 ... 400")
    }
    if let networkShare, !(0...1).contains(networkShare) {
      throw ValidationError("--network-share needs a part in 0 ... 1")
    }
    if let interval, !(0.001...1e9).contains(interval) {
      throw ValidationError("--interval needs seconds in 0.001 ... 1,000,000,000")
    }
  }

  func run() throws {
    let verdicts = try ModelVerdicts(
      model: model, profiles: profile,
      schedule: interval.map { .every(seconds: $0) }
        ?? heartRate.map { sensed ? .givenBeats(perSecond: $0 / 60) : .detectedBeats(perSecond: $0 / 60) }
        ?? (sensed ? .givenBeats(perSecond: 70.0 / 60) : nil), networkShare: networkShare)
    try output.writeJSON(verdicts)
    if let report { try Files.write(verdicts.page(command: Invocation.text), to: report) }
    try output.show(verdicts.headline + "\n")
    var table = SummaryTable(columns: verdicts.columns)
    for row in verdicts.rows {
      table.add(row.label, row.cells.map { SummaryTable.Cell($0.text, outcome: $0.outcome) })
    }
    try output.show(table)
    var worst = SummaryTable(columns: [])
    for row in verdicts.worstCases { worst.add(row.label, row.cells) }
    try output.show("\n")
    try output.show(worst)
    var advice = SummaryTable(columns: [])
    for row in verdicts.advice { advice.add(row.label, row.cells) }
    if !verdicts.advice.isEmpty {
      try output.show("\n")
      try output.show(advice)
    }
    try output.show(
      "\n  Estimates from counts and the profiles' figures, judged at their unfavourable end.\n")
    if check, !verdicts.devices.allSatisfy(\.verdict.passes) { throw ExitCode(2) }
  }
}

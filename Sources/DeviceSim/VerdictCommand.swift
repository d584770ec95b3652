import ArgumentParser
import CommandSupport
import ECG
import Foundation
import HostDevice
import Reports
import Simulation
import Support

/// `device-sim verdict`: a model on devices, from its counts alone.
struct VerdictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verdict",
    abstract: "Estimate whether a model can live on devices: memory, time, charge, battery.",
    usage: "device-sim verdict --model <file.qinf> [<options>]",
    discussion: """
      The estimates come from the model's own counts and the profiles' figures. A requirement passes where the \
      unfavourable end of its range is within the budget. The worst case counts everything that one sample can set \
      off, for images of any origin.

      Without records nothing is streamed, and the pace is --heart-rate's. With --records or --record each is run \
      through the device, whose decisions and asked beats are what is judged: for the patient in the middle, or for \
      whom --patients names. The patient who takes most is always told.

      Examples:

        device-sim verdict --model ecg-beats.qinf
        device-sim verdict --model ecg-beats.qinf --profile leadless --profile mine.json \\
          --interval 3600 --json verdict.json --report verdict.html
        device-sim verdict --model ecg-beats.qinf --profile pacemaker --check
        device-sim verdict --model ecg-beats-implant.qinf --profile pacemaker --data mitdb \\
          --records ds2 --sensed --sensed-jitter 16 --patients p95
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

  @Option(help: .records) var records: RecordSelection?

  @Option(help: ArgumentHelp("Run one record.", valueName: "record"))
  var record: String?

  @Option(help: ArgumentHelp("The folder of the records.", valueName: "dir"))
  var data: String?

  @Option(
    help: ArgumentHelp(
      "Of the records' patients the one whom the verdict is about: median, p95 or worst. (default: median)",
      valueName: "rank"))
  var patients: PatientRank?

  @Option(help: ArgumentHelp("The seed of jitter, misses and senses of nothing.", valueName: "seed"))
  var seed: UInt64 = 1

  @OptionGroup(title: "Record") var opening: RecordOptions

  @OptionGroup(title: "Sense amplifier") var amplifier: SensingOptions

  @OptionGroup var threading: ThreadOptions

  @Option(help: ArgumentHelp("Write a page for people.", valueName: "file.html"))
  var report: String?

  @Flag(help: "End with status 2 unless every device carries the network in one of its ways.")
  var check = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [report, output.jsonFile], inputs: [model] + profile)
    if let name = profile.enumerated().first(where: { profile[..<$0].contains($1) })?.element {
      throw ValidationError("--profile has \(name) twice; name it once")
    }
    guard (10...400).contains(heartRate ?? 70) else {
      throw ValidationError("--heart-rate needs beats a minute in 10 ... 400")
    }
    if let networkShare, !(0...1).contains(networkShare) {
      throw ValidationError("--network-share needs a part in 0 ... 1")
    }
    if records != nil, record != nil { throw ValidationError("--record and --records exclude each other") }
    if runsRecords, heartRate != nil || interval != nil || networkShare != nil {
      throw ValidationError(
        "--heart-rate, --interval and --network-share are what the records tell: leave them out")
    }
    if heartRate != nil, interval != nil {
      throw ValidationError("--heart-rate and --interval both say when to decide: leave out one")
    }
    if !runsRecords {
      if patients != nil { throw ValidationError("--patients needs --records, --record or --data") }
      if !opening.isStandard {
        throw ValidationError(
          "--lead, --sample-rate, --gain, --baseline and --no-header need --records, --record or --data")
      }
      if amplifier.settings != Sensing() {
        throw ValidationError(
          "--sensed-jitter, --undersense, --oversense and --refractory need --records, --record or --data")
      }
    }
    if let records, records.needsFolder, data == nil {
      throw ValidationError("--records \(records) needs --data")
    }
    if let interval, !(0.001...1e9).contains(interval) {
      throw ValidationError("--interval needs seconds in 0.001 ... 1,000,000,000")
    }
  }

  private var runsRecords: Bool { records != nil || record != nil || data != nil }

  /// When decisions come, where no records are run; nil for what the model says.
  private var schedule: Feasibility.Schedule? {
    let sensed = amplifier.sensed
    return interval.map { .every(seconds: $0) }
      ?? heartRate.map { sensed ? .givenBeats(perSecond: $0 / 60) : .detectedBeats(perSecond: $0 / 60) }
      ?? (sensed ? .givenBeats(perSecond: 70.0 / 60) : nil)
  }

  /// What the records make the device do; nil where none are run.
  private func load() throws -> PatientLoad? {
    guard runsRecords else { return nil }
    var options = StreamRun.Options(model: model, record: "")
    (options.lead, options.csv, options.sensing) = (opening.lead, opening.csv, amplifier.sensing)
    options.disturbances.seed = seed
    let runs = try output.withProgress("Running the records") { progress throws(FileError) in
      try PatientRuns(
        record.map { .paths([$0]) } ?? records ?? .all, in: data, options: options, threads: threading.count,
        progress: progress)
    }
    output.tell(runs.all.flatMap(\.notes))
    return runs.load(rank: patients ?? .median)
  }

  func run() throws {
    let verdicts = try ModelVerdicts(
      model: model, profiles: profile, schedule: schedule, networkShare: networkShare, load: load())
    try output.writeJSON(verdicts)
    if let report { try Files.write(verdicts.page(command: Invocation.text), to: report) }
    try output.show(verdicts.headline + "\n")
    var table = SummaryTable(columns: verdicts.columns)
    for row in verdicts.rows {
      table.add(row.label, row.cells.map { SummaryTable.Cell($0.text, outcome: $0.outcome) })
    }
    try output.show(table)
    var patients = SummaryTable(columns: [])
    for row in verdicts.patientRows { patients.add(row.label, row.cells) }
    if !verdicts.patientRows.isEmpty {
      try output.show("\n")
      try output.show(patients)
    }
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

extension PatientRank: ExpressibleByArgument {}

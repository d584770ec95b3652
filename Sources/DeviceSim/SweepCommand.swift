import ArgumentParser
import CommandSupport
import ECG
import HostDevice
import Reports
import Simulation
import Support

/// `device-sim sweep`: many records, profiles, noises, SNRs and seeds through one model.
struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Stream many records through a model, with every noise, SNR, profile and seed, on all cores.",
    discussion: """
      Each combination is a line of JSON in the output. A combination that is there
      already isn't run again, so a run that was stopped goes on where it was.

      Records are named below --data or, without it, from where the command runs.
      Noise is none, mains50, mains60, emg, wander or a record of noise; none has no
      SNR. Mixtures, such as em+mains50 or em@6+mains50@12, and SNRs are
      as in device-sim stream.

      Examples:

        device-sim sweep --model ecg-beats.qinf --float ecg-beats.safetensors \\
          --records ds2 --data data/mitdb --noise none,data/nstdb/em \\
          --snr 24,12,6,0 --seed 1,2 --output sweep.jsonl
        device-sim sweep --model ecg-beats.qinf --data data/mitdb \\
          --shard 3/8 --output shard-3.jsonl
      """)

  @Option(help: ArgumentHelp("The quantized model.", valueName: "file.qinf"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "The float network to run beside the device: a checkpoint, .onnx or .tflite.", valueName: "network"))
  var float: String?

  @Option(help: .records) var records = RecordSelection.all

  @Option(help: ArgumentHelp("The folder of the records.", valueName: "dir"))
  var data: String?

  @Option(help: ArgumentHelp("Profiles' names or JSON files, with commas.", valueName: "names"))
  var profile = List([DeviceProfile.reference.name])

  @Option(help: ArgumentHelp("Noises, with commas.", valueName: "noises"))
  var noise = List(["none"])

  @Option(parsing: .unconditional, help: ArgumentHelp("The noises' SNRs, with commas.", valueName: "dB"))
  var snr: List<Double>?

  @Option(help: ArgumentHelp("The seeds of noise, drop-outs and senses, with commas.", valueName: "seed"))
  var seed = List<UInt64>([1])

  @OptionGroup(title: "Front end") var frontEnd: FrontEndOptions

  @OptionGroup(title: "Announcements") var announcing: AnnouncingOptions

  @OptionGroup(title: "Record") var opening: RecordOptions

  @OptionGroup var deciding: DecidingOptions

  @Option(help: ArgumentHelp("Run one of n parts of the combinations.", valueName: "i/n"))
  var shard = Shard(index: 1, count: 1)

  @OptionGroup var threading: ThreadOptions

  @Option(help: ArgumentHelp("The results, a line of JSON each; lines are added.", valueName: "file.jsonl"))
  var output: String

  @OptionGroup var results: OutputOptions

  func validate() throws {
    try profile.requireOnce("--profile")
    try noise.requireOnce("--noise")
    try snr?.requireOnce("--snr")
    try seed.requireOnce("--seed")
    try requireDistinct(
      outputs: [output, results.jsonFile], inputs: [model, float] + profile.values + noise.values)
    try announcing.validate(isByAnnotations: deciding.isByAnnotations)
    let noises = noise.values.filter { $0 != "none" }
    let needsSNR = noises.contains { NoisePart.needsSNR($0) }
    guard needsSNR == (snr != nil) else {
      throw ValidationError(
        needsSNR ? "--noise needs --snr" : "--snr needs --noise without an SNR of its own")
    }
    guard data != nil || !records.needsFolder else {
      throw ValidationError("--records \(records) needs --data")
    }
    for noise in noises {
      for decibels in NoisePart.needsSNR(noise) ? snr?.values.map(Optional.init) ?? [] : [nil] {
        var disturbances = frontEnd.disturbances
        (disturbances.noise, disturbances.snrDecibels) = (noise, decibels)
        try disturbances.validate()
      }
    }
    var rest = frontEnd.disturbances
    // Noise befalls these leads, where there is some.
    if !noises.isEmpty { rest.leads = nil }
    try rest.validate()
  }

  func run() throws {
    var options = Sweep.Options(model: model)
    (options.float, options.records, options.data, options.lead) = (float, records, data, opening.lead)
    options.csv = opening.csv
    (options.deciding, options.sensing) = (deciding.setting, deciding.sensing)
    (options.profiles, options.noises) = (profile.values, noise.values)
    (options.decibels, options.seeds) = (snr?.values ?? [], seed.values)
    (options.disturbances, options.announcing) = (frontEnd.disturbances, announcing.settings)
    (options.shard, options.shardCount, options.threads) = (shard.index, shard.count, threading.count)
    let sweep = try Sweep(options)
    let outcome = try results.withProgress("Sweeping \(sweep.count) combinations") {
      progress throws(FileError) in
      try sweep.run(addingTo: output, progress: progress)
    }
    results.tell(outcome.results.flatMap { $0.notes ?? [] })
    results.tell(announcing.notes(isAboutBeats: sweep.isAboutBeats))
    let summary = SweepSummary(outcome.results)
    try results.writeJSON(Result(outcome, summary))
    try results.show(SummaryTable(summary))
    var table = SummaryTable(columns: [])
    table.add(
      "combinations",
      "\(Numbers.integer(outcome.results.count)), \(Numbers.integer(outcome.foundCount)) of them run before")
    if let rate = outcome.hoursPerSecond {
      table.add(
        "speed",
        """
        \(Numbers.decimal(rate, places: 2)) hours of ECG a second: \(Numbers.decimal(outcome.hours, places: 1)) h in \
        \(Numbers.decimal(outcome.seconds, places: 2)) s on \(outcome.threads) \
        thread\(outcome.threads == 1 ? "" : "s"), reading included
        """)
    }
    table.add("results", output)
    if let note = summary.trainingNote { table.add("note", note) }
    try results.show("\n")
    try results.show(table)
  }

  /// The JSON result.
  private struct Result: Encodable {
    var combinations: Int
    var foundCombinations: Int
    var hoursOfECG: Double
    var seconds: Double
    var hoursOfECGPerSecond: Double?
    var rows: [SweepSummary.Row]
    var trainingRecords: [String]

    init(_ outcome: Sweep.Outcome, _ summary: SweepSummary) {
      combinations = outcome.results.count
      foundCombinations = outcome.foundCount
      (hoursOfECG, seconds) = (outcome.hours, outcome.seconds)
      hoursOfECGPerSecond = outcome.hoursPerSecond
      rows = summary.rows
      trainingRecords = summary.trainingRecords
    }
  }
}

extension SummaryTable {
  /// A sweep's summary.
  init(_ summary: SweepSummary) {
    self.init(columns: SweepSummary.columns, alignment: .right)
    for row in summary.cells { add(row.label, row.cells) }
  }
}

import ArgumentParser
import CommandSupport
import ECG
import Foundation
import HostDevice
import Reports
import Simulation
import Support

/// `device-sim stream`: one record through one model.
struct Stream: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stream one record through a model and report agreement, memory and operations.",
    discussion: """
      A record is a WFDB record's name, with or without path and .hea, an EDF or BDF file, or a CSV file (see \
      docs/guides/Records.md and EDF.md); - is CSV from standard input.

      Examples:

        device-sim stream --model ecg-beats.qinf --record mitdb-208
        device-sim stream --model ecg-beats.qinf --float ecg-beats.safetensors \\
          --record mitdb-208 --report page.html --json result.json
        device-sim stream --model ecg-beats.qinf --record ecg.csv \\
          --sample-rate 250 --lead II --every 16
        device-sim stream --model ecg-beats.qinf --record counts.csv \\
          --sample-rate 250 --gain 409.6 --baseline 2048
        device-sim stream --model ecg-beats.qinf --record mitdb-208 \\
          --noise nstdb/em --snr 6 --seed 2 --lead-off 60:10
        device-sim stream --model ecg-beats.qinf --record mitdb-208 \\
          --majority 3 --hysteresis 2 --min-margin 8
        device-sim stream --model ecg-beats.qinf --record mitdb-208 --wake-rr 10
        device-sim stream --model ecg-beats.qinf --record mitdb-208 \\
          --coupling 0.5 --sensed --sensed-jitter 10 --undersense 2
        device-sim stream --model ecg-beats.qinf --record mitdb-208 --patch 208.qpatch
        device-sim stream --model ecg-beats.qinf --record mitdb-208 \\
          --target tty:/dev/ttyACM0@115200
        device-sim stream --model ecg-beats.qinf --board-record 60 \\
          --target tty:/dev/ttyACM0@115200 --keep-record mine
        device-sim stream --model ecg-beats.qinf --record mitdb-208 --serve --pace 4

      A decision is announced as a result, or there is none: while the window isn't full, over a flat line or \
      a saturated converter, until the window holds good samples alone, and below --min-margin.

      Noise is mains50, mains60, emg or wander (synthetic), or a record of noise. \
      Its SNR compares, as PhysioNet's nst does, the QRS amplitude from peak to peak \
      with the noise's root mean square: 20 log10(QRS / (sqrt(8) RMS)), over all \
      beats and all of the noise that is added. Several noises are given by --noise \
      repeated or with + between them: em+mains50 come together at --snr, each as \
      large as the other; em@6+mains50@12 come each at an SNR of its own.
      """)

  @Option(help: ArgumentHelp("The quantized model.", valueName: "file.qinf"))
  var model: String

  @Option(
    help: ArgumentHelp("The ECG: a WFDB record, an EDF or CSV file, or - for CSV.", valueName: "record"))
  var record: String?

  @Option(
    help: ArgumentHelp(
      "The float network to run beside the device: a checkpoint, .onnx or .tflite.", valueName: "network"))
  var float: String?

  @Option(
    help: ArgumentHelp(
      "The patient's patch, by exporter personalize; the float network gets it too.", valueName: "file.qpatch"
    ))
  var patch: String?

  @Option(help: ArgumentHelp("The device: a profile's name or JSON file.", valueName: "name|file"))
  var profile = DeviceProfile.reference.name

  @OptionGroup(title: "Record") var opening: RecordOptions

  @OptionGroup var deciding: DecidingOptions

  @OptionGroup(title: "Announcements") var announcing: AnnouncingOptions

  @Option(
    help: ArgumentHelp(
      "Lose the memory at these seconds, and go on from the state saved just before.", valueName: "s[,s...]"))
  var brownOut: List<Double>?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Noise to add: mains50, mains60, emg, wander or a record; may be repeated.", valueName: "noise[@dB]"))
  var noise: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The SNR in decibels of the noises that have none of their own.", valueName: "dB"))
  var snr: Double?

  @OptionGroup(title: "Front end") var frontEnd: FrontEndOptions

  @Option(
    help: ArgumentHelp(
      """
      The converter's own rate: the device brings it to the model's by the runtime's decimator, in integers. \
      (default: the model's rate)
      """, valueName: "Hz"))
  var deviceRate: Double?

  @Option(help: ArgumentHelp("The seed of noise, drop-outs and senses.", valueName: "seed"))
  var seed: UInt64 = 1

  @OptionGroup(title: "Board") var board: TargetOptions

  @Option(help: ArgumentHelp("Write a page for people.", valueName: "file.html"))
  var report: String?

  @OptionGroup(title: "Page") var page: PageOptions

  @OptionGroup(title: "Live") var live: LiveOptions

  @OptionGroup var annotating: AnnotationOptions

  @OptionGroup var output: OutputOptions

  func validate() throws {
    try requireDistinct(
      outputs: [report, output.jsonFile, board.keptRecord.map { $0 + ".hea" }],
      inputs: [model, float, patch, record, profile] + noise)
    try board.validate(record: record, isOfRecord: isOfRecord)
    try disturbances.validate()
    try announcing.validate(isByAnnotations: deciding.isByAnnotations)
    try brownOut?.requireOnce("--brown-out")
    if let brownOut, !brownOut.values.allSatisfy({ $0 >= 0 && $0 < 1e9 }) {
      throw ValidationError("--brown-out needs moments of at least 0 s")
    }
    if let deviceRate, !(deviceRate > 0 && deviceRate <= 1e5) {
      throw ValidationError("--device-rate needs a rate above 0 and of at most 100,000 Hz")
    }
    try page.validate(hasPage: report != nil)
  }

  private var disturbances: Disturbances {
    var disturbances = frontEnd.disturbances
    disturbances.noise = noise.isEmpty ? nil : noise.joined(separator: "+")
    disturbances.snrDecibels = snr
    disturbances.seed = seed
    return disturbances
  }

  /// Whether options speak of a record, or of what befalls it.
  private var isOfRecord: Bool {
    opening.lead != nil || opening.csv != CSVOptions() || deciding.isByAnnotations
      || deciding.sensing != nil || disturbances.isAny || deviceRate != nil || brownOut != nil
  }

  /// `exporter explain` takes a record as it is, through a model as shipped.
  private var explainCommand: String? {
    guard let record, let float, patch == nil, opening.csv == CSVOptions(), record != "-",
      !disturbances.isAny,
      deviceRate == nil
    else {
      return nil
    }
    let lead = opening.lead.map { ["--lead", $0] } ?? []
    return Invocation.text(["exporter", "explain", model, "--float", float, "--record", record] + lead)
  }

  func run() throws {
    let record = self.record ?? board.target?.description ?? ""
    var options = StreamRun.Options(model: model, record: record)
    options.float = float
    options.patch = patch
    options.profile = profile
    options.lead = opening.lead
    (options.deciding, options.sensing) = (deciding.setting, deciding.sensing)
    options.announcing = announcing.settings
    options.brownOutSeconds = brownOut?.values ?? []
    options.csv = opening.csv
    (options.target, options.comparesLayers) = (board.target, board.layers)
    (options.boardSeconds, options.keptRecord) = (board.ownSeconds, board.keptRecord)
    (options.disturbances, options.converterRateHz) = (disturbances, deviceRate)
    let annotationFolder = try annotating.makeFolder()
    let run = try live.watching { watcher throws(FileError) in
      options.watcher = watcher
      return try output.withProgress("Streaming \(record)") {
        (report: @escaping ProgressHandler) throws(FileError) in try StreamRun.run(options, progress: report)
      }
    }
    output.tell(run.result.notes)
    output.tell(announcing.notes(isAboutBeats: run.decisions.contains { $0.beatSample != nil }))
    if let report {
      var shown = StreamPageOptions()
      shown.command = Invocation.text
      (shown.fromSeconds, shown.momentsSeconds) = (page.from, page.moments?.values ?? [])
      (shown.isAnonymous, shown.explainCommand) = (page.anonymous, explainCommand)
      try page.check(durationSeconds: run.result.durationSeconds, record: record)
      try Files.write(run.page(shown), to: report)
    }
    if let annotationFolder { try run.writeAnnotations(annotationFolder, annotator: annotating.annotator) }
    try output.writeJSON(run.result)
    try output.show(run.headline)
    try output.show(SummaryTable(run, report: report))
    try run.result.target?.check()
  }
}

extension SummaryTable {
  /// A run's summary.
  init(_ run: StreamRun, report: String?) {
    self.init(columns: ["fixed point", "float", "agreement"])
    for row in run.summary {
      add(row.label, row.cells)
    }
    if let report { add("page", report) }
  }
}

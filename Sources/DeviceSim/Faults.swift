import ArgumentParser
import CommandSupport
import Foundation
import HostDevice
import Reports
import Simulation
import Support

/// `device-sim faults`: what becomes of a device in which something breaks.
struct Faults: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Break a simulated device in many ways and count what is found, masked, or changes a decision.",
    discussion: """
      Each fault is a run of its own over the record. It is found before a decision changes, found too late, masked, \
      or changes a decision silently. Kinds of faults: weights, state, arena, image, forged (an image whose checksum \
      was made right again), samples, adc, clock, brownout. Guards that a device may have or not: state (checksummed \
      between samples), adc (stuck bits), clock (samples and deadlines).

      With --output each fault is a line of JSON, added as soon as it is done; those that are there already aren't \
      run again, so a campaign that was stopped goes on where it was.

      Examples:

        device-sim faults --model ecg-beats.qinf --record mitdb-208
        device-sim faults --model ecg-beats.qinf --record mitdb-208 \\
          --kinds weights,state --scrub 60 --guards state --report faults.html
        device-sim faults --model beats.qinf --float beats.onnx --record mitdb-208
      """)

  @Option(help: ArgumentHelp("The quantized model.", valueName: "file.qinf"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Its float network, to tell what integers change without faults: a checkpoint, an .onnx or .tflite model.",
      valueName: "net"))
  var float: String?

  @Option(
    help: ArgumentHelp("The ECG: a WFDB record, an EDF or CSV file, or - for CSV.", valueName: "record"))
  var record: String

  @Option(help: ArgumentHelp("The device: a profile's name or JSON file.", valueName: "name|file"))
  var profile = DeviceProfile.reference.name

  @OptionGroup(title: "Record") var opening: RecordOptions

  @OptionGroup var electrode: CouplingOptions

  @Option(
    help: ArgumentHelp("Decide every so many columns instead of after each beat.", valueName: "columns"))
  var every: Int?

  @OptionGroup var announcing: AnnouncingOptions

  @Option(
    help: ArgumentHelp(
      "What breaks, with commas: weights, state, arena, image, forged, samples, adc, clock, brownout; all where none is named.",
      valueName: "kinds"))
  var kinds: String?

  @Option(help: "The faults of each kind.")
  var trials = 1000

  @Option(help: "The seed of all random choices.")
  var seed: UInt64 = 1

  @Option(help: "The neighbouring bits that flip at once.")
  var bits = 1

  @Option(
    help: ArgumentHelp(
      "Hold the running image against its checksum so often; otherwise at load alone.", valueName: "seconds"))
  var scrub: Double?

  @Option(help: ArgumentHelp("Save the state against brown-outs so often.", valueName: "seconds"))
  var save = 10.0

  @Option(help: ArgumentHelp("The device's guards, separated by commas.", valueName: "guards"))
  var guards = ""

  @OptionGroup var threading: ThreadOptions

  @Option(
    name: .customLong("output"),
    help: ArgumentHelp("The faults, a line of JSON each; lines are added.", valueName: "file.jsonl"))
  var lines: String?

  @Option(help: ArgumentHelp("Write a page for people.", valueName: "file.html"))
  var report: String?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [lines, report, output.jsonFile], inputs: [model, float, record, profile])
    guard (1...1_000_000).contains(trials) else {
      throw ValidationError("--trials needs a number from 1 to 1,000,000")
    }
    guard (1...32).contains(bits) else { throw ValidationError("--bits needs a number from 1 to 32") }
    for (name, seconds) in [("--scrub", scrub), ("--save", save)] {
      guard seconds.map({ $0 > 0 && $0 <= 1e9 }) ?? true else {
        throw ValidationError("\(name) needs a time above 0 and of at most 1,000,000,000 s")
      }
    }
    try announcing.validate(isByAnnotations: false)
    var disturbances = Disturbances()
    disturbances.couplingHz = electrode.hertz
    try disturbances.validate()
    if let every, every < 1 { throw ValidationError("--every needs a number of columns of at least 1") }
    guard !(try chosenKinds()).isEmpty else {
      throw ValidationError("--kinds needs a kind of fault at least")
    }
    _ = try list(guards, of: FaultGuard.self, option: "--guards")
  }

  func run() throws {
    var options = FaultCampaign.Options(model: model, record: record)
    (options.float, options.profile) = (float, profile)
    options.lead = opening.lead
    options.everyColumns = every
    options.announcing = announcing.settings
    options.csv = opening.csv
    options.disturbances.couplingHz = electrode.hertz
    options.kinds = try chosenKinds()
    options.trials = trials
    options.seed = seed
    options.bitsPerFault = bits
    options.scrubSeconds = scrub
    options.saveSeconds = save
    options.guards = Set(try list(guards, of: FaultGuard.self, option: "--guards"))
    options.threads = threading.count
    let (result, foundCount) = try output.withProgress("Breaking \(record)") {
      (progress: @escaping ProgressHandler) throws(FileError) in
      try FaultCampaign.prepared(options).run(addingTo: lines, progress: progress)
    }
    output.tell(result.notes)
    if let report { try Files.write(result.page(command: Invocation.text), to: report) }
    try output.writeJSON(result)
    try output.show(result.headline)
    var table = SummaryTable(columns: FaultReport.columns)
    for row in result.rows { table.add(row.label, row.cells) }
    try output.show(table)
    var files = SummaryTable(columns: [])
    if let lines { files.add("faults", "\(lines), \(Numbers.integer(foundCount)) of them run before") }
    if let report { files.add("page", report) }
    if lines != nil || report != nil {
      try output.show("\n")
      try output.show(files)
    }
  }

  private func chosenKinds() throws -> [FaultKind] {
    guard let kinds else { return FaultKind.allCases }
    return try list(kinds, of: FaultKind.self, option: "--kinds")
  }

  /// The distinct names of a list, in the order of their type.
  private func list<Name: CaseIterable & RawRepresentable & Equatable>(
    _ text: String, of: Name.Type, option: String
  ) throws -> [Name] where Name.RawValue == String {
    let names = try text.split(separator: ",").map { part in
      guard let name = Name(rawValue: String(part)) else {
        let known = Name.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("\(option): no \(part); name some of \(known)")
      }
      return name
    }
    if let name = names.enumerated().first(where: { names[..<$0].contains($1) })?.element {
      throw ValidationError("\(option) has \(name.rawValue) twice; name it once")
    }
    return Name.allCases.filter(names.contains)
  }
}

import ArgumentParser
import CommandSupport
import HostDevice

/// `device-sim profiles`: the devices that can be named.
struct Profiles: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the devices that can be named, and check profiles of your own.",
    usage: "device-sim profiles [<file> ...] [<options>]",
    discussion: """
      A profile is a JSON file; every figure in it has a source, and a range where it is uncertain. For one of \
      your own, copy one and change it.

      Examples:

        device-sim profiles
        device-sim profiles --show pacemaker > mine.json
        device-sim profiles mine.json
        device-sim profiles --from-target run.json --model ecg-beats.qinf > board.json
      """)

  @Argument(help: ArgumentHelp("Profiles to check as well.", valueName: "file"))
  var files: [String] = []

  @Option(help: ArgumentHelp("Print a profile's file as it stands.", valueName: "name|file"))
  var show: String?

  @Option(
    help: ArgumentHelp(
      "Print a profile whose cycles are those that a board counted: what `stream --target --json` wrote.",
      valueName: "file"))
  var fromTarget: String?

  @Option(help: ArgumentHelp("The model that the board ran, with --from-target.", valueName: "file"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "The profile to start from, with --from-target. (default: reference)", valueName: "name|file"))
  var profile: String?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [output.jsonFile], inputs: files)
    if (fromTarget == nil) != (model == nil) || fromTarget == nil && profile != nil {
      throw ValidationError("--from-target needs --model, and --model and --profile need --from-target")
    }
    if fromTarget != nil, show != nil || !files.isEmpty || output.jsonFile != nil {
      throw ValidationError("--from-target prints one file, and takes neither others nor --show nor --json")
    }
    if show != nil, !files.isEmpty || output.jsonFile != nil {
      throw ValidationError("--show prints one file, and takes neither other files nor --json")
    }
  }

  func run() throws {
    if let fromTarget, let model {
      let file = try DeviceProfile.measured(profile ?? "reference", results: fromTarget, model: model)
      return try output.show(String(decoding: file, as: UTF8.self))
    }
    if let show { return try output.show(String(decoding: DeviceProfile.text(of: show), as: UTF8.self)) }
    let profiles = try DeviceProfile.builtIn + files.map(DeviceProfile.load)
    var table = SummaryTable(columns: [
      "bits", "range mV", "uV a count", "clock", "RAM", "flash", "uA/MHz", "battery", "what it is",
    ])
    for profile in profiles { table.add(profile.name, profile.summaryCells) }
    try output.writeJSON(profiles)
    try output.show(table)
  }
}

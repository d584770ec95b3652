import ArgumentParser
import CommandSupport
import Simulation

/// `device-sim profiles`: the devices that can be named.
struct Profiles: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the devices that can be named, and check profiles of your own.",
    discussion: """
      Examples:

        device-sim profiles
        device-sim profiles mine.json
      """)

  @Argument(help: ArgumentHelp("Profiles to check as well.", valueName: "file"))
  var files: [String] = []

  @OptionGroup var output: OutputOptions

  func run() throws {
    let profiles = try DeviceProfile.builtIn + files.map(DeviceProfile.load)
    var table = SummaryTable(columns: ["bits", "range mV", "uV a count", "what it is"])
    for profile in profiles {
      table.add(
        profile.name, "\(profile.converterBits)", "\(profile.converterRangeMillivolts)",
        "\(profile.converter.microvoltsPerCount)", "\(profile.summary)")
    }
    try output.writeJSON(profiles)
    try output.show(table)
  }
}

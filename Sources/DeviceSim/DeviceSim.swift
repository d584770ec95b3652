import ArgumentParser
import CommandSupport
import Support

/// `device-sim`: streams ECGs through a model on a simulated device.
@main
struct DeviceSim: CommandLineTool {
  static let configuration = CommandConfiguration(
    commandName: "device-sim",
    abstract: "Stream an ECG through a quantized model on a simulated device, beside its float twin.",
    discussion: """
      An ECG through the shipped model, with a page to look at:

        device-sim stream --model Models/ecg-beats/ecg-beats.qinf \\
          --float Models/ecg-beats/ecg-beats.safetensors \\
          --record Models/records/mitdb-208 --report page.html

      Exit status: 0 done, 64 wrong arguments, 65 bad data, 66 missing file,
      1 any other failure.
      """,
    version: Release.version,
    subcommands: [
      Stream.self, VerdictCommand.self, SweepCommand.self, Merge.self, Faults.self, Profiles.self,
      TargetCommand.self,
    ])
}

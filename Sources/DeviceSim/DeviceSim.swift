import ArgumentParser
import CommandSupport
import Support

/// `device-sim`: streams ECGs through a model on a simulated device.
@main
struct DeviceSim: CommandLineTool {
  static let configuration = CommandConfiguration(
    commandName: "device-sim",
    abstract: "Stream an ECG through a quantized model on a simulated device, beside its float twin.",
    version: Release.version,
    subcommands: [Stream.self, Profiles.self])
}

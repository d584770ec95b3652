/// What an instruction takes, as counted by kind on an emulated Cortex-M4: written by `make firmware-report`.
enum InstructionCycles {
  /// One of those that a model of sensed beats takes beside its network.
  static let ofBeats = DeviceProfile.Figure(
    1.48, low: 1.39, high: 1.84, source: "to be written")
}

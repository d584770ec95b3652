/// What an instruction takes, as counted by kind on an emulated Cortex-M4: written by `make firmware-report`.
enum InstructionCycles {
  /// One of those that a model of sensed beats takes beside its network.
  static let ofBeats = DeviceProfile.Figure(
    1.50, low: 1.47, high: 1.84,
    source: "the Cortex-M4 manual's table over this firmware's counted instructions, "
      + "times 0.98 to 1.07, the range of published figures; high: flash that makes it wait")
}

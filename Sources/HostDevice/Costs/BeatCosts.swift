/// What a part of the work takes where beats are a model's input, as it was counted on an emulated Cortex-M4.
///
/// `Firmware/boards.sh sensed MODEL` counts it, call by call, over a run by blocks of the shipped model: 320 samples, beats of 32
/// points, 1,248 products. What a device does between the calls is its own.
struct BeatCosts {
  /// The instructions.
  let instructions: Double
  /// Their cycles; high where flash makes the core wait for data.
  let cycles: DeviceProfile.Figure

  init(_ instructions: Double, cycles: Double, low: Double, high: Double) {
    self.instructions = instructions
    self.cycles = DeviceProfile.Figure(cycles, low: low, high: high, source: Self.source)
  }
}

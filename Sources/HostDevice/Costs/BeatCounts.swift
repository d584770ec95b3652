// Written by `make firmware-report`.

extension BeatCosts {
  /// Where the cycles are from.
  static let source =
    "the Cortex-M4 manual's table over the instructions counted on an emulated one, "
    + "times 0.98 to 1.07, the range of published figures; high: flash that makes it wait"
  /// A sample of a block.
  static let sample = BeatCosts(0.50, cycles: 1.56, low: 1.53, high: 1.67)
  /// A block of samples beside these, and a look at what is due.
  static let block = BeatCosts(248, cycles: 429, low: 421, high: 462)
  /// A beat: noting it, finding it to be as the patient's usual one, announcing it.
  static let beat = BeatCosts(1018, cycles: 1546, low: 1516, high: 1729)
  /// In addition where it teaches the template.
  static let teaching = BeatCosts(1560, cycles: 2225, low: 2182, high: 2448)
  /// In addition where the network is asked: points, template, figures, codes, the check of the state.
  static let asked = BeatCosts(2353, cycles: 3357, low: 3292, high: 3759)
  /// A multiplication of the network, with all about it.
  static let product = BeatCosts(2.16, cycles: 3.13, low: 3.07, high: 4.49)
}

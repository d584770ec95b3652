// Written by `make firmware-report`.

extension BeatCosts {
  /// Where the cycles are from.
  static let source =
    "the Cortex-M4 manual's table over the instructions counted on an emulated one, "
    + "times 0.98 to 1.07, the range of published figures; high: flash that makes it wait"
  /// A sample of a block.
  static let sample = BeatCosts(0.50, cycles: 1.56, low: 1.53, high: 1.67)
  /// A block of samples beside these, and a look at what is due.
  static let block = BeatCosts(232, cycles: 403, low: 395, high: 433)
  /// A beat: noting it, finding it to be as the patient's usual one, announcing it.
  static let beat = BeatCosts(1048, cycles: 1591, low: 1560, high: 1776)
  /// In addition where it teaches the template.
  static let teaching = BeatCosts(1561, cycles: 2197, low: 2154, high: 2418)
  /// In addition where the network is asked: points, template, figures, codes, the check of the state.
  static let asked = BeatCosts(2348, cycles: 3330, low: 3266, high: 3731)
  /// A multiplication of the network, with all about it.
  static let product = BeatCosts(2.16, cycles: 3.13, low: 3.07, high: 4.49)
}

import ArgumentParser

/// The option `--adc-bits`, the same in every command.
package struct ConverterWidthOptions: ParsableArguments {
  /// The counts' width.
  @Option(
    name: .customLong("adc-bits"),
    help: ArgumentHelp("The width of the converter's counts.", valueName: "bits"))
  package var bits = 12

  /// Creates the options, for ArgumentParser to fill in.
  package init() {}

  /// Refuses widths that no implant's converter has.
  ///
  /// - Throws: `ValidationError`.
  package func validate() throws {
    guard (8...16).contains(bits) else { throw ValidationError("--adc-bits must be in 8 ... 16") }
  }
}

/// The options of a device's converter, the same in every command.
package struct ConverterOptions: ParsableArguments {
  /// The counts' width.
  @OptionGroup package var width: ConverterWidthOptions
  /// The range from the lowest to the highest count.
  @Option(
    name: .customLong("adc-range-mv"),
    help: ArgumentHelp("The converter's range from lowest to highest count.", valueName: "mV"))
  package var rangeMillivolts = 10.0

  /// Creates the options, for ArgumentParser to fill in.
  package init() {}

  /// Refuses impossible ranges.
  ///
  /// - Throws: `ValidationError`.
  package func validate() throws {
    guard (0.1...1000).contains(rangeMillivolts) else {
      throw ValidationError("--adc-range-mv must be in 0.1 ... 1000")
    }
  }
}

import ArgumentParser
import ECG

extension RecordSelection: ExpressibleByArgument {
  /// Reads a selection; see `RecordSelection.init(_:)`.
  package init?(argument: String) { self.init(argument) }
}

extension ArgumentHelp {
  /// What `--records` takes, the same in every command.
  package static var records: ArgumentHelp {
    ArgumentHelp(
      "test, validation or training by the model's own split, ds1 or ds2 of MIT-BIH, all of the folder, or records and folders of records with commas.",
      valueName: "records")
  }
}

/// How a record is opened, and which lead of it is heard: options with one meaning in every command.
package struct RecordOptions: ParsableArguments {
  /// The lead's name or number; nil for MLII, II or the first.
  @Option(
    help: ArgumentHelp(
      "The lead, by name or by number from 1; MLII, II or the first one where none is named.",
      valueName: "lead"))
  package var lead: String?

  @Option(
    help: ArgumentHelp("A CSV's sampling rate in hertz, where it has no time column.", valueName: "hz"))
  var sampleRate: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("A CSV's ADC counts a millivolt. (default: 200, and said)", valueName: "counts"))
  var gain: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("A CSV's ADC count of 0 mV. (default: 0, and said)", valueName: "count"))
  var baseline: Int?

  @Flag(help: "A CSV's first line is a sample, not the columns' names.") var noHeader = false

  /// Creates the options, for ArgumentParser to fill in.
  package init() {}

  /// Whether no option was given.
  package var isStandard: Bool {
    lead == nil && sampleRate == nil && gain == nil && baseline == nil && !noHeader
  }

  /// How to understand CSV files.
  package var csv: CSVOptions {
    CSVOptions(sampleRateHz: sampleRate, gain: gain, baseline: baseline, hasTitles: noHeader ? false : nil)
  }

  /// Refuses what is impossible.
  ///
  /// - Throws: `ValidationError`, which says what.
  package func validate() throws {
    if let sampleRate, !(sampleRate > 0 && sampleRate < 1e6) {
      throw ValidationError("--sample-rate needs a rate above 0 and below 1,000,000 Hz")
    }
    if let gain, !gain.isFinite || gain == 0 { throw ValidationError("--gain needs a number that isn't 0") }
    if let baseline, Int32(exactly: baseline) == nil {
      throw ValidationError("--baseline needs a count of 32 bits")
    }
  }
}

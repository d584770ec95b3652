import ArgumentParser
import ECG

/// The electrode's coupling: an option with one meaning in every command.
package struct CouplingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      The electrode's coupling: dc, or the corner of its high pass in hertz. (default: what the model was trained \
      behind; otherwise dc, but for a record's offset beyond 2 mV, which is taken off, and one that wanders by more than \
      4 mV, which goes through 0.05 Hz)
      """, valueName: "dc|Hz"))
  var coupling: Setting?

  /// A coupling as an argument: `dc`, or a corner.
  struct Setting: ExpressibleByArgument {
    /// The corner; 0 for none.
    var hertz: Double

    init?(argument: String) {
      guard argument != "dc" else {
        hertz = 0
        return
      }
      guard let hertz = Double(argument), hertz > 0 else { return nil }
      self.hertz = hertz
    }
  }

  /// Creates the options, for ArgumentParser to fill in.
  package init() {}

  /// The corner in hertz; 0 for none, nil where nothing is said: as `Coupling.init(setting:)` takes it.
  package var hertz: Double? { coupling?.hertz }

  /// Refuses what is impossible.
  ///
  /// - Throws: `ValidationError`, which says what.
  package func validate() throws {
    if let hertz, hertz != 0, !Coupling.hertzRange.contains(hertz) {
      throw ValidationError("--coupling needs dc, or a corner in 0.001 ... 20 Hz")
    }
  }
}

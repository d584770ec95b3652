import ArgumentParser

/// Which lead of a record is heard: one option with one meaning in every command.
package struct LeadOption: ParsableArguments {
  /// The lead's name or number; nil for MLII, II or the first.
  @Option(
    help: ArgumentHelp(
      "The lead, by name or by number from 1; MLII, II or the first one where none is named.",
      valueName: "lead"))
  package var lead: String?

  /// Creates the option, for ArgumentParser to fill in.
  package init() {}
}

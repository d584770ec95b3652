import ArgumentParser
import Simulation
import Support

/// The board that runs beside the host.
struct TargetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A board that takes the same samples: qemu:BOARD, tty:DEVICE@BAUD or tcp:HOST:PORT.",
      valueName: "target"))
  var target: TargetAddress?

  @Flag(help: "Compare the board column by column, with its whole state after each: slower.")
  var layers = false

  @Option(
    name: .customLong("board-record"),
    help: ArgumentHelp(
      "Instead of --record: the board samples by itself for so long, and the host replays its samples.",
      valueName: "s"))
  var ownSeconds: Double?

  @Option(
    name: .customLong("keep-record"),
    help: ArgumentHelp("Write the board's own samples as a WFDB record.", valueName: "record"))
  var keptRecord: String?

  /// Refuses what a board can't do.
  ///
  /// - Parameters:
  ///   - record: The record that is named.
  ///   - isOfRecord: Whether options speak of the record or of what befalls it, where the board's samples have neither.
  /// - Throws: `ValidationError`.
  func validate(record: String?, isOfRecord: Bool) throws {
    guard (record == nil) != (ownSeconds == nil) else {
      throw ValidationError(
        record == nil
          ? "--record is missing: name a record, or let a board sample by itself with --target and --board-record"
          : "--record and --board-record exclude each other: leave out one of them")
    }
    if target == nil {
      if layers { throw ValidationError("--layers needs --target") }
      if ownSeconds != nil { throw ValidationError("--board-record needs --target") }
    }
    guard let ownSeconds else {
      if keptRecord != nil { throw ValidationError("--keep-record needs --board-record") }
      return
    }
    guard ownSeconds > 0, ownSeconds <= 1e6 else {
      throw ValidationError("--board-record needs a length above 0 and of at most 1,000,000 s")
    }
    if isOfRecord {
      throw ValidationError(
        "--board-record takes the board's samples as they are: leave out what is said of a record, "
          + "its leads, its beats and its disturbances, and --brown-out")
    }
  }
}

extension TargetAddress: ExpressibleByArgument {
  /// Reads an address; see `TargetAddress.init(_:)`.
  package init?(argument: String) { try? self.init(argument) }
}

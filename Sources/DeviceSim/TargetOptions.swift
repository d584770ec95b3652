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

  /// Refuses what a board can't do.
  func validate(hasPatch: Bool) throws {
    guard target != nil else {
      if layers { throw ValidationError("--layers needs --target") }
      return
    }
    if hasPatch { throw ValidationError("--target runs the model as shipped; leave out --patch") }
  }
}

extension TargetAddress: ExpressibleByArgument {
  /// Reads an address; see `TargetAddress.init(_:)`.
  package init?(argument: String) { try? self.init(argument) }
}

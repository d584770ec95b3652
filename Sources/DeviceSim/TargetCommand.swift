import ArgumentParser
import CommandSupport
import Simulation
import Support

/// `device-sim target`: what is at the other end of a wire.
struct TargetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "target",
    abstract: "Ask a board what it is.",
    discussion: """
      A target is qemu:BOARD (microbit, mps2-an386, mps2-an500, mps3-an547, virt), whose
      firmware a checkout builds, or qemu:BOARD@FILE.elf; tty:DEVICE@BAUD; or
      tcp:HOST:PORT. See docs/guides/Target.md.

      Examples:

        device-sim target qemu:mps2-an386
        device-sim target tty:/dev/ttyACM0@115200
      """)

  @Argument(help: ArgumentHelp("The target.", valueName: "target")) var target: TargetAddress

  @OptionGroup var output: OutputOptions

  func run() throws {
    let board = try TargetSession(try TargetConnection.open(target)).board
    try output.writeJSON(board)
    var table = SummaryTable(columns: ["\(target)"])
    table.add("board", board.name)
    table.add("protocol", "version \(board.protocolVersion)")
    table.add("memory", "\(Numbers.integer(board.memoryBytes)) bytes")
    table.add(
      "image in flash",
      board.flashImageChecksum.map { "\(Numbers.integer(board.flashImageBytes)) bytes, CRC-32 \($0)" }
        ?? "none")
    let rate = board.ticksPerSecond.map { ", \(Numbers.integer($0)) a second" } ?? ""
    table.add("counter", "\(board.counter)\(rate)")
    try output.show(table)
  }
}

import Support

/// Where a board is: `qemu:BOARD[@FIRMWARE.elf]`, `tty:DEVICE@BAUD` or `tcp:HOST:PORT`.
package enum TargetAddress: Equatable, Sendable, CustomStringConvertible {
  /// One of the emulated boards, which is started for the run; nil for the firmware that a checkout builds.
  case qemu(board: String, firmware: String?)
  /// A serial port and its rate in bits a second.
  case tty(device: String, baud: Int)
  /// A TCP server, such as a debugger's or another program that plays a board.
  case tcp(host: String, port: Int)

  /// The emulated boards.
  package static let emulatedBoards = ["microbit", "mps2-an386", "mps2-an500", "mps3-an547", "virt"]
  /// The rates that a serial port takes.
  package static let bauds = [9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_000_000]

  /// Reads an address.
  ///
  /// - Throws: `FileError`, malformed, which says how to write it.
  package init(_ text: String) throws(FileError) {
    func fail(_ problem: String, _ remedy: String) -> FileError { .malformed(text, problem, remedy: remedy) }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty else {
      throw fail("is no target", "write qemu:BOARD, tty:DEVICE@BAUD or tcp:HOST:PORT")
    }
    let rest = parts[1]
    switch parts[0] {
    case "qemu":
      let words = rest.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard Self.emulatedBoards.contains(words[0]) else {
        throw fail("names no emulated board", "write one of \(Self.emulatedBoards.joined(separator: ", "))")
      }
      self = .qemu(board: words[0], firmware: words.count > 1 ? words[1] : nil)
    case "tty":
      let words = rest.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
      guard words.count <= 2, let baud = words.count == 2 ? Int(words[1]) : 115_200, Self.bauds.contains(baud)
      else {
        throw fail(
          "has an impossible rate",
          "write tty:DEVICE@BAUD with one of \(Self.bauds.map { String($0) }.joined(separator: ", "))")
      }
      self = .tty(device: words[0], baud: baud)
    case "tcp":
      guard let colon = rest.lastIndex(of: ":"), colon > rest.startIndex,
        let port = Int(rest[rest.index(after: colon)...]), (1...65_535).contains(port)
      else { throw fail("has no port", "write tcp:HOST:PORT, such as tcp:127.0.0.1:3333") }
      self = .tcp(host: String(rest[..<colon]), port: port)
    default: throw fail("is no target", "write qemu:BOARD, tty:DEVICE@BAUD or tcp:HOST:PORT")
    }
  }

  /// The address as it is written.
  package var description: String {
    switch self {
    case .qemu(let board, let firmware): "qemu:\(board)" + (firmware.map { "@\($0)" } ?? "")
    case .tty(let device, let baud): "tty:\(device)@\(baud)"
    case .tcp(let host, let port): "tcp:\(host):\(port)"
    }
  }

  /// Whether the board is emulated, so that its counter counts instructions.
  package var isEmulated: Bool { if case .qemu = self { true } else { false } }
}

import Foundation
import Support

/// QEMU, which runs a board's firmware with its serial port on a socket of ours; it ends with this object.
final class Emulator {
  private let process = Process()
  private let listener: Int32
  private let folder: String
  private let name: String
  private let firmware: String

  init(board: String, firmware: String?, name: String) throws(FileError) {
    self.name = name
    if let firmware {
      self.firmware = firmware
    } else {
      self.firmware = try Self.builtFirmware(of: board, name: name)
    }
    guard FileManager.default.isReadableFile(atPath: self.firmware) else {
      throw .missing(
        name, "there is no firmware \(self.firmware)",
        remedy: "build it in a checkout: Firmware/boards.sh target \(board)")
    }
    let program = board == "virt" ? "qemu-system-riscv32" : "qemu-system-arm"
    let paths = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map {
      "\($0)/\(program)"
    }
    guard let path = paths.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
      throw .missing(
        name, "there is no \(program)", remedy: "install it: apt-get install qemu-system-arm qemu-system-misc"
      )
    }
    let folder = "\(NSTemporaryDirectory())/quantinfer-target-\(UUID().uuidString)"
    guard mkdir(folder, 0o700) == 0 else {
      throw .inaccessible(
        name, "no folder for its wire can be made", remedy: "make room in \(NSTemporaryDirectory())")
    }
    self.folder = folder
    listener = try Self.listen(at: "\(folder)/wire", name: name)
    process.executableURL = URL(fileURLWithPath: path)
    // A count of instructions for a clock: the same on every machine.
    process.arguments =
      ["-M", board] + (board == "virt" ? ["-bios", "none"] : [])
      + [
        "-display", "none", "-monitor", "none", "-icount", "shift=0", "-chardev",
        "socket,id=wire,path=\(folder)/wire",
        "-serial", "chardev:wire", "-semihosting-config", "enable=on,target=native", "-kernel", self.firmware,
      ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      throw .inaccessible(
        name, "\(program) can't be started: \(error.localizedDescription)",
        remedy: "run it by hand to see why")
    }
  }

  deinit {
    close(listener)
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// The wire, once the emulator has opened its end.
  func accept() throws(FileError) -> Int32 {
    for _ in 0..<300 {
      var state = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
      if poll(&state, 1, 100) > 0 {
        let descriptor = Foundation.accept(listener, nil, nil)
        if descriptor >= 0 { return descriptor }
      }
      guard process.isRunning else { break }
    }
    throw .malformed(
      name, "QEMU ended before its firmware spoke",
      remedy: "check that \(firmware) is the firmware for this board")
  }

  private static func listen(at path: String, name: String) throws(FileError) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path), descriptor >= 0 else {
      throw .inaccessible(
        name, "no socket can be made at \(path)", remedy: "set TMPDIR to a folder with a short name")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let isBound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard isBound == 0, Foundation.listen(descriptor, 1) == 0 else {
      close(descriptor)
      throw .inaccessible(
        name, "no socket can be made at \(path)", remedy: "set TMPDIR to a folder that can be written")
    }
    return descriptor
  }

  /// The firmware of the checkout about the working folder or this program, built where it isn't or is old.
  private static func builtFirmware(of board: String, name: String) throws(FileError) -> String {
    let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().path
    for start in [FileManager.default.currentDirectoryPath, program] {
      for folder in sequence(
        first: start, next: { $0 == "/" ? nil : ($0 as NSString).deletingLastPathComponent })
      {
        guard FileManager.default.fileExists(atPath: "\(folder)/Firmware/boards.sh") else { continue }
        let file = "\(folder)/build/firmware/target-\(board).elf"
        if isCurrent(file, checkout: folder) { return file }
        Terminal.error.write("Building the firmware for \(board), which takes some minutes\n")
        let build = Process()
        build.executableURL = URL(fileURLWithPath: "/bin/bash")
        build.arguments = ["\(folder)/Firmware/boards.sh", "target", board]
        build.standardInput = FileHandle.nullDevice
        build.standardOutput = FileHandle.standardError
        guard (try? build.run()) != nil else { break }
        build.waitUntilExit()
        guard build.terminationStatus == 0 else {
          throw .malformed(
            name, "its firmware can't be built", remedy: "see what Firmware/boards.sh target \(board) says")
        }
        return file
      }
    }
    throw .missing(
      name, "its firmware target-\(board).elf isn't known here",
      remedy:
        "build it in a checkout with Firmware/boards.sh target \(board), and write qemu:\(board)@FILE.elf")
  }

  /// Whether a firmware is newer than all that it is made of.
  private static func isCurrent(_ file: String, checkout: String) -> Bool {
    func date(_ path: String) -> Date? {
      try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
    }
    guard let built = date(file) else { return false }
    return [
      "Sources/QuantInfer", "Sources/QuantInferTarget", "Sources/CKernels", "Firmware/Sources/Board",
      "Firmware/Sources/Target",
    ]
    .allSatisfy { folder in
      let names =
        FileManager.default.enumerator(atPath: "\(checkout)/\(folder)")?.compactMap { $0 as? String } ?? []
      return names.allSatisfy { (date("\(checkout)/\(folder)/\($0)") ?? built) <= built }
    }
  }
}

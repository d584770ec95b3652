import Foundation
import HostDevice
import ModelFiles
import QuantInferTarget
import Simulation
import Support
import Testing
import TestSupport

/// A board at the other end of a wire: what runs there is what runs here, and each way to fail has its own words.
@Suite struct TargetTests {
  /// Twenty seconds of the shipped record, through the shipped model, beside a board at an address.
  private func run(
    _ address: TargetAddress, layers: Bool = false, _ change: (inout StreamRun.Options) -> Void = { _ in }
  ) throws -> TargetResult {
    var options = StreamRun.Options(model: ProjectFiles.model, record: ProjectFiles.record)
    options.target = address
    options.comparesLayers = layers
    change(&options)
    return try #require(try StreamRun.run(options).result.target)
  }

  private func message(_ board: HostBoard) -> String? {
    do {
      _ = try run(.tcp(host: "127.0.0.1", port: board.port))
      return nil
    } catch {
      return "\(error)"
    }
  }

  // claim: wire
  @Test func aBoardThatGetsTheImageOverTheWireGivesTheHostsBits() throws {
    let board = HostBoard()
    let result = try run(.tcp(host: "127.0.0.1", port: board.port))
    #expect(result.image == "memory")
    #expect(result.board.name == "a board on this host")
    #expect((result.differing, result.failure) == (0, nil))
    // All that the record has: 300 s at 128 Hz, a column every 8 samples after a first of 32.
    #expect((result.samples, result.decisions, result.columns, result.states) == (38_400, 502, 4797, 1))
    #expect((result.ticks?.perSecond ?? 0) > 0)
  }

  @Test func aBoardWithTheImageInFlashIsAskedForNoMemoryForIt() throws {
    let board = HostBoard(flash: Array(try Files.read(ProjectFiles.model)), memoryByteCount: 8192)
    let result = try run(.tcp(host: "127.0.0.1", port: board.port)) { options in
      options.announcing.wakePercent = 10
      options.announcing.majority = 3
      options.brownOutSeconds = [20, 100.5]
    }
    #expect(result.image == "flash")
    #expect((result.differing, result.failure, result.states) == (0, nil, 3))
  }

  @Test func aBoardThatDecidesByTheClockDoesAsTheHostDoes() throws {
    let board = HostBoard()
    let result = try run(.tcp(host: "127.0.0.1", port: board.port)) { options in
      options.deciding = .everyColumns(5)
    }
    #expect((result.differing, result.failure) == (0, nil))
    #expect(result.decisions > 900)
  }

  @Test func beatsThatAreGivenReachTheBoardWithTheirSample() throws {
    let temporary = try TemporaryFolder()
    for suffix in [".dat", ".hea"] {
      try Files.write(try Files.read(ProjectFiles.record + suffix), to: temporary("mitdb-208" + suffix))
    }
    // The beats that the device finds by itself, as the record's annotations.
    try StreamRun.run(StreamRun.Options(model: ProjectFiles.model, record: ProjectFiles.record))
      .annotations().write(temporary("mitdb-208"), annotator: "atr")
    let board = HostBoard()
    var options = StreamRun.Options(model: ProjectFiles.model, record: temporary("mitdb-208"))
    (options.target, options.deciding) = (.tcp(host: "127.0.0.1", port: board.port), .givenBeats)
    let run = try StreamRun.run(options)
    let target = try #require(run.result.target)
    #expect((target.differing, target.failure) == (0, nil))
    // A board that heard of no beat would decide about none, and differ.
    #expect(target.decisions > 400)
    #expect(run.decisions.allSatisfy { $0.beatSample != nil })
  }

  // claim: wire
  @Test func aFlippedBitOnTheBoardIsFoundWithItsPlace() throws {
    // The state lies behind two buffers of 1,027 bytes: a bit of the seventh byte of the samples' ring.
    let board = HostBoard(
      .init(flip: (afterBytes: 30_000, place: 2064 + 30)), flash: Array(try Files.read(ProjectFiles.model)))
    let result = try run(.tcp(host: "127.0.0.1", port: board.port), layers: true)
    let first = try #require(result.firstDifference)
    #expect(result.differing > 0)
    #expect(["column", "state"].contains(first.what))
    #expect(first.part?.hasPrefix("samples, byte ") == true, "\(first)")
    #expect(throws: FileError.self) { try result.check() }
  }

  @Test func aBoardThatIsUnpluggedHalfWayLeavesWhatWasCompared() throws {
    let board = HostBoard(.init(bytesUntilClosed: 50_000))
    let result = try run(.tcp(host: "127.0.0.1", port: board.port))
    #expect(result.failure == "was closed or unplugged")
    #expect(result.differing == 0)
    #expect((10_000..<38_400).contains(result.samples), "\(result.samples)")
  }

  @Test func eachWayToFailHasItsOwnLine() throws {
    let nobody = HostBoard(.init(isSilent: true))
    #expect(message(nobody)?.contains("does not answer within 2.5 s; check power") == true)
    let other = HostBoard(.init(version: 9))
    #expect(
      message(other)?.contains("speaks version 9 of the protocol, this program version 4; build") == true)
    let noisy = HostBoard(.init(bytesUntilNoise: 20))
    // Noise on the first answer is asked again.
    #expect(message(noisy) == nil)
    let noisyLater = HostBoard(.init(bytesUntilNoise: 69))
    #expect(
      message(noisyLater)?.contains("has noise on its wire: a frame's checksum is wrong; use a lower rate")
        == true)
    let small = HostBoard(memoryByteCount: 4096)
    #expect(message(small)?.contains("is too small for this one of ") == true)
    let closed = HostBoard(.init(bytesUntilClosed: 0))
    #expect(message(closed)?.contains("was closed or unplugged; connect it again") == true)
    let refused =
      "\(try #require(throws: FileError.self) { try TargetConnection.open(.tcp(host: "127.0.0.1", port: 1)) })"
    #expect(refused.contains("can't be connected: Connection refused; start the board's server"))
    let absent =
      "\(try #require(throws: FileError.self) { try TargetConnection.open(.tty(device: "/dev/no-such-board", baud: 9600)) })"
    #expect(absent.contains("no such device; plug the board in"))
    let file =
      "\(try #require(throws: FileError.self) { try TargetConnection.open(.tty(device: ProjectFiles.model, baud: 9600)) })"
    #expect(file.contains("is no serial port; name the board's device"))
    let firmware = try #require(throws: FileError.self) {
      try TargetConnection.open(.qemu(board: "mps2-an386", firmware: "/no/such.elf"))
    }
    #expect("\(firmware)".contains("there is no firmware /no/such.elf; build it"))
  }

  // claim: wire
  @Test func aSerialPortIsAWireToo() throws {
    var (master, slave): (Int32, Int32) = (0, 0)
    var name = [CChar](repeating: 0, count: 128)
    try #require(openpty(&master, &slave, &name, nil, nil) == 0)
    let device = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let (image, end) = (Array(try Files.read(ProjectFiles.model)), master)
    Thread.detachNewThread {
      HostBoard.play(end, .init(), flash: image, memoryByteCount: 1 << 16)
    }
    let result = try run(.tty(device: device, baud: 115_200))
    close(slave)
    #expect((result.differing, result.failure, result.decisions) == (0, nil, 502))
  }

  @Test(arguments: [
    ("qemu:mps2-an386", "qemu:mps2-an386"), ("qemu:virt@my.elf", "qemu:virt@my.elf"),
    ("tty:/dev/ttyACM0", "tty:/dev/ttyACM0@115200"), ("tty:/dev/ttyUSB1@9600", "tty:/dev/ttyUSB1@9600"),
    ("tcp:board.local:3333", "tcp:board.local:3333"),
  ]) func anAddressIsReadAsItIsWritten(text: String, meaning: String) throws {
    #expect(try TargetAddress(text).description == meaning)
  }

  @Test(arguments: [
    "", "qemu", "qemu:", "qemu:stm32", "tty:@9600@1", "tty:/dev/x@12", "tcp:host", "tcp:host:0",
    "tcp:host:65536",
    "tcp::80", "usb:1",
  ]) func anImpossibleAddressSaysHowToWriteIt(text: String) {
    let error = #expect(throws: FileError.self) { try TargetAddress(text) }
    #expect(error?.remedy.hasPrefix("write ") == true)
  }
}

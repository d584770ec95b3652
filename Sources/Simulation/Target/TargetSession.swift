import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import QuantInferTarget
import Support

/// What a board says of itself.
package struct TargetBoardFacts: Encodable, Equatable, Sendable {
  /// Its name.
  package var name: String
  /// The protocol's version.
  package var protocolVersion: Int
  /// The longest payload that it takes, in bytes.
  package var longestPayloadBytes: Int
  /// Its memory for image, state and scratch, in bytes.
  package var memoryBytes: Int
  /// The size of the image in its flash; 0 without one.
  package var flashImageBytes: Int
  /// That image's CRC-32, in hexadecimal; null without a valid one.
  package var flashImageChecksum: String?
  /// What counts its time: none, cycles, sysTick.
  package var counter: String
  /// What that counts a second; null where the board doesn't know.
  package var ticksPerSecond: Int?
}

/// A conversation with a board: each request answered, or an error that says why not.
package final class TargetSession {
  private let connection: TargetConnection
  /// The board.
  package let board: TargetBoardFacts
  private let counter: TargetFrame.Counter

  /// Asks who is there, some times where nobody answers: a board may still start.
  ///
  /// - Throws: `FileError` where nobody answers, or something else than a board of this version.
  package init(_ connection: TargetConnection) throws(FileError) {
    self.connection = connection
    let patience = connection.patienceSeconds
    connection.patienceSeconds = min(patience, 10) / 4
    defer { connection.patienceSeconds = patience }
    var answer: TargetConnection.Frame?
    for attempt in 0..<4 where answer == nil {
      do throws(TargetConnection.Failure) {
        try connection.send(TargetFrame.Request.hello, [])
        answer = try connection.receive()
      } catch {
        guard error != .closed, attempt < 3 else { throw Self.error(connection.name, error) }
      }
    }
    // Every board takes 128 bytes: the longest request but those that are cut to fit.
    guard let answer, answer.kind == TargetFrame.Answer.board, answer.payload.count >= TargetFrame.Board.name,
      answer.half(at: TargetFrame.Board.longestPayload) >= 128
    else {
      throw .malformed(
        connection.name, "answers, but not as a board of QuantInfer",
        remedy: "check that Firmware/Sources/Target runs there, and nothing else uses the wire")
    }
    typealias Field = TargetFrame.Board
    let version = answer.half(at: Field.version)
    guard version == TargetFrame.version else {
      throw .malformed(
        connection.name,
        "speaks version \(version) of the protocol, this program version \(TargetFrame.version)",
        remedy: "build the board's firmware from this version's sources")
    }
    counter = TargetFrame.Counter(rawValue: answer.word(at: Field.counter)) ?? .none
    let checksum = answer.word(at: Field.flashChecksum)
    let rate = Int(answer.word(at: Field.ticksPerSecond))
    board = TargetBoardFacts(
      name: String(decoding: answer.payload.dropFirst(Field.name), as: UTF8.self).onOneLine,
      protocolVersion: Int(version), longestPayloadBytes: Int(answer.half(at: Field.longestPayload)),
      memoryBytes: Int(answer.word(at: Field.memoryByteCount)),
      flashImageBytes: Int(answer.word(at: Field.flashByteCount)),
      flashImageChecksum: checksum == 0 ? nil : String(format: "%08x", checksum),
      counter: "\(counter)", ticksPerSecond: rate == 0 ? nil : rate)
  }

  /// How many instructions a tick is under an emulator that counts them for a clock of a nanosecond each.
  var instructionsPerTick: Double {
    counter == .sysTick ? 1e9 / Double(max(1, board.ticksPerSecond ?? 1)) : 1
  }

  /// Sends an image where the board doesn't have it in flash, and a patch of it.
  ///
  /// - Parameters:
  ///   - image: The image's bytes.
  ///   - patch: The patch's; empty for the model as shipped.
  ///   - checksum: The image's CRC-32, in hexadecimal.
  ///   - progress: Told how far it is.
  /// - Returns: Where the board has it.
  /// - Throws: `FileError`.
  package func load(
    _ image: [UInt8], patch: [UInt8] = [], checksum: String, progress: ProgressHandler? = nil
  ) throws(FileError) -> TargetFrame.Source {
    let source = board.flashImageChecksum == checksum ? TargetFrame.Source.flash : .memory
    if source == .memory {
      try requireRoom(for: image)
      try send(image, after: TargetFrame.Request.image, progress: progress)
    }
    if !patch.isEmpty {
      // What an earlier run left in the memory makes room for the patch.
      if source == .flash { try send([], after: TargetFrame.Request.image) }
      try send(patch, after: TargetFrame.Request.patch)
    }
    return source
  }

  private func requireRoom(for image: [UInt8]) throws(FileError) {
    guard image.count <= board.memoryBytes else {
      throw .malformed(
        connection.name,
        "has another image in flash (\(board.flashImageChecksum ?? "none")), and its memory of "
          + "\(Numbers.integer(board.memoryBytes)) bytes is too small for this one of \(Numbers.integer(image.count))",
        remedy: "build its firmware with this model: MODEL=MODEL.qinf Firmware/boards.sh target BOARD")
    }
  }

  /// Sends bytes in pieces, after a request that announces them.
  private func send(
    _ bytes: [UInt8], after kind: UInt8, progress: ProgressHandler? = nil
  ) throws(FileError) {
    _ = try request(kind, Self.bytes(bytes.count), expecting: TargetFrame.Answer.done)
    let step = max(1, board.longestPayloadBytes - 4)
    for start in stride(from: 0, to: bytes.count, by: step) {
      let piece = bytes[start..<min(bytes.count, start + step)]
      _ = try request(
        TargetFrame.Request.piece, Self.bytes(start) + piece, expecting: TargetFrame.Answer.done)
      progress?(TaskProgress(completed: start, total: bytes.count))
    }
  }

  /// Starts a monitor; its state's size, in bytes.
  func begin(
    _ source: TargetFrame.Source, isPatched: Bool = false, _ options: Monitor.Options, checksum: String
  ) throws(FileError) -> Int {
    let encoded = options.encoded
    var payload = [source.rawValue, isPatched ? 1 : 0]
    for index in encoded.indices { payload += Self.bytes(Int(encoded[index])) }
    let answer = try request(TargetFrame.Request.begin, payload, expecting: TargetFrame.Answer.begun)
    let found = String(format: "%08x", answer.word(at: 0))
    guard found == checksum else {
      throw .malformed(
        connection.name, "runs another image: \(found), not \(checksum)",
        remedy: "reset the board, and try again")
    }
    return Int(answer.word(at: 4))
  }

  /// What a board answers to a block of frames.
  struct Block {
    /// The decisions.
    var decisions: [TargetConnection.Frame] = []
    /// What came of all frames together; see `TargetFrame.Pushed`.
    var taken: TargetConnection.Frame
  }

  /// Pushes samples, whole frames of the model's leads.
  func push(_ samples: ArraySlice<Int16>, beatAges: [Int]) throws(FileError) -> Block {
    var payload = [UInt8(beatAges.count)] + beatAges.flatMap { Self.bytes($0) }
    for sample in samples {
      let bits = UInt16(bitPattern: sample)
      payload += [UInt8(bits & 0xFF), UInt8(bits >> 8)]
    }
    return try block(TargetFrame.Request.samples, payload, expecting: TargetFrame.Answer.pushed)
  }

  /// Lets the board take frames from its own source.
  ///
  /// - Parameters:
  ///   - count: How many; fewer come where the source ends.
  ///   - leadCount: The samples of a frame.
  ///   - isFirst: Whether the source begins anew.
  /// - Returns: The board's answer, and the frames' samples.
  /// - Throws: `FileError` where the board doesn't answer, or has no source.
  func acquire(
    _ count: Int, leadCount: Int, isFirst: Bool
  ) throws(FileError) -> (block: Block, samples: [Int16]) {
    let payload = [UInt8(count & 0xFF), UInt8(count >> 8), isFirst ? 1 : 0]
    let block = try block(TargetFrame.Request.acquire, payload, expecting: TargetFrame.Answer.acquired)
    let first = TargetFrame.Acquired.samples
    let samples = stride(from: first, to: block.taken.payload.count, by: 2).map {
      Int16(bitPattern: block.taken.half(at: $0))
    }
    guard block.taken.payload.count >= first, samples.count % leadCount == 0,
      samples.count / leadCount <= count
    else { throw outOfTurn }
    return (block, samples)
  }

  /// Sends a request whose answers are decisions and then one of a kind.
  private func block(_ kind: UInt8, _ payload: [UInt8], expecting answer: UInt8) throws(FileError) -> Block {
    try send(kind, payload)
    var decisions: [TargetConnection.Frame] = []
    while true {
      let frame = try receive(kind)
      if frame.kind == TargetFrame.Answer.decision {
        decisions.append(frame)
      } else {
        return Block(decisions: decisions, taken: try checked(frame, answer))
      }
    }
  }

  /// Saves, loses and restores the state: the saved copy's CRC-32; nil where the board has no room for a copy.
  func save() throws(FileError) -> UInt32? {
    try send(TargetFrame.Request.save, [])
    let frame = try receive(TargetFrame.Request.save)
    if frame.kind == TargetFrame.Answer.refusal, frame.byte(at: 0) == TargetFrame.Refusal.memory.rawValue {
      return nil
    }
    return try checked(frame, TargetFrame.Answer.saved).word(at: 0)
  }

  /// The state's CRC-32.
  func stateChecksum() throws(FileError) -> UInt32 {
    try request(TargetFrame.Request.state, Self.bytes(0) + Self.bytes(0), expecting: TargetFrame.Answer.state)
      .word(at: 0)
  }

  /// The whole state.
  func state(byteCount: Int) throws(FileError) -> [UInt8] {
    var state: [UInt8] = []
    while state.count < byteCount {
      let piece = min(byteCount - state.count, board.longestPayloadBytes - 8)
      let answer = try request(
        TargetFrame.Request.state, Self.bytes(state.count) + Self.bytes(piece),
        expecting: TargetFrame.Answer.state)
      guard answer.payload.count > 4 else { break }
      state += answer.payload.dropFirst(4)
    }
    return state
  }

  private static func bytes(_ number: Int) -> [UInt8] {
    let bits = UInt32(truncatingIfNeeded: number)
    return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
  }

  private func request(_ kind: UInt8, _ payload: [UInt8], expecting answer: UInt8) throws(FileError)
    -> TargetConnection.Frame
  {
    try send(kind, payload)
    return try checked(try receive(kind), answer)
  }

  private func send(_ kind: UInt8, _ payload: [UInt8]) throws(FileError) {
    do throws(TargetConnection.Failure) {
      try connection.send(kind, payload)
    } catch {
      throw Self.error(connection.name, error)
    }
  }

  private func receive(_ kind: UInt8) throws(FileError) -> TargetConnection.Frame {
    do throws(TargetConnection.Failure) {
      return try connection.receive()
    } catch {
      throw Self.error(connection.name, error)
    }
  }

  private func checked(_ frame: TargetConnection.Frame, _ answer: UInt8) throws(FileError)
    -> TargetConnection.Frame
  {
    switch frame.kind {
    case answer: return frame
    case TargetFrame.Answer.fault:
      let address = String(format: "0x%08x", frame.word(at: 0))
      throw .malformed(
        connection.name, "met a fault at \(address)",
        remedy: "find the line: llvm-addr2line -e FIRMWARE.elf \(address)")
    case TargetFrame.Answer.refusal: throw refusal(frame)
    default: throw outOfTurn
    }
  }

  private var outOfTurn: FileError {
    .malformed(
      connection.name, "answers out of turn", remedy: "reset the board, and end what else uses the wire")
  }

  private func refusal(_ frame: TargetConnection.Frame) -> FileError {
    let (first, second) = (Int(frame.word(at: 1)), Int(frame.word(at: 5)))
    switch TargetFrame.Refusal(rawValue: frame.byte(at: 0)) {
    case .checksum: return Self.error(connection.name, .noise)
    case .length, .request, nil:
      return .malformed(
        connection.name, "doesn't take this request",
        remedy: "build the board's firmware from this version's sources")
    case .memory:
      return .malformed(
        connection.name,
        "has \(Numbers.integer(second)) bytes of memory, of which this run needs \(Numbers.integer(first)) or more",
        remedy: "put the image in its flash: MODEL=MODEL.qinf Firmware/boards.sh target BOARD")
    case .image:
      return .malformed(
        connection.name, "refuses the image: error \(first) at byte \(second)",
        remedy: "build the board's firmware from this version's sources")
    case .options:
      return .malformed(
        connection.name, "can't run this model's monitor", remedy: "build its firmware with every operator")
    case .savedState:
      return .malformed(
        connection.name, "doesn't take back the state that it saved", remedy: "check the board's memory")
    case .patchesNotBuilt:
      return .malformed(
        connection.name, "has a firmware without patches",
        remedy: "build its firmware with -Xswiftc -DQUANTINFER_PATCH, or leave out --patch")
    case .patch:
      return .malformed(
        connection.name, "doesn't take the patch that this host takes",
        remedy: "build the board's firmware from this version's sources")
    case .noSource:
      return .malformed(
        connection.name, "has no samples of its own at this model's rate and of its leads",
        remedy: "build its firmware with this model and a source of samples, or give --record")
    }
  }

  private static func error(_ name: String, _ failure: TargetConnection.Failure) -> FileError {
    switch failure {
    case .noAnswer(let seconds):
      return .inaccessible(
        name, "does not answer within \(Numbers.decimal(seconds, places: 1)) s",
        remedy: "check power, cable, device and rate, and that the target's firmware runs")
    case .closed:
      return .inaccessible(name, "was closed or unplugged", remedy: "connect it again, and repeat the run")
    case .noise:
      return .malformed(
        name, "has noise on its wire: a frame's checksum is wrong",
        remedy: "use a lower rate or a shorter cable")
    }
  }
}

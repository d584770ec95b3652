import QuantInfer

/// A board at the other end of a wire: it takes an image or has one, runs the monitor over the samples that the host
/// sends, and answers with all that the monitor says.
///
/// It is what `device-sim stream --target` talks to. All its memory is the caller's:
///
/// ```swift
/// var board = TargetBoard(port, flash: image, memory: memory)
/// board?.run()
/// ```
public struct TargetBoard<Port: TargetPort>: ~Copyable {
  private var wire: TargetWire<Port>
  private let flash: UnsafeRawBufferPointer
  /// What is left for image, state and the rest.
  private let memory: UnsafeMutableRawBufferPointer
  /// The image in `memory`, and the patch behind it; empty without one.
  private var image = 0..<0
  private var patch = 0..<0
  /// Where pieces go: one of the two.
  private var arriving = 0..<0

  /// A board with little memory takes requests of 128 bytes, the others of 1,024.
  private static func longestPayload(_ memoryByteCount: Int) -> Int { memoryByteCount < 32_768 ? 128 : 1024 }

  /// Creates a board.
  ///
  /// - Parameters:
  ///   - port: The wire and the counter.
  ///   - flash: The image that the board carries, at a multiple of 4; empty where it has none.
  ///   - memory: The memory for all else, at a multiple of 16; it must outlive the board. Nil with less than 1 KiB.
  public init?(_ port: Port, flash: UnsafeRawBufferPointer, memory: UnsafeMutableRawBufferPointer) {
    guard memory.count >= 1024 else { return nil }
    let buffer = Self.longestPayload(memory.count) &+ TargetFrame.headerByteCount
    let rest = (2 &* buffer &+ 15) / 16 &* 16
    wire = TargetWire(
      port, request: UnsafeMutableRawBufferPointer(rebasing: memory[..<buffer]),
      answer: UnsafeMutableRawBufferPointer(rebasing: memory[buffer..<(2 &* buffer)]))
    self.flash = flash
    self.memory = UnsafeMutableRawBufferPointer(rebasing: memory[rest...])
  }

  /// Answers requests until the wire is closed.
  public mutating func run() {
    guard wire.receive() else { return }
    // A request that a running monitor doesn't take is answered here.
    while true {
      if wire.kind == TargetFrame.Request.begin {
        guard begin() else { return }
      } else {
        answer()
        guard wire.receive() else { return }
      }
    }
  }

  private mutating func answer() {
    typealias Request = TargetFrame.Request
    switch wire.kind {
    case Request.hello: tellBoard()
    case Request.image:
      patch = 0..<0
      image = expect(from: 0)
    case Request.patch:
      #if QUANTINFER_SELECTED && !QUANTINFER_PATCH
        wire.refuse(.patchesNotBuilt)
      #else
        patch = expect(from: Self.aligned(image.upperBound))
      #endif
    case Request.piece:
      let offset = Int(truncatingIfNeeded: wire.word(at: 0))
      let count = wire.payloadByteCount &- 4
      guard count >= 0, offset >= 0, offset <= arriving.count, count <= arriving.count &- offset else {
        return wire.refuse(.memory, offset, arriving.count)
      }
      for index in 0..<count { memory[arriving.lowerBound &+ offset &+ index] = wire.byte(at: 4 &+ index) }
      wire.acknowledge()
    default: wire.refuse(.request, Int(wire.kind))
    }
  }

  /// Makes room for as many bytes as the request names; none where they don't fit.
  private mutating func expect(from start: Int) -> Range<Int> {
    let size = Int(truncatingIfNeeded: wire.word(at: 0))
    arriving = 0..<0
    if size >= 0, start <= memory.count, size <= memory.count &- start {
      arriving = start..<(start &+ size)
      wire.acknowledge()
    } else {
      wire.refuse(.memory, size, max(0, memory.count &- start))
    }
    return arriving
  }

  /// The next multiple of 16.
  private static func aligned(_ place: Int) -> Int { (place &+ 15) / 16 &* 16 }

  private mutating func tellBoard() {
    wire.begin(TargetFrame.Answer.board)
    wire.add(half: TargetFrame.version)
    wire.add(half: UInt16(truncatingIfNeeded: wire.longestPayload))
    wire.add(size: memory.count)
    wire.add(size: flash.count)
    wire.add(word: (try? Model(validating: flash).imageChecksum) ?? 0)
    wire.add(word: wire.port.ticksPerSecond)
    wire.add(word: wire.port.counter.rawValue)
    for byte in wire.port.name { wire.add(byte: byte) }
    wire.send()
  }

  /// Starts a monitor, and runs it until a request comes that isn't for it; false where the wire is closed.
  private mutating func begin() -> Bool {
    let isPatched = wire.byte(at: 1) != 0
    let isInFlash = wire.byte(at: 0) == TargetFrame.Source.flash.rawValue
    var start = isInFlash ? 0 : image.upperBound
    if isPatched { start = max(start, patch.upperBound) }
    let rest = memory[min(Self.aligned(start), memory.count)...]
    var model: Model
    do throws(ModelError) {
      model = try Model(
        validating: isInFlash ? flash : UnsafeRawBufferPointer(rebasing: memory[image]))
    } catch {
      wire.refuse(.image, Int(error.kind.rawValue), error.byteOffset)
      return wire.receive()
    }
    var encoded = InlineArray<20, Int32>(repeating: 0)
    for index in encoded.indices { encoded[index] = Int32(bitPattern: wire.word(at: 2 &+ 4 &* index)) }
    let options = Monitor.Options(encoded: encoded)
    guard let stateByteCount = try? Monitor.stateByteCount(model: model, options: options) else {
      wire.refuse(.options)
      return wire.receive()
    }
    var patchBufferByteCount = 0
    #if !QUANTINFER_SELECTED || QUANTINFER_PATCH
      let patchBytes = UnsafeRawBufferPointer(rebasing: memory[patch])
      let patch = isPatched ? try? ModelPatch(validating: patchBytes) : nil
      if isPatched {
        guard let patch, let byteCount = model.patchBufferByteCount(ofOperator: patch.operatorIndex) else {
          wire.refuse(.patch)
          return wire.receive()
        }
        patchBufferByteCount = byteCount
      }
    #endif
    let logitCount = model.output.count
    let sizes: InlineArray<4, Int> = [
      stateByteCount, model.streamingScratchByteCount, logitCount, patchBufferByteCount,
    ]
    var places = InlineArray<4, Int>(repeating: 0)
    var end = rest.startIndex
    for index in sizes.indices {
      places[index] = end
      guard sizes[index] <= rest.endIndex &- end else {
        wire.refuse(.memory, end &+ sizes[index], memory.count)
        return wire.receive()
      }
      end = min(rest.endIndex, end &+ Self.aligned(sizes[index]))
    }
    guard TargetFrame.Decision.logits &+ logitCount <= wire.longestPayload else {
      wire.refuse(.memory, TargetFrame.Decision.logits &+ logitCount, wire.longestPayload)
      return wire.receive()
    }
    func part(_ index: Int) -> UnsafeMutableRawBufferPointer {
      UnsafeMutableRawBufferPointer(rebasing: memory[places[index]..<(places[index] &+ sizes[index])])
    }
    #if !QUANTINFER_SELECTED || QUANTINFER_PATCH
      if let patch {
        guard let patched = try? model.applying(patch, into: part(3)) else {
          wire.refuse(.patch)
          return wire.receive()
        }
        model = patched
      }
    #endif
    do throws(MemoryError) {
      // As the host's: what no part of the monitor uses is the same on both sides.
      let state = part(0)
      for place in state.indices { state[place] = 0 }
      var monitor = try Monitor(model: model, options: options, state: state, scratch: part(1))
      let run = TargetRun(
        state: state, logits: part(2).bindMemory(to: Int8.self),
        copy: UnsafeMutableRawBufferPointer(rebasing: rest[end...]))
      wire.begin(TargetFrame.Answer.begun)
      wire.add(word: model.imageChecksum)
      wire.add(size: stateByteCount)
      wire.add(size: wire.port.stackByteCount)
      wire.send()
      return run.answer(&wire, &monitor)
    } catch {
      wire.refuse(.options)
      return wire.receive()
    }
  }
}

import QuantInfer

/// A board's end of the wire: whole requests in, answers out.
struct TargetWire<Port: TargetPort>: ~Copyable {
  var port: Port
  /// The newest request's kind, length and payload; the board's memory.
  private let request: UnsafeMutableRawBufferPointer
  /// The answer's kind, length and payload.
  private let answer: UnsafeMutableRawBufferPointer
  private(set) var kind: UInt8 = 0
  private(set) var payloadByteCount = 0
  private var answerByteCount = 0

  /// A wire with two buffers of equal size.
  init(_ port: Port, request: UnsafeMutableRawBufferPointer, answer: UnsafeMutableRawBufferPointer) {
    self.port = port
    self.request = request
    self.answer = answer
  }

  /// The longest payload that it takes.
  var longestPayload: Int { request.count &- TargetFrame.headerByteCount }

  /// Waits for a whole request, and refuses those that aren't; false where the wire is closed.
  mutating func receive() -> Bool {
    while true {
      guard let byte = port.receive() else { return false }
      guard byte == TargetFrame.start else { continue }
      for place in 0..<TargetFrame.headerByteCount {
        guard let byte = port.receive() else { return false }
        request[place] = byte
      }
      let length = Int(request[1]) | Int(request[2]) &<< 8
      guard length <= longestPayload else {
        refuse(.length, length, longestPayload)
        continue
      }
      let end = TargetFrame.headerByteCount &+ length
      for place in TargetFrame.headerByteCount..<end {
        guard let byte = port.receive() else { return false }
        request[place] = byte
      }
      var checksum: UInt32 = 0
      for shift in 0..<4 {
        guard let byte = port.receive() else { return false }
        checksum |= UInt32(byte) &<< UInt32(truncatingIfNeeded: 8 &* shift)
      }
      guard checksum == CRC32.checksum(UnsafeRawBufferPointer(rebasing: request[..<end])) else {
        refuse(.checksum)
        continue
      }
      kind = request[0]
      payloadByteCount = length
      return true
    }
  }

  /// A number of the request's payload; 0 beyond its end.
  func word(at offset: Int) -> UInt32 {
    UInt32(half(at: offset)) | UInt32(half(at: offset &+ 2)) &<< 16
  }

  /// The same of 16 bits.
  func half(at offset: Int) -> UInt16 { UInt16(byte(at: offset)) | UInt16(byte(at: offset &+ 1)) &<< 8 }

  /// The same of 8 bits.
  func byte(at offset: Int) -> UInt8 {
    offset >= 0 && offset < payloadByteCount ? request[TargetFrame.headerByteCount &+ offset] : 0
  }

  /// Begins an answer.
  mutating func begin(_ kind: UInt8) {
    answer[0] = kind
    answerByteCount = TargetFrame.headerByteCount
  }

  /// Adds a byte to it; what doesn't fit is left out.
  mutating func add(byte: UInt8) {
    guard answerByteCount < answer.count else { return }
    answer[answerByteCount] = byte
    answerByteCount &+= 1
  }

  /// Adds a number of 16 bits.
  mutating func add(half: UInt16) {
    add(byte: UInt8(truncatingIfNeeded: half))
    add(byte: UInt8(truncatingIfNeeded: half &>> 8))
  }

  /// Adds a number of 32 bits.
  mutating func add(word: UInt32) {
    add(half: UInt16(truncatingIfNeeded: word))
    add(half: UInt16(truncatingIfNeeded: word &>> 16))
  }

  /// Adds a size.
  mutating func add(size: Int) { add(word: UInt32(truncatingIfNeeded: size)) }

  /// Sends it.
  mutating func send() {
    let length = answerByteCount &- TargetFrame.headerByteCount
    answer[1] = UInt8(truncatingIfNeeded: length)
    answer[2] = UInt8(truncatingIfNeeded: length &>> 8)
    let checksum = CRC32.checksum(UnsafeRawBufferPointer(rebasing: answer[..<answerByteCount]))
    port.send(TargetFrame.start)
    for place in 0..<answerByteCount { port.send(answer[place]) }
    for shift in 0..<4 {
      port.send(UInt8(truncatingIfNeeded: checksum &>> UInt32(truncatingIfNeeded: 8 &* shift)))
    }
  }

  /// Says that all is done.
  mutating func acknowledge() {
    begin(TargetFrame.Answer.done)
    send()
  }

  /// Says why a request can't be met.
  mutating func refuse(_ refusal: TargetFrame.Refusal, _ first: Int = 0, _ second: Int = 0) {
    begin(TargetFrame.Answer.refusal)
    add(byte: refusal.rawValue)
    add(size: first)
    add(size: second)
    send()
  }
}

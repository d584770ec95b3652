import QuantInfer

/// The time from a beat to its decision that an image's provenance names: a line `decisionDelaySeconds=0.7`.
struct TrainedDelay {
  private let microseconds: UInt32

  /// The longest that is taken for one.
  private static var longestSeconds: UInt32 { 60 }

  /// `decisionDelaySeconds=` in ASCII.
  private static var key: InlineArray<21, UInt8> {
    [
      0x64, 0x65, 0x63, 0x69, 0x73, 0x69, 0x6F, 0x6E, 0x44, 0x65, 0x6C, 0x61, 0x79, 0x53, 0x65, 0x63, 0x6F,
      0x6E, 0x64,
      0x73, 0x3D,
    ]
  }

  /// Reads it; nil where the provenance has no such line, or no decimal number of at most a minute there.
  init?(of model: Model) {
    let (start, count) = model.section(.provenance)
    let key = Self.key
    let end = start &+ count
    var line = start
    while line < end {
      var next = line
      while next < end, model.byte(at: next) != 0x0A { next &+= 1 }
      if next &- line > key.count, Self.begins(line, with: key, in: model) {
        guard let found = Self.microseconds(line &+ key.count, next, in: model) else { return nil }
        microseconds = found
        return
      }
      line = next &+ 1
    }
    return nil
  }

  /// The same in samples, the nearest number.
  func samples(atMillihertz rate: UInt32) -> Int32 {
    // microseconds * rate / 10^9 by 32 bits, a binary digit of the microseconds at a time.
    let (unit, rate) = (UInt32(1_000_000_000), min(rate, 1_000_000_000))
    var (quotient, rest, bit) = (UInt32(0), UInt32(0), UInt32(1) &<< 31)
    while bit > 0 {
      rest = rest &+ rest &+ (microseconds & bit == 0 ? 0 : rate)
      quotient = quotient &+ quotient &+ rest / unit
      rest = rest % unit
      bit = bit / 2
    }
    return Int32(truncatingIfNeeded: quotient &+ (rest >= unit / 2 ? 1 : 0))
  }

  private static func begins(_ place: Int, with key: InlineArray<21, UInt8>, in model: Model) -> Bool {
    for index in 0..<key.count where model.byte(at: place &+ index) != key[index] {
      return false
    }
    return true
  }

  /// A decimal number of seconds; nil where the text isn't one.
  private static func microseconds(_ start: Int, _ end: Int, in model: Model) -> UInt32? {
    var (value, unit, hasPoint) = (UInt32(0), UInt32(1_000_000), false)
    for place in start..<end {
      let byte = model.byte(at: place)
      if byte == 0x2E, !hasPoint {
        hasPoint = true
        continue
      }
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      let digit = UInt32(byte &- 0x30)
      if hasPoint {
        unit /= 10
        value &+= digit &* unit
      } else {
        value = value &* 10 &+ digit &* 1_000_000
        guard value <= longestSeconds &* 1_000_000 else { return nil }
      }
    }
    return value <= longestSeconds &* 1_000_000 ? value : nil
  }
}

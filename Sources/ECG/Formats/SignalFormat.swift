/// How samples are stored in a WFDB signal file.
package enum SignalFormat: Int, Sendable, CaseIterable {
  /// No samples are stored; every sample is invalid.
  case null = 0
  /// First differences of 8 bits.
  case differences8 = 8
  /// Two's complement of 16 bits, low byte first.
  case twosComplement16 = 16
  /// Two's complement of 24 bits, low byte first.
  case twosComplement24 = 24
  /// Two's complement of 32 bits, low byte first.
  case twosComplement32 = 32
  /// Two's complement of 16 bits, high byte first.
  case bigEndian16 = 61
  /// Offset binary of 8 bits.
  case offsetBinary8 = 80
  /// Offset binary of 16 bits, low byte first.
  case offsetBinary16 = 160
  /// Two samples of 12 bits in three bytes.
  case packed12 = 212
  /// Three samples of 10 bits in two words of 16 bits.
  case packed10 = 310
  /// Three samples of 10 bits in one word of 32 bits.
  case packed10Sequential = 311

  /// The significant bits of a stored sample.
  package var bitCount: Int {
    switch self {
    case .null: 0
    case .differences8, .offsetBinary8: 8
    case .twosComplement16, .bigEndian16, .offsetBinary16: 16
    case .twosComplement24: 24
    case .twosComplement32: 32
    case .packed12: 12
    case .packed10, .packed10Sequential: 10
    }
  }

  /// The stored value that stands for "no valid sample"; nil where the format has none.
  ///
  /// It is the lowest value that the format can hold.
  package var invalidCode: Int32? {
    switch self {
    case .null, .differences8: nil
    default: -1 << Int32(bitCount - 1)
    }
  }

  /// The ADC resolution that a header implies when it states none.
  var defaultResolutionBits: Int {
    switch self {
    case .offsetBinary8: 8
    case .differences8, .packed10, .packed10Sequential: 10
    default: 12
    }
  }

  /// The samples that share one packing unit, and that unit's bytes.
  private var unit: (samples: Int, bytes: Int) {
    switch self {
    case .null: (1, 0)
    case .differences8, .offsetBinary8: (1, 1)
    case .twosComplement16, .bigEndian16, .offsetBinary16: (1, 2)
    case .twosComplement24: (1, 3)
    case .twosComplement32: (1, 4)
    case .packed12: (2, 3)
    case .packed10, .packed10Sequential: (3, 4)
    }
  }

  /// The bytes that the first `count` samples of a packing unit reach into.
  private func partialUnitBytes(_ count: Int) -> Int {
    switch (self, count) {
    case (_, 0): 0
    case (.packed10, 2): 4
    case (.packed10Sequential, 2): 3
    default: 2
    }
  }

  /// The bytes that hold `sampleCount` samples, or nil where that number is beyond an `Int`.
  func byteCount(sampleCount: Int) -> Int? {
    let (units, rest) = sampleCount.quotientAndRemainder(dividingBy: unit.samples)
    let whole = units.multipliedReportingOverflow(by: unit.bytes)
    let total = whole.partialValue.addingReportingOverflow(partialUnitBytes(rest))
    return whole.overflow || total.overflow ? nil : total.partialValue
  }

  /// The samples that `byteCount` bytes hold; 0 for the null format.
  func sampleCount(byteCount: Int) -> Int {
    guard unit.bytes > 0 else { return 0 }
    let (units, rest) = byteCount.quotientAndRemainder(dividingBy: unit.bytes)
    var count = units * unit.samples
    for extra in 1..<max(unit.samples, 1) where partialUnitBytes(extra) <= rest {
      count = units * unit.samples + extra
    }
    return count
  }
}

// MARK: - Packing

extension SignalFormat {
  /// Unpacks stored samples in file order; format 8 gives its differences.
  ///
  /// - Precondition: `bytes` has at least `byteCount(sampleCount: samples.count)` bytes.
  func unpack(_ bytes: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int32>) {
    let count = samples.count
    guard count > 0 else { return }
    precondition(bytes.count >= byteCount(sampleCount: count) ?? .max)
    func word(_ offset: Int) -> UInt32 {
      UInt32(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    }
    switch self {
    case .null:
      samples.update(repeating: Signal.invalidSample)
    case .differences8:
      for i in 0..<count { samples[i] = Int32(Int8(bitPattern: bytes[i])) }
    case .offsetBinary8:
      for i in 0..<count { samples[i] = Int32(bytes[i]) &- 128 }
    case .twosComplement16:
      for i in 0..<count { samples[i] = Int32(Int16(truncatingIfNeeded: word(2 &* i))) }
    case .bigEndian16:
      for i in 0..<count { samples[i] = Int32(Int16(truncatingIfNeeded: word(2 &* i)).byteSwapped) }
    case .offsetBinary16:
      for i in 0..<count { samples[i] = Int32(word(2 &* i)) &- 32768 }
    case .twosComplement24:
      for i in 0..<count {
        let high = Int32(Int8(bitPattern: bytes[3 &* i &+ 2]))
        samples[i] = high << 16 | Int32(word(3 &* i))
      }
    case .twosComplement32:
      for i in 0..<count {
        samples[i] = Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 &* i, as: Int32.self))
      }
    case .packed12:
      for pair in 0..<count / 2 {
        let low = word(3 &* pair)
        let second = (low >> 4) & 0xF00 | UInt32(bytes[3 &* pair &+ 2])
        samples[2 &* pair] = signed(low, bits: 12)
        samples[2 &* pair &+ 1] = signed(second, bits: 12)
      }
      if count % 2 == 1 { samples[count - 1] = signed(word(count / 2 * 3), bits: 12) }
    case .packed10:
      for i in 0..<count {
        let base = i / 3 * 4
        switch i % 3 {
        case 0: samples[i] = signed(word(base) >> 1, bits: 10)
        case 1: samples[i] = signed(word(base + 2) >> 1, bits: 10)
        default: samples[i] = signed(word(base) >> 11 | (word(base + 2) >> 11) << 5, bits: 10)
        }
      }
    case .packed10Sequential:
      for i in 0..<count {
        let base = i / 3 * 4
        switch i % 3 {
        case 0: samples[i] = signed(word(base), bits: 10)
        case 1: samples[i] = signed(word(base) >> 10 | UInt32(bytes[base + 2]) << 6, bits: 10)
        default: samples[i] = signed(word(base + 2) >> 4, bits: 10)
        }
      }
    }
  }

  /// Packs stored samples in file order; format 8 takes its differences.
  ///
  /// - Precondition: Each sample fits `bitCount` bits.
  func pack(_ samples: [Int32]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity((byteCount(sampleCount: samples.count) ?? 0) + 4)
    func append(_ value: UInt32, bytes count: Int) {
      for i in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * i))) }
    }
    func field(_ index: Int, bits: UInt32) -> UInt32 {
      index < samples.count ? UInt32(bitPattern: samples[index]) & (1 << bits - 1) : 0
    }
    switch self {
    case .null: break
    case .differences8: for sample in samples { append(UInt32(bitPattern: sample), bytes: 1) }
    case .offsetBinary8: for sample in samples { append(UInt32(bitPattern: sample &+ 128), bytes: 1) }
    case .twosComplement16: for sample in samples { append(UInt32(bitPattern: sample), bytes: 2) }
    case .bigEndian16:
      for sample in samples {
        append(UInt32(UInt16(truncatingIfNeeded: sample).byteSwapped), bytes: 2)
      }
    case .offsetBinary16: for sample in samples { append(UInt32(bitPattern: sample &+ 32768), bytes: 2) }
    case .twosComplement24: for sample in samples { append(UInt32(bitPattern: sample), bytes: 3) }
    case .twosComplement32: for sample in samples { append(UInt32(bitPattern: sample), bytes: 4) }
    case .packed12:
      for i in stride(from: 0, to: samples.count, by: 2) {
        let (first, second) = (field(i, bits: 12), field(i + 1, bits: 12))
        append(first | (second >> 8) << 12, bytes: 2)
        if i + 1 < samples.count { append(second, bytes: 1) }
      }
    case .packed10:
      for i in stride(from: 0, to: samples.count, by: 3) {
        let third = field(i + 2, bits: 10)
        append(field(i, bits: 10) << 1 | third << 11, bytes: 2)
        if i + 1 < samples.count { append(field(i + 1, bits: 10) << 1 | (third >> 5) << 11, bytes: 2) }
      }
    case .packed10Sequential:
      for i in stride(from: 0, to: samples.count, by: 3) {
        let word = field(i, bits: 10) | field(i + 1, bits: 10) << 10 | field(i + 2, bits: 10) << 20
        append(word, bytes: i + 1 < samples.count ? 4 : 2)
      }
    }
    return bytes
  }
}

/// The low `bits` bits of `value` as a two's complement number.
@inline(__always)
private func signed(_ value: UInt32, bits: UInt32) -> Int32 {
  Int32(bitPattern: value << (32 - bits)) >> Int32(32 - bits)
}

/// The image's bytes and the reading of numbers from them.
@safe
struct ImageBytes {
  let base: UnsafeRawPointer

  /// The image's size by its header, which is right.
  var count: Int { number(at: ModelFormat.Header.imageByteCount) }

  /// Bytes that were not checked, and are no image.
  init(unchecked base: UnsafeRawPointer) { unsafe self.base = base }

  /// Checks what can be known of any image: size, magic, version, checksum, sections.
  init(_ bytes: UnsafeRawBufferPointer) throws(ModelError) {
    typealias Header = ModelFormat.Header
    guard let start = bytes.baseAddress, bytes.count >= Header.byteCount else {
      throw ModelError(.truncated, at: bytes.count)
    }
    guard UInt(bitPattern: start) % UInt(ModelFormat.alignment) == 0 else {
      throw ModelError(.misaligned, at: 0)
    }
    unsafe base = start
    guard word(at: Header.magic) == ModelFormat.magic else { throw ModelError(.notAModelImage, at: 0) }
    // Two bytes of zeros follow the version.
    guard word(at: Header.version) == UInt32(ModelFormat.version) else {
      throw ModelError(.unsupportedVersion, at: Header.version)
    }
    let size = number(at: Header.imageByteCount)
    guard size >= Header.byteCount, unsafe bytes.count == size || Signature.content(of: bytes).count == size
    else {
      throw ModelError(.truncated, at: Header.imageByteCount)
    }
    let image = unsafe UnsafeRawBufferPointer(start: start, count: size)
    guard unsafe ModelFormat.checksum(of: image) == word(at: Header.checksum) else {
      throw ModelError(.checksumMismatch, at: Header.checksum)
    }
    try validateSections()
  }

  /// Checks where the sections lie, and that none is required and unknown.
  private func validateSections() throws(ModelError) {
    typealias Field = ModelFormat.Section
    let count = try size(at: ModelFormat.Header.sectionCount)
    let first = try offset(at: ModelFormat.Header.sections, count: count, stride: Field.byteCount)
    var indices = Indices(to: count)
    while let index = indices.next() {
      let place = first &+ index &* Field.byteCount
      guard SectionKind(rawValue: half(at: place)) != nil || byte(at: place &+ Field.isRequired) == 0 else {
        throw ModelError(.unsupportedSection, at: place)
      }
      let length = try size(at: place &+ Field.contentByteCount)
      if length != 0 { try offset(at: place &+ Field.content, count: length, stride: 1) }
    }
  }

  /// A network's section that has content; (0, 0) where there is none.
  func section(_ kind: SectionKind, of network: Int) -> (byteOffset: Int, byteCount: Int) {
    typealias Field = ModelFormat.Section
    var indices = Indices(to: number(at: ModelFormat.Header.sectionCount))
    while let index = indices.next() {
      let place = number(at: ModelFormat.Header.sections) &+ index &* Field.byteCount
      let length = number(at: place &+ Field.contentByteCount)
      guard half(at: place) == kind.rawValue, Int(byte(at: place &+ Field.network)) == network, length != 0
      else {
        continue
      }
      return (number(at: place &+ Field.content), length)
    }
    return (0, 0)
  }

  @inline(__always)
  func word(at offset: Int) -> UInt32 {
    unsafe UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  func signedWord(at offset: Int) -> Int32 { Int32(bitPattern: word(at: offset)) }

  @inline(__always)
  func half(at offset: Int) -> UInt16 {
    unsafe UInt16(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @inline(__always)
  func byte(at offset: Int) -> UInt8 { unsafe base.load(fromByteOffset: offset, as: UInt8.self) }

  /// Constants whose offset stands in a field; it was checked, or the pointer is not followed.
  @inline(__always)
  func pointer<Element>(at field: Int) -> UnsafePointer<Element> {
    unsafe (base + Int(truncatingIfNeeded: signedWord(at: field))).assumingMemoryBound(to: Element.self)
  }

  /// A size, an offset or an index that was checked.
  @inline(__always)
  func number(at field: Int) -> Int { Int(truncatingIfNeeded: signedWord(at: field)) }

  /// A size or an index: what `Int` can hold on every target.
  func size(at field: Int) throws(ModelError) -> Int {
    let value = number(at: field)
    guard value >= 0 else { throw ModelError(.offsetOutOfRange, at: field) }
    return value
  }

  /// The offset in a field, which must be aligned and have `count * stride` bytes after it.
  @discardableResult @inline(never)
  func offset(at field: Int, count elements: Int, stride: Int) throws(ModelError) -> Int {
    let start = number(at: field)
    let (length, overflow) = elements.multipliedReportingOverflow(by: stride)
    let alignment = min(stride & (0 &- stride), ModelFormat.alignment)
    guard !overflow, start & (alignment &- 1) == 0, start >= ModelFormat.Header.byteCount, start <= count,
      length <= count &- start
    else { throw ModelError(.offsetOutOfRange, at: field) }
    return start
  }
}

extension ImageBytes {
  /// A multiplier and its left shift, an `Int32` each.
  func multiplier(at place: Int) -> FixedPointMultiplier {
    FixedPointMultiplier(
      multiplierQ31: signedWord(at: place), leftShift: Int8(truncatingIfNeeded: signedWord(at: place &+ 4)))
  }

  /// The same, checked.
  func validMultiplier(at place: Int) throws(ModelError) -> FixedPointMultiplier {
    let multiplier = multiplier(at: place)
    guard multiplier.isValid, signedWord(at: place &+ 4) == Int32(multiplier.leftShift) else {
      throw ModelError(.invalidMultiplier, at: place)
    }
    return multiplier
  }
}

extension ModelFormat {
  /// The CRC-32 of an image's bytes but those that hold it; the image has a header at least.
  public static func checksum(of image: UnsafeRawBufferPointer) -> UInt32 {
    guard let start = image.baseAddress, image.count >= Header.byteCount else { return 0 }
    let head = unsafe CRC32.checksum(UnsafeRawBufferPointer(start: start, count: Header.checksum))
    let rest = Header.checksum &+ 4
    return unsafe CRC32.checksum(
      UnsafeRawBufferPointer(start: start + rest, count: image.count &- rest), continuing: head)
  }
}

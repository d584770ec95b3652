import QuantInfer

/// What the runtime says of images that must be refused: one cut off, one of another version, some with a flipped bit,
/// and forged ones that ask for more memory than a 32-bit core has sizes for.
struct Refusals {
  private let image: UnsafeRawBufferPointer

  init(_ image: UnsafeRawBufferPointer) { self.image = image }

  func print() {
    print("cut off", 0, image.count &- 4, image)
    print("cut off", 1, 12, image)
    var memory = Memory()
    let copy = memory.take(image.count)
    guard copy.count == image.count else { return }
    copy.copyMemory(from: image)
    copy[ModelFormat.Header.version] &+= 1
    print("version", 0, image.count, UnsafeRawBufferPointer(copy))
    copy[ModelFormat.Header.version] &-= 1
    // Bits spread over the image, the same on every machine.
    var place: UInt32 = 1
    for index in 0..<8 {
      place = place &* 1_664_525 &+ 1_013_904_223
      let byte = Int(truncatingIfNeeded: place &>> 8) % image.count
      copy[byte] ^= 1 &<< UInt8(truncatingIfNeeded: index)
      print("flipped", byte, image.count, UnsafeRawBufferPointer(copy))
      copy[byte] ^= 1 &<< UInt8(truncatingIfNeeded: index)
    }
    // Sizes whose sums a 32-bit core can't hold, with the checksum right again.
    // Arena, scratch and state are the first fields of the network's record, which the first section names.
    let network = word(copy, at: word(copy, at: ModelFormat.Header.sections) &+ ModelFormat.Section.content)
    for field in 0..<3 {
      let place = network &+ 4 &* field
      let (low, high) = (copy[place], copy[place &+ 3])
      (copy[place], copy[place &+ 3]) = (0xf0, 0x7f)
      seal(copy)
      print("forged", place, image.count, UnsafeRawBufferPointer(copy))
      (copy[place], copy[place &+ 3]) = (low, high)
      seal(copy)
    }
    print("whole", 0, image.count, UnsafeRawBufferPointer(copy))
  }

  private func word(_ copy: UnsafeMutableRawBufferPointer, at place: Int) -> Int {
    Int(truncatingIfNeeded: UInt32(littleEndian: copy.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
  }

  /// Makes the checksum right again.
  private func seal(_ copy: UnsafeMutableRawBufferPointer) {
    let checksum = ModelFormat.checksum(of: UnsafeRawBufferPointer(copy))
    for index in 0..<4 {
      copy[ModelFormat.Header.checksum &+ index] = UInt8(
        truncatingIfNeeded: checksum &>> UInt32(truncatingIfNeeded: 8 &* index))
    }
  }

  private func print(_ what: StaticString, _ number: Int, _ byteCount: Int, _ bytes: UnsafeRawBufferPointer) {
    Console.put("image ")
    Console.put(what)
    Console.put(" ")
    Console.put(number)
    do throws(ModelError) {
      _ = try Model(validating: UnsafeRawBufferPointer(rebasing: bytes[..<byteCount]))
      Console.put(": taken")
    } catch {
      Console.put(": refused with error ")
      Console.put(Int(error.kind.rawValue))
      Console.put(" at byte ")
      Console.put(error.byteOffset)
    }
    Console.endLine()
  }
}

import QuantInfer

/// Puts the right checksum into a changed image, so that validation has to look further.
package func resealed(_ image: [UInt8]) -> [UInt8] {
  var image = image
  guard image.count >= ModelFormat.Header.byteCount else { return image }
  let checksum = image.withUnsafeBytes { ModelFormat.checksum(of: $0) }
  for index in 0..<4 {
    image[ModelFormat.Header.checksum + index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(index)))
  }
  return image
}

/// A saved state with its checksum made right.
package func resealed(savedState copy: [UInt8]) -> [UInt8] {
  var copy = copy
  let covered = copy[..<SavedState.Header.checksum] + copy[SavedState.Header.byteCount...]
  let checksum = Array(covered).withUnsafeBytes { CRC32.checksum($0) }
  for index in 0..<4 {
    copy[SavedState.Header.checksum + index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(index)))
  }
  return copy
}

/// A word of an image.
package func word(_ image: [UInt8], at place: Int) -> Int {
  (0..<4).reduce(0) { $0 | Int(image[place + $1]) << (8 * $1) }
}

/// The place of a field of the record of an image's network, which the exporter names in the first section.
package func networkField(_ field: Int, of image: [UInt8]) -> Int {
  word(image, at: word(image, at: ModelFormat.Header.sections) + ModelFormat.Section.content) + field
}

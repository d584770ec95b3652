import QuantInfer

/// Puts the right checksum into a changed image, so that validation has to look further.
package func resealed(_ image: [UInt8]) -> [UInt8] {
  var image = image
  guard image.count > ModelFormat.checksumStart else { return image }
  let checksum = image.withUnsafeBytes {
    CRC32.checksum(UnsafeRawBufferPointer(rebasing: $0[ModelFormat.checksumStart...]))
  }
  for index in 0..<4 {
    image[ModelFormat.Header.checksum + index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(index)))
  }
  return image
}

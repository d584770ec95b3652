/// Rows of inputs times packed weights: the heart of convolutions and fully connected operators.
enum MatrixProduct {
  /// Computes the outputs of a group of channels for some rows.
  ///
  /// - Parameters:
  ///   - rows: Rows of inputs, widened to 16 bits; each is filled up to a multiple of four.
  ///   - rowCount: How many.
  ///   - quads: The size of a row, in fours.
  ///   - weights: The operator's constants.
  ///   - firstQuad: The place of the group's first block, in quads.
  ///   - channels: The group's output channels.
  ///   - output: The output of the first row's first channel.
  ///   - outputStride: The distance from one row's outputs to the next one's.
  ///   - zeroPoint: The output's.
  @inline(__always)
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    rows: UnsafePointer<Int16>, rowCount: Int, quads: Int, weights: Weights, firstQuad: Int,
    channels: Range<Int>, output: UnsafeMutablePointer<Code>, outputStride: Int, zeroPoint: Int32
  ) {
    for row in 0..<rowCount {
      let inputs = unsafe rows + (row &* quads &* 4)
      let outputs = unsafe output + (row &* outputStride)
      var place = firstQuad
      var channel = channels.lowerBound
      while channel < channels.upperBound {
        let count = min(4, channels.upperBound &- channel)
        if weights.accumulatorBits == 32 {
          let sums = unsafe block(inputs, quads: quads, weights: weights, at: place)
          for index in 0..<count {
            let code = weights.code(sums[index], channel: channel &+ index, zeroPoint: zeroPoint)
            unsafe outputs[channel &- channels.lowerBound &+ index] = Code(truncatingIfNeeded: code)
          }
        } else {
          let sums = unsafe wideBlock(inputs, quads: quads, weights: weights, at: place)
          for index in 0..<count {
            let code = weights.code(sums[index], channel: channel &+ index, zeroPoint: zeroPoint)
            unsafe outputs[channel &- channels.lowerBound &+ index] = Code(truncatingIfNeeded: code)
          }
        }
        place &+= quads
        channel &+= 4
      }
    }
  }

  /// The sums of a block of four channels.
  @inline(__always)
  private static func block(
    _ inputs: UnsafePointer<Int16>, quads: Int, weights: Weights, at place: Int
  ) -> SIMD4<Int32> {
    var (a, b, c, d) = (Int32(0), Int32(0), Int32(0), Int32(0))
    for quad in 0..<quads {
      let w = weights.quad(place &+ quad)
      for index in 0..<4 {
        let x = unsafe Int32(inputs[4 &* quad &+ index])
        a &+= x &* Int32(w[index])
        b &+= x &* Int32(w[4 &+ index])
        c &+= x &* Int32(w[8 &+ index])
        d &+= x &* Int32(w[12 &+ index])
      }
    }
    return SIMD4(a, b, c, d)
  }

  /// The sums of a block of four channels in 64 bits.
  @inline(__always)
  private static func wideBlock(
    _ inputs: UnsafePointer<Int16>, quads: Int, weights: Weights, at place: Int
  ) -> SIMD4<Int64> {
    var sums = SIMD4<Int64>.zero
    for quad in 0..<quads {
      let w = weights.quad(place &+ quad)
      for index in 0..<4 {
        let x = unsafe Int32(inputs[4 &* quad &+ index])
        for channel in 0..<4 {
          sums[channel] &+= Int64(extending: x &* Int32(w[4 &* channel &+ index]))
        }
      }
    }
    return sums
  }
}

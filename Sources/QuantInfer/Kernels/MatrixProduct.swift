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
    var rowIndices = Indices(to: rowCount)
    while let row = rowIndices.next() {
      let inputs = unsafe rows + (row &* quads &* 4)
      let outputs = unsafe output + (row &* outputStride &- channels.lowerBound)
      var place = firstQuad
      var channel = channels.lowerBound
      while channel < channels.upperBound {
        let some = unsafe Range(uncheckedBounds: (channel, min(channel &+ 4, channels.upperBound)))
        if weights.accumulatorBits == 32 {
          var sums = BlockSums<Int32>()
          unsafe sums.add(inputs, quads: quads, times: weights, at: place)
          unsafe sums.encode(some, weights: weights, zeroPoint: zeroPoint, into: outputs)
        } else {
          var sums = BlockSums<Int64>()
          unsafe sums.add(inputs, quads: quads, times: weights, at: place)
          unsafe sums.encode(some, weights: weights, zeroPoint: zeroPoint, into: outputs)
        }
        place &+= quads
        channel &+= 4
      }
    }
  }
}

/// The sums of a block of four channels.
struct BlockSums<Total: Sum> {
  private var (a, b, c, d): (Total, Total, Total, Total)

  @inline(__always)
  init() {
    let zero = Total(extending: 0)
    (a, b, c, d) = (zero, zero, zero, zero)
  }

  /// Adds inputs times their weights, which begin at a quad.
  @inline(__always)
  mutating func add<Code: FixedWidthInteger & SignedInteger>(
    _ inputs: UnsafePointer<Code>, quads: Int, times weights: Weights, at firstQuad: Int
  ) {
    let first = 16 &* firstQuad
    if !Built.anyWeights || weights.weightBits == 8 {
      var (codes, quad) = unsafe (inputs, weights.packed + first)
      var rest = quads
      while rest > 0 {
        rest &-= 1
        unsafe addQuad(codes) { unsafe Int32(quad[$0]) }
        unsafe codes += 4
        unsafe quad += 16
      }
    } else {
      var places = Indices(to: quads)
      while let quad = places.next() {
        unsafe addQuad(inputs + 4 &* quad) { weights.tap(first &+ 16 &* quad &+ $0) }
      }
    }
  }

  /// Adds four inputs times their weights: `[channel, input]`.
  @inline(__always)
  private mutating func addQuad<Code: FixedWidthInteger & SignedInteger>(
    _ codes: UnsafePointer<Code>, weight: (Int) -> Int32
  ) {
    let x = unsafe (
      Int32(truncatingIfNeeded: codes[0]), Int32(truncatingIfNeeded: codes[1]),
      Int32(truncatingIfNeeded: codes[2]), Int32(truncatingIfNeeded: codes[3])
    )
    a &+= Self.dot(x, weight(0), weight(1), weight(2), weight(3))
    b &+= Self.dot(x, weight(4), weight(5), weight(6), weight(7))
    c &+= Self.dot(x, weight(8), weight(9), weight(10), weight(11))
    d &+= Self.dot(x, weight(12), weight(13), weight(14), weight(15))
  }

  /// The sum of four products.
  @inline(__always)
  private static func dot(
    _ x: (Int32, Int32, Int32, Int32), _ p: Int32, _ q: Int32, _ r: Int32, _ s: Int32
  ) -> Total {
    Total(extending: x.0 &* p) &+ Total(extending: x.1 &* q) &+ Total(extending: x.2 &* r)
      &+ Total(extending: x.3 &* s)
  }

  /// Adds the input `index` times its weights in a block.
  @inline(__always)
  mutating func add(_ code: Int32, _ index: Int, times weights: Weights, at firstQuad: Int) {
    let first = 16 &* (firstQuad &+ index &>> 2) &+ index & 3
    a &+= Total(extending: code &* weights.tap(first))
    b &+= Total(extending: code &* weights.tap(first &+ 4))
    c &+= Total(extending: code &* weights.tap(first &+ 8))
    d &+= Total(extending: code &* weights.tap(first &+ 12))
  }

  /// Writes the codes of channels, the block's first ones.
  ///
  /// - Parameters:
  ///   - channels: At least one, at most four.
  ///   - offset: What to take from each sum.
  ///   - weights: The operator's constants.
  ///   - zeroPoint: The output's.
  ///   - outputs: Where channel 0's code goes.
  @inline(__always)
  func encode<Code: FixedWidthInteger & SignedInteger>(
    _ channels: Range<Int>, less offset: Int32 = 0, weights: Weights, zeroPoint: Int32,
    into outputs: UnsafeMutablePointer<Code>
  ) {
    var (sum, then) = (a, (b, c, d))
    var indices = Indices(from: channels.lowerBound, to: channels.upperBound)
    while let channel = indices.next() {
      let code = weights.code(sum &- Total(extending: offset), channel: channel, zeroPoint: zeroPoint)
      unsafe outputs[channel] = Code(truncatingIfNeeded: code)
      (sum, then) = (then.0, (then.1, then.2, d))
    }
  }
}

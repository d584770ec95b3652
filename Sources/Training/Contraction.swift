/// The one inner loop of the float network, forward and backward: a matrix product in segments.
///
/// `C[r, n] += sum over s, d of A[s, r, d] B[s, d, n]`, with any strides for `A`, and `n` contiguous in
/// `B` and `C`. The sum is always taken in the same order, by separate multiplications and additions, so
/// that every machine computes the same bits.
struct Contraction {
  /// The number of rows of `A` and `C`.
  var rows: Int
  /// The number of segments: a convolution's kernel columns, or the windows of a batch.
  var segments: Int
  /// The number of products a segment.
  var depth: Int
  /// The number of columns of `B` and `C`: a multiple of `blockWidth`.
  var columns: Int
  /// The distances, in numbers, between rows, segments and products of `A`.
  var aRowStride: Int, aSegmentStride: Int, aDepthStride: Int
  /// The distances between segments and products of `B`.
  var bSegmentStride: Int, bDepthStride: Int
  /// The distance between rows of `C`.
  var cRowStride: Int

  private typealias Block = SIMD8<Float>

  /// The number of columns that are computed together.
  static let blockWidth = 8

  /// The smallest multiple of `blockWidth` that holds `count` columns.
  static func padded(_ count: Int) -> Int {
    (count + blockWidth - 1) / blockWidth * blockWidth
  }

  /// Adds the products to `c`.
  func accumulate(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>
  ) {
    var column = 0
    while column < columns {
      var row = 0
      while row &+ 4 <= rows {
        accumulateFourRows(a + row &* aRowStride, b + column, c + (row &* cRowStride &+ column))
        row &+= 4
      }
      while row < rows {
        accumulateRow(a + row &* aRowStride, b + column, c + (row &* cRowStride &+ column))
        row &+= 1
      }
      column &+= Self.blockWidth
    }
  }

  @inline(__always)
  private func accumulateFourRows(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
  ) {
    var sum0 = load(c)
    var sum1 = load(c + cRowStride)
    var sum2 = load(c + 2 &* cRowStride)
    var sum3 = load(c + 3 &* cRowStride)
    for segment in 0..<segments {
      var a = a + segment &* aSegmentStride
      var b = b + segment &* bSegmentStride
      for _ in 0..<depth {
        let factor = load(b)
        sum0 += factor * a[0]
        sum1 += factor * a[aRowStride]
        sum2 += factor * a[2 &* aRowStride]
        sum3 += factor * a[3 &* aRowStride]
        a += aDepthStride
        b += bDepthStride
      }
    }
    store(sum0, c)
    store(sum1, c + cRowStride)
    store(sum2, c + 2 &* cRowStride)
    store(sum3, c + 3 &* cRowStride)
  }

  @inline(__always)
  private func accumulateRow(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
  ) {
    var sum = load(c)
    for segment in 0..<segments {
      var a = a + segment &* aSegmentStride
      var b = b + segment &* bSegmentStride
      for _ in 0..<depth {
        sum += load(b) * a[0]
        a += aDepthStride
        b += bDepthStride
      }
    }
    store(sum, c)
  }

  @inline(__always)
  private func load(_ pointer: UnsafePointer<Float>) -> Block {
    UnsafeRawPointer(pointer).loadUnaligned(as: Block.self)
  }

  @inline(__always)
  private func store(_ block: Block, _ pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: block, as: Block.self)
  }
}

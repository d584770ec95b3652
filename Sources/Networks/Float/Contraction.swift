/// The one inner loop of the float network, forward and backward: a matrix product in segments.
///
/// `C[r, n] += sum over s, d of A[s, r, d] B[s, d, n]`, with any strides for `A`, and `n` contiguous in
/// `B` and `C`. The sum is always taken in the same order, by separate multiplications and additions, so
/// that every machine computes the same bits.
package struct Contraction {
  /// The number of rows of `A` and `C`.
  package var rows: Int
  /// The number of segments: a convolution's kernel columns, or the windows of a batch.
  var segments: Int
  /// The number of products a segment.
  package var depth: Int
  /// The number of columns of `B` and `C`: a multiple of `blockWidth`.
  var columns: Int
  /// The distances, in numbers, between rows, segments and products of `A`.
  package var aRowStride: Int, aSegmentStride: Int, aDepthStride: Int
  /// The distances between segments and products of `B`.
  var bSegmentStride: Int, bDepthStride: Int
  /// The distance between rows of `C`.
  package var cRowStride: Int

  /// Creates a product of these sizes and distances.
  package init(
    rows: Int, segments: Int, depth: Int, columns: Int, aRowStride: Int, aSegmentStride: Int,
    aDepthStride: Int, bSegmentStride: Int, bDepthStride: Int, cRowStride: Int
  ) {
    (self.rows, self.segments, self.depth, self.columns) = (rows, segments, depth, columns)
    (self.aRowStride, self.aSegmentStride, self.aDepthStride) = (aRowStride, aSegmentStride, aDepthStride)
    (self.bSegmentStride, self.bDepthStride, self.cRowStride) = (bSegmentStride, bDepthStride, cRowStride)
  }

  /// The number of columns that are computed together.
  package static let blockWidth = 8

  /// The smallest multiple of `blockWidth` that holds `count` columns.
  package static func padded(_ count: Int) -> Int {
    (count + blockWidth - 1) / blockWidth * blockWidth
  }

  /// Adds the products to `c`.
  package func accumulate(
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
    var sum0 = c.block(0)
    var sum1 = c.block(cRowStride)
    var sum2 = c.block(2 &* cRowStride)
    var sum3 = c.block(3 &* cRowStride)
    for segment in 0..<segments {
      var a = a + segment &* aSegmentStride
      var b = b + segment &* bSegmentStride
      for _ in 0..<depth {
        let factor = b.block(0)
        sum0 += factor * a[0]
        sum1 += factor * a[aRowStride]
        sum2 += factor * a[2 &* aRowStride]
        sum3 += factor * a[3 &* aRowStride]
        a += aDepthStride
        b += bDepthStride
      }
    }
    c.set(0, sum0)
    c.set(cRowStride, sum1)
    c.set(2 &* cRowStride, sum2)
    c.set(3 &* cRowStride, sum3)
  }

  @inline(__always)
  private func accumulateRow(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
  ) {
    var sum = c.block(0)
    for segment in 0..<segments {
      var a = a + segment &* aSegmentStride
      var b = b + segment &* bSegmentStride
      for _ in 0..<depth {
        sum += b.block(0) * a[0]
        a += aDepthStride
        b += bDepthStride
      }
    }
    c.set(0, sum)
  }
}

extension UnsafePointer<Float> {
  /// The eight numbers from `place` on.
  @inlinable @inline(__always)
  package func block(_ place: Int) -> SIMD8<Float> {
    UnsafeRawPointer(self + place).loadUnaligned(as: SIMD8<Float>.self)
  }
}

extension UnsafeMutablePointer<Float> {
  /// The eight numbers from `place` on.
  @inlinable @inline(__always)
  package func block(_ place: Int) -> SIMD8<Float> {
    UnsafeRawPointer(self + place).loadUnaligned(as: SIMD8<Float>.self)
  }

  /// Sets the eight numbers from `place` on.
  @inlinable @inline(__always)
  package func set(_ place: Int, _ block: SIMD8<Float>) {
    UnsafeMutableRawPointer(self + place).storeBytes(of: block, as: SIMD8<Float>.self)
  }
}

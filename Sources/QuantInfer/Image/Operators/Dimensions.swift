/// Up to six dimensions to go through, the last one in the innermost loop.
struct Dimensions {
  private let lengths: SIMD8<Int32>

  /// Reads six lengths.
  init(_ image: ImageBytes, at place: Int) {
    lengths = Self.six(image, at: place)
  }

  /// The length of the last dimension.
  var last: Int { Int(truncatingIfNeeded: lengths[5]) }

  /// The length of the last dimension but one.
  var rowCount: Int { Int(truncatingIfNeeded: lengths[4]) }

  /// How often the last dimension is gone through.
  var outerCount: Int {
    var count = 1
    for axis in 0..<5 { count &*= Int(truncatingIfNeeded: lengths[axis]) }
    return count
  }

  /// The next place of all dimensions but the last one, or of those before another.
  @inline(__always)
  func advance(_ place: inout SIMD8<Int32>, before end: Int = 5) {
    var axis = end &- 1
    while axis >= 0 {
      place[axis] &+= 1
      if place[axis] < lengths[axis] { return }
      place[axis] = 0
      axis &-= 1
    }
  }

  /// The number of elements; nil where a length or their product is impossible.
  var count: Int? {
    var count = 1
    for axis in 0..<6 {
      let length = Int(truncatingIfNeeded: lengths[axis])
      guard length > 0, length <= Tensor.greatestCount / count else { return nil }
      count *= length
    }
    return count
  }

  /// Whether all elements lie in a tensor of so many.
  func fit(_ strides: Strides, start: Int32 = 0, in count: Int) -> Bool {
    var (least, greatest) = (Int64(extending: start), Int64(extending: start))
    for axis in 0..<6 {
      let span =
        Int64(extending: lengths[axis] &- 1) &* Int64(extending: strides.distances[axis])
      if span < 0 { least &+= span } else { greatest &+= span }
    }
    return least >= 0 && greatest < Int64(extending: Int32(truncatingIfNeeded: count))
  }

  /// Whether all sums of an element's place here and one of other dimensions lie in a tensor of so many.
  func spansAtMost(
    _ strides: Strides, and others: Dimensions, _ otherStrides: Strides, in count: Int
  ) -> Bool {
    var greatest: Int64 = 0
    for axis in 0..<6 {
      let span = Int64(extending: lengths[axis] &- 1)
      let otherSpan = Int64(extending: others.lengths[axis] &- 1)
      guard strides.distances[axis] >= 0, otherStrides.distances[axis] >= 0 else { return false }
      greatest &+= span &* Int64(extending: strides.distances[axis])
      greatest &+= otherSpan &* Int64(extending: otherStrides.distances[axis])
    }
    return greatest < Int64(extending: Int32(truncatingIfNeeded: count))
  }

  /// Whether strides go through elements one after the other, each so far from the one before.
  func areContiguous(_ strides: Strides, from distance: Int32 = 1) -> Bool {
    var expected = distance
    for axis in (0..<6).reversed() where lengths[axis] > 1 {
      guard strides.distances[axis] == expected else { return false }
      expected &*= lengths[axis]
    }
    return true
  }

  fileprivate static func six(_ image: ImageBytes, at place: Int) -> SIMD8<Int32> {
    #if arch(x86_64) || arch(arm64)
      let four = unsafe image.base.loadUnaligned(fromByteOffset: place, as: SIMD4<Int32>.self)
      let two = unsafe image.base.loadUnaligned(fromByteOffset: place &+ 16, as: SIMD2<Int32>.self)
      return SIMD8(lowHalf: four, highHalf: SIMD4(lowHalf: two, highHalf: .zero))
    #else
      var numbers = SIMD8<Int32>.zero
      for index in 0..<6 { numbers[index] = image.signedWord(at: place &+ 4 &* index) }
      return numbers
    #endif
  }
}

/// The distances between elements along six dimensions.
struct Strides {
  fileprivate let distances: SIMD8<Int32>

  /// Reads six distances.
  init(_ image: ImageBytes, at place: Int) {
    distances = Dimensions.six(image, at: place)
  }

  /// The distance along the last dimension.
  var last: Int { Int(truncatingIfNeeded: distances[5]) }

  /// The distance along the last dimension but one.
  var row: Int { Int(truncatingIfNeeded: distances[4]) }

  /// How far a place is from the first element.
  @inline(__always)
  func offset(_ place: SIMD8<Int32>) -> Int {
    Int(truncatingIfNeeded: (place &* distances).wrappedSum())
  }
}

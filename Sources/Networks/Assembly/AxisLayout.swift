/// Where a tensor's values lie in memory, for any order of its dimensions.
///
/// A dimension consists of factors, and memory is a list of factors from the outermost to the innermost. So a transposed,
/// flattened or split tensor is another view of the same memory, and nothing is copied.
package struct AxisLayout: Equatable, Sendable {
  /// The factors' sizes, outermost in memory first; none is 1.
  package private(set) var factors: [Int]
  /// Each dimension's factors, the most significant first; none for a dimension of 1.
  package private(set) var axes: [[Int]]

  /// Creates the layout of a shape whose dimensions lie in memory in another order, outermost first; nil for their own.
  package init(_ shape: [Int], memoryOrder: [Int]? = nil) {
    factors = []
    axes = shape.map { _ in [] }
    for axis in memoryOrder ?? Array(shape.indices) where shape[axis] != 1 {
      axes[axis] = [factors.count]
      factors.append(shape[axis])
    }
  }

  /// The dimensions.
  package var shape: [Int] { axes.map { $0.reduce(1) { $0 * factors[$1] } } }
  /// The number of values.
  package var count: Int { factors.reduce(1, *) }
  /// The distances between a factor's neighbours in memory.
  package var strides: [Int] { contiguousStrides(factors) }

  /// Whether memory holds the values in the order of some dimensions, outermost first.
  package func isInOrder(of axes: [Int]) -> Bool {
    axes.flatMap { self.axes[$0] }.elementsEqual(factors.indices)
  }

  /// The dimensions from the outermost in memory to the innermost; nil where one consists of several factors.
  package var memoryOrder: [Int]? {
    guard axes.allSatisfy({ $0.count <= 1 }) else { return nil }
    return factors.indices.compactMap { factor in axes.firstIndex(of: [factor]) }
  }

  /// The same memory with the dimensions in another order.
  package func transposed(_ permutation: [Int]) -> AxisLayout {
    var layout = self
    layout.axes = permutation.map { axes[$0] }
    return layout
  }

  /// The same memory with one more dimension of 1 at a place.
  package func inserting(at axis: Int) -> AxisLayout {
    var layout = self
    layout.axes.insert([], at: axis)
    return layout
  }

  /// The same memory without a dimension of 1.
  package func removing(axis: Int) -> AxisLayout {
    var layout = self
    layout.axes.remove(at: axis)
    return layout
  }

  /// The same values, in the order of the dimensions, under another shape of as many; nil where this needs a copy.
  package func reshaped(_ shape: [Int]) -> AxisLayout? {
    guard shape.reduce(1, *) == count else { return nil }
    var layout = self
    layout.axes = [axes.flatMap(\.self)]
    var taken: [[Int]] = []
    for size in shape {
      var missing = size
      var axis: [Int] = []
      while missing > 1 {
        guard let factor = layout.axes[0].first else { return nil }
        let size = layout.factors[factor]
        if !missing.isMultiple(of: size) {
          guard size.isMultiple(of: missing) else { return nil }
          layout.split(factor, outer: missing)
          let moved = { $0 > factor ? $0 + 1 : $0 }
          taken = taken.map { $0.map(moved) }
          axis = axis.map(moved)
        }
        missing /= layout.factors[factor]
        axis.append(factor)
        layout.axes[0].removeFirst()
      }
      taken.append(axis)
    }
    layout.axes = taken
    return layout.merged
  }

  /// The layout with a dimension's factors of these sizes; nil where they can't be split so.
  package func refined(axis: Int, into sizes: [Int]) -> AxisLayout? {
    var layout = self
    var place = 0
    for size in sizes {
      guard place < layout.axes[axis].count else { return nil }
      let factor = layout.axes[axis][place]
      if layout.factors[factor] != size {
        guard layout.factors[factor].isMultiple(of: size) else { return nil }
        layout.split(factor, outer: size)
      }
      place += 1
    }
    return place == layout.axes[axis].count ? layout : nil
  }

  /// The sizes of a dimension's factors.
  package func sizes(ofAxis axis: Int) -> [Int] { axes[axis].map { factors[$0] } }

  /// The layout of what is left when a factor gets another size; 1 removes it.
  package func resized(factor: Int, to size: Int) -> AxisLayout {
    var layout = self
    guard size == 1 else {
      layout.factors[factor] = size
      return layout
    }
    layout.factors.remove(at: factor)
    layout.axes = axes.map { $0.filter { $0 != factor }.map { $0 > factor ? $0 - 1 : $0 } }
    return layout
  }

  /// Replaces a factor by two neighbours in memory.
  private mutating func split(_ factor: Int, outer: Int) {
    let inner = factors[factor] / outer
    factors.replaceSubrange(factor...factor, with: [outer, inner])
    axes = axes.map { $0.flatMap { $0 == factor ? [factor, factor + 1] : [$0 > factor ? $0 + 1 : $0] } }
  }

  /// The layout with neighbours in memory and in a dimension as one factor.
  package var merged: AxisLayout {
    var layout = self
    var factor = 0
    while factor + 1 < layout.factors.count {
      let next = factor + 1
      guard
        layout.axes.contains(where: { axis in zip(axis, axis.dropFirst()).contains { $0 == (factor, next) } })
      else {
        factor += 1
        continue
      }
      layout.factors.replaceSubrange(factor...next, with: [layout.factors[factor] * layout.factors[next]])
      layout.axes = layout.axes.map { $0.filter { $0 != next }.map { $0 > next ? $0 - 1 : $0 } }
    }
    return layout
  }
}

/// Numbers with a shape, the last dimension's neighbours next to each other.
package struct ConstantArray: Equatable, Sendable {
  /// The dimensions, outermost first.
  package var shape: [Int]
  /// The numbers.
  package var values: [Float]
  /// Scales of which the numbers are whole multiples, one for each place along a dimension, or one for all.
  package var scales: [Float] = []
  /// The dimension that several scales belong to.
  package var scaleAxis = 0

  /// Creates an array; the shape's product must be the number of values.
  package init(shape: [Int], values: [Float]) {
    precondition(shape.reduce(1, *) == values.count, "the shape doesn't fit the values")
    (self.shape, self.values) = (shape, values)
  }

  /// A scale for each place of the first dimension; nil where there are none such.
  var firstScales: [Float]? {
    let count = shape.first ?? 1
    if scales.count == 1 { return [Float](repeating: scales[0], count: count) }
    return scaleAxis == 0 && scales.count == count ? scales : nil
  }

  /// One number.
  package init(_ value: Float) { self.init(shape: [], values: [value]) }

  /// The numbers with the dimensions in another order.
  package func transposed(_ permutation: [Int]) -> ConstantArray {
    let strides = contiguousStrides(shape)
    let shape = permutation.map { self.shape[$0] }
    var array = ConstantArray(
      shape: shape, values: values.gathered(shape, strides: permutation.map { strides[$0] }))
    array.scales = scales
    array.scaleAxis = permutation.firstIndex(of: scaleAxis) ?? 0
    return array
  }
}

extension Array {
  /// The elements of some dimensions with any distances between neighbours, one after the other.
  package func gathered(_ shape: [Int], strides: [Int]) -> [Element] {
    var places = [0]
    for (size, stride) in zip(shape, strides) {
      places = places.flatMap { place in (0..<size).map { place + $0 * stride } }
    }
    return places.map { self[$0] }
  }
}

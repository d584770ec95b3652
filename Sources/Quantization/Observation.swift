import Networks

/// The values of a float graph's tensors on the calibration windows: those that have a part in its results.
struct Observation {
  /// By tensor; none for constants.
  private var kept: [[Float]]
  private var least: [Float]
  private var greatest: [Float]
  /// The places of the values that matter.
  private let places: [[Int]]
  /// One of so many values is kept.
  private let steps: [Int]
  private var windowCount = 0

  /// Prepares the observation of a graph.
  ///
  /// - Parameters:
  ///   - graph: The graph.
  ///   - relevance: Which values count; nil for all.
  ///   - windowCount: The number of windows to come.
  ///   - mostValues: Tensors with more values keep some, evenly chosen, besides the least and the greatest.
  init(of graph: FloatGraph, _ relevance: Relevance?, windowCount: Int, mostValues: Int) {
    kept = graph.tensors.map { _ in [] }
    least = graph.tensors.map { _ in .infinity }
    greatest = graph.tensors.map { _ in -.infinity }
    places = graph.tensors.indices.map { tensor in
      guard graph.tensors[tensor].constant == nil else { return [] }
      let all = Array(0..<graph.tensors[tensor].count)
      return relevance.map { relevance in all.filter { relevance.tensors[tensor][$0] } } ?? all
    }
    steps = places.map { max(1, $0.count * windowCount / mostValues) }
  }

  /// Adds a window's values of all tensors.
  mutating func add(_ window: [[Float]]) {
    for (tensor, places) in places.enumerated() where !places.isEmpty {
      let (values, step) = (window[tensor], steps[tensor])
      if step == 1 {
        for place in places { kept[tensor].append(values[place]) }
        continue
      }
      var next = windowCount % step
      for (index, place) in places.enumerated() {
        least[tensor] = min(least[tensor], values[place])
        greatest[tensor] = max(greatest[tensor], values[place])
        guard index == next else { continue }
        kept[tensor].append(values[place])
        next += step
      }
    }
    windowCount += 1
  }

  /// A tensor's values.
  func values(of tensor: Int) -> [Float] {
    steps[tensor] == 1 || kept[tensor].isEmpty
      ? kept[tensor] : kept[tensor] + [least[tensor], greatest[tensor]]
  }
}

/// The tensors that have the same codes, as operators that only move codes want it.
struct SharedCodes {
  private var parents: [Int]

  /// Finds them.
  init(of graph: FloatGraph) {
    parents = Array(graph.tensors.indices)
    for operation in graph.operators where operation.keepsCodes {
      for input in operation.inputs where graph.tensors[input].constant == nil {
        join(input, operation.output)
      }
    }
  }

  /// The tensor that stands for all that have a tensor's codes.
  func leader(of tensor: Int) -> Int {
    var tensor = tensor
    while parents[tensor] != tensor { tensor = parents[tensor] }
    return tensor
  }

  private mutating func join(_ a: Int, _ b: Int) {
    let (first, second) = (leader(of: a), leader(of: b))
    parents[max(first, second)] = min(first, second)
  }
}

extension FloatGraph.Operator {
  /// Whether the operator's codes are some of its inputs'.
  var keepsCodes: Bool {
    switch computation {
    case .averagePool, .maximumPool, .reshape, .rearrangement: true
    case .elementwise: kind == .maximum || kind == .minimum
    default: false
    }
  }
}

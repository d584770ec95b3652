import Networks

/// Which of a graph's values have a part in its results.
///
/// A network that reads the last step of a causal convolution leaves most of the early steps unused: their values say
/// nothing about the ranges that codes should cover.
struct Relevance {
  /// For each tensor whether each of its values matters.
  private(set) var tensors: [[Bool]]

  /// Follows the operators of a valid graph backwards.
  init(of graph: FloatGraph) {
    tensors = graph.tensors.map { [Bool](repeating: false, count: $0.count) }
    for output in graph.outputs { tensors[output] = tensors[output].map { _ in true } }
    for operation in graph.operators.reversed() { follow(operation, in: graph) }
  }

  private mutating func follow(_ operation: FloatGraph.Operator, in graph: FloatGraph) {
    let output = tensors[operation.output]
    let input = operation.inputs[0]
    switch operation.computation {
    case .function, .reshape:
      for (index, matters) in output.enumerated() where matters { tensors[input][index] = true }
    case .softmax:
      let depth = graph.tensors[operation.output].channelCount
      for (index, matters) in output.enumerated() where matters {
        for place in index / depth * depth..<(index / depth + 1) * depth { tensors[input][place] = true }
      }
    case .elementwise(let elementwise):
      let strides = [elementwise.firstStrides, elementwise.secondStrides]
      let places = strides.map { Self.places(elementwise.shape, $0) }
      for (index, matters) in output.enumerated() where matters {
        for (input, places) in zip(operation.inputs, places) { tensors[input][places[index]] = true }
      }
    case .rearrangement(let blocks, _):
      for block in blocks {
        let sources = Self.places(block.shape, block.inputStrides, from: block.inputStart)
        let targets = Self.places(block.shape, block.outputStrides, from: block.outputStart)
        for (source, target) in zip(sources, targets) where output[target] {
          tensors[operation.inputs[block.input]][source] = true
        }
      }
    case .mean(let mean):
      let reduced = Self.places(mean.reducedShape, mean.reducedStrides)
      for (index, first) in Self.places(mean.shape, mean.strides).enumerated() where output[index] {
        for place in reduced { tensors[input][first + place] = true }
      }
    case .batchProduct(let product):
      let firsts = Self.places(product.shape, product.firstStrides)
      let others = Self.places(product.shape, product.secondStrides)
      for index in output.indices where output[index] {
        for step in 0..<product.depth {
          tensors[input][firsts[index] + step * product.firstStep] = true
          tensors[operation.inputs[1]][others[index] + step * product.secondStep] = true
        }
      }
    case .convolution, .depthwiseConvolution, .fullyConnected:
      guard let shape = SumShape(operation, in: graph) else { return }
      for (index, matters) in output.enumerated() where matters {
        for place in shape.sources(of: index) { tensors[input][place] = true }
      }
    case .averagePool(let window), .maximumPool(let window):
      let (source, target) = (graph.tensors[input].shape, graph.tensors[operation.output].shape)
      for (index, matters) in output.enumerated() where matters {
        let (channel, cell) = (index % target[3], index / target[3])
        let (column, row, batch) = (
          cell % target[2], cell / target[2] % target[1], cell / target[2] / target[1]
        )
        for y in window.time.taps(of: row, inputs: source[1]) {
          for x in window.frequency.taps(of: column, inputs: source[2]) {
            tensors[input][((batch * source[1] + y.input) * source[2] + x.input) * source[3] + channel] = true
          }
        }
      }
    }
  }

  /// The places of some dimensions' elements.
  private static func places(_ shape: [Int], _ strides: [Int], from start: Int = 0) -> [Int] {
    zip(shape, strides).reduce([start]) { places, dimension in
      places.flatMap { place in (0..<dimension.0).map { place + $0 * dimension.1 } }
    }
  }
}

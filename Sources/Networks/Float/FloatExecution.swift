/// Runs a float graph over whole windows.
///
/// An instance owns its tensors' memory and serves one thread at a time. Every sum is taken in the order of the weights,
/// from the bias on, so that every machine computes the same bits.
package final class FloatExecution {
  /// The graph.
  package let graph: FloatGraph
  private let steps: [Step]
  private let tensors: [UnsafeMutableBufferPointer<Float>]

  /// An operator ready to run.
  private struct Step {
    var kernel: any FloatKernel
    var inputs: [UnsafePointer<Float>]
    var output: UnsafeMutableBufferPointer<Float>
    var activation: ClosedRange<Float>

    func run() {
      guard let first = output.baseAddress else { return }
      kernel.compute(inputs, into: first)
      guard activation != FloatGraph.everything else { return }
      let (least, greatest) = (activation.lowerBound, activation.upperBound)
      for index in output.indices { output[index] = min(max(output[index], least), greatest) }
    }
  }

  /// Prepares a graph.
  ///
  /// - Throws: `InvalidNetwork` where an operator's weights or shapes don't fit together, or a parameter isn't finite.
  package init(_ graph: FloatGraph) throws(InvalidNetwork) {
    try graph.validate()
    var kernels: [any FloatKernel] = []
    for index in graph.operators.indices {
      guard let kernel = graph.kernel(ofOperator: index) else {
        throw InvalidNetwork("layer \(index) has weights or a shape that its tensors don't fit")
      }
      kernels.append(kernel)
    }
    self.graph = graph
    let tensors = graph.tensors.map { tensor in
      let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(1, tensor.count))
      values.initialize(repeating: 0)
      if let constant = tensor.constant { _ = values.update(fromContentsOf: constant) }
      return values
    }
    self.tensors = tensors
    steps = zip(graph.operators, kernels).map { operation, kernel in
      Step(
        kernel: kernel, inputs: operation.inputs.compactMap { UnsafePointer(tensors[$0].baseAddress) },
        output: .init(rebasing: tensors[operation.output][..<graph.tensors[operation.output].count]),
        activation: operation.activation)
    }
  }

  deinit {
    for tensor in tensors { tensor.deallocate() }
  }

  /// The outputs, such as the classes' logits, for one window of the network's inputs.
  package func logits(ofWindow window: [Float]) -> [Float] {
    logits(ofWindows: window, count: 1)
  }

  /// The outputs `[window, class]` for `count` windows, one after the other.
  package func logits(ofWindows windows: [Float], count: Int) -> [Float] {
    let size = graph.windowCount
    precondition(windows.count == count * size, "the windows' size isn't the network's")
    var logits: [Float] = []
    logits.reserveCapacity(count * graph.outputs.reduce(0) { $0 + graph.tensors[$1].count })
    windows.withUnsafeBufferPointer { windows in
      for index in 0..<count {
        run(UnsafeBufferPointer(rebasing: windows[index * size..<(index + 1) * size]), appendingTo: &logits)
      }
    }
    return logits
  }

  /// All tensors' values for one window: given ones, constants, and each operator's output after its activation.
  package func values(ofWindow window: [Float]) -> [[Float]] {
    _ = logits(ofWindow: window)
    return zip(tensors, graph.tensors).map { Array($0.prefix($1.count)) }
  }

  /// One operator's output for its inputs; nil for those that are constant.
  package func output(ofOperator index: Int, _ inputs: [[Float]?]) -> [Float] {
    for (tensor, values) in zip(graph.operators[index].inputs, inputs) {
      guard let values else { continue }
      precondition(values.count == graph.tensors[tensor].count, "not the operator's input")
      _ = tensors[tensor].update(fromContentsOf: values)
    }
    steps[index].run()
    return Array(steps[index].output)
  }

  /// Runs one window and appends its outputs.
  func run(_ window: UnsafeBufferPointer<Float>, appendingTo logits: inout [Float]) {
    var place = 0
    for input in graph.inputs {
      let count = graph.tensors[input].count
      _ = tensors[input].update(fromContentsOf: window[place..<place + count])
      place += count
    }
    for step in steps { step.run() }
    for output in graph.outputs {
      logits.append(contentsOf: tensors[output].prefix(graph.tensors[output].count))
    }
  }
}

/// An operator that is ready to run: its weights are packed and its places known.
protocol FloatKernel: Sendable {
  /// Computes the output from the inputs, before the fused activation.
  func compute(_ inputs: [UnsafePointer<Float>], into output: UnsafeMutablePointer<Float>)
}

extension FloatGraph {
  /// An operator ready to run; nil where its weights or shapes don't fit together.
  fileprivate func kernel(ofOperator index: Int) -> (any FloatKernel)? {
    let operation = operators[index]
    let (source, target) = (tensors[operation.inputs[0]], tensors[operation.output])
    return switch operation.computation {
    case .convolution(let window, let weights):
      FloatConvolution(window, weights, from: source.shape, to: target.shape)
    case .fullyConnected(let weights): FloatConvolution(weights, from: source, to: target)
    case .depthwiseConvolution(let window, let weights):
      FloatDepthwise(window, weights, from: source.shape, to: target.shape)
    case .averagePool(let window):
      FloatPooling(window, from: source.shape, to: target.shape, isMaximum: false)
    case .maximumPool(let window): FloatPooling(window, from: source.shape, to: target.shape, isMaximum: true)
    case .softmax(let beta): FloatSoftmax(beta: beta, from: source, to: target)
    case .reshape: FloatCopy(from: source, to: target)
    case .elementwise(let elementwise):
      FloatElementwise(operation.kind, elementwise, from: operation.inputs.map { tensors[$0] }, to: target)
    case .rearrangement(let blocks, let fill):
      FloatRearrangement(blocks, fill: fill, from: operation.inputs.map { tensors[$0] }, to: target)
    case .mean(let mean): FloatMean(mean, from: source, to: target)
    case .batchProduct(let product):
      FloatBatchProduct(product, from: operation.inputs.map { tensors[$0] }, to: target)
    case .function(let function): FloatMap(function, from: source, to: target)
    }
  }
}

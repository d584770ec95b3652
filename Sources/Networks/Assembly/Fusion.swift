import QuantInfer

extension FloatGraph {
  /// The same function in fewer operators: limits and factors become part of the operator before them, and what
  /// nobody reads is left out.
  package func fused() -> FloatGraph {
    var graph = self
    graph.mergeWhatFits()
    return graph.pruned()
  }

  /// The same function with chains of functions of single values as one each, which a table of int8 codes computes.
  package func composed() -> FloatGraph {
    var graph = self
    graph.composeFunctions()
    graph.mergeWhatFits()
    return graph.pruned()
  }

  private mutating func mergeWhatFits() {
    var hasChanged = true
    while hasChanged {
      hasChanged = false
      var index = 0
      while index < operators.count {
        if fuseLimits(at: index) || foldFactors(at: index) || foldInputFactors(at: index)
          || skipPart(at: index)
        {
          hasChanged = true
        } else {
          index += 1
        }
      }
    }
  }

  /// The operator that writes a tensor which nobody but one operator reads.
  private func producer(of tensor: Int) -> Int? {
    let readers = operators.reduce(0) { $0 + $1.inputs.count { $0 == tensor } }
    // What the source model has in codes there stays.
    guard readers == 1, !outputs.contains(tensor), tensors[tensor].codes == nil else { return nil }
    return operators.firstIndex { $0.output == tensor }
  }

  /// Removes an operator whose input's producer writes its output instead.
  private mutating func merge(_ index: Int, into producer: Int) {
    let output = operators[index].output
    operators[producer].output = output
    operators.remove(at: index)
  }

  /// A clamp after weights, a sum or a product becomes its activation, unless it goes on under another shape.
  private mutating func fuseLimits(at index: Int) -> Bool {
    guard case .function(.clamp(let range)) = operators[index].computation,
      let producer = producer(of: operators[index].inputs[0]), operators[producer].takesActivation,
      operators[producer].weights == nil || keepsShape(from: producer, to: index)
    else { return false }
    let before = operators[producer].activation
    let least = min(max(before.lowerBound, range.lowerBound), range.upperBound)
    let greatest = max(min(before.upperBound, range.upperBound), least)
    operators[producer].activation = least...greatest
    if operators[producer].weights != nil {
      tensors[operators[index].output].shape = tensors[operators[producer].output].shape
    }
    merge(index, into: producer)
    return true
  }

  /// Whether an operator's output has its input's shape, or is read as values in a row alone.
  private func keepsShape(from producer: Int, to index: Int) -> Bool {
    let (before, after) = (operators[producer].output, operators[index].output)
    if tensors[before].shape == tensors[after].shape { return true }
    return tensors[before].count == tensors[after].count && !outputs.contains(after)
      && operators.allSatisfy { !$0.inputs.contains(after) || $0.kind == .fullyConnected }
  }

  /// A factor and an offset a channel after weights become part of them.
  private mutating func foldFactors(at index: Int) -> Bool {
    guard case .depthwiseConvolution(let window, let factors) = operators[index].computation,
      window == .init(),
      let producer = producer(of: operators[index].inputs[0]),
      operators[producer].activation == Self.everything,
      var weights = operators[producer].weights, weights.biases.count == factors.biases.count,
      tensors[operators[index].output].shape == tensors[operators[producer].output].shape
    else { return false }
    let channels = weights.biases.count
    let isDepthwise = operators[producer].kind == .depthwiseConvolution
    let perChannel = weights.values.count / channels
    weights.scales = nil
    for place in weights.values.indices {
      weights.values[place] *= factors.values[isDepthwise ? place % channels : place / perChannel]
    }
    for channel in 0..<channels {
      weights.biases[channel] = weights.biases[channel] * factors.values[channel] + factors.biases[channel]
    }
    changeWeights(ofLayer: producer) { $0 = weights }
    operators[producer].activation = operators[index].activation
    merge(index, into: producer)
    return true
  }

  /// A factor and an offset a channel before weights become part of them, where no zero is padded after the offset.
  private mutating func foldInputFactors(at index: Int) -> Bool {
    guard let before = producer(of: operators[index].inputs[0]),
      case .depthwiseConvolution(let own, let factors) = operators[before].computation, own == .init(),
      operators[before].activation == Self.everything, operators[index].kind != .depthwiseConvolution,
      var weights = operators[index].weights
    else { return false }
    if case .convolution(let window, _) = operators[index].computation {
      let padding = [window.time, window.frequency].reduce(0) { $0 + $1.paddingBefore + $1.paddingAfter }
      guard padding == 0 || factors.biases.allSatisfy({ $0 == 0 }) else { return false }
    }
    let (channels, outputs) = (factors.biases.count, weights.biases.count)
    let perOutput = weights.values.count / outputs
    // The channels of a convolution without groups, or a fully connected operator's flattened ones.
    guard perOutput.isMultiple(of: channels),
      operators[index].kind == .fullyConnected
        || tensors[operators[index].inputs[0]].channelCount == channels && !isGrouped(index)
    else { return false }
    weights.scales = nil
    for output in 0..<outputs {
      for place in 0..<perOutput {
        let weight = weights.values[output * perOutput + place]
        weights.biases[output] += weight * factors.biases[place % channels]
        weights.values[output * perOutput + place] = weight * factors.values[place % channels]
      }
    }
    changeWeights(ofLayer: index) { $0 = weights }
    operators[index].inputs[0] = operators[before].inputs[0]
    operators.remove(at: before)
    return true
  }

  /// A part of a concatenation that is one of its inputs is read from there, as the last step of a sequence is.
  private mutating func skipPart(at index: Int) -> Bool {
    guard case .rearrangement(let parts, nil) = operators[index].computation, parts.count == 1,
      parts[0].isRun, parts[0].outputStart == 0,
      case let output = operators[index].output, !outputs.contains(output),
      parts[0].shape[0] == tensors[output].count,
      let whole = operators.firstIndex(where: { $0.output == operators[index].inputs[0] }),
      case .rearrangement(let blocks, nil) = operators[whole].computation,
      let block = blocks.first(where: {
        $0.isRun && $0.outputStart == parts[0].inputStart && $0.shape == parts[0].shape && $0.inputStart == 0
          && tensors[operators[whole].inputs[$0.input]].count == $0.shape[0]
      }), case let source = operators[whole].inputs[block.input], tensors[source].constant == nil,
      tensors[output].codes == nil || tensors[output].codes == tensors[source].codes
    else { return false }
    for reader in operators.indices {
      operators[reader].inputs = operators[reader].inputs.map { $0 == output ? source : $0 }
    }
    operators.remove(at: index)
    return true
  }

  private func isGrouped(_ index: Int) -> Bool {
    guard case .convolution(let window, let weights) = operators[index].computation else { return false }
    let inputs = tensors[operators[index].inputs[0]].channelCount
    return weights.values.count
      != weights.biases.count * window.time.kernel * window.frequency.kernel * inputs
  }

  /// The graph without what leads to no result, its tensors in the order in which they come to be.
  package func pruned() -> FloatGraph {
    var needed = Set(outputs)
    var kept: [Operator] = []
    for operation in operators.reversed() where needed.contains(operation.output) {
      kept.append(operation)
      needed.formUnion(operation.inputs)
    }
    var places: [Int: Int] = [:]
    var order: [Int] = []
    for tensor in inputs + kept.reversed().flatMap({ $0.inputs + [$0.output] }) + outputs
    where places[tensor] == nil {
      places[tensor] = order.count
      order.append(tensor)
    }
    func moved(_ tensor: Int) -> Int { places[tensor] ?? 0 }
    return FloatGraph(
      tensors: order.map { tensors[$0] },
      operators: kept.reversed().map { operation in
        var operation = operation
        (operation.inputs, operation.output) = (operation.inputs.map(moved), moved(operation.output))
        return operation
      }, inputs: inputs.map(moved), outputs: outputs.map(moved))
  }
}

extension FloatGraph.Operator {
  /// Whether the operator can limit its output by itself.
  fileprivate var takesActivation: Bool {
    switch kind {
    case .convolution, .depthwiseConvolution, .fullyConnected, .add, .subtract, .multiply: true
    default: false
    }
  }
}

extension QuantizedNetwork.Block {
  /// Whether the elements lie next to each other on both sides.
  fileprivate var isRun: Bool {
    shape.count == 1 && (shape == [1] || (inputStrides == [1] && outputStrides == [1]))
  }
}

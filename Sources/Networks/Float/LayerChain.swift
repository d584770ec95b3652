import QuantInfer

/// The float graphs of this project's own networks: convolutions along time, then fully connected operators, one after
/// the other.
extension FloatGraph {
  /// A checkpoint's network: batch normalization with its running statistics folded into the weights.
  ///
  /// - Throws: `InvalidNetwork` where its layers don't fit its specification.
  package init(_ checkpoint: Checkpoint) throws(InvalidNetwork) {
    try self.init(specification: checkpoint.specification, layers: checkpoint.layers)
  }

  /// The network of some layers.
  ///
  /// - Throws: `InvalidNetwork` where the layers don't fit the specification, or a parameter isn't finite.
  package init(
    specification: NetworkSpecification, layers: [Checkpoint.Layer]
  ) throws(InvalidNetwork) {
    let shapes = try specification.layerShapes()
    guard layers.count == shapes.count else {
      throw InvalidNetwork("\(shapes.count) layers have \(layers.count) sets of parameters")
    }
    let input = Tensor(name: "spectrogram", shape: [1, shapes[0].inputColumns, 1, shapes[0].inputChannels])
    self.init(tensors: [input], operators: [])
    for (index, (shape, layer)) in zip(shapes, layers).enumerated() {
      let weights = layer.folded
      guard weights.values.count == shape.weightCount, weights.biases.count == shape.outputChannels else {
        throw InvalidNetwork(
          "layer \(index) has \(weights.values.count) weights and \(weights.biases.count) biases, "
            + "not \(shape.weightCount) and \(shape.outputChannels)")
      }
      // Over a single column a convolution is a fully connected operator, with less to prepare.
      let isDense = shape.isDense || shape.inputColumns == 1
      tensors.append(
        Tensor(
          name: "\(isDense ? "dense" : "convolution") \(index + 1)",
          shape: isDense
            ? [1, shape.outputChannels] : [1, shape.outputColumns, 1, shape.outputChannels]))
      let time = QuantizedNetwork.Step(
        kernel: shape.kernelColumns, stride: shape.strideColumns, dilation: shape.dilationColumns)
      operators.append(
        Operator(
          kind: isDense ? .fullyConnected : .convolution, inputs: [index], output: index + 1,
          activation: shape.isRectified ? 0...Float.infinity : Self.everything,
          computation: isDense ? .fullyConnected(weights) : .convolution(.init(time: time), weights)))
    }
    try validate()
  }

  /// The layers' sizes.
  ///
  /// - Throws: `InvalidNetwork` where the graph isn't such a chain, or its weights don't fit.
  package func layerShapes() throws(InvalidNetwork) -> [LayerShape] {
    try validate()
    guard inputs == [0], tensors.count == operators.count + 1, outputs == [operators.count] else {
      throw InvalidNetwork("the layers are no chain")
    }
    var shapes: [LayerShape] = []
    for (index, operation) in operators.enumerated() {
      guard let shape = layerShape(operation, index), shape.weightCount == operation.weights?.values.count
      else {
        throw InvalidNetwork("layer \(index) is neither a convolution along time nor fully connected")
      }
      shapes.append(shape)
    }
    return shapes
  }

  private func layerShape(_ operation: Operator, _ index: Int) -> LayerShape? {
    let (source, target) = (tensors[index].shape, tensors[index + 1].shape)
    let isRectified = operation.activation == 0...Float.infinity
    guard operation.inputs == [index], operation.output == index + 1,
      isRectified || operation.activation == Self.everything
    else {
      return nil
    }
    let columns = source.count == 4 ? source[1] : 1
    guard source.reduce(1, *) == columns * tensors[index].channelCount else { return nil }
    var shape = LayerShape(
      inputColumns: columns, inputChannels: tensors[index].channelCount, outputColumns: 1,
      outputChannels: tensors[index + 1].channelCount, kernelColumns: columns, strideColumns: 1,
      dilationColumns: 1, isDense: true, isRectified: isRectified)
    switch operation.computation {
    case .fullyConnected: return target.reduce(1, *) == shape.outputChannels ? shape : nil
    case .convolution(let window, _):
      guard window.frequency == .init(), window.time.paddingBefore == 0, window.time.paddingAfter == 0,
        target.count == 4
      else { return nil }
      (shape.outputColumns, shape.kernelColumns) = (target[1], window.time.kernel)
      (shape.strideColumns, shape.dilationColumns) = (window.time.stride, window.time.dilation)
      shape.isDense = false
      return shape
    default: return nil
    }
  }

  /// Changes the weights of an operator that has some.
  package mutating func changeWeights(ofLayer layer: Int, _ change: (inout Weights) -> Void) {
    switch operators[layer].computation {
    case .convolution(let window, var weights):
      change(&weights)
      operators[layer].computation = .convolution(window, weights)
    case .depthwiseConvolution(let window, var weights):
      change(&weights)
      operators[layer].computation = .depthwiseConvolution(window, weights)
    case .fullyConnected(var weights):
      change(&weights)
      operators[layer].computation = .fullyConnected(weights)
    default: preconditionFailure("layer \(layer) has no weights to change")
    }
  }
}

extension Checkpoint.Layer {
  /// The parameters with batch normalization folded in.
  package var folded: FloatGraph.Weights {
    guard let normalization else { return FloatGraph.Weights(values: weights, biases: biases) }
    let gains = zip(normalization.scale, normalization.variance).map { scale, variance in
      scale / (variance + BatchNormalization.epsilon).squareRoot()
    }
    let perOutput = weights.count / gains.count
    return FloatGraph.Weights(
      values: weights.indices.map { weights[$0] * gains[$0 / perOutput] },
      biases: gains.indices.map { normalization.shift[$0] - normalization.mean[$0] * gains[$0] })
  }
}

import QuantInfer

/// The float graphs of this project's own networks: a layer's output is the tensor behind the layer's number.
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
      let biasCount = shape.hasWeights ? shape.outputChannels : 0
      guard weights.values.count == shape.weightCount, weights.biases.count == biasCount else {
        throw InvalidNetwork(
          "layer \(index) has \(weights.values.count) weights and \(weights.biases.count) biases, "
            + "not \(shape.weightCount) and \(biasCount)")
      }
      // Over a single column a convolution is a fully connected operator, with less to prepare.
      let isDense = shape.isDense || (shape.kind == .convolution && shape.inputColumns == 1)
      tensors.append(
        Tensor(
          name: "\(isDense ? "dense" : shape.name) \(index + 1)",
          shape: isDense
            ? [1, shape.outputChannels] : [1, shape.outputColumns, 1, shape.outputChannels]))
    }
    for (index, (shape, layer)) in zip(shapes, layers).enumerated() {
      appendOperator(shape, layer.folded, index)
    }
    try validate()
  }

  /// Appends a layer's operator, and in front of a sum what takes the middle of its other part.
  private mutating func appendOperator(_ shape: LayerShape, _ weights: Weights, _ index: Int) {
    let time = QuantizedNetwork.Step(
      kernel: shape.kernelColumns, stride: shape.strideColumns, dilation: shape.dilationColumns)
    let channels = shape.outputChannels
    var inputs = [index]
    let (kind, computation): (OperatorKind, Computation)
    switch shape.kind {
    case .convolution where shape.inputColumns > 1:
      (kind, computation) = (.convolution, .convolution(.init(time: time), weights))
    case .convolution, .dense: (kind, computation) = (.fullyConnected, .fullyConnected(weights))
    case .depthwise:
      (kind, computation) = (
        .depthwiseConvolution, .depthwiseConvolution(.init(time: time), weights.tapsFirst(shape))
      )
    case .pool(.maximum): (kind, computation) = (.maximumPool, .maximumPool(.init(time: time)))
    case .pool(.average) where shape.outputColumns > 1:
      (kind, computation) = (.averagePool, .averagePool(.init(time: time)))
    case .pool(.average):
      // With codes of its own: the mean of all of time is far smaller than the greatest value.
      (kind, computation) = (
        .mean,
        .mean(
          .init(
            shape: [channels], strides: [1], reducedShape: [shape.kernelColumns], reducedStrides: [channels],
            multiplier: .init(multiplierQ31: 0, leftShift: 0)))
      )
    case .sum(let count, let first):
      inputs.append(middle(ofLayerInput: index - count, first: first, shape))
      (kind, computation) = (
        .add, .elementwise(.init(shape: [shape.outputCount], firstStrides: [1], secondStrides: [1]))
      )
    }
    operators.append(
      Operator(
        kind: kind, inputs: inputs, output: index + 1,
        activation: shape.isRectified ? 0...Float.infinity : Self.everything, computation: computation))
  }

  /// The tensor of a sum's other part: the middle of what a layer reads, or all of it.
  private mutating func middle(ofLayerInput layer: Int, first: Int, _ shape: LayerShape) -> Int {
    guard tensors[layer].count > shape.outputCount else { return layer }
    tensors.append(
      Tensor(
        name: "middle of \(tensors[layer].name)", shape: [1, shape.outputColumns, 1, shape.outputChannels]))
    let block = QuantizedNetwork.Block(
      input: 0, shape: [shape.outputCount], inputStart: first * shape.outputChannels, inputStrides: [1],
      outputStart: 0, outputStrides: [1])
    operators.append(
      Operator(
        kind: .stridedSlice, inputs: [layer], output: tensors.count - 1,
        computation: .rearrangement([block], fill: nil)))
    return tensors.count - 1
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

extension FloatGraph.Weights {
  /// A depthwise convolution's weights `[channel, kernel column]` in the operator's order, `[kernel column, channel]`.
  fileprivate func tapsFirst(_ shape: LayerShape) -> FloatGraph.Weights {
    var turned = self
    for channel in 0..<shape.outputChannels {
      for column in 0..<shape.kernelColumns {
        turned.values[column * shape.outputChannels + channel] =
          values[channel * shape.kernelColumns + column]
      }
    }
    return turned
  }
}

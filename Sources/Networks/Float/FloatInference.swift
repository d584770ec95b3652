/// Runs a float network over windows `[time, channel]`.
///
/// An instance owns its scratch memory and serves one thread at a time.
package final class FloatInference {
  /// The layers' sizes.
  package let shapes: [LayerShape]

  private let layers: [Layer]

  /// One layer's packed weights and output, channels padded to whole SIMD blocks.
  private struct Layer {
    var shape: LayerShape
    /// `[kernel column, input channel, padded output channel]`.
    var weights: [Float]
    /// `[padded output channel]`.
    var biases: [Float]
    /// `[time, padded output channel]`.
    var output: UnsafeMutableBufferPointer<Float>
  }

  /// Prepares a network.
  ///
  /// - Throws: `InvalidNetwork` where the specification can't be built or the parameters don't fit it.
  package init(_ network: FloatNetwork) throws(InvalidNetwork) {
    try network.validate()
    shapes = try network.specification.layerShapes()
    layers = zip(shapes, network.parameters).map { shape, parameters in
      let width = Contraction.padded(shape.outputChannels)
      let padding = [Float](repeating: 0, count: width - shape.outputChannels)
      let output = UnsafeMutableBufferPointer<Float>.allocate(capacity: shape.outputColumns * width)
      output.initialize(repeating: 0)
      return Layer(
        shape: shape, weights: shape.packForward(parameters.weights),
        biases: parameters.biases + padding, output: output)
    }
  }

  deinit {
    for layer in layers { layer.output.deallocate() }
  }

  /// The classes' logits for one window `[time, channel]` of the network's inputs.
  package func logits(ofWindow window: [Float]) -> [Float] {
    logits(ofWindows: window, count: 1)
  }

  /// The classes' logits `[window, class]` for `count` windows `[window, time, channel]`.
  package func logits(ofWindows windows: [Float], count: Int) -> [Float] {
    let inputCount = shapes[0].inputCount
    precondition(windows.count == count * inputCount, "the windows' size isn't the network's")
    var logits: [Float] = []
    logits.reserveCapacity(count * shapes[shapes.count - 1].outputChannels)
    windows.withUnsafeBufferPointer { windows in
      for index in 0..<count { run(windows.baseAddress! + index * inputCount, appendingTo: &logits) }
    }
    return logits
  }

  /// Every layer's outputs `[time, channel]` for one window, after ReLU; the last are the logits.
  package func activations(ofWindow window: [Float]) -> [[Float]] {
    _ = logits(ofWindow: window)
    return layers.map { layer in
      let width = Contraction.padded(layer.shape.outputChannels)
      return (0..<layer.shape.outputColumns).flatMap { time in
        layer.output[time * width..<time * width + layer.shape.outputChannels]
      }
    }
  }

  /// Runs one window and appends its logits.
  func run(_ window: UnsafePointer<Float>, appendingTo logits: inout [Float]) {
    var input = window
    var inputWidth = shapes[0].inputChannels
    for layer in layers {
      let width = Contraction.padded(layer.shape.outputChannels)
      let output = layer.output.baseAddress!
      layer.biases.withUnsafeBufferPointer { biases in
        for time in 0..<layer.shape.outputColumns {
          (output + time * width).update(from: biases.baseAddress!, count: width)
        }
      }
      layer.weights.withUnsafeBufferPointer { weights in
        layer.shape.forward(inputWidth: inputWidth).accumulate(input, weights.baseAddress!, into: output)
      }
      if layer.shape.isRectified {
        for index in layer.output.indices { output[index] = max(output[index], 0) }
      }
      input = UnsafePointer(output)
      inputWidth = width
    }
    logits.append(
      contentsOf: UnsafeBufferPointer(start: input, count: shapes[shapes.count - 1].outputChannels))
  }
}

extension FloatNetwork {
  /// Checks that every layer has the parameters that the specification asks for, and that all are finite.
  ///
  /// - Throws: `InvalidNetwork` where that isn't so.
  package func validate() throws(InvalidNetwork) {
    let shapes = try specification.layerShapes()
    guard parameters.count == shapes.count else {
      throw InvalidNetwork("\(shapes.count) layers have \(parameters.count) sets of parameters")
    }
    for (index, (shape, values)) in zip(shapes, parameters).enumerated() {
      guard values.weights.count == shape.weightCount, values.biases.count == shape.outputChannels else {
        throw InvalidNetwork(
          "layer \(index) has \(values.weights.count) weights and \(values.biases.count) biases, "
            + "not \(shape.weightCount) and \(shape.outputChannels)")
      }
      guard values.weights.allSatisfy(\.isFinite), values.biases.allSatisfy(\.isFinite) else {
        throw InvalidNetwork("layer \(index) has a parameter that isn't finite")
      }
    }
  }
}

extension LayerShape {
  /// A window's outputs from its inputs, whose channels are `inputWidth` apart, and weights packed by
  /// `packForward`.
  package func forward(inputWidth: Int) -> Contraction {
    let width = Contraction.padded(outputChannels)
    return Contraction(
      rows: outputColumns, segments: kernelColumns, depth: inputChannels, columns: width,
      aRowStride: strideColumns * inputWidth, aSegmentStride: dilationColumns * inputWidth, aDepthStride: 1,
      bSegmentStride: inputChannels * width, bDepthStride: width, cRowStride: width)
  }

  /// Weights `[output channel, kernel column, input channel]` as
  /// `[kernel column, input channel, padded output channel]`.
  package func packForward(_ weights: [Float]) -> [Float] {
    let width = Contraction.padded(outputChannels)
    let perOutput = kernelColumns * inputChannels
    var packed = [Float](repeating: 0, count: perOutput * width)
    for output in 0..<outputChannels {
      for index in 0..<perOutput { packed[index * width + output] = weights[output * perOutput + index] }
    }
    return packed
  }
}

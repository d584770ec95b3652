/// One layer's sizes: a dense layer is a convolution whose kernel covers all the time there is.
package struct LayerShape: Equatable, Sendable {
  /// The input's length in columns.
  package var inputColumns: Int
  /// The input's channels.
  package var inputChannels: Int
  /// The output's length in columns; 1 for a dense layer.
  package var outputColumns: Int
  /// The output's channels, or a dense layer's outputs.
  package var outputChannels: Int
  /// The kernel's length in columns; a dense layer's is `inputColumns`.
  package var kernelColumns: Int
  /// The distance between outputs, in input columns.
  package var strideColumns: Int
  /// The distance between the kernel's columns, in input columns.
  package var dilationColumns: Int
  /// Whether this is a dense layer.
  package var isDense: Bool
  /// Whether ReLU follows: everywhere but after the last layer.
  package var isRectified: Bool

  /// The number of weights.
  package var weightCount: Int { outputChannels * kernelColumns * inputChannels }
  /// The number of parameters in training: the weights, and a dense layer's biases or a convolution's scales
  /// and shifts.
  package var parameterCount: Int { weightCount + (isDense ? 1 : 2) * outputChannels }
  /// The number of multiply-accumulates for a whole window.
  package var multiplyAccumulateCount: Int { outputColumns * weightCount }
  /// The columns at the end that no kernel reaches, as its stride steps over them.
  package var unreadColumns: Int {
    inputColumns - (outputColumns - 1) * strideColumns - (kernelColumns - 1) * dilationColumns - 1
  }
  /// The number of inputs, `[time, channel]`.
  package var inputCount: Int { inputColumns * inputChannels }
  /// The number of outputs, `[time, channel]`.
  package var outputCount: Int { outputColumns * outputChannels }
}

/// Why a network specification can't be built, in a few words.
package struct InvalidNetwork: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong.
  package var description: String

  /// Creates an error.
  package init(_ description: String) {
    self.description = description
  }
}

extension NetworkSpecification {
  /// The layers' sizes, first to last.
  ///
  /// - Throws: `InvalidNetwork` where a size is outside 1 ... 65,536, a kernel is longer than its input, a
  ///   convolution follows a dense layer, the last layer isn't dense, or there are more than 2^24 weights or
  ///   outputs in all.
  package func layerShapes() throws(InvalidNetwork) -> [LayerShape] {
    let sizes = 1...65_536
    guard sizes.contains(inputColumns), sizes.contains(inputChannels) else {
      throw InvalidNetwork("the input of \(inputColumns) columns and \(inputChannels) channels is impossible")
    }
    guard case .dense? = layers.last else { throw InvalidNetwork("the last layer isn't dense") }
    guard layers.count <= 64 else { throw InvalidNetwork("\(layers.count) layers are more than 64") }
    var shapes: [LayerShape] = []
    for (index, layer) in layers.enumerated() {
      let columns = shapes.last?.outputColumns ?? inputColumns
      let channels = shapes.last?.outputChannels ?? inputChannels
      let shape: LayerShape
      switch layer {
      case .convolution(let outputChannels, let kernel, let stride, let dilation):
        guard [outputChannels, kernel, stride, dilation].allSatisfy(sizes.contains) else {
          throw InvalidNetwork("layer \(index) has a size outside 1 ... 65536")
        }
        guard shapes.last?.isDense != true else {
          throw InvalidNetwork("layer \(index) is a convolution after a dense layer")
        }
        let reach = (kernel - 1) * dilation + 1
        guard reach <= columns else {
          throw InvalidNetwork("layer \(index) reaches over \(reach) columns of \(columns)")
        }
        shape = LayerShape(
          inputColumns: columns, inputChannels: channels, outputColumns: (columns - reach) / stride + 1,
          outputChannels: outputChannels, kernelColumns: kernel, strideColumns: stride,
          dilationColumns: dilation, isDense: false, isRectified: true)
      case .dense(let outputCount):
        guard sizes.contains(outputCount) else {
          throw InvalidNetwork("layer \(index) has a size outside 1 ... 65536")
        }
        shape = LayerShape(
          inputColumns: columns, inputChannels: channels, outputColumns: 1, outputChannels: outputCount,
          kernelColumns: columns, strideColumns: 1, dilationColumns: 1, isDense: true,
          isRectified: index < layers.count - 1)
      }
      shapes.append(shape)
      let limit = 1 << 24
      guard shapes.map(\.weightCount).reduce(0, +) <= limit, shapes.map(\.outputCount).reduce(0, +) <= limit
      else { throw InvalidNetwork("the layers up to \(index) have more than 2^24 weights or outputs") }
    }
    return shapes
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

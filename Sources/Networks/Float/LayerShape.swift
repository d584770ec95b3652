/// One layer's sizes: a dense layer is a convolution whose kernel covers all the time there is.
package struct LayerShape: Equatable, Sendable {
  /// What a layer does.
  package enum Kind: Equatable, Sendable {
    /// Sums over a kernel's columns and all channels.
    case convolution
    /// Sums over a kernel's columns of each channel.
    case depthwise
    /// Sums over all that there is.
    case dense
    /// The greatest value or the mean of a kernel's columns, a channel.
    case pool(NetworkSpecification.Pooling)
    /// Its input plus what so many layers before it read, less `first` columns there and as many as are too many behind.
    case sum(layerCount: Int, first: Int)
  }

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
  /// What it does.
  package var kind: Kind
  /// Whether ReLU follows: everywhere but after the last layer, in front of a sum, and after a pool.
  package var isRectified: Bool

  /// Whether this is a dense layer.
  package var isDense: Bool { kind == .dense }
  /// Whether batch normalization follows its sums in training.
  package var isNormalized: Bool { kind == .convolution || kind == .depthwise }
  /// Whether it has weights.
  package var hasWeights: Bool { isDense || isNormalized }
  /// The number of weights of an output channel.
  package var weightsPerOutput: Int {
    switch kind {
    case .convolution, .dense: kernelColumns * inputChannels
    case .depthwise: kernelColumns
    case .pool, .sum: 0
    }
  }
  /// The number of weights.
  package var weightCount: Int { outputChannels * weightsPerOutput }
  /// The number of parameters in training: the weights, and a dense layer's biases or a convolution's scales
  /// and shifts.
  package var parameterCount: Int { weightCount + (isDense ? 1 : isNormalized ? 2 : 0) * outputChannels }
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
  private static let sizes = 1...65_536

  /// The layers' sizes, first to last.
  ///
  /// - Throws: `InvalidNetwork` where a size is outside 1 ... 65,536, a kernel is longer than its input, anything but a
  ///   dense layer follows a dense layer, a sum's parts don't fit together, the last layer isn't dense, or there are more
  ///   than 2^24 weights or outputs in all.
  package func layerShapes() throws(InvalidNetwork) -> [LayerShape] {
    guard Self.sizes.contains(inputColumns), Self.sizes.contains(inputChannels) else {
      throw InvalidNetwork("the input of \(inputColumns) columns and \(inputChannels) channels is impossible")
    }
    guard case .dense? = layers.last else { throw InvalidNetwork("the last layer isn't dense") }
    guard layers.count <= 64 else { throw InvalidNetwork("\(layers.count) layers are more than 64") }
    var shapes: [LayerShape] = []
    for index in layers.indices {
      let shape = try shape(ofLayer: index, after: shapes)
      shapes.append(shape)
      let limit = 1 << 24
      guard shapes.map(\.weightCount).reduce(0, +) <= limit, shapes.map(\.outputCount).reduce(0, +) <= limit
      else { throw InvalidNetwork("the layers up to \(index) have more than 2^24 weights or outputs") }
    }
    return shapes
  }

  private func shape(ofLayer index: Int, after shapes: [LayerShape]) throws(InvalidNetwork) -> LayerShape {
    let columns = shapes.last?.outputColumns ?? inputColumns
    let channels = shapes.last?.outputChannels ?? inputChannels
    let isAdded = if index + 1 < layers.count, case .sum = layers[index + 1] { true } else { false }
    var shape = LayerShape(
      inputColumns: columns, inputChannels: channels, outputColumns: 1, outputChannels: channels,
      kernelColumns: columns, strideColumns: 1, dilationColumns: 1, kind: .dense,
      isRectified: index < layers.count - 1 && !isAdded)
    switch layers[index] {
    case .convolution(let outputChannels, let kernel, let stride, let dilation):
      (shape.kind, shape.outputChannels) = (.convolution, outputChannels)
      (shape.kernelColumns, shape.strideColumns, shape.dilationColumns) = (kernel, stride, dilation)
    case .depthwise(let kernel, let stride, let dilation):
      shape.kind = .depthwise
      (shape.kernelColumns, shape.strideColumns, shape.dilationColumns) = (kernel, stride, dilation)
    case .pool(let pooling, let kernel, let stride):
      (shape.kind, shape.isRectified) = (.pool(pooling), false)
      (shape.kernelColumns, shape.strideColumns) = (kernel, stride)
    case .globalPool(let pooling): (shape.kind, shape.isRectified) = (.pool(pooling), false)
    case .sum(let count):
      shape.kind = .sum(layerCount: count, first: try firstColumn(ofSum: index, over: count, shapes))
      shape.kernelColumns = 1
    case .dense(let outputCount): shape.outputChannels = outputCount
    }
    let given = [shape.outputChannels, shape.kernelColumns, shape.strideColumns, shape.dilationColumns]
    guard given.allSatisfy(Self.sizes.contains) else {
      throw InvalidNetwork("layer \(index) has a size outside 1 ... 65536")
    }
    guard shape.isDense || shapes.last?.isDense != true else {
      throw InvalidNetwork("layer \(index) is a \(shape.name) layer after a dense one")
    }
    let reach = (shape.kernelColumns - 1) * shape.dilationColumns + 1
    guard reach <= columns else {
      throw InvalidNetwork("layer \(index) reaches over \(reach) columns of \(columns)")
    }
    shape.outputColumns = (columns - reach) / shape.strideColumns + 1
    return shape
  }

  /// The first column of a sum's other part: what is too many there is left out on both sides.
  private func firstColumn(
    ofSum index: Int, over count: Int, _ shapes: [LayerShape]
  ) throws(InvalidNetwork) -> Int {
    guard count > 0, count <= index else {
      throw InvalidNetwork("layer \(index) is a sum over \(count) layers, and \(index) come before it")
    }
    let (first, last) = (shapes[index - count], shapes[index - 1])
    guard shapes[(index - count)...].allSatisfy({ $0.strideColumns == 1 && !$0.isDense }) else {
      throw InvalidNetwork("layer \(index) is a sum over a stride or a dense layer")
    }
    guard first.inputChannels == last.outputChannels else {
      throw InvalidNetwork(
        "layer \(index) is a sum of \(first.inputChannels) and \(last.outputChannels) channels")
    }
    return (first.inputColumns - last.outputColumns) / 2
  }
}

extension LayerShape {
  /// What it is called.
  package var name: String {
    switch kind {
    case .convolution: "convolution"
    case .depthwise: "depthwise"
    case .dense: "dense"
    case .pool: "pool"
    case .sum: "sum"
    }
  }

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

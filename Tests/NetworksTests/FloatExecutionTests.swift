import Networks
import Support
import Testing

@Suite struct FloatExecutionTests {
  /// Strides, dilations, widths that are no whole SIMD block, a hidden dense layer.
  private static let specifications = [
    NetworkSpecification.ecgBeats(classCount: 4),
    NetworkSpecification(
      inputColumns: 19, inputChannels: 3,
      layers: [
        .convolution(outputChannels: 5, kernelColumns: 4, strideColumns: 2, dilationColumns: 1),
        .convolution(outputChannels: 9, kernelColumns: 2, strideColumns: 1, dilationColumns: 3),
        .dense(outputCount: 7), .dense(outputCount: 2),
      ]),
    NetworkSpecification(
      inputColumns: 19, inputChannels: 3,
      layers: [
        .convolution(outputChannels: 5, kernelColumns: 4), .depthwise(kernelColumns: 3, dilationColumns: 2),
        .sum(layerCount: 1), .pool(.maximum, kernelColumns: 3, strideColumns: 2),
        .convolution(outputChannels: 5, kernelColumns: 1), .sum(layerCount: 1), .globalPool(.maximum),
        .dense(outputCount: 2),
      ]),
    NetworkSpecification(inputColumns: 1, inputChannels: 1, layers: [.dense(outputCount: 1)]),
  ]

  private func randomLayers(_ specification: NetworkSpecification) throws -> [Checkpoint.Layer] {
    var generator = SeededGenerator(seed: 7)
    func random(_ count: Int) -> [Float] { (0..<count).map { _ in Float(generator.next(in: -0.5...0.5)) } }
    return try specification.layerShapes().map {
      .init(
        weights: random($0.weightCount), biases: random($0.hasWeights ? $0.outputChannels : 0),
        normalization: nil)
    }
  }

  private func randomNetwork(_ specification: NetworkSpecification) throws -> FloatGraph {
    try FloatGraph(specification: specification, layers: randomLayers(specification))
  }

  /// Every layer's outputs by the definition, each sum from the bias on in the order of the weights, rounded after each
  /// product and each addition.
  private func definition<Number: BinaryFloatingPoint>(
    _ specification: NetworkSpecification, _ window: [Float], as type: Number.Type
  ) throws -> [[Number]] {
    var input = window.map { Number($0) }
    var channels = specification.inputChannels
    var outputs: [[Number]] = []
    let parameters = try randomLayers(specification)
    for (index, (layer, parameters)) in zip(specification.layers, parameters).enumerated() {
      let columns = input.count / channels
      let isAdded =
        if index + 1 < specification.layers.count, case .sum = specification.layers[index + 1] {
          true
        } else { false }
      let isRectified = index < specification.layers.count - 1 && !isAdded
      var isDepthwise = false
      let (outputChannels, kernel, stride, dilation): (Int, Int, Int, Int)
      switch layer {
      case .convolution(let channels, let taps, let step, let distance):
        (outputChannels, kernel, stride, dilation) = (channels, taps, step, distance)
      case .dense(let outputCount): (outputChannels, kernel, stride, dilation) = (outputCount, columns, 1, 1)
      case .depthwise(let taps, let step, let distance):
        (outputChannels, kernel, stride, dilation, isDepthwise) = (channels, taps, step, distance, true)
      case .pool(.maximum, let taps, let step):
        outputs.append(Self.maxima(input, channels, taps: taps, stride: step))
        input = outputs[index]
        continue
      case .globalPool(.maximum):
        outputs.append(Self.maxima(input, channels, taps: columns, stride: 1))
        input = outputs[index]
        continue
      case .sum(let count):
        let other = index > count ? outputs[index - count - 1] : window.map { Number($0) }
        let first = (other.count - input.count) / channels / 2 * channels
        outputs.append(input.indices.map { max(0, input[$0] + other[first + $0]) })
        input = outputs[index]
        continue
      case .pool(.average, _, _), .globalPool(.average): preconditionFailure("not among these")
      }
      var output: [Number] = []
      var time = 0
      while time + (kernel - 1) * dilation < columns {
        for channel in 0..<outputChannels {
          var sum = Number(parameters.biases[channel])
          for k in 0..<kernel {
            if isDepthwise {
              let product =
                Number(parameters.weights[channel * kernel + k])
                * input[(time + k * dilation) * channels + channel]
              sum = sum + product
              continue
            }
            for c in 0..<channels {
              let weight = Number(parameters.weights[(channel * kernel + k) * channels + c])
              let product = weight * input[(time + k * dilation) * channels + c]
              sum = sum + product
            }
          }
          output.append(isRectified ? max(sum, 0) : sum)
        }
        time += stride
      }
      outputs.append(output)
      (input, channels) = (output, outputChannels)
    }
    return outputs
  }

  private static func maxima<Number: BinaryFloatingPoint>(
    _ input: [Number], _ channels: Int, taps: Int, stride: Int
  ) -> [Number] {
    let columns = (input.count / channels - taps) / stride + 1
    return (0..<columns * channels).map { place in
      (0..<taps).map { input[(place / channels * stride + $0) * channels + place % channels] }.max()!
    }
  }

  @Test(arguments: specifications.indices)
  func everyLayerEqualsTheDefinition(index: Int) throws {
    let specification = Self.specifications[index]
    var generator = SeededGenerator(seed: 3)
    let window = (0..<specification.inputColumns * specification.inputChannels).map { _ in
      Float(generator.next(in: -2...2))
    }
    let values = try FloatExecution(randomNetwork(specification)).values(ofWindow: window)
    let expected = try definition(specification, window, as: Double.self)
    #expect(values.first == window)
    #expect(values.dropFirst().prefix(expected.count).map(\.count) == expected.map(\.count))
    for (layer, reference) in zip(values.dropFirst(), expected) {
      let largest = reference.map { abs($0) }.max() ?? 0
      #expect(zip(layer, reference).allSatisfy { abs(Double($0) - $1) <= 1e-5 * max(largest, 1) })
    }
  }

  @Test(arguments: specifications.indices)
  func sumsAreTakenInTheOrderOfTheWeights(index: Int) throws {
    let specification = Self.specifications[index]
    var generator = SeededGenerator(seed: 4)
    let window = (0..<specification.inputColumns * specification.inputChannels).map { _ in
      Float(generator.next(in: -2...2))
    }
    let values = try FloatExecution(randomNetwork(specification)).values(ofWindow: window)
    let expected = try definition(specification, window, as: Float.self)
    #expect(Array(values.dropFirst().prefix(expected.count)) == expected)
  }

  @Test func manyWindowsEqualEachAlone() throws {
    let execution = try FloatExecution(randomNetwork(.ecgBeats(classCount: 4)))
    var generator = SeededGenerator(seed: 5)
    let windows = (0..<3 * 43 * 12).map { _ in Float(generator.next(in: -2...2)) }
    let alone = (0..<3).flatMap { execution.logits(ofWindow: Array(windows[$0 * 516..<($0 + 1) * 516])) }
    #expect(execution.logits(ofWindows: windows, count: 3) == alone)
  }

  @Test func shippedNetworkHas7104Weights() throws {
    let shapes = try NetworkSpecification.ecgBeats(classCount: 4).layerShapes()
    #expect(shapes.map(\.weightCount) == [864, 1_728, 1_728, 2_784])
    #expect(shapes.map(\.outputColumns) == [41, 37, 29, 1])
    #expect(shapes.map(\.multiplyAccumulateCount).reduce(0, +) == 152_256)
  }

  @Test func impossibleNetworksAreRejected() throws {
    func rejects(_ columns: Int, _ channels: Int, _ layers: [NetworkSpecification.Layer]) -> Bool {
      let specification = NetworkSpecification(
        inputColumns: columns, inputChannels: channels, layers: layers)
      do {
        _ = try specification.layerShapes()
        return false
      } catch {
        return true
      }
    }
    let dense = NetworkSpecification.Layer.dense(outputCount: 2)
    #expect(!rejects(3, 3, [dense]))
    #expect(rejects(3, 3, []))
    #expect(rejects(0, 3, [dense]))
    #expect(rejects(.max, .max, [dense]))
    #expect(rejects(65_536, 65_536, [dense]))
    #expect(rejects(3, 3, [.convolution(outputChannels: 2, kernelColumns: 2)]))
    #expect(rejects(3, 3, [.convolution(outputChannels: 2, kernelColumns: 4), dense]))
    #expect(rejects(3, 3, [.convolution(outputChannels: 2, kernelColumns: 2, dilationColumns: 3), dense]))
    #expect(rejects(3, 3, [.convolution(outputChannels: 2, kernelColumns: 2, strideColumns: 0), dense]))
    #expect(rejects(3, 3, [dense, .convolution(outputChannels: 2, kernelColumns: 1), dense]))
    let pair = NetworkSpecification.Layer.convolution(outputChannels: 3, kernelColumns: 1)
    #expect(!rejects(3, 3, [pair, .sum(layerCount: 1), dense]))
    #expect(rejects(3, 3, [pair, .sum(layerCount: 2), dense]))
    #expect(rejects(3, 3, [.sum(layerCount: 1), dense]))
    #expect(rejects(3, 2, [pair, .sum(layerCount: 1), dense]))
    #expect(rejects(3, 3, [.depthwise(kernelColumns: 1, strideColumns: 2), .sum(layerCount: 1), dense]))
    #expect(rejects(3, 3, [.depthwise(kernelColumns: 4), dense]))
    #expect(rejects(3, 3, [.pool(.average, kernelColumns: 4, strideColumns: 1), dense]))
    #expect(rejects(3, 3, [dense, .globalPool(.maximum), dense]))
  }

  @Test func parametersThatDontFitAreRejected() throws {
    let specification = NetworkSpecification.ecgBeats(classCount: 4)
    var layers = try randomLayers(specification)
    layers[1].weights.removeLast()
    #expect(throws: InvalidNetwork("layer 1 has 1727 weights and 24 biases, not 1728 and 24")) {
      try FloatGraph(specification: specification, layers: layers)
    }
    layers = try randomLayers(specification)
    layers[0].biases[3] = .nan
    #expect(throws: InvalidNetwork("layer 0 has a parameter that isn't finite")) {
      try FloatGraph(specification: specification, layers: layers)
    }
    var graph = try randomNetwork(specification)
    graph.changeWeights(ofLayer: 1) { $0.values.removeLast() }
    #expect(throws: InvalidNetwork.self) { try FloatExecution(graph) }
    graph = try randomNetwork(specification)
    graph.operators[1].inputs = [2]
    #expect(throws: InvalidNetwork.self) { try FloatExecution(graph) }
  }
}

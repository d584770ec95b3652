import Networks
import Support
import Testing

@Suite struct FloatInferenceTests {
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
    NetworkSpecification(inputColumns: 1, inputChannels: 1, layers: [.dense(outputCount: 1)]),
  ]

  private func randomNetwork(_ specification: NetworkSpecification, seed: UInt64 = 7) throws -> FloatNetwork {
    var generator = SeededGenerator(seed: seed)
    func random(_ count: Int) -> [Float] { (0..<count).map { _ in Float(generator.next(in: -0.5...0.5)) } }
    let parameters = try specification.layerShapes().map {
      FloatNetwork.Parameters(weights: random($0.weightCount), biases: random($0.outputChannels))
    }
    return FloatNetwork(specification: specification, parameters: parameters)
  }

  /// Every layer's outputs by the definition, in double precision.
  private func definition(_ network: FloatNetwork, _ window: [Float]) -> [[Double]] {
    var input = window.map { Double($0) }
    var channels = network.specification.inputChannels
    var outputs: [[Double]] = []
    for (index, (layer, parameters)) in zip(network.specification.layers, network.parameters).enumerated() {
      let columns = input.count / channels
      let (outputChannels, kernel, stride, dilation) =
        switch layer {
        case .convolution(let outputChannels, let kernel, let stride, let dilation):
          (outputChannels, kernel, stride, dilation)
        case .dense(let outputCount): (outputCount, columns, 1, 1)
        }
      var output: [Double] = []
      var time = 0
      while time + (kernel - 1) * dilation < columns {
        for channel in 0..<outputChannels {
          var sum = Double(parameters.biases[channel])
          for k in 0..<kernel {
            for c in 0..<channels {
              sum +=
                Double(parameters.weights[(channel * kernel + k) * channels + c])
                * input[(time + k * dilation) * channels + c]
            }
          }
          output.append(index < network.parameters.count - 1 ? max(sum, 0) : sum)
        }
        time += stride
      }
      outputs.append(output)
      (input, channels) = (output, outputChannels)
    }
    return outputs
  }

  @Test(arguments: specifications.indices)
  func everyLayerEqualsTheDefinition(index: Int) throws {
    let specification = Self.specifications[index]
    let network = try randomNetwork(specification)
    var generator = SeededGenerator(seed: 3)
    let window = (0..<specification.inputColumns * specification.inputChannels).map { _ in
      Float(generator.next(in: -2...2))
    }
    let activations = try FloatInference(network).activations(ofWindow: window)
    let expected = definition(network, window)
    #expect(activations.map(\.count) == expected.map(\.count))
    for (layer, reference) in zip(activations, expected) {
      let largest = reference.map { abs($0) }.max() ?? 0
      #expect(zip(layer, reference).allSatisfy { abs(Double($0) - $1) <= 1e-5 * max(largest, 1) })
    }
  }

  @Test func manyWindowsEqualEachAlone() throws {
    let inference = try FloatInference(randomNetwork(.ecgBeats(classCount: 4)))
    var generator = SeededGenerator(seed: 5)
    let windows = (0..<3 * 43 * 12).map { _ in Float(generator.next(in: -2...2)) }
    let alone = (0..<3).flatMap { inference.logits(ofWindow: Array(windows[$0 * 516..<($0 + 1) * 516])) }
    #expect(inference.logits(ofWindows: windows, count: 3) == alone)
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
  }

  @Test func parametersThatDontFitAreRejected() throws {
    var network = try randomNetwork(.ecgBeats(classCount: 4))
    network.parameters[1].weights.removeLast()
    #expect(throws: InvalidNetwork.self) { try FloatInference(network) }
    network = try randomNetwork(.ecgBeats(classCount: 4))
    network.parameters[0].biases[3] = .nan
    #expect(throws: InvalidNetwork.self) { try FloatInference(network) }
  }
}

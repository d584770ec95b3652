import Networks
import QuantInfer
import Support
import Testing

/// Operators of float graphs beside plain loops that sum in the same order.
@Suite struct FloatOperatorTests {
  private typealias Step = QuantizedNetwork.Step
  private typealias Window = QuantizedNetwork.Window

  /// Where a window of two steps moves over rows and columns, with padding before and after.
  private static let windows = [
    Window(),
    Window(time: Step(kernel: 3)),
    Window(time: Step(kernel: 3, stride: 2, dilation: 2, paddingBefore: 3, paddingAfter: 2)),
    Window(
      time: Step(kernel: 2, paddingBefore: 1),
      frequency: Step(kernel: 3, stride: 2, paddingBefore: 1, paddingAfter: 2)),
    Window(time: Step(kernel: 4, stride: 3), frequency: Step(kernel: 2, dilation: 3, paddingBefore: 2)),
  ]

  private static func outputs(_ step: Step, _ inputs: Int) -> Int {
    (inputs + step.paddingBefore + step.paddingAfter - step.reach) / step.stride + 1
  }

  private static func random(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float(generator.next(in: -1...1)) }
  }

  /// Calls `body` with each output cell and the input cells under its taps, batch by batch.
  private static func forEachCell(
    _ shape: [Int], _ window: Window, _ body: ([(tap: Int, cell: Int)]) -> Void
  ) {
    for batch in 0..<shape[0] {
      for row in 0..<outputs(window.time, shape[1]) {
        for column in 0..<outputs(window.frequency, shape[2]) {
          var taps: [(tap: Int, cell: Int)] = []
          for i in 0..<window.time.kernel {
            for j in 0..<window.frequency.kernel {
              let y = row * window.time.stride + i * window.time.dilation - window.time.paddingBefore
              let x =
                column * window.frequency.stride + j * window.frequency.dilation
                - window.frequency.paddingBefore
              guard (0..<shape[1]).contains(y), (0..<shape[2]).contains(x) else { continue }
              taps.append((i * window.frequency.kernel + j, (batch * shape[1] + y) * shape[2] + x))
            }
          }
          body(taps)
        }
      }
    }
  }

  private func run(
    _ computation: FloatGraph.Computation, _ input: [Float], _ source: [Int], _ target: [Int],
    activation: ClosedRange<Float> = FloatGraph.everything
  ) throws -> [Float] {
    let graph = FloatGraph(
      tensors: [.init(name: "x", shape: source), .init(name: "y", shape: target)],
      operators: [
        .init(kind: .reshape, inputs: [0], output: 1, activation: activation, computation: computation)
      ])
    let execution = try FloatExecution(graph)
    let output = execution.output(ofOperator: 0, [input])
    #expect(execution.logits(ofWindow: input) == output)
    return output
  }

  @Test(arguments: windows.indices, [(6, 5, 1), (4, 8, 2), (6, 24, 3), (1, 3, 1)])
  func convolutionsEqualPlainLoops(index: Int, channels: (input: Int, output: Int, groups: Int)) throws {
    let window = Self.windows[index]
    for source in [[2, 9, 6, channels.input], [1, 11, 1, channels.input]] {
      let target =
        [source[0], Self.outputs(window.time, source[1]), Self.outputs(window.frequency, source[2])]
        + [channels.output]
      guard target.allSatisfy({ $0 > 0 }) else { continue }
      let taps = window.time.kernel * window.frequency.kernel
      let (perGroup, outputsPerGroup) = (channels.input / channels.groups, channels.output / channels.groups)
      let weights = Self.random(channels.output * taps * perGroup, seed: 1)
      let biases = Self.random(channels.output, seed: 2)
      let input = Self.random(source.reduce(1, *), seed: 3)
      var expected: [Float] = []
      Self.forEachCell(source, window) { cells in
        for output in 0..<channels.output {
          var sum = biases[output]
          for (tap, cell) in cells {
            for channel in 0..<perGroup {
              let place = cell * channels.input + output / outputsPerGroup * perGroup + channel
              let product = input[place] * weights[(output * taps + tap) * perGroup + channel]
              sum = sum + product
            }
          }
          expected.append(sum)
        }
      }
      let values = try run(
        .convolution(window, .init(values: weights, biases: biases)), input, source, target)
      #expect(values == expected, "\(window), \(source)")
    }
  }

  @Test(arguments: windows.indices) func depthwiseConvolutionsEqualPlainLoops(index: Int) throws {
    let (window, source) = (Self.windows[index], [2, 9, 6, 3])
    let target = [2, Self.outputs(window.time, 9), Self.outputs(window.frequency, 6), 6]
    let weights = Self.random(window.time.kernel * window.frequency.kernel * 6, seed: 1)
    let biases = Self.random(6, seed: 2)
    let input = Self.random(2 * 9 * 6 * 3, seed: 3)
    var expected: [Float] = []
    Self.forEachCell(source, window) { cells in
      for output in 0..<6 {
        var sum = biases[output]
        for (tap, cell) in cells {
          let product = input[cell * 3 + output / 2] * weights[tap * 6 + output]
          sum = sum + product
        }
        expected.append(min(max(sum, 0), 0.5))
      }
    }
    let values = try run(
      .depthwiseConvolution(window, .init(values: weights, biases: biases)), input, source, target,
      activation: 0...0.5)
    #expect(values == expected)
  }

  @Test(arguments: windows.indices) func poolsLookAtTheCellsThatAreThere(index: Int) throws {
    let (window, source) = (Self.windows[index], [2, 9, 6, 3])
    let target = [2, Self.outputs(window.time, 9), Self.outputs(window.frequency, 6), 3]
    let input = Self.random(2 * 9 * 6 * 3, seed: 3)
    var (means, maxima): ([Float], [Float]) = ([], [])
    Self.forEachCell(source, window) { cells in
      for channel in 0..<3 {
        let values = cells.map { input[$0.cell * 3 + channel] }
        means.append(values.reduce(0, +) / Float(values.count))
        maxima.append(values.max() ?? 0)
      }
    }
    #expect(try run(.averagePool(window), input, source, target) == means)
    #expect(try run(.maximumPool(window), input, source, target) == maxima)
  }

  @Test func fullyConnectedOperatorsWorkRowByRow() throws {
    let (weights, input) = (Self.random(5 * 7, seed: 1), Self.random(3 * 7, seed: 2))
    let biases = Self.random(5, seed: 3)
    var expected: [Float] = []
    for row in 0..<3 {
      for output in 0..<5 {
        var sum = biases[output]
        for index in 0..<7 {
          let product = input[row * 7 + index] * weights[output * 7 + index]
          sum = sum + product
        }
        expected.append(sum)
      }
    }
    let values = try run(
      .fullyConnected(.init(values: weights, biases: biases)), input, [3, 7], [3, 5])
    #expect(values == expected)
  }

  /// By hand: the powers of 2 of 0, 1 and 2 are 1, 2 and 4 of 7.
  @Test func softmaxSharesOutOne() throws {
    let values = try run(.softmax(beta: 0.693_147_2), [0, 1, 2, 5, 5, 5], [2, 3], [2, 3])
    let expected: [Float] = [1 / 7, 2 / 7, 4 / 7, 1 / 3, 1 / 3, 1 / 3]
    #expect(zip(values, expected).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(try run(.reshape, [0, 1, 2, 5, 5, 5], [2, 3], [6]) == [0, 1, 2, 5, 5, 5])
  }

  @Test func shapesThatDontFitAreRejected() {
    let weights = FloatGraph.Weights(values: [1, 2, 3, 4], biases: [0, 0])
    #expect(throws: InvalidNetwork.self) {
      try run(.convolution(Window(), weights), [], [1, 4, 1, 3], [1, 4, 1, 2])
    }
    #expect(throws: InvalidNetwork.self) {
      try run(.depthwiseConvolution(Window(), weights), [], [1, 4, 1, 2], [1, 4, 1, 2])
    }
    #expect(throws: InvalidNetwork.self) { try run(.fullyConnected(weights), [], [5], [2]) }
    #expect(throws: InvalidNetwork.self) { try run(.maximumPool(Window()), [], [4], [4]) }
    #expect(throws: InvalidNetwork.self) { try run(.reshape, [], [4], [5]) }
  }
}

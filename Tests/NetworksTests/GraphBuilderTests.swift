import Networks
import QuantInfer
import Support
import Testing

/// Graphs that are built operator by operator, beside hand calculations.
@Suite struct GraphBuilderTests {
  @Test func aConstantOfFewerDimensionsStandsAtTheLastOnes() throws {
    var builder = GraphBuilder()
    let value = builder.input(name: "x", shape: [1, 2, 3])
    let constant = ConstantArray(shape: [3], values: [10, 20, 30])
    for (first, second) in [
      (GraphBuilder.Operand.value(value), .constant(constant)), (.constant(constant), .value(value)),
    ] as [(GraphBuilder.Operand, GraphBuilder.Operand)] {
      var builder = builder
      let sum = try builder.combined(.add, first, second)
      #expect(sum.shape == [1, 2, 3])
      let execution = try FloatExecution(builder.graph(outputs: [sum]))
      #expect(execution.logits(ofWindow: [1, 2, 3, 4, 5, 6]) == [11, 22, 33, 14, 25, 36])
    }
  }

  /// Zeros before and after three values, more than two taps reach: 0, 0 | 0, 0 | 0, 1 | 1, 2 | 2, 3 | 3, 0 | 0, 0 | 0, 0 | 0, 0.
  @Test func paddingBeyondAWindowIsValuesOfItsOwn() throws {
    var builder = GraphBuilder()
    let value = builder.input(name: "x", shape: [1, 1, 3])
    let steps = [QuantizedNetwork.Step(kernel: 2, paddingBefore: 3, paddingAfter: 4)]
    let weights = ConstantArray(shape: [1, 1, 2], values: [1, 10])
    let sum = try builder.convolution(value, weights, biases: [7], steps, groups: 1)
    #expect(sum.shape == [1, 1, 9])
    let graph = try builder.graph(outputs: [sum])
    #expect(
      try FloatExecution(graph).logits(ofWindow: [1, 2, 3]) == [7, 7, 17, 28, 39, 10, 7, 7, 7])
    // A runtime's window always has a tap on a value.
    let windows = graph.operators.compactMap { operation -> QuantizedNetwork.Window? in
      switch operation.computation {
      case .convolution(let window, _), .depthwiseConvolution(let window, _): window
      default: nil
      }
    }
    #expect(windows.count == 1)
    #expect(windows.allSatisfy { $0.time.paddingBefore == 1 && $0.time.paddingAfter == 1 })
  }
}

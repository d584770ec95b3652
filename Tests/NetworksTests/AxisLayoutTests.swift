import Networks
import Testing

/// Views of the same memory; all numbers by hand.
@Suite struct AxisLayoutTests {
  @Test func aFlattenedTranspositionIsAView() throws {
    // [batch 1, channel 2, time 3], channels last in memory
    let layout = AxisLayout([1, 2, 3], memoryOrder: [2, 1])
    #expect(layout.factors == [3, 2] && layout.shape == [1, 2, 3])
    let flat = try #require(layout.reshaped([1, 6]))
    #expect(flat.factors == [3, 2] && flat.axes == [[], [1, 0]])
    #expect(flat.memoryOrder == nil)
    let back = try #require(flat.reshaped([2, 3]))
    #expect(back.axes == [[1], [0]])
  }

  @Test func aDimensionSplitsIntoItsFactors() throws {
    let layout = AxisLayout([4, 6], memoryOrder: [1, 0])
    let split = try #require(layout.reshaped([2, 2, 3, 2]))
    #expect(split.factors == [3, 2, 2, 2] && split.axes == [[2], [3], [0], [1]])
    #expect(split.strides == [8, 4, 2, 1])
    // 8 values are 4 and a third of the six; but six and a third of 4 are no whole factors.
    #expect(layout.reshaped([8, 3])?.axes == [[2, 0], [1]])
    #expect(AxisLayout([6, 4], memoryOrder: [1, 0]).reshaped([8, 3]) == nil)
  }

  @Test func neighboursInMemoryBecomeOneFactor() throws {
    let split = try #require(AxisLayout([24]).reshaped([2, 3, 4]))
    #expect(split.factors == [2, 3, 4])
    #expect(split.reshaped([6, 4])?.factors == [6, 4])
    #expect(split.transposed([1, 0, 2]).reshaped([6, 4])?.factors == [2, 3, 4])
  }

  /// What mutated ONNX models found: the strides of such shapes are beyond 64 bits, and nothing is not repeated.
  @Test func shapesThatAreTooLargeOrEmptyAreRefusedBeforeTheyAreLaidOut() {
    var builder = GraphBuilder()
    let value = builder.input(name: "x", shape: [1, 1, 1, 2])
    for shape in [[1 << 40, 1 << 40, 1, 2], [Int.max, 3, 1, 2], [1 << 25, 1, 1, 2], [-1, 1, 1, 2]] {
      #expect(throws: InvalidNetwork.self) { try builder.repeated(value, to: shape) }
    }
    let nothing = ConstantArray(shape: [1, 0, 1, 1], values: [])
    #expect(throws: InvalidNetwork.self) { try builder.scaled(value, gains: nothing, offsets: nil) }
    #expect(throws: InvalidNetwork.self) { try builder.combined(.add, .value(value), .constant(nothing)) }
    let border = [(before: Int, after: Int)](repeating: (1 << 19, 1 << 19), count: 4)
    #expect(throws: InvalidNetwork.self) { try builder.padded(value, border, with: 1) }
  }
}

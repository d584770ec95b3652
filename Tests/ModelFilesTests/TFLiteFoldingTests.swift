import Foundation
import ModelFiles
import Networks
import QuantInfer
import Support
import Testing
import TestNetworks
import TestSupport

/// What the importer works out before a run, and what it leaves out.
@Suite struct TFLiteFoldingTests {
  /// A tensor whose first dimension is open.
  private static func open(_ builder: inout ModelBuilder, _ shape: [Int]) -> Int32 {
    let index = builder.tensor(shape)
    builder.model.graph.tensors[Int(index)].shapeSignature = [-1] + shape.dropFirst().map { Int32($0) }
    return index
  }

  /// A computed list of dimensions.
  private static func list(_ builder: inout ModelBuilder, _ shape: [Int]) -> Int32 {
    let index = builder.tensor(shape, .int32)
    builder.model.graph.tensors[Int(index)].quantization = nil
    return index
  }

  @Test func aShapeThatTheGraphWorksOutIsAReshape() throws {
    var builder = ModelBuilder()
    let input = builder.tensor([1, 4, 6])
    let (dimensions, batch, wanted) = (
      Self.list(&builder, [3]), Self.list(&builder, []), Self.list(&builder, [2])
    )
    let (begin, end, rest) = (builder.integers([0]), builder.integers([1]), builder.integers([24]))
    builder.model.graph.tensors[Int(rest)].shape = []
    let output = builder.tensor([1, 24])
    builder.add(77, options(55) { $0.outputType = .int32 }, [input], to: [dimensions])
    builder.add(
      .stridedSlice, options(32) { $0.shrinkAxisMask = 1 }, [dimensions, begin, end, end], to: [batch])
    builder.add(.pack, options(59) { $0.partCount = 2 }, [batch, rest], to: [wanted])
    builder.add(.reshape, nil, [input, wanted], to: [output])
    let network = try QuantizedNetwork(importing: builder.finished(inputs: [input], outputs: [output]))
    #expect(network.operators.map(\.kind) == [.reshape] && network.operators[0].sourceIndex == 3)
    #expect(network.tensors.map(\.shape) == [[1, 4, 6], [1, 24]])
  }

  /// The chain of Keras' Dense over time: [batch, time, channel] to [batch * time, channel] and back.
  @Test func shapesThatAnOpenBatchLeftWrongAreThoseOfABatchOf1() throws {
    var builder = ModelBuilder()
    let input = Self.open(&builder, [1, 5, 3])
    let (dimensions, kept, product, last, flat) = (
      Self.list(&builder, [3]), Self.list(&builder, [2]), Self.list(&builder, []), Self.list(&builder, [1]),
      Self.list(&builder, [2])
    )
    let (first, axis, second, channels, back) = (
      builder.integers([0, 1]), builder.integers([0]), builder.integers([2]), builder.integers([2]),
      Self.list(&builder, [3])
    )
    let lastScalar = Self.list(&builder, [])
    // The file says [1, 3] and [1, 2], as if time were a batch of 1.
    let (rows, dense) = (Self.open(&builder, [1, 3]), Self.open(&builder, [1, 2]))
    builder.model.graph.tensors[Int(rows)].shapeSignature = [-1, 3]
    let weights = builder.constant([2, 3], .int8, [1, 2, 3, 4, 5, 6] as [Int8], scales: [0.01])
    let output = Self.open(&builder, [1, 5, 2])
    builder.add(77, options(55) { $0.outputType = .int32 }, [input], to: [dimensions])
    builder.add(.gather, options(23), [dimensions, first], to: [kept])
    builder.add(81, options(27), [kept, axis], to: [product])
    builder.add(.gather, options(23), [dimensions, second], to: [last])
    builder.add(81, options(27), [last, axis], to: [lastScalar])
    builder.add(.pack, options(59) { $0.partCount = 2 }, [product, lastScalar], to: [flat])
    builder.add(.concatenation, options(10), [kept, channels], to: [back])
    builder.add(.reshape, nil, [input, flat], to: [rows])
    builder.add(.fullyConnected, options(8), [rows, weights], to: [dense])
    builder.add(.reshape, nil, [dense, back], to: [output])
    let network = try QuantizedNetwork(importing: builder.finished(inputs: [input], outputs: [output]))
    #expect(network.operators.map(\.kind) == [.reshape, .fullyConnected, .reshape])
    #expect(network.tensors.map(\.shape) == [[1, 5, 3], [5, 3], [5, 2], [1, 5, 2]])
  }

  @Test func operatorsThatNobodyReadsAreLeftOut() throws {
    var builder = ModelBuilder()
    let (input, output, unread) = (builder.tensor([4]), builder.tensor([4]), builder.tensor([4]))
    builder.add(.relu, nil, [input], to: [output])
    builder.add(16, nil, [output], to: [unread])  // An LSTM.
    let network = try QuantizedNetwork(importing: builder.finished(inputs: [input], outputs: [output]))
    #expect(network.operators.map(\.kind) == [.relu] && network.tensors.count == 2)
  }

  @Test func aPartOfASplitThatNobodyReadsIsLeftOut() throws {
    var builder = ModelBuilder()
    let input = builder.tensor([1, 6])
    let parts = (0..<3).map { _ in builder.tensor([1, 2]) }
    let axis = builder.integers([1])
    builder.add(.split, options(35) { $0.partCount = 3 }, [axis, input], to: parts)
    let network = try QuantizedNetwork(
      importing: builder.finished(inputs: [input], outputs: [parts[2], parts[0]]))
    #expect(network.operators.map(\.kind) == [.split, .split])
    let starts = network.operators.map { operation -> Int? in
      guard case .rearrangement(let blocks, nil) = operation.computation else { return nil }
      return blocks.first?.inputStart
    }
    #expect(starts == [0, 4])
  }

  /// A convolution of dilation 2 as Keras has it, between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND.
  private func dilated(_ pads: [Int], _ crops: [Int]) -> TFLiteModel {
    var builder = ModelBuilder()
    let inner = (9 + pads[0] + pads[1]) / 2
    let input = builder.tensor([1, 9, 3])
    let (sizes, padList, cropList, axis) = (
      builder.integers([2]), builder.integers(pads), builder.integers(crops), builder.integers([1])
    )
    let tensors = [[2, inner, 3], [2, 1, inner, 3], [2, 1, inner - 2, 4], [2, inner - 2, 4]].map {
      builder.tensor($0)
    }
    let weights = builder.constant(
      [4, 1, 3, 3], .int8, [Int8](repeating: 7, count: 36), scales: [0.01, 0.01, 0.01, 0.01])
    let output = builder.tensor([1, 2 * (inner - 2) - crops[0] - crops[1], 4])
    builder.add(.spaceToBatch, nil, [input, sizes, padList], to: [tensors[0]])
    builder.add(70, nil, [tensors[0], axis], to: [tensors[1]])
    builder.add(
      .convolution, options(1) { ($0.padding, $0.strideWidth, $0.strideHeight) = (.valid, 1, 1) },
      [tensors[1], weights, -1], to: [tensors[2]])
    builder.add(43, options(30) { $0.squeezedDimensions = [1] }, [tensors[2]], to: [tensors[3]])
    builder.add(.batchToSpace, nil, [tensors[3], sizes, cropList], to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }

  /// What fuzzing by coverage found: the last of these operators without an output.
  @Test func anOperatorThatLacksTensorsIsRefused() {
    let model = dilated([0, 1], [0, 1])
    for place in model.graph.operators.indices {
      var broken = model
      broken.graph.operators[place].outputs = []
      #expect(throws: (any Error).self) { try QuantizedNetwork(importing: broken) }
      broken = model
      while broken.graph.operators[place].inputs.popLast() != nil {
        _ = try? QuantizedNetwork(importing: broken)
      }
      #expect(throws: (any Error).self) { try QuantizedNetwork(importing: broken) }
    }
  }

  /// A scalar where a convolution reads or writes would have no batch.
  @Test func tensorsWithoutDimensionsTrapNothing() {
    let model = dilated([0, 1], [0, 1])
    for place in model.graph.tensors.indices {
      var broken = model
      broken.graph.tensors[place].shape = []
      for other in model.graph.tensors.indices {
        var open = broken
        open.graph.tensors[other].shape = []
        open.graph.tensors[other].shapeSignature = [-1]
        _ = try? QuantizedNetwork(importing: open)
      }
    }
  }

  /// A Keras Conv1D of dilation 2, padded before and behind by what SAME asks for.
  @Test func spaceToBatchAroundAConvolutionIsADilation() throws {
    let cases: [(pads: [Int], crops: [Int], kinds: [OperatorKind])] = [
      ([0, 1], [0, 1], [.reshape, .convolution, .reshape]),
      ([2, 3], [0, 1], [.spaceToBatch, .reshape, .convolution, .reshape]),
      ([2, 3], [4, 1], [.spaceToBatch, .reshape, .convolution, .reshape, .batchToSpace]),
    ]
    for (pads, crops, kinds) in cases {
      let network = try QuantizedNetwork(importing: dilated(pads, crops))
      #expect(network.operators.map(\.kind) == kinds)
      let convolution = network.operators.first { $0.kind == .convolution }
      guard case .convolution(let window, _)? = convolution?.computation else {
        Issue.record("the convolution stays")
        continue
      }
      #expect(window == .init(frequency: .init(kernel: 3, dilation: 2)))
    }
  }

  @Test func aFunctionInFloatIsATable() throws {
    var builder = ModelBuilder()
    let input = builder.tensor([4], scale: 0.5, zeroPoint: 10)
    let (real, negated) = (builder.float([4]), builder.float([4]))
    let output = builder.tensor([4], scale: 0.25, zeroPoint: -3)
    builder.add(6, options(38), [input], to: [real])
    builder.add(59, nil, [real], to: [negated])
    builder.add(.quantize, options(89), [negated], to: [output])
    let network = try QuantizedNetwork(importing: builder.finished(inputs: [input], outputs: [output]))
    guard network.operators.count == 1, case .lookup(let table) = network.operators[0].computation else {
      Issue.record("one table")
      return
    }
    // -(code - 10) * 0.5 / 0.25 - 3.
    let expected = (-128...127).map { (code: Int) -> Int16 in Int16(max(-128, min(127, 17 - 2 * code))) }
    #expect(table == expected)
  }

  @Test func whatComputesInFloatFromTwoTensorsIsRefused() {
    var builder = ModelBuilder()
    let input = builder.tensor([4])
    let (real, sum, output) = (builder.float([4]), builder.float([4]), builder.tensor([4]))
    builder.add(6, options(38), [input], to: [real])
    builder.add(.add, options(11), [real, real], to: [sum])
    builder.add(.quantize, options(89), [sum], to: [output])
    #expect {
      _ = try QuantizedNetwork(importing: builder.finished(inputs: [input], outputs: [output]))
    } throws: { error in
      (error as? NotConvertible)?.location == "operator 1 (ADD)"
        && (error as? NotConvertible)?.problem == "computes in float from two computed tensors"
    }
  }

  @Test func unsignedCodesAtTheBorderAreTheSameLess128() throws {
    var builder = ModelBuilder()
    let input = builder.tensor([3], .uint8, scale: 0.5, zeroPoint: 130)
    let output = builder.tensor([3], .int8, scale: 0.5, zeroPoint: 0)
    builder.add(.quantize, options(89), [input], to: [output])
    let network = try QuantizedNetwork(importing: builder.finished(inputs: [input], outputs: [output]))
    #expect(network.tensors[0].zeroPoint == 2 && network.inputs[0].boundary?.kind == .unsigned)
    guard case .lookup(let table) = network.operators[0].computation else {
      Issue.record("a table")
      return
    }
    let expected = (-128...127).map { (code: Int) -> Int16 in Int16(max(-128, code - 2)) }
    #expect(table == expected)
  }

  @Test func theGreatestCodesPlaceIsLeftToTheCaller() throws {
    var builder = ModelBuilder()
    let (input, codes) = (builder.tensor([1, 4]), builder.tensor([1, 4]))
    let (axis, output) = (builder.integers([1]), Self.list(&builder, [1]))
    builder.add(.relu, nil, [input], to: [codes])
    builder.add(56, options(40) { $0.outputType = .int32 }, [codes, axis], to: [output])
    let network = try QuantizedNetwork(importing: builder.finished(inputs: [input], outputs: [output]))
    #expect(network.operators.map(\.kind) == [.relu] && network.outputs[0].tensor == 1)
    #expect(network.outputs[0].boundary == .init(.greatestIndex, operatorIndex: 1, tensorIndex: Int(output)))
  }

  @Test func buffersBehindTheTablesAreRead() throws {
    var builder = ModelBuilder()
    let input = builder.tensor([2, 3])
    let order = builder.integers([1, 0])
    let output = builder.tensor([3, 2])
    builder.add(.transpose, options(26), [input, order], to: [output])
    let model = builder.finished(inputs: [input], outputs: [output])
    var outside = model
    outside.buffers[1] = .init()
    (outside.buffers[1].fileOffset, outside.buffers[1].fileByteCount) = (1 << 40, 8)
    let start = try outside.encoded().count
    outside.buffers[1].fileOffset = UInt64(start)
    let file = try outside.encoded() + Data(model.buffers[1].bytes)
    #expect(try TFLiteModel(decoding: file, file: "outside") == model)
    for cut in [file.dropLast(), file.prefix(start)] {
      #expect(throws: FileError.self) { try TFLiteModel(decoding: Data(cut), file: "outside") }
    }
  }
}

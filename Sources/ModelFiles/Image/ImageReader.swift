import Networks
import QuantInfer

/// Reads operators' constants from a validated image, as `ImageWriter` writes them.
struct ImageReader {
  private let model: Model
  /// Where offsets count from.
  private let place: Int

  init(_ model: Model, at place: Int) { (self.model, self.place) = (model, place) }

  private func number(at offset: Int, bytes count: Int) -> UInt64 {
    (0..<count).reduce(0) { $0 | UInt64(model.byte(at: place + offset + $1)) << UInt64(8 * $1) }
  }

  private func half(_ offset: Int) -> UInt16 { UInt16(truncatingIfNeeded: number(at: offset, bytes: 2)) }

  private func word(_ offset: Int) -> Int32 { Int32(truncatingIfNeeded: number(at: offset, bytes: 4)) }

  /// What an offset leads to.
  private func behind(_ offset: Int) -> ImageReader { ImageReader(model, at: Int(word(offset))) }

  private func halves(_ count: Int) -> [UInt16] { (0..<count).map { half(2 * $0) } }

  /// Codes of a type.
  func codes(at offset: Int, count: Int, _ type: ElementType) -> [Int16] {
    (0..<count).map { index in
      type == .int8
        ? Int16(Int8(truncatingIfNeeded: number(at: offset + index, bytes: 1)))
        : Int16(bitPattern: half(offset + 2 * index))
    }
  }

  private func six(_ offset: Int) -> [Int] {
    (0..<ModelFormat.greatestRank).map { Int(word(offset + 4 * $0)) }
  }

  /// Dimensions and distances along them, without the dimensions of 1 in front.
  private func walk(_ shape: Int, _ strides: [Int]) -> (shape: [Int], strides: [[Int]]) {
    let lengths = six(shape)
    let first = lengths.firstIndex { $0 != 1 } ?? lengths.count
    return (Array(lengths[first...]), strides.map { Array(six($0)[first...]) })
  }

  private func multiplier(_ offset: Int) -> FixedPointMultiplier {
    FixedPointMultiplier(multiplierQ31: word(offset), leftShift: Int8(truncatingIfNeeded: word(offset + 4)))
  }

  /// What an operator without weights computes; its constants lie here.
  func computation(
    _ plan: OperatorPlan, _ kind: OperatorKind, of model: Model
  ) -> QuantizedNetwork.Computation {
    let (input, output) = (model.tensor(plan.inputIndex(0)), model.tensor(plan.outputIndex))
    let window = plan.window.map {
      QuantizedNetwork.Window(time: .init($0.time), frequency: .init($0.frequency))
    }
    return switch kind {
    case .averagePool: .averagePool(window ?? .init())
    case .maximumPool: .maximumPool(window ?? .init())
    case .add, .subtract, .multiply, .divide, .maximum, .minimum, .prelu, .squaredDifference:
      .elementwise(elementwise)
    case .mean: .mean(mean)
    case .sum, .reduceMaximum, .reduceMinimum: .reduction(mean)
    case .logistic, .tanh, .relu, .relu6, .leakyRelu, .quantize, .absolute, .negate, .elu, .hardSwish,
      .exponential, .logarithm, .squareRoot, .reciprocalSquareRoot:
      function(kind, from: input.type, to: output.type)
    case .softmax: .softmax(softmax)
    case .logSoftmax: .logSoftmax(logSoftmax)
    case .resizeBilinear:
      .resize(
        .init(
          heightScaleQ10: Int(word(ModelFormat.Resize.heightScaleQ10)),
          widthScaleQ10: Int(word(ModelFormat.Resize.widthScaleQ10)),
          hasHalfPixelCenters: word(ModelFormat.Resize.hasHalfPixelCenters) != 0))
    case .batchMatMul: .batchProduct(batchProduct)
    case .svdf: .svdf(svdf(input, state: model.tensor(plan.inputIndex(1)), output))
    case .reshape, .convolution, .depthwiseConvolution, .fullyConnected, .sequenceLSTM: .reshape
    case .pad, .transpose, .stridedSlice, .slice, .split, .splitUnevenly, .unpack, .concatenation, .pack,
      .gather, .tile, .broadcast, .reverse, .resizeNearestNeighbor, .depthToSpace, .spaceToDepth,
      .spaceToBatch, .batchToSpace:
      rearrangement
    }
  }

  private var elementwise: QuantizedNetwork.Elementwise {
    typealias Field = ModelFormat.Elementwise
    let walk = walk(Field.shape, [Field.firstStrides, Field.secondStrides])
    var elementwise = QuantizedNetwork.Elementwise(
      shape: walk.shape, firstStrides: walk.strides[0], secondStrides: walk.strides[1])
    elementwise.firstMultiplier = multiplier(Field.multipliers)
    elementwise.secondMultiplier = multiplier(Field.multipliers + 8)
    elementwise.outputMultiplier = multiplier(Field.multipliers + 16)
    elementwise.leftShift = Int(word(Field.leftShift))
    return elementwise
  }

  private var rearrangement: QuantizedNetwork.Computation {
    typealias Field = ModelFormat.Rearrangement
    typealias Block = ModelFormat.Block
    let records = word(Field.blocks)
    let blocks = (0..<Int(half(Field.blockCount))).map { index in
      let record = ImageReader(model, at: Int(records) + index * Block.byteCount)
      let walk = record.walk(Block.shape, [Block.inputStrides, Block.outputStrides])
      return QuantizedNetwork.Block(
        input: Int(record.word(Block.input)), shape: walk.shape,
        inputStart: Int(record.word(Block.inputStart)), inputStrides: walk.strides[0],
        outputStart: Int(record.word(Block.outputStart)), outputStrides: walk.strides[1])
    }
    return .rearrangement(blocks, fill: half(Field.hasFill) != 0 ? Int(word(Field.fill)) : nil)
  }

  private var mean: QuantizedNetwork.Mean {
    typealias Field = ModelFormat.Mean
    let kept = walk(Field.shape, [Field.strides])
    let reduced = walk(Field.reducedShape, [Field.reducedStrides])
    return QuantizedNetwork.Mean(
      shape: kept.shape, strides: kept.strides[0], reducedShape: reduced.shape,
      reducedStrides: reduced.strides[0], multiplier: multiplier(Field.multiplier))
  }

  private func function(
    _ kind: OperatorKind, from input: ElementType, to output: ElementType
  ) -> QuantizedNetwork.Computation {
    guard input == .int16 else {
      return .lookup(behind(ModelFormat.Lookup.table).codes(at: 0, count: 256, output))
    }
    guard kind == .logistic || kind == .tanh else {
      let place = ModelFormat.Rescaling.multipliers
      return .rescaling(.init(multiplier: multiplier(place), negativeMultiplier: multiplier(place + 8)))
    }
    typealias Field = ModelFormat.Sigmoid
    return .sigmoid(
      .init(
        tableQ16: behind(Field.table).halves(256), multiplier: Int(word(Field.multiplier)),
        shift: Int(word(Field.shift))))
  }

  private var softmax: QuantizedNetwork.Softmax {
    typealias Field = ModelFormat.Softmax
    func table(_ offset: Int) -> [Int16] {
      word(offset) == 0 ? [] : behind(offset).halves(513).map { Int16(bitPattern: $0) }
    }
    return QuantizedNetwork.Softmax(
      depth: Int(word(Field.depth)), multiplier: multiplier(Field.multiplier),
      leastDifference: Int(word(Field.leastDifference)), exponentialsQ15: table(Field.tables),
      reciprocalsQ15: table(Field.tables + 4))
  }

  private var logSoftmax: QuantizedNetwork.LogSoftmax {
    typealias Field = ModelFormat.LogSoftmax
    return QuantizedNetwork.LogSoftmax(
      depth: Int(word(Field.depth)), multiplier: multiplier(Field.multiplier),
      leastDifference: Int(word(Field.leastDifference)),
      reverseMultiplier: multiplier(Field.reverseMultiplier))
  }

  private var batchProduct: QuantizedNetwork.BatchProduct {
    typealias Field = ModelFormat.BatchProduct
    let walk = walk(Field.shape, [Field.firstStrides, Field.secondStrides])
    func last(_ offset: Int) -> Int { six(offset)[ModelFormat.greatestRank - 1] }
    return QuantizedNetwork.BatchProduct(
      shape: walk.shape, firstStrides: walk.strides[0], secondStrides: walk.strides[1],
      depth: last(Field.depth), firstStep: last(Field.firstDepthStrides),
      secondStep: last(Field.secondDepthStrides), multiplier: multiplier(Field.multiplier))
  }

  private func svdf(
    _ input: QuantInfer.Tensor, state: QuantInfer.Tensor, _ output: QuantInfer.Tensor
  ) -> QuantizedNetwork.SVDF {
    typealias Field = ModelFormat.SVDF
    let rank = Int(word(Field.rank))
    let (units, filters) = (output.channelCount, rank * output.channelCount)
    let features = behind(Field.featureWeights).codes(at: 0, count: filters * input.channelCount, .int8)
    let biases = behind(Field.biases)
    return QuantizedNetwork.SVDF(
      featureWeights: features.map { Int8(truncatingIfNeeded: $0) },
      timeWeights: behind(Field.timeWeights).codes(at: 0, count: state.channelCount, state.type),
      biases: (0..<units).map { biases.word(4 * $0) }, rank: rank,
      featureMultiplier: multiplier(Field.multipliers), outputMultiplier: multiplier(Field.multipliers + 8))
  }

  /// An LSTM of weights that were read before.
  func lstm(
    inputs: QuantizedNetwork.Weights, recurrence: QuantizedNetwork.Weights
  ) -> QuantizedNetwork.LSTM {
    typealias Field = ModelFormat.LSTM
    return QuantizedNetwork.LSTM(
      inputWeights: inputs, recurrentWeights: recurrence,
      cellSigmoid: .init(
        tableQ16: behind(Field.table).halves(256), multiplier: Int(word(Field.cellMultiplier)),
        shift: Int(word(Field.cellShift))),
      cellLimit: Int(word(Field.cellLimit)), cellMultiplier: multiplier(Field.multipliers),
      outputMultiplier: multiplier(Field.multipliers + 8))
  }
}

import Foundation
import ModelFiles
import QuantInfer
import Support

/// Models of one operator with random shapes, scales and constants.
package struct OperatorModels {
  package typealias Named = (name: String, model: TFLiteModel)

  package var random: SeededGenerator

  /// A random choice from a seed.
  package init(random: SeededGenerator) { self.random = random }

  /// Models of every operator and combination of types that TensorFlow Lite Micro has and the importer takes.
  package mutating func all() -> [Named] {
    var models: [Named] = []
    for round in 0..<4 {
      models.append(("FULLY_CONNECTED of chosen biases \(round)", chosenBiases(.fullyConnected)))
      models.append(("SVDF of chosen biases \(round)", chosenBiases(.svdf)))
      for weights in WeightKind.allCases {
        models.append(("CONV_2D \(weights) \(round)", convolution(weights, round: round)))
        if weights != .int16Bias32 {
          models.append(("DEPTHWISE_CONV_2D \(weights) \(round)", depthwise(weights, round: round)))
        }
        models.append(("FULLY_CONNECTED \(weights) \(round)", fullyConnected(weights, round: round)))
      }
      for type in [TFLiteElementType.int8, .int16] {
        for kind in [OperatorKind.averagePool, .maximumPool] {
          models.append(("\(kind) \(type.name) \(round)", pool(kind, type)))
        }
        for kind in [OperatorKind.add, .subtract, .multiply, .maximum, .minimum] {
          models.append(("\(kind) \(type.name) \(round)", elementwise(kind, type, round: round)))
        }
        models += rearrangements(type).map { ("\($0.name) \(type.name) \(round)", $0.model) }
        for kind in [OperatorKind.logistic, .tanh, .relu, .relu6, .leakyRelu] {
          models.append(("\(kind) \(type.name) \(round)", function(kind, type, round: round)))
        }
        models.append(("MEAN \(type.name) \(round)", mean(type)))
        models.append(("SVDF \(type.name) \(round)", svdf(state: type, round: round)))
        for output in [TFLiteElementType.int8, .int16] {
          models.append(("QUANTIZE \(type.name) \(output.name) \(round)", requantization(type, output)))
          if type == .int8 || output == .int16 {
            models.append(("SOFTMAX \(type.name) \(output.name) \(round)", softmax(type, output)))
          }
        }
        models.append(("float border \(type.name) \(round)", border(type)))
      }
    }
    for round in 0..<4 {
      for type in [TFLiteElementType.int8, .int16] {
        models.append(("LSTM \(type.name) \(round)", lstm(type, round: round)))
      }
    }
    return models
  }
}

extension OperatorModels {
  /// Weights, activations and biases.
  enum WeightKind: CaseIterable {
    case perChannel, perTensor, noBias, int4, int16Bias64, int16Bias32, int16NoBias

    var isInt16: Bool { self == .int16Bias64 || self == .int16Bias32 || self == .int16NoBias }
    var activationType: TFLiteElementType { isInt16 ? .int16 : .int8 }
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + random.nextIndex(below: range.count)
  }

  mutating func scale(_ range: ClosedRange<Double>) -> Float {
    Float(exp(random.next(in: log(range.lowerBound)...log(range.upperBound))))
  }

  mutating func zeroPoint(_ type: TFLiteElementType) -> Int { type == .int8 ? number(-128...127) : 0 }

  private mutating func codes(_ count: Int, _ type: TFLiteElementType) -> [Int16] {
    (0..<count).map { _ in
      type == .int8 ? Int16(number(-128...127)) : Int16(truncatingIfNeeded: random.next())
    }
  }

  /// Constant codes of an activation's type.
  private mutating func operand(
    _ builder: inout ModelBuilder, _ shape: [Int], _ type: TFLiteElementType, scale: Float, zeroPoint: Int
  ) -> Int32 {
    let codes = codes(shape.reduce(1, *), type)
    return type == .int8
      ? builder.constant(
        shape, type, codes.map { Int8($0) }, scales: [scale], zeroPoints: [Int64(zeroPoint)])
      : builder.constant(shape, type, codes, scales: [scale], zeroPoints: [Int64(zeroPoint)])
  }

  /// Adds input, weights, biases and output of a kind, and the operator; `inputs` add up to an output.
  private mutating func weighted(
    _ operation: OperatorKind, _ kind: WeightKind, _ options: TFLiteOptions, shapes: [[Int]], axis: Int,
    inputs: Int, zeroPoint weightZero: Int = 0
  ) -> TFLiteModel {
    var builder = ModelBuilder()
    let (shape, weightShape, outputShape) = (shapes[0], shapes[1], shapes[2])
    let channels = weightShape[axis]
    let inputScale = scale(0.01...0.1)
    let isPerChannel =
      kind != .perTensor && !(kind == .int4 && operation == .fullyConnected) && number(0...4) > 0
    let scales = (0..<(isPerChannel ? channels : 1)).map { _ in scale(0.002...0.02) }
    let outputScale = inputScale * scales[0] * Float(Double(inputs).squareRoot()) * scale(40...200)
    let input = builder.tensor(
      shape, kind.activationType, scale: inputScale, zeroPoint: zeroPoint(kind.activationType))
    let count = weightShape.reduce(1, *)
    let weights: Int32
    if kind == .int4 {
      let bytes = (0..<(count + 1) / 2).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      weights = builder.constant(
        weightShape, .int4, bytes, scales: scales.map { $0 * 8 }, dimension: Int32(axis))
    } else {
      weights = builder.constant(
        weightShape, .int8, (0..<count).map { _ in Int8(number(-127...127)) }, scales: scales,
        zeroPoints: scales.map { _ in Int64(isPerChannel ? 0 : weightZero) }, dimension: Int32(axis))
    }
    var tensors = [input, weights]
    let biasScales = scales.map { inputScale * $0 * (kind == .int4 ? 8 : 1) }
    if kind == .int16Bias64 {
      let biases = (0..<channels).map { _ in Int64(number(-5_000_000...5_000_000)) }
      tensors.append(builder.constant([channels], .int64, biases, scales: biasScales))
    } else if kind != .noBias && kind != .int16NoBias {
      let limit = kind.isInt16 ? 5_000_000 : 5000
      let biases = (0..<channels).map { _ in Int32(number(-limit...limit)) }
      tensors.append(builder.constant([channels], .int32, biases, scales: biasScales))
    } else if operation != .depthwiseConvolution && number(0...1) == 0 {
      // TensorFlow Lite Micro's DEPTHWISE_CONV_2D wants two inputs instead.
      tensors.append(-1)
    }
    let output = builder.tensor(
      outputShape, kind.activationType, scale: outputScale, zeroPoint: zeroPoint(kind.activationType))
    builder.add(operation, options, tensors, to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }

  /// A window's options and the output's length, for an input and a kernel.
  private mutating func window(
    _ options: inout TFLiteOptions, input: [Int], kernel: [Int], allowsDilation: Bool
  ) -> [Int] {
    options.padding = number(0...1) == 0 ? .same : .valid
    options.activation = .init(rawValue: Int8(number(0...3)))
    (options.strideHeight, options.strideWidth) = (Int32(number(1...3)), Int32(number(1...3)))
    if allowsDilation && number(0...1) == 0 {
      (options.dilationHeight, options.dilationWidth) = (Int32(number(1...2)), Int32(number(1...3)))
    }
    let strides = [Int(options.strideHeight), Int(options.strideWidth)]
    let dilations = [Int(options.dilationHeight), Int(options.dilationWidth)]
    return (0..<2).map { axis in
      let reach = (kernel[axis] - 1) * dilations[axis] + 1
      return options.padding == .same
        ? (input[axis] + strides[axis] - 1) / strides[axis] : (input[axis] - reach) / strides[axis] + 1
    }
  }

  private mutating func convolution(_ kind: WeightKind, round: Int) -> TFLiteModel {
    let (batch, height, width) = (number(1...2), number(7...11), number(8...12))
    let kernel = round == 0 ? [1, 1] : [number(1...4), number(1...3)]
    let groups = round == 1 ? 2 : 1
    let (channels, outputs) = (groups * number(1...5), groups * number(1...6))
    var options = options(1) {
      $0.quantizedBiasType = kind == .int16NoBias && round % 2 == 0 ? .int32 : .float32
    }
    let sizes = window(&options, input: [height, width], kernel: kernel, allowsDilation: true)
    let shapes = [
      [batch, height, width, channels], [outputs] + kernel + [channels / groups], [batch] + sizes + [outputs],
    ]
    return weighted(
      .convolution, kind, options, shapes: shapes, axis: 0, inputs: shapes[1].dropFirst().reduce(1, *))
  }

  private mutating func depthwise(_ kind: WeightKind, round: Int) -> TFLiteModel {
    let (batch, height, width) = (number(1...2), number(7...11), number(8...12))
    let kernel = [number(1...4), number(1...3)]
    let (channels, multiplier) = (round == 0 ? 1 : number(1...9), round == 1 ? 1 : number(1...3))
    var options = options(2) { $0.depthMultiplier = Int32(multiplier) }
    let sizes = window(&options, input: [height, width], kernel: kernel, allowsDilation: true)
    let outputs = channels * multiplier
    let shapes = [[batch, height, width, channels], [1] + kernel + [outputs], [batch] + sizes + [outputs]]
    return weighted(
      .depthwiseConvolution, kind, options, shapes: shapes, axis: 3, inputs: kernel[0] * kernel[1])
  }

  private mutating func fullyConnected(_ kind: WeightKind, round: Int) -> TFLiteModel {
    let (rows, depth, outputs) = (number(1...3), number(1...40), number(1...9))
    let options = options(8) {
      $0.activation = .init(rawValue: Int8(round))
      $0.quantizedBiasType = kind == .int16NoBias && round % 2 == 0 ? .int32 : .float32
      $0.keepsDimensions = round == 2
    }
    let shapes: [[Int]]
    switch round {
    case 0: shapes = [[rows, depth], [outputs, depth], [rows, outputs]]
    case 1: shapes = [[rows, 2, depth, 3], [outputs, 6 * depth], [rows, outputs]]
    case 2: shapes = [[2, rows, depth], [outputs, depth], [2, rows, outputs]]
    default: shapes = [[depth], [outputs, depth], [1, outputs]]
    }
    return weighted(
      .fullyConnected, kind, options, shapes: shapes, axis: 0, inputs: shapes[1][1],
      zeroPoint: kind == .perTensor ? number(-20...20) : 0)
  }

  private mutating func pool(_ kind: OperatorKind, _ type: TFLiteElementType) -> TFLiteModel {
    var builder = ModelBuilder()
    let (shape, kernel) = (
      [number(1...2), number(7...9), number(6...10), number(1...5)], [number(1...5), number(1...4)]
    )
    var options = options(5) { ($0.filterHeight, $0.filterWidth) = (Int32(kernel[0]), Int32(kernel[1])) }
    let sizes = window(&options, input: Array(shape[1...2]), kernel: kernel, allowsDilation: false)
    let (scale, zero) = (scale(0.02...0.1), zeroPoint(type))
    let input = builder.tensor(shape, type, scale: scale, zeroPoint: zero)
    let output = builder.tensor([shape[0]] + sizes + [shape[3]], type, scale: scale, zeroPoint: zero)
    builder.add(kind, options, [input], to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }
}

extension OperatorModels {
  private mutating func elementwise(
    _ kind: OperatorKind, _ type: TFLiteElementType, round: Int
  ) -> TFLiteModel {
    var builder = ModelBuilder()
    let full = [number(1...2), number(2...4), number(2...5), number(1...4)]
    var first = full
    var second = round == 0 ? full : full.map { number(0...1) == 0 ? 1 : $0 }
    if round == 2 { second = Array(second.dropFirst(number(1...3))) }
    if round == 3 { first[2] = 1 }
    if number(0...1) == 0 { swap(&first, &second) }
    let rank = max(first.count, second.count)
    let padded = [first, second].map { Array(repeating: 1, count: rank - $0.count) + $0 }
    let shape = zip(padded[0], padded[1]).map { max($0, $1) }
    let scales = (0..<3).map { _ in scale(0.02...0.2) }
    let outputScale =
      kind == .multiply ? scales[0] * scales[1] * (type == .int8 ? 100 : 20_000) : scales[2]
    let one = builder.tensor(first, type, scale: scales[0], zeroPoint: zeroPoint(type))
    let isConstant = round == 1
    let other =
      isConstant
      ? operand(&builder, second, type, scale: scales[1], zeroPoint: zeroPoint(type))
      : builder.tensor(second, type, scale: scales[1], zeroPoint: zeroPoint(type))
    let output = builder.tensor(shape, type, scale: outputScale, zeroPoint: zeroPoint(type))
    let optionKinds: [OperatorKind: UInt8] = [
      .add: 11, .subtract: 28, .multiply: 21, .maximum: 39, .minimum: 39,
    ]
    let options = options(optionKinds[kind] ?? 0) { $0.activation = .init(rawValue: Int8(round)) }
    builder.add(kind, options, [one, other], to: [output])
    return builder.finished(inputs: isConstant ? [one] : [one, other], outputs: [output])
  }

  private mutating func mean(_ type: TFLiteElementType) -> TFLiteModel {
    var builder = ModelBuilder()
    let shape = [number(1...3), number(2...5), number(2...6), number(1...4)]
    let axes = (0..<4).filter { _ in number(0...1) == 0 }
    let keeps = number(0...1) == 0
    let input = builder.tensor(shape, type, scale: scale(0.02...0.1), zeroPoint: zeroPoint(type))
    let list = builder.integers(axes.isEmpty ? [1, -3] : axes.map { number(0...1) == 0 ? $0 : $0 - 4 })
    let reduced = axes.isEmpty ? [1] : axes
    let outputShape = (0..<4).compactMap { axis in reduced.contains(axis) ? (keeps ? 1 : nil) : shape[axis] }
    let output = builder.tensor(outputShape, type, scale: scale(0.01...0.1), zeroPoint: zeroPoint(type))
    builder.add(.mean, options(27) { $0.keepsDimensions = keeps }, [input, list], to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }

  private mutating func rearrangements(_ type: TFLiteElementType) -> [Named] {
    [
      ("PAD", pad(type, version2: false)), ("PADV2", pad(type, version2: true)),
      ("TRANSPOSE", transpose(type)),
      ("STRIDED_SLICE", slice(type)), ("CONCATENATION", concatenation(type)), ("RESHAPE", reshape(type)),
    ]
  }

  private mutating func pad(_ type: TFLiteElementType, version2: Bool) -> TFLiteModel {
    var builder = ModelBuilder()
    let rank = number(1...4)
    let shape = (0..<rank).map { _ in number(1...4) }
    let amounts = (0..<2 * rank).map { _ in number(0...3) }
    let (scale, zero) = (scale(0.02...0.1), zeroPoint(type))
    let input = builder.tensor(shape, type, scale: scale, zeroPoint: zero)
    let paddings = builder.constant([rank, 2], .int32, amounts.map { Int32($0) })
    let outputShape = shape.enumerated().map { axis, size in size + amounts[2 * axis] + amounts[2 * axis + 1]
    }
    let value = version2 ? [operand(&builder, [1], type, scale: scale, zeroPoint: zero)] : []
    let output = builder.tensor(outputShape, type, scale: scale, zeroPoint: zero)
    builder.add(version2 ? 60 : 34, version2 ? nil : options(22), [input, paddings] + value, to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }

  private mutating func transpose(_ type: TFLiteElementType) -> TFLiteModel {
    var builder = ModelBuilder()
    let rank = number(2...5)
    let shape = (0..<rank).map { _ in number(1...4) }
    let order = Array(0..<rank).shuffled(using: &random)
    let zero = zeroPoint(type)
    let input = builder.tensor(shape, type, zeroPoint: zero)
    let list = builder.integers(order)
    let output = builder.tensor(order.map { shape[$0] }, type, zeroPoint: zero)
    builder.add(.transpose, options(26), [input, list], to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }

  private mutating func slice(_ type: TFLiteElementType) -> TFLiteModel {
    var builder = ModelBuilder()
    let shape = (0..<number(1...4)).map { _ in number(2...7) }
    var masks: (begin: Int32, end: Int32, shrink: Int32) = (0, 0, 0)
    var (begins, ends, strides, outputShape) = ([Int](), [Int](), [Int](), [Int]())
    for (axis, size) in shape.enumerated() {
      let bit = Int32(1) << Int32(axis)
      let (low, high) = (number(0...size - 1), number(1...size))
      let stride = number(1...2) * (number(0...2) == 0 ? -1 : 1)
      // What Python's slices take of the dimension.
      let taken: [Int]
      switch number(0...3) {
      case 0:
        masks.shrink |= bit
        (begins, ends, strides) = (
          begins + [number(0...1) == 0 ? low : low - size], ends + [0], strides + [1]
        )
        continue
      case 1:
        (masks.begin, masks.end) = (masks.begin | bit, masks.end | bit)
        taken = Array(Swift.stride(from: stride > 0 ? 0 : size - 1, to: stride > 0 ? size : -1, by: stride))
        (begins, ends) = (begins + [low], ends + [high])
      case 2 where low < high && stride > 0:
        taken = Array(Swift.stride(from: low, to: high, by: stride))
        (begins, ends) = (begins + [low - size], ends + [high == size ? size + 5 : high])
      default:
        masks.end |= bit
        taken = Array(Swift.stride(from: low, to: stride > 0 ? size : -1, by: stride))
        (begins, ends) = (begins + [low], ends + [0])
      }
      strides.append(stride)
      outputShape.append(taken.count)
    }
    let input = builder.tensor(shape, type)
    let lists = [begins, ends, strides].map { builder.integers($0) }
    let output = builder.tensor(outputShape, type)
    let options = options(32) { ($0.beginMask, $0.endMask, $0.shrinkAxisMask) = masks }
    builder.add(.stridedSlice, options, [input] + lists, to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }

  private mutating func concatenation(_ type: TFLiteElementType) -> TFLiteModel {
    var builder = ModelBuilder()
    let rank = number(1...4)
    let axis = number(0...rank - 1)
    var shape = (0..<rank).map { _ in number(1...4) }
    let zero = zeroPoint(type)
    var (inputs, all): ([Int32], [Int32]) = ([], [])
    var total = 0
    for place in 0..<number(2...4) {
      shape[axis] = number(1...4)
      total += shape[axis]
      if place == 1 {
        all.append(operand(&builder, shape, type, scale: 0.05, zeroPoint: zero))
      } else {
        inputs.append(builder.tensor(shape, type, zeroPoint: zero))
        all.append(inputs.last!)
      }
    }
    shape[axis] = total
    let output = builder.tensor(shape, type, zeroPoint: zero)
    let options = options(10) { $0.axis = Int32(number(0...1) == 0 ? axis : axis - rank) }
    builder.add(.concatenation, options, all, to: [output])
    return builder.finished(inputs: inputs, outputs: [output])
  }

  private mutating func reshape(_ type: TFLiteElementType) -> TFLiteModel {
    var builder = ModelBuilder()
    let (a, b, c) = (number(1...4), number(1...4), number(1...4))
    let zero = zeroPoint(type)
    let input = builder.tensor([a, b * c], type, zeroPoint: zero)
    let list = builder.integers([a * b, -1])
    let output = builder.tensor([a * b, c], type, zeroPoint: zero)
    builder.add(.reshape, options(17) { $0.newShape = [Int32(a * b), -1] }, [input, list], to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }
}

extension OperatorModels {
  /// A function of codes, over as many as there are of int8.
  private mutating func function(
    _ kind: OperatorKind, _ type: TFLiteElementType, round: Int
  ) -> TFLiteModel {
    var builder = ModelBuilder()
    let isSigmoid = kind == .logistic || kind == .tanh
    // A third of the int16 sigmoids' inputs have a scale that is a power of two.
    let inputScale: Float =
      type == .int8
      ? scale(0.005...0.3)
      : isSigmoid && round < 2 ? (round == 1 && kind == .tanh ? 0x1p-11 : 0x1p-12) : scale(1e-5...1e-3)
    let input = builder.tensor([2, 128], type, scale: inputScale, zeroPoint: zeroPoint(type))
    var (outputScale, zero) = (inputScale * scale(0.3...3), zeroPoint(type))
    if isSigmoid {
      outputScale = type == .int16 ? 0x1p-15 : kind == .tanh ? 0x1p-7 : 0x1p-8
      zero = type == .int8 && kind == .logistic ? -128 : 0
    } else if kind == .relu6 {
      let source = builder.model.graph.tensors[Int(input)].quantization!
      (outputScale, zero) = (source.scales[0], Int(source.zeroPoints[0]))
    }
    let output = builder.tensor([2, 128], type, scale: outputScale, zeroPoint: zero)
    let alphas: [Float] = type == .int8 ? [0.1, 0, -0.3, 1.7] : [0.1, 0, 0.3, 1.7]
    builder.add(
      kind, kind == .leakyRelu ? options(75) { $0.alpha = alphas[round] } : nil, [input], to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }

  private mutating func requantization(_ from: TFLiteElementType, _ to: TFLiteElementType) -> TFLiteModel {
    var builder = ModelBuilder()
    let inputScale = scale(0.01...0.1)
    let widening: Float = from == to ? 1 : to == .int16 ? 0.004 : 250
    let input = builder.tensor([256], from, scale: inputScale, zeroPoint: zeroPoint(from))
    let output = builder.tensor(
      [256], to, scale: inputScale * widening * scale(0.3...3), zeroPoint: zeroPoint(to))
    builder.add(.quantize, options(89), [input], to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }

  private mutating func softmax(_ from: TFLiteElementType, _ to: TFLiteElementType) -> TFLiteModel {
    var builder = ModelBuilder()
    let shape = [number(1...4), number(1...30)]
    let input = builder.tensor(
      shape, from, scale: from == .int8 ? scale(0.002...0.4) : scale(1e-5...1e-3), zeroPoint: zeroPoint(from))
    let output = builder.tensor(
      shape, to, scale: to == .int8 ? 0x1p-8 : from == .int8 ? 0x1p-16 : 0x1p-15,
      zeroPoint: to == .int8 ? -128 : from == .int8 ? -32_768 : 0)
    builder.add(.softmax, options(9) { $0.beta = Float(number(1...3)) / 2 }, [input], to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }

  private mutating func svdf(state: TFLiteElementType, round: Int) -> TFLiteModel {
    var builder = ModelBuilder()
    let (batch, depth, rank, units, memory) = (
      number(1...2), number(1...20), number(1...2), number(1...6), number(1...8)
    )
    let scales = (input: scale(0.01...0.1), features: scale(0.002...0.02), times: scale(0.002...0.02))
    let stateScale =
      scales.input * scales.features * (state == .int8 ? 100 : 1) * Float(Double(depth).squareRoot())
    let filters = rank * units
    let input = builder.tensor([batch, depth], scale: scales.input, zeroPoint: number(-128...127))
    let features = builder.constant(
      [filters, depth], .int8, (0..<filters * depth).map { _ in Int8(number(-127...127)) },
      scales: [scales.features])
    // Each sample starts anew, so that only the last weight over time meets anything.
    let times = codes(filters * memory, state)
    let timeScale = scales.times * (state == .int8 ? 1 : 0.004)
    let time =
      state == .int8
      ? builder.constant([filters, memory], .int8, times.map { Int8($0) }, scales: [timeScale])
      : builder.constant([filters, memory], .int16, times, scales: [timeScale])
    let biases =
      round == 3
      ? builder.constant(
        [units], .int32, [Int32](repeating: 0, count: units), scales: [stateScale * timeScale])
      : builder.constant(
        [units], .int32, (0..<units).map { _ in Int32(number(-5000...5000)) },
        scales: [stateScale * timeScale])
    let memoryTensor = builder.tensor(
      [batch, filters * memory], state, scale: stateScale,
      zeroPoint: state == .int8 ? number(-20...20) : 0)
    builder.model.graph.tensors[Int(memoryTensor)].isVariable = true
    let output = builder.tensor(
      [batch, units], scale: stateScale * timeScale * (state == .int8 ? 100 : 20_000 * 60),
      zeroPoint: number(-128...127))
    builder.add(
      .svdf, options(6) { ($0.rank, $0.activation) = (Int32(rank), .relu) },
      [input, features, time, biases, memoryTensor], to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }

  /// An operator whose sums are its biases, chosen so that a factor in single precision would give other codes.
  private mutating func chosenBiases(_ kind: OperatorKind) -> TFLiteModel {
    let (first, second) = (scale(0.01...0.1), scale(0.002...0.02))
    let outputScale = first * second * scale(1e7...1.5e7)
    let exact = FixedPointMultiplier(real: Double(first) * Double(second) / Double(outputScale))
    let single = FixedPointMultiplier(real: Double(first * second / outputScale))
    let biases: [Int32] = (20..<120).compactMap { code in
      let middle = Int32((Double(code) + 0.5) * Double(outputScale) / (Double(first) * Double(second)))
      return (middle - 40...middle + 40).first { exact.scale($0) != single.scale($0) }
    }
    // Now and then the two precisions agree.
    guard !biases.isEmpty else { return chosenBiases(kind) }
    var builder = ModelBuilder()
    let zeros = [Int8](repeating: 0, count: biases.count)
    let input = builder.tensor([1, 1], scale: first)
    let weights = builder.constant([biases.count, 1], .int8, zeros, scales: [second])
    let output: Int32
    if kind == .fullyConnected {
      let biases = builder.constant([biases.count], .int32, biases, scales: [first * second])
      output = builder.tensor([1, zeros.count], scale: outputScale)
      builder.add(kind, options(8), [input, weights, biases], to: [output])
    } else {
      let time = builder.constant([biases.count, 1], .int8, zeros, scales: [second])
      let biases = builder.constant([biases.count], .int32, biases, scales: [first * second])
      let state = builder.tensor([1, zeros.count], scale: first)
      builder.model.graph.tensors[Int(state)].isVariable = true
      output = builder.tensor([1, zeros.count], scale: outputScale)
      builder.add(kind, options(6) { $0.rank = 1 }, [input, weights, time, biases, state], to: [output])
    }
    return builder.finished(inputs: [input], outputs: [output])
  }

  /// A QUANTIZE of the model's input, an ADD, and a DEQUANTIZE to its output.
  private mutating func border(_ type: TFLiteElementType) -> TFLiteModel {
    var builder = ModelBuilder()
    let shape = [number(1...3), number(1...9)]
    let input = builder.float(shape)
    let scale = type == .int8 ? scale(0.01...0.1) : scale(1e-4...1e-3)
    let codes = builder.tensor(shape, type, scale: scale, zeroPoint: zeroPoint(type))
    let sum = builder.tensor(shape, type, scale: scale * 1.7, zeroPoint: zeroPoint(type))
    let output = builder.float(shape)
    builder.add(.quantize, options(89), [input], to: [codes])
    builder.add(.add, options(11), [codes, codes], to: [sum])
    builder.add(6, options(38), [sum], to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }
}

import Foundation
import Networks
import QuantInfer
import ReferenceKernels
import Support
import TestNetworks

/// Random operators with random and extreme codes, and what the plain reference makes of them.
struct RandomOperators {
  typealias Tensor = QuantizedNetwork.Tensor

  /// An operator as a network of its own.
  struct Case {
    var network: QuantizedNetwork
    var runs: [[[Int]]]
    var expected: [[Int]]
  }

  /// What kinds of operators there are.
  enum Family: String, CaseIterable {
    case convolution, depthwiseConvolution, fullyConnected, pool, addition, multiplication, extreme
    case rearrangement, concatenation, mean, function, wideFunction, softmax, svdf, lstm
    case slope, squaredDifference, quotient, reduction, batchProduct, absolute, reciprocalSquareRoot,
      logSoftmax, resize
  }

  var random: SeededGenerator

  /// The next operator of a family.
  mutating func next(_ family: Family) -> Case {
    switch family {
    case .convolution: convolution()
    case .depthwiseConvolution: depthwiseConvolution()
    case .fullyConnected: fullyConnected()
    case .pool: pool()
    case .addition: addition()
    case .multiplication: multiplication()
    case .extreme: extreme()
    case .rearrangement: rearrangement()
    case .concatenation: concatenation()
    case .mean: mean()
    case .function: function()
    case .wideFunction: wideFunction()
    case .softmax: softmax()
    case .svdf: svdf()
    case .lstm: lstm()
    case .slope: slope()
    case .squaredDifference: squaredDifference()
    case .quotient: quotient()
    case .reduction: reduction()
    case .batchProduct: batchProduct()
    case .absolute: absolute()
    case .reciprocalSquareRoot: reciprocalSquareRoot()
    case .logSoftmax: logSoftmax()
    case .resize: resize()
    }
  }

  // MARK: Parts

  mutating func number(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + random.nextIndex(below: range.count)
  }

  /// A small number of channels, or one that inner loops go through in several steps.
  private mutating func channelCount() -> Int { isOne(in: 6) ? number(16...70) : number(1...9) }

  mutating func isOne(in count: Int) -> Bool { random.nextIndex(below: count) == 0 }

  mutating func element<Element>(_ elements: [Element]) -> Element {
    elements[random.nextIndex(below: elements.count)]
  }

  /// Uniform codes; one time in two the least, the greatest or a mixture of both.
  mutating func codes(_ count: Int, _ range: ClosedRange<Int>) -> [Int] {
    switch number(0...7) {
    case 0: return [Int](repeating: range.lowerBound, count: count)
    case 1: return [Int](repeating: range.upperBound, count: count)
    case 2, 3: return (0..<count).map { _ in isOne(in: 2) ? range.lowerBound : range.upperBound }
    default: return (0..<count).map { _ in number(range) }
    }
  }

  /// A tensor; int16 ones have their zero point at 0.
  mutating func tensor(_ shape: [Int], _ type: ElementType) -> Tensor {
    Tensor(
      name: "", shape: shape, type: type, scale: 1,
      zeroPoint: type == .int16 ? 0 : isOne(in: 4) ? element([-128, 0, 127]) : number(-128...127))
  }

  mutating func codes(of tensor: Tensor) -> [Int] { codes(tensor.count, tensor.type.codes) }

  mutating func type() -> ElementType { element([.int8, .int16]) }

  mutating func shape(rank: ClosedRange<Int>, _ lengths: ClosedRange<Int>) -> [Int] {
    (0..<number(rank)).map { _ in number(lengths) }
  }

  /// All codes, or some of them.
  mutating func activation(_ type: ElementType) -> ClosedRange<Int> {
    let (a, b) = (number(type.codes), number(type.codes))
    return isOne(in: 2) ? type.codes : min(a, b)...max(a, b)
  }

  /// A multiplier that brings a magnitude to about a hundred codes, or any.
  mutating func multiplier(
    bringing magnitude: Double, shifts: ClosedRange<Int> = -31...30
  ) -> FixedPointMultiplier {
    let usual = FixedPointMultiplier(real: exp2(random.next(in: 4...9)) / magnitude)
    if !isOne(in: 6), shifts.contains(Int(usual.leftShift)) { return usual }
    return FixedPointMultiplier(
      multiplierQ31: Int32(element([0, 1 << 30, Int(Int32.max), number(1 << 30...Int(Int32.max))])),
      leftShift: Int8(number(shifts)))
  }

  // MARK: Weighted operators

  mutating func weights(
    _ count: Int, outputs: Int, type: ElementType, zeroPoint: Int = 0
  ) -> QuantizedNetwork.Weights {
    let bits = element([8, 8, 4])
    let isWide = type == .int16 && isOne(in: 2)
    let codes = codes(count, bits == 4 ? -8...7 : -128...127)
    let magnitude =
      Double(count / outputs).squareRoot() * (bits == 4 ? 5 : 70) * (type == .int8 ? 100 : 20_000)
    let moderate = -Int(magnitude)...Int(magnitude)
    let limits = isWide ? -(1 << 46)...1 << 46 : Int(Int32.min)...Int(Int32.max)
    var weights = QuantizedNetwork.Weights(
      codes: codes.map { Int8($0) },
      biases: (0..<outputs).map { _ in
        Int64(isOne(in: 8) ? element([limits.lowerBound, limits.upperBound]) : number(moderate))
      },
      multipliers: (0..<outputs).map { _ in
        multiplier(bringing: magnitude, shifts: isWide ? -31...14 : -31...30)
      })
    (weights.bits, weights.zeroPoint, weights.accumulatorBits) = (bits, zeroPoint, isWide ? 64 : 32)
    return weights
  }

  private mutating func step(canDilate: Bool) -> QuantizedNetwork.Step {
    var step = QuantizedNetwork.Step(
      kernel: number(1...3), stride: number(1...3), dilation: canDilate ? number(1...3) : 1)
    step.paddingBefore = random.nextIndex(below: step.reach)
    step.paddingAfter = random.nextIndex(below: step.reach)
    return step
  }

  /// A window and the lengths that it leads from and to.
  private mutating func window(
    canDilate: Bool
  ) -> (window: QuantizedNetwork.Window, inputs: [Int], outputs: [Int]) {
    let steps = [step(canDilate: canDilate), step(canDilate: canDilate)]
    let inputs = steps.map { step in
      number(max(1, step.reach - step.paddingBefore - step.paddingAfter)...step.reach + 5)
    }
    let outputs = zip(steps, inputs).map { step, count in
      (count + step.paddingBefore + step.paddingAfter - step.reach) / step.stride + 1
    }
    return (.init(time: steps[0], frequency: steps[1]), inputs, outputs)
  }

  private mutating func convolution() -> Case {
    let type = type()
    let (window, inputs, outputs) = window(canDilate: true)
    let (batches, groups) = (number(1...2), element([1, 1, 2, 3]))
    let (groupInputs, groupOutputs) = (channelCount(), channelCount())
    let x = tensor([batches] + inputs + [groups * groupInputs], type)
    let y = tensor([batches] + outputs + [groups * groupOutputs], type)
    let taps = window.time.kernel * window.frequency.kernel
    let weights = weights(
      groups * groupOutputs * taps * groupInputs, outputs: groups * groupOutputs, type: type)
    let (range, codes) = (activation(type), codes(of: x))
    return Case(
      network: QuantizedNetwork(
        .convolution, inputs: [x], output: y, activation: range, computation: .convolution(window, weights)),
      runs: [[codes]],
      expected: [
        referenceConvolution(
          codes, shape: x.shape, zeroPoint: x.zeroPoint, weights: weights.codes.map { Int($0) },
          biases: weights.biases.map { Int($0) }, time: window.time.reference,
          frequency: window.frequency.reference, outputShape: y.shape,
          output: weights.reference(zeroPoint: y.zeroPoint, range: range))
      ])
  }

  private mutating func depthwiseConvolution() -> Case {
    let type = type()
    let (window, inputs, outputs) = window(canDilate: true)
    let (batches, channels, multiplier) = (number(1...2), channelCount(), element([1, 1, 2, 3]))
    let x = tensor([batches] + inputs + [channels], type)
    let y = tensor([batches] + outputs + [channels * multiplier], type)
    let weights = weights(
      window.time.kernel * window.frequency.kernel * channels * multiplier, outputs: channels * multiplier,
      type: type)
    let (range, codes) = (activation(type), codes(of: x))
    return Case(
      network: QuantizedNetwork(
        .depthwiseConvolution, inputs: [x], output: y, activation: range,
        computation: .depthwiseConvolution(window, weights)),
      runs: [[codes]],
      expected: [
        referenceDepthwiseConvolution(
          codes, shape: x.shape, zeroPoint: x.zeroPoint, weights: weights.codes.map { Int($0) },
          biases: weights.biases.map { Int($0) }, time: window.time.reference,
          frequency: window.frequency.reference, outputShape: y.shape,
          output: weights.reference(zeroPoint: y.zeroPoint, range: range))
      ])
  }

  private mutating func fullyConnected() -> Case {
    let type = type()
    let (rows, depth, outputs) = (
      element([number(1...3), number(4...40)]), element([number(1...40), number(100...300)]), channelCount()
    )
    let (x, y) = (tensor([rows, depth], type), tensor([rows, outputs], type))
    let weights = weights(
      depth * outputs, outputs: outputs, type: type,
      zeroPoint: type == .int8 && isOne(in: 3) ? number(-128...127) : 0)
    let (range, codes) = (activation(type), codes(of: x))
    return Case(
      network: QuantizedNetwork(
        .fullyConnected, inputs: [x], output: y, activation: range, computation: .fullyConnected(weights)),
      runs: [[codes]],
      expected: [
        referenceFullyConnected(
          codes, zeroPoint: x.zeroPoint, weights: weights.codes.map { Int($0) },
          weightZeroPoint: weights.zeroPoint, biases: weights.biases.map { Int($0) }, outputCount: outputs,
          output: weights.reference(zeroPoint: y.zeroPoint, range: range))
      ])
  }

  // MARK: Pools and pairs

  private mutating func pool() -> Case {
    let type = type()
    let (window, inputs, outputs) = window(canDilate: false)
    let (batches, channels) = (number(1...2), channelCount())
    let x = tensor([batches] + inputs + [channels], type)
    let y = tensor([batches] + outputs + [channels], type)
    let (range, codes, isMean) = (activation(type), codes(of: x), isOne(in: 2))
    let reference = isMean ? referenceAveragePool : referenceMaximumPool
    return Case(
      network: QuantizedNetwork(
        isMean ? .averagePool : .maximumPool, inputs: [x], output: y, activation: range,
        computation: isMean ? .averagePool(window) : .maximumPool(window)),
      runs: [[codes]],
      expected: [
        reference(codes, x.shape, window.time.reference, window.frequency.reference, y.shape, range)
      ])
  }

  /// Two tensors and what they make together, either of them repeated along some dimensions.
  mutating func pair(_ type: ElementType) -> (inputs: [Tensor], output: Tensor) {
    let whole = shape(rank: 1...6, 1...4)
    let shapes = (0..<2).map { _ in
      var shape = whole.map { isOne(in: 3) ? 1 : $0 }
      if isOne(in: 3) { shape.removeFirst(random.nextIndex(below: shape.count)) }
      return shape
    }
    let inputs = shapes.map { tensor($0, type) }
    let shape = ReferencePair([], shapes[0], [], shapes[1]).shape
    return (inputs, tensor(shape, type))
  }

  private mutating func addition() -> Case {
    let type = type()
    let (inputs, y) = pair(type)
    let (isSum, range) = (isOne(in: 2), activation(type))
    var elementwise = QuantizedNetwork.Elementwise(first: inputs[0].shape, second: inputs[1].shape)
    elementwise.leftShift = type == .int8 ? 20 : 15
    let ratio = exp2(random.next(in: -12...0)) / 2
    let factors = isOne(in: 2) ? [0.5, ratio] : [ratio, 0.5]
    elementwise.firstMultiplier = FixedPointMultiplier(real: factors[0])
    elementwise.secondMultiplier = FixedPointMultiplier(real: factors[1])
    elementwise.outputMultiplier = FixedPointMultiplier(
      real: exp2(random.next(in: -3...2)) / Double(1 << elementwise.leftShift))
    let codes = inputs.map { self.codes(of: $0) }
    let constants = ReferenceAddition(
      firstZeroPoint: inputs[0].zeroPoint, secondZeroPoint: inputs[1].zeroPoint,
      leftShift: elementwise.leftShift, firstMultiplier: elementwise.firstMultiplier.reference,
      secondMultiplier: elementwise.secondMultiplier.reference,
      outputMultiplier: elementwise.outputMultiplier.reference, outputZeroPoint: y.zeroPoint, range: range)
    let pair = ReferencePair(codes[0], inputs[0].shape, codes[1], inputs[1].shape)
    return Case(
      network: QuantizedNetwork(
        isSum ? .add : .subtract, inputs: inputs, output: y, activation: range,
        computation: .elementwise(elementwise)), runs: [codes],
      expected: [isSum ? referenceAdd(pair, constants) : referenceSubtract(pair, constants)])
  }

  private mutating func multiplication() -> Case {
    let type = type()
    let (inputs, y) = pair(type)
    let range = activation(type)
    var elementwise = QuantizedNetwork.Elementwise(first: inputs[0].shape, second: inputs[1].shape)
    elementwise.outputMultiplier = multiplier(bringing: type == .int8 ? 1e4 : 4e8)
    let codes = inputs.map { self.codes(of: $0) }
    return Case(
      network: QuantizedNetwork(
        .multiply, inputs: inputs, output: y, activation: range, computation: .elementwise(elementwise)),
      runs: [codes],
      expected: [
        referenceMultiply(
          ReferencePair(codes[0], inputs[0].shape, codes[1], inputs[1].shape),
          firstZeroPoint: inputs[0].zeroPoint, secondZeroPoint: inputs[1].zeroPoint,
          multiplier: elementwise.outputMultiplier.reference, outputZeroPoint: y.zeroPoint, range: range)
      ])
  }

  private mutating func extreme() -> Case {
    let (inputs, y) = pair(type())
    let codes = inputs.map { self.codes(of: $0) }
    let pair = ReferencePair(codes[0], inputs[0].shape, codes[1], inputs[1].shape)
    let isMaximum = isOne(in: 2)
    return Case(
      network: QuantizedNetwork(
        isMaximum ? .maximum : .minimum, inputs: inputs, output: y,
        computation: .elementwise(.init(first: inputs[0].shape, second: inputs[1].shape))),
      runs: [codes], expected: [isMaximum ? referenceMaximum(pair) : referenceMinimum(pair)])
  }

  // MARK: Rearrangements

  /// PAD, TRANSPOSE, STRIDED_SLICE or RESHAPE.
  private mutating func rearrangement() -> Case {
    let x = tensor(shape(rank: 1...5, 1...4), type())
    let codes = codes(of: x)
    let strides = rowMajorStrides(x.shape)
    var y = x
    switch number(0...3) {
    case 0:
      let (before, after) = (x.shape.map { _ in number(0...2) }, x.shape.map { _ in number(0...2) })
      y.shape = x.shape.indices.map { before[$0] + x.shape[$0] + after[$0] }
      let outputStrides = rowMajorStrides(y.shape)
      let block = QuantizedNetwork.Block(
        input: 0, shape: x.shape, inputStart: 0, inputStrides: strides,
        outputStart: zip(before, outputStrides).reduce(0) { $0 + $1.0 * $1.1 }, outputStrides: outputStrides)
      return Case(
        network: QuantizedNetwork(
          .pad, inputs: [x], output: y, computation: .rearrangement([block], fill: x.zeroPoint)),
        runs: [[codes]],
        expected: [referencePad(codes, shape: x.shape, before: before, after: after, value: x.zeroPoint)])
    case 1:
      let permutation = Array(x.shape.indices).shuffled(using: &random)
      y.shape = permutation.map { x.shape[$0] }
      let block = QuantizedNetwork.Block(
        input: 0, shape: y.shape, inputStart: 0, inputStrides: permutation.map { strides[$0] },
        outputStart: 0, outputStrides: rowMajorStrides(y.shape))
      return Case(
        network: QuantizedNetwork(
          .transpose, inputs: [x], output: y, computation: .rearrangement([block], fill: nil)),
        runs: [[codes]], expected: [referenceTranspose(codes, shape: x.shape, permutation: permutation)])
    case 2:
      let steps = x.shape.map { _ in element([1, 1, 2, -1, -2]) }
      let begin = x.shape.map { random.nextIndex(below: $0) }
      let end = x.shape.indices.map {
        steps[$0] > 0 ? number(begin[$0] + 1...x.shape[$0]) : number(-1...begin[$0] - 1)
      }
      y.shape = x.shape.indices.map { Array(stride(from: begin[$0], to: end[$0], by: steps[$0])).count }
      let block = QuantizedNetwork.Block(
        input: 0, shape: y.shape, inputStart: zip(begin, strides).reduce(0) { $0 + $1.0 * $1.1 },
        inputStrides: zip(steps, strides).map { $0 * $1 }, outputStart: 0,
        outputStrides: rowMajorStrides(y.shape))
      return Case(
        network: QuantizedNetwork(
          .stridedSlice, inputs: [x], output: y, computation: .rearrangement([block], fill: nil)),
        runs: [[codes]],
        expected: [
          referenceStridedSlice(codes, shape: x.shape, begin: begin, end: end, strides: steps)
        ])
    default:
      y.shape = [x.count]
      return Case(
        network: QuantizedNetwork(.reshape, inputs: [x], output: y, computation: .reshape),
        runs: [[codes]], expected: [referenceReshape(codes)])
    }
  }

  private mutating func concatenation() -> Case {
    let first = tensor(shape(rank: 1...5, 1...4), type())
    let axis = random.nextIndex(below: first.shape.count)
    let inputs = (0..<number(1...4)).map { _ in
      var tensor = first
      tensor.shape[axis] = number(1...4)
      return tensor
    }
    var y = first
    y.shape[axis] = inputs.reduce(0) { $0 + $1.shape[axis] }
    let strides = rowMajorStrides(y.shape)
    var blocks: [QuantizedNetwork.Block] = []
    var position = 0
    for (index, input) in inputs.enumerated() {
      blocks.append(
        .init(
          input: index, shape: input.shape, inputStart: 0, inputStrides: rowMajorStrides(input.shape),
          outputStart: position * strides[axis], outputStrides: strides))
      position += input.shape[axis]
    }
    let codes = inputs.map { self.codes(of: $0) }
    return Case(
      network: QuantizedNetwork(
        .concatenation, inputs: inputs, output: y, computation: .rearrangement(blocks, fill: nil)),
      runs: [codes],
      expected: [referenceConcatenate(zip(codes, inputs).map { ($0, $1.shape) }, axis: axis)])
  }

  // MARK: Functions

  private mutating func mean() -> Case {
    let type = type()
    let x = tensor(shape(rank: 1...5, 1...5), type)
    let axes = x.shape.indices.filter { _ in isOne(in: 2) }
    let kept = x.shape.indices.filter { !axes.contains($0) }
    let y = tensor(x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }, type)
    let ratio = FixedPointMultiplier(real: exp2(random.next(in: -3...3)))
    let multiplier = referenceMeanMultiplier(
      ratio.reference, count: axes.reduce(1) { $0 * x.shape[$1] })
    let strides = rowMajorStrides(x.shape)
    let codes = codes(of: x)
    return Case(
      network: QuantizedNetwork(
        .mean, inputs: [x], output: y,
        computation: .mean(
          .init(
            shape: kept.map { x.shape[$0] }, strides: kept.map { strides[$0] },
            reducedShape: axes.map { x.shape[$0] }, reducedStrides: axes.map { strides[$0] },
            multiplier: FixedPointMultiplier(
              multiplierQ31: Int32(multiplier.multiplierQ31), leftShift: Int8(multiplier.leftShift))))),
      runs: [[codes]],
      expected: [
        referenceMean(
          codes, shape: x.shape, axes: axes, zeroPoint: x.zeroPoint, multiplier: multiplier,
          outputZeroPoint: y.zeroPoint, range: type.codes)
      ])
  }

  /// A function of int8 codes: the operator looks its values up.
  private mutating func function() -> Case {
    let x = tensor([number(1...300)], .int8)
    var y = tensor(x.shape, .int8)
    let kind = element([OperatorKind.logistic, .tanh, .relu, .relu6, .leakyRelu, .quantize])
    let factor = FixedPointMultiplier(real: exp2(random.next(in: -3...3))).reference
    let slope = FixedPointMultiplier(real: exp2(random.next(in: -6...0))).reference
    let scale = FixedPointMultiplier(real: exp2(random.next(in: 18...27))).reference
    let sigmoid = ReferenceSigmoid(
      zeroPoint: x.zeroPoint, inputRadius: (15 << 27) >> scale.leftShift, multiplier: scale)
    if kind == .quantize, isOne(in: 2) { y = tensor(x.shape, .int16) }
    let (zeroPoint, target) = (x.zeroPoint, y)
    func values(_ codes: [Int]) -> [Int] {
      switch kind {
      case .logistic: referenceLogistic(codes, sigmoid)
      case .tanh: referenceTanh(codes, sigmoid)
      case .relu6: referenceRelu6(codes, zero: zeroPoint, six: min(zeroPoint + 60, 127))
      case .leakyRelu:
        referenceLeakyRelu(
          codes, zeroPoint: zeroPoint, multiplier: factor, negativeMultiplier: slope,
          outputZeroPoint: target.zeroPoint, range: target.type.codes)
      default:
        referenceRescale(
          codes, zeroPoint: zeroPoint, multiplier: factor, outputZeroPoint: target.zeroPoint,
          range: (kind == .relu ? target.zeroPoint : target.type.codes.lowerBound)...target.type.codes
            .upperBound)
      }
    }
    let codes = codes(of: x)
    return Case(
      network: QuantizedNetwork(
        kind, inputs: [x], output: y, computation: .lookup(values(Array(-128...127)).map { Int16($0) })),
      runs: [[codes]], expected: [values(codes)])
  }

  /// A function of int16 codes.
  private mutating func wideFunction() -> Case {
    let x = tensor([number(1...100)], .int16)
    let kind = element([OperatorKind.logistic, .tanh, .relu, .relu6, .leakyRelu, .quantize])
    let y = tensor(x.shape, kind == .quantize ? type() : .int16)
    let codes = codes(of: x)
    let (factor, slope) = (multiplier(bringing: 1e3), multiplier(bringing: 1e4))
    if kind == .logistic || kind == .tanh {
      let (multiplier, shift) = isOne(in: 4) ? (3, 0) : (number(1...32767), number(0...31))
      let table = (0..<256).map { _ in number(32768...65535) }.sorted()
      let reference = kind == .tanh ? referenceTanh16 : referenceLogistic16
      return Case(
        network: QuantizedNetwork(
          kind, inputs: [x], output: y,
          computation: .sigmoid(
            .init(tableQ16: table.map { UInt16($0) }, multiplier: multiplier, shift: shift))),
        runs: [[codes]], expected: [reference(codes, multiplier, shift, table)])
    }
    var rescaling = QuantizedNetwork.Rescaling(multiplier: factor, negativeMultiplier: factor)
    var range = y.type.codes
    let expected: [Int]
    switch kind {
    case .relu6:
      let identity = FixedPointMultiplier(multiplierQ31: 1 << 30, leftShift: 1)
      (rescaling.multiplier, rescaling.negativeMultiplier) = (identity, identity)
      range = 0...number(1...32767)
      expected = referenceRelu6(codes, zero: 0, six: range.upperBound)
    case .leakyRelu:
      rescaling.negativeMultiplier = slope
      expected = referenceLeakyRelu(
        codes, zeroPoint: 0, multiplier: factor.reference, negativeMultiplier: slope.reference,
        outputZeroPoint: y.zeroPoint, range: range)
    default:
      if kind == .relu { range = 0...32767 }
      expected = referenceRescale(
        codes, zeroPoint: 0, multiplier: factor.reference, outputZeroPoint: y.zeroPoint, range: range)
    }
    return Case(
      network: QuantizedNetwork(
        kind, inputs: [x], output: y, activation: range, computation: .rescaling(rescaling)),
      runs: [[codes]], expected: [expected])
  }

  private mutating func softmax() -> Case {
    let (rows, depth) = (element([number(1...4), 90]), element([1, 2, 3, 17, 60]))
    let x = tensor([rows, depth], type())
    let y = tensor(x.shape, x.type == .int16 ? .int16 : type())
    let codes = codes(of: x)
    if x.type == .int8 {
      let multiplier = FixedPointMultiplier(real: min(exp2(random.next(in: 16...30)), 0x7FFF_FFFFp0))
      let least = -((31 << 26) >> Int(multiplier.leftShift))
      return Case(
        network: QuantizedNetwork(
          .softmax, inputs: [x], output: y,
          computation: .softmax(.init(depth: depth, multiplier: multiplier, leastDifference: least))),
        runs: [[codes]],
        expected: [
          referenceSoftmax(
            codes, depth: depth, multiplier: multiplier.reference, leastDifference: least,
            outputBits: 8 * y.type.byteCount)
        ])
    }
    let multiplier = FixedPointMultiplier(real: exp2(random.next(in: -6...4)))
    func table(_ function: (Double) -> Double) -> [Int16] {
      (0...512).map { Int16(min(32767, (32768 * function(Double($0) / 512)).rounded())) }
    }
    let (exponentials, reciprocals) = (table { exp(10 * ($0 - 1)) }, table { 1 / (1 + $0) })
    return Case(
      network: QuantizedNetwork(
        .softmax, inputs: [x], output: y,
        computation: .softmax(
          .init(
            depth: depth, multiplier: multiplier, leastDifference: 0, exponentialsQ15: exponentials,
            reciprocalsQ15: reciprocals))),
      runs: [[codes]],
      expected: [
        referenceSoftmax16(
          codes, depth: depth, multiplier: multiplier.reference,
          exponentialsQ15: exponentials.map { Int($0) }, reciprocalsQ15: reciprocals.map { Int($0) })
      ])
  }

  private mutating func svdf() -> Case {
    let (batches, inputCount) = (number(1...2), number(1...9))
    let (units, rank, memory) = (number(1...4), number(1...3), number(1...5))
    let filters = units * rank
    let (x, y) = (tensor([batches, inputCount], .int8), tensor([batches, units], .int8))
    var state = tensor([batches, filters * memory], type())
    state.isVariable = true
    let (features, times) = (
      codes(filters * inputCount, -128...127), codes(filters * memory, state.type.codes)
    )
    let biases = (0..<units).map { _ in isOne(in: 8) ? Int(Int32.min) : number(-100_000...100_000) }
    let featureMultiplier = multiplier(bringing: state.type == .int8 ? 2e4 : 100)
    let outputMultiplier = multiplier(bringing: state.type == .int8 ? 2e4 : 5e8)
    let reference = ReferenceSVDF(
      featureWeights: features, timeWeights: times, biases: biases, rank: rank, filterCount: filters,
      zeroPoint: x.zeroPoint, featureMultiplier: featureMultiplier.reference,
      stateZeroPoint: state.zeroPoint, stateBits: 8 * state.type.byteCount,
      outputMultiplier: outputMultiplier.reference, outputZeroPoint: y.zeroPoint, range: y.type.codes)
    let runs = (0..<5).map { _ in [codes(of: x)] }
    var memories = [Int](repeating: state.zeroPoint, count: state.count)
    return Case(
      network: QuantizedNetwork(
        .svdf, inputs: [x], state: state, output: y,
        computation: .svdf(
          .init(
            featureWeights: features.map { Int8($0) }, timeWeights: times.map { Int16($0) },
            biases: biases.map { Int32($0) }, rank: rank, featureMultiplier: featureMultiplier,
            outputMultiplier: outputMultiplier))),
      runs: runs, expected: runs.map { reference.step($0[0], state: &memories) })
  }
}

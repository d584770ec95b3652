import Foundation
import Networks
import QuantInfer
import ReferenceKernels
import Support
import TestNetworks

// PRELU, SQUARED_DIFFERENCE, DIV, SUM, REDUCE_MAX, REDUCE_MIN, BATCH_MATMUL, ABS and RSQRT of int16, LOG_SOFTMAX and
// RESIZE_BILINEAR.

extension RandomOperators {
  mutating func slope() -> Case {
    let type = type()
    let (inputs, y) = pair(type)
    var elementwise = QuantizedNetwork.Elementwise(first: inputs[0].shape, second: inputs[1].shape)
    elementwise.firstMultiplier = multiplier(bringing: type == .int8 ? 1e2 : 3e4)
    elementwise.outputMultiplier = multiplier(bringing: type == .int8 ? 1e4 : 4e8)
    let codes = inputs.map { self.codes(of: $0) }
    return Case(
      network: QuantizedNetwork(
        .prelu, inputs: inputs, output: y, computation: .elementwise(elementwise)), runs: [codes],
      expected: [
        referenceSlope(
          ReferencePair(codes[0], inputs[0].shape, codes[1], inputs[1].shape),
          firstZeroPoint: inputs[0].zeroPoint, secondZeroPoint: inputs[1].zeroPoint,
          multiplier: elementwise.firstMultiplier.reference,
          slopeMultiplier: elementwise.outputMultiplier.reference, outputZeroPoint: y.zeroPoint,
          range: type.codes)
      ])
  }

  mutating func squaredDifference() -> Case {
    let type = type()
    let (inputs, y) = pair(type)
    var elementwise = QuantizedNetwork.Elementwise(first: inputs[0].shape, second: inputs[1].shape)
    elementwise.leftShift = type == .int8 ? 7 : 0
    let ratio = exp2(random.next(in: -12...0)) / 2
    let factors = isOne(in: 2) ? [0.5, ratio] : [ratio, 0.5]
    elementwise.firstMultiplier = FixedPointMultiplier(real: factors[0])
    elementwise.secondMultiplier = FixedPointMultiplier(real: factors[1])
    elementwise.outputMultiplier = multiplier(bringing: 1e8)
    let codes = inputs.map { self.codes(of: $0) }
    let constants = ReferenceAddition(
      firstZeroPoint: inputs[0].zeroPoint, secondZeroPoint: inputs[1].zeroPoint,
      leftShift: elementwise.leftShift, firstMultiplier: elementwise.firstMultiplier.reference,
      secondMultiplier: elementwise.secondMultiplier.reference,
      outputMultiplier: elementwise.outputMultiplier.reference, outputZeroPoint: y.zeroPoint,
      range: type.codes)
    return Case(
      network: QuantizedNetwork(
        .squaredDifference, inputs: inputs, output: y, computation: .elementwise(elementwise)),
      runs: [codes],
      expected: [
        referenceSquaredDifference(
          ReferencePair(codes[0], inputs[0].shape, codes[1], inputs[1].shape), constants)
      ])
  }

  mutating func quotient() -> Case {
    let (inputs, y) = pair(.int8)
    let range = activation(.int8)
    var elementwise = QuantizedNetwork.Elementwise(first: inputs[0].shape, second: inputs[1].shape)
    elementwise.outputMultiplier = FixedPointMultiplier(real: exp2(random.next(in: -20...21)))
    let codes = inputs.map { self.codes(of: $0) }
    return Case(
      network: QuantizedNetwork(
        .divide, inputs: inputs, output: y, activation: range, computation: .elementwise(elementwise)),
      runs: [codes],
      expected: [
        referenceDivide(
          ReferencePair(codes[0], inputs[0].shape, codes[1], inputs[1].shape),
          firstZeroPoint: inputs[0].zeroPoint, secondZeroPoint: inputs[1].zeroPoint,
          multiplier: elementwise.outputMultiplier.reference, outputZeroPoint: y.zeroPoint, range: range)
      ])
  }

  mutating func reduction() -> Case {
    let type = type()
    let x = tensor(shape(rank: 1...5, 1...5), type)
    let axes = x.shape.indices.filter { _ in isOne(in: 2) }
    let kept = x.shape.indices.filter { !axes.contains($0) }
    let y = tensor(x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }, type)
    let kind = element([OperatorKind.sum, .reduceMaximum, .reduceMinimum])
    let factor = FixedPointMultiplier(real: exp2(random.next(in: -6...2)))
    let strides = rowMajorStrides(x.shape)
    let codes = codes(of: x)
    return Case(
      network: QuantizedNetwork(
        kind, inputs: [x], output: y,
        computation: .reduction(
          .init(
            shape: kept.map { x.shape[$0] }, strides: kept.map { strides[$0] },
            reducedShape: axes.map { x.shape[$0] }, reducedStrides: axes.map { strides[$0] },
            multiplier: factor))),
      runs: [[codes]],
      expected: [
        kind == .sum
          ? referenceMean(
            codes, shape: x.shape, axes: axes, zeroPoint: x.zeroPoint, multiplier: factor.reference,
            outputZeroPoint: y.zeroPoint, range: type.codes)
          : referenceExtreme(codes, shape: x.shape, axes: axes, isMaximum: kind == .reduceMaximum)
      ])
  }

  mutating func batchProduct() -> Case {
    let type = type()
    let (batches, rows, columns, depth) = (number(1...3), number(1...6), number(1...6), number(1...20))
    let (isFirstOne, isSecondOne) = (isOne(in: 3), isOne(in: 3))
    let first = tensor([isFirstOne ? 1 : batches, rows, depth], type)
    let second = tensor([isSecondOne ? 1 : batches, depth, columns], type)
    let y = tensor([isFirstOne && isSecondOne ? 1 : batches, rows, columns], type)
    let factor = multiplier(
      bringing: (type == .int8 ? 1e4 : 3e8) * Double(depth).squareRoot(),
      shifts: type == .int8 ? -31...30 : -31...14)
    let codes = [self.codes(of: first), self.codes(of: second)]
    let product = QuantizedNetwork.BatchProduct(
      shape: y.shape, firstStrides: [isFirstOne ? 0 : rows * depth, depth, 0],
      secondStrides: [isSecondOne ? 0 : depth * columns, 0, 1], depth: depth, firstStep: 1,
      secondStep: columns, multiplier: factor)
    return Case(
      network: QuantizedNetwork(
        .batchMatMul, inputs: [first, second], output: y, computation: .batchProduct(product)),
      runs: [codes],
      expected: [
        referenceBatchProduct(
          codes[0], first.shape, zeroPoint: first.zeroPoint, codes[1], second.shape,
          zeroPoint: second.zeroPoint,
          output: ReferenceOutput(
            multipliers: [factor.reference], zeroPoint: y.zeroPoint, range: type.codes,
            accumulatorBits: type == .int8 ? 32 : 64))
      ])
  }

  /// ABS of int16 codes, as they are or times a factor.
  mutating func absolute() -> Case {
    let x = tensor([number(1...100)], .int16)
    let y = tensor(x.shape, .int16)
    let factor = FixedPointMultiplier(real: isOne(in: 2) ? 1 : exp2(random.next(in: -3...3)))
    let codes = codes(of: x)
    return Case(
      network: QuantizedNetwork(
        .absolute, inputs: [x], output: y,
        computation: .rescaling(.init(multiplier: factor, negativeMultiplier: factor))), runs: [[codes]],
      expected: [codes.map { min(factor.reference.scale(abs($0)), 32_767) }])
  }

  mutating func reciprocalSquareRoot() -> Case {
    let x = tensor([number(1...100)], .int16)
    let y = tensor(x.shape, .int16)
    let factor = FixedPointMultiplier(real: exp2(random.next(in: -10 ... -1)))
    let codes = codes(of: x).map { isOne(in: 3) ? $0 >> 8 : $0 }
    return Case(
      network: QuantizedNetwork(
        .reciprocalSquareRoot, inputs: [x], output: y,
        computation: .rescaling(.init(multiplier: factor, negativeMultiplier: factor))), runs: [[codes]],
      expected: [
        referenceReciprocalSquareRoot16(codes, multiplier: factor.reference, range: -32_768...32_767)
      ])
  }

  mutating func logSoftmax() -> Case {
    let (rows, depth) = (number(1...3), isOne(in: 4) ? number(1...300) : number(1...12))
    let x = tensor([rows, depth], .int8)
    let y = Tensor(name: "", shape: x.shape, scale: 0.0625, zeroPoint: 127)
    let scale = exp2(random.next(in: -9...1))
    let factor = FixedPointMultiplier(real: min(scale * 0x1p26, 0x1p31 - 1))
    let reverse = FixedPointMultiplier(
      real: Double(1 << (31 - Int(factor.leftShift))) / Double(factor.multiplierQ31))
    let least = -Int((31 * 0x1p26 / Double(1 << Int(factor.leftShift))).rounded(.down))
    let codes = codes(of: x)
    return Case(
      network: QuantizedNetwork(
        .logSoftmax, inputs: [x], output: y,
        computation: .logSoftmax(
          .init(depth: depth, multiplier: factor, leastDifference: least, reverseMultiplier: reverse))),
      runs: [[codes]],
      expected: [
        referenceLogSoftmax(
          codes, depth: depth, multiplier: factor.reference, leastDifference: least,
          reverseMultiplier: reverse.reference)
      ])
  }

  mutating func resize() -> Case {
    let x = tensor([number(1...2), number(1...6), number(1...6), number(1...5)], .int8)
    var y = x
    let (isAligned, isCentered) = (isOne(in: 3), isOne(in: 2))
    (y.shape[1], y.shape[2]) = (number(1...12), number(1...12))
    func scaleQ10(_ axis: Int) -> Int {
      let (length, size) = (x.shape[axis], y.shape[axis])
      return isAligned && size > 1
        ? (1024 * (length - 1) + (size - 1) / 2) / (size - 1) : (1024 * length + size / 2) / size
    }
    let resize = QuantizedNetwork.Resize(
      heightScaleQ10: scaleQ10(1), widthScaleQ10: scaleQ10(2), hasHalfPixelCenters: isCentered && !isAligned)
    let codes = codes(of: x)
    return Case(
      network: QuantizedNetwork(
        .resizeBilinear, inputs: [x], output: y, computation: .resize(resize)), runs: [[codes]],
      expected: [
        referenceBilinearResize(
          codes, shape: x.shape, height: y.shape[1], width: y.shape[2],
          heightScaleQ10: resize.heightScaleQ10, widthScaleQ10: resize.widthScaleQ10,
          hasHalfPixelCenters: resize.hasHalfPixelCenters)
      ])
  }
}

import Foundation
import QuantInfer
import ReferenceKernels
import TestSupport

/// Single operators that TensorFlow Lite Micro ran: `Tests/Oracle/tflm_goldens.py` says how they were made.
struct TFLMGoldens: Decodable {
  var cases: [Case]

  init() throws {
    let file = URL(filePath: ProjectFiles.path("Tests/Oracle/tflm-operators.json"))
    self = try JSONDecoder().decode(TFLMGoldens.self, from: Data(contentsOf: file))
  }

  struct Case: Decodable {
    var `operator`: String
    var inputs: [Tensor]
    var output: Tensor
    var options: Options
    var runs: [Run]
  }

  struct Tensor: Decodable {
    var shape: [Int]
    var type: String
    var scale: Float
    var zeroPoint: Int
    var codes: [Int]?
    var variable: Bool

    var range: ClosedRange<Int> { type == "int16" ? -32768...32767 : -128...127 }
  }

  struct Options: Decodable {
    var fusedActivationFunction: Int?
    var axis: Int?
    var alpha: Float?
    var beta: Float?
    var rank: Int?
    var beginMask: Int?
    var endMask: Int?
  }

  struct Run: Decodable {
    var inputs: [[Int]]
    var output: [Int]
  }
}

extension ReferenceMultiplier {
  /// A real factor's mantissa of 31 bits, halves away from zero, and power of two.
  init(real: Double) {
    guard real != 0 else {
      self.init(multiplierQ31: 0, leftShift: 0)
      return
    }
    // frexp's mantissa lies in 0.5 ..< 1, Swift's significand in 1 ..< 2.
    var mantissa = Int((real.significand * 0x1p30).rounded()) * (real < 0 ? -1 : 1)
    var exponent = Int(real.exponent) + 1
    if abs(mantissa) == 1 << 31 { (mantissa, exponent) = (mantissa / 2, exponent + 1) }
    self =
      exponent < -31
      ? .init(multiplierQ31: 0, leftShift: 0) : .init(multiplierQ31: mantissa, leftShift: exponent)
  }
}

extension TFLMGoldens.Case {
  /// The output codes of every run by the reference kernels.
  func referenceOutputs() throws -> [[Int]] {
    var state =
      inputs.last?.variable == true
      ? [Int](repeating: inputs[4].zeroPoint, count: inputs[4].shape.reduce(1, *)) : []
    return try runs.map { try referenceOutput($0.inputs, state: &state) }
  }

  struct UnknownOperator: Error { var name: String }

  private func referenceOutput(_ values: [[Int]], state: inout [Int]) throws -> [Int] {
    let x = inputs[0]
    // RELU starts at the zero point.
    let least = options.fusedActivationFunction == 1 ? output.zeroPoint : output.range.lowerBound
    let range = least...output.range.upperBound
    switch `operator` {
    case "ADD": return referenceAdd(pair(values), addition(range))
    case "SUB": return referenceSubtract(pair(values), addition(range))
    case "MUL":
      let real = Double(x.scale) * Double(inputs[1].scale) / Double(output.scale)
      return referenceMultiply(
        pair(values), firstZeroPoint: x.zeroPoint, secondZeroPoint: inputs[1].zeroPoint,
        multiplier: ReferenceMultiplier(real: real), outputZeroPoint: output.zeroPoint, range: range)
    case "MAXIMUM": return referenceMaximum(pair(values))
    case "MINIMUM": return referenceMinimum(pair(values))
    case "MEAN":
      let axes = inputs[1].codes!.map { ($0 + x.shape.count) % x.shape.count }
      return referenceMean(
        values[0], shape: x.shape, axes: axes, zeroPoint: x.zeroPoint,
        multiplier: referenceMeanMultiplier(ratio, count: axes.reduce(1) { $0 * x.shape[$1] }),
        outputZeroPoint: output.zeroPoint, range: output.range)
    case "LOGISTIC" where x.type == "int8": return referenceLogistic(values[0], sigmoid)
    case "TANH" where x.type == "int8": return referenceTanh(values[0], sigmoid)
    case "LOGISTIC":
      let (multiplier, shift) = tableSteps(unscaledShifts: [0])
      return referenceLogistic16(values[0], multiplier: multiplier, shift: shift, tableQ16: logisticTableQ16)
    case "TANH":
      let (multiplier, shift) = tableSteps(unscaledShifts: [0, 1])
      return referenceTanh16(values[0], multiplier: multiplier, shift: shift, tableQ16: logisticTableQ16)
    case "RELU":
      return referenceRescale(
        values[0], zeroPoint: x.zeroPoint,
        multiplier: ratio,
        outputZeroPoint: output.zeroPoint, range: output.zeroPoint...output.range.upperBound)
    case "RELU6":
      let six = x.zeroPoint + Int((6 / x.scale).rounded())
      return referenceRelu6(values[0], zero: x.zeroPoint, six: min(six, x.range.upperBound))
    case "LEAKY_RELU":
      return referenceLeakyRelu(
        values[0], zeroPoint: x.zeroPoint,
        multiplier: ratio,
        negativeMultiplier: ReferenceMultiplier(
          real: Double(x.scale) * Double(options.alpha!) / Double(output.scale)),
        outputZeroPoint: output.zeroPoint, range: output.range)
    case "QUANTIZE":
      return referenceRescale(
        values[0], zeroPoint: x.zeroPoint, multiplier: ratio, outputZeroPoint: output.zeroPoint,
        range: output.range)
    case "SOFTMAX" where x.type == "int8":
      let real = min(Double(options.beta!) * Double(x.scale) * 0x1p26, Double(Int32.max))
      let multiplier = ReferenceMultiplier(real: real)
      return referenceSoftmax(
        values[0], depth: x.shape.last!, multiplier: multiplier,
        leastDifference: -radius(integerBits: 5, leftShift: multiplier.leftShift),
        outputBits: output.type == "int8" ? 8 : 16)
    case "SOFTMAX":
      let real = Double(x.scale) * Double(options.beta!) / (10.0 / 65535.0)
      return referenceSoftmax16(
        values[0], depth: x.shape.last!, multiplier: ReferenceMultiplier(real: real),
        exponentialsQ15: interpolationTable(of: exp, from: -10, to: 0),
        reciprocalsQ15: interpolationTable(of: { 1 / (1 + $0) }, from: 0, to: 1))
    case "FULLY_CONNECTED":
      let real = Double(x.scale) * Double(inputs[1].scale) / Double(output.scale)
      return referenceFullyConnected(
        values[0], zeroPoint: x.zeroPoint, weights: inputs[1].codes!, weightZeroPoint: inputs[1].zeroPoint,
        biases: inputs[2].codes!, outputCount: inputs[2].shape[0],
        output: ReferenceOutput(
          multipliers: [ReferenceMultiplier(real: real)], zeroPoint: output.zeroPoint, range: range,
          accumulatorBits: inputs[2].type == "int64" ? 64 : 32))
    case "SVDF":
      let (feature, time) = (inputs[1], inputs[2])
      return ReferenceSVDF(
        featureWeights: feature.codes!, timeWeights: time.codes!, biases: inputs[3].codes!,
        rank: options.rank!, filterCount: feature.shape[0], zeroPoint: x.zeroPoint,
        featureMultiplier: ReferenceMultiplier(
          real: Double(x.scale) * Double(feature.scale) / Double(inputs[4].scale)),
        stateZeroPoint: inputs[4].zeroPoint, stateBits: inputs[4].type == "int16" ? 16 : 8,
        outputMultiplier: ReferenceMultiplier(
          real: Double(inputs[4].scale) * Double(time.scale) / Double(output.scale)),
        outputZeroPoint: output.zeroPoint, range: output.range
      ).step(values[0], state: &state)
    case "STRIDED_SLICE": return slice(values[0])
    case "PAD":
      let paddings = inputs[1].codes!
      return referencePad(
        values[0], shape: x.shape, before: x.shape.indices.map { paddings[2 * $0] },
        after: x.shape.indices.map { paddings[2 * $0 + 1] }, value: x.zeroPoint)
    case "TRANSPOSE": return referenceTranspose(values[0], shape: x.shape, permutation: inputs[1].codes!)
    case "CONCATENATION":
      return referenceConcatenate(
        zip(values, inputs).map { ($0, $1.shape) }, axis: (options.axis! + x.shape.count) % x.shape.count)
    default: throw UnknownOperator(name: `operator`)
    }
  }

  // MARK: TensorFlow Lite Micro's constants

  private var ratio: ReferenceMultiplier {
    ReferenceMultiplier(real: Double(inputs[0].scale) / Double(output.scale))
  }

  private func pair(_ values: [[Int]]) -> ReferencePair {
    ReferencePair(values[0], inputs[0].shape, values[1], inputs[1].shape)
  }

  private func addition(_ range: ClosedRange<Int>) -> ReferenceAddition {
    let (first, second) = (Double(inputs[0].scale), Double(inputs[1].scale))
    let common = 2 * max(first, second)
    let leftShift = output.type == "int16" ? 15 : 20
    return ReferenceAddition(
      firstZeroPoint: inputs[0].zeroPoint, secondZeroPoint: inputs[1].zeroPoint, leftShift: leftShift,
      firstMultiplier: ReferenceMultiplier(real: first / common),
      secondMultiplier: ReferenceMultiplier(real: second / common),
      outputMultiplier: ReferenceMultiplier(real: common / (Double(1 << leftShift) * Double(output.scale))),
      outputZeroPoint: output.zeroPoint, range: range)
  }

  private var sigmoid: ReferenceSigmoid {
    let multiplier = ReferenceMultiplier(real: Double(inputs[0].scale) * 0x1p27)
    return ReferenceSigmoid(
      zeroPoint: inputs[0].zeroPoint, inputRadius: radius(integerBits: 4, leftShift: multiplier.leftShift),
      multiplier: multiplier)
  }

  /// The largest difference of codes that the fixed point of so many integer bits holds.
  private func radius(integerBits: Int, leftShift: Int) -> Int {
    ((1 << integerBits) - 1) * (1 << (31 - integerBits)) / (1 << leftShift)
  }

  /// From codes to the table's steps, an argument of 1 being 3 * 4096; some powers of two need no shift.
  private func tableSteps(unscaledShifts: [Int]) -> (multiplier: Int, shift: Int) {
    let scale = inputs[0].scale
    let power = 12 + Int(scale.exponent)
    if scale.significand == 1, unscaledShifts.contains(power) { return (3 << power, 0) }
    var (multiplier, shift) = (Double(scale) * 4096 * 3, 0)
    while multiplier <= 32767.0 / 2, shift <= 30 { (multiplier, shift) = (multiplier * 2, shift + 1) }
    return (Int(multiplier), shift)
  }

  private func slice(_ input: [Int]) -> [Int] {
    let shape = inputs[0].shape
    let strides = inputs[3].codes!
    /// A bound, counted from the end where negative, within the dimension.
    func bound(_ value: Int, _ isMasked: Bool, _ masked: Int, _ d: Int) -> Int {
      let position = isMasked ? masked : value < 0 ? value + shape[d] : value
      return strides[d] > 0 ? min(max(position, 0), shape[d]) : min(max(position, -1), shape[d] - 1)
    }
    return referenceStridedSlice(
      input, shape: shape,
      begin: shape.indices.map {
        bound(
          inputs[1].codes![$0], (options.beginMask ?? 0) >> $0 & 1 == 1, strides[$0] > 0 ? 0 : shape[$0], $0)
      },
      end: shape.indices.map {
        bound(
          inputs[2].codes![$0], (options.endMask ?? 0) >> $0 & 1 == 1, strides[$0] > 0 ? shape[$0] : -1, $0)
      }, strides: strides)
  }
}

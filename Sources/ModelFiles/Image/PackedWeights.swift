import Networks
import QuantInfer

/// An operator's weights in the order in which the runtime's kernels read them.
struct PackedWeights {
  /// How they are packed.
  let layout: WeightLayout
  /// The number of weights in an output's sum.
  let inputsPerOutput: Int
  /// A convolution's number of input channels in a group.
  let groupChannels: Int
  /// The weights, a byte each or two to a byte.
  let bytes: [UInt8]
  /// The weights of a channel's sum, by their place in the computation's order.
  private let weightIndex: (_ channel: Int, _ input: Int) -> Int

  /// Packs weights of 4 output channels by 4 inputs.
  ///
  /// - Parameters:
  ///   - weights: The weights.
  ///   - inputsPerOutput: The number of weights in an output's sum.
  ///   - groups: The number of groups of output channels.
  ///   - groupChannels: The number of input channels in a group.
  ///   - weightIndex: The place of an output channel's weight in `weights`.
  init(
    blocks weights: QuantizedNetwork.Weights, inputsPerOutput: Int, groups: Int, groupChannels: Int,
    weightIndex: @escaping (_ channel: Int, _ input: Int) -> Int
  ) {
    layout = .blocks
    (self.inputsPerOutput, self.groupChannels) = (inputsPerOutput, groupChannels)
    self.weightIndex = weightIndex
    let groupOutputs = weights.biases.count / groups
    var codes: [Int8] = []
    for group in 0..<groups {
      for block in stride(from: 0, to: groupOutputs, by: 4) {
        for quad in stride(from: 0, to: inputsPerOutput, by: 4) {
          for channel in block..<block + 4 {
            for input in quad..<quad + 4 {
              let isThere = channel < groupOutputs && input < inputsPerOutput
              codes.append(isThere ? weights.codes[weightIndex(group * groupOutputs + channel, input)] : 0)
            }
          }
        }
      }
    }
    bytes = Self.bytes(codes, bits: weights.bits)
  }

  /// Packs a row of weights for each output channel.
  init(rows weights: QuantizedNetwork.Weights) {
    let inputsPerOutput = weights.codes.count / max(1, weights.biases.count)
    self.init(
      blocks: weights, inputsPerOutput: inputsPerOutput, groups: 1, groupChannels: 1,
      weightIndex: { $0 * inputsPerOutput + $1 })
  }

  /// Packs a depthwise convolution's weights, which keep their order.
  init(taps weights: QuantizedNetwork.Weights) {
    let channels = weights.biases.count
    layout = .taps
    (inputsPerOutput, groupChannels) = (weights.codes.count / max(1, channels), 1)
    weightIndex = { channel, tap in tap * channels + channel }
    bytes = Self.bytes(weights.codes, bits: weights.bits)
  }

  /// Weights a byte each, or two to a byte, the first in the lower half.
  static func bytes(_ codes: [Int8], bits: Int) -> [UInt8] {
    guard bits == 4 else { return codes.map { UInt8(bitPattern: $0) } }
    return stride(from: 0, to: codes.count, by: 2).map { index in
      UInt8(bitPattern: codes[index]) & 0xF
        | (index + 1 < codes.count ? UInt8(bitPattern: codes[index + 1]) << 4 : 0)
    }
  }

  /// Biases with the input's zero point folded in: bias - zero point * sum of (weight - weight zero point).
  func foldedBiases(inputZeroPoint: Int, _ weights: QuantizedNetwork.Weights) -> [Int64] {
    weights.biases.indices.map { channel in
      var sum = 0
      for input in 0..<inputsPerOutput {
        sum += Int(weights.codes[weightIndex(channel, input)]) - weights.zeroPoint
      }
      return weights.biases[channel] &- Int64(inputZeroPoint * sum)
    }
  }

  /// Whether some input codes could make a sum leave its bits.
  func mayWrap(
    _ foldedBiases: [Int64], _ weights: QuantizedNetwork.Weights, inputType: ElementType
  ) -> Bool {
    let greatest: UInt64 = inputType == .int8 ? 128 : 32_768
    return weights.biases.indices.contains { channel in
      var sum: UInt64 = 0
      for input in 0..<inputsPerOutput {
        sum += UInt64((Int(weights.codes[weightIndex(channel, input)]) - weights.zeroPoint).magnitude)
      }
      let leftShift = UInt64(max(0, weights.multipliers[channel].leftShift))
      let limit = weights.accumulatorBits == 32 ? UInt64(Int32.max) >> leftShift : 1 << 47
      let (bound, overflow) = (sum * greatest).addingReportingOverflow(foldedBiases[channel].magnitude)
      return overflow || bound > limit
    }
  }
}

extension QuantizedNetwork.Operator {
  /// The weights as the runtime reads them; nil for operators without.
  func packedWeights(of network: QuantizedNetwork) -> PackedWeights? {
    let channels = network.tensors[inputs[0]].shape.last ?? 1
    switch computation {
    case .convolution(let window, let weights):
      let taps = window.time.kernel * window.frequency.kernel
      let inputsPerOutput = weights.codes.count / max(1, weights.biases.count)
      let groupChannels = inputsPerOutput / max(1, taps)
      return PackedWeights(
        blocks: weights, inputsPerOutput: inputsPerOutput, groups: channels / max(1, groupChannels),
        groupChannels: groupChannels, weightIndex: { $0 * inputsPerOutput + $1 })
    case .depthwiseConvolution(_, let weights):
      guard channels == 1 else { return PackedWeights(taps: weights) }
      // Over one channel it is a convolution, whose kernel is faster.
      let outputs = weights.biases.count
      return PackedWeights(
        blocks: weights, inputsPerOutput: weights.codes.count / max(1, outputs), groups: 1,
        groupChannels: 1, weightIndex: { $1 * outputs + $0 })
    case .fullyConnected(let weights): return PackedWeights(rows: weights)
    default: return nil
    }
  }
}

extension OperatorKind {
  /// The name in TensorFlow Lite's schema.
  package var name: String { TFLiteOperatorKind(rawValue: Int32(rawValue)).name }
}

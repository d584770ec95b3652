/// The constants of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: packed weights, and what turns sums into codes.
@safe
public struct Weights: @unchecked Sendable {
  /// A weight's size: 8 or 4 bits.
  public let weightBits: Int
  /// A sum's size: 32 or 64 bits.
  public let accumulatorBits: Int
  /// Whether some input could make a sum leave its size, and wrap.
  public let mayWrap: Bool
  /// How the weights are packed.
  public let layout: WeightLayout?
  /// A convolution's number of input channels in a group.
  public let groupChannelCount: Int
  /// The weights' code of real 0.
  public let zeroPoint: Int32

  /// As `layout` says.
  let packed: UnsafePointer<Int8>
  /// An `Int32` or an `Int64` a channel.
  let biases: UnsafeRawPointer
  let multipliersQ31: UnsafePointer<Int32>
  let leftShifts: UnsafePointer<Int8>
  let activationMinimum: Int32
  let activationMaximum: Int32
  private let image: ImageBytes
  private let place: Int

  /// Reads an operator's constants; no pointer may be followed before `validate` has passed.
  init(_ plan: OperatorPlan) {
    self.init(
      plan.image, at: plan.parameters, patch: plan.patch, from: plan.activationMinimum,
      to: plan.activationMaximum)
  }

  /// Reads constants at a place, with the least and the greatest code that sums become.
  @inline(__always)
  init(
    _ image: ImageBytes, at place: Int, patch: PatchedConstants? = nil, from minimum: Int32,
    to maximum: Int32
  ) {
    typealias Field = ModelFormat.Weights
    self.image = image
    self.place = place
    weightBits = Int(image.byte(at: place &+ Field.weightBits))
    accumulatorBits = Int(image.byte(at: place &+ Field.accumulatorBits))
    mayWrap = image.byte(at: place &+ Field.mayWrap) != 0
    layout = WeightLayout(rawValue: image.byte(at: place &+ Field.layout))
    groupChannelCount = Int(image.half(at: place &+ Field.groupChannelCount))
    zeroPoint = Int32(Int16(bitPattern: image.half(at: place &+ Field.zeroPoint)))
    if let patch {
      unsafe packed = patch.packed
      unsafe biases = patch.biases
    } else {
      unsafe packed = image.pointer(at: place &+ Field.weights)
      unsafe biases = UnsafeRawPointer(image.pointer(at: place &+ Field.biases) as UnsafePointer<UInt8>)
    }
    unsafe multipliersQ31 = image.pointer(at: place &+ Field.multipliers)
    unsafe leftShifts = image.pointer(at: place &+ Field.shifts)
    activationMinimum = minimum
    activationMaximum = maximum
  }

  /// The number of quads that hold a number of inputs.
  @inline(__always)
  static func quads(_ inputs: Int) -> Int { (inputs &+ 3) &>> 2 }

  /// A weight by its place: a depthwise convolution's are `[kernel time, kernel frequency, output channel]`, those of
  /// blocks `[block of four channels, quad of inputs, channel, input]`.
  @inline(__always)
  func tap(_ index: Int) -> Int32 {
    if !Built.anyWeights || weightBits == 8 { return unsafe Int32(packed[index]) }
    let both = unsafe packed[index &>> 1]
    return Int32(index & 1 == 0 ? (both &<< 4) &>> 4 : both &>> 4)
  }

  /// A sum without the bias as an output code: scaled, moved to the zero point, limited.
  @inline(__always)
  func code<Total: Sum>(_ sum: Total, channel: Int, zeroPoint: Int32) -> Int32 {
    let bias = unsafe Total.load(biases, at: channel)
    return limited((sum &+ bias).scaled(by: multiplier(channel)) &+ zeroPoint)
  }

  /// An output channel's bias, with the input's zero point folded in.
  public func bias(_ channel: Int) -> Int64 {
    accumulatorBits == 32
      ? unsafe Int64(extending: biases.assumingMemoryBound(to: Int32.self)[channel])
      : unsafe biases.loadUnaligned(fromByteOffset: 8 &* channel, as: Int64.self)
  }

  /// An output channel's multiplier.
  @inline(__always)
  public func multiplier(_ channel: Int) -> FixedPointMultiplier {
    unsafe FixedPointMultiplier(multiplierQ31: multipliersQ31[channel], leftShift: leftShifts[channel])
  }

  @inline(__always)
  private func limited(_ code: Int32) -> Int32 { min(max(code, activationMinimum), activationMaximum) }
}

extension Weights {
  /// Checks where the constants lie, multipliers and sums.
  ///
  /// - Parameters:
  ///   - input: The input's tensor.
  ///   - channelCount: The number of output channels.
  ///   - inputsPerOutput: The number of weights that an output's sum has.
  ///   - groups: The number of groups of output channels.
  /// - Throws: `ModelError`.
  func validate(
    input: Tensor, channelCount: Int, inputsPerOutput: Int, groups: Int
  ) throws(ModelError) {
    typealias Field = ModelFormat.Weights
    guard layout != nil, weightBits == 8 || weightBits == 4, accumulatorBits == 32 || accumulatorBits == 64,
      groups > 0, remainder(channelCount, groups) == 0, accumulatorBits == 32 || input.type == .int16,
      (-128...127).contains(zeroPoint)
    else { throw ModelError(.invalidOperator, at: place &+ Field.weightBits) }
    guard Built.anyWeights || (weightBits == 8 && UInt(bitPattern: unsafe packed) & 3 == 0 && zeroPoint == 0)
    else { throw ModelError(.unsupportedOperator, at: place &+ Field.weightBits) }
    // Channels and inputs have at most 28 bits each.
    let blocks = groups &* Self.quads(quotient(channelCount, groups))
    let (count, overflow) =
      layout == .blocks
      ? blocks.multipliedReportingOverflow(by: 16 &* Self.quads(inputsPerOutput))
      : channelCount.multipliedReportingOverflow(by: inputsPerOutput)
    guard !overflow else { throw ModelError(.offsetOutOfRange, at: place &+ Field.weights) }
    // A block that is cut off at the group's end still has four channels.
    let paddedCount = layout == .blocks ? channelCount &+ 3 : 4 &* Self.quads(channelCount)
    let byteCount = weightBits == 8 ? count : (count &+ 1) &>> 1
    let start = try image.offset(at: place &+ Field.weights, count: byteCount, stride: 1)
    // They lie before these constants, so that no two operators share them: see `Model.validateOperators`.
    guard byteCount <= place &- start else { throw ModelError(.offsetOutOfRange, at: place &+ Field.weights) }
    try image.offset(at: place &+ Field.biases, count: paddedCount, stride: accumulatorBits / 8)
    try image.offset(at: place &+ Field.multipliers, count: paddedCount, stride: 4)
    try image.offset(at: place &+ Field.shifts, count: paddedCount, stride: 1)
    var channels = Indices(to: channelCount)
    while let channel = channels.next() {
      let multiplier = multiplier(channel)
      guard multiplier.isValid, accumulatorBits == 32 || multiplier.leftShift < 15 else {
        throw ModelError(.invalidMultiplier, at: place &+ Field.multipliers)
      }
    }
    guard
      mayWrap
        || sumsFit(input: input, channelCount: channelCount, inputsPerOutput: inputsPerOutput, groups: groups)
    else { throw ModelError(.accumulatorOverflow, at: place &+ Field.biases) }
  }

  /// Whether no input codes can make a sum leave its bits, also when it is shifted left.
  func sumsFit(input: Tensor, channelCount: Int, inputsPerOutput: Int, groups: Int) -> Bool {
    let groupOutputs = quotient(channelCount, groups)
    var channels = Indices(to: channelCount)
    while let channel = channels.next() {
      guard let allowed = greatestWeightSum(ofChannel: channel, input: input) else { return false }
      var weightSum: UInt32 = 0
      var indices = Indices(to: inputsPerOutput)
      while let index = indices.next() {
        let weight = weight(
          channel: channel, input: index, inputsPerOutput: inputsPerOutput, groupOutputs: groupOutputs,
          channelCount: channelCount)
        weightSum &+= (Int32(weight) &- zeroPoint).magnitude
        guard weightSum <= allowed else { return false }
      }
    }
    return true
  }

  /// What the magnitudes of a channel's weights may add up to, below 2^32 with one more; nil where the bias alone is too
  /// much.
  private func greatestWeightSum(ofChannel channel: Int, input: Tensor) -> UInt32? {
    let inputBits: UInt32 = Built.int16 && input.type == .int16 ? 15 : 7
    guard !Built.int16 || accumulatorBits == 32 else {
      let (limit, bias) = (UInt64(0x8000_0000_0000), bias(channel).magnitude)
      return bias > limit
        ? nil : UInt32(truncatingIfNeeded: min((limit &- bias) &>> (inputBits == 7 ? 7 : 15), 0xFFFF_FF00))
    }
    // Sums that are shifted left have to fit afterwards.
    let leftShift = UInt32(bitPattern: Int32(max(0, multiplier(channel).leftShift)))
    let limit: UInt32 = 0x7FFF_FFFF &>> leftShift
    let bias = unsafe biases.loadUnaligned(fromByteOffset: 4 &* channel, as: Int32.self).magnitude
    return bias > limit ? nil : (limit &- bias) &>> inputBits
  }

  /// One weight, wherever it is packed.
  ///
  /// - Parameters:
  ///   - channel: The output channel.
  ///   - index: The place in the channel's sum: `[kernel time, kernel frequency, channel of the group]`.
  ///   - inputsPerOutput: The number of weights that an output's sum has.
  ///   - groupOutputs: The number of output channels in a group.
  ///   - channelCount: The number of output channels.
  /// - Returns: The weight.
  public func weight(
    channel: Int, input index: Int, inputsPerOutput: Int, groupOutputs: Int, channelCount: Int
  ) -> Int8 {
    if Built.depthwise, layout == .taps {
      return Int8(truncatingIfNeeded: tap(index &* channelCount &+ channel))
    }
    let group = quotient(channel, groupOutputs)
    let member = channel &- group &* groupOutputs
    let block = group &* Self.quads(groupOutputs) &+ member &>> 2
    let quad = block &* Self.quads(inputsPerOutput) &+ index &>> 2
    return Int8(truncatingIfNeeded: tap(16 &* quad &+ (member & 3) &* 4 &+ index & 3))
  }
}

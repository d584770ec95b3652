import Foundation
import QuantInfer
import Training

/// A model image as it is written to a `.qinf` file and to the device's flash.
public struct ModelImage: Sendable {
  /// The image's bytes.
  public let bytes: [UInt8]
  /// Its memory plan.
  public let plan: ArenaPlan

  /// Lays out a network, its front end, class names and provenance as an image.
  ///
  /// - Parameters:
  ///   - network: The network.
  ///   - frontEnd: The spectrogram's tables; nil for a model that takes finished input.
  ///   - classNames: A name an output, without line breaks.
  ///   - metadata: Provenance: keys and values without line breaks.
  /// - Throws: `InvalidNetwork` where a kernel's step or the number of tensors is more than an image can hold.
  public init(
    _ network: QuantizedNetwork, frontEnd: FrontEndTables?, classNames: [String] = [],
    metadata: [(key: String, value: String)] = []
  ) throws(InvalidNetwork) {
    let steps = network.operators.flatMap { [$0.time, $0.frequency] }
    guard network.tensors.count <= Int(UInt16.max),
      steps.allSatisfy({ step in
        [step.kernel, step.stride, step.dilation, step.paddingBefore, step.paddingAfter]
          .allSatisfy { (0...Int(UInt8.max)).contains($0) }
      })
    else { throw InvalidNetwork("a kernel, stride, dilation or padding is beyond an image's limit of 255") }
    let plan = ArenaPlan(network, frontEnd: frontEnd)
    var image = ImageWriter(byteCount: ModelFormat.Header.byteCount)
    let tensors = image.reserve(network.tensors.count * ModelFormat.Tensor.byteCount)
    let operators = image.reserve(network.operators.count * ModelFormat.Operator.byteCount)

    for (index, tensor) in network.tensors.enumerated() {
      typealias Field = ModelFormat.Tensor
      let place = tensors + index * Field.byteCount
      image.put(ElementType.int8.rawValue, at: place + Field.elementType)
      for (axis, length) in tensor.shape.enumerated() {
        image.put(UInt32(length), at: place + Field.shape + 4 * axis)
      }
      image.put(Int32(tensor.zeroPoint), at: place + Field.zeroPoint)
      image.put(tensor.scale.bitPattern, at: place + Field.scaleBits)
      image.put(UInt32(plan.placements[index].offset), at: place + Field.arenaOffset)
    }
    for (index, operation) in network.operators.enumerated() {
      image.put(
        operation, of: network, ring: plan.rings?[index],
        at: operators + index * ModelFormat.Operator.byteCount)
    }

    typealias Header = ModelFormat.Header
    if let frontEnd { image.put(UInt32(image.append(frontEnd)), at: Header.frontEnd) }
    image.append(classNames.joined(separator: "\n"), section: Header.classNames)
    image.append(
      metadata.map { "\($0.key)=\($0.value)" }.joined(separator: "\n"), section: Header.metadata)
    image.pad()

    image.put(ModelFormat.magic, at: Header.magic)
    image.put(ModelFormat.version, at: Header.version)
    image.put(UInt32(image.bytes.count), at: Header.imageByteCount)
    image.put(UInt32(plan.arenaByteCount), at: Header.arenaByteCount)
    image.put(UInt32(plan.scratchByteCount), at: Header.scratchByteCount)
    image.put(UInt32(plan.stateByteCount), at: Header.stateByteCount)
    image.put(UInt32(tensors), at: Header.tensors)
    image.put(UInt32(network.tensors.count), at: Header.tensorCount)
    image.put(UInt32(operators), at: Header.operators)
    image.put(UInt32(network.operators.count), at: Header.operatorCount)
    image.put(UInt32(network.input), at: Header.inputTensor)
    image.put(UInt32(network.output), at: Header.outputTensor)
    let checksum = image.bytes.withUnsafeBytes {
      CRC32.checksum(UnsafeRawBufferPointer(rebasing: $0[ModelFormat.checksumStart...]))
    }
    image.put(checksum, at: Header.checksum)
    bytes = image.bytes
    self.plan = plan
  }
}

/// Puts little-endian numbers into a growing image.
private struct ImageWriter {
  var bytes: [UInt8]

  init(byteCount: Int) { bytes = [UInt8](repeating: 0, count: byteCount) }

  mutating func put<Number: FixedWidthInteger>(_ number: Number, at place: Int) {
    withUnsafeBytes(of: number.littleEndian) { bytes.replaceSubrange(place..<place + $0.count, with: $0) }
  }

  mutating func pad() {
    while bytes.count % ModelFormat.alignment != 0 { bytes.append(0) }
  }

  /// Room for records, at a multiple of the alignment.
  ///
  /// Returns its place.
  mutating func reserve(_ byteCount: Int) -> Int {
    pad()
    bytes += [UInt8](repeating: 0, count: byteCount)
    return bytes.count - byteCount
  }

  /// A table of constants, at a multiple of the alignment.
  ///
  /// Returns its place.
  mutating func append<Number: FixedWidthInteger>(_ numbers: [Number]) -> Int {
    pad()
    let place = bytes.count
    for number in numbers { withUnsafeBytes(of: number.littleEndian) { bytes += $0 } }
    return place
  }

  mutating func append(_ text: String, section field: Int) {
    guard !text.isEmpty else { return }
    put(UInt32(append(Array(text.utf8))), at: field)
    put(UInt32(text.utf8.count), at: field + 4)
  }

  mutating func put(
    _ operation: QuantizedNetwork.Operator, of network: QuantizedNetwork, ring: ArenaPlan.Ring?, at place: Int
  ) {
    typealias Field = ModelFormat.Operator
    put(operation.kind.rawValue, at: place + Field.kind)
    put(UInt16(operation.input), at: place + Field.input)
    put(UInt16(operation.output), at: place + Field.output)
    let steps = [
      (operation.time.kernel, operation.frequency.kernel),
      (operation.time.stride, operation.frequency.stride),
      (operation.time.dilation, operation.frequency.dilation),
      (operation.time.paddingBefore, operation.frequency.paddingBefore),
      (operation.time.paddingAfter, operation.frequency.paddingAfter),
    ]
    for (index, step) in steps.enumerated() {
      put(UInt8(step.0), at: place + Field.kernel + 2 * index)
      put(UInt8(step.1), at: place + Field.kernel + 2 * index + 1)
    }
    put(Int16(operation.activation.lowerBound), at: place + Field.activation)
    put(Int16(operation.activation.upperBound), at: place + Field.activation + 2)
    let multipliers = operation.biases.indices.map { network.multiplier(operation, channel: $0) }
    put(UInt32(append(operation.weights)), at: place + Field.weights)
    put(UInt32(append(network.foldedBiases(operation))), at: place + Field.biases)
    put(UInt32(append(multipliers.map(\.multiplierQ31))), at: place + Field.multipliers)
    put(UInt32(append(multipliers.map(\.leftShift))), at: place + Field.shifts)
    put(UInt32(ring?.offset ?? 0), at: place + Field.ring)
    put(UInt32(ring?.columnCount ?? 0), at: place + Field.ringColumnCount)
  }

  /// The front end's tables and record.
  ///
  /// Returns the record's place.
  mutating func append(_ frontEnd: FrontEndTables) -> Int {
    typealias Field = ModelFormat.FrontEnd
    let window = append(frontEnd.windowQ31)
    let twiddles = append(frontEnd.twiddlesQ14)
    let place = reserve(Field.byteCount)
    let settings = frontEnd.settings
    put(UInt32((settings.sampleRateHz * 1000).rounded()), at: place + Field.sampleRateMillihertz)
    put(UInt16(settings.windowSamples), at: place + Field.windowSamples)
    put(UInt16(settings.hopSamples), at: place + Field.hopSamples)
    put(UInt16(settings.firstBin), at: place + Field.firstBin)
    put(UInt16(settings.binCount), at: place + Field.binCount)
    put(UInt8(settings.highPassShift), at: place + Field.highPassShift)
    put(Int8(frontEnd.minimumExponent), at: place + Field.minimumExponent)
    put(UInt16(frontEnd.codesPerPowerDoublingQ6), at: place + Field.codesPerPowerDoublingQ6)
    put(UInt32(window), at: place + Field.window)
    put(UInt32(twiddles), at: place + Field.twiddles)
    put(frontEnd.floorMantissa, at: place + Field.floorMantissa)
    put(frontEnd.floorExponent, at: place + Field.floorExponent)
    put(frontEnd.floorLog2Q16, at: place + Field.floorLog2Q16)
    put(Int32(SpectrogramSettings.zeroLevelCode), at: place + Field.zeroLevelCode)
    put(frontEnd.microvoltsPerCount.bitPattern, at: place + Field.microvoltsPerCountBits)
    return place
  }
}

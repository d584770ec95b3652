import Foundation
import QuantInfer
import Support

/// A patch as it is written to a `.qpatch` file and to the device's flash.
package struct PatchImage: Equatable, Sendable {
  /// The patch's bytes.
  package private(set) var bytes: [UInt8]

  /// Writes the patch that brings a fully connected operator's weights nearest to new ones.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - operatorIndex: The operator.
  ///   - changes: How far the weights' codes move.
  ///   - biases: The new biases with the input's zero point folded in.
  ///   - sequenceNumber: Counts a device's patches up.
  /// - Throws: `PatchError` where the device would refuse the patch.
  package init(
    _ model: LoadedModel, operatorIndex: Int, changes: PatchChanges, biases: [Int32],
    sequenceNumber: UInt32 = 1
  ) throws(PatchError) {
    guard let index = UInt16(exactly: operatorIndex), let channelCount = UInt16(exactly: biases.count),
      let inputsPerOutput = UInt16(exactly: changes.grouping.inputsPerOutput),
      let columnCount = UInt16(exactly: changes.grouping.columnCount),
      let span = UInt16(exactly: changes.grouping.span), changes.steps.count == biases.count,
      changes.levels.count == biases.count * changes.grouping.groupsPerOutput
    else { throw .invalidLayer }
    typealias Header = ModelPatch.Header
    var bytes: [UInt8] = []
    func append(_ number: some FixedWidthInteger) {
      withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }
    append(ModelPatch.magic)
    append(ModelPatch.version)
    append(index)
    append(model.checksum)
    append(sequenceNumber)
    append(UInt32(Header.byteCount + 5 * biases.count + (changes.levels.count + 1) / 2))
    append(UInt32(0))
    append(channelCount)
    append(inputsPerOutput)
    append(columnCount)
    append(span)
    append(Self.answerSeed)
    append(UInt32(0))
    bytes += model.digest + [UInt8](repeating: 0, count: Header.byteCount - Header.deviceSalt)
    for bias in biases { append(bias) }
    bytes += changes.steps
    for first in stride(from: 0, to: changes.levels.count, by: 2) {
      let second = first + 1 < changes.levels.count ? changes.levels[first + 1] : 0
      bytes.append(UInt8(bitPattern: changes.levels[first]) & 15 | UInt8(bitPattern: second) << 4)
    }
    self.bytes = Self.sealed(bytes)
    let patched = try model.applying(patch: self.bytes)
    let memory = AlignedMemory(byteCount: patched.model.answerByteCount(ofOperator: operatorIndex) ?? 0)
    defer { withExtendedLifetime((patched, memory)) {} }
    let answers = try patched.model.answers(
      seed: Self.answerSeed, ofOperator: operatorIndex, in: memory.bytes)
    withUnsafeBytes(of: answers.littleEndian) {
      bytes.replaceSubrange(Header.answerChecksum..<Header.answerChecksum + 4, with: $0)
    }
    self.bytes = Self.sealed(bytes)
  }

  private init(bytes: [UInt8]) { self.bytes = Self.sealed(bytes) }

  /// The same patch for one device alone: the digest of its identifier, with a salt that is the patch's own.
  package func bound(toDevice identifier: String) -> PatchImage {
    typealias Header = ModelPatch.Header
    let salt = Array(SHA256.digest(bytes)[..<Header.deviceSaltByteCount])
    var bound = bytes
    bound.replaceSubrange(Header.deviceSalt..<Header.deviceDigest, with: salt)
    bound.replaceSubrange(
      Header.deviceDigest..<Header.byteCount, with: SHA256.digest(salt + Array(identifier.utf8)))
    return PatchImage(bytes: bound)
  }

  /// What every patch's known answers begin from.
  private static let answerSeed: UInt32 = 1

  /// A patch with its checksum.
  private static func sealed(_ bytes: [UInt8]) -> [UInt8] {
    typealias Header = ModelPatch.Header
    let head = bytes[..<Header.checksum].withUnsafeBytes { CRC32.checksum($0) }
    let checksum = bytes[(Header.checksum + 4)...].withUnsafeBytes { CRC32.checksum($0, continuing: head) }
    var sealed = bytes
    withUnsafeBytes(of: checksum.littleEndian) {
      sealed.replaceSubrange(Header.checksum..<Header.checksum + 4, with: $0)
    }
    return sealed
  }
}

/// Which weights of an output channel share a change: those of some columns next to each other in time.
package struct PatchGrouping: Equatable, Sendable {
  /// The number of weights to an output's sum.
  package var inputsPerOutput: Int
  /// The number of inputs in a column.
  package var columnCount: Int
  /// The number of columns that share a change.
  package var span: Int

  /// Creates a grouping; all at least 1.
  package init(inputsPerOutput: Int, columnCount: Int, span: Int) {
    (self.inputsPerOutput, self.columnCount, self.span) = (inputsPerOutput, columnCount, span)
  }

  /// The number of changes to an output channel's weights.
  package var groupsPerOutput: Int {
    ModelPatch.groupsPerOutput(inputsPerOutput: inputsPerOutput, columnCount: columnCount, span: span)
  }

  /// The change that an input's weight takes part in.
  package func group(ofInput input: Int) -> Int {
    input / columnCount / span * columnCount + input % columnCount
  }
}

/// How a patch moves the codes of weights.
package struct PatchChanges: Equatable, Sendable {
  /// Which weights share a change.
  package var grouping: PatchGrouping
  /// The step of each output channel, in codes.
  package var steps: [UInt8]
  /// The number of steps, -8 to 7: `[output channel, group]`.
  package var levels: [Int8]

  /// Creates changes.
  package init(grouping: PatchGrouping, steps: [UInt8], levels: [Int8]) {
    (self.grouping, self.steps, self.levels) = (grouping, steps, levels)
  }

  /// The changes nearest to real ones, `[output channel, group]` in codes: each channel's step has the least squared
  /// error.
  package init(nearestTo changes: [Float], grouping: PatchGrouping) {
    self.init(grouping: grouping, steps: [], levels: [])
    let count = grouping.groupsPerOutput
    for first in stride(from: 0, to: changes.count, by: count) {
      let row = changes[first..<first + count]
      func level(_ change: Float, _ step: Float) -> Float { min(max((change / step).rounded(), -8), 7) }
      var best: (error: Float, step: Float) = (.infinity, 1)
      for step in stride(from: Float(1), through: 36, by: 1) {
        let error = row.reduce(Float(0)) { sum, change in
          let difference = change - level(change, step) * step
          return sum + difference * difference
        }
        if error < best.error { best = (error, step) }
      }
      steps.append(UInt8(best.step))
      levels += row.map { Int8(level($0, best.step)) }
    }
  }

  /// How far a weight's code moves.
  package func change(channel: Int, input: Int) -> Int {
    Int(levels[channel * grouping.groupsPerOutput + grouping.group(ofInput: input)]) * Int(steps[channel])
  }
}

/// A fully connected operator's constants as numbers.
package struct DenseConstants: Equatable, Sendable {
  /// The weights, `[output channel, input]`.
  package var codes: [Int8]
  /// The biases with the input's zero point folded in, `[output channel]`.
  package var biases: [Int32]
}

extension LoadedModel {
  /// A fully connected operator's constants as this model runs them; nil where no patch can change the operator.
  package func denseConstants(ofOperator index: Int) -> DenseConstants? {
    guard model.patchBufferByteCount(ofOperator: index) != nil else { return nil }
    let plan = model.operatorPlan(index)
    guard let weights = plan.weights else { return nil }
    let (input, output) = (model.tensor(plan.inputIndex(0)), model.tensor(plan.outputIndex))
    let channels = output.channelCount
    let inputsPerOutput = input.count / (output.count / channels)
    var constants = DenseConstants(codes: [], biases: [])
    for channel in 0..<channels {
      for input in 0..<inputsPerOutput {
        constants.codes.append(
          weights.weight(
            channel: channel, input: input, inputsPerOutput: inputsPerOutput, groupOutputs: channels,
            channelCount: channels))
      }
      constants.biases.append(Int32(truncatingIfNeeded: weights.bias(channel)))
    }
    return constants
  }

  /// The model with a patch, over the same image.
  ///
  /// - Throws: `PatchError` where the patch is broken or doesn't fit.
  ///
  /// A host is every device: what a patch says of one is for the device to check.
  package func applying(patch bytes: [UInt8]) throws(PatchError) -> LoadedModel {
    let memory = AlignedMemory(byteCount: bytes.count)
    memory.bytes.copyBytes(from: bytes)
    defer { withExtendedLifetime(memory) {} }
    let patch = try ModelPatch(validating: UnsafeRawBufferPointer(memory.bytes))
    let buffer = AlignedMemory(byteCount: model.patchBufferByteCount(ofOperator: patch.operatorIndex) ?? 0)
    return LoadedModel(
      self, patched: try model.applying(patch, into: buffer.bytes) { _, _ in true }, buffer: buffer,
      summary: PatchSummary(
        byteCount: patch.byteCount, operatorIndex: patch.operatorIndex,
        sequenceNumber: patch.sequenceNumber, bufferByteCount: buffer.bytes.count))
  }

  /// The model with a patch from a `.qpatch` file.
  ///
  /// - Throws: `FileError` where the file is missing, broken or another model's.
  package func applying(patchFile file: String) throws(FileError) -> LoadedModel {
    let bytes = Array(try Files.read(file))
    do throws(PatchError) {
      return try applying(patch: bytes)
    } catch {
      throw .malformed(
        file, error.explanation, remedy: "make the patch from this model with `exporter personalize`")
    }
  }
}

/// What a model's patch is, for reports.
package struct PatchSummary: Codable, Equatable, Sendable {
  /// The patch's size.
  package var byteCount: Int
  /// The operator that it changes.
  package var operatorIndex: Int
  /// Counts a device's patches up.
  package var sequenceNumber: UInt32
  /// The memory that the device needs for the operator's constants.
  package var bufferByteCount: Int

  /// The patch in one line.
  package var text: String {
    "\(Numbers.bytes(byteCount)), number \(sequenceNumber), of operator \(operatorIndex), "
      + "\(Numbers.bytes(bufferByteCount)) of the device's memory"
  }
}

extension PatchError {
  /// What is wrong, in words.
  package var explanation: String {
    switch self {
    case .truncated: "the patch is cut short"
    case .notAPatch: "this is not a QuantInfer patch"
    case .unsupportedVersion: "the patch is of a format version that this program doesn't read"
    case .checksumMismatch: "the patch's checksum is wrong: at least one bit was changed"
    case .otherModel: "the patch was made for another model image"
    case .otherDevice: "the patch was made for another device"
    case .invalidLayer: "the patch's layer is none that the model has and a patch can change"
    case .invalidSize: "the patch is not as large as its layer asks for"
    case .accumulatorOverflow: "with the patch's weights a sum could overflow"
    case .bufferTooSmall(let byteCount): "the patched layer needs \(byteCount) bytes"
    case .misaligned: "the patched layer's memory is not aligned"
    }
  }
}

/// What a patch's file says of itself.
package struct PatchDescription: Encodable, Equatable, Sendable {
  /// The patch's size.
  package var byteCount: Int
  /// The CRC-32 of the image that it changes, in hexadecimal.
  package var imageChecksum: String
  /// The digest of that image, in hexadecimal.
  package var imageDigest: String
  /// The digest of the device that it is for, in hexadecimal; null where it is for any.
  package var deviceDigest: String?
  /// The operator that it changes.
  package var operatorIndex: Int
  /// Counts a device's patches up.
  package var sequenceNumber: UInt32
  /// The operator's number of output channels.
  package var channelCount: Int
  /// The number of weights to an output's sum.
  package var inputsPerOutput: Int
  /// The number of columns that share a change.
  package var span: Int

  /// Reads and checks a `.qpatch` file.
  ///
  /// - Throws: `FileError` where it is missing or broken.
  package init(file: String) throws(FileError) {
    let data = try Files.read(file)
    let memory = AlignedMemory(byteCount: data.count)
    memory.bytes.copyBytes(from: data)
    defer { withExtendedLifetime(memory) {} }
    do throws(PatchError) {
      let patch = try ModelPatch(validating: UnsafeRawBufferPointer(memory.bytes))
      let digits = String(patch.imageChecksum, radix: 16)
      imageChecksum = String(repeating: "0", count: 8 - digits.count) + digits
      let place = ModelPatch.Header.imageDigest
      imageDigest = data[place..<place + 32].map { Numbers.hexadecimal($0) }.joined()
      deviceDigest = patch.device.map { $0.digest.map { Numbers.hexadecimal($0) }.joined() }
      (byteCount, operatorIndex) = (patch.byteCount, patch.operatorIndex)
      (sequenceNumber, channelCount) = (patch.sequenceNumber, patch.channelCount)
      (inputsPerOutput, span) = (patch.inputsPerOutput, patch.span)
    } catch {
      throw .malformed(file, error.explanation, remedy: "make it again with `exporter personalize`")
    }
  }

  /// The patch in one line.
  package var text: String {
    "\(Numbers.bytes(byteCount)), number \(sequenceNumber), for operator \(operatorIndex) "
      + "(\(channelCount) x \(inputsPerOutput) weights, \(span) column\(span == 1 ? "" : "s") share a change) "
      + "of the image of CRC-32 \(imageChecksum), for "
      + (deviceDigest == nil ? "any device" : "one device")
  }
}

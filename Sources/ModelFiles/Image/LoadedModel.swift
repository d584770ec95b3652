import Foundation
import Networks
import QuantInfer
import Support

/// A model image in the host's memory, with what its reports need in words.
package final class LoadedModel: Sendable {
  /// The validated view; it reads the image, which must live as long as the view is used.
  package let model: Model
  /// The classes' names, one an output; without names in the image, numbers, for 65,536 outputs at most.
  package let classNames: [String]
  /// The provenance.
  package let provenance: Provenance
  /// What the image says of its task: a name, or the task itself as JSON.
  let taskText: String
  /// The image's CRC-32, which names it in reports.
  package let checksum: UInt32
  /// The SHA-256 that the image states of itself, 32 bytes: patches and signatures name it by that.
  package let digest: [UInt8]
  /// What changes the image's constants; nil for the model as shipped.
  package let patch: PatchSummary?
  /// The image, and a patched operator's constants.
  private let memory: [AlignedMemory]

  /// Validates an image.
  ///
  /// - Throws: `ModelError`.
  package init(image: [UInt8]) throws(ModelError) {
    let memory = AlignedMemory(byteCount: image.count)
    memory.bytes.copyBytes(from: image)
    self.memory = [memory]
    patch = nil
    model = try Model(validating: UnsafeRawBufferPointer(memory.bytes))
    let model = model
    func text(_ section: (byteOffset: Int, byteCount: Int)) -> [Substring] {
      let range = section.byteOffset..<section.byteOffset + section.byteCount
      return String(decoding: range.map { model.byte(at: $0) }, as: UTF8.self).split(separator: "\n")
    }
    let names = text(model.section(.classNames)).map(String.init)
    taskText = text(model.section(.task)).first.map(String.init) ?? ""
    let outputs = model.output.count
    classNames = names.count == outputs ? names : (0..<min(outputs, 1 << 16)).map { "output \($0)" }
    provenance = Provenance(
      lines: text(model.section(.provenance)).map { line in
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
      })
    let place = ModelFormat.Header.digest
    digest = Array(image[place..<place + ModelFormat.Header.digestByteCount])
    checksum = (0..<4).reduce(0) { $0 | UInt32(image[ModelFormat.Header.checksum + $1]) << (8 * UInt32($1)) }
  }

  /// The same image with a patch's constants in a buffer.
  init(_ shipped: LoadedModel, patched model: Model, buffer: AlignedMemory, summary: PatchSummary) {
    (classNames, provenance, checksum) = (shipped.classNames, shipped.provenance, shipped.checksum)
    (digest, taskText) = (shipped.digest, shipped.taskText)
    memory = shipped.memory + [buffer]
    self.model = model
    patch = summary
  }

  /// Reads and validates a `.qinf` file.
  ///
  /// - Throws: `FileError`, which names the byte where the image is wrong.
  package convenience init(file: String) throws(FileError) {
    let data = try Files.read(file)
    guard !data.prefix(8).suffix(4).elementsEqual(TFLiteModel.identifier.utf8) else {
      throw .malformed(
        file, "is a TensorFlow Lite model, and a device runs an image",
        remedy: "make its image: exporter import \(file) --output MODEL.qinf, with --streaming for ECG")
    }
    guard !Checkpoint.mayBegin(data) else {
      throw .malformed(
        file, "is a checkpoint, and a device runs an image",
        remedy: "make its image: exporter quantize \(file) --data DIR --output MODEL.qinf")
    }
    do throws(ModelError) {
      try self.init(image: Array(data))
    } catch {
      throw .malformed(
        file, at: "byte \(error.byteOffset)", error.kind.explanation,
        remedy: error.kind == .unsupportedVersion
          ? "convert it with `exporter export \(file) --format qinf --output NEW.qinf`"
          : "export or import the model again")
    }
  }

  /// The real number that a logit's code stands for.
  package func logit(_ code: Int8) -> Double {
    Double(Float(bitPattern: model.output.scaleBits)) * Double(Int32(code) - model.output.zeroPoint)
  }

  /// The logits that codes stand for.
  package var logitRange: ClosedRange<Float> { Float(logit(.min))...Float(logit(.max)) }

  /// What beats' intervals say of their classes, in the logits' codes; nil where the classes aren't the AAMI's, or intervals are
  /// among the network's inputs.
  package var rhythmPrior: RhythmPrior.Options? {
    let scale = Double(Float(bitPattern: model.output.scaleBits))
    guard model.frontEnd?.beats == nil,
      let classIndex = FloatRhythmPrior.normalClass(of: classNames), scale > 0
    else { return nil }
    return RhythmPrior.Options(
      classIndex: classIndex,
      codesPerOctave: Int(min(512, FloatRhythmPrior.logitsPerOctave / scale).rounded()),
      neutralPartLog2Q16: Int32((log2(FloatRhythmPrior.neutralPart) * 65536).rounded()))
  }

  /// The scratch that a host gives its engines: more than a device must, so that convolutions go through many
  /// cells at once.
  package var scratchByteCount: Int {
    max(model.scratchByteCount, model.streamingScratchByteCount, 1 << 16)
  }
}

extension LoadedModel {
  /// What tells a user that a model takes no samples: that it has several inputs or outputs, or no front end.
  package func takesNoSamples(_ file: String) -> FileError {
    let (inputs, outputs) = (model.inputCount, model.outputCount)
    guard inputs == 1, outputs == 1 else {
      return .malformed(
        file,
        "takes no samples: it has \(inputs) input\(inputs == 1 ? "" : "s") and \(outputs) output\(outputs == 1 ? "" : "s"), and a stream has one of each",
        remedy: "give it finished windows: exporter run, with an --input and an --output for each")
    }
    guard model.frontEnd != nil else {
      return .malformed(
        file, "takes no samples: it has no front end",
        remedy: "make the image with one, by exporter import or quantize with --front-end f.json")
    }
    return .malformed(
      file, "takes no samples: it can't stream",
      remedy: "make the image again: exporter import says of a network what keeps it from streaming")
  }
}

/// Memory for engines: aligned, zeroed, freed with its owner.
package final class AlignedMemory: @unchecked Sendable {
  /// The bytes.
  package let bytes: UnsafeMutableRawBufferPointer

  /// Allocates memory.
  package init(byteCount: Int) {
    bytes = .allocate(byteCount: byteCount, alignment: 16)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { bytes.deallocate() }
}

extension ModelError.Kind {
  /// What is wrong, in words.
  var explanation: String {
    switch self {
    case .truncated: "the model image is cut short or longer than its header says"
    case .notAModelImage: "this is not a QuantInfer model image"
    case .unsupportedVersion: "the model image is of another format version than this program's"
    case .checksumMismatch: "the model image's checksum is wrong: at least one bit was changed"
    case .misaligned: "the model image is not aligned in memory"
    case .offsetOutOfRange: "a table of the model image lies outside it"
    case .invalidTensor: "a tensor has an impossible type, shape or place"
    case .unsupportedOperator: "an operator is not one of this program's"
    case .invalidOperator: "an operator's shapes or options don't fit together"
    case .invalidMultiplier: "a multiplier or shift is out of range"
    case .accumulatorOverflow: "an operator's sum could overflow, and isn't marked so"
    case .invalidFrontEnd: "the front end's settings or tables are impossible"
    case .invalidStreamingPlan: "the streaming plan doesn't fit the network"
    case .beyondLimits: "the model image asks for more memory than a device can have"
    case .unsupportedSection: "the model image holds something that this program doesn't know"
    case .unsupportedLeads:
      "the model image has a number of leads that this program doesn't take, which is 1 to 4"
    }
  }
}

extension Model {
  /// A tensor's dimensions, the outermost first.
  package func shape(ofTensor index: Int) -> [Int] {
    (0..<tensor(index).rank).map { length(ofTensor: index, axis: $0) }
  }
}

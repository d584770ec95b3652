import Foundation
import Networks
import Support
import Tasks

/// A training under way, kept in `CKPT.part` beside the checkpoint that it will become.
///
/// The file is a line that names the training, then a checkpoint. The name follows from all that decides the
/// training's bits: the starting weights, the options and the data.
package struct TrainingPart {
  /// The file.
  package let path: String
  private let start: Checkpoint
  private let signals: [LabelledSignal]
  private let noises: [[Float]]
  private let codes: NetworkCodes?
  private let header: Data
  /// What follows from all that decides the training's bits, in hexadecimal digits.
  package let fingerprint: String

  /// Prepares to keep the training of `start` on signals, which shall end in the checkpoint `output`.
  package init(
    of start: Checkpoint, signals: [LabelledSignal], noises: [[Float]] = [], codes: NetworkCodes? = nil,
    output: String
  ) {
    path = output + ".part"
    self.start = start
    self.signals = signals
    self.noises = noises
    self.codes = codes
    fingerprint = Self.fingerprint(of: start, signals, noises)
    header = Data("quantinfer-training-2 \(fingerprint)\n".utf8)
  }

  /// Continues the training that the file keeps, or starts it where there is none.
  ///
  /// - Throws: `FileError` where the file keeps another training, is broken or can't be written;
  ///   `TrainingError` where the training can't be.
  package func trainer(threads: Int) throws -> Trainer {
    guard FileManager.default.fileExists(atPath: path) else {
      // What can't be written is told now, not after an epoch.
      let trainer = try Trainer(start, signals: signals, noises: noises, codes: codes, threads: threads)
      try save(start)
      return trainer
    }
    return try Trainer(kept(), signals: signals, noises: noises, codes: codes, threads: threads)
  }

  /// Keeps a state.
  ///
  /// - Throws: `FileError`, inaccessible, where that can't be done.
  package func save(_ state: Checkpoint) throws(FileError) {
    try Files.write(header + state.encoded(), to: path)
  }

  /// Forgets the training, which is done.
  package func remove() {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Names have up to 16 digits.
  private static let longestHeader = 64

  private func kept() throws(FileError) -> Checkpoint {
    let data = try Files.read(path)
    guard data.starts(with: header.prefix { $0 != UInt8(ascii: " ") }),
      let end = data.prefix(Self.longestHeader).firstIndex(of: UInt8(ascii: "\n"))
    else {
      throw .malformed(path, "keeps no training", remedy: "delete it to start anew")
    }
    let kept: Checkpoint
    do throws(FileError) {
      kept = try Checkpoint(decoding: Data(data[(end + 1)...]), file: path)
    } catch {
      throw .malformed(path, at: error.location, error.problem, remedy: "delete it to start anew")
    }
    guard data.starts(with: header), kept.optimizer != nil else {
      throw .malformed(
        path, "keeps a training with \(difference(of: kept))",
        remedy: "repeat that training's command, or delete the file to start anew")
    }
    return kept
  }

  /// How another training differs from this one, in words.
  private func difference(of kept: Checkpoint) -> String {
    if kept.task != start.task { return "--task \(kept.task), not \(start.task)" }
    if kept.split != start.split { return "--split \(kept.split), not \(start.split)" }
    let theirs = Self.members(of: kept.training)
    let ours = Self.members(of: start.training)
    let differing = ours.keys.sorted().filter { ours[$0] != theirs[$0] }
      .map { "\($0) \(theirs[$0] ?? "unknown"), not \(ours[$0] ?? "unknown")" }
    return differing.isEmpty ? "other data or another --from" : differing.joined(separator: ", ")
  }

  private static func members(of options: TrainingOptions) -> [String: String] {
    guard let data = try? JSONEncoder().encode(options),
      let members = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
    else { return [:] }
    var flat: [String: String] = [:]
    for (name, value) in members {
      guard let inner = value as? [String: Any] else {
        flat[name] = "\(value)"
        continue
      }
      for (name, value) in inner { flat[name] = "\(value)" }
    }
    return flat
  }

  /// FNV-1a over the starting checkpoint's bytes and the signals' samples and beats.
  private static func fingerprint(
    of start: Checkpoint, _ signals: [LabelledSignal], _ noises: [[Float]]
  ) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func mix(_ value: UInt64) { hash = (hash ^ value) &* 0x100_0000_01B3 }
    for byte in start.encoded() { mix(UInt64(byte)) }
    for signal in signals {
      for byte in "\(signal.record) \(signal.lead)\n".utf8 { mix(UInt64(byte)) }
      for sample in signal.microvolts { mix(UInt64(sample.bitPattern)) }
      for beat in signal.beats {
        mix(UInt64(bitPattern: Int64(beat.sample)))
        mix(UInt64(bitPattern: Int64(beat.classIndex)))
      }
    }
    for noise in noises {
      mix(UInt64(noise.count))
      for sample in noise { mix(UInt64(sample.bitPattern)) }
    }
    return String(hash, radix: 16)
  }
}

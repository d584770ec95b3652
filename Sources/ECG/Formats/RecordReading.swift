import Foundation
import Support

extension Record {
  /// Reads a WFDB record: its header, its signal files and its segments; or a file of the EDF family.
  ///
  /// A signal with a skew is shifted by it, to the frame, and its end filled with invalid samples. A
  /// record of several segments is joined into one: gaps become invalid samples, and a segment whose gain
  /// or baseline differs is brought to those of the layout segment or, without one, of the first segment.
  ///
  /// - Parameters:
  ///   - path: The record's name, with or without path and `.hea`.
  ///   - verifyingChecksums: Whether a wrong checksum is an error.
  /// - Returns: The record with all its samples.
  /// - Throws: `FileError` where a file is missing, truncated, against the grammar or of a wrong checksum.
  package static func read(_ path: String, verifyingChecksums: Bool = true) throws(FileError) -> Record {
    if EDFFile.isNamed(path) { return try read(edf: path) }
    let header = try RecordHeader.read(path)
    let source = RecordSource(
      headerPath: RecordHeader.path(ofRecord: path), verifiesChecksums: verifyingChecksums)
    var gaps = GapBudget()
    let signals =
      header.segments == nil
      ? try source.readSignals(header, &gaps) : try source.readSegments(header, &gaps)
    let count = signals.first.map { $0.samples.count / $0.samplesPerFrame } ?? header.sampleCount ?? 0
    var record = Record(
      name: header.name, sampleRateHz: header.sampleRateHz, sampleCount: count, signals: signals,
      comments: header.comments)
    record.counterFrequencyHz = header.counterFrequencyHz
    record.baseCounter = header.baseCounter
    record.baseTime = header.baseTime
    record.baseDate = header.baseDate
    return record
  }
}

/// The invalid samples that may still stand for what no file holds; a record of more is taken for a broken header.
private struct GapBudget {
  private var samples = 1 << 27

  /// Takes a gap of `frames` in signals of `samplesPerFrame` together; false where it is too long.
  mutating func take(frames: Int, samplesPerFrame: Int) -> Bool {
    let gap = frames.multipliedReportingOverflow(by: samplesPerFrame)
    guard !gap.overflow, gap.partialValue <= samples else { return false }
    samples -= gap.partialValue
    return true
  }
}

/// Where a record is read from, and how.
private struct RecordSource {
  /// Segments repeat what they have to say.
  static let segmentNoteLimit = 4

  let headerPath: String
  let verifiesChecksums: Bool

  func path(of fileName: String) -> String {
    RecordPath.file(fileName, beside: headerPath)
  }

  func error(_ problem: String, remedy: String = "correct the header or fetch the record again") -> FileError
  {
    .malformed(headerPath, problem, remedy: remedy)
  }

  // MARK: One segment

  func readSignals(_ header: RecordHeader, _ gaps: inout GapBudget) throws(FileError) -> [Signal] {
    var groups: [SignalGroup] = []
    var first = 0
    while first < header.signals.count {
      let name = header.signals[first].fileName
      let end = header.signals[first...].firstIndex { $0.fileName != name } ?? header.signals.count
      guard name == "~" || !groups.contains(where: { $0.fileName == name }) else {
        throw error("lists the signals of \(name) in two places")
      }
      groups.append(try group(Array(header.signals[first..<end])))
      first = end
    }
    let stored = groups.compactMap(\.availableFrames).min()
    guard let frames = header.sampleCount ?? stored ?? (groups.isEmpty ? 0 : nil) else {
      throw error("states no number of samples, and there is no signal file to tell it")
    }
    var signals: [Signal] = []
    for group in groups {
      signals += try read(group, frames: frames, header, &gaps)
    }
    return signals
  }

  private func group(_ signals: [SignalSpecification]) throws(FileError) -> SignalGroup {
    let first = signals[0]
    var samplesPerFrame = 0
    for signal in signals {
      guard signal.format == first.format, signal.byteOffset == first.byteOffset else {
        throw error("gives the signals of \(first.fileName) different formats or byte offsets")
      }
      let sum = samplesPerFrame.addingReportingOverflow(signal.samplesPerFrame)
      guard !sum.overflow else { throw error("has too many samples a frame") }
      samplesPerFrame = sum.partialValue
    }
    var group = SignalGroup(fileName: first.fileName, signals: signals, samplesPerFrame: samplesPerFrame)
    if first.format != .null {
      let file = path(of: first.fileName)
      let size = try regularFileSize(file)
      let samples = first.format.sampleCount(byteCount: max(size - first.byteOffset, 0))
      group.availableFrames = samples / samplesPerFrame
    }
    return group
  }

  private func regularFileSize(_ path: String) throws(FileError) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(
      atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
    guard let attributes else {
      throw .missing(
        path, "the signal file is not there",
        remedy: "fetch the record again, or give the file the name that the header states")
    }
    guard attributes[.type] as? FileAttributeType == .typeRegular, let size = attributes[.size] as? Int else {
      throw error("names \(path), which is no ordinary file")
    }
    return size
  }

  private func read(
    _ group: SignalGroup, frames: Int, _ header: RecordHeader, _ gaps: inout GapBudget
  ) throws(FileError) -> [Signal] {
    let total = frames.multipliedReportingOverflow(by: group.samplesPerFrame)
    let format = group.signals[0].format
    guard let available = group.availableFrames else {
      guard gaps.take(frames: frames, samplesPerFrame: group.samplesPerFrame) else {
        throw error("promises \(frames) samples a signal that no file holds")
      }
      return group.signals.map { signal in
        let samples = [Int32](repeating: Signal.invalidSample, count: frames * signal.samplesPerFrame)
        return Signal(signal, sampleRateHz: rate(signal, header), samples: samples)
      }
    }
    let file = path(of: group.fileName)
    guard frames <= available, !total.overflow else {
      throw .malformed(
        file, "has \(available) of the \(frames) samples that the header promises",
        remedy: "the file is truncated or the header wrong; fetch the record again")
    }
    let data = try Files.read(file)
    let offset = group.signals[0].byteOffset
    guard let needed = format.byteCount(sampleCount: total.partialValue), data.count - offset >= needed else {
      throw .malformed(file, "became shorter while it was read", remedy: "try again")
    }
    var samples = data.withUnsafeBytes { bytes in
      group.unpack(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + needed]), frames: frames)
    }
    var signals = group.signals
    for index in samples.indices {
      try finish(
        &samples[index], &signals[index], file: file,
        verifiesChecksum: verifiesChecksums && header.sampleCount != nil)
    }
    return zip(signals, samples).map { signal, samples in
      Signal(signal, sampleRateHz: rate(signal, header), samples: samples)
    }
  }

  private func rate(_ signal: SignalSpecification, _ header: RecordHeader) -> Double {
    header.sampleRateHz * Double(signal.samplesPerFrame)
  }

  /// Makes samples of what is stored: sums up differences, checks the sum, marks the invalid ones, corrects
  /// the skew.
  private func finish(
    _ samples: inout [Int32], _ signal: inout SignalSpecification, file: String, verifiesChecksum: Bool
  ) throws(FileError) {
    if signal.format == .differences8 {
      guard integrate(&samples, from: signal.initialValue) else {
        throw .malformed(
          file, at: "signal \(signal.name)", "its differences leave the range of samples",
          remedy: "fetch the record again")
      }
    }
    let sum = samples.reduce(0, &+)
    if let invalidCode = signal.format.invalidCode {
      for index in samples.indices where samples[index] == invalidCode {
        samples[index] = Signal.invalidSample
      }
    }
    if verifiesChecksum, let checksum = signal.checksum, Int16(truncatingIfNeeded: sum) != checksum {
      // Writers that compute none write 0.
      guard checksum != 0 else {
        signal.checksum = nil
        signal.notes.append(
          FileNote(
            headerPath, at: "signal \(signal.name)",
            "its checksum of 0 doesn't fit and was taken as not stated"))
        return correctSkew(&samples, signal)
      }
      throw .malformed(
        file, at: "signal \(signal.name)",
        "the checksum is \(Int16(truncatingIfNeeded: sum)), not \(checksum) as in the header",
        remedy: "the file is damaged; fetch the record again")
    }
    correctSkew(&samples, signal)
  }

  private func correctSkew(_ samples: inout [Int32], _ signal: SignalSpecification) {
    let perFrame = signal.samplesPerFrame
    let skew = min((signal.skewSamples + perFrame / 2) / perFrame * perFrame, samples.count)
    if skew > 0 {
      samples.removeFirst(skew)
      samples += repeatElement(Signal.invalidSample, count: skew)
    }
  }

  /// Turns differences into samples; false where one leaves the range of samples.
  private func integrate(_ differences: inout [Int32], from initialValue: Int) -> Bool {
    var value = initialValue
    for index in differences.indices {
      value += Int(differences[index])
      guard let sample = Int32(exactly: value) else { return false }
      differences[index] = sample
    }
    return true
  }

  // MARK: Several segments

  func readSegments(_ header: RecordHeader, _ gaps: inout GapBudget) throws(FileError) -> [Signal] {
    let segments = header.segments ?? []
    var total = 0
    for segment in segments {
      let sum = total.addingReportingOverflow(segment.sampleCount)
      guard !sum.overflow else { throw error("has segments of too many samples") }
      total = sum.partialValue
    }
    if let stated = header.sampleCount, stated != total {
      throw error("states \(stated) samples, but its segments have \(total)")
    }
    let isVariable = segments.first.map { $0.sampleCount == 0 && $0.name != "~" } ?? false
    var joined: [Signal] = []
    if isVariable, let layout = segments.first {
      joined = try segmentHeader(layout, header).signals.map {
        Signal($0, sampleRateHz: rate($0, header), samples: [])
      }
    }
    for segment in segments.dropFirst(isVariable ? 1 : 0) {
      var parts: [Signal] = []
      if segment.name != "~" {
        let segmentHeader = try segmentHeader(segment, header)
        guard segmentHeader.sampleCount == segment.sampleCount else {
          throw error(
            "gives segment \(segment.name) \(segment.sampleCount) samples, but its own header gives "
              + (segmentHeader.sampleCount.map { "\($0)" } ?? "none"))
        }
        let source = RecordSource(
          headerPath: RecordHeader.path(ofRecord: path(of: segment.name)),
          verifiesChecksums: verifiesChecksums)
        parts = try source.readSignals(segmentHeader, &gaps)
        if !isVariable, joined.isEmpty {
          joined = parts.map { Signal($0.specification, sampleRateHz: $0.sampleRateHz, samples: []) }
        }
        guard isVariable || parts.count == joined.count else {
          throw error("has \(joined.count) signals, but segment \(segment.name) has \(parts.count)")
        }
      } else if joined.isEmpty {
        throw error("starts with a gap but has no layout segment to name its signals")
      }
      try append(parts, of: segment, isVariable: isVariable, to: &joined, &gaps)
    }
    guard joined.count == header.signalCount else {
      throw error("promises \(header.signalCount) signals, but its segments have \(joined.count)")
    }
    for index in joined.indices {
      joined[index].checksum = nil
      joined[index].skewSamples = 0
    }
    return joined
  }

  private func segmentHeader(
    _ segment: SegmentSpecification, _ header: RecordHeader
  ) throws(FileError) -> RecordHeader {
    let own = try RecordHeader.read(path(of: segment.name))
    guard own.segments == nil else { throw error("has segment \(segment.name), which has segments itself") }
    guard own.sampleRateHz == header.sampleRateHz else {
      throw error(
        "is at \(header.sampleRateHz) Hz, but segment \(segment.name) at \(own.sampleRateHz) Hz")
    }
    return own
  }

  /// Appends a segment's signals to the joined ones, matched by place or, in a variable layout, by name.
  private func append(
    _ parts: [Signal], of segment: SegmentSpecification, isVariable: Bool, to joined: inout [Signal],
    _ gaps: inout GapBudget
  ) throws(FileError) {
    for index in joined.indices {
      let part =
        isVariable
        ? parts.first { $0.name == joined[index].name } : parts.indices.contains(index) ? parts[index] : nil
      let perFrame = joined[index].samplesPerFrame
      guard let part else {
        guard gaps.take(frames: segment.sampleCount, samplesPerFrame: perFrame) else {
          throw error("has a gap of \(segment.sampleCount) samples that no file holds")
        }
        joined[index].samples += repeatElement(
          Signal.invalidSample, count: segment.sampleCount * perFrame)
        continue
      }
      if joined[index].notes.count < Self.segmentNoteLimit {
        joined[index].notes += part.notes.filter { !joined[index].notes.contains($0) }
      }
      guard part.samplesPerFrame == perFrame else {
        throw error("changes the rate of signal \(part.name) in segment \(segment.name)")
      }
      joined[index].samples += try part.rescaled(to: joined[index], segment: segment.name, self.headerPath)
    }
  }
}

/// The signals that share one file.
private struct SignalGroup {
  var fileName: String
  var signals: [SignalSpecification]
  var samplesPerFrame: Int
  /// The frames that the file holds; nil for null signals, which have no file.
  var availableFrames: Int?

  /// Unpacks the file's first frames: one array a signal.
  func unpack(_ bytes: UnsafeRawBufferPointer, frames: Int) -> [[Int32]] {
    let format = signals[0].format
    var samples = signals.map { [Int32](repeating: 0, count: frames * $0.samplesPerFrame) }
    // A block of a multiple of 6 samples starts on a byte in every format, and stays in the cache.
    let blockFrames = max(16_384 / samplesPerFrame / 6, 1) * 6
    var block = [Int32](repeating: 0, count: min(blockFrames, frames) * samplesPerFrame)
    for start in Swift.stride(from: 0, to: frames, by: blockFrames) {
      let count = min(blockFrames, frames - start)
      let offset = format.byteCount(sampleCount: start * samplesPerFrame)!
      block.withUnsafeMutableBufferPointer { block in
        format.unpack(
          UnsafeRawBufferPointer(rebasing: bytes[offset...]),
          into: UnsafeMutableBufferPointer(rebasing: block[..<(count * samplesPerFrame)]))
        var place = 0
        for (index, signal) in signals.enumerated() {
          let length = signal.samplesPerFrame
          samples[index].withUnsafeMutableBufferPointer { output in
            let output = UnsafeMutableBufferPointer(rebasing: output[(start * length)...])
            if length == 1 {
              for run in 0..<count { output[run] = block[place &+ run &* samplesPerFrame] }
            } else {
              for run in 0..<count {
                let input = place &+ run &* samplesPerFrame
                for k in 0..<length { output[run &* length &+ k] = block[input &+ k] }
              }
            }
          }
          place += length
        }
      }
    }
    return samples
  }
}

extension Signal {
  /// The samples as `other`'s gain and baseline would give them, halves rounded up as WFDB does.
  fileprivate func rescaled(
    to other: Signal, segment: String, _ file: String
  ) throws(FileError) -> [Int32] {
    guard self.units == other.units else {
      throw .malformed(
        file, "changes the unit of signal \(self.name) in segment \(segment)", remedy: "correct the headers")
    }
    guard self.gain != other.gain || self.baseline != other.baseline else { return samples }
    let scale = other.gain / self.gain
    let offset = Double(other.baseline) - scale * Double(self.baseline)
    var result = samples
    for index in result.indices where result[index] != Self.invalidSample {
      let value = (Double(result[index]) * scale + offset + 0.5).rounded(.down)
      guard value > Double(Int32.min), value <= Double(Int32.max) else {
        throw .malformed(
          file, "rescales signal \(self.name) of segment \(segment) out of the range of samples",
          remedy: "correct the gains in the headers")
      }
      result[index] = Int32(value)
    }
    return result
  }
}

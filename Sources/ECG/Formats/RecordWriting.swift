import Foundation
import Support

extension Record {
  /// Writes the record as WFDB: `path.dat` with all signals in one format, then `path.hea`.
  ///
  /// Each signal keeps its rate, gain, baseline and ADC; checksums and initial values are those of what is
  /// written. The record's name is the path's last component.
  ///
  /// - Throws: `FileError` where a sample does not fit the format, a name has no place in a header, or a file
  ///   can't be written.
  package func write(_ path: String, format: SignalFormat = .twosComplement16) throws(FileError) {
    let path = path.hasSuffix(".hea") ? String(path.dropLast(4)) : path
    let name = RecordPath.name(of: path)
    let files = try encoded(name: name, format: format)
    try Files.write(files.signals, to: path + ".dat")
    try Files.write(files.header, to: path + ".hea")
  }

  /// The content of the header and of the signal file that `write(_:format:)` writes for a record `name`.
  ///
  /// - Throws: `FileError`, malformed, where a sample does not fit the format or a name has no place in a
  ///   header.
  package func encoded(
    name: String, format: SignalFormat
  ) throws(FileError) -> (header: Data, signals: Data) {
    guard format != .null else {
      throw .malformed(name, "can't be written in format 0", remedy: "choose a format that stores samples")
    }
    var specifications: [SignalSpecification] = []
    var stored: [[Int32]] = []
    for signal in signals {
      guard signal.samplesPerFrame > 0,
        sampleCount.multipliedReportingOverflow(by: signal.samplesPerFrame) == (signal.samples.count, false)
      else {
        throw .malformed(
          name, at: "signal \(signal.name)",
          "has \(signal.samples.count) samples in a record of \(sampleCount)",
          remedy: "give all signals the record's length")
      }
      let codes = try signal.codes(in: format, record: name)
      var specification = signal.specification
      specification.fileName = name + ".dat"
      specification.format = format
      specification.skewSamples = 0
      specification.byteOffset = 0
      specification.blockSize = 0
      specification.initialValue = Int(codes.first ?? 0)
      specification.checksum = Int16(truncatingIfNeeded: codes.reduce(0, &+))
      specifications.append(specification)
      stored.append(format == .differences8 ? zip(codes, codes.prefix(1) + codes).map { $0 - $1 } : codes)
    }
    let header = try headerText(name: name, signals: specifications)
    return (Data(header.utf8), Data(format.pack(interleaved(stored))))
  }

  private func interleaved(_ stored: [[Int32]]) -> [Int32] {
    var result: [Int32] = []
    result.reserveCapacity(stored.reduce(0) { $0 + $1.count })
    for frame in 0..<sampleCount {
      for (signal, samples) in zip(signals, stored) {
        let start = frame * signal.samplesPerFrame
        result += samples[start..<start + signal.samplesPerFrame]
      }
    }
    return result
  }

  private func headerText(
    name: String, signals: [SignalSpecification]
  ) throws(FileError) -> String {
    func word(_ text: String, _ meaning: String) throws(FileError) -> String {
      guard !text.isEmpty, !text.contains(where: \.isWhitespace), !text.hasPrefix("#") else {
        throw .malformed(
          name, "has '\(text)' for its \(meaning), which a header can't hold", remedy: "use one word")
      }
      return text
    }
    guard !name.contains("/"), sampleRateHz > 0, sampleRateHz.isFinite else {
      throw .malformed(
        name, "has a name or a rate that a header can't hold", remedy: "use a plain name and a rate above 0")
    }
    var rate = Numbers.shortest(sampleRateHz)
    if counterFrequencyHz != sampleRateHz || baseCounter != 0 {
      rate +=
        "/\(Numbers.shortest(counterFrequencyHz))"
        + (baseCounter == 0 ? "" : "(\(Numbers.shortest(baseCounter)))")
    }
    var line = [try word(name, "name"), "\(signals.count)", rate, "\(sampleCount)"]
    if let baseTime { line.append(try word(baseTime, "base time")) }
    if let baseDate, baseTime != nil { line.append(try word(baseDate, "base date")) }
    var text = line.joined(separator: " ") + "\n"
    for signal in signals {
      guard !signal.name.contains(where: \.isNewline), signal.gain.isFinite, signal.gain != 0 else {
        throw .malformed(
          name, at: "signal \(signal.name)", "has a name or a gain that a header can't hold",
          remedy: "use a name of one line and a gain above 0")
      }
      let frame = signal.samplesPerFrame == 1 ? "" : "x\(signal.samplesPerFrame)"
      let baseline = signal.baseline == signal.adcZero ? "" : "(\(signal.baseline))"
      let units = try word(signal.units, "unit")
      text +=
        "\(signal.fileName) \(signal.format.rawValue)\(frame) \(Numbers.shortest(signal.gain))\(baseline)/\(units)"
      text += " \(signal.adcResolutionBits) \(signal.adcZero) \(signal.initialValue)"
      text += " \(signal.checksum ?? 0) \(signal.blockSize) \(signal.name)\n"
    }
    for comment in comments {
      for line in comment.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
        text += line.isEmpty ? "#\n" : "# \(line)\n"
      }
    }
    return text
  }
}

extension Signal {
  /// The samples as the format stores them, its own code for the invalid ones.
  fileprivate func codes(in format: SignalFormat, record: String) throws(FileError) -> [Int32] {
    let limit = format == .differences8 ? Int32.max : Int32.max >> Int32(32 - format.bitCount)
    var codes = samples
    var previous = samples.first ?? 0
    for index in codes.indices {
      let sample = codes[index]
      if sample == Self.invalidSample, let code = format.invalidCode {
        codes[index] = code
      } else {
        let difference = Int(sample) - Int(previous)
        guard sample >= -limit, sample <= limit, sample != Self.invalidSample,
          format != .differences8 || Int8(exactly: difference) != nil
        else {
          let value = sample == Self.invalidSample ? "an invalid sample" : "\(sample)"
          throw .malformed(
            record, at: "signal \(specification.name), sample \(index)",
            "\(value) does not fit format \(format.rawValue)", remedy: "choose a wider format")
        }
      }
      previous = sample
    }
    return codes
  }
}

import Foundation
import Support

/// A lead as an amplifier hands it on: in millivolts, without what its coupling keeps away, and with its gaps.
///
/// A stretch of invalid samples of at least `gapSeconds` is lost contact, in which the input is 0 V as in a drop-out;
/// over fewer the last value holds.
package struct Lead: Sendable {
  /// The shortest stretch that counts as lost contact: two samples of a device at 100 Hz.
  package static let gapSeconds = 0.02

  /// The lead's name.
  package let name: String
  /// Its place among the record's signals.
  package let index: Int
  /// The record's rate at the lead: its signal's own.
  package let sampleRateHz: Double
  /// The samples; in gaps the last value before.
  package let millivolts: [Float]
  /// The stretches without contact.
  package let gaps: [Range<Int>]
  /// The samples that were marked invalid.
  package let invalidCount: Int
  /// What was assumed of the lead, and what about it isn't plausible.
  package let notes: [FileNote]

  /// The samples at another rate, 0 V in gaps.
  ///
  /// - Throws: `FileError`, malformed, where the rates have no simple ratio.
  package func millivolts(atRateHz rateHz: Double) throws(FileError) -> [Float] {
    var result = try Resampler(from: sampleRateHz, to: rateHz)(millivolts)
    for gap in gaps {
      for sample in Self.moved(gap, by: rateHz / sampleRateHz, count: result.count) { result[sample] = 0 }
    }
    return result
  }

  /// A stretch at another rate, within a recording of `count` samples.
  package static func moved(_ gap: Range<Int>, by ratio: Double, count: Int) -> Range<Int> {
    func place(_ sample: Int) -> Int { Int(min((Double(sample) * ratio).rounded(), Double(count))) }
    return place(gap.lowerBound)..<place(gap.upperBound)
  }
}

extension Record {
  /// A lead of the record by the one rule for leads.
  ///
  /// - Parameters:
  ///   - wanted: A name or a number from 1; nil for MLII, II or the first.
  ///   - file: The record's file, for notes and errors.
  ///   - coupling: What of its offset comes through.
  /// - Returns: The lead.
  /// - Throws: `FileError`, malformed, where there is no such lead or it is no voltage.
  package func lead(
    _ wanted: String? = nil, file: String, coupling: Coupling = .automatic
  ) throws(FileError) -> Lead {
    do throws(FileError) {
      return try Lead(self, index: try leadIndex(wanted), file: file, coupling: coupling)
    } catch {
      var error = error
      error.file = file
      throw error
    }
  }
}

extension Lead {
  /// Takes a signal of a record.
  ///
  /// - Throws: `FileError`, malformed, where it is no voltage.
  package init(
    _ record: Record, index: Int, file: String, coupling: Coupling = .automatic
  ) throws(FileError) {
    let signal = record.signals[index]
    func note(_ text: String) -> FileNote { FileNote(file, at: "lead \(signal.name)", text) }
    var notes = record.notes + signal.notes
    let twins = record.signals.count { $0.name == signal.name }
    if twins > 1 { notes.append(note("\(twins) leads have this name; number \(index + 1) was taken")) }

    var millivolts = try signal.millivolts()
    let gaps = signal.invalidStretches(
      ofAtLeast: Int(min((Self.gapSeconds * signal.sampleRateHz).rounded(.up), 1e9)))
    let coupled = Self.coupled(millivolts, by: coupling, sampleRateHz: signal.sampleRateHz)
    millivolts = coupled.millivolts
    notes += coupled.note.map { [note($0)] } ?? []
    notes += Self.doubts(about: millivolts, sampleRateHz: signal.sampleRateHz).map(note)
    (name, self.index, sampleRateHz) = (signal.name, index, signal.sampleRateHz)
    (self.millivolts, self.gaps, self.notes) = (millivolts, gaps, notes)
    invalidCount = signal.invalidSampleCount
  }

  /// The least and greatest range of two seconds of an ECG, in millivolts.
  static let plausibleMillivolts: ClosedRange<Float> = 0.05...20

  /// What about a lead's amplitude isn't plausible, in words, by the ranges of its stretches of two seconds.
  private static func doubts(about millivolts: [Float], sampleRateHz: Double) -> [String] {
    let length = max(1, Int(min(2 * sampleRateHz, 1e9)))
    let ranges = stride(from: 0, to: millivolts.count, by: length).map { start -> Float in
      let stretch = millivolts[start..<min(start + length, millivolts.count)]
      return (stretch.max() ?? 0) - (stretch.min() ?? 0)
    }.sorted()
    guard !ranges.isEmpty else { return [] }
    let flat = ranges.count { $0 == 0 }
    let middle = ranges[ranges.count / 2]
    if 2 * flat >= ranges.count {
      return ["is a flat line for \(Numbers.percent(Double(flat) / Double(ranges.count))) of its time"]
    }
    if middle > plausibleMillivolts.upperBound || middle < plausibleMillivolts.lowerBound {
      return [
        "its waves are of about \(amplitude(middle)) mV, and an ECG's of 0.1 to 10 mV: are its unit and gain right?"
      ]
    }
    return []
  }

  /// A number with three digits at most that count.
  private static func amplitude(_ millivolts: Float) -> String {
    millivolts < 100
      ? String(format: "%.3g", Double(millivolts)) : Numbers.decimal(Double(millivolts), places: 0)
  }
}

extension Signal {
  /// The stretches of invalid samples, in order, that are long enough.
  func invalidStretches(ofAtLeast count: Int) -> [Range<Int>] {
    var stretches: [Range<Int>] = []
    var start: Int?
    for index in samples.indices {
      if samples[index] == Self.invalidSample {
        start = start ?? index
      } else if let first = start {
        stretches.append(first..<index)
        start = nil
      }
    }
    if let first = start { stretches.append(first..<samples.count) }
    return stretches.filter { $0.count >= count }
  }
}

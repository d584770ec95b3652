import Support

/// One lead's samples and their calibration.
@dynamicMemberLookup
package struct Signal: Sendable, Equatable {
  /// The value that stands for "no valid sample" in `samples`.
  ///
  /// Each WFDB format has a code of its own for it; all of them become this one.
  package static let invalidSample = Int32.min

  /// What the header says of the signal; its members are the signal's own: `signal.gain`.
  package var specification: SignalSpecification
  /// The signal's rate.
  package var sampleRateHz: Double
  /// The samples in ADC units; `invalidSample` where there is none.
  package var samples: [Int32]

  /// Creates a signal.
  package init(_ specification: SignalSpecification, sampleRateHz: Double, samples: [Int32]) {
    self.specification = specification
    self.sampleRateHz = sampleRateHz
    self.samples = samples
  }

  /// Reads or changes a member of the specification.
  package subscript<Value>(dynamicMember path: WritableKeyPath<SignalSpecification, Value>) -> Value {
    get { specification[keyPath: path] }
    set { specification[keyPath: path] = newValue }
  }

  /// The number of samples that are invalid.
  package var invalidSampleCount: Int {
    var count = 0
    for sample in samples where sample == Self.invalidSample { count += 1 }
    return count
  }

  /// Millivolts a physical unit, or nil where the unit is no voltage.
  package var millivoltsPerUnit: Double? { VoltageUnit.millivolts(per: specification.units) }

  /// The samples in millivolts.
  ///
  /// An invalid sample holds the last valid one before it; those before the first valid one take that
  /// one's value, and a signal without any valid sample is 0. `invalidSampleCount` tells how many there are.
  ///
  /// - Throws: `FileError`, malformed, where the unit is no voltage or the gain is next to nothing.
  package func millivolts() throws(FileError) -> [Float] {
    guard let unit = millivoltsPerUnit else {
      throw .malformed(
        specification.fileName, at: "signal \(specification.name)",
        "is in \(specification.units), not in volts",
        remedy: "choose an ECG lead, or correct the unit in the header")
    }
    let scale = unit / specification.gain
    // A megavolt a unit is beyond any amplifier, and all that is computed from it stays finite.
    guard scale.magnitude <= 1e9 else {
      throw .malformed(
        specification.fileName, at: "signal \(specification.name)",
        "has the impossible gain of \(specification.gain) units a \(specification.units)",
        remedy: "correct the gain in the header")
    }
    let (baseline, fraction) = (specification.baseline, specification.baselineFraction)
    var held = samples.first { $0 != Self.invalidSample } ?? Int32(clamping: baseline)
    return samples.map { sample in
      if sample != Self.invalidSample { held = sample }
      return Float((Double(Int(held) - baseline) - fraction) * scale)
    }
  }

  /// The samples in microvolts; see `millivolts()`.
  ///
  /// - Throws: `FileError`, malformed, where the unit is no voltage.
  package func microvolts() throws(FileError) -> [Float] {
    try millivolts().map { $0 * 1000 }
  }
}

/// An ECG recording: its signals and what is known of them.
package struct Record: Sendable, Equatable {
  /// The record's name.
  package var name: String
  /// The record's rate; a signal may have a multiple of it or, in EDF, any rate up to it.
  package var sampleRateHz: Double
  /// The samples of each signal at the record's rate.
  package var sampleCount: Int
  /// The signals, in the header's order.
  package var signals: [Signal]
  /// The counter's rate.
  package var counterFrequencyHz: Double
  /// The counter's value at sample 0.
  package var baseCounter: Double
  /// The time of day of sample 0, as in the header.
  package var baseTime: String?
  /// The date of sample 0, day/month/year, as in the header.
  package var baseDate: String?
  /// The header's comments.
  package var comments: [String]
  /// What was assumed or left out in reading; what concerns one signal alone is in its own `notes`.
  package var notes: [FileNote] = []

  /// Creates a record.
  package init(
    name: String, sampleRateHz: Double, sampleCount: Int, signals: [Signal], comments: [String] = []
  ) {
    self.name = name
    self.sampleRateHz = sampleRateHz
    self.sampleCount = sampleCount
    self.signals = signals
    self.counterFrequencyHz = sampleRateHz
    self.baseCounter = 0
    self.comments = comments
  }

  /// The record's length in seconds.
  package var durationSeconds: Double { Double(sampleCount) / sampleRateHz }
}

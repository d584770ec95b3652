import Support

/// A device's converter: microvolts in, signed counts out.
package struct AnalogConverter: Equatable, Sendable {
  /// The counts' width.
  package let bits: Int
  /// The microvolts that one count stands for.
  package let microvoltsPerCount: Float

  /// Creates a converter; `bits` in `2...16`, `microvoltsPerCount` above 0.
  package init(bits: Int, microvoltsPerCount: Float) {
    precondition((2...16).contains(bits) && microvoltsPerCount > 0, "no such converter")
    self.bits = bits
    self.microvoltsPerCount = microvoltsPerCount
  }

  /// Creates a converter from its range, from the lowest count to the highest; `bits` in `2...16`.
  package init(bits: Int, rangeMillivolts: Double) {
    self.init(bits: bits, microvoltsPerCount: Float(rangeMillivolts * 1000 / Double(1 << bits)))
  }

  /// The count nearest to a voltage, saturated; 0 where there is no voltage.
  package func count(ofMicrovolts microvolts: Float) -> Int16 {
    let count = (microvolts / microvoltsPerCount).rounded()
    guard !count.isNaN else { return 0 }
    let limit = Float(1 << (bits - 1))
    return Int16(min(max(count, -limit), limit - 1))
  }

  /// Whether a voltage lies beyond the counts.
  package func saturates(atMicrovolts microvolts: Float) -> Bool {
    let count = (microvolts / microvoltsPerCount).rounded()
    let limit = Float(1 << (bits - 1))
    return count < -limit || count > limit - 1
  }

  /// What there is to say where more of a lead saturates than its QRS complexes would; nil where less does.
  package func saturationNote(_ microvolts: [Float], file: String, lead: String) -> FileNote? {
    let share = Double(microvolts.count(where: saturates)) / Double(max(1, microvolts.count))
    guard share > 0.05 else { return nil }
    let limit = Numbers.decimal(Double(microvoltsPerCount) * Double(1 << (bits - 1)) / 1000, places: 1)
    return FileNote(
      file, at: "lead \(lead)",
      "\(Numbers.percent(share)) of it lie beyond the converter's \(limit) mV: are its unit and gain right?")
  }

  /// The signal as the device hears it: rounded to counts and saturated.
  package func heard(_ signal: LabelledSignal) -> LabelledSignal {
    signal.withLeads { $0.map { Float(count(ofMicrovolts: $0)) * microvoltsPerCount } }
  }

  /// A signal's counts, frame by frame: a sample of each of its leads.
  package func frames(of signal: LabelledSignal) -> [Int16] {
    guard !signal.furtherLeads.isEmpty else { return signal.microvolts.map(count) }
    let leads = [signal.microvolts] + signal.furtherLeads
    return signal.microvolts.indices.flatMap { index in leads.map { count(ofMicrovolts: $0[index]) } }
  }
}

import HostDevice

/// The beats of a lead, as the device's own detector finds them.
package enum BeatPlaces {
  /// Finds the beats' samples, in order.
  ///
  /// The detector learns for a second before it reports, so it first hears the start of the lead backwards; after
  /// the end it hears the end backwards, so that it reports the last beats too.
  ///
  /// - Parameters:
  ///   - millivolts: The lead.
  ///   - sampleRateHz: Its rate, from 100 to 1000 Hz.
  /// - Returns: The R peaks' samples; none where the rate is out of range.
  package static func detected(in millivolts: [Float], sampleRateHz: Double) -> [Int] {
    guard sampleRateHz >= 100, sampleRateHz <= 1000, millivolts.count > 1 else { return [] }
    // 2.5 uV a count: the detector needs 40 of a QRS complex, and 82 mV is more than any ECG has.
    let counts = millivolts.map { value in
      value.isFinite ? Int16(min(max((value * 400).rounded(), -32_768), 32_767)) : 0
    }
    let start = min(counts.count - 1, Int(3 * sampleRateHz))
    let end = min(counts.count - 1, Int(sampleRateHz))
    let heard =
      counts[1...start].reversed() + counts + counts[(counts.count - 1 - end)...].dropLast().reversed()
    let places = try? DetectedBeats.samples(in: heard, sampleRateHz: sampleRateHz)
    return places?.map { $0 - start }.filter(counts.indices.contains) ?? []
  }
}

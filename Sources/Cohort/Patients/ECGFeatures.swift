import ECG
import Foundation
import Support

/// What a cardiologist measures in an ECG, measured by machine; nil where it can't be.
///
/// Each value of a beat is the median over the record's beats.
package struct ECGFeatures: Equatable, Sendable, Codable {
  /// From the QRS complex's onset to its offset, in milliseconds.
  package var qrsDurationMs: Double?
  /// The complex's height from trough to peak in the lead, in millivolts.
  package var qrsHeightMillivolts: Double?
  /// The magnitude of the lead's integral over the complex, in microvolt seconds.
  package var qrsAreaMicrovoltSeconds: Double?
  /// The length of the heart's vector, by Kors's matrix, integrated over the complex; needs I, II and V1 to V6.
  package var vectorAreaMicrovoltSeconds: Double?
  /// Turns of the lead within the complex that don't reach the baseline, of at least 5 % of its height.
  package var notchCount: Double?
  /// The QRS axis in the frontal plane in degrees, from the areas in I and aVF; 0 is left and 90 down.
  package var axisDegrees: Double?
  /// The mean heart rate, beats a minute.
  package var heartRate: Double?
  /// The standard deviation of the normal intervals, in milliseconds.
  package var sdnnMs: Double?
  /// The root mean square of the differences of successive normal intervals, in milliseconds.
  package var rmssdMs: Double?
  /// The share of successive normal intervals that differ by more than 50 ms.
  package var pnn50: Double?

  /// Creates features of which none could be measured.
  package init() {}

  /// The features' names in files, in order.
  package static let names = columns.map(\.name)

  /// The features' values, in the names' order.
  package var values: [Double?] { Self.columns.map { self[keyPath: $0.path] } }

  private static let columns: [(name: String, path: WritableKeyPath<ECGFeatures, Double?> & Sendable)] = [
    ("ecg_qrsd_ms", \.qrsDurationMs), ("ecg_qrs_height_mv", \.qrsHeightMillivolts),
    ("ecg_qrs_area_uvs", \.qrsAreaMicrovoltSeconds),
    ("ecg_vector_area_uvs", \.vectorAreaMicrovoltSeconds), ("ecg_notches", \.notchCount),
    ("ecg_axis_deg", \.axisDegrees), ("ecg_heart_rate", \.heartRate), ("ecg_sdnn_ms", \.sdnnMs),
    ("ecg_rmssd_ms", \.rmssdMs), ("ecg_pnn50", \.pnn50),
  ]

  /// The mean of several records of one patient, each feature over those that have it.
  package static func mean(_ records: [ECGFeatures]) -> ECGFeatures {
    var result = ECGFeatures()
    for (_, path) in columns {
      let values = records.compactMap { $0[keyPath: path] }
      if !values.isEmpty { result[keyPath: path] = values.reduce(0, +) / Double(values.count) }
    }
    return result
  }
}

extension ECGFeatures {
  /// Kors's regression of the heart's vector (left, foot, back) from I, II and V1 to V6.
  ///
  /// J. A. Kors and others, Eur. Heart J. 11 (1990) 1083.
  private static let kors: [(lead: String, weights: SIMD3<Double>)] = [
    ("I", [0.38, -0.07, 0.11]), ("II", [-0.07, 0.93, -0.23]), ("V1", [-0.13, 0.06, -0.43]),
    ("V2", [0.05, -0.02, -0.06]), ("V3", [-0.01, -0.05, -0.14]), ("V4", [0.14, 0.06, -0.20]),
    ("V5", [0.06, -0.17, -0.11]), ("V6", [0.54, 0.13, 0.31]),
  ]

  /// How near to lost contact a complex can't be measured, and what is found may be none.
  private static let clearanceSeconds = 0.3

  /// Measures a record; see `measured(_:usesAllLeads:)`.
  ///
  /// - Throws: `FileError`, malformed, where the lead is no voltage or its rate is below 100 Hz.
  package init(_ recording: CohortRecording, usesAllLeads: Bool) throws(FileError) {
    self = try Self.measured(recording, usesAllLeads: usesAllLeads).features
  }

  /// Measures a record, but for the beats next to lost contact.
  ///
  /// - Parameters:
  ///   - recording: The record, whose leads must have one rate for the boundaries and the vector to use them, and the
  ///     lead that beats are found in, and that the lead's features are of.
  ///   - usesAllLeads: Whether other leads count too: for the boundaries, the axis and the vector. One that is without
  ///     contact for half of the time doesn't.
  /// - Returns: The features, and what there is to say of the lead.
  /// - Throws: `FileError`, malformed, where the lead is no voltage or its rate is below 100 Hz.
  static func measured(
    _ recording: CohortRecording, usesAllLeads: Bool
  ) throws(FileError) -> (features: ECGFeatures, notes: [FileNote]) {
    let (record, lead) = (recording.record, try recording.lead())
    guard lead.sampleRateHz >= 100, lead.sampleRateHz <= 100_000 else {
      throw .malformed(
        recording.file, "has a rate of \(lead.sampleRateHz) Hz, too low for the boundaries of a QRS complex",
        remedy: "use a record of 100 Hz or more")
    }
    // The detector's range ends at 1000 Hz.
    let rate = min(lead.sampleRateHz, 1000)
    func millivolts(_ lead: Lead) throws(FileError) -> [Float] {
      rate == lead.sampleRateHz ? lead.millivolts : try lead.millivolts(atRateHz: rate)
    }
    let own = try millivolts(lead)
    var named: [String: [Float]] = [:]
    var gaps = lead.gaps
    if usesAllLeads {
      for (index, signal) in record.signals.enumerated()
      where signal.sampleRateHz == lead.sampleRateHz && signal.millivoltsPerUnit != nil {
        let other = try Lead(record, index: index, file: recording.file)
        guard 2 * other.gaps.reduce(0, { $0 + $1.count }) < signal.samples.count else { continue }
        named[signal.name.lowercased()] = try millivolts(other)
        gaps += other.gaps
      }
    }
    gaps = gaps.map { Lead.moved($0, by: rate / lead.sampleRateHz, count: own.count) }
    let clearance = Int(clearanceSeconds * rate)
    let found = BeatPlaces.detected(in: own, sampleRateHz: rate)
    let beats = found.filter { beat in
      !gaps.contains { $0.overlaps(beat - clearance..<beat + clearance) }
    }
    var features = ECGFeatures()
    features.measureRhythm(beats, gaps: gaps, sampleRateHz: rate)
    let others = named.filter { $0.key != lead.name.lowercased() }.sorted { $0.key < $1.key }.map(\.value)
    let delineator = QRSDelineator(sampleRateHz: rate)
    let boundaries = delineator.delineate([own] + others, beats: beats).compactMap(\.self)
    features.measureComplexes(own, named, boundaries, sampleRateHz: rate)
    let note = recording.note(
      leftOut: found.count - beats.count, of: found.count, lead: lead, "next to lost contact")
    return (features, lead.notes + (note.map { [$0] } ?? []))
  }

  private mutating func measureRhythm(_ beats: [Int], gaps: [Range<Int>], sampleRateHz: Double) {
    // How many beats there were in a gap isn't known.
    let intervals = zip(beats, beats.dropFirst()).map { first, next in
      gaps.contains { $0.overlaps(first..<next) } ? nil : Double(next - first) / sampleRateHz * 1000
    }
    let known = intervals.compactMap(\.self)
    guard let usual = known.median else { return }
    heartRate = 60_000 * Double(known.count) / known.reduce(0, +)
    // An interval far from the median ends or starts at an ectopic or a missed beat.
    let normalIntervals = intervals.map { $0.flatMap { abs($0 - usual) <= 0.2 * usual ? $0 : nil } }
    let normal = normalIntervals.compactMap(\.self)
    if normal.count > 1 {
      let mean = normal.reduce(0, +) / Double(normal.count)
      let squares = normal.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      sdnnMs = (squares / Double(normal.count - 1)).squareRoot()
    }
    let steps = zip(normalIntervals.dropFirst(), normalIntervals).compactMap { next, interval in
      next.flatMap { next in interval.map { abs(next - $0) } }
    }
    if !steps.isEmpty {
      rmssdMs = (steps.reduce(0) { $0 + $1 * $1 } / Double(steps.count)).squareRoot()
      pnn50 = Double(steps.count { $0 > 50 }) / Double(steps.count)
    }
  }

  private mutating func measureComplexes(
    _ lead: [Float], _ named: [String: [Float]], _ boundaries: [QRSBoundaries], sampleRateHz: Double
  ) {
    guard !boundaries.isEmpty else { return }
    let complexes = boundaries.map { Complex(lead, $0, sampleRateHz: sampleRateHz) }
    qrsDurationMs = boundaries.map { Double($0.offset - $0.onset) / sampleRateHz * 1000 }.median
    qrsHeightMillivolts = complexes.map(\.height).median
    qrsAreaMicrovoltSeconds = complexes.map { abs($0.area) }.median
    notchCount = complexes.map { Double($0.notchCount) }.median

    func areas(_ name: String) -> [Double]? {
      named[name.lowercased()].map { lead in
        boundaries.map { Complex(lead, $0, sampleRateHz: sampleRateHz).area }
      }
    }
    if let left = areas("I").flatMap(\.median), let down = areas("aVF").flatMap(\.median),
      left != 0 || down != 0
    {
      axisDegrees = atan2(down, left) * 180 / .pi
    }
    var vectors = [SIMD3<Double>](repeating: .zero, count: boundaries.count)
    for (name, weights) in Self.kors {
      guard let areas = areas(name) else { return }
      for (index, area) in areas.enumerated() { vectors[index] += area * weights }
    }
    vectorAreaMicrovoltSeconds = vectors.map { ($0 * $0).sum().squareRoot() }.median
  }
}

/// A QRS complex in one lead, above the level just before it.
private struct Complex {
  /// From trough to peak, in millivolts.
  let height: Double
  /// The integral, in microvolt seconds.
  let area: Double
  let notchCount: Int

  init(_ lead: [Float], _ boundaries: QRSBoundaries, sampleRateHz: Double) {
    // The level of the 20 ms before the onset, where the heart is at rest between atria and ventricles.
    let rest = max(0, boundaries.onset - max(1, Int(0.02 * sampleRateHz)))...boundaries.onset
    let level = rest.reduce(0) { $0 + Double(lead[$1]) } / Double(rest.count)
    let values = (boundaries.onset..<max(boundaries.offset, boundaries.onset + 1)).map {
      Double(lead[$0]) - level
    }
    height = (values.max() ?? 0) - (values.min() ?? 0)
    area = values.reduce(0, +) / sampleRateHz * 1000
    notchCount = Self.notches(values, smallest: max(0.05 * height, 0.03), sampleRateHz: sampleRateHz)
  }

  /// Counts turns of at least a height that don't reach the baseline: troughs above it, peaks below it.
  private static func notches(_ raw: [Double], smallest: Double, sampleRateHz: Double) -> Int {
    let length = max(1, Int((0.006 * sampleRateHz).rounded()))
    let values = raw.indices.map { index in
      let window = raw[max(0, index - length / 2)...min(raw.count - 1, index + length / 2)]
      return window.reduce(0, +) / Double(window.count)
    }
    guard var extreme = values.first else { return 0 }
    var count = 0
    var direction = 0
    for value in values {
      if direction >= 0, value > extreme { extreme = value }
      if direction <= 0, value < extreme { extreme = value }
      guard abs(value - extreme) >= smallest || direction == 0 else { continue }
      if direction == 0 {
        if abs(value - values[0]) >= smallest {
          direction = value > values[0] ? 1 : -1
          extreme = value
        }
      } else {
        // A peak was passed, or a trough.
        if direction > 0 ? extreme < 0 : extreme > 0 { count += 1 }
        direction = -direction
        extreme = value
      }
    }
    return count
  }
}

extension PatientCohort {
  /// Each patient's ECG features: the mean over the records.
  ///
  /// - Parameters:
  ///   - usesAllLeads: Whether leads beside the manifest's count; see `ECGFeatures`.
  ///   - threads: The number of threads.
  ///   - progress: Told after each patient.
  /// - Returns: The features, in the patients' order, and what there is to say of the records' leads.
  /// - Throws: `FileError`, where a record is missing or wrong.
  package func ecgFeatures(
    usesAllLeads: Bool, threads: Int = 1, progress: @escaping ProgressHandler = { _ in }
  ) throws(FileError) -> (features: [ECGFeatures], notes: [FileNote]) {
    let all = try patients.concurrentMap(threads: threads, progress: progress) { patient throws(FileError) in
      try patient.records.map { record throws(FileError) in
        try ECGFeatures.measured(try load(record), usesAllLeads: usesAllLeads)
      }
    }
    return (all.map { .mean($0.map(\.features)) }, all.flatMap { $0.flatMap(\.notes) })
  }
}

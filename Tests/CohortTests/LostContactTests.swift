import Cohort
import ECG
import Foundation
import Networks
import Support
import Testing
import TestSupport

/// Outside truth: the same record whole, which says what its beats would have been.
@Suite struct LostContactTests {
  private static let gap = 2200..<3000

  /// A manifest of a computed patient of 60 to 100 beats a minute, whole and with 1.6 s without contact.
  private func manifests() throws -> (folder: TemporaryFolder, whole: String, broken: String) {
    let folder = try TemporaryFolder()
    let cohort = SyntheticCohort(patientCount: 2, arm: .published, seed: 3)
    let record = cohort.record(of: 0)
    try cohort.record(of: 1).write(folder("other"))
    try record.write(folder("whole"))
    var broken = record
    for index in broken.signals.indices {
      for sample in Self.gap { broken.signals[index].samples[sample] = Signal.invalidSample }
    }
    try broken.write(folder("broken"))
    for name in ["whole", "broken"] {
      try folder.put(name + ".csv", "patient,record,lead,label\np,\(name),V6,1\nq,other,I,0\n")
    }
    return (folder, folder("whole.csv"), folder("broken.csv"))
  }

  @Test func aNetworkLearnsFromNoBeatWithoutContact() throws {
    let (folder, whole, broken) = try manifests()
    defer { withExtendedLifetime(folder) {} }
    let window = try Checkpoint.read(beatsFile).window
    let view = TransferCohort.View(window: window, converter: converter, beatsPerPatient: 100)
    let right = try TransferCohort.read(PatientCohort(manifest: whole), view: view)
    let found = try TransferCohort.read(PatientCohort(manifest: broken), view: view)
    #expect(!right.notes.contains { $0.text.contains("left out") })
    #expect(found.notes.contains { $0.text.contains("left out, as a device has no result at them") })
    // The window's columns at its rate, and the gap's samples at it.
    let rate = window.settings.sampleRateHz
    let gap = Int(Double(Self.gap.lowerBound) * rate / 500)..<Int(Double(Self.gap.upperBound) * rate / 500)
    let signal = found.signals[0][0]
    for beat in signal.beats {
      let columns = try #require(window.columns(ofBeatAt: beat.sample, inRecordOf: signal.microvolts.count))
      let last = window.settings.lastSample(ofColumn: columns.upperBound - 1)
      // A device knows after a while that a line is flat, and then has no result until a window is full again.
      let lost = gap.clamped(to: last + 1 - window.sampleCount..<last + 1)
      #expect(Double(lost.count) < rate / 2, "beat at \(beat.sample)")
    }
    #expect(found.beatCounts[0] > 0 && found.beatCounts[0] < right.beatCounts[0])
    #expect(found.beatCounts[1] == right.beatCounts[1])
  }

  @Test func anECGIsMeasuredWithoutItsGaps() throws {
    let (folder, whole, broken) = try manifests()
    defer { withExtendedLifetime(folder) {} }
    let right = try PatientCohort(manifest: whole).ecgFeatures(usesAllLeads: true)
    let found = try PatientCohort(manifest: broken).ecgFeatures(usesAllLeads: true)
    #expect(!right.notes.contains { $0.text.contains("left out") })
    func close(_ path: KeyPath<ECGFeatures, Double?>, _ part: Double) throws -> Bool {
      let (a, b) = (
        try #require(right.features[0][keyPath: path]), try #require(found.features[0][keyPath: path])
      )
      return abs(a - b) <= part * abs(a)
    }
    // Two of about ten beats fewer; the interval across the gap, of two or three beats, counts for none.
    #expect(try close(\.heartRate, 0.03))
    #expect(try close(\.qrsDurationMs, 0.05))
    #expect(try close(\.qrsAreaMicrovoltSeconds, 0.1))
    #expect(try close(\.vectorAreaMicrovoltSeconds, 0.1))
    #expect(found.features[1] == right.features[1])
  }
}

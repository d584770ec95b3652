import Cohort
import Evaluation
import Foundation
import Quantization
import Support
import TestSupport
import Testing
import Training
import Transfer

/// Outside truth: the cohort's own oracle, and what the same weights must give on both paths.
@Suite struct TransferTests {
  private static let checkpoint = ProjectFiles.path("Models/ecg-beats-intra/ecg-beats-intra.safetensors")

  private func cohort(_ count: Int, arm: SyntheticArm = .published, seed: UInt64) throws -> TransferCohort {
    let source = try Checkpoint.read(Self.checkpoint)
    return try TransferCohort(
      SyntheticCohort(patientCount: count, arm: arm, seed: seed), lead: "V6",
      view: .init(
        window: source.window, converter: AnalogConverter(bits: 12, rangeMillivolts: 10), beatsPerPatient: 8),
      threads: 2)
  }
}

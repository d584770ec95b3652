import ECG
import HostDevice
import ModelFiles
import Tasks
import Testing
import TestSupport

/// The shipped device's decisions about beats that are given to it.
@Suite struct FixedPointDecisionTests {
  /// The shipped record's first minute with a beat each second, the lead off from 20 to 30 s.
  private func signal(rateHz: Double) throws -> LabelledSignal {
    let lead = try Record.load(ProjectFiles.record).signals[0]
    var microvolts = try lead.millivolts(atRateHz: rateHz).prefix(Int(60 * rateHz)).map { $0 * 1000 }
    for index in Int(20 * rateHz)..<Int(30 * rateHz) { microvolts[index] = 0 }
    return LabelledSignal(
      record: "off", lead: lead.name, microvolts: microvolts,
      beats: (0..<60).map { .init(sample: Int(Double($0) * rateHz), classIndex: 0) })
  }

  @Test func aBeatWithoutAResultIsNoDecisionUnlessAskedFor() throws {
    let decisions = try FixedPointDecisions(try LoadedModel(file: ProjectFiles.model))
    let rateHz = decisions.window.settings.sampleRateHz
    let signal = try signal(rateHz: rateHz)
    let seconds = try decisions.decisions(about: signal).map { Int(Double($0.sample) / rateHz) }
    let all = try decisions.decisions(about: signal, includesSilent: true)
      .map { Int(Double($0.sample) / rateHz) }
    // While the lead is off no beat has a result; before it, and long after, each has one.
    #expect(Set(seconds).isDisjoint(with: 21...29))
    #expect(Set(5...18).isSubset(of: seconds) && Set(36...57).isSubset(of: seconds))
    #expect(Set(5...57).isSubset(of: all))
  }
}

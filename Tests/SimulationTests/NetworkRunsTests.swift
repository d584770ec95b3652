import HostDevice
import ModelFiles
import QuantInfer
import Simulation
import Testing
import TestSupport

/// When a network of beats ran, beside the device's own word.
@Suite struct NetworkRunsTests {
  private static let implant = ProjectFiles.path("Models/ecg-beats-implant/ecg-beats-implant.qinf")

  // claim: asked
  @Test func whatIsToldAsAskedIsWhatTheDeviceAsked() throws {
    let run = try StreamRun.run(.init(model: Self.implant, record: ProjectFiles.record))
    let loaded = try LoadedModel(file: Self.implant)
    var device = try RunningDevice(
      loaded,
      Monitor.Options(
        .detectedBeats, announcing: Announcing(), of: loaded, converter: run.acquisition.profile.converter),
      .detectedBeats)
    var recalled: [Bool] = []
    device.run(run.acquisition.samples) { _, decision, _ in
      if decision.hasLogits { recalled.append(decision.isRecalled) }
    }
    #expect(recalled == run.decisions.map { $0.asked == nil })
    #expect(recalled.contains(true) && recalled.contains(false))
    let network = try #require(run.result.network)
    #expect(network.saver == .memory && network.decisions == recalled.count)
    #expect(network.asked == recalled.count { !$0 } && network.reasons.values.reduce(0, +) == network.asked)
    #expect(network.reasons["learning"] == 9 && network.reasons["first"] == 8)
  }
}

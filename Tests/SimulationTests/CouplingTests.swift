import ECG
import Foundation
import HostDevice
import ModelFiles
import Networks
import Simulation
import Support
import Tasks
import Testing
import TestSupport

/// One coupling in training, calibration, evaluation and streaming.
@Suite struct CouplingTests {
  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"), arguments: [0.05, 0.5, 0])
  func evaluationHearsTheCountsThatTheDeviceDoes(hertz: Double) throws {
    let path = Databases.path("mitdb/208")
    let signal = try LabelledSignal.read(
      "208", folder: Databases.path("mitdb"), lead: nil,
      coupling: Coupling(setting: hertz), task: .aami, sampleRateHz: 128)
    var disturbances = Disturbances()
    disturbances.couplingHz = hertz
    let acquisition = try Acquisition(
      Record.read(path), lead: nil, sampleRateHz: 128, profile: .reference, file: path,
      disturbances: disturbances)
    let converter = DeviceProfile.reference.converter
    #expect(signal.microvolts.map(converter.count) == acquisition.samples)
    #expect(acquisition.samples.count > 30_000)
  }

  @Test func aNetworksCouplingGoesFromItsCheckpointToItsImageAndItsStream() throws {
    let folder = try TemporaryFolder()
    var checkpoint = try Checkpoint.read(ProjectFiles.checkpoint)
    #expect(checkpoint.settings.couplingHz == nil)
    checkpoint.settings.couplingHz = 0.5
    try checkpoint.write(to: folder("c.safetensors"))
    #expect(try Checkpoint.read(folder("c.safetensors")) == checkpoint)

    let loaded = try LoadedModel(file: ProjectFiles.model)
    #expect(loaded.couplingHz == nil && !loaded.isTwin(of: checkpoint))
    var image = Provenance(checkpoint, converter: DeviceProfile.reference.converter)
    #expect(image[.couplingHz] == "0.5")
    checkpoint.settings.couplingHz = nil
    image = Provenance(checkpoint, converter: DeviceProfile.reference.converter)
    #expect(image[.couplingHz] == nil && loaded.isTwin(of: checkpoint))
  }

  @Test(arguments: [-1.0, 30, .nan]) func anImpossibleCornerIsNoCheckpoints(hertz: Double) {
    var settings = SpectrogramSettings()
    settings.couplingHz = hertz
    #expect(settings.problem?.contains("the coupling's corner") == true)
  }
}

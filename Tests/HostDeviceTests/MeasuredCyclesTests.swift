import Foundation
import HostDevice
import ModelFiles
import Support
import TestSupport
import Testing

/// A profile of what a board counted.
@Suite struct MeasuredCyclesTests {
  /// What a board took that differs from the profile in each of the three.
  private func results(
    unit: String = "cycles", checksum: String? = nil, perColumn: String = "21500"
  ) throws -> String {
    let model = try LoadedModel(file: ProjectFiles.model)
    return """
      {"modelChecksum": "\(checksum ?? String(format: "%08x", model.checksum))", "other": 1,
      "target": {"address": "tty:/dev/board@115200", "board": {"name": "nucleo"}, "samples": 38400,
      "ticks": {"unit": "\(unit)", "perSample": 500, "perColumn": \(perColumn), "perDecision": 9000}}}
      """
  }

  @Test func theVerdictThenTakesWhatTheBoardTook() throws {
    let folder = try TemporaryFolder()
    let file = try folder.put("run.json", try results())
    let base = try DeviceProfile.load("reference")
    let measured = try DeviceProfile(
      DeviceProfile.measured("reference", results: file, model: ProjectFiles.model), file: "measured")
    let verdict = try #require(
      Feasibility(
        LoadedModel(file: ProjectFiles.model), on: measured, schedule: .detectedBeats(perSecond: 1)))
    let tasks = try #require(verdict.modes.first).tasks
    let wake = DeviceProfile.Processor.usualCyclesPerWake
    // Each figure has three digits.
    for (task, cycles) in [("sample", 500 + wake.value), ("column", 21_000), ("decision", 9000)] {
      let found = try #require(tasks.first { $0.name == task }).meanCycles.value
      #expect(abs(found / cycles - 1) < 0.01, "\(task): \(found)")
    }
    #expect(measured.name == "reference-measured" && measured.converterBits == base.converterBits)
    let figure = try #require(measured.processor).cyclesPerMAC.convolution
    #expect(figure.source.contains("measured on nucleo in the mean of 38,400 samples"))
    #expect(abs(figure.estimate.low / figure.value - 0.9) < 0.01)
    #expect(abs(figure.estimate.high / figure.value - 1.1) < 0.01)
  }

  @Test func whatIsNoBoardsCyclesIsRefused() throws {
    let folder = try TemporaryFolder()
    let cases = [
      (try results(unit: "instructions"), "target.ticks: counts instructions of an emulated board"),
      (try results(checksum: "00000000"), "is another model than the board ran"),
      (try results(perColumn: "400"), "target.ticks: has no sample, no column or no decision"),
      (try results(perColumn: "null"), "target.ticks: has no sample, no column or no decision"),
      (#"{"modelChecksum": "0"}"#, "has no run of a board"),
      ("[", "is not JSON that can be read"),
    ]
    for (text, reason) in cases {
      let file = try folder.put("run.json", text)
      let error = #expect(throws: FileError.self) {
        try DeviceProfile.measured("reference", results: file, model: ProjectFiles.model)
      }
      #expect("\(try #require(error))".contains(reason), "\(String(describing: error))")
    }
  }
}

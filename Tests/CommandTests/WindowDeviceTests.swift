import ECG
import Foundation
import Support
import Testing
import TestSupport

/// What the commands make of a device that decides by the clock: the shipped `vtvf`, every second.
@Suite struct WindowDeviceTests {
  private static let model = ProjectFiles.path("Models/vtvf/vtvf.qinf")
  private static let checkpoint = ProjectFiles.path("Models/vtvf/vtvf.safetensors")
  private let device = Command("device-sim")

  private func stream(_ arguments: String...) throws -> Command.Result {
    try device.run(
      ["stream", "--model", Self.model, "--record", ProjectFiles.record, "--quiet"] + arguments)
  }

  @Test func whatIsAboutBeatsIsRefusedWithTheOptionToLeaveOut() throws {
    let remedy = "leave out --decide, --sensed and --heart-rate: its task decides by the clock"
    expectError(try stream("--decide", "beats"), status: 65, containing: remedy)
    expectError(
      try stream("--decide", "annotations"), status: 66,
      containing: "leave out --decide: its task decides by the clock")
    expectError(
      try device("verdict", "--model", Self.model, "--heart-rate", "70"), status: 65, containing: remedy)
    expectError(
      try device("verdict", "--model", Self.model, "--network-share", "0.1"), status: 65,
      containing: "takes no beats as its input, and is asked at every decision; leave out --network-share")
    // The remedies work.
    #expect(try stream("--json", "-").status == 0)
    #expect(try device("verdict", "--model", Self.model, "--profile", "pacemaker").status == 0)
  }

  @Test func aPaceThatTheStridesCantKeepIsRefusedInFaultsToo() throws {
    let remedy = "can decide anew every 25 columns only, not every 7; give --every a multiple of 25"
    expectError(try stream("--every", "7"), status: 65, containing: remedy)
    expectError(
      try device(
        "faults", "--model", Self.model, "--record", ProjectFiles.record, "--kinds", "weights", "--trials",
        "1", "--every", "7"), status: 65, containing: remedy)
  }

  @Test func decisionsAreWrittenAsRhythmsNotAsBeats() throws {
    let folder = try TemporaryFolder()
    // A sine of 4.5 Hz, as flutter looks, in the midst of beats.
    var samples = try ECG.Record.read(ProjectFiles.record).signals[0].millivolts(atRateHz: 360).prefix(14_400)
    for index in 5400..<9720 { samples[index] = Float(sin(2 * .pi * 4.5 * Double(index) / 360)) }
    try Files.write(
      "II (mV)\n" + samples.map { Numbers.decimal(Double($0), places: 4) }.joined(separator: "\n") + "\n",
      to: folder("flutter.csv"))
    let run = try device(
      "stream", "--model", Self.model, "--record", folder("flutter.csv"), "--sample-rate", "360",
      "--annotations", folder("out"), "--json", "-", "--quiet")
    let decisions = try #require(try run.json()["decisionList"] as? [[String: Any]])
    let announced = decisions.compactMap { $0["announced"] as? String }
    let labels = try Annotations.read(folder("out/flutter.csv"), annotator: "qinf", sampleRateHz: 360).all
    #expect(labels.allSatisfy { $0.code == .rhythmChange })
    // One at each change, each at the decision that announced it.
    let changes = announced.indices.filter { $0 == 0 || announced[$0] != announced[$0 - 1] }
    #expect(changes.map { announced[$0] } == ["rest", "vtvf", "rest"])
    #expect(labels.map(\.text) == changes.map { "(\(announced[$0])" })
    let seconds = try changes.map { try #require(decisions[$0]["timeSeconds"] as? Double) }
    for (label, moment) in zip(labels, seconds) { #expect(abs(Double(label.sample) / 360 - moment) < 0.02) }
  }

  @Test func anExplainedWindowIsAboutNoBeat() throws {
    let explained = try Command("exporter")(
      "explain", Self.model, "--float", Self.checkpoint, "--record", ProjectFiles.record, "--at", "60",
      "--quiet")
    #expect(explained.status == 0, "\(explained.errors)")
    #expect(explained.output.contains("the decision at 60."))
    #expect(!explained.output.contains("beat"), "\(explained.output)")
  }

  @Test func sleepIsWarnedOfInTheWordsOfRhythms() throws {
    let run = try stream("--wake-rr", "20")
    #expect(run.errors.contains("sleep through every rhythm that is regular, a steady tachycardia too"))
    #expect(!run.errors.contains("a network of beats"))
  }

  @Test func aRecordWithRhythmsAloneHasItsQRSComplexesFound() throws {
    let folder = try TemporaryFolder()
    for suffix in ["hea", "dat"] {
      try FileManager.default.copyItem(
        atPath: ProjectFiles.record + "." + suffix, toPath: folder("mitdb-208." + suffix))
    }
    func amplitude(_ record: String) throws -> Double {
      let run = try device(
        "stream", "--model", Self.model, "--record", record, "--noise", "emg", "--snr", "12", "--json", "-",
        "--quiet")
      let front = try #require(try run.json()["disturbances"] as? [String: Any], "\(run.errors)")
      return try #require(front["qrsMillivolts"] as? Double)
    }
    let found = try amplitude(folder("mitdb-208"))
    // A rhythm's label names no complex; without it all of them are found too.
    try Annotations(
      [Annotation(sample: 0, code: .rhythmChange, auxiliary: Array("(N".utf8) + [0])], sampleRateHz: 360
    ).write(folder("mitdb-208"))
    #expect(try amplitude(folder("mitdb-208")) == found)
    // MIT-BIH 208's complexes in MLII are 1 to 3 mV high.
    #expect((0.5...4).contains(found))
  }
}

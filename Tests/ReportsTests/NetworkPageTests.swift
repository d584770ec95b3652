import ECG
import Foundation
import HostDevice
import Reports
import Simulation
import Support
import Testing
import TestSupport

/// When the network ran and why, on the page and in the JSON, beside the device's own word.
@Suite struct NetworkPageTests {
  /// The shipped record, whose every fifth found beat an expert calls V.
  private func run(_ model: String, wakePercent: Int = 0) throws -> StreamRun {
    let folder = try TemporaryFolder()
    for ending in ["hea", "dat"] {
      try Files.write(try Files.read(ProjectFiles.record + "." + ending), to: folder("mitdb-208.\(ending)"))
    }
    var options = StreamRun.Options(model: model, record: ProjectFiles.record)
    let found = try StreamRun.run(options).decisions.compactMap(\.beatSample)
    let beats = found.enumerated().map { index, sample in
      Annotation(
        sample: Int((Double(sample) * 360 / 128).rounded()),
        code: index % 5 == 0 ? .prematureVentricular : .normal)
    }
    try Files.write(
      try Annotations(beats, sampleRateHz: 360).encoded(file: "atr"), to: folder("mitdb-208.atr"))
    options.record = folder("mitdb-208")
    options.announcing.wakePercent = wakePercent
    return try StreamRun.run(options)
  }

  private static let implant = ProjectFiles.path("Models/ecg-beats-implant/ecg-beats-implant.qinf")

  @Test func theBeatsThatItNeverLookedAtAreListedWorstFirst() throws {
    let run = try run(Self.implant)
    let unseen = run.result.decisionList.filter { $0.annotated == "V" && $0.asked == nil }
    let all = run.result.decisionList.count { $0.annotated == "V" }
    let wrong = unseen.count { $0.fixed != "V" }
    #expect(unseen.count > 3 && unseen.count < all && wrong > 0)
    let critical = try #require(run.result.network?.criticalClasses?.first { $0.name == "V" })
    #expect(
      critical.name == "V" && critical.beats == all && critical.unseen == unseen.count
        && critical.missed == wrong)
    let page = run.page()
    let counts = try table("Annotated beats that the network never looked at", in: page)
    #expect(counts.count == 2 && Array(counts[1].prefix(3)) == ["V", "\(all)", "\(unseen.count)"])
    #expect(counts[1].last == "\(wrong)")
    let listed = try table("V beats that the network never looked at", in: page)
    #expect(listed.count == min(40, unseen.count))
    let margins = try listed.map { try #require(Double($0[3])) - (try #require(Double($0[4]))) }
    #expect(margins == margins.sorted(by: >) && Set(margins).count > 1)
    let reasons = try table("Why the network ran", in: page)
    let told = try reasons.map { try #require(Int($0[1].replacing(",", with: ""))) }
    #expect(told.dropLast().reduce(0, +) == told.last && told.last == run.result.network?.asked)
    #expect(page.contains(">unseen V<") && page.contains(">learning<"))
    #expect(
      run.summary.contains {
        $0.label == "network" && $0.cells[0].contains("V \(unseen.count) of \(all) (\(wrong) given")
      })
  }

  // claim: asked
  @Test func aSleepingNetworkTellsWhyItWoke() throws {
    let run = try run(ProjectFiles.model, wakePercent: 10)
    let network = try #require(run.result.network)
    let sleep = try #require(run.result.announcements.sleep)
    #expect(network.saver == .sleep && network.asked == sleep.awakeDecisions)
    #expect(Set(network.reasons.keys).isSubset(of: ["learning", "interval", "silence"]))
    #expect((network.reasons["interval"] ?? 0) > 0 && network.asked < network.decisions)
    let critical = try #require(network.criticalClasses?.first { $0.name == "V" })
    #expect(critical.unseen == run.result.accuracy?.asleep["V"] && critical.missed == critical.unseen)
    #expect(try table("Annotated beats that the network", in: run.page()).count == 2)
  }

  @Test func aNetworkThatRunsAtEveryBeatHasNoSuchSection() throws {
    let run = try StreamRun.run(.init(model: ProjectFiles.model, record: ProjectFiles.record))
    #expect(run.result.network == nil && !run.page().contains("When the network ran"))
    #expect(run.decisions.allSatisfy { $0.asked == nil })
  }
}

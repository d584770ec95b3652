import Foundation
import Testing
import TestSupport

/// `device-sim stream` with announcements, through its executable.
@Suite struct AnnouncementCommandTests {
  private func stream(_ arguments: String...) throws -> Command.Result {
    try Command("device-sim").run(
      ["stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--quiet"] + arguments)
  }

  private func decisions(_ json: [String: Any]) throws -> Data {
    try JSONSerialization.data(withJSONObject: try #require(json["decisionList"]), options: .sortedKeys)
  }

  @Test func theTimeWithoutAResultAddsUp() throws {
    let json = try stream("--lead-off", "60:10", "--min-margin", "8", "--json", "-").json()
    let announcements = try #require(json["announcements"] as? [String: Any])
    let reasons = try #require(announcements["noResult"] as? [String: [String: Double]])
    let seconds = reasons.values.compactMap { $0["seconds"] }.reduce(0, +)
    #expect(abs(seconds - (try #require(announcements["noResultSeconds"] as? Double))) < 1e-6)
    let silent = reasons.values.compactMap { $0["decisions"] }.reduce(0, +)
    let results = try #require(announcements["results"] as? Double)
    #expect(results + silent == json["decisions"] as? Double)
    for reason in ["saturation", "refilling", "lowMargin", "windowNotFull"] {
      #expect(try #require(reasons[reason]?["seconds"]) > 1, "\(reason)")
    }
  }

  @Test func intervalsMoveBothTwinsAlike() throws {
    let plain = try stream("--float", ProjectFiles.checkpoint, "--json", "-").json()
    let moved = try stream("--float", ProjectFiles.checkpoint, "--rhythm", "--json", "-").json()
    let agreement = try #require(moved["agreement"] as? [String: Any])
    #expect(try #require(agreement["top1"] as? Double) > 0.99)
    #expect(try #require(agreement["maxAbsoluteLogitError"] as? Double) < 0.2)
    #expect(try decisions(plain) != decisions(moved))
    let policy = try #require((moved["announcements"] as? [String: Any])?["policy"] as? [String: Any])
    #expect(policy["rhythm"] as? Bool == true)
  }

  @Test func intervalsSayNothingToAClockOrToOtherClasses() throws {
    let clock = try stream("--rhythm", "--every", "16")
    #expect(clock.status == 65 && clock.errors.contains("decides by the clock"), "\(clock.errors)")
    let intra = try Command("device-sim").run([
      "stream", "--model", ProjectFiles.path("Models/ecg-beats-intra/ecg-beats-intra.qinf"), "--record",
      ProjectFiles.record, "--rhythm",
      "--quiet",
    ])
    #expect(intra.status == 65 && intra.errors.contains("not N, S, V and F"), "\(intra.errors)")
  }

  @Test func brownOutsChangeNoDecision() throws {
    let plain = try stream("--majority", "3", "--hysteresis", "2", "--rhythm", "--json", "-").json()
    let interrupted = try stream(
      "--majority", "3", "--hysteresis", "2", "--rhythm", "--brown-out", "0,1.5,60.003,299.9", "--json", "-"
    ).json()
    #expect(try decisions(plain) == decisions(interrupted))
  }

  @Test func theVerdictChargesWhatTheNetworkWokeFor() throws {
    let json = try stream("--wake-rr", "10", "--json", "-").json()
    let sleep = try #require((json["announcements"] as? [String: Any])?["sleep"] as? [String: Any])
    let verdict = try #require(json["verdict"] as? [String: Any])
    let streaming = try #require((verdict["modes"] as? [[String: Any]])?.first)
    let tasks = try #require(streaming["tasks"] as? [[String: Any]])
    let seconds = try #require(json["durationSeconds"] as? Double)
    func perSecond(_ name: String) throws -> Double {
      try #require(tasks.first { $0["name"] as? String == name }?["perSecond"] as? Double)
    }
    #expect(abs(try perSecond("column") * seconds - (try #require(sleep["columns"] as? Double))) < 1e-6)
    #expect(
      abs(try perSecond("decision") * seconds - (try #require(sleep["awakeDecisions"] as? Double))) < 1e-6)
    #expect(try perSecond("sample") == 128)
    // 42 columns of 8 samples and one sample, two bytes each.
    #expect(sleep["ringBytes"] as? Int == 674 && sleep["inexactDecisions"] as? Int == 0)
    let ram = try #require(streaming["ram"] as? [[String: Any]])
    #expect(ram.contains { $0["item"] as? String == "samples that wait in sleep" })
  }

  @Test func theSummarySaysWhatWasNotAnnounced() throws {
    let result = try Command("device-sim").run([
      "stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--lead-off", "60:10",
      "--wake-rr", "10",
    ])
    #expect(result.output.contains("s saturation") && result.output.contains("awake for"))
  }

  @Test func impossibleSettingsAreUsageErrors() throws {
    for arguments in [
      ["--majority", "0"], ["--majority", "32"], ["--hysteresis", "0"], ["--min-margin", "-1"],
      ["--min-margin=-1"], ["--wake-rr", "0"], ["--wake-rr", "1001"], ["--hysteresis-margin", "5"],
      ["--wake-rr", "10", "--decide", "annotations"], ["--brown-out=-1"], ["--brown-out", "nan"],
    ] {
      let result = try Command("device-sim").run(
        ["stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record] + arguments)
      #expect(result.status == 64, "\(arguments)")
    }
    #expect(try stream("--brown-out", "301").status == 65)
  }
}

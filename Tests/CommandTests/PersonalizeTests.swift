import Foundation
import Testing
import TestSupport

/// `exporter personalize`, and `device-sim stream` with what it writes.
@Suite(.enabled(if: Databases.has("mitdb"), "needs MIT-BIH beside the project")) struct PersonalizeTests {
  private let exporter = Command("exporter")
  private let folder: TemporaryFolder
  private let record = Databases.path("mitdb") + "/233"

  init() throws { folder = try TemporaryFolder() }

  private func personalize(_ arguments: String...) throws -> Command.Result {
    try exporter.run(
      [
        "personalize", "--model", ProjectFiles.model, "--data", Databases.path("mitdb"), "--quiet",
        "--replay", "119,209",
      ]
        + arguments)
  }

  private func stream(_ arguments: String...) throws -> Command.Result {
    try Command("device-sim").run(
      [
        "stream", "--model", ProjectFiles.model, "--record", record, "--decide", "annotations", "--quiet",
        "--json", "-",
      ] + arguments)
  }

  private func accuracy(_ result: Command.Result) throws -> Double {
    #expect(result.status == 0, "\(result.errors)")
    let accuracy = try #require(try jsonObject(result.output)["accuracy"] as? [String: Any])
    let counts = try #require((accuracy["fixed"] as? [String: Any])?["counts"] as? [[Int]])
    let right = counts.indices.reduce(0) { $0 + counts[$1][$1] }
    return Double(right) / Double(counts.joined().reduce(0, +))
  }

  @Test func aPatchMakesADeviceBetterAtItsPatient() throws {
    let patch = folder("233.qpatch")
    let made = try personalize("--record", record, "--output", patch)
    #expect(made.status == 0, "\(made.errors)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: patch)).count == 620)
    let plain = try stream()
    let patched = try stream("--patch", patch, "--float", ProjectFiles.checkpoint)
    #expect(try accuracy(patched) > accuracy(plain))
    let result = try jsonObject(patched.output)
    #expect((result["patch"] as? [String: Any])?["byteCount"] as? Int == 620)
    #expect(try jsonObject(plain.output)["patch"] == nil)
    // The float twin has the patch too.
    let agreement = try #require((result["agreement"] as? [String: Any])?["top1"] as? Double)
    #expect(agreement > 0.99)
    let inspected = try exporter("inspect", patch)
    #expect(inspected.status == 0 && inspected.output.contains("620 B, number 1, for operator 3"))
  }

  @Test func aPatchOfAnotherModelIsRefused() throws {
    let patch = folder("233.qpatch")
    _ = try personalize("--record", record, "--output", patch, "--minutes", "1")
    let other = try Command("device-sim")(
      "stream", "--model", ProjectFiles.path("Models/ecg-beats-intra/ecg-beats-intra.qinf"), "--record",
      ProjectFiles.record, "--patch", patch)
    #expect(other.status == 65 && other.hasOneErrorLine && other.errors.contains("another model image"))
    try Data("QIPA".utf8).write(to: URL(fileURLWithPath: patch))
    let broken = try stream("--patch", patch)
    #expect(broken.status == 65 && broken.hasOneErrorLine && broken.errors.contains("cut short"))
  }

  @Test func wrongArgumentsAndRecordsAreRefused() throws {
    #expect(try personalize("--record", record).status == 64)
    #expect(try personalize("--record", record, "--output", record + ".dat").status == 64)
    #expect(try personalize("--records", "ds2", "--own-share", "2").status == 64)
    let missing = try personalize("--record", folder("nobody"), "--output", folder("x.qpatch"))
    #expect(missing.status == 66 && missing.hasOneErrorLine)
    // A window takes 2.7 s: in the first second there is none.
    let short = try personalize("--record", record, "--output", folder("x.qpatch"), "--minutes", "0.02")
    #expect(short.status == 65 && short.hasOneErrorLine)
    #expect(!FileManager.default.fileExists(atPath: folder("x.qpatch")))
  }

  @Test func scoringManyTellsTheRestOfEachRecord() throws {
    let result = try personalize("--records", "233,210", "--steps", "20", "--json", "-")
    #expect(result.status == 0, "\(result.errors)")
    let scores = try #require(try jsonObject(result.output)["scores"] as? [[String: Any]])
    // 5, 1 and 2 minutes; then 5, 10 and 20 % of wrong labels.
    #expect(scores.count == 6)
    let perRecord = try #require(try jsonObject(result.output)["perRecord"] as? [[String: Any]])
    let counts = try #require((perRecord[0]["shipped"] as? [String: Any])?["counts"] as? [[Int]])
    // MIT-BIH's directory: 3,079 beats in record 233, 25 of 30 min behind the first five.
    #expect((2300...2700).contains(counts.joined().reduce(0, +)))
  }
}

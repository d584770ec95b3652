import Foundation
import Support
import Testing
import TestSupport

/// `device-sim verdict` and `device-sim profiles` through the executable.
@Suite struct VerdictTests {
  @Test func aVerdictCoversAllBuiltInDevices() throws {
    let result = try Command("device-sim")("verdict", "--model", ProjectFiles.model, "--json", "-")
    let verdicts = try result.json()
    let devices = try #require(verdicts["devices"] as? [[String: Any]])
    let names = devices.compactMap { ($0["profile"] as? [String: Any])?["name"] as? String }
    #expect(names == ["reference", "pacemaker", "crt-d", "leadless", "stm32u385", "nrf54l15", "programmer"])
    #expect(result.errors.contains("would pass with"))
  }

  @Test func thePageHasEachDevicesFiguresAndTheCheckItsStatus() throws {
    let folder = try TemporaryFolder()
    func verdict(_ arguments: String...) throws -> Command.Result {
      try Command("device-sim").run(["verdict", "--model", ProjectFiles.model] + arguments)
    }
    let result = try verdict("--report", folder("v.html"), "--json", folder("v.json"))
    #expect(result.status == 0, "\(result.errors)")
    let page = String(decoding: try Files.read(folder("v.html")), as: UTF8.self)
    let json = try #require(
      try JSONSerialization.jsonObject(with: Files.read(folder("v.json"))) as? [String: Any])
    let devices = try #require(json["devices"] as? [[String: Any]])
    func carries(_ device: [String: Any]) -> Bool {
      let modes = (device["verdict"] as? [String: Any])?["modes"] as? [[String: Any]]
      return modes?.contains { $0["outcome"] as? String == "pass" } == true
    }
    let names = devices.filter(carries).compactMap { ($0["profile"] as? [String: Any])?["name"] as? String }
    #expect(names == ["programmer"])
    #expect(
      page.contains(
        "By estimate it runs on programmer; not on reference (average current), pacemaker"))
    // A row a device, so that the last one is seen on every page, and whether it carries the network at its name.
    let table = page.components(separatedBy: "At most, and in brackets")[1].components(
      separatedBy: "</table>")[0]
    let rows = table.components(separatedBy: "<tr>").dropFirst(2)
    #expect(
      rows.map { $0.contains("aria-label=\"pass\">✓</span>\u{A0}programmer</th>") } == devices.map(carries))
    #expect(
      page.contains("nothing: both ways give the same bits") || page.contains("unknown until such a network"))
    #expect(!page.contains("`"))
    #expect(try verdict("--check", "--profile", "pacemaker").status == 2)
    #expect(try verdict("--check", "--profile", "programmer").status == 0)
    #expect(try verdict("--check").status == 2)
  }

  @Test func aRemedyIsNoTie() throws {
    let result = try Command("device-sim")("verdict", "--model", ProjectFiles.model, "--json", "-")
    let figure = /at most .*? ([0-9.,]+ [A-Za-z%]+) instead of ([0-9.,]+ [A-Za-z%]+)/
    for match in result.output.matches(of: figure) { #expect(match.1 != match.2) }
  }

  /// A part that is bought by one command's figure has to do for the other's.
  @Test func memoryIsTheSameByVerdictAndByStream() throws {
    func memory(_ verdict: [String: Any]) throws -> [String: Double] {
      let mode = try #require((verdict["modes"] as? [[String: Any]])?.first)
      let criteria = try #require(mode["criteria"] as? [[String: Any]])
      return Dictionary(
        uniqueKeysWithValues: criteria.compactMap { criterion in
          guard let name = criterion["name"] as? String, ["ram", "flash"].contains(name),
            let high = (criterion["estimate"] as? [String: Any])?["high"] as? Double
          else { return nil }
          return (name, high)
        })
    }
    let verdict = try Command("device-sim")(
      "verdict", "--model", ProjectFiles.model, "--profile", "reference", "--json", "-"
    ).json()
    let device = try #require((verdict["devices"] as? [[String: Any]])?.first)
    let run = try Command("device-sim")(
      "stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--json", "-"
    ).json()
    let first = try memory(#require(device["verdict"] as? [String: Any]))
    #expect(first.count == 2)
    #expect(try memory(#require(run["verdict"] as? [String: Any])) == first)
  }

  @Test func aTwinOfOtherLayersIsRefused() throws {
    let result = try Command("device-sim")(
      "stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--float",
      ProjectFiles.path("Models/ecg-beats-wide/ecg-beats-wide.safetensors"))
    expectError(result, status: 65, containing: "is not the float twin of")
  }

  @Test func aStreamedRunHasAVerdictOnItsProfile() throws {
    let folder = try TemporaryFolder()
    let result = try Command("device-sim")(
      "stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--profile", "crt-d",
      "--every",
      "16", "--json", "-", "--report", folder("page.html"))
    let run = try result.json()
    let verdict = try #require(run["verdict"] as? [String: Any])
    #expect(verdict["profile"] as? String == "crt-d")
    let schedule = try #require(verdict["schedule"] as? [String: Any])
    // 16 columns of 8 samples at 128 Hz.
    #expect(schedule["decisionsPerSecond"] as? Double == 1)
    let page = String(decoding: try Files.read(folder("page.html")), as: UTF8.self)
    #expect(page.contains("Can it live on the device?") && page.contains("not a medical device"))
  }

  @Test func aCopiedProfileIsListedAndJudgedLikeItsOriginal() throws {
    let folder = try TemporaryFolder()
    let shown = try Command("device-sim")("profiles", "--show", "leadless")
    #expect(shown.status == 0)
    try Files.write(
      shown.output.replacing(#""name": "leadless""#, with: #""name": "mine""#), to: folder("mine.json"))
    #expect(try Command("device-sim")("profiles", folder("mine.json")).output.contains("\n  mine "))
    func modes(_ profile: String) throws -> Data {
      let result = try Command("device-sim")(
        "verdict", "--model", ProjectFiles.model, "--profile", profile, "--json", "-")
      let verdicts = try result.json()
      let device = try #require((verdicts["devices"] as? [[String: Any]])?.first)
      let verdict = try #require(device["verdict"] as? [String: Any])
      return try JSONSerialization.data(withJSONObject: #require(verdict["modes"]), options: .sortedKeys)
    }
    #expect(try modes(folder("mine.json")) == modes("leadless"))
  }

  @Test(.enabled(if: !ConformanceFiles.models.isEmpty, "needs public .tflite models beside the project"))
  func aModelThatCannotStreamHasTheWholeWindowAlone() throws {
    let folder = try TemporaryFolder()
    let source = try #require(ConformanceFiles.models.first { $0.hasSuffix("/kws_ref_model.tflite") })
    #expect(try Command("exporter")("import", source, "--output", folder("kws.qinf")).status == 0)
    let result = try Command("device-sim")(
      "verdict", "--model", folder("kws.qinf"), "--profile", "reference", "--interval", "3600", "--json", "-")
    let verdicts = try result.json()
    let device = try #require((verdicts["devices"] as? [[String: Any]])?.first)
    let modes = try #require((device["verdict"] as? [String: Any])?["modes"] as? [[String: Any]])
    #expect(modes.map { $0["mode"] as? String } == ["wholeWindow"])
    // Without a front end there is no column and nothing between decisions.
    let tasks = try #require(modes.first?["tasks"] as? [[String: Any]])
    #expect(tasks.map { $0["name"] as? String } == ["decision"])
    let work = try #require(tasks.first?["work"] as? [[String: Any]])
    let macs = work.filter { ($0["item"] as? String)?.hasPrefix("MAC") == true }
      .compactMap { $0["count"] as? Int }
    let operations = try #require(verdicts["operations"] as? [String: Any])
    #expect(macs.reduce(0, +) == operations["macsPerWindow"] as? Int)
  }

  @Test func aCheckpointAndAnImageAreToldApart() throws {
    let simulator = Command("device-sim")
    expectError(
      try simulator("verdict", "--model", ProjectFiles.checkpoint), status: 65,
      containing: "is a checkpoint, and a device runs an image; make its image: exporter quantize "
        + ProjectFiles.checkpoint)
    expectError(
      try simulator(
        "stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--float",
        ProjectFiles.model,
        "--quiet"),
      status: 65, containing: "is a model image, and a checkpoint is needed; give the .safetensors file")
  }

  @Test func wrongProfilesAreNamed() throws {
    let folder = try TemporaryFolder()
    try Files.write(
      #"{"name":"path","summary":"s","converterBits":12,"converterRangeMillivolts":10}"#,
      to: folder("path.json"))
    try Files.write(
      #"{"name":"path","summary":"s","converterBits":12,"converterRangeMillivolts":10,"batery":{}}"#,
      to: folder("typo.json"))
    for (arguments, status, text) in [
      (
        ["verdict", "--model", ProjectFiles.model, "--profile", "nobody"], 66, "one of: reference, pacemaker"
      ),
      (["verdict", "--model", ProjectFiles.model, "--profile", folder("path.json")], 65, "processor"),
      (["profiles", folder("typo.json")], 65, "batery"),
      (["profiles", "--show", "nobody"], 66, "nobody"),
      (["verdict", "--model", "no.qinf"], 66, "no.qinf"),
      (["verdict", "--model", ProjectFiles.model, "--interval", "0"], 64, "--interval"),
      (["verdict", "--model", ProjectFiles.model, "--heart-rate", "nan"], 64, "--heart-rate"),
    ] as [([String], Int32, String)] {
      let result = try Command("device-sim").run(arguments)
      #expect(result.status == status, "\(arguments)")
      #expect(result.errors.contains(text) && result.output.isEmpty, "\(result.errors)")
    }
    #expect(try Command("device-sim")("profiles", folder("path.json")).status == 0)
  }
}

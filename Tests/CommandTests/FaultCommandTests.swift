import Foundation
import Support
import Testing
import TestSupport

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// `device-sim faults` through its executable.
@Suite struct FaultCommandTests {
  private func faults(_ arguments: String..., record: String = ProjectFiles.record, input: Data = Data())
    throws -> Command.Result
  {
    try Command("device-sim").run(
      ["faults", "--model", ProjectFiles.model, "--record", record] + arguments, input: input)
  }

  @Test func aTableAndTheSameAsJSONComeOut() throws {
    let folder = try TemporaryFolder()
    let file = folder("faults.json")
    let result = try faults("--trials", "5", "--seed", "7", "--json", file)
    #expect(result.status == 0, "\(result.errors)")
    for kind in ["weights", "state", "arena", "image", "forged", "samples", "adc", "clock", "brownout"] {
      #expect(result.output.contains("\n  \(kind) "), "\(kind)")
    }
    // The mean number of changed decisions stands under its title.
    let lines = result.output.split(separator: "\n")
    let titles = try #require(lines.first { $0.contains("decisions changed") })
    let place = try #require(titles.range(of: "decisions changed")).lowerBound.utf16Offset(in: titles)
    let weights = try #require(lines.first { $0.hasPrefix("  weights") })
    #expect(Double(weights.dropFirst(place).prefix { $0 != " " }) != nil, "\(weights)")
    let json = try #require(try JSONSerialization.jsonObject(with: Files.read(file)) as? [String: Any])
    #expect(json["seed"] as? Int == 7)
    let kinds = try #require(json["kinds"] as? [[String: Any]])
    #expect(kinds.count == 9)
    let total = try #require(kinds[0]["total"] as? [String: Any])
    #expect(total["trials"] as? Int == 5)
    let silent = try #require(total["silent"] as? [String: Any])
    #expect(silent["interval"] != nil && silent["count"] != nil)
  }

  @Test(arguments: [[], ["--rhythm", "--majority", "5"], ["--wake-rr", "10"]])
  func faultsHitAllBytesThatStreamReportsAsKept(options: [String]) throws {
    let model = ["--model", ProjectFiles.model, "--record", ProjectFiles.record, "--json", "-", "--quiet"]
    func json(_ arguments: [String]) throws -> [String: Any] {
      let result = try Command("device-sim").run(arguments + model + options)
      #expect(result.status == 0, "\(result.errors)")
      return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    }
    let map = try #require(try json(["stream"])["memoryMap"] as? [String: Any])
    let kept = try #require(map["regions"] as? [[String: Any]]).filter {
      $0["place"] as? String == "RAM, kept"
    }
    let bytes = try kept.reduce(0) { $0 + (try #require($1["bytes"] as? Int)) }
    let faults = try json(["faults", "--kinds", "state", "--trials", "400"])
    #expect(faults["stateBytes"] as? Int == bytes)
    // Every part but the smallest is hit.
    let kinds = try #require(faults["kinds"] as? [[String: Any]])
    let places = try #require(kinds[0]["places"] as? [[String: Any]]).compactMap { $0["name"] as? String }
    for part in kept where part["name"] as? String != "streaming state" && part["bytes"] as? Int ?? 0 > 40 {
      #expect(places.contains(part["name"] as? String ?? ""), "\(part)")
    }
  }

  @Test func aCampaignGoesOnWhereItBrokeOffWithTheSameResults() throws {
    let folder = try TemporaryFolder()
    let file = folder("faults.jsonl")
    let options = ["--trials", "6", "--kinds", "weights,adc,brownout", "--json", "-", "--quiet"]
    func run(_ more: String...) throws -> Command.Result {
      let result = try Command("device-sim").run(
        ["faults", "--model", ProjectFiles.model, "--record", ProjectFiles.record] + options + more)
      #expect(result.status == 0, "\(result.errors)")
      return result
    }
    let whole = try run("--threads", "1").output
    #expect(try run("--threads", "3", "--output", file).output == whole)
    let lines = String(decoding: try Files.read(file), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 19)
    // A killed run leaves some lines and a part of one.
    try Files.write(lines[..<7].map { $0 + "\n" }.joined() + lines[7].prefix(50), to: file)
    #expect(try run("--output", file).output == whole)
    let after = String(decoding: try Files.read(file), as: UTF8.self).split(separator: "\n")
    #expect(after == lines)
    // Other settings are other faults.
    _ = try run("--output", file, "--seed", "2")
    #expect(String(decoding: try Files.read(file), as: UTF8.self).split(separator: "\n").count == 37)
    let found = try Command("device-sim").run(
      [
        "faults", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--trials", "6", "--kinds",
        "adc",
      ]
        + ["--output", file])
    #expect(found.output.contains("6 of them run before"))
  }

  @Test func aFileThatIsNoCampaignsIsRefused() throws {
    let folder = try TemporaryFolder()
    let file = folder("other.jsonl")
    try Files.write("{\"a\":1}\n", to: file)
    let result = try faults("--trials", "1", "--output", file)
    #expect(
      result.status == 65
        && result.errors.contains(
          "other.jsonl:line 1: doesn't say that the file holds results of a fault campaign")
    )
  }

  @Test func aPageTellsWhatBecameOfTheFaults() throws {
    let folder = try TemporaryFolder()
    let page = folder("faults.html")
    let result = try faults("--trials", "4", "--scrub", "20", "--guards", "adc", "--report", page)
    #expect(result.status == 0, "\(result.errors)")
    let parser = XMLParser(data: try Files.read(page))
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    let text = String(decoding: try Files.read(page), as: UTF8.self).replacing("\u{A0}", with: " ")
    for part in [
      "What became of the faults", "By layer", "By bit position", "Checksum at load and scrubbing",
      "Samples, time and supply", "What found them", "Provenance", "found by scrubbing",
      "Converter: stuck bit",
      "brownout", "clock: overruns",
      "<th scope=\"col\">class</th><th scope=\"col\" class=\"number\">silent</th>",
      SHA256.hexadecimal(try Files.read(ProjectFiles.model)),
      // 4 of 4 images are found: Wilson's lower limit is 4 / (4 + 3.8415).
      "100.0 (51.0 to 100.0)",
    ] { #expect(text.contains(part), "\(part)") }
  }

  @Test func kindsRunInTheirOrder() throws {
    let result = try faults("--trials", "2", "--kinds", "clock,weights", "--json", "-", "--quiet")
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let json = try result.json()
    let kinds = try #require(json["kinds"] as? [[String: Any]])
    #expect(kinds.map { $0["kind"] as? String } == ["weights", "clock"])
  }

  @Test func wrongArgumentsAreUsageErrors() throws {
    for arguments in [
      ["--trials", "0"], ["--trials", "-3"], ["--bits", "0"], ["--bits", "33"], ["--scrub", "0"],
      ["--scrub", "nan"], ["--save", "-1"], ["--save", "inf"], ["--kinds", "weights,gremlins"],
      ["--kinds", ","], ["--guards", "dog"], ["--every", "0"], ["--seed", "-1"],
      ["--json", ProjectFiles.model], ["--threads", "0"], ["--report", ProjectFiles.model],
      ["--output", "a.jsonl", "--report", "./a.jsonl"],
    ] {
      let result = try Command("device-sim").run(
        ["faults", "--model", ProjectFiles.model, "--record", ProjectFiles.record] + arguments)
      #expect(result.status == 64 && result.output.isEmpty, "\(arguments)")
      #expect(result.errors.hasPrefix("error: "), "\(arguments): \(result.errors)")
    }
    #expect(try Command("device-sim").run(["faults"]).status == 64)
  }

  @Test func missingAndBrokenFilesAreNamed() throws {
    let missing = try faults(record: "/nowhere/100")
    #expect(missing.status == 66 && missing.errors.contains("/nowhere/100"))
    let short = try faults(
      "--sample-rate", "128", record: "-",
      input: Data(("mV\n" + String(repeating: "0.1\n", count: 300)).utf8))
    #expect(short.status == 65 && short.errors.contains("shorter than the model's window"))
    // A flat line has no beat to decide about.
    let flat = try faults(
      "--sample-rate", "128", record: "-",
      input: Data(("mV\n" + String(repeating: "0.1\n", count: 3000)).utf8))
    #expect(flat.status == 65 && flat.errors.contains("no decision that a fault could change"))
  }
}

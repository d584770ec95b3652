import Foundation
import Support
import TestSupport
import Testing

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

  @Test func kindsRunInTheirOrderOnceEach() throws {
    let result = try faults("--trials", "2", "--kinds", "clock,weights,clock", "--json", "-", "--quiet")
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let kinds = try #require(json["kinds"] as? [[String: Any]])
    #expect(kinds.map { $0["kind"] as? String } == ["weights", "clock"])
  }

  @Test func wrongArgumentsAreUsageErrors() throws {
    for arguments in [
      ["--trials", "0"], ["--trials", "-3"], ["--bits", "0"], ["--bits", "33"], ["--scrub", "0"],
      ["--scrub", "nan"], ["--save", "-1"], ["--save", "inf"], ["--kinds", "weights,gremlins"],
      ["--kinds", ","], ["--guards", "dog"], ["--every", "0"], ["--seed", "-1"],
      ["--json", ProjectFiles.model],
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

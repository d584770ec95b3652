import Foundation
import Support
import Testing
import TestSupport

/// `exporter design` on synthetic records: what it finds, and that it finds the same however the work was divided.
@Suite struct DesignCommandTests {
  private func design(_ bench: Bench, _ folder: String, _ arguments: String...) throws -> Command.Result {
    try Command("exporter").run(
      [
        "design", "--task", "aami", "--data", bench.data, "--front-end", "beats", "--hidden", "2,5",
        "--known-distance", "0,0.5", "--folds", "2", "--epochs", "1", "--windows-per-epoch", "512",
        "--output", bench(folder), "--quiet",
      ] + arguments)
  }

  private func results(_ bench: Bench, _ folder: String) throws -> [String: Data] {
    let path = bench(folder) + "/results"
    return Dictionary(
      uniqueKeysWithValues: try FileManager.default.contentsOfDirectory(atPath: path).map {
        ($0, try Files.read("\(path)/\($0)"))
      })
  }

  // claim: design
  @Test func shardsThreadsAndAStoppedSearchGiveTheSameBytes() throws {
    let bench = try Bench()
    let whole = try design(bench, "whole", "--threads", "1")
    #expect(whole.status == 0, "\(whole.errors)")
    let json = try Files.read(bench("whole") + "/design.json")
    let files = try results(bench, "whole")
    #expect(files.count == 8)

    for shard in ["2/3", "3/3"] {
      #expect(try design(bench, "parts", "--shard", shard, "--threads", "2").status == 0)
    }
    let part = try design(bench, "parts", "--collect", "--json", "-")
    let missing = try #require(try part.json()["missing"] as? [[String: Any]])
    let there = try results(bench, "parts").count
    #expect(there + missing.count == 8 && !missing.isEmpty)
    #expect(try design(bench, "parts", "--shard", "1/3").status == 0)
    #expect(try results(bench, "parts") == files)
    #expect(try design(bench, "parts", "--collect").status == 0)
    #expect(try Files.read(bench("parts") + "/design.json") == json)

    // What is lost is made again, to the same bits, and nothing else is touched.
    let lost = try #require(files.keys.sorted().first)
    let kept = bench("whole") + "/results/" + (try #require(files.keys.sorted().last))
    let before = try FileManager.default.attributesOfItem(atPath: kept)[.modificationDate] as? Date
    try FileManager.default.removeItem(atPath: bench("whole") + "/results/" + lost)
    #expect(try design(bench, "whole").status == 0)
    #expect(try results(bench, "whole") == files)
    let after = try FileManager.default.attributesOfItem(atPath: kept)[.modificationDate] as? Date
    #expect(after == before)
    // Another setting is other files, and the same page comes of the same settings again.
    #expect(try design(bench, "whole", "--label-smoothing", "0.1").status == 0)
    #expect(try results(bench, "whole").count == 16)
    #expect(try design(bench, "whole").status == 0)
    #expect(try Files.read(bench("whole") + "/design.json") == json)
  }

  // claim: design
  @Test func currentsAreTheVerdictsAndTheFrontThatOfAllPairs() throws {
    let bench = try Bench()
    let result = try design(bench, "d", "--budget-current", "0.1", "--json", "-")
    let json = try result.json()
    let told = try ResultsReferenceTests.keys(ofSection: "exporter design").map(\.key)
    #expect(Set(told) == Set(json.keys))
    let points = try #require(json["points"] as? [[String: Any]])
    #expect(points.count == 4)
    func high(_ point: [String: Any]) throws -> Double {
      try #require((point["median"] as? [String: Any])?["high"] as? Double)
    }
    func figures(_ point: [String: Any]) throws -> [Double] {
      let scores = try #require(point["scores"] as? [String: Any])
      let classes = try #require(scores["classes"] as? [[String: Any]])
      let critical = classes.filter { ["S", "V"].contains($0["name"] as? String) }
      #expect(critical.count == 2)
      return [-(try high(point)), scores["macroF1"] as? Double ?? -1e9]
        + critical.map { $0["f1"] as? Double ?? -1e9 }
    }
    let all = try points.map(figures)
    #expect(all.map { -$0[0] } == all.map { -$0[0] }.sorted())
    // No synthetic beat is known by its shape: the memory saves nothing here, and only the widths differ.
    #expect(Set(all.map { $0[0] }).count == 2)
    for (index, point) in points.enumerated() {
      let isBeaten = all.contains { other in
        zip(other, all[index]).allSatisfy { $0 >= $1 } && other != all[index]
      }
      #expect(point["isOnFront"] as? Bool == !isBeaten, "\(index)")
      let current = try high(point)
      #expect(point["fits"] as? Bool == (current <= 0.1))
      let name = try #require(point["name"] as? String)
      let image = bench("d") + "/" + name.replacing(", ", with: "-").replacing(" ", with: "") + ".fold-1.qinf"
      var arguments = [
        "verdict", "--model", image, "--profile", "pacemaker", "--sensed", "--json", "-", "--quiet",
        "--heart-rate", "\(try #require(point["decisionsPerMinute"] as? Double))",
      ]
      if let share = point["networkShare"] as? Double { arguments += ["--network-share", "\(share)"] }
      let verdict = try Command("device-sim").run(arguments).json()
      let device = try #require((verdict["devices"] as? [[String: Any]])?.first?["verdict"] as? [String: Any])
      let currents = try #require(device["modes"] as? [[String: Any]]).flatMap {
        ($0["criteria"] as? [[String: Any]] ?? []).filter { $0["name"] as? String == "averageCurrent" }
      }.compactMap { ($0["estimate"] as? [String: Any])?["high"] as? Double }
      #expect(currents.contains { abs($0 - current) < 1e-9 }, "\(name) \(currents)")
    }
    let page = String(decoding: try Files.read(bench("d") + "/design.html"), as: UTF8.self)
    #expect(page.contains("Macro F1 over current") && page.contains("budget 0.1 uA"))
    #expect(page.contains("hidden 5, known 0.5") && page.contains("exporter train --task aami"))
  }

  @Test func theListsCommandsAreOnesThatTrainTakes() throws {
    let bench = try Bench()
    let list = try Command("exporter")(
      "design", "--task", "aami", "--data", "no where", "--output", bench("never"), "--epochs", "2", "--list")
    #expect(list.status == 0 && !FileManager.default.fileExists(atPath: bench("never")))
    let commands = list.output.split(separator: "\n").filter { $0.hasPrefix("  exporter train") }
    // Two widths of columns, four networks of beats, four of both.
    #expect(commands.count == 10)
    #expect(commands.allSatisfy { $0.contains("--data 'no where'") && $0.contains("--epochs 2") })
    for command in commands {
      let words = command.replacing("'no where'", with: "nowhere").split(separator: " ").dropFirst().map(
        String.init)
      #expect(try Command("exporter").run(words).status == 66, "\(command)")
    }
  }

  @Test func whatCantBeIsSaidWithARemedy() throws {
    let bench = try Bench()
    expectError(
      try Command("exporter")("design", "--task", "af", "--data", bench.data, "--output", bench("a")),
      status: 65, containing: "name a task of beats")
    expectError(
      try design(bench, "none", "--collect"), status: 66, containing: "8 results are missing")
    expectError(
      try Command("exporter")("design", "--task", "aami", "--data", bench("no"), "--output", bench("a")),
      status: 66, containing: "no")
  }
}

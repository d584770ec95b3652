import Foundation
import HostDevice
import ModelFiles
import Support
import Testing
import TestSupport

/// The tables of the commands, beside the same run's JSON; a column that took another's place would show.
@Suite struct TableTests {
  /// A table's rows below a title, as words.
  private func rows(of output: String, below title: String) -> [[Substring]] {
    let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
    guard let start = lines.firstIndex(where: { $0.trimmingCharacters(in: .whitespaces).hasPrefix(title) })
    else {
      return []
    }
    return lines[(start + 1)...].prefix { !$0.allSatisfy { $0 == " " } }.map { line in
      line.replacing(" %", with: "%").split(separator: " ")
    }
  }

  @Test func theClassTablesAreTheJSONs() throws {
    let bench = try Bench()
    #expect(try bench.train("--epochs", "2").status == 0)
    #expect(try bench.quantize("--adc-bits", "10").status == 0)
    // A converter that isn't the usual one is what the image says of itself.
    let loaded = try LoadedModel(file: bench.model)
    #expect(loaded.converterBits == 10 && loaded.provenance[.converterBits] == "10")
    let run = try Command("exporter")(
      "evaluate", bench.model, "--float", bench.checkpoint, "--data", bench.data, "--json",
      bench("e.json"))
    #expect(run.status == 0, "\(run.errors)")
    let json = try #require(
      try JSONSerialization.jsonObject(with: Files.read(bench("e.json"))) as? [String: Any])
    var different = 0
    for twin in ["float", "int8"] {
      let scores = try #require(json[twin] as? [String: Any])
      let classes = try #require(scores["classes"] as? [[String: Any]])
      let table = rows(of: run.output, below: twin)
      for score in classes {
        let name = try #require(score["name"] as? String)
        let row = try #require(table.first { $0.first.map(String.init) == name }, "\(run.output)")
        func percent(_ key: String) -> String {
          Numbers.percent(score[key] as? Double ?? .nan).replacing(" %", with: "%")
        }
        #expect(
          row[1...4].map(String.init) == [
            Numbers.integer(try #require(score["beats"] as? Int)), percent("sensitivity"),
            percent("positivePredictivity"), percent("f1"),
          ], "\(twin) \(name)")
        if percent("sensitivity") != percent("positivePredictivity") { different += 1 }
      }
      let macro = try #require(table.first { $0.first == "macro" })
      #expect(
        String(macro[1]) == Numbers.percent(scores["macroF1"] as? Double ?? .nan).replacing(" %", with: "%"))
    }
    #expect(different > 2)
    // The same figures again as Markdown.
    let markdown = try Command("exporter")(
      "evaluate", bench.model, "--float", bench.checkpoint, "--data", bench.data, "--markdown",
      bench("e.md"))
    #expect(markdown.status == 0, "\(markdown.errors)")
    let text = String(decoding: try Files.read(bench("e.md")), as: UTF8.self)
    let classes = try #require((json["int8"] as? [String: Any])?["classes"] as? [[String: Any]])
    let floats = try #require((json["float"] as? [String: Any])?["classes"] as? [[String: Any]])
    for (int8, float) in zip(classes, floats) {
      let line = try #require(
        text.split(separator: "\n").first { $0.hasPrefix("| \(int8["name"] ?? "") | ") })
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      func percent(_ value: Any?) -> String {
        (value as? Double).map { Numbers.decimal(100 * $0, places: 2) } ?? "-"
      }
      let keys = ["sensitivity", "positivePredictivity", "f1"]
      #expect(Array(cells[2...4]) == keys.map { percent(float[$0]) })
      #expect(Array(cells[6...8]) == keys.map { percent(int8[$0]) })
    }
  }
}

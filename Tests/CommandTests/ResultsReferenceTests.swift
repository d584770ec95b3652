import Foundation
import Support
import Testing
import TestSupport

/// docs/reference/Results.md has the keys that the commands write, and no others.
@Suite struct ResultsReferenceTests {
  /// A section's keys, and whether they are there in any result: a row that says "where" tells of some results alone.
  static func keys(ofSection title: String) throws -> [(key: String, isAlways: Bool)] {
    let text = String(decoding: try Files.read(ProjectFiles.path("docs/reference/Results.md")), as: UTF8.self)
    let section = try #require(
      text.components(separatedBy: "\n## ").first { $0.hasPrefix("`\(title)`") }, "\(title)")
    return section.split(separator: "\n").filter { $0.hasPrefix("| `") }.flatMap { row in
      row.dropFirst().prefix { $0 != "|" }.matches(of: /`([A-Za-z0-9.]+)`/).map {
        (String($0.output.1), !row.contains("| where "))
      }
    }
  }

  @Test(arguments: [
    ["device-sim", "stream", "--model", "MODEL", "--float", "TWIN", "--record", "RECORD"],
    ["device-sim", "stream", "--model", "MODEL", "--record", "RECORD", "--noise", "emg", "--snr", "12"],
    ["device-sim", "verdict", "--model", "MODEL", "--profile", "pacemaker"],
    [
      "device-sim", "faults", "--model", "MODEL", "--float", "TWIN", "--record", "RECORD", "--trials", "1",
      "--scrub", "60",
    ],
    ["device-sim", "sweep", "--model", "MODEL", "--records", "RECORD", "--output", "FOLDER/sweep.jsonl"],
    ["exporter", "inspect", "MODEL"], ["exporter", "inspect", "CONTEXT"],
    ["exporter", "explain", "MODEL", "--float", "TWIN", "--record", "RECORD", "--at", "61.5"],
    ["exporter", "dossier", "--project", "PROJECT", "--output", "FOLDER/dossier"],
  ]) func theKeysAreThoseOfTheReference(words: [String]) throws {
    let folder = try TemporaryFolder()
    let places = [
      "MODEL": ProjectFiles.model, "CONTEXT": ProjectFiles.context, "TWIN": ProjectFiles.checkpoint,
      "RECORD": ProjectFiles.record,
      "PROJECT": ProjectFiles.root.path, "FOLDER": folder.path,
    ]
    let arguments = words.dropFirst().map { word in
      places.reduce(word) { $0.hasPrefix($1.key) ? $1.value + $0.dropFirst($1.key.count) : $0 }
    }
    let result = try Command(words[0]).run(arguments + ["--json", "-", "--quiet"])
    let given = Set(try result.json(as: [String: Any].self).keys)
    let told = try Self.keys(ofSection: words[0] + " " + words[1])
    #expect(given.isSubset(of: told.map(\.key)), "\(given.subtracting(told.map(\.key)))")
    let missing = told.filter { $0.isAlways && !given.contains($0.key) }.map(\.key)
    #expect(missing.isEmpty, "\(missing)")
  }
}

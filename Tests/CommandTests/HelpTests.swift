import Foundation
import Testing
import TestSupport

/// What every subcommand's help says: its lines, its values, and options that mean the same everywhere.
@Suite struct HelpTests {
  /// A command as ArgumentParser dumps it.
  private struct Dump: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String
    }
    struct Argument: Decodable {
      var names: [Name]?
      var valueName: String?
      var defaultValue: String?
      var abstract: String?

      var longName: String? { names?.first { $0.kind == "long" }?.name }
    }
    struct Command: Decodable {
      var commandName: String
      var arguments: [Argument]?
      var subcommands: [Command]?
    }
    var command: Command
  }

  /// Each subcommand, by its words, and its arguments.
  private func subcommands() throws -> [(words: [String], arguments: [Dump.Argument])] {
    func all(_ command: Dump.Command, _ before: [String]) -> [([String], [Dump.Argument])] {
      let words = before + [command.commandName]
      let own = words.last == "help" ? [] : [(words, command.arguments ?? [])]
      return own + (command.subcommands ?? []).flatMap { all($0, words) }
    }
    return try ["exporter", "device-sim"].flatMap { name in
      let text = try Command(name)("--experimental-dump-help").output
      return all(try JSONDecoder().decode(Dump.self, from: Data(text.utf8)).command, [])
    }
  }

  @Test func helpBreaksAtEightyColumnsAndShowsNoValuesOfSwift() throws {
    let all = try subcommands()
    #expect(all.count > 25)
    for (words, _) in all {
      let result = try Command(words[0]).run(Array(words.dropFirst()) + ["--help"])
      #expect(result.status == 0)
      for line in result.output.split(separator: "\n") {
        #expect(line.count <= 80, "\(words.joined(separator: " ")): \(line)")
        let isOfSwift =
          line.contains(/\b[A-Za-z]+\([A-Za-z]+:/) || line.contains(/[Oo]ptional\(|\bnil\b|\[\"/)
        #expect(!isOfSwift, "\(words.joined(separator: " ")): \(line)")
      }
    }
  }

  /// Of two options of a name the parser fills in one.
  @Test func noSubcommandHasAnOptionTwice() throws {
    for (words, arguments) in try subcommands() {
      let names = arguments.compactMap(\.longName)
      let double = Dictionary(grouping: names) { $0 }.filter { $0.value.count > 1 }.keys.sorted()
      #expect(double.isEmpty, "\(words.joined(separator: " ")): \(double)")
    }
  }

  @Test func optionsOfOneMeaningAreTheSameEverywhere() throws {
    let all = try subcommands()
    for name in ["threads", "annotations", "annotator", "json", "quiet", "adc-bits"] {
      let found = all.flatMap(\.arguments).filter { $0.longName == name }
      #expect(found.count > 1, "--\(name)")
      #expect(
        Set(found.map { "\($0.abstract ?? "") \($0.valueName ?? "") \($0.defaultValue ?? "")" }).count == 1,
        "--\(name)")
    }
    for name in ["seed", "records", "lead", "data", "record"] {
      let found = all.flatMap(\.arguments).filter { $0.longName == name }
      #expect(found.count > 1, "--\(name)")
      #expect(
        Set(found.map { $0.valueName ?? "" }).count == 1, "--\(name): \(found.map { $0.valueName ?? "" })")
    }
    // Which records there are without the option differs, what it takes doesn't.
    let records = all.flatMap(\.arguments).filter { $0.longName == "records" }
    #expect(records.count >= 6 && Set(records.map { $0.abstract ?? "" }).count == 1)
    // What there is to seed differs, the seed itself doesn't.
    let seeds = all.flatMap(\.arguments).filter { $0.longName == "seed" }
    #expect(seeds.allSatisfy { $0.defaultValue == "1" })
    #expect(!all.flatMap(\.arguments).contains { $0.longName == "seeds" })
  }

  /// What the README, the documents and the models' cards have between backticks and in blocks.
  private func commandsInDocuments() throws -> [(document: String, words: [String])] {
    var documents = ["README.md", "SECURITY.md", "CONTRIBUTING.md"]
    for folder in ["docs", "Models"] {
      let files =
        FileManager.default.enumerator(atPath: ProjectFiles.path(folder))?.compactMap { $0 as? String } ?? []
      documents += files.filter { $0.hasSuffix(".md") }.map { folder + "/" + $0 }
    }
    return try documents.flatMap { document in
      let text = try String(contentsOfFile: ProjectFiles.path(document), encoding: .utf8).replacing(
        "\\\n", with: " ")
      return text.matches(of: /(?:`|\n)((?:exporter|device-sim) [^`\n]+)/)
        .map { (document, $0.output.1.split(separator: " ").map(String.init)) }
    }
  }

  @Test func everySubcommandAndOptionThatTheDocumentsNameIsThere() throws {
    let all = try subcommands()
    let commands = try commandsInDocuments()
    #expect(commands.count > 200)
    for (document, words) in commands {
      let found = try #require(
        all.filter { words.starts(with: $0.words) }.max { $0.words.count < $1.words.count },
        "\(document): \(words)")
      // A word in the place of a subcommand is one.
      if all.contains(where: { $0.words.count > found.words.count && $0.words.starts(with: found.words) }) {
        let next = words.dropFirst(found.words.count).first
        #expect(next?.contains(/^[a-z]+$/) != true, "\(document): \(words.joined(separator: " "))")
      }
      let options = Set(
        found.arguments.flatMap { $0.names ?? [] }.filter { $0.kind == "long" }.map { "--" + $0.name })
      for word in words.dropFirst(found.words.count) where word.hasPrefix("--") {
        let option = String(word.prefix { $0 == "-" || $0.isLetter || $0.isNumber })
        #expect(
          options.union(["--help", "--version"]).contains(option),
          "\(document): \(words.joined(separator: " "))")
      }
    }
  }

  @Test(arguments: ["-1", "1.5", "x", "18446744073709551616"]) func seedsAreWholeNumbers(seed: String) throws
  {
    for (words, arguments) in try subcommands() where arguments.contains(where: { $0.longName == "seed" }) {
      let result = try Command(words[0]).run(Array(words.dropFirst()) + ["--seed=\(seed)"])
      #expect(result.status == 64 && result.errors.contains("--seed"), "\(words): \(result.errors)")
    }
  }
}

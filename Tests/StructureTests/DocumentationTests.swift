import Foundation
import Testing
import TestSupport

/// What the documentation points at is there, and its references list what the sources read.
@Suite struct DocumentationTests {
  /// The project's Markdown files, from its folder.
  private static let documents: [String] = {
    let all = FileManager.default.enumerator(atPath: ProjectFiles.root.path)
    var found: [String] = []
    while let path = all?.nextObject() as? String {
      let name = (path as NSString).lastPathComponent
      if name.hasPrefix(".") || path == "build" { all?.skipDescendants() }
      if path.hasSuffix(".md") { found.append(path) }
    }
    return found.sorted()
  }()

  private static func text(_ path: String) throws -> String {
    try String(contentsOfFile: ProjectFiles.path(path), encoding: .utf8)
  }

  /// A text without its blocks of code, in which brackets are no links.
  private static func prose(_ text: String) -> String {
    text.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 0 }.map(\.element).joined()
      .replacing(/`[^`\n]+`/, with: "")
  }

  /// A heading's name in links, as code hosts make it.
  private static func anchor(_ heading: Substring) -> String {
    heading.lowercased().filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" }
      .replacing(" ", with: "-")
  }

  @Test func noRelativeLinkLeadsNowhere() throws {
    var count = 0
    for document in Self.documents {
      let folder = (document as NSString).deletingLastPathComponent
      for match in Self.prose(try Self.text(document)).matches(of: /\]\(([^()\s]+)\)/) {
        let link = String(match.output.1)
        guard !link.contains(":") else { continue }
        let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(
          String.init)
        let path = parts[0].isEmpty ? document : folder.isEmpty ? parts[0] : folder + "/" + parts[0]
        let target = URL(filePath: ProjectFiles.path(path)).standardized.path
        #expect(FileManager.default.fileExists(atPath: target), "\(document): \(link)")
        if parts.count == 2, target.hasSuffix(".md") {
          let headings = try String(contentsOfFile: target, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("#") }.map { Self.anchor($0.drop { $0 == "#" || $0 == " " }) }
          #expect(headings.contains(parts[1]), "\(document): \(link)")
        }
        count += 1
      }
    }
    #expect(count > 80)
  }

  @Test func everyDocumentThatSourcesTestsAndHelpNameIsThere() throws {
    var count = 0
    for folder in ["Sources", "Tests", "Firmware", ".ci"] {
      let files = FileManager.default.enumerator(atPath: ProjectFiles.path(folder))
      while let path = files?.nextObject() as? String {
        guard path.contains(/\.(swift|md|c|h|py|sh)$/) || !path.contains(".") else { continue }
        guard let text = try? Self.text(folder + "/" + path) else { continue }
        for match in text.matches(of: /docs\/[A-Za-z\/]+\.md/) {
          let name = String(match.output)
          #expect(
            FileManager.default.fileExists(atPath: ProjectFiles.path(name)), "\(folder)/\(path): \(name)")
          count += 1
        }
      }
    }
    #expect(count > 25)
  }

  @Test func everyDocumentIsReachedFromTheReadme() throws {
    var (found, left): (Set<String>, [String]) = (["README.md"], ["README.md"])
    while let document = left.popLast() {
      let folder = (document as NSString).deletingLastPathComponent
      for match in Self.prose(try Self.text(document)).matches(of: /\]\(([^()\s:#]+\.md)/) {
        let link = (folder.isEmpty ? "" : folder + "/") + match.output.1
        let path = String(URL(filePath: "/" + link).standardized.path.dropFirst())
        if found.insert(path).inserted, Self.documents.contains(path) { left.append(path) }
      }
    }
    let unreached = Self.documents.filter { $0.hasPrefix("docs/") && !found.contains($0) }
    #expect(unreached.isEmpty, "\(unreached)")
  }

  @Test func theReadmeHasAtMost150Lines() throws {
    #expect(try Self.text("README.md").split(separator: "\n", omittingEmptySubsequences: false).count <= 151)
  }

  /// What a page's tables have in backticks in their first column.
  private static func keys(ofTablesIn path: String) throws -> Set<String> {
    let rows = try text(path).split(separator: "\n").filter { $0.hasPrefix("| `") }
    return Set(
      rows.flatMap { row in
        row.dropFirst().prefix { $0 != "|" }.matches(of: /`([A-Za-z]+)`/).map { String($0.output.1) }
      })
  }

  /// The keys that a source asks a JSON object for.
  private static func keys(askedForIn path: String) throws -> Set<String> {
    Set(
      try text(path).matches(of: /fields\.\w+\(\s*"(\w+)"/).map { String($0.output.1) }
        .filter { $0 != "error" })
  }

  @Test func theProfilesReferenceHasTheKeysOfTheBuiltInOnes() throws {
    func keys(_ value: Any) -> Set<String> {
      guard let object = value as? [String: Any] else { return [] }
      // A figure's own keys are told before the tables.
      guard object["source"] == nil else { return [] }
      return object.reduce(into: []) { $0.formUnion(keys($1.value).union([$1.key])) }
    }
    let folder = ProjectFiles.path("Sources/HostDevice/Profiles")
    let given = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }
      .map {
        keys(try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: folder + "/" + $0))))
      }
      .reduce(Set()) { $0.union($1) }
    let told = try Self.keys(ofTablesIn: "docs/reference/Profile.md")
    // These are told in the row of the object that holds them.
    let nested: Set = ["convolution", "depthwise", "fullyConnected"]
    #expect(given.subtracting(nested) == told)
  }

  @Test func theFrontEndsReferenceHasTheKeysThatAreRead() throws {
    let asked = try Self.keys(askedForIn: "Sources/ModelFiles/FrontEnd/FrontEndFile.swift")
    #expect(asked.count > 15)
    #expect(try Self.keys(ofTablesIn: "docs/reference/FrontEnd.md") == asked.subtracting(["kind"]))
  }
}

import Foundation
import Testing
import TestSupport

/// The runtime's folders are layers: none names a type of one that stands above or beside it.
@Suite struct LayerTests {
  /// The layers that each one may use.
  private static let layersBelow: [String: Set<String>] = [
    "FixedPoint": [],
    "Image": ["FixedPoint"],
    "Kernels": ["FixedPoint", "Image"],
    "Signal": ["FixedPoint", "Image"],
    "Engine": ["FixedPoint", "Image", "Kernels", "Signal"],
    "Monitor": ["FixedPoint", "Image", "Kernels", "Signal", "Engine"],
  ]

  /// A file, the names that it declares for all files, and those that it uses.
  private struct Source {
    let name: String
    let layer: String
    let declarations: Set<String>
    let uses: Set<String>

    /// Reads a file's text.
    init(name: String, text: String) {
      self.name = name
      layer = String(name.prefix { $0 != "/" })
      declarations = LayerTests.declarations(text)
      uses = LayerTests.uses(text)
    }
  }

  private static func sources() throws -> [Source] {
    let root = ProjectFiles.path("Sources/QuantInfer")
    let names = try FileManager.default.subpathsOfDirectory(atPath: root).filter { $0.hasSuffix(".swift") }
    return try names.sorted().map { name in
      Source(name: name, text: try String(contentsOfFile: root + "/" + name, encoding: .utf8))
    }
  }

  /// The names that a file declares for all files, outside of any type.
  private static func declarations(_ text: String) -> Set<String> {
    let declaration =
      /^(?:@\w+ )*(?:public |package |internal )?(?:struct|enum|class|actor|protocol|typealias|func|let|var) (\w+)/
      .anchorsMatchLineEndings()
    return Set(text.matches(of: declaration).map { String($0.1) })
  }

  /// The names that a file uses: neither a member's, after a point, nor that of a type that it declares itself.
  private static func uses(_ text: String) -> Set<String> {
    var names: Set<String> = []
    let keywords: Set<Substring> = ["struct", "enum", "class", "protocol", "typealias"]
    for line in text.split(separator: "\n") {
      let code = line.prefix(upTo: line.firstRange(of: "//")?.lowerBound ?? line.endIndex)
      var previous: Substring = ""
      for match in code.matches(of: /\w+/) {
        let isMember =
          match.range.lowerBound > code.startIndex
          && code[code.index(before: match.range.lowerBound)] == "."
        if !isMember, !keywords.contains(previous) { names.insert(String(match.0)) }
        previous = match.0
      }
    }
    return names
  }

  /// The uses of a layer's names in files of layers that may not use it.
  private static func violations(_ sources: [Source]) -> [String] {
    var found: [String] = []
    for declaring in sources {
      for using in sources where using.layer != declaring.layer {
        guard layersBelow[using.layer]?.contains(declaring.layer) != true else { continue }
        found += declaring.declarations.intersection(using.uses).sorted().map {
          "\(using.name) uses \($0) of \(declaring.name)"
        }
      }
    }
    return found
  }

  @Test func everyFileLiesInALayer() throws {
    let sources = try Self.sources()
    #expect(sources.count > 40)
    for source in sources { #expect(Self.layersBelow[source.layer] != nil, "\(source.name)") }
    for layer in Self.layersBelow.keys { #expect(sources.contains { $0.layer == layer }, "\(layer)") }
  }

  @Test func noLayerUsesOneAboveOrBesideIt() throws {
    let violations = try Self.violations(Self.sources())
    #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))")
  }

  @Test func aUseOfAHigherLayersTypeIsFound() {
    let engine = Source(
      name: "Engine/Engine.swift",
      text: "@safe public struct Engine {\n  enum Part {}\n}\nprivate enum Own {}\nfunc start() {}")
    func found(_ layer: String, _ text: String) -> [String] {
      Self.violations([engine, Source(name: "\(layer)/A.swift", text: text)])
    }
    #expect(found("Kernels", "let engine: Engine") == ["Kernels/A.swift uses Engine of Engine/Engine.swift"])
    #expect(found("Image", "  start()").count == 1)
    #expect(found("Monitor", "let engine: Engine; start()").isEmpty)
    // A comment, a member of this name, a type of one's own, and names that aren't for all files.
    #expect(
      found("Image", "// Engine\nlet a = Format.Engine(0)\nenum Engine {}\nlet b: Part; let c: Own").isEmpty)
  }
}

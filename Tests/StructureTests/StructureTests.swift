import Foundation
import QuantInfer
import Testing
import TestSupport

/// The plan of the house: CONTRIBUTING.md draws the modules, the sources follow it.
@Suite struct StructureTests {
  private typealias Graph = [String: Set<String>]

  /// CONTRIBUTING's table: a module a line, then the modules that it imports; lower ones first.
  private func drawn() throws -> (order: [String], graph: Graph) {
    let text = try String(contentsOfFile: ProjectFiles.path("CONTRIBUTING.md"), encoding: .utf8)
    let start = try #require(text.range(of: "```modules\n")).upperBound
    let block = text[start..<(try #require(text.range(of: "\n```", range: start..<text.endIndex))).lowerBound]
    let rows = block.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    return (
      rows.compactMap(\.first),
      Graph(uniqueKeysWithValues: rows.map { ($0[0], Set($0.dropFirst())) })
    )
  }

  /// The modules that each folder of Sources imports, others' left out.
  private func imported() throws -> Graph {
    let root = ProjectFiles.path("Sources")
    let modules = try FileManager.default.contentsOfDirectory(atPath: root)
    return try Graph(
      uniqueKeysWithValues: modules.map { module in
        let imports = try Self.files(in: "\(root)/\(module)", suffix: ".swift").flatMap { file in
          try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
            .filter { $0.contains(/^(@\w+ )?import \w+$/) }
            .compactMap { $0.split(separator: " ").last.map(String.init) }
        }
        return (module, Set(imports).intersection(modules).subtracting([module]))
      })
  }

  private static func files(in folder: String, suffix: String) -> [String] {
    let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return all.filter { $0.hasSuffix(suffix) }.map { "\(folder)/\($0)" }
  }

  @Test func theModulesImportWhatTheDrawingSays() throws {
    let (drawn, imported) = (try drawn().graph, try imported())
    #expect(Set(drawn.keys) == Set(imported.keys))
    for (module, imports) in imported {
      #expect(drawn[module] == imports, "\(module)")
    }
  }

  @Test func noModuleImportsOneFurtherDown() throws {
    let (order, graph) = try drawn()
    for (place, module) in order.enumerated() {
      #expect(graph[module, default: []].isSubset(of: order[..<place]), "\(module)")
    }
  }

  /// Package.swift, read as text: the manifest's own command would wait for the build that runs this test.
  @Test func thePackageDependsOnWhatTheModulesImport() throws {
    let text = try String(contentsOfFile: ProjectFiles.path("Package.swift"), encoding: .utf8)
    let imported = try imported()
    let inC = ["CCrypto", "CFFTW3", "CKernels", "CQuantInfer"]
    for (module, imports) in imported where !inC.contains(module) {
      guard
        let target = text.range(of: "name: \"\(module)\", dependencies: [")
          ?? text.range(of: "name: \"\(module)\",\n      dependencies: [")
      else {
        #expect(imports.isEmpty, "\(module)")
        continue
      }
      let list = text[target.upperBound...].prefix { $0 != "]" }
      let names = list.matches(of: /"(\w+)"/).map { String($0.output.1) }
      #expect(Set(names).intersection(imported.keys) == imports, "\(module)")
    }
  }

  @Test func noSourceFileIsLongerThan400LinesAndNoFolderHasMoreThan20Files() throws {
    let root = ProjectFiles.path("Sources")
    var counts: [String: Int] = [:]
    for file in Self.files(in: root, suffix: "") where file.contains(/\.(swift|c|h)$/) {
      let lines =
        try String(contentsOfFile: file, encoding: .utf8).split(
          separator: "\n", omittingEmptySubsequences: false
        ).count - 1
      #expect(lines <= 400, "\(file)")
      counts[(file as NSString).deletingLastPathComponent, default: 0] += 1
    }
    #expect(counts.count > 40)
    for (folder, count) in counts { #expect(count <= 20, "\(folder)") }
  }

  @Test func onlyTheRuntimeAndItsCInterfaceArePublic() throws {
    for module in try imported().keys
    where !["QuantInfer", "QuantInferC", "QuantInferDeviceC", "QuantInferTarget"].contains(module) {
      for file in Self.files(in: ProjectFiles.path("Sources/\(module)"), suffix: ".swift") {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(!text.contains(#/\n *public /#), "\(file)")
      }
    }
  }

  // claim: one-loop
  /// One loop pushes samples through the monitor, one through the pipeline, one through the detector.
  @Test func samplesArePushedInOnePlaceEach() throws {
    var places: [String: [String]] = [:]
    for module in try imported().keys where !module.hasPrefix("QuantInfer") {
      for file in Self.files(in: ProjectFiles.path("Sources/\(module)"), suffix: ".swift") {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        for match in text.matches(
          of:
            /\b(Monitor|StreamingPipeline|StreamingSpectrogram|BeatDetector|WholeWindow)\(\n? *(model|plan|sampleRate)/
        ) {
          places[String(match.output.1), default: []].append((file as NSString).lastPathComponent)
        }
      }
    }
    #expect(
      places == [
        "Monitor": ["RunningDevice.swift"], "StreamingPipeline": ["OwnedMemory.swift"],
        "StreamingSpectrogram": ["OwnedMemory.swift"], "BeatDetector": ["OwnedMemory.swift"],
        "WholeWindow": ["OwnedMemory.swift"],
      ])
  }

  /// A model is a view of its image's memory: whoever takes the view from a loaded image that nothing keeps reads freed memory.
  @Test func noModelOutlivesItsImage() throws {
    let view = /(LoadedModel|\bloaded|\bimporting)\(([^()\n]|\([^()\n]*\))*\)\.model\b/
    for folder in ["Sources", "Tests"] {
      for file in Self.files(in: ProjectFiles.path(folder), suffix: ".swift") {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let found = text.firstMatch(of: view)
        #expect(found == nil, "\(file)")
      }
    }
  }
}

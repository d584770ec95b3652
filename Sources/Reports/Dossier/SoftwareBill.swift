import Foundation
import Support

/// The software that the project is built from, as an SPDX document lists it.
///
/// - SeeAlso: SPDX 2.3.
package struct SoftwareBill: Encodable, Sendable {
  /// A package.
  package struct Package: Encodable, Sendable {
    var name: String
    var SPDXID: String
    var versionInfo: String
    var downloadLocation = "NOASSERTION"
    var filesAnalyzed = false
    var licenseConcluded: String
    var licenseDeclared: String
    var copyrightText = "NOASSERTION"
    var comment: String
  }

  private struct Relationship: Encodable, Sendable {
    var spdxElementId: String
    var relationshipType: String
    var relatedSpdxElement: String
  }

  private struct Creation: Encodable, Sendable {
    var created: String
    var creators: [String]
  }

  private let spdxVersion = "SPDX-2.3"
  private let dataLicense = "CC0-1.0"
  private let SPDXID = "SPDXRef-DOCUMENT"
  private let name = "QuantInfer"
  private let documentNamespace: String
  private let creationInfo: Creation
  /// The packages, the project itself first.
  package let packages: [Package]
  private let relationships: [Relationship]

  /// Reads docs/reference/Software.md, and the versions that a build resolved where there are any.
  ///
  /// - Throws: `FileError` where the table is missing or can't be read.
  init(project: String, commit: String, date: Date) throws(FileError) {
    let rows = try MarkdownFile(reading: project + "/docs/reference/Software.md").rows(ofTableWith: "package")
    let resolved = Self.resolvedVersions(project)
    let parts = rows.map { row in
      let name = row["package"] ?? ""
      return Package(
        name: name, SPDXID: "SPDXRef-" + name.filter { $0.isASCII && ($0.isLetter || $0.isNumber) },
        versionInfo: resolved[name] ?? row["version"] ?? "", licenseConcluded: row["licence (SPDX)"] ?? "",
        licenseDeclared: row["licence (SPDX)"] ?? "",
        comment: MarkdownFile.plain(row["where it is used"] ?? ""))
    }
    let own = Package(
      name: "QuantInfer", SPDXID: "SPDXRef-QuantInfer", versionInfo: "\(Release.version), commit \(commit)",
      licenseConcluded: "MIT", licenseDeclared: "MIT", comment: "this project")
    packages = [own] + parts
    documentNamespace = "https://spdx.org/spdxdocs/quantinfer-\(Release.version)-\(commit)"
    creationInfo = Creation(
      created: date.ISO8601Format(), creators: ["Tool: exporter-\(Release.version)"])
    relationships =
      [Relationship(spdxElementId: SPDXID, relationshipType: "DESCRIBES", relatedSpdxElement: own.SPDXID)]
      + zip(rows, parts).map { row, part in
        // What only tests and builds need isn't in what is shipped.
        row["in"] == "tests"
          ? Relationship(
            spdxElementId: part.SPDXID, relationshipType: "TEST_TOOL_OF", relatedSpdxElement: own.SPDXID)
          : Relationship(
            spdxElementId: own.SPDXID, relationshipType: "DEPENDS_ON", relatedSpdxElement: part.SPDXID)
      }
  }

  /// The versions in Package.resolved, which a build writes.
  private static func resolvedVersions(_ project: String) -> [String: String] {
    struct Resolved: Decodable {
      struct Pin: Decodable {
        struct State: Decodable { var version: String? }
        var identity: String
        var state: State
      }
      var pins: [Pin]
    }
    guard let data = try? Data(contentsOf: URL(filePath: project + "/Package.resolved")),
      let resolved = try? JSONDecoder().decode(Resolved.self, from: data)
    else { return [:] }
    return Dictionary(resolved.pins.compactMap { pin in pin.state.version.map { (pin.identity, $0) } }) {
      first, _ in first
    }
  }
}

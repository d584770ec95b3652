import Foundation
import Testing

/// A table's body and foot, as text, by its caption.
func table(_ caption: String, in page: String) throws -> [[String]] {
  let start = try #require(page.range(of: "<figcaption>\(caption)"), "\(caption)")
  let rest = page[start.upperBound...]
  let end = try #require(rest.range(of: "</table>"))
  let body = rest[..<end.lowerBound].components(separatedBy: "<tbody>").last ?? ""
  return body.components(separatedBy: "<tr>").dropFirst().map { row in
    row.replacing("\u{A0}", with: " ").components(separatedBy: .init(charactersIn: "\n")).joined()
      .components(separatedBy: "</t")
      .dropLast().compactMap {
        $0.components(separatedBy: ">").last
      }.filter { !$0.isEmpty }
  }
}

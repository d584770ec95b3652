import Drawing
import Foundation
import Support

/// A Markdown file of the project, as far as the dossier reads it: sections by their headings, tables, and prose for a page.
struct MarkdownFile {
  /// The file's path, for errors.
  let file: String
  private let lines: [String]

  /// Reads a file.
  ///
  /// - Throws: `FileError` where it isn't there.
  init(reading file: String) throws(FileError) {
    self.file = file
    lines = String(decoding: try Files.read(file), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// The lines below a heading, up to the next one of its level or a higher one; empty where there is no such heading.
  func section(_ title: String) -> [String] {
    guard let start = lines.firstIndex(where: { Self.level($0) > 0 && $0.hasSuffix("# " + title) }) else {
      return []
    }
    let own = Self.level(lines[start])
    return Array(lines[(start + 1)...].prefix { !(1...own).contains(Self.level($0)) })
  }

  /// The commands in a section's blocks of code.
  func commands(inSection title: String) -> [String] {
    section(title).split(omittingEmptySubsequences: false) { $0.hasPrefix("```") }.enumerated()
      .filter { $0.offset % 2 == 1 }.flatMap { Array($0.element) }
  }

  /// The rows of the first table whose first column has a title: a row's cells by their columns' titles.
  ///
  /// - Throws: `FileError`, malformed, where there is no such table, or a row has too few or too many cells.
  func rows(ofTableWith title: String) throws(FileError) -> [[String: String]] {
    guard let start = lines.firstIndex(where: { $0.hasPrefix("| \(title) |") }) else {
      throw .malformed(file, "has no table whose first column is '\(title)'", remedy: "restore the table")
    }
    let titles = Self.cells(lines[start])
    var rows: [[String: String]] = []
    for (index, line) in lines.enumerated().dropFirst(start + 2) {
      guard line.hasPrefix("|") else { break }
      var cells = Self.cells(line)
      // A table of results may leave out its last cells.
      while cells.count > titles.count, cells.last == "" { cells.removeLast() }
      guard cells.count <= titles.count else {
        throw .malformed(
          file, at: "line \(index + 1)", "has \(cells.count) cells, the table \(titles.count)",
          remedy: #"write | within a cell as \|"#)
      }
      cells += Array(repeating: "", count: titles.count - cells.count)
      rows.append(Dictionary(zip(titles, cells)) { first, _ in first })
    }
    return rows
  }

  /// Lines as parts of a page: paragraphs, points, tables and commands.
  static func components(_ lines: [String]) -> [any Component] {
    var components: [any Component] = []
    var (paragraph, table, isCode) = ("", [[String]](), false)
    func finish() {
      if !paragraph.isEmpty { components.append(Paragraph(plain(paragraph))) }
      if table.count > 2 {
        components.append(
          Table(
            caption: "", columns: table[0].map { .text(plain($0)) },
            rows: table.dropFirst(2).map { $0.map { Table.Cell(plain($0)) } }))
      }
      (paragraph, table) = ("", [])
    }
    for line in lines {
      if line.hasPrefix("```") {
        finish()
        isCode.toggle()
      } else if isCode {
        components.append(Paragraph("`\(line)`"))
      } else if line.hasPrefix("|") {
        if table.isEmpty { finish() }
        table.append(cells(line))
      } else if line.allSatisfy(\.isWhitespace) || line.hasPrefix("#") {
        finish()
      } else {
        // A point of a list, numbered or not, is a paragraph of its own.
        if line.contains(/^(- |\d+\. )/) || !table.isEmpty { finish() }
        paragraph += (paragraph.isEmpty ? "" : " ") + line.trimmingCharacters(in: .whitespaces)
      }
    }
    finish()
    return components
  }

  /// Text without the marks of links and of bold print.
  static func plain(_ text: String) -> String {
    text.replacing(/\[([^\]]+)\]\([^)]*\)/) { String($0.output.1) }.replacing("**", with: "")
  }

  private static func level(_ line: String) -> Int {
    let marks = line.prefix { $0 == "#" }.count
    return line.dropFirst(marks).hasPrefix(" ") ? marks : 0
  }

  private static func cells(_ line: String) -> [String] {
    line.replacing(#"\|"#, with: "\u{1}").split(separator: "|", omittingEmptySubsequences: false).dropFirst()
      .dropLast()
      .map { $0.trimmingCharacters(in: .whitespaces).replacing("\u{1}", with: "|") }
  }
}

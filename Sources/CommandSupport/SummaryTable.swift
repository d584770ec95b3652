import Support

/// A command's results on a terminal: a label a row, then aligned columns.
///
/// A row's last cell may run on to the right, past its column; a text stays on its line, whatever is in it.
/// Colour only tells pass from fail, and the words say the same.
package struct SummaryTable {
  /// Which edge of a column its cells keep to.
  package enum Alignment: Sendable {
    /// Text: the left edge.
    case left
    /// Numbers: the right edge.
    case right
  }

  /// A cell.
  package struct Cell: Sendable {
    /// The cell's text.
    package var text: String
    /// What the cell tells of a requirement; nil where there is none.
    package var outcome: Outcome?

    /// Creates a cell.
    package init(_ text: String, outcome: Outcome? = nil) {
      self.text = text
      self.outcome = outcome
    }
  }

  private let alignment: Alignment
  private var rows: [[Cell]] = []

  /// Creates a table.
  ///
  /// - Parameters:
  ///   - columns: The columns' titles, without the labels' column.
  ///   - alignment: The columns' alignment; labels keep to the left.
  package init(columns: [String], alignment: Alignment = .left) {
    self.alignment = alignment
    if !columns.isEmpty { rows.append(([""] + columns).map { Cell($0) }) }
  }

  /// Adds a row of texts.
  package mutating func add(_ label: String, _ texts: String...) { add(label, texts) }

  /// Adds a row of texts.
  package mutating func add(_ label: String, _ texts: [String]) { add(label, texts.map { Cell($0) }) }

  /// Adds a row of which some cells tell of a requirement.
  package mutating func add(_ label: String, _ cells: [Cell]) {
    rows.append(([Cell(label)] + cells).map { Cell($0.text.onOneLine, outcome: $0.outcome) })
  }

  /// The table's lines, each ended by a newline.
  package func render(hasColor: Bool) -> String {
    let widths = columnWidths()
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: max(widths[column] - cell.text.count, 0))
        let text = hasColor ? colored(cell) : cell.text
        if alignment == .right && column > 0 { return padding + text }
        return column == row.count - 1 ? text : text + padding
      }
      return "  \(cells.joined(separator: "   "))\n"
    }.joined()
  }

  /// The widest cell of each column, those aside that may run on.
  private func columnWidths() -> [Int] {
    var widths = Array(repeating: 0, count: rows.map(\.count).max() ?? 0)
    for row in rows {
      for (column, cell) in row.enumerated()
      where alignment == .right || column < row.count - 1 || column == 0 {
        widths[column] = max(widths[column], cell.text.count)
      }
    }
    return widths
  }

  private func colored(_ cell: Cell) -> String {
    switch cell.outcome {
    case .pass: "\u{1B}[32m\(cell.text)\u{1B}[0m"
    case .fail: "\u{1B}[31m\(cell.text)\u{1B}[0m"
    case nil: cell.text
    }
  }
}

import Support

/// A whole page: one file with nothing to load, for a screen of any width and for paper.
///
/// There is no script but the few lines that sort tables which ask for it; without them all is readable.
package struct Page: Component {
  /// The title.
  package var title: String
  /// One line under the title: what the page is about.
  package var subtitle: String
  /// The answer, in a sentence.
  package var verdict: String
  /// Whether the verdict is good; nil where it is neither.
  package var outcome: Outcome?
  /// The sections.
  package var sections: [Section]
  /// The last line: who made the page, and from what.
  package var footer: String

  /// Creates a page.
  package init(
    title: String, subtitle: String = "", verdict: String, outcome: Outcome? = nil, sections: [Section],
    footer: String = ""
  ) {
    self.title = title
    self.subtitle = subtitle
    self.verdict = verdict
    self.outcome = outcome
    self.sections = sections
    self.footer = footer
  }

  /// The page's file.
  package func render() -> String {
    let content = sections.map { $0.render() }.joined(separator: "\n")
    return """
      <!DOCTYPE html>
      <html xmlns="http://www.w3.org/1999/xhtml" lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <title>\(escaped(title))</title>
      <style>
      \(styleSheet)
      </style>
      </head>
      <body>
      <header>
      <h1>\(escaped(title))</h1>
      \(subtitle.isEmpty ? "" : "<p class=\"subtitle\">\(escaped(subtitle))</p>")
      <p class="verdict\(outcome.map { " \($0.rawValue)" } ?? "")">\(mark(outcome))\(prose(verdict))</p>
      </header>
      <main>
      \(content)
      </main>
      \(footer.isEmpty ? "" : "<footer><p>\(escaped(footer))</p></footer>")\
      \(content.contains(Table.sortableMark) ? "\n" + Table.sorting : "")
      </body>
      </html>

      """
  }
}

/// A part of a page under its own heading.
package struct Section: Component {
  /// The heading.
  package var title: String
  /// What it holds.
  package var components: [any Component]

  /// Creates a section.
  package init(_ title: String, _ components: [any Component]) {
    self.title = title
    self.components = components
  }

  /// The section's markup.
  package func render() -> String {
    let content = components.map { $0.render() }.joined(separator: "\n")
    return "<section>\n<h2>\(escaped(title))</h2>\n\(content)\n</section>"
  }
}

/// A paragraph of text.
package struct Paragraph: Component {
  /// The text.
  package var text: String

  /// Creates a paragraph.
  package init(_ text: String) {
    self.text = text
  }

  /// The paragraph's markup.
  package func render() -> String {
    "<p>\(prose(text))</p>"
  }
}

/// Components side by side, as many as the width allows.
package struct Columns: Component {
  /// The components, in reading order.
  package var components: [any Component]

  /// Creates columns.
  package init(_ components: [any Component]) {
    self.components = components
  }

  /// The columns' markup.
  package func render() -> String {
    "<div class=\"columns\">\n\(components.map { $0.render() }.joined(separator: "\n"))\n</div>"
  }
}

/// Components that a click on a line unfolds, such as a table of many rows; on paper the line alone remains.
package struct Details: Component {
  /// The line: what is folded, and how much of it there is.
  package var summary: String
  /// What is folded.
  package var components: [any Component]

  /// Creates folded components.
  package init(_ summary: String, _ components: [any Component]) {
    self.summary = summary
    self.components = components
  }

  /// The components' markup.
  package func render() -> String {
    let content = components.map { $0.render() }.joined(separator: "\n")
    return "<details>\n<summary>\(escaped(summary))</summary>\n\(content)\n</details>"
  }
}

/// A list of names and what they stand for, such as a page's provenance.
package struct Facts: Component {
  /// The names and their values.
  package var entries: [(name: String, value: String)]

  /// Creates a list.
  package init(_ entries: [(name: String, value: String)]) {
    self.entries = entries
  }

  /// The list's markup.
  package func render() -> String {
    let lines = entries.map { "<dt>\(escaped($0.name))</dt><dd>\(prose($0.value))</dd>" }
    return "<dl>\n\(lines.joined(separator: "\n"))\n</dl>"
  }
}

/// A table with a caption; columns of numbers align to the right.
package struct Table: Component {
  /// A column's heading and what it holds.
  package enum Column: Sendable {
    /// Text.
    case text(String)
    /// Numbers; the heading names their unit.
    case number(String)
  }

  /// A cell.
  package struct Cell: ExpressibleByStringInterpolation, Sendable {
    /// The cell's text.
    package var text: String
    /// What the cell tells of a requirement; nil where there is none.
    package var outcome: Outcome?

    /// Creates a cell.
    package init(_ text: String, outcome: Outcome? = nil) {
      self.text = text
      self.outcome = outcome
    }

    /// Creates a cell that tells of no requirement.
    package init(stringLiteral text: String) {
      self.init(text)
    }
  }

  /// What the table shows.
  package var caption: String
  /// The columns; the first one names the rows.
  package var columns: [Column]
  /// The rows, with a cell a column.
  package var rows: [[Cell]]
  /// A last row under a rule, such as a sum.
  package var total: [Cell]?
  /// Whether a click on a heading sorts the rows by that column.
  package var isSortable = false

  /// Creates a table.
  package init(
    caption: String, columns: [Column], rows: [[Cell]], total: [Cell]? = nil, isSortable: Bool = false
  ) {
    self.caption = caption
    self.isSortable = isSortable
    self.columns = columns
    self.rows = rows
    self.total = total
  }

  /// The table's markup.
  package func render() -> String {
    let headings = columns.map { column in
      switch column {
      case .text(let title): "<th scope=\"col\">\(escaped(title))</th>"
      case .number(let title): "<th scope=\"col\" class=\"number\">\(escaped(title))</th>"
      }
    }
    let foot = total.map { "<tfoot>\n\(render($0))\n</tfoot>\n" } ?? ""
    // On paper a table of many rows may go on with its heading on the next page.
    return """
      <figure\(rows.count > 14 ? " class=\"long\"" : "")>
      <figcaption>\(prose(caption))</figcaption>
      <div class="scroll"><table\(isSortable ? Self.sortableMark : "")>
      <thead><tr>\(headings.joined())</tr></thead>
      <tbody>
      \(rows.map(render).joined(separator: "\n"))
      </tbody>
      \(foot)</table></div>
      </figure>
      """
  }

  /// What tells a table that can be sorted.
  static let sortableMark = " data-sortable=\"\""

  /// Sorts a table's rows by the column whose heading is clicked: by the first number in each cell where all cells
  /// have one, else by their text; a second click turns the order round.
  static let sorting = """
    <script>
    for (const table of document.querySelectorAll("table[data-sortable]"))
      table.querySelectorAll("thead th").forEach((heading, column) => {
        let descends = false;
        heading.tabIndex = 0;
        heading.title = "Sort";
        const sort = () => {
          const body = table.tBodies[0], rows = Array.from(body.rows);
          const text = row => row.cells[column].textContent.trim();
          const number = row => parseFloat(text(row).replaceAll(",", "").replace("\u{2212}", "-").replace(/^[^0-9-]+/, ""));
          const isText = rows.every(row => isNaN(number(row))) || !heading.classList.contains("number");
          const key = row => isNaN(number(row)) ? -Infinity : number(row);
          rows.sort((a, b) => isText ? text(a).localeCompare(text(b)) : key(b) - key(a) || 0);
          if (descends) rows.reverse();
          descends = !descends;
          body.append(...rows);
        };
        heading.onclick = sort;
        heading.onkeydown = event => { if (event.key == "Enter") sort(); };
      });
    </script>
    """

  private func render(_ row: [Cell]) -> String {
    let cells = row.enumerated().map { index, cell in
      let content = mark(cell.outcome) + prose(cell.text)
      if index == 0 { return "<th scope=\"row\">\(content)</th>" }
      if index < columns.count, case .number = columns[index] {
        // A narrow page breaks a number's line before a bracket only.
        let text = escaped(cell.text).replacing(" ", with: "\u{A0}").replacing("\u{A0}(", with: " (")
        return "<td class=\"number\">\(mark(cell.outcome))\(text)</td>"
      }
      return "<td>\(content)</td>"
    }
    return "<tr>\(cells.joined())</tr>"
  }
}

/// A sign that tells pass from fail by its shape, with the word for those who can't see it.
private func mark(_ outcome: Outcome?) -> String {
  switch outcome {
  case .pass: "<span class=\"mark\" role=\"img\" aria-label=\"pass\">✓</span>\u{A0}"
  case .fail: "<span class=\"mark\" role=\"img\" aria-label=\"fail\">✗</span>\u{A0}"
  case nil: ""
  }
}

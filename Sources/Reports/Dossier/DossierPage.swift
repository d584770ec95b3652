import Drawing
import Foundation
import Support

extension Dossier {
  /// The dossier as one self-contained page.
  ///
  /// - Parameter command: The command that made it.
  /// - Returns: The page's HTML.
  package func page(command: String) -> String {
    Page(
      title: "QuantInfer: evidence", subtitle: identity, verdict: sentence,
      outcome: failingClaims.isEmpty && (tests?.failed.isEmpty ?? true)
        ? (tests == nil ? nil : .pass) : .fail,
      sections: [
        Section("What this is", [Paragraph(Self.purpose), Facts(facts(command))]),
        Section("Claims", claimParts),
        Section("Longer checks", [Paragraph(checkSentence), checkTable]),
        Section("What a device needs", [boardTable, Paragraph(Self.counted)]),
      ] + models.map(modelSection) + [
        Section("What it doesn't promise", MarkdownFile.components(notPromised)),
        Section("Software that is not the project's own", [softwareTable]),
        Section("Which part may serve which clause", standardTables),
        Section("Files", [sourceTable]),
      ], footer: Release.footer()
    ).render()
  }

  private static let purpose =
    "A record of what the project claims, and of what holds each claim, made from the files of its folder and from a run of its tests. "
    + "It may serve as an input to somebody's own evidence. It is no statement that anything conforms to a standard."
  private static let counted =
    "Executed instructions under QEMU repeat exactly, and are no cycles. The stack is the most that any function of the C interface took; "
    + "beside it RAM holds state, scratch and a record of 64 bytes. Nothing of a heap is linked."

  private func count(_ state: Claim.State) -> Int { claims.count(where: { $0.state == state }) }

  /// What the claims come to.
  package var sentence: String {
    let whole = "\(count(.holds)) of \(claims.count) claims hold by their tests"
    var parts: [String] = []
    if count(.holdsInPart) > 0 {
      parts.append("\(count(.holdsInPart)) hold as far as their tests ran")
    }
    if count(.notRun) > 0 { parts.append("\(count(.notRun)) had no test that could run") }
    if count(.byCheckAlone) > 0 { parts.append("\(count(.byCheckAlone)) are held by a longer check alone") }
    if count(.untested) > 0 { parts.append("\(count(.untested)) have no test") }
    if failingClaims.isEmpty, let test = tests?.failed.first {
      let count = tests?.failed.count ?? 0
      parts.append("\(count) test\(count == 1 ? "" : "s") of no claim failed, such as \(test)")
    }
    let failing = failingClaims.map(\.id)
    return (failing.isEmpty ? "" : "\(failing.count) fail: \(failing.joined(separator: ", ")). ") + whole
      + parts.map { "; " + $0 }.joined() + "."
  }

  private var identity: String {
    "Version \(version)" + (commit.map { ", commit \($0.commit) of \($0.day)" } ?? "")
      + (hasUncommittedChanges ? " with changes that are not committed" : "") + ", made on \(day)"
  }

  private func facts(_ command: String) -> [(name: String, value: String)] {
    let run =
      tests.map {
        "\(Numbers.integer($0.passed)) passed, \($0.failed.count) failed, \(Numbers.integer($0.skipped)) left out for want of data, tools or time"
      } ?? "none was given: `make evidence` runs them"
    var facts = [(name: "Tests", value: run)]
    if let tests { facts.append((name: "Their events", value: "SHA-256 `\(tests.sha256)`")) }
    return facts + [(name: "Made by", value: "`\(command)`")]
  }

  private var claimParts: [any Component] {
    let tested = claims.filter { $0.state != .untested }
    let untested = claims.filter { $0.state == .untested }
    var parts: [any Component] = [
      Table(
        caption: "Each claim, and how it stands after this run",
        columns: [
          .text("claim"), .text("what is claimed"), .text("stands"), .text("held against"), .number("tests"),
        ],
        rows: tested.map { claim in
          let outcome: Outcome? = claim.state == .fails ? .fail : claim.state == .holds ? .pass : nil
          let passed = claim.tests.count(where: { $0.outcome == .passed })
          return [
            Table.Cell(claim.id), Table.Cell(claim.statement),
            Table.Cell(claim.state.words, outcome: outcome),
            Table.Cell(claim.by + claim.checks.map { "; check \($0)" }.joined()),
            Table.Cell(claim.tests.isEmpty ? "-" : "\(passed) of \(claim.tests.count)"),
          ]
        })
    ]
    if !untested.isEmpty {
      parts.append(
        Table(
          caption: "Without a test: what could be taken for granted, and isn't",
          columns: [.text("claim"), .text("what is not shown"), .text("why there is no test")],
          rows: untested.map { claim in
            [claim.id, claim.statement, claim.by.replacing(#/^none: /#, with: "")].map { Table.Cell($0) }
          }))
    }
    parts.append(
      Details(
        "The tests by name",
        [
          Facts(
            tested.map { claim in
              (
                claim.id,
                claim.tests.map { "`\($0.name)` \($0.outcome?.rawValue ?? "not run")" }.joined(
                  separator: ", ")
              )
            })
        ]))
    return parts
  }

  /// What the longer checks come to, by name where one hasn't passed.
  package var checkSentence: String {
    func named(_ words: String, _ isMeant: (Check) -> Bool) -> String {
      let names = checks.filter(isMeant).map(\.name)
      return names.isEmpty ? "" : "; \(names.count) \(words): \(names.joined(separator: ", "))"
    }
    return
      "\(checks.count { $0.result == "passed" }) of \(checks.count) longer checks passed when they last ran"
      + named("failed") { $0.result == "FAILED" }
      + named("ended otherwise") { $0.day != nil && !["passed", "FAILED"].contains($0.result) }
      + named("have not run on any commit that is noted here") { $0.day == nil } + "."
  }

  private var checkTable: Table {
    Table(
      caption:
        "What takes longer than the tests (`make check-all`), as it was found last; a commit with + had changes",
      columns: [
        .text("check"), .text("what it shows"), .number("last run"), .text("commit"), .text("found"),
      ],
      rows: checks.map { check in
        let outcome: Outcome? = check.result == "passed" ? .pass : check.result == "FAILED" ? .fail : nil
        return [
          Table.Cell(check.name), Table.Cell(check.shows), Table.Cell(check.day ?? "never", outcome: outcome),
          Table.Cell(check.commit), Table.Cell(check.figures),
        ]
      })
  }

  private var boardTable: Table {
    let day = sources.first { $0.path == "Firmware/results.json" }?.lastChange?.day
    return Table(
      caption: "Measured on emulated boards with `ecg-beats`" + (day.map { ", \($0)" } ?? "")
        + ": bytes, and executed instructions",
      columns: [
        .text("board"), .number("code"), .number("stack"), .number("state"), .number("scratch"),
        .number("a sample"),
        .number("a decision"),
      ],
      rows: boards.map { board in
        [Table.Cell(board.board)]
          + [
            board.example.codeBytes, board.example.stackBytes, board.stateBytes, board.streamingScratchBytes,
            board.sampleInstructions, board.decisionInstructions,
          ].map { Table.Cell(Numbers.integer($0)) }
      })
  }

  private func modelSection(_ model: DossierModel) -> Section {
    let origin = model.provenance.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(
      separator: "; ")
    let sizes = model.memory.sorted { $0.key < $1.key }.map { name, bytes in
      "\(name.replacing("Bytes", with: "")) \(Numbers.integer(bytes)) B"
    }.joined(separator: ", ")
    let worst = model.verdicts.first { $0.profile == "pacemaker" }.map {
      "; on the pacemaker " + $0.worstCase
    }
    var parts: [any Component] = [
      Facts([
        ("Image", "format \(model.formatVersion), CRC-32 \(model.checksum), digest `\(model.digest)`"),
        ("Memory", sizes),
        (
          "Worst case",
          "\(Numbers.integer(model.workPerDecision)) steps from one sample to the next\(worst ?? "")"
        ),
        ("Made of", origin),
      ]),
      Columns([scoreTable(model), verdictTable(model)]),
    ]
    if !model.commands.isEmpty { parts.append(Paragraph("From data to image:")) }
    for command in model.commands { parts.append(Paragraph("`\(command)`")) }
    for (title, lines) in model.card.sorted(by: { $0.key < $1.key }) {
      let card = MarkdownFile.components(lines)
      // What a model isn't fit for stands on paper too.
      parts +=
        title == "Limits"
        ? [Paragraph("\(title), as its card has it:")] + card
        : [Details("\(title), as its card has it", card)]
    }
    return Section("Model \(model.name)", parts)
  }

  private func scoreTable(_ model: DossierModel) -> Table {
    Table(
      caption: "Accuracy, with intervals of 95 %", columns: [.text("figure"), .number("value")],
      rows: model.scores.map { [Table.Cell($0.name), Table.Cell($0.text)] })
  }

  private func verdictTable(_ model: DossierModel) -> Table {
    Table(
      caption: "Whether a device carries it, by estimate",
      columns: [.text("profile"), .text("verdict"), .text("fails")],
      rows: model.verdicts.map { verdict in
        [
          Table.Cell(verdict.profile), Table.Cell(verdict.mode, outcome: verdict.outcome),
          Table.Cell(verdict.failing.isEmpty ? "-" : verdict.failing.joined(separator: ", ")),
        ]
      })
  }

  private var softwareTable: Table {
    Table(
      caption: "By SPDX; the runtime in a device has none of it but parts of Swift's standard library",
      columns: [.text("package"), .text("version"), .text("licence"), .text("use")],
      rows: software.packages.map {
        [$0.name, $0.versionInfo, $0.licenseConcluded, $0.comment].map { Table.Cell($0) }
      })
  }

  private var standardTables: [any Component] {
    let note =
      "The project's reading, to be compared with the texts. No part conforms to anything by being listed here."
    let tables = ["IEC 62304 clause", "FDA cybersecurity section"].map { title in
      let columns = [title, "asks for", "what may serve as an input", "where"]
      return Table(
        caption: "", columns: columns.map { .text($0) },
        rows: standards.filter { $0[title] != nil }.map { row in
          columns.map { Table.Cell(MarkdownFile.plain(row[$0] ?? "")) }
        })
    }
    return [Paragraph(note)] + (tables as [any Component])
  }

  private var sourceTable: Table {
    Table(
      caption: "What all this was made from",
      columns: [.text("file"), .text("SHA-256"), .text("last changed")],
      rows: sources.map {
        [
          Table.Cell($0.path), Table.Cell("`\($0.sha256)`"),
          Table.Cell($0.lastChange.map { "\($0.day), \($0.commit)" } ?? "unknown"),
        ]
      })
  }
}

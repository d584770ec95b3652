import Drawing
import Evaluation
import Foundation
import HostDevice
import Support

/// The report of a float network from another program: what choices of integers keep of it, and what they take.
package struct FloatNetworkReport: Codable, Sendable {
  /// The format's version.
  package var formatVersion = 1
  /// The version of the program that made it.
  package var program = Release.version
  /// The float network's file.
  package var model: String
  /// The samples.
  package var samples: Int
  /// What was tried.
  package var sweep: FloatSweep
  /// What is wrong with the recommended one's layers, in words.
  package var findings: [String]
  /// What it means, in sentences.
  package var summary: [String] = []

  /// Tries choices of integers.
  ///
  /// - Throws: `FileError` where a file is wrong, or the network can't be in integers.
  package init(
    _ source: FloatNetworkSource, rule: FloatSweep.Rule, profiles: [String], decisionsPerMinute: Double?,
    progress: ProgressHandler
  ) throws(FileError) {
    var judged: [DeviceProfile] = []
    for profile in profiles { judged.append(try DeviceProfile.load(profile)) }
    sweep = try FloatSweep(
      source, rule: rule, profiles: judged, decisionsPerMinute: decisionsPerMinute, progress: progress)
    (model, samples) = ((source.file as NSString).lastPathComponent, source.sampleCount)
    findings = sweep.layers.compactMap(\.finding)
    sumUp()
  }

  private mutating func sumUp() {
    if let index = sweep.recommended, let cost = sweep.points[index].cost {
      let point = sweep.points[index]
      summary.append(
        "For \(model), \"\(point.name)\" is recommended: \(sweep.reason). It decides as float on "
          + "\(Numbers.percent(point.agreement)) of \(Numbers.integer(samples)) samples, with an error of the outputs of "
          + "\(Numbers.decimal(point.outputError, places: 4)) in the root mean square.")
      if let accuracy = point.accuracy, let float = sweep.floatAccuracy {
        summary.append(
          "\(Numbers.percent(accuracy)) of the labels are right, in float \(Numbers.percent(float)).")
      }
      summary.append(
        "It takes \(Numbers.bytes(cost.flashBytes)) of flash, \(Numbers.bytes(cost.ramBytes)) of RAM and "
          + "\(Numbers.integer(cost.macsPerDecision)) MAC a decision.")
    } else {
      summary.append("No choice of integers can be recommended for \(model): \(sweep.reason).")
    }
    if let problem = sweep.layersProblem {
      summary.append("Layers aren't compared: \(problem).")
    } else if sweep.recommended != nil {
      summary.append(
        findings.first.map { "The first layer that goes wrong: \($0)." }
          ?? "No layer adds more error than its codes must.")
    }
  }

  /// The titles of a choice's figures.
  package static let titles = ["same class", "output error", "right", "flash", "RAM", "MAC"]

  /// The choices' names and figures.
  package var rows: [(name: String, cells: [String])] {
    sweep.points.enumerated().map { index, point in
      guard let cost = point.cost else {
        return (point.name, ["can't be"] + Self.titles.dropFirst().map { _ in "" })
      }
      return (
        point.name + (index == sweep.recommended ? " *" : ""),
        [
          Numbers.percent(point.agreement), Numbers.decimal(point.outputError, places: 4),
          point.accuracy.map { Numbers.percent($0) } ?? "-", Numbers.bytes(cost.flashBytes),
          Numbers.bytes(cost.ramBytes), Numbers.integer(cost.macsPerDecision),
        ]
      )
    }
  }

  /// The report as a page, from its own numbers alone.
  package func page() -> String {
    let problems = sweep.points.compactMap { point in point.problem.map { "\(point.name): \($0)." } }
    var sections = [
      Section("Summary", summary.map { Paragraph($0) }),
      Section(
        "Choices of integers",
        [
          Table(
            caption: "Each ran on all samples; * is recommended",
            columns: [.text("choice")] + Self.titles.map { .number($0) },
            rows: rows.map { row in ([row.name] + row.cells).map { Table.Cell($0) } }, isSortable: true),
          BarChart(
            title: "Error of the outputs, in the root mean square",
            bars: sweep.points.filter { $0.cost != nil }.map {
              .init($0.name, $0.outputError, text: Numbers.decimal($0.outputError, places: 4))
            }),
        ] + problems.map { Paragraph($0) }),
    ]
    if !sweep.layers.isEmpty {
      sections.append(
        Section(
          "Layers of the recommended one",
          [
            Table(
              caption: "Layers",
              columns: [.text(QuantizationReport.layerTitles[0])]
                + QuantizationReport.layerTitles.dropFirst().map { .number($0) },
              rows: sweep.layers.map { QuantizationReport.layerCells($0).map { Table.Cell($0) } },
              isSortable: true)
          ] + findings.map { Paragraph($0 + ".") }))
    }
    return Page(
      title: "\(model) in integers", subtitle: "On \(Numbers.integer(samples)) samples", verdict: summary[0],
      outcome: sweep.recommended != nil && findings.isEmpty ? .pass : .fail, sections: sections,
      footer: Release.footer(version: program)
    ).render()
  }

  /// Writes `report.json`, `report.html`, `report.md`, `layers.csv` and the recommended image into a folder.
  ///
  /// - Throws: `FileError` where one can't be written; `EncodingError`, which no report causes.
  package func write(to folder: String) throws {
    try Files.write(try JSON.data(self), to: folder + "/report.json")
    try Files.write(page(), to: folder + "/report.html")
    var text = "# \(model) in integers\n\n" + summary.map { "- \($0)\n" }.joined() + "\n"
    let titles = ["choice"] + Self.titles
    for row in [titles, titles.map { _ in "---" }] + rows.map({ [$0.name] + $0.cells }) {
      text += "| " + row.joined(separator: " | ") + " |\n"
    }
    try Files.write(text, to: folder + "/report.md")
    try Files.write(QuantizationReport.csv(of: [(model, sweep.layers)]), to: folder + "/layers.csv")
    if !sweep.image.isEmpty { try Files.write(Data(sweep.image), to: folder + "/recommended.qinf") }
  }
}

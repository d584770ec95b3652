import Drawing
import Evaluation
import Foundation
import Metrics
import Support

/// Two reports over the same beats, point by point, with the significance of each difference.
package struct ReportComparison: Codable, Sendable {
  /// A point that both reports have.
  package struct Row: Codable, Equatable, Sendable {
    /// The point's name.
    package var name: String
    /// Macro F1 in the first report.
    package var first: Double
    /// Macro F1 in the second.
    package var second: Double
    /// The second less the first, with the interval of draws of patients and McNemar's p.
    package var difference: DifferenceFigures
    /// The beats that only the first network got right.
    package var onlyFirstRight: Int
    /// The beats that only the second got right.
    package var onlySecondRight: Int
    /// McNemar's p, times as many as it must be for all points together (Holm).
    package var adjustedPValue: Double
    /// Whether accuracy differs: the adjusted p is below 0.05.
    package var isAccuracyDifferent: Bool
    /// Whether macro F1 differs: the interval leaves 0 out.
    package var isMacroF1Different: Bool
    /// The second image's size less the first's, in bytes.
    package var flashBytes: Int
    /// The RAM likewise.
    package var ramBytes: Int
  }

  /// The first report's checkpoint.
  package var firstCheckpoint: String
  /// The second's.
  package var secondCheckpoint: String
  /// The beats compared.
  package var beats: Int
  /// The points of both.
  package var rows: [Row]
  /// The points that only the first has.
  package var onlyFirst: [String]
  /// The points that only the second has.
  package var onlySecond: [String]

  /// Compares two reports.
  ///
  /// - Parameters:
  ///   - first: The one to compare with.
  ///   - second: The other.
  ///   - files: What they are called in errors.
  ///   - seed: The seed of the draws of patients.
  /// - Throws: `FileError` where they are not over the same beats, or have no point in common.
  package init(
    _ first: QuantizationReport, _ second: QuantizationReport, files: (first: String, second: String),
    seed: UInt64 = 1
  ) throws(FileError) {
    guard first.labels == second.labels, first.classNames == second.classNames else {
      throw .malformed(
        files.second, "is over other beats than \(files.first)", remedy: "make both over the same records")
    }
    (firstCheckpoint, secondCheckpoint) = (first.checkpoint, second.checkpoint)
    let labels = first.labels.flatMap { Digits.classes($0.classes).map { $0 ?? 0 } }
    let patients = first.labels.flatMap { record in record.classes.map { _ in record.patient } }
    beats = labels.count
    let classCount = first.classNames.count
    guard labels.allSatisfy({ (0..<classCount).contains($0) }) else {
      throw .malformed(files.first, "has labels of other classes", remedy: "make the report again")
    }
    onlyFirst = first.points.map(\.point.name).filter { second.point($0) == nil }
    onlySecond = second.points.map(\.point.name).filter { first.point($0) == nil }
    rows = []
    for point in first.points {
      guard let other = second.point(point.point.name) else { continue }
      let (a, b) = (first.decisions(of: point), second.decisions(of: other))
      guard a.count == labels.count, b.count == labels.count,
        (a + b).allSatisfy({ $0.map { (0..<classCount).contains($0) } ?? true })
      else {
        throw .malformed(
          files.second, "has decisions that don't fit its beats", remedy: "make the report again")
      }
      let both = labels.indices.compactMap { beat in
        a[beat].flatMap { a in b[beat].map { (beat: beat, first: a, second: $0) } }
      }
      let test = McNemarTest(
        onlyFirstRight: both.count { $0.first == labels[$0.beat] && $0.second != labels[$0.beat] },
        onlySecondRight: both.count { $0.first != labels[$0.beat] && $0.second == labels[$0.beat] })
      let matrices = PatientMatrices(
        both.map { ($0.beat, $0.first) }, both.map { ($0.beat, $0.second) }, labels: labels,
        patients: patients,
        classNames: first.classNames)
      var difference = matrices.difference(seed: seed)
      difference.pValue = test.pValue
      let interval = difference.interval
      rows.append(
        Row(
          name: point.point.name, first: point.macroF1, second: other.macroF1, difference: difference,
          onlyFirstRight: test.onlyFirstRight, onlySecondRight: test.onlySecondRight,
          adjustedPValue: test.pValue,
          isAccuracyDifferent: false,
          isMacroF1Different: interval.map { $0.lower > 0 || $0.upper < 0 } ?? false,
          flashBytes: other.cost.flashBytes - point.cost.flashBytes,
          ramBytes: other.cost.ramBytes - point.cost.ramBytes))
    }
    guard !rows.isEmpty else {
      throw .malformed(
        files.second, "has no point of a name that \(files.first) has",
        remedy: "make both with the same sweep")
    }
    // Holm: the least p counts as often as there are points, the next once less, and none less than one before it.
    var greatest = 0.0
    let pValues = rows.map(\.adjustedPValue)
    for (rank, index) in pValues.indices.sorted(by: { (pValues[$0], $0) < (pValues[$1], $1) }).enumerated() {
      greatest = max(greatest, min(1, rows[index].adjustedPValue * Double(rows.count - rank)))
      rows[index].adjustedPValue = greatest
      rows[index].isAccuracyDifferent = greatest < 0.05
    }
  }

  /// What differs, in a sentence.
  package var sentence: String {
    let better = rows.filter { $0.isMacroF1Different && $0.difference.value > 0 }
    let worse = rows.filter { $0.isMacroF1Different && $0.difference.value < 0 }
    let accurate = rows.count(where: \.isAccuracyDifferent)
    return
      "Of \(rows.count) points in both reports the second's macro F1 is better in \(better.count) and worse in "
      + "\(worse.count) by more than draws of patients explain; accuracy differs in \(accurate) by McNemar's test, "
      + "adjusted for \(rows.count) comparisons."
  }

  /// The titles of the table's columns.
  package static let titles = [
    "first (%)", "second (%)", "difference (points)", "95 % interval", "only first right",
    "only second right",
    "adjusted p", "flash (B)", "RAM (B)", "differs in",
  ]

  /// The table's rows as text.
  package var cells: [(name: String, cells: [String])] {
    rows.map { row in
      let interval = row.difference.interval
      let differs = [row.isMacroF1Different ? "macro F1" : nil, row.isAccuracyDifferent ? "accuracy" : nil]
      return (
        row.name,
        [
          Numbers.decimal(100 * row.first, places: 2), Numbers.decimal(100 * row.second, places: 2),
          QuantizationReport.points(row.difference.value),
          interval?.text(QuantizationReport.points) ?? "-",
          Numbers.integer(row.onlyFirstRight), Numbers.integer(row.onlySecondRight),
          QuantizationReport.probability(row.adjustedPValue), Numbers.integer(row.flashBytes),
          Numbers.integer(row.ramBytes),
          differs.contains { $0 != nil } ? differs.compactMap(\.self).joined(separator: ", ") : "nothing",
        ]
      )
    }
  }

  /// The comparison as a page.
  package func page() -> String {
    let missing = [("the first", onlyFirst), ("the second", onlySecond)].filter { !$0.1.isEmpty }.map {
      "Only \($0.0) report has: \($0.1.joined(separator: ", "))."
    }
    return Page(
      title: "\(firstCheckpoint) and \(secondCheckpoint) compared",
      subtitle: "\(Numbers.integer(beats)) beats", verdict: sentence,
      sections: [
        Section(
          "Points",
          [
            Table(
              caption: "The second report less the first",
              columns: [.text("point")] + Self.titles.map { .number($0) },
              rows: cells.map { row in ([row.name] + row.cells).map { Table.Cell($0) } }, isSortable: true),
            Paragraph(
              "The interval holds 95 % of 1,000 draws of whole patients for both at once; p is McNemar's exact test on the "
                + "same beats, adjusted by Holm's method for all points."),
          ] + missing.map { Paragraph($0) })
      ],
      footer: Release.footer()
    ).render()
  }
}

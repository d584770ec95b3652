import Evaluation
import Foundation
import Support

extension QuantizationReport {
  /// The columns of the points' table: titles, and a point's values as numbers; nil for what isn't there.
  var pointColumns: [(title: String, value: (PointFigures) -> Double?)] {
    var columns: [(title: String, value: (PointFigures) -> Double?)] = [
      ("macroF1", { $0.macroF1 }), ("macroF1Difference", { $0.macroF1Loss.value }),
      ("macroF1DifferenceLower", { $0.macroF1Loss.interval?.lower }),
      ("macroF1DifferenceUpper", { $0.macroF1Loss.interval?.upper }), ("mcnemarP", { $0.macroF1Loss.pValue }),
      ("accuracy", { $0.accuracy.accuracy }), ("agreement", { $0.agreement.top1 }),
      ("meanLogitError", { $0.agreement.meanLogitError }), ("logitError999", { $0.agreement.logitError999 }),
      ("maxLogitError", { $0.agreement.maxLogitError }), ("flashBytes", { Double($0.cost.flashBytes) }),
      ("weightBytes", { Double($0.cost.weightBytes) }), ("ramBytes", { Double($0.cost.ramBytes) }),
      ("macsPerWindow", { Double($0.cost.macsPerWindow) }),
      ("macsPerDecision", { Double($0.cost.macsPerDecision) }),
    ]
    for (index, name) in classNames.enumerated() {
      columns.append(("f1 \(name)", { $0.accuracy.classes[index].f1 }))
      columns.append(("f1Lower \(name)", { $0.accuracy.classes[index].f1Interval?.lower }))
      columns.append(("f1Upper \(name)", { $0.accuracy.classes[index].f1Interval?.upper }))
      columns.append(("sensitivity \(name)", { $0.accuracy.classes[index].sensitivity }))
      columns.append(("positivePredictivity \(name)", { $0.accuracy.classes[index].positivePredictivity }))
    }
    for (index, device) in (points.first?.cost.devices ?? []).enumerated() {
      columns.append(
        (
          "microcoulombsPerDecision \(device.profile)",
          { $0.cost.devices[index].chargePerDecisionMicrocoulombs }
        ))
      columns.append(("batteryMonths \(device.profile)", { $0.cost.devices[index].batteryMonths }))
      columns.append(("monthsLost \(device.profile)", { $0.cost.devices[index].monthsLost }))
    }
    return columns
  }

  /// The points as CSV, a row a point, at full precision.
  package var csv: String {
    func quoted(_ text: String) -> String {
      text.contains { ",\"\n".contains($0) } ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }
    let columns = pointColumns
    let header = ["point", "group", "source", "image"] + columns.map(\.title)
    let rows = points.map { point in
      [point.point.name, point.point.group, point.source, point.imageChecksum].map(quoted)
        + columns.map { column in column.value(point).map { "\($0)" } ?? "" }
    }
    return ([header.map(quoted)] + rows).map { $0.joined(separator: ",") }.joined(separator: "\n") + "\n"
  }

  /// The layers as CSV, a row a layer of a point.
  package var layerCSV: String { Self.csv(of: points.map { ($0.point.name, $0.layers) }) }

  static func csv(of models: [(name: String, layers: [LayerFigures])]) -> String {
    func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
    let header =
      "point,layer,kind,snrDecibels,ownSNRDecibels,cosine,errorMean,errorDeviation,saturatedShare,usedCodes,codeCount,"
      + "worstChannel,worstChannelDecibels,aloneFloatLogitError,aloneIntegerLogitError,aloneFloatFlips,aloneIntegerFlips,"
      + "differingShare,largestStep,ownDifferingShare,ownLargestStep"
    let rows = models.flatMap { model in
      model.layers.map { layer in
        [
          "\"\(model.name.replacing("\"", with: "\"\""))\"", "\"\(layer.name)\"", layer.kind,
          text(layer.snrDecibels), text(layer.ownSNRDecibels), text(layer.cosine), "\(layer.errorMean)",
          "\(layer.errorDeviation)", "\(layer.saturatedShare)", "\(layer.usedCodes)", "\(layer.codeCount)",
          "\(layer.worstChannel)", text(layer.worstChannelDecibels), text(layer.aloneFloat?.logitError),
          text(layer.aloneInteger?.logitError), text(layer.aloneFloat?.flips),
          text(layer.aloneInteger?.flips), text(layer.differences?.share),
          layer.differences.map { "\($0.largestStep)" } ?? "", text(layer.ownDifferences?.share),
          layer.ownDifferences.map { "\($0.largestStep)" } ?? "",
        ].joined(separator: ",")
      }
    }
    return ([header] + rows).joined(separator: "\n") + "\n"
  }

  /// The report as Markdown: the summary and the points.
  package var markdown: String {
    func row(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
    }
    var text = "# Quantization of \(checkpoint)\n\n"
    for sentence in summary { text += "- \(sentence)\n" }
    text += "\n" + row(accuracyTitles) + row(accuracyTitles.map { _ in "---" })
    for point in points { text += row(accuracyCells(point)) }
    text += "\n" + row(costTitles) + row(costTitles.map { _ in "---" })
    for point in points { text += row(costCells(point)) }
    let ill = points.filter { !$0.findings.isEmpty }
    if !ill.isEmpty {
      text += "\n"
      for point in ill { text += "- **\(point.point.name)**: \(point.findings.joined(separator: "; "))\n" }
    }
    return text
  }

  var accuracyTitles: [String] {
    [
      "point", "macro F1 (%)", "less float (points)", "95 % interval", "McNemar p", "agreement (%)", "mean",
      "99.9 %", "max",
    ]
  }

  func accuracyCells(_ point: PointFigures) -> [String] {
    let interval = point.macroF1Loss.interval
    return [
      point.point.name, Numbers.decimal(100 * point.macroF1, places: 2), Self.points(point.macroF1Loss.value),
      interval?.text(Self.points) ?? "-",
      point.macroF1Loss.pValue.map(Self.probability) ?? "-",
      Numbers.decimal(100 * point.agreement.top1, places: 2),
      Numbers.decimal(point.agreement.meanLogitError, places: 3),
      Numbers.decimal(point.agreement.logitError999, places: 2),
      Numbers.decimal(point.agreement.maxLogitError, places: 2),
    ]
  }

  static func probability(_ value: Double) -> String {
    value < 0.001 ? "<0.001" : Numbers.decimal(value, places: 3)
  }

  var costTitles: [String] {
    ["point", "flash (B)", "RAM (B)", "MAC a decision"]
      + (points.first?.cost.devices ?? []).flatMap { device in
        (device.chargePerDecisionMicrocoulombs == nil ? [] : ["\(device.profile) (uC a decision)"])
          + (device.batteryMonths == nil ? [] : ["\(device.profile) (months left)", "(months lost)"])
      }
  }

  func costCells(_ point: PointFigures) -> [String] {
    [
      point.point.name, Numbers.integer(point.cost.flashBytes), Numbers.integer(point.cost.ramBytes),
      Numbers.integer(point.cost.macsPerDecision),
    ]
      + point.cost.devices.flatMap { device in
        (device.chargePerDecisionMicrocoulombs.map { [Numbers.decimal($0, places: 2)] } ?? [])
          + (device.batteryMonths.map {
            [Numbers.decimal($0, places: 2), device.monthsLost.map { Numbers.decimal($0, places: 2) } ?? "-"]
          } ?? [])
      }
  }
}

extension QuantizationReport {
  /// The columns of the summary on a terminal.
  package static let terminalColumns = [
    "macro F1", "less float", "agreement", "flash", "RAM", "uC a decision",
  ]

  /// The points as rows of a summary on a terminal.
  package var terminalRows: [(name: String, cells: [String])] {
    points.map { point in
      (
        point.point.name,
        [
          Numbers.percent(point.macroF1), Self.points(point.macroF1Loss.value),
          Numbers.percent(point.agreement.top1),
          Numbers.bytes(point.cost.flashBytes), Numbers.bytes(point.cost.ramBytes),
          point.cost.devices.compactMap(\.chargePerDecisionMicrocoulombs).first.map {
            Numbers.decimal($0, places: 2)
          } ?? "-",
        ]
      )
    }
  }

  /// Writes `report.json`, `report.html`, `report.md`, `points.csv` and `layers.csv` into a folder.
  ///
  /// - Throws: `FileError` where one can't be written; `EncodingError`, which no report causes.
  package func write(to folder: String) throws {
    try Files.write(try JSON.data(self), to: folder + "/report.json")
    try Files.write(page(), to: folder + "/report.html")
    try Files.write(markdown, to: folder + "/report.md")
    try Files.write(csv, to: folder + "/points.csv")
    try Files.write(layerCSV, to: folder + "/layers.csv")
  }
}

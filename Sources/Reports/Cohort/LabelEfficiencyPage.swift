import Cohort
import Drawing
import Foundation
import Support

extension LabelEfficiency {
  /// The answer, in a few sentences, by the differences' intervals.
  package var verdict: String {
    func sizes(_ effect: Wording.Effect) -> [Int] {
      points.filter { point in
        point.transferLess.first { $0.method == TransferMethods.Name.scratch }.map {
          Wording.Effect($0.interval) == effect
        } ?? false
      }.map(\.patients)
    }
    func list(_ sizes: [Int]) -> String {
      sizes.map(String.init).joined(separator: ", ") + " patients"
    }
    let (better, worse, undecided) = (sizes(.better), sizes(.worse), sizes(.undecided))
    var sentences: [String] = []
    if !better.isEmpty { sentences.append("Transfer beats learning from scratch with \(list(better)).") }
    if !worse.isEmpty {
      sentences.append("Transfer is worse than learning from scratch with \(list(worse)).")
    }
    if !undecided.isEmpty {
      sentences.append(
        "Transfer is not shown to help against learning from scratch with \(list(undecided)): the interval holds 0."
      )
    }
    let others = Set(points.flatMap { $0.transferLess.map(\.method) }).subtracting([
      TransferMethods.Name.scratch
    ])
    for other in others.sorted() {
      let beaten = points.filter { point in
        point.transferLess.contains { $0.method == other && Wording.Effect($0.interval) == .better }
      }.map(\.patients)
      let beating = points.filter { point in
        point.transferLess.contains { $0.method == other && Wording.Effect($0.interval) == .worse }
      }.map(\.patients)
      var parts: [String] = []
      if !beaten.isEmpty { parts.append("it beats it with \(list(beaten))") }
      if !beating.isEmpty { parts.append("is worse with \(list(beating))") }
      sentences.append(
        "Against '\(other)': "
          + (parts.isEmpty ? "no difference is shown." : parts.joined(separator: ", ") + "."))
    }
    return sentences.joined(separator: " ")
  }

  /// The curve as one self-contained page.
  ///
  /// - Parameters:
  ///   - source: The network that was transferred: its file, and what it is.
  ///   - command: The command that made it.
  /// - Returns: The page's HTML.
  package func page(source: String, command: String) -> String {
    Page(
      title: (isSynthetic ? "Synthetic cohorts: " : "") + "How many labelled patients a network needs",
      subtitle: data, verdict: (isSynthetic ? Wording.synthetic + " " : "") + verdict,
      sections: [
        Section("AUC by the number of patients", [curve, table]),
        Section("What transfer adds", points.map(differences) + [Paragraph(note)]),
        Section(
          "Provenance",
          [Facts([("data", data), ("network", source), ("repeats", "\(repeats)"), ("command", command)])]),
      ],
      footer: Release.footer()
    ).render()
  }

  private var methods: [String] { points.first?.auc.map(\.method) ?? [] }

  private var curve: LineChart {
    LineChart(
      title: "AUC on \(testPatients) other patients,",
      explanation: "mean of \(repeats) repeats with 95 % intervals",
      series: methods.map { name in
        let means = points.compactMap { point in
          point.auc.first { $0.method == name }.map { (patients: point.patients, mean: $0) }
        }
        var series = LineChart.Series(name, means.map(\.mean.mean), at: means.map { Double($0.patients) })
        series.intervals = means.map { $0.mean.interval?.closedRange }
        return series
      }, horizontalUnit: "patients learnt from", verticalUnit: "AUC", height: 320)
  }

  private var table: Table {
    Table(
      caption: "The same in numbers",
      columns: [.text("method")] + points.map { .number("\($0.patients) patients") },
      rows: methods.map { name in
        [Table.Cell(name)]
          + points.map { point in
            guard let mean = point.auc.first(where: { $0.method == name }) else { return "–" }
            let range = mean.interval.map { " (\($0.text(places: 2)))" }
            return Table.Cell(Numbers.decimal(mean.mean, places: 3) + (range ?? ""))
          }
      })
  }

  private func differences(_ point: Point) -> any Component {
    IntervalChart(
      title: "\(point.patients) patients: the transfer's AUC less the other's,",
      explanation: "mean of \(repeats) paired repeats with 95 % interval. \(point.transfer)",
      rows: point.transferLess.map { mean in
        IntervalChart.Row(
          "against " + mean.method, mean.mean, interval: mean.interval?.closedRange,
          text: Wording.difference(mean.mean, mean.interval))
      }, references: [.init(0, "no difference")], range: -0.35...0.35)
  }

  private var note: String {
    (isIndependent
      ? "Each repeat has a cohort of its own, so the repeats are independent. "
      : "The repeats divide the same patients, so their results resemble each other; the intervals allow for that (Nadeau and "
        + "Bengio 2003). ")
      + "'\(TransferMethods.Name.scratch)' learns all layers from random weights in \(options.steps) steps; "
      + "'\(TransferMethods.Name.untrained)' has the transfer's recipe on random layers. That transfer helps or doesn't is said "
      + "by the interval of the paired difference alone."
  }
}

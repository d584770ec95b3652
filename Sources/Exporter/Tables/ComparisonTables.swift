import CommandSupport
import Evaluation
import Metrics
import Support

extension BeatByBeat {
  /// The matrix: a class of the reference a row.
  var matrixTable: SummaryTable {
    var table = SummaryTable(columns: Self.columnNames, alignment: .right)
    for (name, counts) in zip(Self.rowNames, counts) {
      let isBeat = counts.count == Self.columnNames.count && name != "O" && name != "X"
      // What is no beat can't be missed.
      table.add(name, counts.prefix(counts.count - (isBeat ? 0 : 1)).map { Numbers.integer($0) })
    }
    return table
  }
}

extension BeatByBeatSummary {
  /// The gross figures and the records' means: a kind of beat a row.
  var figureTable: SummaryTable {
    var table = SummaryTable(
      columns: ["TP", "FN", "FP", "Se", "+P", "FPR", "mean Se", "mean +P", "mean FPR"], alignment: .right)
    for (name, gross, mean) in [
      ("beats", gross.detection, average.qrs), ("VEB", gross.ventricular, average.veb),
      ("SVEB", gross.supraventricular, average.sveb),
    ] {
      let rate = gross.trueNegatives == nil ? "" : rateText(gross.falsePositiveRate)
      table.add(
        name, Numbers.integer(gross.truePositives), Numbers.integer(gross.falseNegatives),
        Numbers.integer(gross.falsePositives), shareText(gross.sensitivity),
        shareText(gross.positivePredictivity), rate, shareText(mean.sensitivity),
        shareText(mean.positivePredictivity),
        gross.trueNegatives == nil ? "" : rateText(mean.falsePositiveRate))
    }
    return table
  }
}

extension EC57Evaluation {
  /// What was compared, a line or two.
  var title: String {
    let gross = int8.gross.detection
    let beats = gross.truePositives + gross.falseNegatives
    let warning = includesTrainingBeats ? "; some of them are the network's training records" : ""
    let paced =
      pacedRecords.isEmpty ? "" : "\nLeft out for paced beats: \(pacedRecords.joined(separator: ", "))"
    return
      "Task \(task), trained on split \(split): the device's own beats against \(Numbers.integer(beats)) of "
      + "\(perRecord.count) record\(perRecord.count == 1 ? "" : "s") (\(records)), "
      + "\(leadsText(perRecord.map(\.lead))), \(leftOutText(learningSeconds: learningSeconds))\(warning)"
      + "\(hasRhythmPrior ? "; decided with their RR intervals" : "")\(paced)\n"
  }

  /// The twins' figures.
  var summaries: [(title: String, summary: BeatByBeatSummary)] {
    [("int8", int8)] + (float.map { [("float", $0)] } ?? [])
  }

  /// A record a row.
  var recordTable: SummaryTable {
    var table = SummaryTable(
      columns: ["beats", "Se", "+P", "VEB", "Se", "+P", "FPR", "SVEB", "Se", "+P", "FPR"], alignment: .right)
    for row in perRecord {
      let detection = row.int8.detection
      let kinds = [row.int8.ventricular, row.int8.supraventricular].flatMap { kind -> [String] in
        [
          Numbers.integer(kind.truePositives + kind.falseNegatives),
          shareText(kind.sensitivity),
          shareText(kind.positivePredictivity), rateText(kind.falsePositiveRate),
        ]
      }
      table.add(
        row.record,
        [
          Numbers.integer(detection.truePositives + detection.falseNegatives),
          shareText(detection.sensitivity), shareText(detection.positivePredictivity),
        ] + kinds)
    }
    return table
  }
}

extension DetectionEvaluation {
  /// What was compared, a line.
  var title: String {
    return "\(Numbers.integer(gross.truePositives + gross.falseNegatives)) beats of \(perRecord.count) "
      + "record\(perRecord.count == 1 ? "" : "s") (\(records)) at \(Numbers.decimal(sampleRateHz, places: 0)) Hz, "
      + "\(leadsText(perRecord.map(\.lead))), \(leftOutText(learningSeconds: learningSeconds))\n"
  }

  /// A record a row, then all together.
  var table: SummaryTable {
    var table = SummaryTable(columns: ["beats", "TP", "FN", "FP", "Se", "+P"], alignment: .right)
    func add(_ name: String, _ figures: BeatByBeat.Figures) {
      table.add(
        name, Numbers.integer(figures.truePositives + figures.falseNegatives),
        Numbers.integer(figures.truePositives), Numbers.integer(figures.falseNegatives),
        Numbers.integer(figures.falsePositives), shareText(figures.sensitivity),
        shareText(figures.positivePredictivity))
    }
    for row in perRecord { add(row.record, row.qrs) }
    add("gross", gross)
    table.add(
      "average", "", "", "", "", shareText(average.sensitivity), shareText(average.positivePredictivity))
    return table
  }
}

private func shareText(_ share: Double?) -> String { Numbers.percent(share ?? .nan) }
private func rateText(_ rate: Double?) -> String { Numbers.percent(rate ?? .nan, places: 3) }

/// What of each record doesn't count.
private func leftOutText(learningSeconds seconds: Double) -> String {
  let learning = seconds == 0 ? "" : "the first \(Numbers.duration(seconds: seconds)) and "
  return "\(learning)ventricular flutter left out"
}

import Foundation
import Reports
import Simulation
import Testing

/// The sweep's page on results made by hand, with numbers that differ.
@Suite struct SweepPageTests {
  /// Half an hour of one record: a confusion matrix of N and V, extra decisions, and how often the twins agree.
  private func result(
    record: String, noise: String?, decibels: Double?, counts: [[Int]], extra: Int, equal: Int,
    decide: String = "beats"
  ) throws -> SweepResult {
    let total = counts.joined().reduce(0, +) + extra
    let noiseText = noise.map { "\"noise\": \"\($0)\", \"snrDecibels\": \(decibels ?? 0)," } ?? ""
    let json = """
      {"settings": {"version": "1", "model": "m.qinf", "modelChecksum": "1234abcd", "modelDigest": "d",
        "record": "\(record)", "decide": "\(decide)", "profile": "reference", "converterBits": 12,
        "converterRangeMillivolts": 10, "disturbances": {\(noiseText) "gainErrorPercent": 0, "offsetMillivolts": 0,
        "driftPartsPerMillion": 0, "leadOff": [], "dropOutsPerMinute": 0, "dropOutSeconds": 0, "seed": 1}},
       "lead": "MLII", "durationSeconds": 1800, "decisions": \(total), "saturatedSamples": 0, "lostSamples": 0,
       "decisionsOverLostSamples": 0, "isTrainingRecord": false,
       "agreement": {"decisions": \(total), "equalDecisions": \(equal), "maxAbsoluteLogitError": 1},
       "accuracy": {"fixed": {"classNames": ["N", "V"], "counts": \(counts)}, "missedBeats": 5,
         "extraDecisions": \(extra)}}
      """
    return try JSONDecoder().decode(SweepResult.self, from: Data(json.utf8))
  }

  @Test func theVerdictLeadsWithWhatFallsMost() throws {
    let summary = SweepSummary([
      try result(
        record: "a", noise: nil, decibels: nil, counts: [[900, 10], [20, 70]], extra: 4, equal: 990),
      try result(
        record: "a", noise: "em", decibels: 6, counts: [[880, 30], [30, 60]], extra: 40, equal: 1000),
      try result(
        record: "a", noise: "em", decibels: 0, counts: [[700, 210], [50, 40]], extra: 150, equal: 1104),
    ])
    // 5 beats are missed. 970 of 1,000, then 740 of 1,000; V from 70 to 40 of 90, N from 900 to 700 of 910; 300 an hour of 150 in half of one.
    #expect(
      summary.verdict
        == "At worst, with em, 0 dB, 99.50 % of the annotated beats are found, and 74.00 % of these are decided right, "
        + "97.00 % undisturbed; V falls most, from 77.78 % to 44.44 % of its beats that are found; 300 decisions an hour are about no annotated "
        + "beat, 8 undisturbed. There the device decided as its float twin on 96.00 % of 1,150 decisions.")
  }

  /// A network of windows finds no beats: none are missed, and none are too many.
  @Test func ofWindowsTheVerdictSaysThatTheyAreWindows() throws {
    func windows(_ noise: String?, _ counts: [[Int]]) throws -> SweepResult {
      try result(
        record: "a", noise: noise, decibels: noise.map { _ in 6 }, counts: counts, extra: 0, equal: 9,
        decide: "every 16 columns")
    }
    let summary = SweepSummary([
      try windows(nil, [[8, 1], [1, 10]]), try windows("em", [[8, 1], [6, 5]]),
    ])
    #expect(
      summary.verdict.hasPrefix("At worst, with em, 6 dB, 65.00 % of the labelled windows are decided right"))
    #expect(summary.verdict.contains("45.45 % of its windows") && !summary.verdict.contains("beats"))
  }

  /// 990 of 1,000 decisions of one patient, and 250 of 500 of the other.
  @Test func sharesAreOfAllPatientsTogether() throws {
    let summary = SweepSummary([
      try result(
        record: "a", noise: nil, decibels: nil, counts: [[900, 10], [20, 70]], extra: 0, equal: 990),
      try result(
        record: "b", noise: nil, decibels: nil, counts: [[400, 50], [20, 30]], extra: 0, equal: 250),
    ])
    let share = try #require(summary.rows.first?.agreement)
    #expect(share.count == 1240 && share.total == 1500 && share.fraction == 1240.0 / 1500)
  }

  @Test func aTablesCellsAreTheirRowsFigures() throws {
    let summary = SweepSummary([
      try result(
        record: "a", noise: nil, decibels: nil, counts: [[900, 10], [20, 70]], extra: 4, equal: 990)
    ])
    let cells = try #require(summary.cells.first?.cells)
    #expect(
      cells[0].hasPrefix("97.00 %") && cells[2] == "-" && cells[3].hasPrefix("98.61 %") && cells[4] == "1")
    // F1 of N 1,800 / 1,830 and of V 140 / 170; 1,000 of 1,005 found; 8 extra an hour.
    #expect(cells[1] == "0.904" && cells[5] == "99.50 %" && cells[6] == "8" && cells[7] == "0")
    // Of V's 90 beats 70 found, of 80 taken for V 70 right.
    let page = summary.page().replacing("\u{A0}", with: " ")
    #expect(
      page.contains(
        "<td class=\"number\">90</td><td class=\"number\">77.78 %</td><td class=\"number\">87.50 %</td>"))
  }
}

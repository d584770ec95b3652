import Cohort
import Foundation
import Networks
import PhysioNet
import Reports
import Support
import Testing

/// Outside truth: that a study is the same however it was run.
@Suite struct StudyTests {
  private let source: Checkpoint
  private let folder = FileManager.default.temporaryDirectory.appending(path: "transfer-\(UUID().uuidString)")

  init() throws {
    source = try Checkpoint.read(beatsFile)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func path(_ name: String) -> String { folder.appending(path: name).path }

  private func study(patients: Int = 24) -> SyntheticStudy {
    let settings = SyntheticStudy.Settings(
      patients: patients, folds: 2, innerFolds: 2, lead: "V6", usesAllLeads: false, withInt8: false,
      options: options(freeze: 2, steps: 3), source: source)
    return SyntheticStudy(settings, source: source, file: "beats", converter: converter)
  }

  @Test func anInterruptedStudyGoesOnToTheSameBytes() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let whole = try study().run(arms: [.published], seeds: 1...3, log: path("a.jsonl"))
    let bytes = try Files.read(path("a.jsonl"))
    // Killed in the middle of the second result's line, with the third seed not begun.
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 4)
    try Files.write(lines[0] + "\n" + lines[1] + "\n" + lines[2].prefix(60), to: path("b.jsonl"))
    var steps = 0
    let rest = try study().run(
      arms: [.published], seeds: 1...3, log: path("b.jsonl"), threads: 2, progress: { _ in steps += 1 })
    #expect(steps == 2)
    #expect(rest == whole)
    #expect(try Files.read(path("b.jsonl")) == bytes)
    // Another study's results stand beside them, and are none of this one's.
    let other = try study(patients: 26).run(arms: [.published], seeds: 1...1, log: path("b.jsonl"))
    #expect(other[0] != whole[0])
    #expect(try study().run(arms: [.published], seeds: 1...3, log: path("b.jsonl")) == whole)
  }

  @Test func distributionsAreCounted() throws {
    // As a log holds them.
    func result(
      _ seed: UInt64, _ figures: [(String, Double, Double, Double, Double)]
    ) throws -> SyntheticStudy.Result {
      let methods: [[String: Any]] = figures.map { name, accuracy, sensitivity, specificity, auc in
        [
          "method": name, "accuracy": accuracy, "sensitivity": sensitivity, "specificity": specificity,
          "auc": auc,
        ]
      }
      let line: [String: Any] = [
        "arm": "published", "seed": seed, "responders": 40, "methods": methods,
      ]
      return try JSONDecoder().decode(
        SyntheticStudy.Result.self, from: JSONSerialization.data(withJSONObject: line))
    }
    let results = try (0..<5).map { index in
      let shift = Double(index) / 100
      return try result(
        UInt64(index),
        [
          (TransferMethods.Name.transfer, 0.70 + shift, 0.78, 0.80, 0.75 + shift),
          (TransferMethods.Name.scratch, 0.60, 0.79, index == 0 ? 0.79 : 0.5, 0.70),
        ])
    }
    let summary = SyntheticStudySummary(results, arm: .published)
    #expect(summary.cohorts == 5 && SyntheticStudySummary(results, arm: .pessimistic).cohorts == 0)
    let (own, scratch) = (summary.methods[0], summary.methods[1])
    #expect(abs((own.accuracy?.median ?? 0) - 0.72) < 1e-12)
    #expect(abs((own.accuracy?.quartiles.lower ?? 0) - 0.71) < 1e-12)
    #expect(own.reachesPaper == 1 && scratch.reachesPaper == 0.2)
    #expect(abs(own.reachesPaperAccuracy - 0.6) < 1e-12)
    #expect(abs((scratch.differenceFromTransfer ?? 0) - 0.07) < 1e-12)
    // Standard deviation 0.01581, four degrees of freedom: 2.776 * 0.01581 / sqrt(5) = 0.01963.
    #expect(abs((scratch.differenceInterval?.lower ?? 0) - (0.07 - 0.01963)) < 2e-4)
    let verdict = SyntheticStudySummary.verdict([summary])
    #expect(verdict.contains("Transfer helps"))
  }

  @Test func aCurveHasAPairedDifferenceAtEachSize() throws {
    let synthetic = SyntheticCohort(patientCount: 40, arm: .published, seed: 3)
    let cohort = try transferCohort(synthetic, source: source)
    let learning = options(freeze: nil, steps: 3)
    func curve(_ threads: Int) throws -> LabelEfficiency {
      let methods = try TransferMethods(
        from: source, file: "beats", cohort: cohort, options: learning, seed: 1)
      return try LabelEfficiency.measured(
        cohort, methods: methods, options: learning, sizes: [6, 20], repeats: 3, seed: 1, threads: threads)
    }
    let (one, two) = (try curve(1), try curve(2))
    #expect(try JSON.data(one) == JSON.data(two))
    #expect(one.points.map(\.patients) == [6, 20] && one.testPatients == 20 && !one.isIndependent)
    let names = one.points[0].auc.map(\.method)
    #expect(names.contains(TransferMethods.Name.scratch) && names.contains(TransferMethods.Name.logistic))
    for point in one.points {
      for difference in point.transferLess {
        let areas = [TransferMethods.Name.transfer, difference.method].compactMap { name in
          point.auc.first { $0.method == name }?.mean
        }
        #expect(areas.count == 2 && abs(areas[0] - areas[1] - difference.mean) < 1e-12)
        #expect(difference.interval != nil)
      }
    }
    #expect(one.page(source: "x", command: "y").contains("SYNTHETIC"))
  }
}

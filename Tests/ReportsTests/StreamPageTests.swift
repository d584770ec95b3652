import ECG
import Foundation
import HostDevice
import Reports
import Simulation
import Support
import Testing
import TestSupport

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// The page of a run of the shipped record, beside the decisions that it tells of.
@Suite struct StreamPageTests {
  /// A copy of the shipped record with beats that an expert might have noted: every seventh one is V, and the first half alone.
  private struct Fixture {
    let folder: TemporaryFolder
    let run: StreamRun

    init(
      announcing: Announcing = Announcing(), model: String = ProjectFiles.model,
      checkpoint: String? = ProjectFiles.checkpoint
    ) throws {
      folder = try TemporaryFolder()
      for ending in ["hea", "dat"] {
        try Files.write(
          try Files.read(ProjectFiles.record + "." + ending), to: folder("mitdb-208.\(ending)"))
      }
      var options = StreamRun.Options(model: model, record: ProjectFiles.record)
      options.float = checkpoint
      let bare = try StreamRun.run(options)
      let found = bare.decisions.compactMap(\.beatSample)
      let beats = found.prefix(found.count / 2).enumerated().map { index, sample in
        Annotation(
          sample: Int((Double(sample) * 360 / 128).rounded()),
          code: index % 7 == 0 ? .prematureVentricular : .normal)
      }
      try Files.write(
        try Annotations(beats, sampleRateHz: 360).encoded(file: "atr"), to: folder("mitdb-208.atr"))
      options.record = folder("mitdb-208")
      options.announcing = announcing
      run = try StreamRun.run(options)
    }
  }

  private func policy() -> Announcing {
    var announcing = Announcing()
    (announcing.majority, announcing.minimumMarginCodes, announcing.wakePercent) = (3, 8, 10)
    return announcing
  }

  @Test func everyDecisionIsAccountedFor() throws {
    let run = try Fixture(announcing: policy()).run
    let rows = try table("What became of each decision", in: run.page())
    let counts = try rows.map { try #require(Int($0[1].replacing(",", with: ""))) }
    #expect(rows.last?.first == "all" && counts.last == run.decisions.count)
    #expect(counts.dropLast().reduce(0, +) == run.decisions.count)
    #expect(rows.map { $0[0] }.contains("the network slept"))
    let results = run.decisions.count { $0.announcedClass != nil }
    #expect(counts[0] == results && results > 0 && results < run.decisions.count)
  }

  @Test func theMatrixIsThatOfAHandCount() throws {
    let run = try Fixture().run
    let rows = try table("Beside the annotations: the device&#39;s raw decisions", in: run.page())
    // Annotated beats are the first half of all found ones, every seventh V, in the order of the decisions.
    let half = run.decisions.count { $0.beatSample != nil } / 2
    let names = run.result.classNames
    var counts = [[Int]](repeating: [0, 0, 0, 0], count: 4)
    for (index, decision) in run.decisions.prefix(half).enumerated() {
      counts[index % 7 == 0 ? 2 : 0][decision.fixedClass] += 1
    }
    for (index, row) in rows.dropLast().enumerated() {
      #expect(row[0] == names[index])
      #expect(row[2..<6].map { $0 } == counts[index].map { Numbers.integer($0) }, "\(row)")
    }
    let hits = counts[2][2]
    #expect(rows[2][6].hasPrefix(Numbers.percent(Double(hits) / Double(counts[2].reduce(0, +)))))
    #expect(rows[2][7].hasPrefix(Numbers.percent(Double(hits) / Double(counts.reduce(0) { $0 + $1[2] }))))
    // The other half of the decisions are about no annotated beat, and no annotated one is missed.
    let accuracy = try #require(run.result.accuracy)
    #expect(accuracy.extraDecisions == run.decisions.count - half && accuracy.missedBeats == 0)
    let right = Numbers.percent(Double((0..<4).reduce(0) { $0 + counts[$1][$1] }) / Double(half))
    #expect(
      run.page().contains("Of \(half) annotated beats that it decided about \(right) are right, in float "))
    #expect(run.page().contains("on a record that the model was trained on. "))
    #expect(counts[0][2] != counts[2][0] && counts[2].reduce(0, +) != counts.reduce(0) { $0 + $1[2] })
  }

  @Test func classesAreCountedForEachTwinAndForWhatWasAnnounced() throws {
    let run = try Fixture(announcing: policy()).run
    let rows = try table("Decisions by class", in: run.page())
    for (index, row) in rows.dropLast().enumerated() {
      let expected = [
        run.decisions.count { $0.fixedClass == index }, run.decisions.count { $0.floatClass == index },
        run.decisions.count { $0.announcedClass == index },
      ]
      #expect(Array(row.dropFirst()) == expected.map { Numbers.integer($0) })
    }
    #expect(rows.last?[2] == Numbers.integer(run.decisions.count))
  }

  @Test func whatIsWrongIsListedWorstFirstWithTheCommandThatExplainsIt() throws {
    let fixture = try Fixture()
    let run = fixture.run
    var options = StreamPageOptions()
    options.explainCommand = Invocation.explain
    let page = run.page(options)
    let rows = try table("Decisions that the annotations contradict", in: page)
    let wrong = run.result.decisionList.filter { $0.annotated != nil && $0.annotated != $0.fixed }
    #expect(rows.count == min(20, wrong.count) && wrong.count > 20)
    let margins = try rows.map { try #require(Double($0[5].replacing("\u{2212}", with: "-"))) }
    #expect(margins == margins.sorted(by: >) && margins[0] > 0)
    // The command's decision is the listed one: the same logits, from the record anew.
    let times = page.components(separatedBy: "\(Invocation.explain) --at ").dropFirst().map {
      $0.prefix { $0.isNumber || $0 == "." }
    }
    let differing = run.result.decisionList.count { $0.float != $0.fixed }
    #expect(times.count == min(20, differing) + 20)
    let at = try #require(times.last.flatMap { Double($0) })
    let explained = try Explanation(
      model: ProjectFiles.model, float: ProjectFiles.checkpoint, record: fixture.folder("mitdb-208"),
      lead: nil,
      at: at)
    let last = try #require(rows.last)
    // The table has the moment that explains each decision, beside that of its beat.
    #expect(rows.map { $0[6] } == times.suffix(20).map(String.init))
    let listed = try #require(wrong.first { Numbers.decimal($0.beatSeconds ?? 0, places: 2) == last[0] })
    #expect(explained.integerLogits == listed.fixedLogits)
    #expect(explained.integerClass == last[1])
  }

  private enum Invocation {
    static let explain = "exporter explain m.qinf --float f.safetensors --record r"
  }

  @Test func namesAreLeftOutWhereThatIsAsked() throws {
    let run = try Fixture().run
    var options = StreamPageOptions()
    options.command = "device-sim stream --record mitdb-208"
    let named = run.page(options)
    #expect(
      named.contains("mitdb-208") && run.recordComments.allSatisfy { named.contains($0) || $0.contains("&") })
    #expect(!run.recordComments.isEmpty)
    options.isAnonymous = true
    let page = run.page(options)
    let digest = try #require(run.result.recordDigest)
    #expect(!page.contains("mitdb-208") && !page.contains(digest))
    // The note on training names the record too.
    #expect(
      named.contains("MIT-BIH 208") && !page.contains("MIT-BIH 208")
        && page.contains("The record is one of the model&#39;s training records"))
    #expect(run.recordComments.allSatisfy { !page.contains($0) })
  }

  /// The strip is of the 30 seconds with the most decisions that differ, then of the most classes, then the most decisions,
  /// from a multiple of 10 s on.
  @Test func theStripShowsWhatVariesMost() throws {
    let wide = "Models/ecg-beats-wide/ecg-beats-wide"
    let run = try Fixture(
      model: ProjectFiles.path(wide + ".qinf"), checkpoint: ProjectFiles.path(wide + ".safetensors")
    ).run
    let rate = run.result.sampleRateHz
    let scores = (0...27).map { start -> [Int] in
      let inside = run.decisions.filter {
        let seconds = Double($0.sample) / rate
        return seconds >= Double(10 * start) && seconds < Double(10 * start + 30)
      }
      return [inside.count { $0.differs }, Set(inside.map(\.fixedClass)).count, inside.count]
    }
    let most = try #require(scores.max { $0.lexicographicallyPrecedes($1) })
    let start = 10 * (try #require(scores.firstIndex(of: most)))
    #expect(start > 0)
    let first = try #require(run.page().firstMatch(of: /and what was decided, (\d+) s to (\d+) s"/))
    #expect(first.output.1 == "\(start)" && first.output.2 == "\(start + 10)")
  }

  /// Five minutes, from 0 to 5 below the curve of the heart's rate, which reaches from side to side.
  @Test func theHeartRateIsDrawnOverTheWholeRecord() throws {
    let page = try Fixture().run.page()
    let start = try #require(page.range(of: "aria-label=\"Heart rate\""))
    let chart = page[start.upperBound...].prefix(upTo: try #require(page.range(of: "time (min)")).lowerBound)
    #expect(
      chart.contains("<text class=\"minor\" x=\"100%\" y=\"100%\" dy=\"17\" text-anchor=\"middle\">5</text>"))
    let places = chart.matches(of: /[ML]([0-9.]+) [0-9.]+/).compactMap { Double($0.output.1) }
    #expect(places.count > 40 && (places.first ?? 500) < 30 && (places.last ?? 0) > 970)
  }

  @Test func theTerminalSaysNothingOfWhatThereWasNot() throws {
    let plain = try Fixture().run.summary.map(\.label)
    #expect(!plain.contains("announced") && !plain.contains("samples") && plain.contains("annotations"))
    let announced = try Fixture(announcing: policy()).run.summary.map(\.label)
    #expect(announced.contains("announced") && !announced.contains("samples"))
  }

  @Test func momentsAndTheStripsStartAreTheReaders() throws {
    let run = try Fixture().run
    var options = StreamPageOptions()
    (options.fromSeconds, options.momentsSeconds) = (100, [12.5, 299])
    let page = run.page(options)
    #expect(page.contains("aria-label=\"What the converter heard, and what was decided, 100 s to 110 s\""))
    #expect(page.contains("aria-label=\"Around 12.50 s, 7.5 s to 17.5 s\""))
    #expect(page.contains("aria-label=\"Around 299.00 s, 290"))
    let parser = XMLParser(data: Data(page.utf8))
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    #expect(!page.contains("`"))
  }
}

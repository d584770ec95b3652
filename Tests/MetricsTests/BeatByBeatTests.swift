import ECG
import Evaluation
import Foundation
import Metrics
import Support
import Testing
import TestSupport

@Suite struct BeatByBeatTests {
  /// A different count in every cell that can be: 1 to 30 in the beats' rows, 31 to 40 in the others'.
  private func everyCell() -> BeatByBeat {
    var comparison = BeatByBeat()
    var count = 0
    func repeated(_ add: () -> Void) {
      count += 1
      for _ in 0..<count { add() }
    }
    for reference in AAMIClass.allCases {
      for decided in AAMIClass.allCases { repeated { comparison.add(reference, decided: decided) } }
      repeated { comparison.addMissed(reference) }
    }
    for isReadable in [true, false] {
      for decided in AAMIClass.allCases {
        repeated { comparison.addExtra(decided, isReadable: isReadable) }
      }
    }
    return comparison
  }

  @Test func theMatrixHasAReferenceClassARow() {
    #expect(
      everyCell().counts == [
        [1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12], [13, 14, 15, 16, 17, 18], [19, 20, 21, 22, 23, 24],
        [25, 26, 27, 28, 29, 30], [31, 32, 33, 34, 35, 0], [36, 37, 38, 39, 40, 0],
      ])
  }

  // claim: ec57
  /// WFDB's bxb.c: QTP, QFN and QFP; VTP, VFN, VFP = Nv + Sv + Ov + Xv and VTN; STP, SFN and
  /// SFP = Ns + Vs + Fs + Os + Xs.
  @Test func theFiguresAreThoseOfBxb() {
    let comparison = everyCell()
    let beats = comparison.detection
    #expect(beats.truePositives == (1...30).reduce(0, +) - (6 + 12 + 18 + 24 + 30))
    #expect(beats.falseNegatives == 6 + 12 + 18 + 24 + 30)
    #expect(beats.falsePositives == (31...40).reduce(0, +))
    let ventricular = comparison.ventricular
    #expect(ventricular.truePositives == 15)
    #expect(ventricular.falseNegatives == 13 + 14 + 16 + 17 + 18)
    #expect(ventricular.falsePositives == 3 + 9 + 33 + 38)
    #expect(
      ventricular.trueNegatives == 1 + 2 + 4 + 5 + 7 + 8 + 10 + 11 + 19 + 20 + 22 + 23 + 25 + 26 + 28 + 29
        + 31 + 32 + 34 + 35 + 36 + 37 + 39 + 40)
    #expect(ventricular.falsePositiveRate == 83.0 / (83 + 524))
    let supraventricular = comparison.supraventricular
    #expect(supraventricular.truePositives == 8)
    #expect(supraventricular.falseNegatives == 7 + 9 + 10 + 11 + 12)
    #expect(supraventricular.falsePositives == 2 + 14 + 20 + 32 + 37)
    #expect(supraventricular.sensitivity == 8.0 / 57)
    #expect(supraventricular.positivePredictivity == 8.0 / 113)
  }

  @Test func whatNoBeatDefinesIsNoFigure() {
    var comparison = BeatByBeat()
    comparison.add(.normal, decided: .normal)
    #expect(comparison.ventricular.sensitivity == nil)
    #expect(comparison.ventricular.positivePredictivity == nil)
    #expect(comparison.ventricular.falsePositiveRate == 0)
    #expect(BeatByBeat().detection.sensitivity == nil)
  }

  private func label(_ sample: Int, _ mnemonic: String, subtype: Int8 = 0) -> Annotation {
    Annotation(sample: sample, code: AnnotationCode(mnemonic: mnemonic)!, subtype: subtype)
  }

  /// At 1000 Hz, with a learning period of 1 s.
  @Test func learningFlutterAndUnreadableSegmentsAreTreatedAsByBxb() {
    let reference = BeatReference(
      Annotations([
        label(500, "V"), label(1200, "N"), label(2000, "["), label(2100, "!"), label(2500, "V"),
        label(3000, "]"), label(4000, "A"), label(5000, "~", subtype: -1), label(6000, "~"), label(7000, "Q"),
      ]), sampleRateHz: 1000, learningSeconds: 1)
    let comparison = reference.comparison(with: [
      .init(sample: 510, beatClass: .ventricular), .init(sample: 1190, beatClass: .normal),
      .init(sample: 2300, beatClass: .ventricular), .init(sample: 3100, beatClass: .ventricular),
      .init(sample: 4100, beatClass: .supraventricular), .init(sample: 5500, beatClass: .normal),
      .init(sample: 7000, beatClass: .ventricular),
    ])
    var expected = BeatByBeat()
    expected.add(.normal, decided: .normal)
    expected.addExtra(.ventricular, isReadable: true)
    expected.add(.supraventricular, decided: .supraventricular)
    expected.addExtra(.normal, isReadable: false)
    expected.add(.unknown, decided: .ventricular)
    #expect(comparison == expected)
    #expect(comparison.ventricular.falsePositives == 1)
  }

  @Test func onlyPacedBeatsMakeARecordPaced() {
    func reference(_ mnemonic: String) -> BeatReference {
      BeatReference(Annotations([label(1, mnemonic)]), sampleRateHz: 360, learningSeconds: 0)
    }
    #expect(reference("/").isPaced)
    #expect(!reference("N").isPaced)
  }
}

/// Outside truth: the comparitor of PhysioNet's Python package, on the same annotation files.
@Suite(.serialized, .enabled("needs python3 and wfdb from PyPI") { PythonEnvironment.wfdb != nil })
struct ComparitorTests {
  /// What the comparitor counts, and the classes of the beats that it matches.
  private struct Counts: Codable, Equatable {
    var truePositives: Int
    var falseNegatives: Int
    var falsePositives: Int
    /// `[reference, decided]`, in the order N, S, V, F, Q.
    var matrix: [[Int]]

    init(_ comparison: BeatByBeat) {
      let beats = comparison.detection
      truePositives = beats.truePositives
      falseNegatives = beats.falseNegatives
      falsePositives = beats.falsePositives
      matrix = comparison.counts.prefix(5).map { Array($0.prefix(5)) }
    }
  }

  /// Arguments: the records' paths, each with a reference `atr` and a test annotation file `test`.
  private static let comparitor = """
    import json, sys, numpy as np, wfdb
    from wfdb.processing import Comparitor
    classes = {s: i for i, symbols in enumerate(['NLRBejn', 'AaJS', 'VEr', 'F', '/fQ?'])
               for s in symbols}
    result = []
    for path in sys.argv[2:]:
        beats = []
        for annotator in ['atr', 'test']:
            a = wfdb.rdann(path, annotator)
            beats.append([(s, classes[c]) for s, c in zip(a.sample, a.symbol) if c in classes])
        (ref, test) = ([b[0] for b in beats[0]], [b[0] for b in beats[1]])
        # The package counts differences below the window; EC57's window includes its ends.
        c = Comparitor(np.array(ref), np.array(test), int(0.150 * 360) + 1)
        c.compare()
        matrix = [[0] * 5 for _ in range(5)]
        for place, match in enumerate(c.matching_sample_nums):
            if match != -1:
                matrix[beats[0][place][1]][beats[1][match][1]] += 1
        result.append(dict(truePositives=int(c.tp), falseNegatives=int(c.fn), falsePositives=int(c.fp),
                           matrix=matrix))
    json.dump(result, open(sys.argv[1], 'w'))
    """

  /// The records' counts by the comparitor.
  private func comparitor(_ paths: [String], in folder: String) throws -> [Counts] {
    let output = folder + "/counts.json"
    try #require(PythonEnvironment.wfdb).run(["-c", Self.comparitor, output] + paths)
    return try JSONDecoder().decode([Counts].self, from: Files.read(output))
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "quantinfer-\(UUID().uuidString)")
      .path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  // claim: ec57
  /// Beats at 50 to 150 a minute; a tenth is missed, a tenth is moved by more than the window's half, some are
  /// taken for another class, and some detections are none.
  @Test func randomBeatsAreCountedAsByTheComparitor() throws {
    try withFolder { folder in
      var generator = SeededGenerator(seed: 11)
      var expected: [Counts] = []
      let paths = (0..<8).map { "\(folder)/r\($0)" }
      let mnemonics = ["N", "L", "A", "V", "F", "Q"]
      for path in paths {
        var (reference, test): ([Annotation], [Annotation]) = ([], [])
        var sample = 0
        for _ in 0..<1000 {
          sample += Int(generator.next(in: 144...432))
          let code = AnnotationCode(mnemonic: mnemonics[generator.nextIndex(below: 6)])!
          reference.append(Annotation(sample: sample, code: code))
          let fate = generator.nextIndex(below: 10)
          if fate == 0 { continue }
          let shift = generator.next(in: fate == 1 ? -70...70 : -20...20)
          let decided = fate < 4 ? AnnotationCode(mnemonic: mnemonics[generator.nextIndex(below: 6)])! : code
          test.append(Annotation(sample: sample + Int(shift), code: decided))
          if fate == 9 {
            test.append(Annotation(sample: sample + 71 + generator.nextIndex(below: 10), code: .normal))
          }
        }
        try Annotations(reference).write(path)
        try Annotations(test).write(path, annotator: "test")
        expected.append(Counts(try comparison(path)))
      }
      let found = try comparitor(paths, in: folder)
      #expect(found == expected)
      #expect(expected.allSatisfy { $0.falseNegatives > 50 && $0.falsePositives > 50 })
    }
  }

  // claim: ec57
  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func detectedBeatsOfMITBIHAreCountedAsByTheComparitor() throws {
    try withFolder { folder in
      let paths = ["100", "105", "108", "203", "208", "232"].map { folder + "/" + $0 }
      var expected: [Counts] = []
      for path in paths {
        let source = Databases.path("mitdb/" + (path as NSString).lastPathComponent)
        let record = try Record.read(source)
        let counts = try record.signals[0].millivolts(atRateHz: 128).map { millivolts in
          Int16(min(max(-2048, (millivolts / 0.00244).rounded()), 2047))
        }
        let found = try DeviceBeats(in: counts, sampleRateHz: 128).all.map { beat in
          Annotation(sample: Int((Double(beat.sample) * 360 / 128).rounded()), code: .normal)
        }
        try Annotations.read(source).write(path)
        try Annotations(found).write(path, annotator: "test")
        expected.append(Counts(try comparison(path)))
      }
      #expect(try comparitor(paths, in: folder) == expected)
      #expect(expected.contains { $0.falsePositives > 10 } && expected.contains { $0.falseNegatives > 10 })
    }
  }

  private func comparison(_ path: String) throws -> BeatByBeat {
    let reference = BeatReference(try Annotations.read(path), sampleRateHz: 360, learningSeconds: 0)
    return reference.comparison(
      with: try Annotations.read(path, annotator: "test").all.map {
        .init(sample: $0.sample, beatClass: $0.code.aamiClass ?? .unknown)
      })
  }
}

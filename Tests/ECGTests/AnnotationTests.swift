import ECG
import Foundation
import Support
import Testing
import TestSupport

/// Outside truth: the WFDB manual's annot(5) and bytes made by hand from it.
@Suite struct AnnotationTests {
  private func parse(_ bytes: [UInt8]) throws -> [Annotation] {
    try Annotations(parsing: Data(bytes), file: "r.atr").all
  }

  /// A word of the format: six bits of code above ten bits of value, low byte first.
  private func word(_ code: UInt16, _ value: UInt16) -> [UInt8] {
    [UInt8(truncatingIfNeeded: code << 10 | value), UInt8(truncatingIfNeeded: (code << 10 | value) >> 8)]
  }

  @Test func readsTheStartOfMITBIH100() throws {
    // A rhythm label `(N` at sample 18, then a normal beat 59 samples on.
    let labels = try parse([0x12, 0x70, 0x03, 0xFC, 0x28, 0x4E, 0x00, 0x00, 0x3B, 0x04, 0x00, 0x00])
    #expect(labels.map(\.sample) == [18, 77])
    #expect(labels[0].code == .rhythmChange && labels[0].auxiliary == [0x28, 0x4E, 0])
    #expect(labels[0].text == "(N")
    #expect(labels[1].code == .normal)
  }

  @Test func appliesEachPseudoCodeAsTheManualSays() throws {
    let bytes =
      word(59, 0) + [0x01, 0x00, 0x02, 0x00]  // skip 0x10002, high word first
      + word(5, 3) + word(61, 0x3FF) + word(62, 2) + word(60, 7) + word(63, 3) + [65, 66, 67, 0]
      + word(1, 10) + word(59, 0) + [0xFF, 0xFF, 0xFB, 0xFF] + word(24, 0) + word(0, 0)
    let labels = try parse(bytes)
    #expect(
      labels == [
        Annotation(
          sample: 0x10005, code: .prematureVentricular, subtype: -1, channel: 2, number: 7,
          auxiliary: [65, 66, 67]),
        Annotation(sample: 0x1000F, code: .normal, channel: 2, number: 7),
        Annotation(sample: 0x1000A, code: .pWave, channel: 2, number: 7),
      ])
  }

  @Test func writesWhatItReads() throws {
    var generator = SeededGenerator(seed: 5)
    var time = 0
    let labels = (0..<2000).map { _ in
      time += [0, 1, 1023, 1024, 70_000, 5_000_000_000][generator.nextIndex(below: 6)]
      return Annotation(
        sample: time, code: AnnotationCode(rawValue: UInt8(generator.nextIndex(below: 50))),
        subtype: Int8(truncatingIfNeeded: generator.next()), channel: UInt8(generator.nextIndex(below: 3)),
        number: Int8(truncatingIfNeeded: generator.next()),
        auxiliary: (0..<generator.nextIndex(below: 256)).map { UInt8(truncatingIfNeeded: $0) })
    }
    // The largest time that the format's writer takes is 2^40.
    let kept = Array(labels.prefix { $0.sample <= 1 << 40 })
    #expect(kept.count > 1000)
    let data = try Annotations(kept).encoded(file: "r.atr")
    #expect(try Annotations(parsing: data, file: "r.atr").all == kept)
  }

  @Test func writesInOrderOfTime() throws {
    let labels = [Annotation(sample: 9, code: .normal), Annotation(sample: 4, code: .paced)]
    let data = try Annotations(labels).encoded(file: "r.atr")
    #expect(try parse([UInt8](data)).map(\.sample) == [4, 9])
  }

  @Test func keepsTheRateAndTheAnnotatorsOwnCodes() throws {
    let annotations = Annotations(
      [Annotation(sample: 3, code: AnnotationCode(rawValue: 42))], sampleRateHz: 257.5,
      definitions: [AnnotationCode(rawValue: 42): "x an odd thing"])
    let data = try annotations.encoded(file: "r.atr")
    #expect(try Annotations(parsing: data, file: "r.atr") == annotations)
  }

  @Test(
    arguments: [
      ([], "is empty"), ([0x00, 0xC8, 0, 0], "makes sense for 0 of 1 labels"),
      ([0x01, 0xC8, 0x01, 0xE8, 0x01, 0x04, 0, 0], "makes sense for 1 of 3 labels"),
    ] as [([UInt8], String)])
  func refusesWhatIsNoAnnotationFile(bytes: [UInt8], problem: String) throws {
    let error = failure { _ = try parse(bytes) }
    #expect(error?.kind == .malformed)
    #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "no error")")
  }

  @Test(
    arguments: [
      // No end mark, whether or not a label, a skip or a text is cut.
      ([0x3B, 0x04], [59], "ends without an end mark; the 1 labels"),
      ([0x3B, 0x04, 0x01], [59], "ends without an end mark"),
      ([0x3B, 0x04, 0x00, 0xEC, 0x00], [59], "ends without an end mark"),
      ([0x3B, 0x04, 0x03, 0xFC, 0x28], [59], "ends without an end mark"),
      ([0x3B], [], "the 0 labels"),
      // A skip to sample -5, a label there with a number that stays, and one at sample 4.
      (
        [0x00, 0xEC, 0xFF, 0xFF, 0xFB, 0xFF, 0x00, 0x04, 0x02, 0xF0, 0x09, 0x04, 0, 0], [4],
        "1 label before sample 0 left out"
      ),
      // Code 50 moves the time on; code 49 is an annotator's own.
      (
        [0x05, 0x04, 0x05, 0xC8, 0x05, 0xC4, 0, 0], [5, 15],
        "1 label of a code without a meaning (50) left out"
      ),
      ([0x3B, 0x04, 0, 0, 1, 2], [59], "2 bytes after the end mark"),
      ([0x03, 0xFC, 1, 2, 3, 0, 0x3B, 0x04, 0, 0], [59], ""),
    ] as [([UInt8], [Int], String)])
  func readsWhatThereIsAndNotesTheRest(bytes: [UInt8], places: [Int], note: String) throws {
    let annotations = try Annotations(parsing: Data(bytes), file: "r.atr")
    #expect(annotations.all.map(\.sample) == places)
    #expect(annotations.notes.count == (note.isEmpty ? 0 : 1))
    #expect(note.isEmpty || annotations.notes[0].description.contains(note), "\(annotations.notes)")
  }

  @Test func aLabelThatIsLeftOutTakesWhatIsItsOwnAlong() throws {
    // At sample -1: number 2 stays in force, the text goes.
    let bytes =
      word(59, 0) + [0xFF, 0xFF, 0xFE, 0xFF] + word(1, 1) + word(60, 2) + word(63, 2) + [65, 66] + word(5, 4)
      + word(0, 0)
    #expect(try parse(bytes) == [Annotation(sample: 3, code: .prematureVentricular, number: 2)])
  }

  @Test func readsTheStartOfAFileCutAnywhere() throws {
    let labels = (1...40).map {
      Annotation(sample: $0 * 900, code: .normal, channel: UInt8($0 % 3), auxiliary: [40, 65])
    }
    let data = try Annotations(labels).encoded(file: "r.atr")
    for length in 1..<data.count {
      let read = try Annotations(parsing: data.prefix(length), file: "r.atr")
      let places = labels.map(\.sample).prefix(read.all.count)
      #expect(read.all.map(\.sample) == Array(places) && read.notes.count == 1)
    }
  }

  @Test(arguments: ["720", " 720 ", "720.0"]) func theFilesOwnTimeResolutionCounts(rate: String) throws {
    let folder = try TemporaryFolder()
    let own = [
      Annotation(sample: 0, code: .note, auxiliary: Array("a note of the annotator".utf8)),
      Annotation(sample: 0, code: .note, auxiliary: Array("## time resolution:\(rate)".utf8)),
      Annotation(sample: 155, code: .normal), Annotation(sample: 7200, code: .paced),
    ]
    try Annotations(own).write(folder.file("r"))
    let labels = try Annotations.read(folder.file("r"), sampleRateHz: 360)
    #expect(labels.beats.map(\.sample) == [78, 3600])
    #expect(labels.all.count == 3 && labels.notes[0].text.contains("720 Hz"))
    let asItIs = try Annotations.read(folder.file("r"))
    #expect(asItIs.sampleRateHz == 720 && asItIs.beats.map(\.sample) == [155, 7200])
  }

  @Test func aTimeResolutionThatIsNoRateIsNoted() throws {
    let note = Annotation(sample: 0, code: .note, auxiliary: Array("## time resolution: fast".utf8))
    let data = try Annotations([note, Annotation(sample: 9, code: .normal)]).encoded(file: "r.atr")
    let read = try Annotations(parsing: data, file: "r.atr")
    #expect(read.sampleRateHz == nil && read.all.map(\.sample) == [9])
    #expect(
      read.notes.map(\.text) == ["states a time resolution of 'fast', which is no rate; the record's counts"])
  }

  @Test func labelsBesideARecordComeInOrderOfTime() throws {
    let folder = try TemporaryFolder()
    // Sample 10, then back to 4.
    try folder.put(
      "r.atr", word(1, 10) + word(59, 0) + [0xFF, 0xFF, 0xFA, 0xFF] + word(5, 0) + word(0, 0))
    #expect(try Annotations.read(folder.file("r"), sampleRateHz: 360).all.map(\.sample) == [4, 10])
  }

  @Test func whatIsBrokenBesideARecordIsNotedAndStopsNothing() throws {
    let folder = try TemporaryFolder()
    #expect(Annotations.found(besides: folder.file("none"), sampleRateHz: 360).notes.isEmpty)
    try folder.put("empty.atr", "")
    try folder.put("text.atr", String(repeating: "time,label\n", count: 9))
    try Files.makeFolder(folder.file("folder.atr"))
    for name in ["empty", "text", "folder"] {
      let found = Annotations.found(besides: folder.file(name), sampleRateHz: 360)
      #expect(found.labels == nil && found.notes.count == 1, "\(name)")
      #expect(found.notes.first?.text.hasSuffix("; the record is taken without annotations") == true)
    }
  }

  @Test func namesEveryCodeAsWFDBDoes() {
    // wfdb's annotation codes of ecgcodes.h with the mnemonics of annot.c.
    let names: [UInt8: String] = [
      1: "N", 2: "L", 3: "R", 4: "a", 5: "V", 6: "F", 7: "J", 8: "A", 9: "S", 10: "E", 11: "j", 12: "/",
      13: "Q", 14: "~", 16: "|", 18: "s", 19: "T", 20: "*", 21: "D", 22: "\"", 23: "=", 24: "p", 25: "B",
      26: "^", 27: "t", 28: "+", 29: "u", 30: "?", 31: "!", 32: "[", 33: "]", 34: "e", 35: "n", 36: "@",
      37: "x", 38: "f", 39: "(", 40: ")", 41: "r", 15: "[15]", 17: "[17]", 42: "[42]", 49: "[49]",
    ]
    for (code, name) in names {
      #expect(AnnotationCode(rawValue: code).mnemonic == name)
      #expect(AnnotationCode(mnemonic: name)?.rawValue == code)
    }
    #expect(AnnotationCode(mnemonic: "Z") == nil)
  }

  @Test func countsAsBeatsWhatPhysioNetDoes() {
    // The beat labels of PhysioNet's table of annotation codes.
    let beats = "NLRBAaJSVrFejnE/fQ?".map(String.init)
    let all = (0...AnnotationCode.maximum).map { AnnotationCode(rawValue: $0) }
    #expect(Set(all.filter(\.isBeat).map(\.mnemonic)) == Set(beats))
    #expect(all.filter { $0.isQRS && !$0.isBeat }.map(\.mnemonic) == ["!"])
  }

  @Test func sortsBeatsIntoTheAAMIClasses() {
    let classes = ["NLRej": "N", "AaJS": "S", "VE": "V", "F": "F", "/fQ": "Q"]
    for (names, expected) in classes {
      for name in names { #expect(AnnotationCode(mnemonic: String(name))?.aamiClass?.rawValue == expected) }
    }
    for name in ["~", "+", "!", "x", "|", "?", "["] {
      #expect(AnnotationCode(mnemonic: name)?.aamiClass == nil)
    }
  }

  @Test func splitsMITBIHWithoutOverlap() {
    #expect(MITBIH.ds1.count == 22 && MITBIH.ds2.count == 22 && MITBIH.paced.count == 4)
    #expect(Set(MITBIH.all).count == 48)
  }

  @Test func movesLabelsByTheRatioOfTheRates() {
    let labels = Annotations([
      Annotation(sample: 45, code: .normal), Annotation(sample: 650_000, code: .paced),
    ])
    #expect(labels.resampled(from: 360, to: 128).all.map(\.sample) == [16, 231_111])
  }
}

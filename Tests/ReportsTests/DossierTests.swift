import Foundation
import Reports
import Support
import Testing
import TestSupport

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What `make evidence` writes: claims against the tests' sources and their run, and all that the project's files hold.
@Suite struct DossierTests {
  private static let project = ProjectFiles.root.path

  /// A stream of events in which tests pass, fail or are left out.
  private static func events(
    passed: [String] = [], failed: [String] = [], skipped: [String] = [], isWhole: Bool = true
  ) -> String {
    func line(_ kind: String, _ test: String? = nil, _ more: String = "") -> String {
      let identifier = test.map { #","testID":"Some.\#($0)/Some.swift:1:2""# } ?? ""
      return #"{"kind":"event","payload":{"kind":"\#(kind)"\#(identifier)\#(more)},"version":0}"#
    }
    let ends =
      passed.map { line("testEnded", $0) }
      + failed.flatMap { [line("issueRecorded", $0, #","issue":{"isKnown":false}"#), line("testEnded", $0)] }
      + skipped.map { line("testSkipped", $0) }
    return ([line("runStarted")] + ends + (isWhole ? [line("runEnded")] : [])).joined(separator: "\n") + "\n"
  }

  /// A folder with a table of claims and a source of tests.
  private func folder(claims: String, source: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for name in ["docs/reference", "Tests/SomeTests"] { try Files.makeFolder(folder(name)) }
    try folder.put(
      "docs/reference/Claims.md", "# Claims\n\n| id | claim | by | tests |\n|---|---|---|---|\n" + claims)
    try folder.put(
      "docs/Checks.md", "| step | what it shows | day |\n|---|---|---|\n| year | a year | never |\n")
    // The mark is put together here, as this file is read for marks too.
    try folder.put(
      "Tests/SomeTests/SomeTests.swift", source.replacing("MARK", with: "/" + "/ claim:"))
    return folder
  }

  private static let source = """
    @Suite struct SomeTests {
      MARK sums
      @Test func addsUp() {}

      MARK sums, signs
      @Test(arguments: [1])
      func takesOff(number: Int) {}
    }
    """

  @Test func theProjectsClaimsAndTestsNameEachOther() throws {
    let claims = try Claim.all(of: Self.project, run: nil)
    #expect(claims.count > 40)
    #expect(claims.filter { $0.state == .untested }.count >= 5)
    #expect(claims.filter { $0.state == .byCheckAlone }.map(\.id) == ["boards", "coverage"])
  }

  @Test func aClaimHoldsAsItsTestsRan() throws {
    let folder = try folder(
      claims: """
        | sums | it adds | hand | SomeTests/addsUp, SomeTests/takesOff |
        | signs | it subtracts | hand | SomeTests/takesOff, check year |
        | long | it lasts | a year | check year |
        | hope | it helps | none: nobody looked | none |

        """, source: Self.source)
    func states(_ events: String) throws -> [Claim.State] {
      try Claim.all(of: folder.path, run: TestRun(reading: folder.put("events.jsonl", events))).map(\.state)
    }
    let (adds, takes) = ("SomeTests/addsUp()", "SomeTests/takesOff(number:)")
    #expect(try states(Self.events(passed: [adds, takes])) == [.holds, .holds, .byCheckAlone, .untested])
    #expect(
      try states(Self.events(passed: [adds], failed: [takes])) == [.fails, .fails, .byCheckAlone, .untested])
    #expect(
      try states(Self.events(passed: [adds], skipped: [takes]))
        == [.holdsInPart, .notRun, .byCheckAlone, .untested])
    // A suite that is left out leaves out its tests; one that never came is no pass.
    #expect(try states(Self.events(skipped: ["SomeTests"])).prefix(2) == [.notRun, .notRun])
    #expect(try states(Self.events(passed: [takes])).prefix(2) == [.holdsInPart, .holds])
  }

  @Test(arguments: [
    ("| sums | a | b | SomeTests/addsUp |", "doesn't name SomeTests/takesOff"),
    ("| sums | a | b | SomeTests/addsUp, SomeTests/takesOff, SomeTests/gone |", "names SomeTests/gone"),
    ("| sums | a | b | SomeTests/addsUp, SomeTests/takesOff |", "claim signs: isn't there"),
    ("| sums | a | b | none |", "doesn't name SomeTests/addsUp"),
    ("| sums | a | b | perhaps |", "can't be read"),
    ("| other | a | b | check month |", "the check month"),
    ("| other | a | b | none |\n| other | a | b | none |", "is there twice"),
    ("| other | a | b | c | none |", "has 5 cells"),
  ]) func claimsAndSourcesThatDifferAreRefused(rows: String, problem: String) throws {
    let folder = try folder(claims: rows + "\n", source: Self.source)
    let error = try #require(failure { _ = try Claim.all(of: folder.path, run: nil) })
    #expect(error.kind == .malformed && error.description.contains(problem), "\(error)")
  }

  @Test func aRunThatBrokeOffIsNoRun() throws {
    let folder = try TemporaryFolder()
    let cut = try folder.put("cut.jsonl", Self.events(passed: ["SomeTests/addsUp()"], isWhole: false))
    #expect(failure { _ = try TestRun(reading: cut) }?.problem.contains("breaks off") == true)
    let other = try folder.put("other.jsonl", "hello\n")
    #expect(failure { _ = try TestRun(reading: other) }?.problem.contains("no") == true)
  }

  @Test func theDossierHoldsWhatTheProjectsFilesHold() throws {
    let dossier = try Dossier(project: Self.project, testEvents: nil)
    #expect(failure { try dossier.requireThatNothingFailed("x") } == nil)
    let page = dossier.page(command: "exporter dossier --output x")
    let parser = XMLParser(data: Data(page.replacing("<!DOCTYPE html>", with: "").utf8))
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    let json = String(decoding: try JSON.data(dossier), as: UTF8.self)
    // Figures as the result files have them, read by another way.
    let boards =
      try JSONSerialization.jsonObject(
        with: Files.read(ProjectFiles.path("Firmware/results.json"))) as? [String: Any]
    for board in try #require(boards?["boards"] as? [[String: Any]]) {
      let example = try #require(board["example"] as? [String: Any])
      for key in ["codeBytes", "stackBytes"] {
        #expect(page.contains(Numbers.integer(try #require(example[key] as? Int))))
      }
    }
    for name in ["ecg-beats", "ecg-beats-wide", "ecg-beats-intra", "vtvf", "af"] {
      let image = try Files.read(ProjectFiles.path("Models/\(name)/\(name).qinf"))
      #expect(page.contains("Model \(name)"))
      #expect(json.contains(SHA256.hexadecimal(image)) && page.contains(SHA256.hexadecimal(image)))
      // The digest that the image states of itself lies at byte 24.
      #expect(page.contains(image[24..<56].map { Numbers.hexadecimal($0) }.joined()))
    }
    // Macro F1 of the shipped ecg-beats in int8: 0.60884 (0.52136 to 0.65873) in its results.
    #expect(page.contains("60.9\u{A0}% (52.1\u{A0}to\u{A0}65.9)"))
    #expect(page.contains("exporter quantize ecg-beats.safetensors"))
    #expect(!page.lowercased().contains("compliant"))
    // Limits aren't folded, and so are printed.
    let unfolded = page.replacing(#/<details>[\s\S]*?<\/details>/#, with: "")
    #expect(unfolded.contains("Limits, as its card has it") && !unfolded.contains("Data, as its card has it"))
    #expect(unfolded.contains("an implant senses an electrogram, for which it has not been trained"))
  }

  /// The rows of docs/Checks.md, counted here by their bars.
  @Test func longerChecksAreCountedAndThoseThatNeverRanAreNamed() throws {
    let lines = String(decoding: try Files.read(ProjectFiles.path("docs/Checks.md")), as: UTF8.self)
    let rows = lines.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst().map { row in
      row.split(separator: "|", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
    }
    let never = rows.filter { $0[3] == "never" }.map { $0[1] }
    let passed = rows.count { $0[6] == "passed" }
    let sentence = try Dossier(project: Self.project, testEvents: nil).checkSentence
    #expect(sentence.hasPrefix("\(passed) of \(rows.count) longer checks passed when they last ran; "))
    #expect(never.isEmpty || sentence.hasSuffix("noted here: \(never.joined(separator: ", "))."))
    #expect(passed > 0 && passed + never.count < rows.count + 1)
  }

  @Test func aFailedTestOfAClaimFailsTheDossier() throws {
    let folder = try TemporaryFolder()
    let test = "SpectrogramTests/whiteNoiseHasAtLeast60Decibels()"
    let dossier = try Dossier(
      project: Self.project, testEvents: folder.put("events.jsonl", Self.events(failed: [test])))
    let error = try #require(failure { try dossier.requireThatNothingFailed("d.html") })
    #expect(error.description.hasPrefix("d.html:claim spectrogram: fails by SpectrogramTests/whiteNoise"))
    #expect(dossier.sentence.hasPrefix("1 fail: spectrogram. "))
    #expect(dossier.page(command: "").contains("FAILS"))
    // So does one of no claim.
    let other = try Dossier(
      project: Self.project,
      testEvents: folder.put("events.jsonl", Self.events(failed: ["NumbersTests/unitsFollowTheSize()"])))
    #expect(
      failure { try other.requireThatNothingFailed("d.html") }?.problem.contains("NumbersTests") == true)
    #expect(other.sentence.contains("1 test of no claim failed, such as NumbersTests/unitsFollowTheSize"))
  }

  @Test func theSoftwareTableHasWhatThePackageIsBuiltFrom() throws {
    let manifest = String(decoding: try Files.read(ProjectFiles.path("Package.swift")), as: UTF8.self)
    let wanted =
      manifest.matches(of: /pkgConfig: "(\w+)"/).map { String($0.output.1) }
      + manifest.matches(of: /url: "[^"]*\/([^\/"]+)"/).map { String($0.output.1) }
    #expect(wanted.count == 4)
    let bill = try Dossier(project: Self.project, testEvents: nil).software
    let object = try #require(try JSONSerialization.jsonObject(with: JSON.data(bill)) as? [String: Any])
    #expect(object["spdxVersion"] as? String == "SPDX-2.3")
    let packages = try #require(object["packages"] as? [[String: Any]])
    let names = packages.compactMap { $0["name"] as? String }
    #expect(names.first == "QuantInfer" && Set(wanted).isSubset(of: names))
    #expect(packages.allSatisfy { !($0["licenseConcluded"] as? String ?? "").isEmpty })
    // Each package has one relationship, and the document one.
    #expect((object["relationships"] as? [Any])?.count == packages.count)
  }
}

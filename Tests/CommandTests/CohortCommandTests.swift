import Foundation
import Support
import Testing
import TestSupport

/// `exporter cohort` and `exporter finetune`, on a small synthetic cohort.
@Suite struct CohortCommandTests {
  private let exporter = Command("exporter")
  private let folder: TemporaryFolder
  private let manifest: String
  private let network = ProjectFiles.path("Models/ecg-beats-intra/ecg-beats-intra.safetensors")

  init() throws {
    folder = try TemporaryFolder()
    manifest = folder("cohort/manifest.csv")
    let made = try exporter(
      "cohort", "synthesize", "--patients", "24", "--seed", "3", "--output", folder("cohort"), "--quiet")
    #expect(made.status == 0, "\(made.errors)")
  }

  private func text(_ file: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
  }

  /// The manifest with a line changed, beside the original.
  private func changed(_ line: Int, _ change: (inout [String]) -> Void) throws -> String {
    var lines = try text(manifest).split(separator: "\n").map(String.init)
    var cells = lines[line - 1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    change(&cells)
    lines[line - 1] = cells.joined(separator: ",")
    let path = folder("cohort/changed.csv")
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  private func finetune(_ arguments: String...) throws -> Command.Result {
    try exporter.run(
      [
        "finetune", "--from", network, "--folds", "2", "--repeats", "1", "--steps", "3", "--quiet",
        "--beats-per-patient", "4",
      ] + arguments)
  }

  // MARK: Cohorts

  @Test func checkCountsPatientsAndSaysSynthetic() throws {
    let result = try exporter("cohort", "check", manifest, "--json", "-", "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    let summary = try jsonObject(result.output)
    #expect(summary["patients"] as? Int == 24 && summary["records"] as? Int == 24)
    // Ten seconds each.
    #expect(summary["seconds"] as? Double == 240 && summary["isSynthetic"] as? Bool == true)
    let shown = try exporter("cohort", "check", manifest, "--response", "lvesv15", "--quiet")
    #expect(shown.status == 0 && shown.output.contains("synthetic"))
  }

  @Test func aCSVWithoutTimesHasItsRateInTheManifest() throws {
    let samples = (0..<2500).map { "\(($0 % 250) < 10 ? 1.0 : 0.0)" }.joined(separator: "\n")
    try Files.write("II [mV]\n" + samples + "\n", to: folder("bare.csv"))
    func check(_ rate: String, record: String = "bare.csv") throws -> Command.Result {
      try Files.write(
        "patient,record,sample_rate_hz,label\np1,\(record),\(rate),1\n", to: folder("rates.csv"))
      return try exporter("cohort", "check", folder("rates.csv"), "--json", "-", "--quiet")
    }
    let result = try check("250")
    #expect(result.status == 0, "\(result.errors)")
    #expect(try jsonObject(result.output)["seconds"] as? Double == 10)
    for (rate, record) in [("0", "bare.csv"), ("fast", "bare.csv"), ("250", "cohort/records/S0001")] {
      let wrong = try check(rate, record: record)
      #expect(wrong.status == 65 && wrong.hasOneErrorLine, "\(wrong.errors)")
      #expect(wrong.errors.contains("line 2, column sample_rate_hz"))
    }
    #expect(try check("").status == 65)
  }

  @Test func featuresHaveARowAPatient() throws {
    let result = try exporter("cohort", "features", manifest, "--output", folder("features.csv"), "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    let lines = try text(folder("features.csv")).split(separator: "\n")
    #expect(lines.count == 2 + 24 && lines[0].contains("synthetic"))
    #expect(lines[1].hasPrefix("patient,responds,ecg_qrsd_ms"))
    // CRT patients have wide complexes: the generator's are 120 to 230 ms, and one lead shows most of it.
    let durations = lines.dropFirst(2).compactMap { Double($0.split(separator: ",")[2]) }
    #expect(durations.count == 24 && durations.allSatisfy { (60...260).contains($0) })
  }

  @Test func equalArgumentsSynthesizeEqualBytes() throws {
    let again = try exporter(
      "cohort", "synthesize", "--patients", "24", "--seed", "3", "--output", folder("again"), "--threads",
      "1",
      "--quiet")
    #expect(again.status == 0)
    #expect(try text(folder("again/manifest.csv")) == text(manifest))
    #expect(try text(folder("again/truth.csv")) == text(folder("cohort/truth.csv")))
    for arguments in [["--patients", "0"], ["--lead", "V9"], ["--arm", "best"], ["--threads", "0"]] {
      let wrong = try exporter.run(["cohort", "synthesize", "--output", folder("no")] + arguments)
      #expect(wrong.status == 64 && wrong.errors.hasPrefix("error: "), "\(arguments)")
    }
  }

  @Test(.enabled(if: Databases.has("ludb"), "needs LUDB beside the project"))
  func ludbIsACohortOfTwoHundred() throws {
    let made = try exporter(
      "cohort", "ludb", "--data", Databases.path("ludb"), "--output", folder("ludb.csv"), "--json", "-",
      "--quiet")
    #expect(made.status == 0, "\(made.errors)")
    let summary = try jsonObject(made.output)
    #expect(summary["patients"] as? Int == 200 && summary["diseased"] as? Int == 53)
    #expect(try text(folder("ludb.csv")).split(separator: "\n").count == 202)
  }

  @Test func missingFoldersAndFilesAreTold() throws {
    let ludb = try exporter("cohort", "ludb", "--data", folder("none"), "--output", folder("x.csv"))
    #expect(ludb.status == 66 && ludb.hasOneErrorLine)
    let check = try exporter("cohort", "check", folder("none.csv"))
    #expect(check.status == 66 && check.hasOneErrorLine)
  }

  @Test func aBadManifestsRowIsNamed() throws {
    // Line 1 is the notice, line 2 the columns: patient, record, lead, label, ...
    let cases: [(column: Int, value: String, status: Int32, place: String)] = [
      (3, "maybe", 65, "line 5, column label"), (0, "", 65, "line 5, column patient"),
      (1, "records/nobody", 66, "line 5, column record"), (1, "records/S0001", 65, "line 5, column record"),
      (2, "V9", 65, "line 5, column lead"), (4, "5000", 65, "line 5, column qrsd_ms"),
    ]
    for (column, value, status, place) in cases {
      let file = try changed(5) { $0[column] = value }
      for command in [
        ["cohort", "check", file], ["cohort", "features", file, "--output", folder("f.csv")],
        [
          "finetune", "--from", network, "--cohort", file, "--output", folder("x.safetensors"), "--folds",
          "2",
        ],
        ["cohort", "curve", "--from", network, "--cohort", file],
      ] {
        let result = try exporter.run(command + ["--quiet"])
        #expect(result.status == status, "\(command[0...1]) \(value): \(result.errors)")
        #expect(result.hasOneErrorLine && result.errors.contains(place), "\(result.errors)")
      }
    }
    let unknown = try changed(2) { $0[3] = "lable" }
    let result = try exporter("cohort", "check", unknown)
    #expect(result.status == 65 && result.hasOneErrorLine && result.errors.contains("column lable"))
    #expect(!FileManager.default.fileExists(atPath: folder("x.safetensors")))
  }

  // MARK: Transfer

  @Test func aCohortBecomesACheckpointAnImageAndAPage() throws {
    let (output, image, page) = (folder("r.safetensors"), folder("r.qinf"), folder("r.html"))
    let result = try finetune(
      "--cohort", manifest, "--response", "lvesv15", "--output", output, "--image", image, "--report", page,
      "--json", "-")
    #expect(result.status == 0, "\(result.errors)")
    let study = try #require(try jsonObject(result.output)["study"] as? [String: Any])
    let names = try #require(study["methods"] as? [[String: Any]]).compactMap { $0["method"] as? String }
    for name in [
      "transfer, float", "transfer, int8", "from scratch", "logistic regression", "ESC 2021 class I",
    ] {
      #expect(names.contains(name))
    }
    // What each patient was given is there: the area under the curve is that of counting pairs of patients.
    let cases = try #require(study["cases"] as? [[String: Any]])
    #expect(cases.count == 24 && Set(cases.compactMap { $0["patient"] as? String }).count == 24)
    #expect(Set(cases.compactMap { ($0["folds"] as? [Int])?.first }) == [0, 1])
    func scores(_ responds: Bool) throws -> [Double] {
      try cases.filter { $0["responds"] as? Bool == responds }.map {
        let all = try #require($0["probabilities"] as? [String: [Double]])
        return try #require(all["transfer, float"]?.first)
      }
    }
    let (ill, well) = (try scores(true), try scores(false))
    let pairs = ill.flatMap { score in well.map { score > $0 ? 1 : score == $0 ? 0.5 : 0.0 } }
    let transfer = try #require(
      (study["methods"] as? [[String: Any]])?.first { $0["method"] as? String == "transfer, float" })
    let area = try #require((transfer["auc"] as? [String: Any])?["value"] as? Double)
    #expect(abs(pairs.reduce(0, +) / Double(pairs.count) - area) < 1e-9)

    // Float and int8 give nearly the same probabilities.
    let agreement = try #require(study["agreement"] as? [String: Any])
    #expect(try #require(agreement["largestDifference"] as? Double) < 0.05)
    #expect(try #require(agreement["sameDecision"] as? Double) > 0.8)

    let html = try text(page)
    #expect(html.contains("SYNTHETIC DATA") && html.contains("not a medical device"))
    #expect(!html.contains("<script") && !html.contains("http://localhost") && html.contains("<svg"))

    // The image runs on the device, with its two classes.
    let stream = try Command("device-sim")(
      "stream", "--model", image, "--float", output, "--record", folder("cohort/records/S0001"), "--lead",
      "V6",
      "--json", "-", "--quiet")
    #expect(stream.status == 0, "\(stream.errors)")
    let run = try jsonObject(stream.output)
    #expect(try #require(run["decisions"] as? Int) >= 4)
    let twins = try #require(run["agreement"] as? [String: Any])
    #expect(try #require(twins["top1"] as? Double) > 0.7)
    let inspected = try exporter("inspect", image)
    #expect(inspected.status == 0 && inspected.output.contains("yes"))
    #expect(inspected.output.contains("128 Hz, "))

    // The same command gives the same bytes at one thread.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: output))
    let again = try finetune(
      "--cohort", manifest, "--response", "lvesv15", "--output", output, "--threads", "1", "--float-only")
    #expect(again.status == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: output)) == bytes)
  }

  @Test func wrongArgumentsAreRefusedAndFilesStay() throws {
    let output = folder("kept.safetensors")
    try Data("before".utf8).write(to: URL(fileURLWithPath: output))
    let usual = ["--cohort", manifest, "--output", output]
    for wrong in [
      ["--freeze", "most"], ["--freeze", "-1"], ["--layer-rates", "1,x"], ["--layer-rates", "-1"],
      ["--repeats", "0"], ["--steps", "0"], ["--adc-bits", "4"], ["--response", "survival"],
      ["--report", output],
    ] {
      let result = try exporter.run(["finetune", "--from", network] + usual + wrong)
      #expect(result.status == 64 && result.errors.hasPrefix("error: "), "\(wrong): \(result.errors)")
    }
    #expect(try finetune("--cohort", manifest, "--output", network).status == 64)
    let cases: [(arguments: [String], status: Int32)] = [
      (["--folds", "20"], 65), (["--freeze", "9"], 65), (["--report", folder("none/x.html")], 1),
    ]
    for (arguments, status) in cases {
      let result = try exporter.run(["finetune", "--from", network, "--quiet"] + usual + arguments)
      #expect(result.status == status && result.hasOneErrorLine, "\(arguments): \(result.errors)")
    }
    let foreign = try exporter.run(["finetune", "--from", manifest] + usual)
    #expect(foreign.status == 65 && foreign.hasOneErrorLine)
    let absent = try exporter.run(["finetune", "--from", folder("none.safetensors")] + usual)
    #expect(absent.status == 66 && absent.hasOneErrorLine)
    #expect(try text(output) == "before")
  }

  @Test func aStudyGoesOnFromItsLog() throws {
    let arguments = [
      "cohort", "study", "--from", network, "--patients", "24", "--folds", "2", "--steps", "3",
      "--beats-per-patient", "4", "--float-only", "--quiet", "--log", folder("study.jsonl"), "--json", "-",
    ]
    let one = try exporter.run(arguments + ["--cohorts", "1"])
    #expect(one.status == 0, "\(one.errors)")
    let two = try exporter.run(arguments + ["--cohorts", "2", "--report", folder("study.html")])
    #expect(two.status == 0, "\(two.errors)")
    // A line that says what the log is, and one for each arm and seed.
    #expect(try text(folder("study.jsonl")).split(separator: "\n").count == 5)
    let arms = try #require(try jsonObject(two.output)["arms"] as? [[String: Any]])
    #expect(arms.count == 2 && arms.allSatisfy { $0["cohorts"] as? Int == 2 })
    let page = try text(folder("study.html"))
    #expect(page.contains("SYNTHETIC DATA") && page.contains("60.5 to 81.0 %") && page.contains("72 %"))
    try Files.write("before", to: folder("study.jsonl"))
    let other = try exporter.run(arguments + ["--cohorts", "1"])
    #expect(other.status == 65 && other.hasOneErrorLine && other.errors.contains("line 1"))
    #expect(try text(folder("study.jsonl")) == "before")
    for wrong in [
      ["--cohorts", "0"], ["--patients", "3"], ["--lead", "X"], ["--folds", "1"], ["--arm", "none"],
    ] {
      #expect(try exporter.run(arguments + wrong).status == 64, "\(wrong)")
    }
  }

  @Test func aCurveTellsWhetherTransferHelps() throws {
    let result = try exporter(
      "cohort", "curve", "--from", network, "--cohort", manifest, "--sizes", "6,12", "--repeats", "2",
      "--steps",
      "3", "--beats-per-patient", "4", "--quiet", "--json", "-", "--report", folder("curve.html"))
    #expect(result.status == 0, "\(result.errors)")
    let points = try #require(try jsonObject(result.output)["points"] as? [[String: Any]])
    #expect(points.compactMap { $0["patients"] as? Int } == [6, 12])
    #expect(try text(folder("curve.html")).contains("SYNTHETIC DATA"))
    for wrong in [
      ["--sizes", "20,10"], ["--sizes", "x"], ["--repeats", "1"], ["--arm", "published"],
    ] {
      let refused = try exporter.run(["cohort", "curve", "--from", network, "--cohort", manifest] + wrong)
      #expect(refused.status == 64, "\(wrong)")
    }
    let few = try exporter("cohort", "curve", "--from", network, "--cohort", manifest, "--quiet")
    #expect(few.status == 65 && few.hasOneErrorLine)
  }
}

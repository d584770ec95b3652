import ECG
import Foundation
import Support
import Testing
import TestSupport

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// `device-sim sweep` and `device-sim merge` through the executable, and the front end of `device-sim stream`.
@Suite struct SweepTests {
  private static let inputs = ["--model", ProjectFiles.model, "--records", ProjectFiles.record]
  /// 9 combinations: 1 without noise, and 2 noises at 2 SNRs with 2 seeds.
  private static let grid = ["--noise", "none,emg,mains50", "--snr", "24,0", "--seed", "1,2"]

  @discardableResult
  private func sweep(_ arguments: [String], to output: String) throws -> Command.Result {
    try Command("device-sim").run(["sweep"] + Self.inputs + ["--output", output] + arguments)
  }

  /// The merged lines of sweeps' files.
  private func merged(_ files: String...) throws -> String {
    let folder = try TemporaryFolder()
    let result = try Command("device-sim").run(["merge"] + files + ["--output", folder("merged.jsonl")])
    #expect(result.status == 0, "\(result.errors)")
    return String(decoding: try Files.read(folder("merged.jsonl")), as: UTF8.self)
  }

  /// A log's results, without the line that says what it is.
  private func lines(_ file: String) throws -> [Substring] {
    Array(String(decoding: try Files.read(file), as: UTF8.self).split(separator: "\n").dropFirst())
  }

  /// A log's first line.
  private func firstLine(_ file: String) throws -> String {
    String(decoding: try Files.read(file).prefix { $0 != 10 }, as: UTF8.self) + "\n"
  }

  /// A line's result.
  private func content(_ line: Substring) throws -> [String: Any] {
    try #require(try jsonObject(line)["result"] as? [String: Any])
  }

  @Test func everyCombinationIsALineWithItsSettings() throws {
    let folder = try TemporaryFolder()
    let file = folder("sweep.jsonl")
    let result = try sweep(
      Self.grid + ["--float", ProjectFiles.checkpoint, "--json", "-", "--quiet"], to: file)
    #expect(result.status == 0, "\(result.errors)")
    let results = try lines(file).map(content)
    let settings = try results.map {
      let all = try #require($0["settings"] as? [String: Any])
      let disturbances = try #require(all["disturbances"] as? [String: Any])
      return
        "\(disturbances["noise"] ?? "none") \(disturbances["snrDecibels"] ?? "-") \(disturbances["seed"] ?? 0)"
    }
    #expect(
      Set(settings) == [
        "none - 1", "emg 24 1", "emg 24 2", "emg 0 1", "emg 0 2", "mains50 24 1", "mains50 24 2",
        "mains50 0 1",
        "mains50 0 2",
      ])
    #expect(settings.count == 9)
    #expect(results.allSatisfy { $0["agreement"] != nil && $0["seconds"] is Double })
    let summary = try jsonObject(result.output)
    #expect((summary["rows"] as? [Any])?.count == 5)
    #expect(try #require(summary["hoursOfECGPerSecond"] as? Double) > 0)
  }

  @Test func resultsOfOtherFrontEndsAreNotSummedUp() throws {
    let folder = try TemporaryFolder()
    let files = [folder("a.jsonl"), folder("b.jsonl")]
    try sweep(["--noise", "emg", "--snr", "6"], to: files[0])
    try sweep(["--noise", "emg", "--snr", "6", "--gain-error", "20"], to: files[1])
    let result = try Command("device-sim").run(["merge"] + files + ["--json", "-", "--quiet"])
    let rows = try #require(try jsonObject(result.output)["rows"] as? [[String: Any]])
    #expect(rows.map { $0["runs"] as? Int } == [1, 1])
  }

  /// 48 records of half an hour.
  @Test(.enabled(if: Databases.has("mitdb"), "needs MIT-BIH beside the project"))
  func theWholeOfMITBIHGoesThrough() throws {
    let folder = try TemporaryFolder()
    let result = try Command("device-sim").run([
      "sweep", "--model", ProjectFiles.model, "--data", Databases.path("mitdb"), "--output",
      folder("all.jsonl"),
      "--json", "-", "--quiet",
    ])
    let summary = try jsonObject(result.output)
    #expect(summary["combinations"] as? Int == 48)
    // The shipped model was trained on DS1.
    #expect((summary["trainingRecords"] as? [String])?.count == 22)
    let hours = try #require(summary["hoursOfECG"] as? Double)
    let seconds = try #require(summary["seconds"] as? Double)
    #expect(abs(hours - 48 * 650_000 / 360.0 / 3600) < 0.001)
    #expect(abs(try #require(summary["hoursOfECGPerSecond"] as? Double) - hours / seconds) < 1e-6)
  }

  @Test func theResultsDoNotDependOnTheThreads() throws {
    let folder = try TemporaryFolder()
    try sweep(Self.grid + ["--threads", "1"], to: folder("one.jsonl"))
    try sweep(Self.grid + ["--threads", "3"], to: folder("three.jsonl"))
    let one = try merged(folder("one.jsonl"))
    #expect(one.split(separator: "\n").count == 10)
    #expect(try merged(folder("three.jsonl")) == one)
  }

  @Test func aRunGoesOnWhereItBrokeOff() throws {
    let folder = try TemporaryFolder()
    let (whole, part) = (folder("whole.jsonl"), folder("part.jsonl"))
    try sweep(Self.grid, to: whole)
    let all = try lines(whole)
    try Files.write(firstLine(whole) + all[..<4].map { $0 + "\n" }.joined() + all[4].prefix(100), to: part)
    let result = try sweep(Self.grid + ["--json", "-", "--quiet"], to: part)
    #expect(
      result.errors == "warning: \(part):line 6: broke off and was cut away; its result is worked out again\n"
    )
    #expect(try jsonObject(result.output)["foundCombinations"] as? Int == 4)
    #expect(try lines(part)[..<4] == all[..<4])
    #expect(try merged(part) == merged(whole))
  }

  @Test func aRecordThatHasChangedIsRunAgainAndTheLaterResultCounts() throws {
    let folder = try TemporaryFolder()
    let (file, other) = (folder("sweep.jsonl"), folder("other.jsonl"))
    for type in ["hea", "dat"] {
      try Files.write(Files.read(ProjectFiles.record + "." + type), to: folder("mitdb-208." + type))
    }
    func found(_ file: String) throws -> Int? {
      let result = try Command("device-sim").run([
        "sweep", "--model", ProjectFiles.model, "--records", "mitdb-208", "--data", folder.path, "--output",
        file,
        "--json", "-", "--quiet",
      ])
      #expect(result.status == 0, "\(result.errors)")
      return try jsonObject(result.output)["foundCombinations"] as? Int
    }
    #expect(try found(file) == 0)
    #expect(try found(file) == 1)
    // The same samples at half the size.
    let header = String(decoding: try Files.read(folder("mitdb-208.hea")), as: UTF8.self)
    let half = header.replacing(" 200", with: " 400", maxReplacements: 1)
    #expect(half != header)
    try Files.write(half, to: folder("mitdb-208.hea"))
    #expect(try found(file) == 0)
    #expect(try lines(file).count == 2)
    let merge = try Command("device-sim").run(["merge", file, "--output", folder("merged.jsonl")])
    #expect(merge.status == 0 && merge.output.contains("1 of files that have changed since left out"))
    #expect(try found(other) == 0)
    #expect(try merged(other) == merged(file))
    // Another file's old result is of another record.
    try Files.write(firstLine(file) + lines(file)[0] + "\n", to: folder("old.jsonl"))
    expectError(
      try Command("device-sim").run(["merge", folder("old.jsonl"), other]), status: 65,
      containing: "whose files were other ones")
  }

  @Test func changedNetworksAndNoisesAreRunAgain() throws {
    let folder = try TemporaryFolder()
    let (file, network, noise) = (folder("sweep.jsonl"), folder("net.safetensors"), folder("mitdb-208"))
    try Files.write(Files.read(ProjectFiles.checkpoint), to: network)
    for type in ["hea", "dat"] {
      try Files.write(Files.read(ProjectFiles.record + "." + type), to: noise + "." + type)
    }
    func found() throws -> Int? {
      let result = try sweep(
        ["--float", network, "--noise", noise, "--snr", "6", "--json", "-", "--quiet"], to: file)
      #expect(result.status == 0, "\(result.errors)")
      return try jsonObject(result.output)["foundCombinations"] as? Int
    }
    #expect(try found() == 0)
    #expect(try found() == 1)
    // Another weight, under the same name.
    var bytes = try Files.read(network)
    bytes[bytes.count - 3] ^= 1
    try Files.write(bytes, to: network)
    #expect(try found() == 0)
    #expect(try found() == 1)
    // Another noise, under the same name.
    let header = String(decoding: try Files.read(noise + ".hea"), as: UTF8.self)
    try Files.write(header.replacing(" 200", with: " 400"), to: noise + ".hea")
    #expect(try found() == 0)
    #expect(try found() == 1)
    let merge = try Command("device-sim").run(["merge", file])
    #expect(merge.status == 0 && merge.output.contains("2 of files that have changed since left out"))
  }

  @Test func aSecondRunIsRefusedWhileTheFirstWrites() throws {
    let folder = try TemporaryFolder()
    let file = folder("sweep.jsonl")
    let process = Command("device-sim").process(
      ["sweep", "--quiet", "--threads", "1", "--output", file] + Self.inputs
        + ["--noise", "emg", "--snr", "12", "--seed", (1...200).map(String.init).joined(separator: ",")])
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    while process.isRunning, ((try? lines(file).count) ?? 0) < 1 { usleep(1000) }
    let second = try sweep([], to: file)
    expectError(second, status: 1, containing: "\(file): is being written by another run; wait")
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(try sweep([], to: file).status == 0)
  }

  @Test func aFullDiskStopsTheWorkAndKeepsWhatIsDone() throws {
    let folder = try TemporaryFolder()
    let (whole, part) = (folder("whole.jsonl"), folder("part.jsonl"))
    try sweep(Self.grid, to: whole)
    let line = try lines(whole)[0].utf8.count
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    // A file may become some lines long, in units of 1,024 bytes, and the signal for that is ignored.
    process.arguments =
      [
        "-c", "trap '' XFSZ; ulimit -f \(3 * line / 1024 + 1); exec \"$0\" \"$@\"",
        Command("device-sim").path,
        "sweep", "--quiet", "--threads", "1", "--output", part,
      ]
      + Self.inputs + Self.grid
    let errors = Pipe()
    (process.standardError, process.standardOutput) = (errors, FileHandle.nullDevice)
    try process.run()
    let message = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 1)
    #expect(
      message == "error: \(part): can't be written: File too large; free some space or choose another disk\n")
    let kept = try lines(part).count
    #expect((1...8).contains(kept))
    let result = try sweep(Self.grid + ["--json", "-", "--quiet"], to: part)
    #expect(result.errors.isEmpty)
    #expect(try jsonObject(result.output)["foundCombinations"] as? Int == kept)
    #expect(try merged(part) == merged(whole))
  }

  @Test func mixturesAreCombinationsOfTheirOwn() throws {
    let folder = try TemporaryFolder()
    let file = folder("sweep.jsonl")
    try sweep(["--noise", "none,emg+mains50,emg@6+mains50@12", "--snr", "24,0"], to: file)
    let noises = try lines(file).map { line in
      let settings = try #require(try content(line)["settings"] as? [String: Any])
      let disturbances = try #require(settings["disturbances"] as? [String: Any])
      return "\(disturbances["noise"] ?? "none") \(disturbances["snrDecibels"] ?? "-")"
    }
    #expect(Set(noises) == ["none -", "emg+mains50 24", "emg+mains50 0", "emg@6+mains50@12 -"])
    #expect(noises.count == 4)
    let alone = try sweep(["--noise", "emg@6+mains50@12", "--snr", "24"], to: file)
    expectError(alone, status: 64, containing: "--snr needs")
  }

  @Test func repeatedNoisesOfAStreamAreAMixture() throws {
    func run(_ noise: [String]) throws -> String {
      let result = try Command("device-sim").run(
        ["stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--json", "-", "--quiet"]
          + noise)
      #expect(result.status == 0, "\(result.errors)")
      let disturbances = try #require(try jsonObject(result.output)["disturbances"] as? [String: Any])
      return try #require((disturbances["settings"] as? [String: Any])?["noise"] as? String)
    }
    #expect(try run(["--noise", "emg", "--noise", "mains50", "--snr", "6"]) == "emg+mains50")
    #expect(try run(["--noise", "emg@6", "--noise", "mains50@12"]) == "emg@6+mains50@12")
  }

  @Test func aKilledRunLosesNoFinishedCombination() throws {
    let folder = try TemporaryFolder()
    let (whole, part) = (folder("whole.jsonl"), folder("part.jsonl"))
    let grid = ["--noise", "emg", "--snr", "12", "--seed", (1...40).map(String.init).joined(separator: ",")]
    let process = Command("device-sim").process(
      ["sweep", "--quiet", "--threads", "1", "--output", part] + Self.inputs + grid)
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    while process.isRunning, ((try? lines(part).count) ?? 0) < 3 { usleep(1000) }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let before = try lines(part).count
    #expect((3..<40).contains(before))
    let result = try sweep(grid + ["--json", "-", "--quiet"], to: part)
    let found = try #require(try jsonObject(result.output)["foundCombinations"] as? Int)
    #expect((before - 1...before).contains(found))
    try sweep(grid, to: whole)
    #expect(try merged(part) == merged(whole))
  }

  @Test(arguments: ["xargs", "parallel"])
  func theDocumentationsShardsGiveWhatOneRunGives(tool: String) throws {
    guard tool == "xargs" || Self.has(tool) else { return }
    let document = String(decoding: try Files.read(ProjectFiles.path("docs/guides/Sweeps.md")), as: UTF8.self)
    let script = try #require(
      document.components(separatedBy: "```sh\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        .first { $0.contains("| \(tool) ") })
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-ec", script]
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    let products = (Command("device-sim").path as NSString).deletingLastPathComponent
    process.environment = ProcessInfo.processInfo.environment.merging([
      "PATH": products + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"),
      "MODEL": ProjectFiles.model, "RECORD": ProjectFiles.record,
    ]) { $1 }
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let shards = try [lines(folder("shard-1.jsonl")).count, lines(folder("shard-2.jsonl")).count]
    #expect(shards == [5, 4])
    try sweep(Self.grid, to: folder("whole.jsonl"))
    let merge = String(decoding: try Files.read(folder("sweep.jsonl")), as: UTF8.self)
    #expect(try merge == merged(folder("whole.jsonl")))
    let parser = XMLParser(data: try Files.read(folder("sweep.html")))
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
  }

  private static func has(_ tool: String) -> Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: $0 + "/" + tool)
    }
  }

  @Test func mergingTakesEachResultOnceAndNamesConflicts() throws {
    let folder = try TemporaryFolder()
    let (first, second) = (folder("first.jsonl"), folder("second.jsonl"))
    try sweep(Self.grid, to: first)
    #expect(try merged(first, first) == merged(first))
    let changed = try lines(first).map { $0.replacing(/"decisions":[0-9]+/, with: "\"decisions\":1") }
    try Files.write(firstLine(first) + changed.map { $0 + "\n" }.joined(), to: second)
    let result = try Command("device-sim").run(["merge", first, second])
    expectError(result, status: 65, containing: "\(second):line 2: gives another result")
    #expect(result.errors.contains("\(first):line 2"))
  }

  @Test func filesThatAreNoResultsAreRefused() throws {
    let folder = try TemporaryFolder()
    let file = folder("bad.jsonl")
    try sweep([], to: folder("sweep.jsonl"))
    let header = try firstLine(folder("sweep.jsonl"))
    for (text, message) in [
      ("{}\n", "line 1: doesn't say that the file holds results of a sweep"),
      (header + "{}\n{}\n", "line 2: is no result of a sweep"), (header + "{\"a\":", "line 2: breaks off"),
    ] {
      try Files.write(text, to: file)
      expectError(
        try Command("device-sim").run(["merge", file]), status: 65, containing: message)
    }
    expectError(
      try Command("device-sim").run(["merge", folder("none.jsonl")]), status: 66,
      containing: "none.jsonl")
    for foreign in ["nonsense\n", "nonsense", "{\"settings\":{}}\n"] {
      try Files.write(foreign, to: file)
      expectError(try sweep([], to: file), status: 65, containing: "bad.jsonl:line 1")
      #expect(try Files.read(file) == Data(foreign.utf8))
    }
    expectError(
      try sweep([], to: "/dev/null"), status: 1,
      containing: "/dev/null: is no ordinary file")
    expectError(
      try sweep([], to: folder("missing/s.jsonl")), status: 1,
      containing: "missing/s.jsonl")
  }

  @Test func impossibleSettingsAreUsageErrors() throws {
    let folder = try TemporaryFolder()
    for arguments in [
      ["--noise", "emg"], ["--snr", "6"], ["--noise", "emg", "--snr", "nan"],
      ["--noise", "emg", "--snr", "101"],
      ["--noise", "emg", "--snr", "6,,0"], ["--shard", "3/2"], ["--shard", "0/2"], ["--shard", "1"],
      ["--seed", "-1"], ["--gain-error", "-100"], ["--offset", "inf"], ["--drift-ppm", "1e9"],
      ["--lead-off", "5"], ["--lead-off", "5:0"], ["--lead-off=-1:5"], ["--drop-outs", "0:1"],
      ["--drop-outs", "5:0"],
      ["--threads", "0"],
    ] {
      let result = try sweep(arguments, to: folder("sweep.jsonl"))
      #expect(result.status == 64, "\(arguments)")
    }
    #expect(
      try Command("device-sim").run(["sweep", "--model", ProjectFiles.model, "--output", folder("o.jsonl")])
        .status
        == 64)
    let stream = ["stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record]
    for arguments in [["--noise", "emg"], ["--snr", "6"], ["--noise", "emg", "--snr", "inf"]] {
      #expect(try Command("device-sim").run(stream + arguments).status == 64, "\(arguments)")
    }
    #expect(!FileManager.default.fileExists(atPath: folder("sweep.jsonl")))
  }

  @Test func whatIsMissingIsNamed() throws {
    let folder = try TemporaryFolder()
    let file = folder("sweep.jsonl")
    expectError(
      try sweep(["--noise", "/nowhere/em", "--snr", "6"], to: file), status: 66,
      containing: "/nowhere/em")
    for records in [["--records", "/nowhere/100"], ["--records", "ds2", "--data", "/nowhere"]] {
      let result = try Command("device-sim").run(
        ["sweep", "--model", ProjectFiles.model, "--output", file] + records)
      expectError(result, status: 66, containing: "/nowhere")
    }
    #expect(!FileManager.default.fileExists(atPath: file))
  }

  @Test func whatBefellTheSignalIsWrittenDown() throws {
    let folder = try TemporaryFolder()
    let result = try Command("device-sim").run([
      "stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--noise", "wander", "--snr",
      "-3",
      "--offset", "-0.5", "--lead-off", "60:10", "--lead-off", "200:5", "--seed", "4", "--json", "-",
      "--report",
      folder("page.html"),
    ])
    #expect(result.status == 0, "\(result.errors)")
    let disturbances = try #require(try jsonObject(result.output)["disturbances"] as? [String: Any])
    let settings = try #require(disturbances["settings"] as? [String: Any])
    #expect(settings["noise"] as? String == "wander" && settings["snrDecibels"] as? Double == -3)
    #expect(settings["seed"] as? Int == 4 && settings["offsetMillivolts"] as? Double == -0.5)
    #expect(disturbances["noiseIsSynthetic"] as? Bool == true)
    #expect(disturbances["lostSamples"] as? Int == 15 * 128)
    let decisions = try #require(try jsonObject(result.output)["decisionList"] as? [[String: Any]])
    // A window has 350 samples at most; decisions from lead-off to 2 s after it are over lost samples for certain.
    let certain = decisions.count { decision in
      let time = decision["timeSeconds"] as? Double ?? 0
      return (60..<72).contains(time) || (200..<207).contains(time)
    }
    let counted = try #require(disturbances["decisionsOverLostSamples"] as? Int)
    #expect(counted >= certain && counted <= certain + 6)
    for text in ["synthetic noise wander at -3.0 dB", "lead off from 200.0 s for 5.0 s", "seed 4"] {
      #expect(result.errors.contains(text), "\(result.errors)")
      #expect(String(decoding: try Files.read(folder("page.html")), as: UTF8.self).contains(text))
    }
  }

  @Test func annotationsStayOnTheirBeatsWhenTheClockDrifts() throws {
    let folder = try TemporaryFolder()
    for ending in ["hea", "dat"] {
      try FileManager.default.copyItem(
        atPath: ProjectFiles.record + "." + ending, toPath: folder("mitdb-208." + ending))
    }
    let stream = ["stream", "--model", ProjectFiles.model, "--record", folder("mitdb-208")]
    let own = try Command("device-sim").run(stream + ["--annotations", folder.path, "--annotator", "own"])
    #expect(own.status == 0, "\(own.errors)")
    try FileManager.default.moveItem(atPath: folder("mitdb-208.own"), toPath: folder("mitdb-208.atr"))
    let beats = try Annotations.read(folder("mitdb-208")).beats.map(\.sample)
    #expect(beats.count > 400)
    let result = try Command("device-sim").run(
      stream
        + [
          "--decide", "annotations", "--drift-ppm", "5000", "--annotations", folder.path, "--annotator",
          "fast",
        ])
    #expect(result.status == 0, "\(result.errors)")
    let fast = try Annotations.read(folder("mitdb-208"), annotator: "fast").beats.map(\.sample)
    // A sample of the device is 2.8 of the record: each place is right within half of it, twice rounded.
    #expect(fast.count >= beats.count - 2)
    #expect(zip(beats, fast).allSatisfy { abs($0 - $1) <= 3 })
  }
}

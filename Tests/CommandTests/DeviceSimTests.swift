import ECG
import Foundation
import Support
import Testing
import TestSupport

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// `device-sim` through its executable, on the model and the ECG that ship with the project.
@Suite struct DeviceSimTests {
  static let model = ProjectFiles.model
  static let checkpoint = ProjectFiles.checkpoint
  static let record = ProjectFiles.record

  /// Runs `device-sim stream` and gives back what it did.
  private func stream(_ arguments: String..., record: String = record, input: Data = Data()) throws
    -> Command.Result
  {
    try Command("device-sim").run(
      ["stream", "--model", Self.model, "--record", record] + arguments, input: input)
  }

  @Test func aConvertersOwnRateIsTakenWhereThereIsSuchAConverter() throws {
    let stream = ["stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--device-rate"]
    let run = try Command("device-sim").run(stream + ["500", "--json", "-"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(try run.json()["converterRateHz"] as? Double == 500)
    for rate in ["0", "100001"] {
      expectError(
        try Command("device-sim").run(stream + [rate]), status: 64,
        containing: "--device-rate needs a rate above 0")
    }
  }

  @Test func theShippedModelAgreesWithItsTwinOnTheShippedRecord() throws {
    let result = try stream("--float", Self.checkpoint, "--json", "-", "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    let json = try result.json()
    for key in [
      "record", "samples", "sampleRateHz", "decisions", "agreement", "spectrogram", "memory", "operations",
      "realTimeFactor",
    ] {
      #expect(json[key] != nil, "\(key)")
    }
    #expect(json["samples"] as? Int == 38_400)
    #expect(try #require(json["decisions"] as? Int) > 400)
    let agreement = try #require(json["agreement"] as? [String: Any])
    #expect(try #require(agreement["top1"] as? Double) >= 0.98)
    let spectrogram = try #require(json["spectrogram"] as? [String: Any])
    #expect(try #require(spectrogram["snrDecibels"] as? Double) >= 60)
    #expect(try #require(spectrogram["withinOneStep"] as? Double) >= 0.999)
  }

  @Test func aRunTwiceGivesTheSameDecisions() throws {
    func decisions() throws -> Data { try stream("--json", "-", "--quiet").decisionList() }
    let first = try decisions()
    #expect(first.count > 1000)
    #expect(try decisions() == first)
  }

  @Test func decisionsAreWrittenAsAnnotations() throws {
    try withFolder { folder in
      let result = try stream("--annotations", folder + "/out", "--annotator", "device")
      #expect(result.status == 0, "\(result.errors)")
      let beats = try Annotations.read(folder + "/out/mitdb-208", annotator: "device").beats
      #expect(beats.count > 400)
      #expect(beats.contains { $0.code == .prematureVentricular })
    }
  }

  @Test func aPageIsWrittenThatIsWellFormed() throws {
    try withFolder { folder in
      let page = folder + "/page.html"
      let result = try stream("--float", Self.checkpoint, "--report", page)
      #expect(result.status == 0, "\(result.errors)")
      let parser = XMLParser(data: try Files.read(page))
      #expect(parser.parse(), "\(String(describing: parser.parserError))")
      let text = String(decoding: try Files.read(page), as: UTF8.self)
      for title in [
        "ECG and decisions", "Spectrograms", "Difference", "Logits of both twins", "Decisions and agreement",
        "Memory map", "Multiply-accumulates by layer", "MAC a column", "MAC a decision",
        "Can it live on the device?", "Provenance", "--report",
      ] { #expect(text.contains(title), "\(title)") }
      #expect(text.contains(SHA256.hexadecimal(try Files.read(ProjectFiles.model))))
    }
  }

  @Test func theRecordsDigestIsThatOfItsFilesOneAfterTheOther() throws {
    let result = try stream("--json", "-", "--quiet")
    let json = try result.json()
    let files = try ["hea", "dat"].map { try Files.read(ProjectFiles.record + "." + $0) }
    #expect(json["recordDigest"] as? String == SHA256.hexadecimal(files[0] + files[1]))
    #expect(json["modelDigest"] as? String == SHA256.hexadecimal(try Files.read(ProjectFiles.model)))
  }

  @Test func aCSVStreamsLikeTheRecordItCameFrom() throws {
    let csv = try Record.read(Self.record).csv()
    let fromCSV = try stream("--every", "16", "--sample-rate", "360", "--json", "-", record: "-", input: csv)
    let fromRecord = try stream("--every", "16", "--json", "-")
    #expect(fromCSV.status == 0, "\(fromCSV.errors)")
    #expect(try fromCSV.decisionList() == fromRecord.decisionList())
  }

  @Test func helpAndVersionAreThere() throws {
    for arguments in [
      ["--help"], ["stream", "--help"], ["profiles", "--help"], ["--version"], ["profiles"],
    ] {
      let result = try Command("device-sim").run(arguments)
      #expect(result.status == 0 && !result.output.isEmpty && result.errors.isEmpty, "\(arguments)")
    }
  }

  @Test func helpShowsExamplesThatKeepTheirLines() throws {
    let help = try Command("device-sim").run(["stream", "--help"]).output
    #expect(help.contains("\n    --record mitdb-208 --report page.html"))
    #expect(try Command("device-sim").run(["--help"]).output.contains("Exit status: 0 done"))
  }

  @Test func wrongArgumentsAreUsageErrors() throws {
    for arguments in [
      ["stream"], ["stream", "--nonsense"], ["nonsense"],
      ["stream", "--model", "m", "--record", "r", "--every", "0"],
      ["stream", "--model", "m", "--record", "r", "--sample-rate", "0"],
      ["stream", "--model", "m", "--record", "r", "--sample-rate", "nan"],
      ["stream", "--model", "m", "--record", "r", "--annotator", "atr"],
    ] {
      #expect(try Command("device-sim").run(arguments).status == 64, "\(arguments)")
    }
  }

  @Test func missingFilesAreNamed() throws {
    expectError(try stream(record: "/nowhere/100"), status: 66, containing: "/nowhere/100")
    expectError(
      try Command("device-sim").run(["stream", "--model", "no.qinf", "--record", Self.record]), status: 66,
      containing: "no.qinf")
    expectError(try stream("--float", "no.safetensors"), status: 66, containing: "no.safetensors")
    expectError(try stream("--profile", "no.json"), status: 66, containing: "no.json")
  }

  @Test func aLeadThatIsNotThereIsRefusedWithThoseThatAre() throws {
    expectError(try stream("--lead", "V9"), status: 65, containing: "MLII")
  }

  /// A record's header with a change, and its signal file with another.
  private func withBrokenRecord(
    header change: (String) -> String = { $0 }, data changeData: (Data) -> Data = { $0 },
    _ body: (String) throws -> Void
  ) throws {
    try withFolder { folder in
      let header = String(decoding: try Files.read(Self.record + ".hea"), as: UTF8.self)
      try Files.write(change(header), to: folder + "/mitdb-208.hea")
      try Files.write(changeData(try Files.read(Self.record + ".dat")), to: folder + "/mitdb-208.dat")
      try body(folder + "/mitdb-208")
    }
  }

  @Test func aTruncatedSignalFileIsRefused() throws {
    try withBrokenRecord(data: { $0.prefix(1001) }) { record in
      expectError(try stream(record: record), status: 65, containing: "mitdb-208")
    }
  }

  @Test func aHeaderThatPromisesMoreSignalsIsRefused() throws {
    try withBrokenRecord(header: { $0.replacing("mitdb-208 1 360", with: "mitdb-208 3 360") }) { record in
      expectError(try stream(record: record), status: 65, containing: "mitdb-208.hea")
    }
  }

  @Test func aWrongChecksumIsRefused() throws {
    try withBrokenRecord(header: { $0.replacing(" 5363 ", with: " 5364 ") }) { record in
      expectError(try stream(record: record), status: 65, containing: "checksum")
    }
  }

  @Test func anUnknownFormatIsRefused() throws {
    try withBrokenRecord(header: { $0.replacing(".dat 212", with: ".dat 999") }) { record in
      expectError(try stream(record: record), status: 65, containing: "999")
    }
  }

  @Test(arguments: ["0", "-360", "nan", "inf"])
  func aSamplingRateThatIsNoneIsRefused(rate: String) throws {
    try withBrokenRecord(header: { $0.replacing(" 1 360 ", with: " 1 \(rate) ") }) { record in
      expectError(try stream(record: record), status: 65, containing: "mitdb-208.hea")
    }
  }

  @Test func aGainNextToNothingIsRefused() throws {
    try withBrokenRecord(header: { $0.replacing(" 212 200 ", with: " 212 1e-300 ") }) { record in
      expectError(try stream(record: record), status: 65, containing: "impossible gain")
    }
  }

  @Test func anEmptyHeaderIsRefused() throws {
    try withBrokenRecord(header: { _ in "" }) { record in
      expectError(try stream(record: record), status: 65, containing: "mitdb-208.hea")
    }
  }

  @Test(arguments: [
    "", "mV\n", "mV\n0.1\nabc\n", "mV\n0.1\ninf\n", "mV\n0.1,0.2\n", "time,mV\n0,0.1\n0,0.2\n", "mV\n1e400\n",
  ])
  func aBrokenCSVIsRefused(text: String) throws {
    expectError(
      try stream("--sample-rate", "128", record: "-", input: Data(text.utf8)), status: 65,
      containing: "standard input")
  }

  @Test func aBrokenModelIsRefused() throws {
    let image = try Files.read(Self.model)
    let broken: [(String, Data)] = [
      ("cut short", image.prefix(image.count - 7)), ("cut short", image.prefix(10)), ("cut short", Data()),
      (
        "version",
        {
          var image = image
          image[image.startIndex + 4] = 9
          return image
        }()
      ),
      (
        "checksum",
        {
          var image = image
          image[image.startIndex + 500] ^= 4
          return image
        }()
      ),
      (
        "not a QuantInfer model image",
        Data("not a model, but long enough to hold a header of one; ".utf8) + image
      ),
    ]
    for (text, data) in broken {
      try withFolder { folder in
        try Files.write(data, to: folder + "/broken.qinf")
        expectError(
          try Command("device-sim").run([
            "stream", "--model", folder + "/broken.qinf", "--record", Self.record,
          ]),
          status: 65, containing: text)
      }
    }
  }

  @Test func aCheckpointOfAnotherNetworkIsNoTwin() throws {
    try withFolder { folder in
      try Files.write(Data("{}".utf8), to: folder + "/other.safetensors")
      expectError(
        try stream("--float", folder + "/other.safetensors"), status: 65, containing: "other.safetensors")
    }
  }

  @Test func aFailedWriteLeavesTheEarlierOutput() throws {
    try withFolder { folder in
      try Files.write("[\"earlier\"]", to: folder + "/result.json")
      expectError(
        try stream("--json", folder + "/missing/result.json"), status: 1, containing: "missing/result.json")
      let broken = try Command("device-sim").run([
        "stream", "--model", "no.qinf", "--record", Self.record, "--json", folder + "/result.json",
      ])
      #expect(broken.status == 66)
      #expect(try Files.read(folder + "/result.json") == Data("[\"earlier\"]".utf8))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["result.json"])
    }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "needs /dev/full"))
  func aFullDiskIsSaid() throws {
    expectError(try stream("--json", "/dev/full"), status: 1, containing: "/dev/full")
    expectError(try stream("--report", "/dev/full"), status: 1, containing: "/dev/full")
    let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
    let process = Command("device-sim").process([
      "stream", "--quiet", "--model", Self.model, "--record", Self.record,
    ])
    (process.standardOutput, process.standardError) = (full, FileHandle.nullDevice)
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 1)
  }

  @Test func noBeatIsDecidedAboutLateForWantOfAWindow() throws {
    let result = try stream("--json", "-", "--quiet")
    let json = try result.json()
    let list = try #require(json["decisionList"] as? [[String: Any]])
    let lags = try list.map { decision in
      try #require(decision["timeSeconds"] as? Double) - #require(decision["beatSeconds"] as? Double)
    }
    // 0.7 s, and at most a hop of 62.5 ms until the next column; a beat found late is decided about at once.
    #expect(lags.allSatisfy { (0.69...0.78).contains($0) })
    // The window reaches 2.1 s back: the beats before that are left out, and said to be.
    #expect(try #require(json["leftOutBeats"] as? Int) >= 3)
  }

  @Test func aLeadThatCannotFillAWindowIsRefused() throws {
    expectError(
      try stream(
        "--sample-rate", "128", record: "-",
        input: Data(("mV\n" + String(repeating: "0.1\n", count: 300)).utf8)),
      status: 65, containing: "shorter than the model's window")
    expectError(
      try stream(
        "--sample-rate", "50", record: "-",
        input: Data(("mV\n" + String(repeating: "0.1\n", count: 900)).utf8)),
      status: 65, containing: "at least 96 Hz")
  }

  @Test func aLeadWithoutAValidSampleIsRefused() throws {
    try withFolder { folder in
      try Files.write("gone 1 360 2000\ngone.dat 16 200 12 0 -32768 0 0 MLII\n", to: folder + "/gone.hea")
      try Files.write(Data((0..<4000).map { $0 % 2 == 0 ? 0x00 : 0x80 }), to: folder + "/gone.dat")
      expectError(try stream(record: folder + "/gone"), status: 65, containing: "no valid sample")
    }
  }

  @Test func anOutputThatWouldReplaceAnInputIsRefused() throws {
    let model = try Files.read(Self.model)
    #expect(try stream("--json", Self.model).status == 64)
    #expect(try stream("--report", Self.record + ".hea").status == 64)
    #expect(try stream("--report", "x.html", "--json", "./x.html").status == 64)
    #expect(try Files.read(Self.model) == model)
  }

  @Test func aProfileOfOnesOwnIsReadOrRefused() throws {
    try withFolder { folder in
      let file = folder + "/mine.json"
      try Files.write(
        #"{"name":"mine","summary":"s","converterBits":12,"converterRangeMillivolts":10}"#, to: file)
      #expect(try stream("--profile", file).status == 0)
      try Files.write(
        #"{"name":"mine","summary":"s","converterBits":99,"converterRangeMillivolts":10}"#, to: file)
      expectError(try stream("--profile", file), status: 65, containing: "converterBits")
      try Files.write(
        #"{"name":"mine","summary":"s","converterBits":10,"converterRangeMillivolts":10}"#, to: file)
      expectError(try stream("--profile", file), status: 65, containing: "quantize it for this converter")
    }
  }

  /// A folder that is gone afterwards.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = try TemporaryFolder()
    try withExtendedLifetime(folder) { try body(folder.path) }
  }
}

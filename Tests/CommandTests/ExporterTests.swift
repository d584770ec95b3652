import ECG
import Evaluation
import Foundation
import Metrics
import Networks
import Support
import Testing
import TestSupport

/// `exporter` from the outside: its files, its output and its exit status.
@Suite struct ExporterTests {
  private let exporter = Command("exporter")

  // MARK: The way from records to an evaluated model

  @Test func recordsBecomeAnEvaluatedModel() throws {
    let bench = try Bench()
    #expect(try bench.train("--epochs", "4").status == 0)
    #expect(try bench.quantize().status == 0)
    let evaluated = try exporter(
      "evaluate", bench.model, "--float", bench.checkpoint, "--data", bench.data, "--json", bench("e.json"))
    #expect(evaluated.status == 0)
    let evaluation = try Evaluation(reading: bench("e.json"))
    #expect(evaluation.beats == 22 * SyntheticRecords.wholeWindowBeats)
    #expect(evaluation.leftOutBeats == 22 * (SyntheticRecords.beats - SyntheticRecords.wholeWindowBeats))
    #expect(evaluation.perRecord.map(\.record) == MITBIH.ds2)
    // The synthetic classes differ plainly in amplitude and width.
    #expect(evaluation.float.accuracy > 0.9)
    #expect(evaluation.agreement.top1 > 0.95)
    #expect(abs(evaluation.float.macroF1 - evaluation.int8.macroF1) < 0.05)
    #expect(evaluation.float.classes.reduce(0) { $0 + $1.beats } == evaluation.beats)

    #expect(try exporter("inspect", bench.model, "--json", bench("i.json")).status == 0)
    let inspection = try Inspection(reading: bench("i.json"))
    // Three taps over 12, 24 and 24 channels to 24, and 29 columns of 24 to 4 classes; 41, 37, 29 columns.
    #expect(inspection.operations.operators.map(\.weightBytes) == [864, 1_728, 1_728, 2_784])
    #expect(inspection.operations.operators.map(\.macsPerWindow) == [35_424, 63_936, 50_112, 2_784])
    #expect(inspection.operations.operators.map(\.ringBytes) == [3 * 12, 5 * 24, 9 * 24, 29 * 24])
    #expect(inspection.classNames == ["N", "S", "V", "F"])
    #expect(inspection.provenance["task"] == "aami" && inspection.provenance["split"] == "inter")
    #expect(try inspection.memory.modelBytes == Files.read(bench.model).count)
  }

  @Test func beatsIsAnotherNameOfAAMI() throws {
    let bench = try Bench()
    #expect(try bench.train().status == 0)
    let first = try Files.read(bench.checkpoint)
    #expect(try bench.train("--task", "beats").status == 0)
    #expect(try Files.read(bench.checkpoint) == first)
  }

  // claim: seeds
  @Test func seedAndNotTheThreadsDecideTheBytes() throws {
    let bench = try Bench()
    var files: [[Data]] = []
    for arguments in [["--threads", "1"], ["--threads", "2"], ["--threads", "1", "--seed", "2"]] {
      #expect(try bench.train(arguments).status == 0)
      #expect(try bench.quantize().status == 0)
      files.append([try Files.read(bench.checkpoint), try Files.read(bench.model)])
    }
    #expect(files[0] == files[1])
    #expect(files[0][0] != files[2][0] && files[0][1] != files[2][1])
  }

  @Test func calibrationHearsTrainingRecordsAlone() throws {
    let bench = try Bench()
    #expect(try bench.train().status == 0 && bench.quantize().status == 0)
    let first = try Files.read(bench.model)
    try SyntheticRecords.write(MITBIH.ds2, to: bench.data, seed: 2)
    #expect(try bench.quantize().status == 0)
    #expect(try Files.read(bench.model) == first)
    try SyntheticRecords.write(MITBIH.ds1, to: bench.data, seed: 2)
    #expect(try bench.quantize().status == 0)
    #expect(try Files.read(bench.model) != first)
  }

  @Test func aNetworkIsTrainedOnForItsIntegers() throws {
    let bench = try Bench()
    #expect(try bench.train("--epochs", "4").status == 0)
    let aware = bench("aware.safetensors")
    let trained = try exporter(
      "train", "--task", "aami", "--data", bench.data, "--from", bench.checkpoint, "--quantization-aware",
      "--epochs",
      "1", "--windows-per-epoch", "1024", "--learning-rate", "0.0003", "--logit-offsets", "none", "--output",
      aware)
    #expect(trained.status == 0, "\(trained.errors)")
    let quantized = try exporter(
      "quantize", aware, "--data", bench.data, "--output", bench.model, "--calibration", "mse")
    #expect(quantized.status == 0)
    // The codes are those that it was trained for, whatever calibration would choose.
    let inspected = try exporter("inspect", bench.model, "--json", bench("i.json"))
    #expect(inspected.status == 0)
    #expect(try Inspection(reading: bench("i.json")).provenance["calibration"] == "trained")
    let evaluated = try exporter(
      "evaluate", bench.model, "--float", aware, "--data", bench.data, "--json", bench("e.json"),
      "--markdown",
      bench("e.md"))
    #expect(evaluated.status == 0)
    let evaluation = try Evaluation(reading: bench("e.json"))
    #expect(evaluation.agreement.top1 > 0.95 && evaluation.int8.accuracy > 0.9)
    let markdown = String(decoding: try Files.read(bench("e.md")), as: UTF8.self)
    for record in MITBIH.ds2 { #expect(markdown.contains("| \(record) | MLII |"), "\(record)") }
    #expect(markdown.contains("| macro |") && markdown.contains("| N | "))
  }

  @Test func quantizeTakesWidthsAndRoundingsLayerByLayer() throws {
    let bench = try Bench()
    #expect(try bench.train("--epochs", "4").status == 0)
    // The layers have 864, 1,728, 1,728 and 2,784 weights.
    for (arguments, weightBytes, agreement) in [
      (["--weights", "int4"], 3552, 0.8),
      (["--weights", "int8,int4,int4,int8", "--rounding", "adaptive"], 864 + 864 + 864 + 2784, 0.9),
      (["--equalize", "--correct-biases", "--rounding", "stochastic"], 7104, 0.9),
    ] {
      #expect(try bench.quantize(arguments).status == 0, "\(arguments)")
      #expect(try exporter("inspect", bench.model, "--json", bench("i.json")).status == 0)
      let operators = try Inspection(reading: bench("i.json")).operations.operators
      #expect(operators.reduce(0) { $0 + $1.weightBytes } == weightBytes, "\(arguments)")
      let evaluated = try exporter(
        "evaluate", bench.model, "--float", bench.checkpoint, "--data", bench.data, "--json",
        bench("e.json"))
      #expect(evaluated.status == 0)
      #expect(try Evaluation(reading: bench("e.json")).agreement.top1 > agreement, "\(arguments)")
    }
    // int16 activations are an image all the same, which takes whole windows and says so.
    #expect(try bench.quantize("--activations", "int16").status == 0)
    #expect(try exporter("inspect", bench.model, "--json", bench("i.json")).status == 0)
    #expect(try Inspection(reading: bench("i.json")).provenance["activations"] == "int16")
    expectError(
      try exporter("evaluate", bench.model, "--float", bench.checkpoint, "--data", bench.data),
      status: 65, containing: "can't stream")
    expectError(
      try bench.quantize("--weights", "int8,int4"), status: 64,
      containing: "2 widths of weights are given for 4")
  }

  @Test func activationsOfInt16AreRefusedBesideANetworkOfBeats() throws {
    let folder = try TemporaryFolder()
    let arguments = [
      "quantize", ProjectFiles.contextCheckpoint, "--data", folder.path, "--output", folder.file("m.qinf"),
    ]
    expectError(
      try exporter.run(arguments + ["--activations", "int16"]), status: 65,
      containing: "has a network of beats beside its own, and both have activations of int8; leave out "
        + "--activations\n")
    // Without it, only the records of the empty folder are missed.
    expectError(try exporter.run(arguments), status: 66, containing: folder.path)
  }

  @Test func validationTestsEveryTrainingPatientOnce() throws {
    let bench = try Bench()
    let arguments = [
      "validate", "--task", "aami", "--data", bench.data, "--epochs", "1", "--windows-per-epoch", "512",
      "--folds", "3",
      "--premature", "0.2", "--hidden", "8", "--json", "-", "--quiet",
    ]
    let results = try ["1", "2"].map { try exporter.run(arguments + ["--threads", $0]) }
    #expect(results[0].status == 0, "\(results[0].errors)")
    #expect(results[0].output == results[1].output)
    let json = try results[0].json()
    let records = try #require(json["perRecord"] as? [[String: Any]])
    #expect(records.map { $0["record"] as? String } == MITBIH.ds1)
    let beats = records.compactMap { ($0["float"] as? [String: Any])?["counts"] as? [[Int]] }.joined()
      .joined()
    #expect(beats.reduce(0, +) == 22 * SyntheticRecords.wholeWindowBeats)
    let network = try #require(json["network"] as? [String: Any])
    // The offsets of no use are not better than the best of them.
    let (macroF1, best) = (network["macroF1"] as? Double, json["macroF1WithBestOffsets"] as? Double)
    #expect(try #require(best) >= #require(macroF1) - 1e-12)
    #expect((json["bestOffsets"] as? [Double])?.first == 0)
    try compares(arguments, json, records, in: bench)
  }

  /// Against itself nothing differs; against decisions that are all right, what is missing to 1 does, whoever is drawn.
  private func compares(
    _ arguments: [String], _ json: [String: Any], _ records: [[String: Any]], in bench: Bench
  ) throws {
    let matrices = try records.map { try #require(($0["float"] as? [String: Any])?["counts"] as? [[Int]]) }
    var right = json
    right["perRecord"] = zip(records, matrices).map { record, counts -> [String: Any] in
      let names = (record["float"] as? [String: Any])?["classNames"] ?? []
      let diagonal = counts.indices.map { row in
        counts.indices.map { $0 == row ? counts[row].reduce(0, +) : 0 }
      }
      return ["record": record["record"] ?? "", "float": ["classNames": names, "counts": diagonal]]
    }
    let sum = matrices[0].indices.map { row in
      matrices[0].indices.map { column in matrices.reduce(0) { $0 + $1[row][column] } }
    }
    func f1(_ index: Int) -> Double {
      let predicted = sum.reduce(0) { $0 + $1[index] }
      return 2 * Double(sum[index][index]) / Double(sum[index].reduce(0, +) + predicted)
    }
    for (other, isItself) in [(json, true), (right, false)] {
      try Files.write(try JSONSerialization.data(withJSONObject: other), to: bench("other.json"))
      let result = try exporter.run(arguments + ["--against", bench("other.json")]).json()
      let comparison = try #require(result["comparison"] as? [String: Any])
      let differences = try #require(comparison["differences"] as? [[String: Any]])
      #expect(comparison["patients"] as? Int == 22 && differences.count == 5)
      for (index, row) in differences.dropFirst().enumerated() {
        let (own, others) = (row["f1"] as? Double, row["otherF1"] as? Double)
        #expect(abs(try #require(own) - f1(index)) < 1e-12)
        #expect(try #require(others) == (isItself ? try #require(own) : 1))
        let interval = try #require(row["interval"] as? [String: Double])
        let (lower, upper) = (try #require(interval["lower"]), try #require(interval["upper"]))
        #expect(isItself ? lower == 0 && upper == 0 : lower <= upper && upper <= 0)
      }
    }
    try Files.write("{}", to: bench("other.json"))
    expectError(
      try exporter.run(arguments + ["--against", bench("other.json")]), status: 65,
      containing: "holds no results of `exporter validate`; name a file that its --json wrote")
  }

  @Test func logitOffsetsMoveDecisionsAndStayInTheCheckpoint() throws {
    let bench = try Bench()
    func sensitivityOfV(_ offsets: String) throws -> Double {
      #expect(try bench.train("--epochs", "4", "--logit-offsets", offsets).status == 0)
      let evaluated = try exporter(
        "evaluate", bench.checkpoint, "--data", bench.data, "--json", bench("e.json"), "--quiet")
      #expect(evaluated.status == 0, "\(evaluated.errors)")
      let json = try JSONSerialization.jsonObject(with: Files.read(bench("e.json"))) as? [String: Any]
      let classes = (json?["float"] as? [String: Any])?["classes"] as? [[String: Any]]
      return try #require(classes?[2]["sensitivity"] as? Double)
    }
    let (few, usual, many) = (
      try sensitivityOfV("V=-6"), try sensitivityOfV("none"), try sensitivityOfV("V=6")
    )
    #expect(few < usual && usual <= many, "\(few) \(usual) \(many)")
    #expect(try Checkpoint.read(bench.checkpoint).training.logitOffsets == ["V": 6])
    expectError(
      try bench.train("--logit-offsets", "A=1"), status: 64, containing: "none of the classes N, S, V, F")
    expectError(try bench.train("--logit-offsets", "V=x"), status: 64, containing: "logit-offsets")
  }

  @Test func threadsDontChangeAnEvaluation() throws {
    let bench = try Bench()
    #expect(try bench.train().status == 0 && bench.quantize().status == 0)
    let results = try ["1", "2", "3"].map { threads in
      try exporter(
        "evaluate", bench.model, "--float", bench.checkpoint, "--data", bench.data, "--threads", threads,
        "--json", "-")
    }
    #expect(results[0].status == 0 && !results[0].output.isEmpty)
    #expect(results[0].output == results[1].output && results[0].output == results[2].output)
  }

  // MARK: Interruption

  // claim: seeds
  @Test func killedTrainingContinuesToTheSameBytes() throws {
    let bench = try Bench()
    #expect(try bench.train(Bench.longTraining).status == 0)
    let uninterrupted = try Files.read(bench.checkpoint)
    try FileManager.default.removeItem(atPath: bench.checkpoint)

    try bench.killTraining(Bench.longTraining)
    #expect(!FileManager.default.fileExists(atPath: bench.checkpoint))
    let continued = try bench.train(Bench.longTraining + ["--threads", "2"])
    #expect(continued.status == 0)
    #expect(continued.errors.contains("Continuing after epoch "))
    #expect(try Files.read(bench.checkpoint) == uninterrupted)
    #expect(!FileManager.default.fileExists(atPath: bench.checkpoint + ".part"))
  }

  @Test func trainingWithOtherOptionsIsNotContinued() throws {
    let bench = try Bench()
    try bench.killTraining(Bench.longTraining)
    let part = try Files.read(bench.checkpoint + ".part")
    for (arguments, difference) in [
      (["--seed", "7"], "seed 1, not 7"), (["--split", "intra"], "--split inter, not intra"),
      (["--leads", "main"], "leads all, not main"),
    ] {
      let refused = try bench.train(Bench.longTraining + arguments + ["--quiet"])
      #expect(refused.status == 65 && refused.hasOneErrorLine)
      #expect(refused.errors.contains(difference), "\(refused.errors)")
    }
    try SyntheticRecords.write(to: bench.data, seed: 2)
    let refused = try bench.train(Bench.longTraining + ["--quiet"])
    #expect(refused.status == 65 && refused.errors.contains("other data"))
    #expect(try Files.read(bench.checkpoint + ".part") == part)
  }

  @Test func brokenPartFileIsRefused() throws {
    let bench = try Bench()
    for content in ["", "something else\n", "quantinfer-training-1 0\n", "quantinfer-training-1 0\nabc"] {
      try Files.write(content, to: bench.checkpoint + ".part")
      let refused = try bench.train("--quiet")
      #expect(refused.status == 65 && refused.hasOneErrorLine, "\(refused.errors)")
    }
  }

  // MARK: What is wrong

  @Test(arguments: [
    [], ["records"], ["records", "list"], ["records", "verify"], ["records", "fetch"], ["train"],
    ["quantize"],
    ["evaluate"], ["detect"], ["inspect"], ["export"], ["run"],
  ])
  func helpAndVersionExitWith0(_ subcommand: [String]) throws {
    let help = try exporter.run(subcommand + ["--help"])
    #expect(help.status == 0 && help.output.contains("USAGE: exporter") && help.errors.isEmpty)
    let version = try exporter.run(subcommand + ["--version"])
    #expect(version.status == 0 && version.output == Release.version + "\n" && version.errors.isEmpty)
  }

  @Test(arguments: [
    ["nonsense"], ["train"], ["inspect", "a.qinf", "--nonsense"], ["inspect"],
    ["train", "--task", "other", "--data", ".", "--output", "a"],
    ["train", "--task", "aami", "--data", ".", "--output", "a", "--epochs", "0"],
    ["train", "--task", "aami", "--data", ".", "--output", "a", "--epochs", "x"],
    ["train", "--task", "aami", "--data", ".", "--output", "a", "--learning-rate", "nan"],
    ["train", "--task", "aami", "--data", ".", "--output", "a", "--threads", "0"],
    ["train", "--task", "aami", "--data", ".", "--output", "a", "--quantization-aware"],
    ["train", "--task", "aami", "--data", ".", "--output", "a", "--from", "b", "--hidden", "8"],
    ["train", "--task", "aami", "--data", ".", "--output", "a", "--columns", "5"],
    ["train", "--task", "aami", "--data", ".", "--output", "a", "--premature", "0.6", "--irregular", "0.6"],
    ["train", "--task", "aami", "--data", ".", "--output", "a", "--recorded-microvolts", "50"],
    ["validate", "--task", "aami", "--data", ".", "--folds", "1"],
    ["validate", "--task", "aami", "--data", ".", "--seed", "1,1"],
    ["design", "--task", "aami", "--data", ".", "--output", "d", "--channels", "8,300"],
    ["design", "--task", "aami", "--data", ".", "--output", "d", "--hidden", "8,8"],
    ["design", "--task", "aami", "--data", ".", "--output", "d", "--front-end", "beats,raw"],
    ["design", "--task", "aami", "--data", ".", "--output", "d", "--known-distance", "1"],
    ["design", "--task", "aami", "--data", ".", "--output", "d", "--columns", "14"],
    ["design", "--task", "aami", "--data", ".", "--output", "d", "--budget-current", "0"],
    ["design", "--task", "aami", "--data", ".", "--output", "d", "--shard", "1/2", "--collect"],
    ["evaluate", "a.qinf", "--data", ".", "--ec57", "--markdown", "f.md"],
    ["quantize", "a", "--data", ".", "--output", "b", "--adc-bits", "17"],
    ["quantize", "a", "--data", ".", "--output", "b", "--adc-range-mv", "nan"],
    ["quantize", "a", "--data", ".", "--output", "b", "--calibration", "best"],
    ["quantize", "a", "--data", ".", "--output", "b", "--windows", "0"],
    ["quantize", "a", "--data", ".", "--output", "b", "--weights", "int16"],
    ["quantize", "a", "--data", ".", "--output", "b", "--weights", "int8,"],
    ["quantize", "a", "--data", ".", "--output", "b", "--activations", "int4"],
    ["evaluate", "a.safetensors", "--float", "b.safetensors", "--data", "."],
    ["evaluate", "a.qinf", "--data", ".", "--records", "100,,101"],
    ["records", "fetch", "mitdb", "--into", "d", "--server", "ftp://localhost"],
  ])
  func wrongArgumentsExitWith64(_ arguments: [String]) throws {
    let result = try exporter.run(arguments)
    #expect(result.status == 64 && result.errors.hasPrefix("error: ") && result.output.isEmpty)
  }

  @Test(arguments: [
    ["inspect", "none.qinf"], ["evaluate", "none.qinf", "--data", "."],
    ["evaluate", "none.safetensors", "--data", "."],
    ["quantize", "none.safetensors", "--data", ".", "--output", "never"],
    ["train", "--task", "aami", "--data", "none", "--output", "never"],
    ["train", "--task", "aami", "--data", ".", "--output", "never", "--from", "none.safetensors"],
    ["records", "list", "none"], ["records", "verify", "none"],
  ])
  func missingFilesExitWith66(_ arguments: [String]) throws {
    let result = try exporter.run(arguments + ["--quiet"])
    #expect(result.status == 66 && result.hasOneErrorLine && result.output.isEmpty, "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "never"))
  }

  @Test func missingRecordsAreNamed() throws {
    let bench = try Bench()
    for name in ["106", "223"] { try FileManager.default.removeItem(atPath: bench.data + "/\(name).hea") }
    let result = try bench.train("--quiet")
    #expect(result.status == 66 && result.hasOneErrorLine)
    #expect(result.errors.contains("106, 223"))
  }

  @Test func damagedImagesExitWith65() throws {
    let bench = try Bench()
    #expect(try bench.train().status == 0 && bench.quantize().status == 0)
    let image = try Files.read(bench.model)
    var flipped = image
    flipped[image.count / 2] ^= 1
    var otherVersion = image
    otherVersion[4] = 1
    let damaged = [
      image.prefix(image.count - 1), image.prefix(20), Data(), flipped, otherVersion, Data("text".utf8),
    ]
    for content in damaged {
      try Files.write(Data(content), to: bench("damaged.qinf"))
      for arguments in [["inspect"], ["evaluate", "--data", bench.data]] {
        let result = try exporter.run(arguments + [bench("damaged.qinf"), "--quiet"])
        #expect(result.status == 65 && result.hasOneErrorLine && result.output.isEmpty, "\(result.errors)")
        #expect(result.errors.contains("damaged.qinf:byte "))
      }
    }
  }

  @Test func brokenCheckpointsExitWith65AndLeaveEarlierOutput() throws {
    let bench = try Bench()
    #expect(try bench.train().status == 0 && bench.quantize().status == 0)
    let (checkpoint, model) = (try Files.read(bench.checkpoint), try Files.read(bench.model))
    let broken = bench("broken.safetensors")
    for content in [Data(), checkpoint.prefix(checkpoint.count - 4), checkpoint.dropFirst(8), model] {
      try Files.write(Data(content), to: broken)
      let runs = [
        try exporter("quantize", broken, "--data", bench.data, "--output", bench.model, "--quiet"),
        try exporter("evaluate", broken, "--data", bench.data, "--quiet"),
        try exporter("evaluate", bench.model, "--float", broken, "--data", bench.data, "--quiet"),
        try bench.train("--from", broken, "--quiet"),
      ]
      #expect(runs.allSatisfy { $0.status == 65 && $0.hasOneErrorLine && $0.output.isEmpty })
    }
    #expect(try Files.read(bench.checkpoint) == checkpoint && Files.read(bench.model) == model)
  }

  @Test func anotherNetworkIsNoTwin() throws {
    let bench = try Bench()
    #expect(try bench.train().status == 0 && bench.quantize().status == 0)
    #expect(try bench.train("--split", "intra").status == 0)
    let result = try exporter(
      "evaluate", bench.model, "--float", bench.checkpoint, "--data", bench.data, "--quiet")
    #expect(result.status == 65 && result.hasOneErrorLine)
  }

  @Test func unwritableOutputsExitWith1() throws {
    let bench = try Bench()
    #expect(try bench.train().status == 0 && bench.quantize().status == 0)
    var outputs = [bench.data, bench("no/such/folder")]
    if FileManager.default.fileExists(atPath: "/dev/full") { outputs.append("/dev/full") }
    for output in outputs {
      let runs = [
        try bench.train("--output", output, "--quiet"),
        try bench.quantize("--output", output, "--quiet"),
        try exporter("inspect", bench.model, "--json", output),
        try exporter("evaluate", bench.model, "--data", bench.data, "--json", output, "--quiet"),
      ]
      #expect(runs.allSatisfy { $0.status == 1 && $0.hasOneErrorLine }, "\(output): \(runs.map(\.errors))")
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: bench.folder.path).sorted() == [
        "beats.qinf", "beats.safetensors", "data",
      ])
  }

  @Test func jsonOnStandardOutputIsAlone() throws {
    let bench = try Bench()
    let train = try bench.train("--json", "-")
    #expect(train.status == 0)
    let results = [
      train, try bench.quantize("--json", "-"), try exporter("inspect", bench.model, "--json", "-"),
      try exporter("evaluate", bench.model, "--data", bench.data, "--records", "100", "--json", "-"),
      try exporter("records", "list", bench.data, "--json", "-"),
      try exporter("records", "verify", bench.data, "--json", "-"),
    ]
    for result in results {
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(result.output.utf8)) }
    }
  }

  // MARK: Records

  @Test func wrongRecordsAreToldOneALine() throws {
    let bench = try Bench()
    var samples = try Files.read(bench.data + "/105.dat")
    samples[1_000] ^= 4
    try Files.write(samples, to: bench.data + "/105.dat")
    try Files.write(samples.prefix(900), to: bench.data + "/210.dat")
    let result = try exporter("records", "verify", bench.data, "--quiet", "--json", "-")
    #expect(result.status == 65)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 2 && lines.allSatisfy { $0.hasPrefix("error: ") })
    #expect(lines.first?.contains("105") == true && lines.last?.contains("210") == true)
    let verification = try JSONDecoder().decode(Verification.self, from: Data(result.output.utf8))
    #expect(verification.records == 44 && verification.wrong == 2)
    #expect(verification.checksumsRight == 42 * 2 && verification.beats == 42 * SyntheticRecords.beats)
  }

  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func mitBIHIsWhole() throws {
    let result = try exporter("records", "verify", Databases.path("mitdb"), "--json", "-")
    let verification = try JSONDecoder().decode(Verification.self, from: Data(result.output.utf8))
    #expect(result.status == 0 && verification.records == 48 && verification.wrong == 0)
    #expect(verification.perRecord.allSatisfy { $0.samples == 650_000 })
    #expect(verification.checksumsRight == 96 && verification.beats == 109_494)
  }

  @Test(.enabled(if: Databases.has("ludb"), "needs ../shared/data/ludb"))
  func ludbIsWhole() throws {
    let result = try exporter("records", "verify", Databases.path("ludb"), "--json", "-")
    let verification = try JSONDecoder().decode(Verification.self, from: Data(result.output.utf8))
    #expect(result.status == 0 && verification.records == 200 && verification.wrong == 0)
    #expect(verification.checksumsRight == 2_400)
  }
}

// MARK: The JSON that the tests read

extension Decodable {
  fileprivate init(reading path: String) throws {
    self = try JSONDecoder().decode(Self.self, from: Files.read(path))
  }
}

private struct Evaluation: Decodable {
  struct Score: Decodable {
    struct ClassScore: Decodable { var beats: Int }
    var accuracy: Double
    var macroF1: Double
    var classes: [ClassScore]
  }
  struct Agreement: Decodable { var top1: Double }
  struct Record: Decodable { var record: String }
  var beats: Int
  var leftOutBeats: Int
  var float: Score
  var int8: Score
  var agreement: Agreement
  var perRecord: [Record]
}

private struct Inspection: Decodable {
  struct Operator: Decodable {
    var weightBytes: Int
    var macsPerWindow: Int
    var ringBytes: Int?
  }
  struct Operations: Decodable { var operators: [Operator] }
  struct Memory: Decodable { var modelBytes: Int }
  var operations: Operations
  var classNames: [String]
  var provenance: [String: String]
  var memory: Memory
}

private struct Verification: Decodable {
  struct Record: Decodable { var samples: Int }
  var records: Int
  var wrong: Int
  var checksumsRight: Int
  var beats: Int
  var perRecord: [Record]
}

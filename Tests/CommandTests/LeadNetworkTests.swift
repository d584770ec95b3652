import ECG
import Foundation
import Support
import Testing
import TestSupport

/// Networks of two leads in the commands that measure, quantize and fit: what came from elsewhere, and what is about beats.
@Suite struct LeadNetworkTests {
  private let exporter = Command("exporter")
  private let simulator = Command("device-sim")

  // MARK: A network of others

  private static let network = ProjectFiles.path("Tests/Oracle/onnx/signs.onnx")
  private static let windowSamples = 20

  /// Two copies of the boards' record of pulses, and a manifest that says of each window whether both leads' are of one sign.
  ///
  /// The labels are the record's own: the sign of each lead where it is greatest.
  private static func signs(in folder: TemporaryFolder) throws -> [[Int16]] {
    let bytes = [UInt8](try Files.read(ProjectFiles.path("Firmware/Leads/signs.dat")))
    let values = stride(from: 0, to: bytes.count, by: 2).map {
      Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
    }
    let leads = (0..<2).map { lead in stride(from: lead, to: values.count, by: 2).map { values[$0] } }
    try Files.makeFolder(folder("data"))
    var rows = ["record,split,start,end,label"]
    for (name, part) in [("signs", "training"), ("again", "test")] {
      let header = String(
        decoding: try Files.read(ProjectFiles.path("Firmware/Leads/signs.hea")), as: UTF8.self)
      try folder.put("data/\(name).hea", Data(header.replacing("signs", with: name).utf8))
      try folder.put("data/\(name).dat", Data(bytes))
      for start in stride(from: 0, to: leads[0].count, by: windowSamples) {
        let signs = leads.map { lead in
          (lead[start..<start + windowSamples].max { $0.magnitude < $1.magnitude } ?? 0).signum()
        }
        let (first, end) = (Double(start) / 100, Double(start + windowSamples) / 100)
        rows.append("\(name),\(part),\(first),\(end),\(signs[0] == signs[1] ? "alike" : "opposed")")
      }
    }
    try folder.put("data/labels.csv", Data((rows.joined(separator: "\n") + "\n").utf8))
    try folder.put("task.json", Data(task(leads: #"[["1"], ["2"]]"#).utf8))
    try folder.put("front.json", Data(frontEnd(leads: 2).utf8))
    return leads
  }

  private static func task(leads: String) -> String {
    """
    {"name": "signs", "classes": ["alike", "opposed"], "unit": "windows", "windowSeconds": 0.2, "hopSeconds": 0.2,
     "labels": {"kind": "manifest", "file": "labels.csv"}, "leads": \(leads), "split": {"kind": "column"},
     "frontEnd": {"kind": "samples", "sampleRateHz": 100, "microvoltsPerUnit": 1000}}
    """
  }

  private static func frontEnd(leads: Int, task: String = "task.json") -> String {
    """
    {"kind": "samples", "sampleRateHz": 100, "leads": \(leads), "microvoltsPerUnit": 1000, "task": "\(task)",
     "classNames": \(task == "aami" ? #"["N", "S", "V", "F"]"# : #"["alike", "opposed"]"#)}
    """
  }

  private func quantize(_ more: [String], into output: String, in folder: TemporaryFolder) throws {
    let made = try exporter.run(
      ["quantize", Self.network, "--front-end", folder("front.json"), "--output", output, "--quiet"] + more)
    #expect(made.status == 0, "\(made.errors)")
  }

  // claim: leads
  /// The windows that ranges are measured on are the record's own, both leads in the network's layout: the image is that of the
  /// same windows as an array.
  @Test func aNetworkOfOthersIsQuantizedOnItsTasksRecordsOfTwoLeads() throws {
    let folder = try TemporaryFolder()
    let leads = try Self.signs(in: folder)
    let plain = ["--calibration", "minmax", "--rounding", "nearest", "--no-equalize", "--no-correct-biases"]
    try quantize(["--data", folder("data"), "--windows", "400"] + plain, into: folder("m.qinf"), in: folder)
    // [window, lead, time] in millivolts, as a converter of 10 mV in 12 bits hears microvolts.
    let step = Float(10_000.0 / 4096)
    let values = stride(from: 0, to: leads[0].count, by: Self.windowSamples).flatMap { start in
      leads.flatMap { lead in
        lead[start..<start + Self.windowSamples].map { (Float($0) / step).rounded() * step / 1000 }
      }
    }
    let rows = values.count / 2 / Self.windowSamples
    try Files.write(
      NumPyArray(shape: [rows, 2, Self.windowSamples], values: .float32(values)).encoded(),
      to: folder("x.npy"))
    try quantize(
      ["--samples", folder("x.npy"), "--windows", "400"] + plain, into: folder("n.qinf"), in: folder)
    var outputs: [Data] = []
    for image in ["m.qinf", "n.qinf"] {
      let run = try exporter(
        "run", folder(image), "--input", folder("x.npy"), "--output", folder("y.npy"), "--quiet")
      #expect(run.status == 0, "\(run.errors)")
      outputs.append(try Files.read(folder("y.npy")))
    }
    #expect(outputs[0] == outputs[1] && outputs[0].count > 4 * 2 * rows)

    // The device decides by the task's clock, and as the labels say.
    let evaluated = try exporter(
      "evaluate", folder("m.qinf"), "--data", folder("data"), "--json", "-", "--quiet"
    ).json()
    #expect(evaluated["task"] as? String == "signs" && evaluated["records"] as? String == "test")
    let score = try #require(evaluated["int8"] as? [String: Any])
    #expect(evaluated["beats"] as? Int == rows && score["accuracy"] as? Double ?? 0 >= 0.99)

    let reported = try exporter(
      "report", Self.network, "--front-end", folder("front.json"), "--data", folder("data"), "--output",
      folder("report"), "--json", "-", "--quiet"
    ).json()
    let points = try #require((reported["sweep"] as? [String: Any])?["points"] as? [[String: Any]])
    #expect(points.first?["agreement"] as? Double ?? 0 >= 0.99)
    let page = String(decoding: try Files.read(folder("report/report.html")), as: UTF8.self)
    #expect(page.contains("signs.onnx"))
  }

  @Test func leadsThatTheTaskDoesNotNameAreToldInOneLine() throws {
    let folder = try TemporaryFolder()
    _ = try Self.signs(in: folder)
    for (file, leads, task, told) in [
      ("front.json", 2, "task.json", "is 2, and the task signs names 1; name a task's file with a list"),
      ("front.json", 2, "aami", "is 2, and the task aami names 1; name a task's file with a list"),
      ("front.json", 2, "none.json", "none.json: "),
    ] {
      try folder.put("task.json", Data(Self.task(leads: #"["1"]"#).utf8))
      try folder.put(file, Data(Self.frontEnd(leads: leads, task: task).utf8))
      let result = try exporter.run(
        [
          "quantize", Self.network, "--front-end", folder(file), "--data", folder("data"), "--output",
          folder("m.qinf"), "--quiet",
        ])
      #expect(
        (65...66).contains(result.status) && result.hasOneErrorLine && result.errors.contains(told),
        "\(task): \(result.errors)")
    }
    // An image whose leads nobody named is run, and not scored.
    try folder.put(
      "front.json",
      Data(Self.frontEnd(leads: 2).replacing(#""task": "task.json","#, with: "").utf8))
    try folder.put(
      "x.npy", NumPyArray(shape: [4, 2, 20], values: .float32((0..<160).map { Float($0 % 7) / 7 })).encoded())
    try quantize(["--samples", folder("x.npy")], into: folder("m.qinf"), in: folder)
    expectError(
      try exporter("evaluate", folder("m.qinf"), "--data", folder("data")), status: 65,
      containing: "takes 2 leads, and doesn't tell a task that names them; put \"task\": \"FILE.json\"")
  }

  // MARK: Beats of two chambers

  /// Beats by the ventricle's lead with the atrium's beside it.
  private static let beats = """
    {"name": "two-chamber-beats", "classes": ["N", "V"], "critical": ["V"], "unit": "beats",
     "labels": {"kind": "beats", "classes": {"N": ["N", "/"], "V": ["V"]}}, "leads": [["V"], ["A"]],
     "split": {"kind": "records", "training": ["dual-1", "dual-2", "dual-3"], "test": ["dual-4"]}}
    """

  private func putRecords(in folder: TemporaryFolder) throws {
    for index in 1...4 {
      let made = try exporter(
        "records", "electrogram", "--output", folder("made-up/dual-\(index)"), "--seed", "\(index)",
        "--minutes", "3", "--quiet")
      #expect(made.status == 0, "\(made.errors)")
    }
    try folder.put("beats.json", Data(Self.beats.utf8))
  }

  /// The image of a network that has learnt from so many windows twice; its checkpoint is beside it.
  private func model(_ name: String, windows: Int, in folder: TemporaryFolder) throws -> String {
    let checkpoint = folder(name + ".safetensors")
    let train = try exporter(
      "train", "--task", folder("beats.json"), "--data", folder("made-up"), "--epochs", "2",
      "--windows-per-epoch", "\(windows)", "--batch-size", "64", "--output", checkpoint, "--quiet")
    #expect(train.status == 0, "\(train.errors)")
    let quantize = try exporter(
      "quantize", checkpoint, "--data", folder("made-up"), "--output", folder(name + ".qinf"), "--quiet")
    #expect(quantize.status == 0, "\(quantize.errors)")
    return folder(name + ".qinf")
  }

  /// The places and labels of a made-up record's beats, in seconds.
  private static func beats(of record: String) throws -> [(seconds: Double, label: String)] {
    let labels = try Annotations.read(record, sampleRateHz: 512)
    return labels.all.compactMap { label in
      let name = label.code.mnemonic
      return ["N", "/", "V"].contains(name) ? (Double(label.sample) / 512, name) : nil
    }
  }

  // claim: leads
  @Test func aDeviceOfTwoLeadsIsScoredBeatByBeat() throws {
    let folder = try TemporaryFolder()
    try putRecords(in: folder)
    let (image, data) = (try model("m", windows: 768, in: folder), folder("made-up"))
    let ec57 = try exporter(
      "evaluate", image, "--float", folder("m.safetensors"), "--data", data, "--ec57", "--include-paced",
      "--learning-seconds", "0", "--json", "-", "--quiet"
    ).json()
    let scored = try #require((ec57["perRecord"] as? [[String: Any]])?.first)
    #expect(scored["lead"] as? String == "V, A")
    func figures(_ root: [String: Any], _ path: String...) throws -> NSDictionary {
      let value = path.reduce(root as Any?) { ($0 as? [String: Any])?[$1] }
      return NSDictionary(dictionary: try #require(value as? [String: Any]))
    }
    // Its beats are those that the detector finds in the ventricle's lead by itself.
    let found = try exporter(
      "detect", "--data", data, "--records", "dual-4", "--lead", "V", "--rate", "128",
      "--learning-seconds", "0", "--json", "-", "--quiet"
    ).json()
    let detection = try figures(found, "gross")
    #expect(try figures(ec57, "int8", "gross", "qrs") == detection)
    #expect(detection["sensitivity"] as? Double ?? 0 > 0.95)
    for twin in ["int8", "float"] {
      let veb = try figures(ec57, twin, "gross", "veb")
      #expect(veb["sensitivity"] as? Double ?? 0 > 0.8, "\(twin): \(veb)")
    }
  }

  // claim: leads
  /// A network that has hardly learnt calls no beat ventricular; a minute of the patient tells it, on the device too.
  @Test func aDeviceOfTwoLeadsLearnsItsPatient() throws {
    let folder = try TemporaryFolder()
    try putRecords(in: folder)
    let (image, data) = (try model("m", windows: 64, in: folder), folder("made-up"))
    let record = folder("made-up/dual-4")
    let learnt = try exporter(
      "personalize", "--model", image, "--from", folder("m.safetensors"), "--data", data, "--record", record,
      "--minutes", "1", "--output", folder("p.qpatch"), "--json", "-", "--quiet"
    ).json()
    #expect(learnt["lead"] as? String == "V, A")
    let first = try Self.beats(of: record).filter { $0.seconds < 60 }
    let own = try #require(learnt["ownBeats"] as? [Int])
    // But for those without a whole window at both ends.
    #expect(abs(own[0] - first.count { $0.label != "V" }) <= 3 && own[1] <= first.count { $0.label == "V" })

    let all = try exporter(
      "personalize", "--model", image, "--data", data, "--records", "dual-4", "--minutes", "1", "--json",
      "-", "--quiet"
    ).json()
    let person = try #require((all["perRecord"] as? [[String: Any]])?.first)
    func right(_ key: String) throws -> Int {
      let counts = try #require((person[key] as? [String: Any])?["counts"] as? [[Int]])
      return counts[0][0] + counts[1][1]
    }
    #expect(try right("personalized") > right("shipped"))
    // The device itself, with the patch and without, on the same beats.
    for (key, patch) in [("shipped", [String]()), ("personalized", ["--patch", folder("p.qpatch")])] {
      let run = try simulator.run(
        [
          "stream", "--model", image, "--record", record, "--lead", "V,A", "--decide", "annotations",
          "--json", "-",
          "--quiet",
        ] + patch
      ).json()
      let list = try #require(run["decisionList"] as? [[String: Any]])
      let matrix = try #require((person[key] as? [String: Any])?["counts"] as? [[Int]])
      for (reference, name) in ["N", "V"].enumerated() {
        for (prediction, other) in ["N", "V"].enumerated() {
          let same = list.count {
            $0["beatSeconds"] as? Double ?? 0 >= 60 && $0["annotated"] as? String == name
              && $0["fixed"] as? String == other
          }
          #expect(matrix[reference][prediction] == same, "\(key), \(name) as \(other)")
        }
      }
    }
  }
}

import ECG
import Foundation
import Support
import Tasks
import Testing
import TestSupport

@Suite struct ManifestTests {
  private func task(_ division: TaskDefinition.Division = .column) -> TaskDefinition {
    var task = TaskDefinition(
      name: "mine", classNames: ["a", "b"], critical: [], unit: .windows, labels: .manifest("labels.csv"),
      division: division)
    (task.windowSeconds, task.hopSeconds) = (2, 1)
    task.frontEnd = SpectrogramSettings(rawSamplesOfRateHz: 100, highPassShift: 0)
    return task
  }

  private func manifest(_ rows: String, of task: TaskDefinition? = nil) throws -> TaskManifest {
    let folder = try TemporaryFolder()
    try Files.write(rows, to: folder("labels.csv"))
    return try TaskManifest("labels.csv", of: task ?? self.task(), folder: folder.path)
  }

  private func refusal(_ rows: String) throws -> String {
    do {
      _ = try manifest(rows)
      return "accepted"
    } catch let error as FileError {
      return "\(error.location ?? "-"): \(error.problem)"
    }
  }

  @Test func rowsOfARecordAreItsStretches() throws {
    let records = try manifest(
      """
      record,patient,split,lead,start,end,label,sample_rate_hz,_note
      x.csv,p,train,,0,5,a,250,first
      x.csv,p,train,,5,8,,250,skip this
      y,q,test,II,,,b,,
      """
    ).records
    #expect(records.map(\.name) == ["x.csv", "y"] && records.map(\.patient) == ["p", "q"])
    #expect(records.map(\.part) == [.training, .test])
    #expect(records[0].stretches?.map(\.classIndex) == [0, nil])
    #expect(records[0].sampleRateHz == 250 && records[1].lead == "II")
    #expect(records[1].stretches?.first?.startSeconds == nil)
  }

  @Test func eachWrongRowIsNamed() throws {
    let head = "record,patient,split,start,end,label\n"
    let cases = [
      (head + "x,p,train,0,5,c\n", "line 2, column label: is 'c', none of the task's classes"),
      (head + "x,p,later,0,5,a\n", "line 2, column split: is 'later'"),
      (head + "x,p,,0,5,a\n", "line 2, column split: is empty"),
      (head + ",p,train,0,5,a\n", "line 2, column record: is empty"),
      (head + "x,p,train,5,5,a\n", "line 2, column end: is not after the start"),
      (head + "x,p,train,0,5,a\nx,p,train,4,6,b\n", "line 3, column start: lies in the stretch of line 2"),
      (
        head + "x,p,train,0,5,a\nx,q,train,5,6,b\n",
        "line 3, column patient: differs from line 2, which is of the same record"
      ),
      (
        head + "x,p,train,0,5,a\ny,p,test,0,5,b\n",
        "line 3, column split: is test for the patient p, who is in training in line 2"
      ),
      ("record,patient,split\nx,p,train\n", "-: has no column label"),
      ("record,label\nx,a\n", "-: has no column split"),
      ("record,label,split,rate\nx,a,test,5\n", "column rate: is unknown"),
    ]
    for (rows, problem) in cases { #expect(try refusal(rows) == problem) }
  }

  @Test func aTasksRecordsAndPartsAreTakenOfAManifest() throws {
    let rows = "record,patient,label\ns/x.csv,p,a\ns/y.csv,q,b\ns/z.csv,p,b\nw.csv,r,a\n"
    let table = try manifest(rows, of: task(.folds(2)))
    func taken(_ training: [String], _ test: [String], of names: [String]? = nil) throws -> [String] {
      var own = task(.records(training: training, validation: [], test: test))
      own.recordNames = names
      return try table.records(of: own).map { "\($0.name) \($0.part?.rawValue ?? "-")" }
    }
    #expect(
      try taken(["s/x.csv", "z.csv"], ["s/y.csv"])
        == ["s/x.csv training", "s/y.csv test", "s/z.csv training", "w.csv -"])
    #expect(
      try taken(["s/x.csv"], ["y.csv"], of: ["x.csv", "y.csv"]) == ["s/x.csv training", "s/y.csv test"])
    func refusal(_ training: [String], _ test: [String], of names: [String]? = nil) -> String? {
      do {
        return try taken(training, test, of: names).joined(separator: ", ")
      } catch let error as FileError {
        return "\(error.location ?? "-") \(error.problem); \(error.remedy)"
      } catch { return nil }
    }
    #expect(refusal(["x.csv"], ["q"])?.hasPrefix("split.test names q, which has no row in ") == true)
    #expect(
      refusal(["x.csv"], ["y.csv"], of: ["zz"])?.hasPrefix("records names zz, which has no row") == true)
    #expect(
      refusal(["x.csv"], ["y.csv", "z.csv"])
        == "split.test has s/z.csv, whose patient p is in training too; keep a patient's records on one side")
    // A split by another way takes all.
    #expect(try table.records(of: task(.folds(2))).count == 4)
  }

  @Test func withoutPatientsEachRecordIsOneAndThatIsSaid() throws {
    let manifest = try manifest("record,label\nx,a\ny,b\n", of: task(.folds(2)))
    #expect(manifest.records.map(\.patient) == ["x", "y"])
    #expect(
      manifest.notes.map(\.text) == ["has no column patient; each record was taken for a patient of its own"])
  }
}

@Suite struct TaskRecordsTests {
  /// A folder with records of one lead at 100 Hz and their manifest.
  private func folder(_ rows: [(record: String, seconds: Double, row: String)]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    var text = "record,patient,label,start,end,sample_rate_hz\n"
    for (record, seconds, row) in rows {
      let samples = (0..<Int(seconds * 100)).map { "\(sin(Double($0) / 7))" }
      try Files.write("II (mV)\n" + samples.joined(separator: "\n") + "\n", to: folder(record))
      text += "\(record),\(row),100\n"
    }
    try Files.write(text, to: folder("labels.csv"))
    return folder
  }

  private var task: TaskDefinition {
    var task = TaskDefinition(
      name: "mine", classNames: ["a", "b"], critical: [], unit: .windows, labels: .manifest("labels.csv"),
      division: .folds(2))
    (task.windowSeconds, task.hopSeconds) = (2, 1)
    task.frontEnd = SpectrogramSettings(rawSamplesOfRateHz: 100, highPassShift: 0)
    return task
  }

  private func records(
    _ folder: TemporaryFolder, _ task: TaskDefinition? = nil, _ split: TaskSplit = .fold(1)
  )
    -> TaskRecords
  {
    TaskRecords(
      folder: folder.path, task: task ?? self.task, split: split, sampleRateHz: 100, threads: 1)
  }

  @Test func windowsLieOnTheGridAndWhollyInOneLabel() throws {
    // Windows of 2 s every second: in a's 0.0 to 4.5 s they begin at 0, 1 and 2; in b's 4.5 to 8 s at 5 and 6.
    let folder = try folder([("x.csv", 8, "p,a,0,4.5")])
    try Files.write(
      "record,patient,label,start,end,sample_rate_hz\nx.csv,p,a,0,4.5,100\nx.csv,p,b,4.5,8,100\n",
      to: folder("labels.csv"))
    let signal = try #require(try records(folder).signals(["x.csv"]) { _ in }.first)
    #expect(signal.beats.map(\.sample) == [199, 299, 399, 699, 799])
    #expect(signal.beats.map(\.classIndex) == [0, 0, 0, 1, 1])
    #expect(signal.patient == "p")
  }

  @Test func aSegmentOfAWindowsLengthIsOneWindow() throws {
    let folder = try folder([("x.csv", 2, "p,a,,"), ("y.csv", 2, "q,b,,")])
    let signals = try records(folder).signals(["x.csv", "y.csv"]) { _ in }
    #expect(signals.map { $0.beats.map(\.sample) } == [[199], [199]])
  }

  /// A network of others that tells its task and not what it was trained on.
  @Test func withoutASplitRecordsAreNamedOneByOne() throws {
    let folder = try folder([("1.csv", 3, "p,a,,"), ("2.csv", 3, "q,b,,")])
    func records(_ split: String?) throws(FileError) -> TaskRecords {
      try TaskRecords(
        folder: folder.path, task: task, split: split, classNames: task.classNames, sampleRateHz: 100,
        threads: 1, file: "m.qinf")
    }
    let unknown = try records(nil)
    #expect(try RecordSelection("2.csv")?.signals(of: unknown) { _ in }.map(\.record) == ["2.csv"])
    #expect(unknown.splitName == "unknown" && !unknown.hasTrained(on: ["1.csv", "2.csv"]))
    for side in ["training", "validation", "test"] {
      let error = failure { _ = try RecordSelection(side)?.names(of: unknown) }
      #expect(error?.file == "m.qinf" && error?.remedy.contains("put \"split\": \"fold-1\"") == true)
      #expect(error?.problem == "doesn't tell which of the task's records it was trained on")
    }
    #expect(try records("fold-2").splitName == "fold-2")
    #expect(failure { _ = try records("fold-3") }?.problem == "doesn't tell a split that this program knows")
  }

  // claim: patients
  @Test func foldsKeepAPatientsRecordsTogether() throws {
    let folder = try folder([
      ("1.csv", 3, "p,a,,"), ("2.csv", 3, "q,b,,"), ("3.csv", 3, "p,b,,"), ("4.csv", 3, "r,a,,"),
    ])
    for fold in [1, 2] {
      let records = records(folder, nil, .fold(fold))
      let (training, test) = (
        try records.training(leads: .main) { _ in }, try records.test { _ in }
      )
      #expect(Set(training.map(\.patient)).isDisjoint(with: test.map(\.patient)))
      #expect(training.count + test.count == 4)
    }
    #expect(try records(folder, nil, .fold(1)).names(of: .test) == ["1.csv", "3.csv", "4.csv"])
    #expect(try records(folder, nil, .all).training(leads: .main) { _ in }.count == 4)
  }

  @Test func windowsLongerThanTheRecordsAreRefusedByTheirKey() throws {
    let folder = try folder([("x.csv", 1.5, "p,a,,"), ("y.csv", 1, "q,b,,")])
    let error = #expect(throws: FileError.self) { try records(folder).signals(["x.csv", "y.csv"]) { _ in } }
    #expect(error?.location == "windowSeconds")
    #expect(error?.description.contains("longest labelled stretch") == true)
    #expect(error?.description.hasSuffix("is of 1.50 s; choose a shorter window") == true)
  }

  @Test func aTaskCheckCountsAndWarns() throws {
    let folder = try folder([
      ("1.csv", 4, "p,a,,"), ("2.csv", 3, "q,b,,"), ("3.csv", 1, "r,b,,"),
    ])
    let check = try TaskCheck.run(
      records(folder), converter: AnalogConverter(bits: 12, rangeMillivolts: 10)
    ) { _ in }.check
    #expect(check.records == 3 && check.patients == 3 && check.shortStretches == 1)
    // Patients in order of their records are in the folds 1, 2, 1.
    #expect(check.counts.filter { $0.className == "a" }.map(\.labels) == [3, 0])
    #expect(check.counts.filter { $0.className == "b" }.map(\.labels) == [0, 2])
    #expect(
      check.warnings.first
        == "the class a is of 1 patient, fewer than 5: a score of it says little of others; add records of more patients"
    )
    #expect(check.extent == "3 records of 3 patients")
  }

  @Test(.enabled(if: Databases.has("vfdb"), "needs ../shared/data/vfdb"))
  func vfdbsRhythmsHaveClasses() throws {
    let records = TaskRecords(
      folder: Databases.path("vfdb"), task: .vtvf, split: .fold(1), sampleRateHz: 125, threads: 2)
    let signals = try records.signals(try records.catalog().map(\.name)) { _ in }
    #expect(signals.count == 22)
    // Counted from the annotation files: 43 runs of VT, VF, VFIB and VFL of at least 10 s; where one follows another
    // without a pause they are one episode.
    let long = signals.flatMap(\.stretches).filter { $0.classIndex == 1 && $0.samples.count >= 1250 }
    #expect(long.count == 43)
    let noise = signals.flatMap(\.stretches).filter { $0.classIndex == nil }
    #expect(Set(noise.map(\.label)) == ["NOISE"])
    let noiseSamples = noise.reduce(0) { $0 + $1.samples.count }
    #expect((6_063 * 125...6_067 * 125).contains(noiseSamples))
  }

  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func rhythmsWithoutAClassAreNamed() throws {
    var task = TaskDefinition.af
    task.labels = .rhythms([["N"], ["AFIB", "AFL"]], skipped: [])
    let records = TaskRecords(
      folder: Databases.path("mitdb"), task: task, split: .fold(1), sampleRateHz: 128, threads: 1)
    let error = #expect(throws: FileError.self) { try records.signals(["207"]) { _ in } }
    #expect(
      error?.problem.hasPrefix("has the rhythm B, which the task af neither has a class for nor skips")
        == true)
  }
}

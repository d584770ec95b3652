import ECG

extension TaskDefinition {
  /// The AAMI's classes N, S, V and F; records with paced beats are left out, as the AAMI recommends.
  package static let aami = {
    var task = TaskDefinition(
      name: "aami", classNames: ["N", "S", "V", "F"], critical: ["S", "V"], unit: .beats,
      labels: .beats([["N", "L", "R", "B", "e", "j", "n"], ["A", "a", "J", "S"], ["V", "E", "r"], ["F"]]),
      division: mitbihByPatient)
    task.recordNames = MITBIH.all.filter { !MITBIH.paced.contains($0) }
    task.leavesOutPacedRecords = true
    return task
  }()

  /// Six kinds of beat that MIT-BIH has many of: N, L, R, A, V and paced.
  ///
  /// The bundle branch blocks, which the AAMI's N hides, are classes of their own.
  package static let types = {
    var task = TaskDefinition(
      name: "types", classNames: ["N", "L", "R", "A", "V", "paced"], critical: ["A", "V"], unit: .beats,
      labels: .beats([["N"], ["L"], ["R"], ["A"], ["V"], ["/"]]), division: mitbihByPatient)
    task.recordNames = MITBIH.all
    return task
  }()

  /// Ventricular tachycardia, flutter and fibrillation against the rest, in windows of 4 s: VFDB's rhythms.
  ///
  /// What its annotators call noise is skipped; asystole, paced rhythm and high-grade ectopy are the rest, for none of
  /// them is to be treated as ventricular fibrillation is.
  package static let vtvf = {
    var task = TaskDefinition(
      name: "vtvf", classNames: ["rest", "vtvf"], critical: ["vtvf"], unit: .episodes,
      labels: .rhythms(
        [
          [
            "N", "NSR", "SBR", "SVTA", "AFIB", "AFL", "AB", "B", "T", "BI", "BII", "BIII", "NOD", "PM", "P",
            "PREX",
            "HGEA", "VER", "IVR", "ASYS",
          ], ["VT", "VF", "VFIB", "VFL"],
        ], skipped: ["NOISE"]), division: .folds(11))
    (task.windowSeconds, task.hopSeconds) = (4, 1)
    task.frontEnd = SpectrogramSettings(rawSamplesOfRateHz: 125, highPassShift: 5, microvoltsPerUnit: 500)
    task.recordNames = [
      "418", "419", "420", "421", "422", "423", "424", "425", "426", "427", "428", "429", "430", "602", "605",
      "607", "609", "610", "611", "612", "614", "615",
    ]
    task.leads = ["1"]
    return task
  }()

  /// Atrial fibrillation and flutter against the rest, in windows of 30 s: MIT-BIH's rhythms.
  ///
  /// Of the spectrum it takes the bins from 8 to 20 Hz alone, where QRS complexes are: when they come says more of other
  /// patients than their shape. Rhythms that MIT-BIH hasn't and other databases have are the rest too.
  package static let af = {
    var task = TaskDefinition(
      name: "af", classNames: ["rest", "af"], critical: ["af"], unit: .episodes,
      labels: .rhythms(
        [
          [
            "N", "NSR", "SBR", "SVTA", "AB", "B", "T", "BI", "BII", "BIII", "NOD", "J", "P", "PM", "PREX",
            "VT", "IVR",
            "VER", "VF", "VFIB", "VFL",
          ], ["AFIB", "AFL"],
        ], skipped: ["NOISE"]), division: .folds(7))
    (task.windowSeconds, task.hopSeconds) = (30, 10)
    (task.frontEnd.firstBin, task.frontEnd.binCount) = (2, 4)
    task.recordNames = MITBIH.all
    task.patients = [["201", "202"]]
    return task
  }()

  /// The tasks that have names.
  package static let builtIn: [TaskDefinition] = [aami, types, af, vtvf]

  /// A built-in task by its name; nil where there is none of it.
  package init?(named name: String) {
    guard let task = Self.builtIn.first(where: { $0.name == name }) else { return nil }
    self = task
  }

  /// The database that a built-in task is about, as `exporter records fetch` names it; nil for the user's own.
  package var database: String? {
    guard Self.builtIn.contains(where: { $0.name == name && $0.labels == labels }) else { return nil }
    return name == Self.vtvf.name ? "vfdb" : "mitdb"
  }

  private static let mitbihByPatient = Division.records(
    training: MITBIH.ds1, validation: [], test: MITBIH.ds2)
}

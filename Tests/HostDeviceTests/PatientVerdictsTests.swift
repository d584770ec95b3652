import HostDevice
import ModelFiles
import Support
import Testing
import TestSupport

/// Verdicts over patients, of the shipped network of beats.
@Suite struct PatientVerdictsTests {
  private static let model = ProjectFiles.path("Models/ecg-beats-implant/ecg-beats-implant.qinf")

  private static func verdicts(
    _ schedules: [PatientSchedule], _ rank: PatientRank, hasBeats: Bool = true
  ) throws -> ModelVerdicts {
    try ModelVerdicts(
      model: model, profiles: ["pacemaker"], schedule: nil,
      load: PatientLoad(
        schedules: schedules, rank: rank,
        scores: hasBeats ? PatientLoad.Scores(beats: 1234, f1: [.init(name: "V", f1: 0.875)]) : nil))
  }

  private static func schedule(_ record: String, bpm: Double, share: Double, patient: String? = nil)
    -> PatientSchedule
  {
    var schedule = Feasibility.Schedule.givenBeats(perSecond: bpm / 60)
    schedule.networkShare = share
    return PatientSchedule(record: record, patient: patient ?? record, schedule: schedule)
  }

  @Test func patientsStandInTheOrderOfWhatTheyTake() throws {
    // 20 patients, each with more beats than the one before, named backwards.
    let schedules = (0..<20).map { Self.schedule("r\(90 - $0)", bpm: 40 + 5 * Double($0), share: 0.1) }
    let patients = try #require(try Self.verdicts(schedules.reversed(), .median).devices[0].patients)
    #expect(patients.patients.map(\.record) == schedules.map(\.record))
    #expect(patients.patient(.median).record == "r80")
    #expect(patients.patient(.p95).record == "r72")
    #expect(patients.patient(.worst).record == "r71")
    #expect(patients.lines.count == 4 && patients.lines[3] == "\(patients.passingCount) of 20 patients pass")
    let current = try #require(patients.patient(.median).microamps)
    #expect(patients.lines[0].contains("record r80, \(current.text) uA, 90 decisions a minute"))
    #expect(patients.lines[0].hasSuffix("asked about 10.00 %: \(patients.patient(.median).outcome.rawValue)"))
    #expect(
      patients.passingCount == patients.patients.count { ($0.microamps?.high ?? 1) <= 0.1156 }
        && patients.patients.first?.outcome == .pass && patients.patients.last?.outcome == .fail)
  }

  @Test func theVerdictIsThatOfTheRanksPatient() throws {
    let schedules = [
      Self.schedule("slow", bpm: 40, share: 0.05), Self.schedule("usual", bpm: 70, share: 0.2),
      Self.schedule("fast", bpm: 130, share: 0.9),
    ]
    for (rank, record) in [(PatientRank.median, "usual"), (.p95, "fast"), (.worst, "fast")] {
      let device = try Self.verdicts(schedules, rank).devices[0]
      let patient = try #require(device.patients?.patients.first { $0.record == record })
      let judged = device.verdict.modes[0].criteria.first { $0.name == .averageCurrent }
      #expect(judged?.estimate == patient.microamps && device.verdict.outcome == patient.outcome)
    }
    let headline = try Self.verdicts(schedules, .worst).headline
    #expect(
      headline == "ecg-beats-implant.qinf passes nowhere for the patient who takes most of 3; "
        + "F1 over their 1,234 beats of its classes: V 87.50 %\n")
    let one = try Self.verdicts([Self.schedule("/a/folder/slow", bpm: 40, share: 0.05)], .median)
    #expect(one.headline.hasPrefix("ecg-beats-implant.qinf passes on pacemaker for its one patient"))
    // One patient is told once, by the record's own name.
    let unknown = try Self.verdicts(schedules, .median, hasBeats: false)
    #expect(unknown.patientRows.last?.label == "F1" && !unknown.headline.contains("F1"))
    #expect(one.patientRows.count == 1 && one.patientRows[0].cells[0].hasPrefix("record slow, "))
  }

  @Test func ofAPatientsRecordsTheOneThatTakesMostCounts() throws {
    let two = [
      Self.schedule("202", bpm: 90, share: 0.3, patient: "201"),
      Self.schedule("201", bpm: 60, share: 0.1, patient: "201"),
    ]
    for schedules in [two, two.reversed()] {
      let patients = try #require(try Self.verdicts(schedules, .median).devices[0].patients)
      #expect(patients.patients.map(\.record) == ["202"])
    }
  }

  /// How often beats come is the heart's matter; how many of them the network is asked about is not.
  @Test func aSmallerPartOfTheBeatsIsSuggestedAndThenPasses() throws {
    let (loaded, profile) = (try LoadedModel(file: Self.model), try DeviceProfile.load("pacemaker"))
    func judged(share: Double) throws -> Feasibility.Judgement {
      return try #require(
        Feasibility(loaded, on: profile, schedule: Self.schedule("a", bpm: 60, share: share).schedule)?.modes
          .first)
    }
    let failing = try judged(share: 0.8)
    let suggestion = try #require(failing.suggestions.first { $0.change == .fewerAskedBeats })
    #expect(!failing.suggestions.contains { $0.change == .slowerDecisions })
    let share = try #require(suggestion.value)
    #expect(share > 0 && suggestion.passes.contains(.averageCurrent))
    #expect(try !judged(share: share).failing.map(\.name).contains(.averageCurrent))
    #expect(try judged(share: share + 0.01).failing.map(\.name).contains(.averageCurrent))
    // Samples take what they take, whatever becomes of beats.
    func ofSamples(_ judgement: Feasibility.Judgement) throws -> Substring {
      let text = try #require(judgement.suggestions.first { $0.change == .frugalProcessor }).text
      return text[try #require(text.range(of: "; samples")).lowerBound...]
    }
    #expect(try ofSamples(failing) == ofSamples(judged(share: 0.5)))
  }
}

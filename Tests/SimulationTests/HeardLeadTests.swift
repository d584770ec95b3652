import ECG
import Foundation
import HostDevice
import ModelFiles
import Simulation
import Support
import Testing
import TestSupport

/// Two leads through a simulated device: what befalls each, what a board makes of both, and what breaks.
@Suite struct HeardLeadTests {
  private static let model = ProjectFiles.path("Firmware/Leads/signs.qinf")
  private static let signs = ProjectFiles.path("Firmware/Leads/signs")

  /// A minute of the shipped record, twice: both leads are the same.
  private static func twice(in folder: TemporaryFolder) throws -> String {
    var record = try Record.read(ProjectFiles.record)
    record.signals[0].samples = Array(record.signals[0].samples.prefix(21_600))
    record.sampleCount = 21_600
    record.signals.append(record.signals[0])
    record.signals[1].specification.name = "copy"
    try record.write(folder("twice"))
    return folder("twice")
  }

  private static func heard(
    _ record: String, _ change: (inout Disturbances) -> Void = { _ in }
  ) throws -> (leads: [[Int16]], result: StreamResult) {
    var options = StreamRun.Options(model: model, record: record)
    change(&options.disturbances)
    let run = try StreamRun.run(options)
    return (([run.acquisition] + run.furtherLeads).map(\.samples), run.result)
  }

  private static let befalling: [(name: String, change: @Sendable (inout Disturbances) -> Void)] = [
    ("muscles", { ($0.noise, $0.snrDecibels) = ("emg", 6) }),
    ("mains", { ($0.noise, $0.snrDecibels) = ("mains50", 6) }),
    ("a mixture", { ($0.noise, $0.snrDecibels) = ("wander+emg+mains60", 12) }),
    ("a recording", { ($0.noise, $0.snrDecibels) = (ProjectFiles.record, 6) }),
    ("gain", { $0.gainErrorPercent = 20 }), ("offset", { $0.offsetMillivolts = 1 }),
    ("the converter's offset", { $0.converterOffsetMillivolts = 1 }),
    ("lead off", { $0.leadOff = [Stretch(startSeconds: 20, seconds: 10)] }),
    ("drop-outs", { ($0.dropOutsPerMinute, $0.dropOutSeconds) = (20, 0.5) }),
  ]

  // claim: leads
  @Test func whatBefallsOneLeadNeverChangesAnothersSamples() throws {
    let folder = try TemporaryFolder()
    let record = try Self.twice(in: folder)
    let plain = try Self.heard(record).leads
    #expect(plain.count == 2 && plain[0] == plain[1])
    for (name, change) in Self.befalling {
      let all = try Self.heard(record, change).leads
      #expect(all[0] != plain[0] && all[1] != plain[1], "\(name)")
      for (lead, wanted) in [["MLII"], ["copy"]].enumerated() {
        let one = try Self.heard(record) {
          change(&$0)
          $0.leads = wanted
        }
        // The disturbed lead hears what it hears where both are disturbed, the other what it hears undisturbed.
        #expect(one.leads[lead] == all[lead] && one.leads[1 - lead] == plain[1 - lead], "\(name), \(wanted)")
        #expect(one.result.disturbances?.settings.leads == wanted)
        #expect(one.result.disturbancesByLead?.keys.map { $0 } == wanted)
      }
      let both = try Self.heard(record) {
        change(&$0)
        $0.leads = ["2", "1"]
      }
      #expect(both.leads == all, "\(name)")
    }
  }

  @Test func theResultSaysWhatBefellTheLeadThatIsDisturbedNotTheCoupledOne() throws {
    let folder = try TemporaryFolder()
    let record = try Self.twice(in: folder)
    let result = try Self.heard(record) {
      ($0.couplingHz, $0.gainErrorPercent, $0.leads) = (0.5, 20, ["copy"])
    }.result
    #expect(result.disturbances?.settings.leads == ["copy"])
    #expect(result.disturbancesByLead?.count == 2)
  }

  @Test func eachLeadDrawsForItselfWhatIsItsOwn() throws {
    let folder = try TemporaryFolder()
    let record = try Self.twice(in: folder)
    for (name, change) in Self.befalling {
      let leads = try Self.heard(record, change).leads
      let isOwn = ["muscles", "a mixture", "drop-outs"].contains(name)
      #expect((leads[0] != leads[1]) == isOwn, "\(name)")
    }
    // In a mixture too a recording begins at the same moment in both: what differs is the muscles' alone.
    let mixture = try Self.heard(record) {
      ($0.noise, $0.snrDecibels) = ("emg@60+\(ProjectFiles.record)@0", nil)
    }.leads
    let plain = try Self.heard(record).leads
    func power(_ first: [Int16], _ second: [Int16]) -> Double {
      zip(first, second).reduce(0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
    }
    let (own, between) = (power(mixture[1], plain[1]), power(mixture[0], mixture[1]))
    #expect(between > 0 && between < 0.01 * own, "\(between) of \(own)")
  }

  @Test func whatIsLostInAnyLeadIsCountedOnce() throws {
    let folder = try TemporaryFolder()
    let record = try Self.twice(in: folder)
    let (_, both) = try Self.heard(record) { $0.leadOff = [Stretch(startSeconds: 20, seconds: 10)] }
    #expect(both.disturbances?.lostSamples == 1000)
    let (_, drops) = try Self.heard(record) { ($0.dropOutsPerMinute, $0.dropOutSeconds) = (20, 0.5) }
    let each = (drops.disturbancesByLead ?? [:]).values.map(\.lostSamples)
    let any = try #require(drops.disturbances?.lostSamples)
    #expect(each.count == 2 && each.allSatisfy { $0 < any } && any <= each.reduce(0, +))
  }

  @Test func aLeadThatIsNotHeardCanNotBeDisturbed() throws {
    let folder = try TemporaryFolder()
    var record = try Record.read(try Self.twice(in: folder))
    record.signals.append(record.signals[0])
    record.signals[2].specification.name = "third"
    try record.write(folder("three"))
    let error = #expect(throws: FileError.self) {
      try Self.heard(folder("three")) { ($0.leads, $0.gainErrorPercent) = (["third"], 5) }
    }
    #expect(
      error.map { "\($0)" }?.hasSuffix(
        "has a lead third, which the device doesn't hear; name some of MLII, copy with --disturbed-leads")
        == true, "\(error.map { "\($0)" } ?? "")")
    for (leads, told) in [
      (["1"], "needs what befalls them"), (["1", "1"], "has 1 twice"), ([""], "needs names"),
    ] {
      var disturbances = Disturbances()
      disturbances.leads = leads
      if leads != ["1"] { disturbances.gainErrorPercent = 5 }
      #expect(disturbances.problem?.contains(told) == true, "\(leads)")
      #expect(disturbances.problem?.hasPrefix("--disturbed-leads") == true)
    }
  }

  // MARK: Boards

  private func target(_ board: HostBoard, layers: Bool = false, brownOuts: [Double] = []) throws
    -> TargetResult
  {
    var options = StreamRun.Options(model: Self.model, record: Self.signs)
    (options.target, options.comparesLayers) = (.tcp(host: "127.0.0.1", port: board.port), layers)
    options.brownOutSeconds = brownOuts
    return try #require(try StreamRun.run(options).result.target)
  }

  // claim: wire
  @Test func framesOfTwoLeadsGiveABoardTheHostsBits() throws {
    let flash = Array(try Files.read(Self.model))
    for (board, image) in [
      (HostBoard(), "memory"), (HostBoard(flash: flash, memoryByteCount: 8192), "flash"),
    ] {
      let result = try target(board, brownOuts: [7, 20.5])
      #expect((result.differing, result.failure, result.image) == (0, nil, image))
      // 40 s at 100 Hz; a column a frame, a decision every 20 columns; two brown-outs and the end.
      #expect((result.samples, result.columns, result.decisions, result.states) == (4000, 4000, 200, 3))
    }
  }

  // claim: wire
  @Test func aFlippedBitOfTheSecondLeadIsFoundWithItsPlace() throws {
    let flash = Array(try Files.read(Self.model))
    let loaded = try LoadedModel(image: flash)
    let second = try #require(
      loaded.model.stateParts(operatorNames: []).first { $0.name.hasSuffix("words of lead 2") })
    // The state lies behind two buffers of 1,027 bytes.
    let board = HostBoard(
      .init(flip: (afterBytes: 9000, place: 2064 + second.offset)), flash: flash)
    let result = try target(board, layers: true)
    #expect(result.differing > 0)
    #expect(result.firstDifference?.part?.contains("of lead 2") == true, "\(result)")
  }

  // MARK: Faults

  // claim: faults
  @Test func aCampaignBreaksAModelOfTwoLeads() throws {
    var options = FaultCampaign.Options(model: Self.model, record: Self.signs)
    (options.trials, options.guards) = (40, [.adc, .clock])
    let report = try FaultCampaign.prepared(options).run()
    #expect(report.lead == "1, 2" && report.samples == 4000 && report.decisions == 200)
    #expect(report.kinds.count == FaultKind.allCases.count)
    func places(_ kind: FaultKind) throws -> Set<String> {
      Set(try #require(report.kinds.first { $0.kind == kind }).places.map(\.name))
    }
    // A bit sticks in one lead's converter, and in each lead's at some time.
    #expect(
      try places(.adc)
        == ["stuck at 0, lead 1", "stuck at 1, lead 1", "stuck at 0, lead 2", "stuck at 1, lead 2"])
    #expect(try places(.state).contains { $0.hasSuffix("of lead 2") })
    options.threads = 1
    #expect(try FaultCampaign.prepared(options).run().kinds == report.kinds)
  }
}

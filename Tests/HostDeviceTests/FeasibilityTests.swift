import Foundation
import HostDevice
import ModelFiles
import Networks
import Simulation
import Support
import Tasks
import Testing
import TestSupport

/// The verdict on the shipped model: 4,320 MAC a column, 2,784 a decision, 152,256 a whole window, 16 columns a second.
@Suite struct FeasibilityTests {
  /// A device of round figures: 10 cycles a MAC and nothing else, 100 uA/MHz, 10 uA without the network, 1 Ah.
  private func profile(
    clockMegahertz: Double = 10, ramBytes: Double = 100_000, hasBattery: Bool = true
  ) throws -> DeviceProfile {
    func figure(_ value: Double) -> String { #"{"value": \#(value), "source": "test"}"# }
    let zeros = [
      "cyclesPerOutput", "cyclesPerElement", "cyclesPerCall", "cyclesPerSample", "cyclesPerDetectorSample",
      "cyclesPerTransformPoint", "cyclesPerBin",
    ].map { #""\#($0)": \#(figure(0))"# }.joined(separator: ",")
    let battery = """
      "battery": {"capacityAmpereHours": \(figure(1)), "volts": \(figure(3)),
        "selfDischargePercentPerYear": \(figure(0)), "baseMicroamps": \(figure(10))},
      """
    let text = """
      {"name": "round", "summary": "", "converterBits": 12, "converterRangeMillivolts": 10,
      "processor": {"name": "test", "clockMegahertz": \(figure(clockMegahertz)), "ramBytes": \(figure(ramBytes)),
        "flashBytes": \(figure(1e6)), \(hasBattery ? #""activeMicroampsPerMegahertz": \#(figure(100)),"# : "")
        "cyclesPerMAC": {"convolution": \(figure(10)), "depthwise": \(figure(10)), "fullyConnected": \(figure(10))},
        \(zeros)},
      \(hasBattery ? battery : "")
      "limits": {"ramShare": \(figure(0.5)), "flashShare": \(figure(0.5)), "dutyCycle": \(figure(0.5)),
        "longevityLoss": \(figure(0.01))}}
      """
    return try DeviceProfile(Data(text.utf8), file: "round.json")
  }

  private func judge(_ profile: DeviceProfile, _ schedule: Feasibility.Schedule) throws -> Feasibility {
    try #require(try Feasibility(LoadedModel(file: ProjectFiles.model), on: profile, schedule: schedule))
  }

  private func mode(_ mode: Feasibility.Mode, of verdict: Feasibility) throws -> Feasibility.Judgement {
    try #require(verdict.modes.first { $0.mode == mode })
  }

  private func value(_ name: Feasibility.Criterion.Name, _ judgement: Feasibility.Judgement) throws -> Double
  {
    try #require(judgement.criterion(name)).estimate.value
  }

  // claim: verdicts
  @Test func aWholeWindowEveryTenSecondsIsAsReckonedByHand() throws {
    let window = try mode(.wholeWindow, of: judge(profile(), .every(seconds: 10)))
    // 152,256 MAC x 10 cycles at 10 MHz and 100 uA/MHz.
    #expect(abs(try value(.decisionTime, window) - 152.256) < 1e-9)
    #expect(abs(try value(.dutyCycle, window) - 0.0152256) < 1e-12)
    #expect(abs(try value(.chargePerDecision, window) - 152.256) < 1e-9)
    #expect(abs(try value(.averageCurrent, window) - 15.2256) < 1e-9)
    // 1 Ah lasts 100,000 h at 10 uA and 39,642 h at 25.2256 uA; a year has 8,766 h.
    #expect(abs(try value(.monthsLost, window) - 12 / 8766 * (100_000 - 39_642.268)) < 1e-4)
    // 1 % of the battery's time is 10 uA / 99.
    #expect(abs(try #require(window.criterion(.averageCurrent)?.budget) - 10.0 / 99) < 1e-12)
  }

  // claim: verdicts
  @Test func streamingAfterEachBeatIsAsReckonedByHand() throws {
    let streaming = try mode(.streaming, of: judge(profile(), .detectedBeats(perSecond: 1)))
    #expect(abs(try value(.columnTime, streaming) - 4.32) < 1e-9)
    #expect(abs(try value(.decisionTime, streaming) - (4.32 + 2.784)) < 1e-9)
    #expect(abs(try value(.averageCurrent, streaming) - (16 * 4.32 + 2.784)) < 1e-9)
    #expect(streaming.criterion(.columnTime)?.budget == 62.5)
  }

  /// 3 columns of 12 bins to 4 channels, 144 MAC a column; 2 of them to 6, 48 MAC every second column; 9 columns of 6
  /// to 3 classes, 162 MAC a decision.
  private func stridedModel() throws -> LoadedModel {
    func tensor(_ shape: [Int]) -> QuantizedNetwork.Tensor {
      .init(name: "", shape: shape, scale: 1, zeroPoint: 0)
    }
    func weights(_ inputs: Int, _ outputs: Int) -> QuantizedNetwork.Weights {
      .init(
        codes: [Int8](repeating: 1, count: inputs * outputs), biases: [Int64](repeating: 0, count: outputs),
        scales: [Float](repeating: 0.01, count: outputs), inputScale: 1, outputScale: 1)
    }
    let network = QuantizedNetwork(
      tensors: [tensor([1, 21, 1, 12]), tensor([1, 19, 1, 4]), tensor([1, 9, 1, 6]), tensor([1, 3])],
      operators: [
        .convolution(from: 0, to: 1, window: .init(time: .init(kernel: 3)), weights: weights(36, 4)),
        .convolution(
          from: 1, to: 2, window: .init(time: .init(kernel: 2, stride: 2)), weights: weights(8, 6)),
        .fullyConnected(from: 2, to: 3, weights: weights(54, 3)),
      ], input: 0, output: 3)
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    return try LoadedModel(image: ModelImage(network, frontEnd: tables, mustStream: true).bytes)
  }

  @Test func timesAreThoseOfTheColumnWhereAllStridesFallDueAndChargeIsTheMean() throws {
    let verdict = try #require(
      Feasibility(stridedModel(), on: profile(), schedule: .detectedBeats(perSecond: 1)))
    let streaming = try mode(.streaming, of: verdict)
    // 10 cycles a MAC at 10 MHz: a thousandth of a millisecond each.
    #expect(abs(try value(.columnTime, streaming) - (0.144 + 0.048)) < 1e-12)
    #expect(abs(try value(.decisionTime, streaming) - (0.144 + 0.048 + 0.162)) < 1e-12)
    // 16 columns a second, of which 8 bring the second convolution's work too.
    #expect(abs(try value(.averageCurrent, streaming) - (16 * 0.144 + 8 * 0.048 + 0.162)) < 1e-12)
    #expect(abs(try value(.dutyCycle, streaming) - (16 * 0.144 + 8 * 0.048 + 0.162) / 1000) < 1e-15)
  }

  @Test func beatsThatAreGivenCostNoDetector() throws {
    var profile = try profile()
    profile.processor?.cyclesPerDetectorSample.value = 1000
    let given = try mode(.streaming, of: judge(profile, .givenBeats(perSecond: 1)))
    // As reckoned above without a detector; columns are needed all the time, as no one knows when a beat comes.
    #expect(abs(try value(.averageCurrent, given) - (16 * 4.32 + 2.784)) < 1e-9)
    #expect(!given.ram.contains { $0.item.contains("detector") })
    let detected = try mode(.streaming, of: judge(profile, .detectedBeats(perSecond: 1)))
    // 128 samples a second of 1,000 cycles, at 100 uA/MHz.
    #expect(abs(try value(.averageCurrent, detected) - (16 * 4.32 + 2.784 + 12.8)) < 1e-9)
  }

  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func aRunWithAnnotatedBeatsIsntChargedForADetector() throws {
    var options = StreamRun.Options(model: ProjectFiles.model, record: Databases.path("mitdb") + "/100")
    options.profile = "pacemaker"
    options.deciding = .givenBeats
    let verdict = try #require(try StreamRun.run(options).result.verdict)
    #expect(!verdict.schedule.findsBeats && verdict.schedule.isAboutBeats)
    options.deciding = .detectedBeats
    #expect(try #require(try StreamRun.run(options).result.verdict).schedule.findsBeats)
  }

  @Test func decisionsFasterThanColumnsAreRefused() throws {
    // 16 columns a second.
    #expect(throws: FileError.self) {
      _ = try ModelVerdicts(
        model: ProjectFiles.model, profiles: ["reference"], schedule: .every(seconds: 0.06))
    }
    _ = try ModelVerdicts(
      model: ProjectFiles.model, profiles: ["reference"], schedule: .every(seconds: 0.0625))
  }

  @Test func betweenWindowsTheDeviceSleeps() throws {
    // A window has 43 columns; every 100 s it is all that is worked on.
    let streaming = try mode(.streaming, of: judge(profile(), .every(seconds: 100)))
    #expect(abs(try value(.chargePerDecision, streaming) - (43 * 4.32 + 2.784)) < 1e-9)
  }

  /// From the JSON alone: MACs, cycles a MAC, the supply's factor.
  @Test func thePacemakersAverageCurrentCanBeRecomputedFromTheJSON() throws {
    let verdicts = try ModelVerdicts(
      model: ProjectFiles.model, profiles: ["pacemaker"], schedule: .detectedBeats(perSecond: 1.2))
    let json = try #require(
      try JSONSerialization.jsonObject(with: try JSON.data(verdicts)) as? [String: Any])
    let device = try #require((json["devices"] as? [[String: Any]])?.first)
    func find(_ root: Any?, _ path: String) throws -> Any {
      try #require(
        path.split(separator: ".").reduce(root) { ($0 as? [String: Any])?[String($1)] }, "\(path)")
    }
    func figure(_ path: String) throws -> Double {
      try #require(try find(device["profile"], path + ".value") as? Double, "\(path)")
    }
    func count(_ path: String) throws -> Double { try #require(try find(json, path) as? Double, "\(path)") }
    let layers = try #require(try find(json, "operations.operators") as? [[String: Any]])
    // Three convolutions of 24 outputs a column, then 4 logits.
    #expect(layers.count == 4)
    let window = try count("frontEnd.windowSamples")
    let column =
      try count("operations.macsPerColumn") * figure("processor.cyclesPerMAC.convolution")
      + 72 * figure("processor.cyclesPerOutput") + 3 * figure("processor.cyclesPerCall")
      + window * figure("processor.cyclesPerWindowSample")
      + count("frontEnd.bins") * figure("processor.cyclesPerBin")
    let decision =
      try count("operations.macsPerDecision") * figure("processor.cyclesPerMAC.fullyConnected")
      + 4 * figure("processor.cyclesPerOutput") + figure("processor.cyclesPerCall")
    let sample = try figure("processor.cyclesPerSample") + figure("processor.cyclesPerDetectorSample")
    let rate = try count("frontEnd.sampleRateHz")
    let hop = try count("frontEnd.hopSamples")
    let cyclesPerSecond = rate * sample + rate / hop * column + 1.2 * decision
    let microampsPerMegahertz =
      try figure("processor.activeMicroampsPerMegahertz") * figure("processor.supplyVolts")
      / (figure("processor.supplyEfficiency") * figure("battery.volts"))
    let modes = try #require(try find(device["verdict"], "modes") as? [[String: Any]])
    let criteria = try #require(modes.first?["criteria"] as? [[String: Any]])
    let current = try #require(criteria.first { $0["name"] as? String == "averageCurrent" })
    let told = try #require(try find(current, "estimate.value") as? Double)
    #expect(abs(told / (cyclesPerSecond / 1e6 * microampsPerMegahertz) - 1) < 1e-9)
  }

  // claim: verdicts
  @Test func theVerdictTurnsAtTheBudget() throws {
    func outcome(_ ramBytes: Double) throws -> Outcome? {
      let verdict = try judge(profile(ramBytes: ramBytes), .every(seconds: 10))
      return try mode(.streaming, of: verdict).criterion(.ram)?.outcome
    }
    // State, scratch and 2 kB of stack at most; the network may have half.
    let needed = try #require(
      try mode(.streaming, of: judge(profile(), .every(seconds: 10))).criterion(.ram)?.estimate.high)
    #expect(needed == 1228 + 292 + 2048)
    #expect(try outcome(2 * needed) == .pass)
    #expect(try outcome(2 * needed - 2) == .fail)
  }

  @Test func rangesTurnTheOutcomeAtTheirUnfavourableEnd() throws {
    var profile = try profile(hasBattery: false)
    profile.limits?.dutyCycle.value = 0.0153
    #expect(try mode(.wholeWindow, of: judge(profile, .every(seconds: 10))).outcome == .pass)
    profile.processor?.cyclesPerMAC.convolution.high = 10.2
    let window = try mode(.wholeWindow, of: judge(profile, .every(seconds: 10)))
    #expect(window.failing.map(\.name) == [.dutyCycle])
    #expect(window.failing.first?.outcomeAtBest == .pass)
  }

  @Test func theBatterysRangeIsThatOfAHandCalculation() throws {
    var profile = try profile()
    profile.battery?.capacityAmpereHours.low = 0.8
    profile.battery?.capacityAmpereHours.high = 1.2
    profile.battery?.selfDischargePercentPerYear.value = 2
    profile.battery?.selfDischargePercentPerYear.low = 1
    profile.battery?.selfDischargePercentPerYear.high = 5
    profile.battery?.baseMicroamps.low = 8
    profile.battery?.baseMicroamps.high = 12
    let years = try #require(try judge(profile, .every(seconds: 10)).battery).years
    // 0.8 Ah at 12 uA and 5 % of it a year (4.5631 uA); 1 Ah at 10 and 2.2815 uA; 1.2 Ah at 8 and 1.3689 uA.
    #expect(abs(years.low - 0.8e6 / 16.5631 / 8766) < 1e-3)
    #expect(abs(years.value - 1e6 / 12.2815 / 8766) < 1e-3)
    #expect(abs(years.high - 1.2e6 / 9.3689 / 8766) < 1e-3)
  }

  @Test(arguments: ["reference", "pacemaker", "crt-d", "leadless"])
  func decisionsAsSlowAsSuggestedPassAndFasterOnesDoNot(name: String) throws {
    let profile = try DeviceProfile.load(name)
    for judgement in try judge(profile, .detectedBeats(perSecond: 1)).modes {
      let suggestion = try #require(judgement.suggestions.first { $0.change == .slowerDecisions })
      let seconds = try #require(suggestion.value)
      let slower = try mode(judgement.mode, of: judge(profile, .every(seconds: seconds)))
      #expect(Set(slower.failing.map(\.name)).isDisjoint(with: suggestion.passes))
      let faster = try mode(judgement.mode, of: judge(profile, .every(seconds: seconds * 0.9)))
      #expect(faster.failing.map(\.name).contains(.averageCurrent))
    }
  }

  @Test func streamingIsSuggestedWhereItPassesAndTheWholeWindowDoesNot() throws {
    // 1.53 of 2.5 million cycles a second, against 0.72.
    let verdict = try judge(
      profile(clockMegahertz: 2.5, hasBattery: false), .detectedBeats(perSecond: 1))
    #expect(verdict.outcome == .pass)
    #expect(try mode(.streaming, of: verdict).suggestions.isEmpty)
    let window = try mode(.wholeWindow, of: verdict)
    let suggestion = try #require(window.suggestions.first { $0.change == .streaming })
    #expect(suggestion.passes == [.decisionTime, .dutyCycle])
  }

  @Test func aModelAsSmallAndAClockAsFastAsSuggestedAreJustEnough() throws {
    // 43,200 cycles at 0.5 MHz take 86.4 ms of the 62.5 ms of a hop; with the decision's 27,840 it is 142.08 ms.
    let verdict = try judge(profile(clockMegahertz: 0.5, hasBattery: false), .every(seconds: 1))
    let streaming = try mode(.streaming, of: verdict)
    #expect(streaming.failing.map(\.name) == [.columnTime, .decisionTime, .dutyCycle])
    let smaller = try #require(streaming.suggestions.first { $0.change == .smallerModel }?.value)
    // The duty cycle asks for most: 0.719 of 0.25 million cycles a second.
    let duty = try value(.dutyCycle, streaming)
    #expect(duty * smaller <= 0.5 && duty * smaller > 0.48)
    let clock = try #require(streaming.suggestions.first { $0.change == .fasterClock }?.value)
    let faster = try judge(profile(clockMegahertz: clock, hasBattery: false), .every(seconds: 1))
    #expect(try mode(.streaming, of: faster).outcome == .pass)
    let slower = try judge(profile(clockMegahertz: clock * 0.95, hasBattery: false), .every(seconds: 1))
    #expect(try mode(.streaming, of: slower).outcome == .fail)
  }

  @Test func aPartAsLargeAsSuggestedHasRoom() throws {
    var profile = try DeviceProfile.load("leadless")
    let streaming = try mode(.streaming, of: judge(profile, .detectedBeats(perSecond: 1)))
    let larger = streaming.suggestions.filter { $0.change == .largerMemory }
    #expect(larger.map(\.passes) == [[.ram], [.flash]])
    profile.processor?.ramBytes.value = try #require(larger[0].value)
    profile.processor?.flashBytes.value = try #require(larger[1].value)
    let enlarged = try mode(.streaming, of: judge(profile, .detectedBeats(perSecond: 1)))
    #expect(enlarged.criterion(.ram)?.outcome == .pass && enlarged.criterion(.flash)?.outcome == .pass)
  }

  @Test func aSignalPathAloneHasNoVerdict() throws {
    let narrow = DeviceProfile(
      name: "narrow", summary: "", converterBits: 12, converterRangeMillivolts: 10)
    let loaded = try LoadedModel(file: ProjectFiles.model)
    #expect(Feasibility(loaded, on: narrow, schedule: .every(seconds: 1)) == nil)
  }
}

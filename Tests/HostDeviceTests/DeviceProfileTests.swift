import Foundation
import HostDevice
import Support
import Testing
import TestSupport

@Suite struct DeviceProfileTests {
  private static let folder = ProjectFiles.path("Sources/HostDevice/Profiles")
  private static let pacemaker = folder + "/pacemaker.json"

  @Test func theBuiltInProfilesAreTheFilesOfTheFolder() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder).filter {
      $0.hasSuffix(".json")
    }
    #expect(Set(files) == Set(DeviceProfile.builtIn.map { $0.name + ".json" }))
    for profile in DeviceProfile.builtIn {
      #expect(try DeviceProfile.text(of: profile.name) == Files.read("\(Self.folder)/\(profile.name).json"))
      #expect(profile.processor != nil)
    }
  }

  /// The longevities of the literature: dual-chamber 9.8 years, CRT-D 8.8.
  @Test(arguments: [("pacemaker", 9.8), ("crt-d", 8.8)])
  func aBatteryWithoutANetworkLastsAsPublished(name: String, years: Double) throws {
    let battery = try #require(try DeviceProfile.load(name).battery)
    let capacity = battery.capacityAmpereHours.value * 1e6
    let perYear =
      8766 * battery.baseMicroamps.value + capacity * battery.selfDischargePercentPerYear.value / 100
    #expect(abs(capacity / perYear - years) < 0.3)
  }

  /// The data sheet's milliamperes at its clock, and what the vendor's 117 CoreMark a mW leave for a MHz at 4.1 CoreMark.
  @Test(arguments: [("nrf54l15", 2.6 * 3.0 / 128), ("stm32u385", 4.1 / 117)])
  func aPartsPowerIsThePublishedOne(name: String, milliwattsPerMegahertz: Double) throws {
    let processor = try #require(try DeviceProfile.load(name).processor)
    let current = try #require(processor.activeMicroampsPerMegahertz?.value)
    let volts = try #require(processor.supplyVolts?.value)
    #expect(abs(current * volts / 1000 / milliwattsPerMegahertz - 1) < 0.07)
    #expect(
      processor.sleepMicroamps?.source.contains(name == "nrf54l15" ? "data sheet" : "not known") == true)
  }

  /// What is changed in the pacemaker's file, and what the error must then name.
  @Test(arguments: [
    (#""clockMegahertz""#, #""clockMegaherz""#, "processor: clockMegahertz is missing"),
    (#""sleepMicroamps""#, #""sleepMicroamp""#, "processor.sleepMicroamp: is no field"),
    (#""cortex-m4""#, #""cortex-m3""#, "processor.core: is not cortex-m0 or cortex-m4"),
    (#""value": 1048576"#, #""value": "1 MB""#, "processor.flashBytes.value: is not a number"),
    (#""value": 1048576"#, #""value": 1e300"#, "processor.flashBytes: not in"),
    (#""value": 1048576"#, #""value": -1"#, "processor.flashBytes: not in"),
    (#""value": 1048576"#, #""value": 1e999"#, "is not JSON that can be read"),
    (#""low": 6, "high": 12"#, #""low": 7, "high": 12"#, "activeMicroampsPerMegahertz: is not in low"),
    (#""low": 6, "high": 12"#, #""low": 6, "high": 5"#, "activeMicroampsPerMegahertz: is not in low"),
    (#""value": 0.01, "source": ""#, #""value": 0.01, "sauce": ""#, "longevityLoss: source is missing"),
    (#""value": 0.01"#, #""value": 1"#, "limits.longevityLoss: not in"),
    (#""limits""#, #""limit""#, "limit: is no field"),
    (#""battery": {"#, #""battery": 3, "other": {"#, "battery: is not an object"),
    (#""name": "pacemaker""#, #""name": null"#, "name"),
    (#""converterBits": 12"#, #""converterBits": 7"#, "converterBits: not in 8 ... 16"),
    (#""converterBits": 12,"#, #""converterBits": 12"#, "is not JSON that can be read"),
  ])
  func aWrongFieldIsNamed(field: String, wrong: String, message: String) throws {
    let text = String(decoding: try Files.read(Self.pacemaker), as: UTF8.self)
    #expect(text.contains(field))
    let error = #expect(throws: FileError.self) {
      try DeviceProfile(Data(text.replacing(field, with: wrong, maxReplacements: 1).utf8), file: "mine.json")
    }
    #expect(error?.kind == .malformed)
    #expect("\(try #require(error))".contains(message), "\(String(describing: error))")
  }

  /// The figures are the boards' cycles, to two digits; where no cycles were counted yet, a core takes one an
  /// instruction at best.
  @Test(arguments: [
    ("reference", "mps2-an386"), ("pacemaker", "mps2-an386"), ("crt-d", "mps2-an386"),
    ("leadless", "microbit"), ("stm32u385", "mps2-an386"), ("nrf54l15", "mps2-an386"),
  ])
  func aProfilesCyclesAreTheBoards(name: String, board: String) throws {
    let results = try JSONSerialization.jsonObject(
      with: Data(Files.read(ProjectFiles.path("Firmware/results.json"))))
    let boards = try #require((results as? [String: Any])?["boards"] as? [[String: Any]])
    let result = try #require(boards.first { $0["board"] as? String == board })
    let cycles = result["unitCycles"] as? [String: Double]
    #expect(cycles != nil || board == "microbit")
    let counts = try #require(cycles ?? result["unitInstructions"] as? [String: Double])
    let processor = try #require(try DeviceProfile.load(name).processor)
    for (unit, figure) in [
      ("convolution", processor.cyclesPerMAC.convolution),
      ("fullyConnected", processor.cyclesPerMAC.fullyConnected),
      ("output", processor.cyclesPerOutput), ("call", processor.cyclesPerCall),
      ("bin", processor.cyclesPerBin),
      ("detectorSample", processor.cyclesPerDetectorSample),
    ] {
      let count = try #require(counts[unit])
      let found = cycles == nil ? figure.estimate.low : figure.value
      #expect(abs(found / count - 1) < 0.05, "\(unit)")
      #expect(figure.source.contains("Firmware/RESULTS.md"))
    }
  }

  @Test func anythingButAnObjectIsRefused() {
    for text in ["", "[]", "3", "{", "{}", "\u{FEFF}"] {
      #expect(throws: FileError.self, "\(text)") {
        try DeviceProfile(Data(text.utf8), file: "mine.json")
      }
    }
  }
}

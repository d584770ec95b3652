import Foundation
import Support

extension DeviceProfile {
  private static let remedy = "compare `device-sim profiles --show pacemaker`"

  /// Reads a profile and checks every field.
  ///
  /// - Parameters:
  ///   - data: The JSON text.
  ///   - file: The file's name, for errors.
  /// - Throws: `FileError`, which names the field that is missing, unknown or impossible.
  package init(_ data: Data, file: String) throws(FileError) {
    self = try StrictJSON.decode(
      DeviceProfile.self, from: data, file: file, name: "profile", remedy: Self.remedy)
    try check(file)
  }

  private func check(_ file: String) throws(FileError) {
    guard !name.isEmpty, !name.contains(where: \.isNewline) else {
      throw .malformed(file, at: "name", "is not a line of text", remedy: "name the profile")
    }
    guard (8...16).contains(converterBits) else {
      throw .malformed(file, at: "converterBits", "not in 8 ... 16", remedy: "give the converter's bits")
    }
    guard (0.1...10_000).contains(converterRangeMillivolts) else {
      throw .malformed(
        file, at: "converterRangeMillivolts", "not in 0.1 ... 10,000", remedy: "give the range in mV")
    }
    guard (processor == nil) == (limits == nil) else {
      throw .malformed(
        file, "has a processor without limits or limits without a processor", remedy: Self.remedy)
    }
    if battery != nil, processor?.activeMicroampsPerMegahertz == nil {
      throw .malformed(
        file, at: "processor", "activeMicroampsPerMegahertz is missing, which a battery needs",
        remedy: Self.remedy)
    }
    for (place, figure, range) in figures {
      guard !figure.source.isEmpty else {
        throw .malformed(file, at: place + ".source", "is empty", remedy: "say where the figure is from")
      }
      let estimate = figure.estimate
      guard estimate.low <= estimate.value, estimate.value <= estimate.high else {
        throw .malformed(
          file, at: place, "is not in low <= value <= high", remedy: "put the three in order")
      }
      guard range.contains(estimate.low), range.contains(estimate.high) else {
        throw .malformed(
          file, at: place,
          "not in \(Estimate.significant(range.lowerBound)) ... \(Estimate.significant(range.upperBound))",
          remedy: "check its unit, which the name tells")
      }
    }
  }

  /// Every figure with its place in the file and what it may be.
  package var figures: [(place: String, figure: Figure, range: ClosedRange<Double>)] {
    var all: [(String, Figure?, ClosedRange<Double>)] = []
    if let processor {
      let kernels = processor.cyclesPerMAC
      all += [
        ("clockMegahertz", processor.clockMegahertz, 0.001...100_000),
        ("ramBytes", processor.ramBytes, 1...1e15), ("flashBytes", processor.flashBytes, 1...1e15),
        ("activeMicroampsPerMegahertz", processor.activeMicroampsPerMegahertz, 0.001...1e6),
        ("sleepMicroamps", processor.sleepMicroamps, 0...1e6),
        ("supplyVolts", processor.supplyVolts, 0.1...100),
        ("supplyEfficiency", processor.supplyEfficiency, 0.01...1),
        ("cyclesPerMAC.convolution", kernels.convolution, 0...100_000),
        ("cyclesPerMAC.depthwise", kernels.depthwise, 0...100_000),
        ("cyclesPerMAC.fullyConnected", kernels.fullyConnected, 0...100_000),
        ("cyclesPerOutput", processor.cyclesPerOutput, 0...100_000),
        ("cyclesPerElement", processor.cyclesPerElement, 0...100_000),
        ("cyclesPerCall", processor.cyclesPerCall, 0...1e6),
        ("cyclesPerSample", processor.cyclesPerSample, 0...1e6),
        ("cyclesPerDetectorSample", processor.cyclesPerDetectorSample, 0...1e6),
        ("cyclesPerTransformPoint", processor.cyclesPerTransformPoint, 0...100_000),
        ("cyclesPerWindowSample", processor.cyclesPerWindowSample, 0...100_000),
        ("cyclesPerBin", processor.cyclesPerBin, 0...1e6),
        ("cyclesPerInstruction", processor.cyclesPerInstruction, 0.01...1000),
        ("cyclesPerWake", processor.cyclesPerWake, 0...1e6),
      ].map { ("processor." + $0.0, $0.1, $0.2) }
    }
    if let battery {
      all += [
        ("battery.capacityAmpereHours", battery.capacityAmpereHours, 0.0001...100_000),
        ("battery.volts", battery.volts, 0.1...1000),
        ("battery.selfDischargePercentPerYear", battery.selfDischargePercentPerYear, 0...100),
        ("battery.baseMicroamps", battery.baseMicroamps, 0.0001...1e9),
      ]
    }
    if let limits {
      all += [
        ("limits.ramShare", limits.ramShare, 0.0001...1),
        ("limits.flashShare", limits.flashShare, 0.0001...1),
        ("limits.dutyCycle", limits.dutyCycle, 0.0001...1),
        ("limits.longevityLoss", limits.longevityLoss, 0.0001...0.99),
      ]
    }
    return all.compactMap { place, figure, range in figure.map { (place, $0, range) } }
  }
}

extension DeviceProfile {
  /// The profile in cells of a table: bits, range, step, clock, RAM, flash, current, battery, summary.
  package var summaryCells: [String] {
    func bytes(_ figure: Figure?) -> String {
      figure.flatMap { Int(exactly: $0.value.rounded()) }.map { Numbers.bytes($0) } ?? "-"
    }
    func text(_ figure: Figure?, _ unit: String) -> String {
      figure.map { Estimate.significant($0.value) + unit } ?? "-"
    }
    let years =
      JudgedDevice(self)?.longevity.map { ", \(Numbers.decimal($0.years.value, places: 1)) years" } ?? ""
    return [
      "\(converterBits)", Estimate.significant(converterRangeMillivolts),
      Estimate.significant(Double(converter.microvoltsPerCount)), text(processor?.clockMegahertz, " MHz"),
      bytes(processor?.ramBytes), bytes(processor?.flashBytes),
      text(processor?.activeMicroampsPerMegahertz, ""), text(battery?.capacityAmpereHours, " Ah") + years,
      summary,
    ]
  }
}

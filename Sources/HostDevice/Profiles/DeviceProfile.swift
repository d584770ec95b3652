import Foundation
import Support
import Tasks

/// A device: the converter that turns an electrode's voltage into counts, and where they are known its processor,
/// its battery and what of them a network may take.
///
/// Every figure names its source, and has a range where it is uncertain. A profile is a JSON file with these
/// properties as its keys; the built-in ones are files too (`Sources/HostDevice/Profiles`).
package struct DeviceProfile: Codable, Equatable, Sendable {
  /// A number, how sure it is, and where it is from.
  package struct Figure: Codable, Equatable, Sendable {
    /// The number.
    package var value: Double
    /// The least that it may be; nil for the number itself.
    package var low: Double?
    /// The most that it may be; nil for the number itself.
    package var high: Double?
    /// Where it is from.
    package var source: String

    /// Creates a figure.
    package init(_ value: Double, low: Double? = nil, high: Double? = nil, source: String) {
      (self.value, self.low, self.high, self.source) = (value, low, high, source)
    }

    /// The number and its range.
    package var estimate: Estimate { Estimate(low ?? value, value, high ?? value) }
  }

  /// Cycles a multiply-accumulate, by the kernel's class.
  package struct KernelCycles: Codable, Equatable, Sendable {
    /// Convolutions.
    package var convolution: Figure
    /// Depthwise convolutions.
    package var depthwise: Figure
    /// Fully connected operators, and all others with weights.
    package var fullyConnected: Figure
  }

  /// A core on which the runtime's code and stack were measured (Firmware/RESULTS.md).
  package enum Core: String, Codable, CaseIterable, Sendable {
    /// Without DSP instructions and long multiplications; the M0+ too.
    case cortexM0 = "cortex-m0"
    /// With them; the M33 too.
    case cortexM4 = "cortex-m4"

    /// Reads a core's name.
    ///
    /// - Throws: `DecodingError` where it is another.
    package init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      let name = try container.decode(String.self)
      guard let core = Core(rawValue: name) else {
        let known = Core.allCases.map(\.rawValue).joined(separator: " or ")
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "is not \(known), for which alone there are measurements")
      }
      self = core
    }
  }

  /// What runs the network.
  package struct Processor: Codable, Equatable, Sendable {
    /// The part.
    package var name: String
    /// Its core, by which code and stack are known; nil for any between the two.
    package var core: Core?
    /// Its clock.
    package var clockMegahertz: Figure
    /// Its working memory.
    package var ramBytes: Figure
    /// Its program memory.
    package var flashBytes: Figure
    /// Its current while it computes; nil where nobody asks.
    package var activeMicroampsPerMegahertz: Figure?
    /// Its current while it sleeps with its memory kept.
    package var sleepMicroamps: Figure?
    /// The voltage at which the currents hold; nil for the battery's.
    package var supplyVolts: Figure?
    /// The efficiency of the conversion from the battery's voltage; nil for 1.
    package var supplyEfficiency: Figure?
    /// Cycles a multiply-accumulate.
    package var cyclesPerMAC: KernelCycles
    /// Cycles an output of an operator with weights: bias, requantization, store.
    package var cyclesPerOutput: Figure
    /// Cycles an element that other operators read or write.
    package var cyclesPerElement: Figure
    /// Cycles a call of an operator.
    package var cyclesPerCall: Figure
    /// Cycles a sample: interrupt, wake-up, filter, ring.
    package var cyclesPerSample: Figure
    /// Cycles a sample of the beat detector.
    package var cyclesPerDetectorSample: Figure
    /// Cycles a point and stage of a fast transform, N log2 N of them: window and scaling included.
    package var cyclesPerTransformPoint: Figure
    /// Cycles a sample of the window of a direct transform: window, scaling, folding; nil for those of a fast one.
    package var cyclesPerWindowSample: Figure?
    /// Cycles a kept frequency bin: its sums of 32 samples where the transform is direct, magnitude, logarithm, code.
    package var cyclesPerBin: Figure
    /// Cycles an instruction where beats are a network's input; nil where their own, as counted on a Cortex-M4, serve.
    package var cyclesPerInstruction: Figure?
    /// Cycles of an interrupt and of waking up; nil for `usualCyclesPerWake`.
    package var cyclesPerWake: Figure?

    /// What waking up takes where the profile doesn't say.
    package static let usualCyclesPerWake = Figure(
      80, low: 30, high: 250, source: "own estimate, as in cyclesPerSample")
  }

  /// What the device lives on.
  package struct Battery: Codable, Equatable, Sendable {
    /// The usable charge.
    package var capacityAmpereHours: Figure
    /// The voltage.
    package var volts: Figure
    /// The loss that happens by itself, in percent of the capacity a year.
    package var selfDischargePercentPerYear: Figure
    /// What the device draws without the network, its sleeping processor included.
    package var baseMicroamps: Figure
  }

  /// What the network may take.
  package struct Limits: Codable, Equatable, Sendable {
    /// Of the working memory, as a fraction.
    package var ramShare: Figure
    /// Of the program memory, as a fraction.
    package var flashShare: Figure
    /// Of the processor's time, as a fraction.
    package var dutyCycle: Figure
    /// Of the time that the battery lasts without the network, as a fraction below 1.
    package var longevityLoss: Figure
  }

  /// The profile's name.
  package var name: String
  /// What it stands for, in a sentence.
  package var summary: String
  /// The converter's resolution, in 8...16 bits.
  package var converterBits: Int
  /// The converter's range from its least to its greatest code, in millivolts at the electrode; 0 mV is its
  /// middle.
  package var converterRangeMillivolts: Double
  /// The processor; nil where only the signal path matters.
  package var processor: Processor?
  /// The battery; nil for a device on the mains.
  package var battery: Battery?
  /// What the network may take; given where there is a processor.
  package var limits: Limits?

  /// Creates a profile of a signal path.
  package init(name: String, summary: String, converterBits: Int, converterRangeMillivolts: Double) {
    (self.name, self.summary) = (name, summary)
    (self.converterBits, self.converterRangeMillivolts) = (converterBits, converterRangeMillivolts)
  }

  /// A 12-bit converter over +-5 mV, MIT-BIH's range at the resolution of current implants' converters, with a
  /// Cortex-M4 and a pacemaker's battery.
  package static var reference: DeviceProfile { builtIn[0] }

  /// The profiles that can be named.
  package static let builtIn: [DeviceProfile] = builtInFiles.map { file in
    do throws(FileError) {
      return try DeviceProfile(file, file: "built-in profile")
    } catch {
      preconditionFailure("\(error)")
    }
  }

  private static let builtInFiles: [Data] = [
    PackageResources.reference_json, PackageResources.pacemaker_json, PackageResources.crt_d_json,
    PackageResources.leadless_json, PackageResources.stm32u385_json, PackageResources.nrf54l15_json,
    PackageResources.programmer_json,
  ].map { Data($0) }

  /// The converter.
  package var converter: AnalogConverter {
    AnalogConverter(bits: converterBits, rangeMillivolts: converterRangeMillivolts)
  }

  /// A built-in profile by its name, or one from a JSON file.
  ///
  /// - Throws: `FileError` where there is neither, or the file's values are impossible.
  package static func load(_ nameOrFile: String) throws(FileError) -> DeviceProfile {
    if let profile = builtIn.first(where: { $0.name == nameOrFile }) { return profile }
    return try DeviceProfile(text(of: nameOrFile), file: nameOrFile)
  }

  /// A profile's file as it stands, to read and to copy.
  ///
  /// - Throws: `FileError` where there is no such profile.
  package static func text(of nameOrFile: String) throws(FileError) -> Data {
    if let index = builtIn.firstIndex(where: { $0.name == nameOrFile }) { return builtInFiles[index] }
    guard FileManager.default.fileExists(atPath: nameOrFile) else {
      let names = builtIn.map(\.name).joined(separator: ", ")
      throw .missing(nameOrFile, "no such profile", remedy: "name a JSON file or one of: \(names)")
    }
    return try Files.read(nameOrFile)
  }
}

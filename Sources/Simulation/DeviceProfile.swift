import Foundation
import Quantization
import Support

/// A device as far as its signal path goes: the converter that turns an electrode's voltage into counts.
public struct DeviceProfile: Codable, Equatable, Sendable {
  /// The profile's name.
  public var name: String
  /// What it stands for, in a sentence.
  public var summary: String
  /// The converter's resolution, in 8...16 bits.
  public var converterBits: Int
  /// The converter's range from its least to its greatest code, in millivolts at the electrode; 0 mV is its
  /// middle.
  public var converterRangeMillivolts: Double

  /// Creates a profile.
  public init(name: String, summary: String, converterBits: Int, converterRangeMillivolts: Double) {
    (self.name, self.summary) = (name, summary)
    (self.converterBits, self.converterRangeMillivolts) = (converterBits, converterRangeMillivolts)
  }

  /// A 12-bit converter over +-5 mV: MIT-BIH's range at the resolution of current implants' converters.
  public static let reference = DeviceProfile(
    name: "reference", summary: "12-bit converter over +-5 mV at the electrode",
    converterBits: 12, converterRangeMillivolts: 10)

  /// The profiles that can be named.
  public static let builtIn = [reference]

  /// The converter.
  public var converter: AnalogConverter {
    AnalogConverter(bits: converterBits, rangeMillivolts: converterRangeMillivolts)
  }

  /// A built-in profile by its name, or one from a JSON file.
  ///
  /// - Throws: `FileError` where there is neither, or the file's values are impossible.
  public static func load(_ nameOrFile: String) throws(FileError) -> DeviceProfile {
    if let profile = builtIn.first(where: { $0.name == nameOrFile }) { return profile }
    guard FileManager.default.fileExists(atPath: nameOrFile) else {
      let names = builtIn.map(\.name).joined(separator: ", ")
      throw .missing(nameOrFile, "no such profile", remedy: "name a JSON file or one of: \(names)")
    }
    let data = try Files.read(nameOrFile)
    let profile: DeviceProfile
    do {
      profile = try JSONDecoder().decode(DeviceProfile.self, from: data)
    } catch {
      throw .malformed(
        nameOrFile, "is no device profile",
        remedy: "give name, summary, converterBits and converterRangeMillivolts as JSON")
    }
    guard (8...16).contains(profile.converterBits) else {
      throw .malformed(
        nameOrFile, at: "converterBits", "not in 8 ... 16", remedy: "give the converter's bits")
    }
    guard (0.1...10_000).contains(profile.converterRangeMillivolts) else {
      throw .malformed(
        nameOrFile, at: "converterRangeMillivolts", "not in 0.1 ... 10,000", remedy: "give the range in mV")
    }
    return profile
  }
}

import ECG
import Support

/// What a device's converter makes of a record's lead: counts at the model's rate.
public struct Acquisition: Sendable {
  /// The record's name.
  public let recordName: String
  /// The lead's name.
  public let leadName: String
  /// The record's own rate.
  public let sourceRateHz: Double
  /// The rate of the counts.
  public let sampleRateHz: Double
  /// The converter.
  public let profile: DeviceProfile
  /// The counts.
  public let samples: [Int16]
  /// The samples that lay beyond the converter's range.
  public let saturatedCount: Int
  /// The record's samples that were marked invalid and stand at the last valid value.
  public let invalidCount: Int

  /// The recording's length.
  public var durationSeconds: Double { Double(samples.count) / sampleRateHz }

  /// Resamples a lead to the device's rate and converts it.
  ///
  /// - Parameters:
  ///   - record: The record.
  ///   - lead: The lead's name; nil takes MLII or II where there is one, else the first lead.
  ///   - sampleRateHz: The model's rate.
  ///   - profile: The converter.
  ///   - file: The record's file, for errors.
  /// - Throws: `FileError` where the lead is not there or empty, or its unit or rate can't be used.
  public init(
    _ record: Record, lead: String?, sampleRateHz: Double, profile: DeviceProfile, file: String
  ) throws(FileError) {
    let names = record.signals.map(\.name)
    let wanted = lead ?? ["MLII", "II", "ii"].first { names.contains($0) } ?? names.first ?? ""
    let signal: Signal
    let microvolts: [Float]
    do throws(FileError) {
      signal = try record.signal(named: wanted)
      microvolts = try signal.millivolts(atRateHz: sampleRateHz).map { $0 * 1000 }
    } catch {
      var error = error
      error.file = file
      throw error
    }
    guard signal.invalidSampleCount < signal.samples.count else {
      throw .malformed(file, "has no valid sample in lead \(signal.name)", remedy: "choose another lead")
    }
    let converter = profile.converter
    samples = microvolts.map(converter.count)
    saturatedCount = microvolts.count(where: converter.saturates)
    invalidCount = signal.invalidSampleCount
    recordName = record.name
    leadName = signal.name
    sourceRateHz = signal.sampleRateHz
    self.sampleRateHz = sampleRateHz
    self.profile = profile
  }
}

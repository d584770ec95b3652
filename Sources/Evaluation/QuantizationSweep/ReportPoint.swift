import Foundation
import ModelFiles
import Networks
import Quantization
import Support
import Tasks

/// A point of a sweep: everything that makes an image, and the signal that it hears.
package struct ReportPoint: Codable, Equatable, Sendable {
  /// A name that tells it from the others.
  package var name: String
  /// What the point varies, for the tables: `weights`, say.
  package var group = "own"
  /// Whether the checkpoint is the one that was trained with quantization in the loop.
  package var isQAT = false
  /// How the network becomes integers.
  package var quantization = QuantizationOptions()
  /// The number of calibration windows.
  package var calibrationWindows = 1024
  /// The front end.
  package var frontEnd = FrontEndVariant()
  /// Another shape of the spectrogram, for which a network is trained anew; nil for the checkpoint's own.
  package var shape: SpectrogramShape?

  /// A point with all settings as `exporter quantize` has them.
  package init(_ name: String, group: String = "own") { (self.name, self.group) = (name, group) }

  /// Refuses a network that hasn't what the point changes: windows by the clock have one grid of columns, raw samples no
  /// spectrogram.
  ///
  /// - Throws: `FileError`, which names the point.
  func requireFit(_ checkpoint: Checkpoint, file: String) throws(FileError) {
    guard !fits(checkpoint) else { return }
    throw .malformed(
      file, at: name,
      "changes the spectrogram's shape or rate, which a task by the clock or raw samples don't have",
      remedy: "leave this point out of the sweep")
  }

  /// Whether it has.
  package func fits(_ checkpoint: Checkpoint) -> Bool {
    if checkpoint.ownTask?.isByClock == true,
      shape != nil || frontEnd.rateFactor != 1 || frontEnd.recordRateHz != nil
    {
      return false
    }
    let isPlain =
      frontEnd.scaling == .blockFloatingPoint && frontEnd.window == .hann && frontEnd.codesPerOctave == nil
    return !checkpoint.settings.isRawSamples || (isPlain && shape == nil && frontEnd.rateFactor == 1)
  }

  /// The checkpoint that the point is made from, as a key.
  var sourceKey: SourceKey { SourceKey(isQAT: isQAT, shape: shape) }
}

/// A front end's departures from what the network was trained with; none of them changes the spectrogram's shape.
package struct FrontEndVariant: Codable, Hashable, Sendable {
  /// The converter's bits.
  package var converterBits = 12
  /// Its range.
  package var converterRangeMillivolts = 10.0
  /// The amplifier's gain error.
  package var gainErrorPercent = 0.0
  /// By how much the signal is weaker than recorded.
  package var attenuationDecibels = 0.0
  /// How the transform keeps its numbers in 16 bits.
  package var scaling = TransformScaling.blockFloatingPoint
  /// The device's window.
  package var window = WindowFunction.hann
  /// The codes an octave; nil for the checkpoint's.
  package var codesPerOctave: Double?
  /// The device's rate over the checkpoint's: 1, 2 or 4.
  ///
  /// Window and hop have as many more samples.
  package var rateFactor = 1
  /// The rate to which the record is brought before it reaches the device; nil for its own.
  package var recordRateHz: Double?

  /// The front end that `exporter quantize` makes.
  package init() {}

  /// The converter.
  var converter: AnalogConverter {
    AnalogConverter(bits: converterBits, rangeMillivolts: converterRangeMillivolts)
  }

  /// The gain from the record to the converter.
  var gain: Float { Float((1 + gainErrorPercent / 100) * pow(10, -attenuationDecibels / 20)) }

  /// The settings of the device's spectrogram for a network that was trained on others.
  ///
  /// With fewer codes an octave, a code is more of the network's unit, so that the same level means the same.
  func settings(_ trained: SpectrogramSettings) -> SpectrogramSettings {
    var settings = trained
    settings.sampleRateHz *= Double(rateFactor)
    settings.windowSamples *= rateFactor
    settings.hopSamples *= rateFactor
    settings.highPassShift += rateFactor.trailingZeroBitCount
    if let codesPerOctave {
      let factor = codesPerOctave / trained.codesPerOctave
      settings.codesPerOctave = codesPerOctave
      settings.centerLevel *= factor
      settings.levelsPerUnit *= factor
    }
    return settings
  }

  /// The constants of the device's front end for a network.
  func tables(
    _ trained: SpectrogramSettings, for network: QuantizedNetwork
  ) throws(InvalidNetwork) -> FrontEndTables {
    guard !trained.isRawSamples else {
      return try FrontEndTables(
        settings(trained), microvoltsPerCount: converter.microvoltsPerCount,
        input: network.tensors[network.inputs[0].tensor])
    }
    return try FrontEndTables(
      settings(trained), microvoltsPerCount: converter.microvoltsPerCount, window: window,
      fixedScalingBits: scaling == .fixed ? converterBits : nil)
  }
}

/// A spectrogram's shape: columns follow from the window's length in seconds, bins from the band in hertz.
package struct SpectrogramShape: Codable, Hashable, Sendable {
  /// The transform's length.
  package var windowSamples: Int
  /// The distance between columns.
  package var hopSamples: Int

  /// Creates a shape.
  package init(windowSamples: Int, hopSamples: Int) {
    (self.windowSamples, self.hopSamples) = (windowSamples, hopSamples)
  }

  /// A checkpoint's settings in this shape: the same band and the same stretch of time.
  func settings(_ trained: SpectrogramSettings) -> SpectrogramSettings {
    var settings = trained
    settings.windowSamples = windowSamples
    settings.hopSamples = hopSamples
    settings.firstBin = max(1, trained.firstBin * windowSamples / trained.windowSamples)
    settings.binCount = max(
      1,
      min(trained.binCount * windowSamples / trained.windowSamples, windowSamples / 2 + 1 - settings.firstBin)
    )
    return settings
  }

  /// A checkpoint's network for this shape.
  func specification(
    _ trained: NetworkSpecification, _ settings: SpectrogramSettings
  ) -> NetworkSpecification {
    var specification = trained
    let samples = settings.lastSample(ofColumn: trained.inputColumns - 1) + 1
    specification.inputColumns = self.settings(settings).columnCount(sampleCount: samples)
    specification.inputChannels = self.settings(settings).columnCodeCount
    return specification
  }
}

/// Which front end of which checkpoint figures are about.
struct FrontEndKey: Encodable {
  var source: SourceKey
  var variant: FrontEndVariant
}

/// Which checkpoint a point is made from.
struct SourceKey: Hashable, Codable, Sendable {
  var isQAT: Bool
  var shape: SpectrogramShape?

  /// The name in the report.
  var name: String {
    (isQAT ? "qat" : "float") + (shape.map { "-\($0.windowSamples)-\($0.hopSamples)" } ?? "")
  }
}

extension ReportPoint {
  /// Reads a sweep's file: a list of objects, each a point; what one leaves out is as `exporter quantize` has it.
  ///
  /// - Throws: `FileError`, which names the point and the key.
  package static func read(_ file: String) throws(FileError) -> [ReportPoint] {
    var points: [ReportPoint] = []
    for var fields in try JSONFields.list(
      reading: file, of: "point", remedy: "see docs/guides/Quantization.md for a sweep's keys")
    {
      points.append(try ReportPoint(&fields, number: points.count + 1))
      try fields.finish()
    }
    let names = points.map(\.name)
    guard Set(names).count == names.count else {
      throw .malformed(file, "gives two points one name", remedy: "name each point once")
    }
    return points
  }

  private init(_ fields: inout JSONFields, number: Int) throws(FileError) {
    self.init(try fields.optionalText("name") ?? "point \(number)")
    group = try fields.optionalText("group") ?? group
    isQAT = try fields.optionalFlag("qat") ?? isQAT
    try quantization.take(&fields)
    calibrationWindows =
      try fields.optionalInteger("calibrationWindows", in: 1...16_384) ?? calibrationWindows
    try frontEnd.take(&fields)
    let hop = try fields.optionalInteger("hopSamples", in: 1...512)
    if let windowSamples = try fields.optionalInteger("windowSamples", in: 16...512) {
      guard windowSamples.nonzeroBitCount == 1, hop ?? 8 <= windowSamples else {
        throw fields.error("windowSamples", "is no power of two, or less than the hop")
      }
      shape = SpectrogramShape(windowSamples: windowSamples, hopSamples: hop ?? 8)
    } else if hop != nil {
      throw fields.error("hopSamples", "stands without windowSamples")
    }
  }
}

extension QuantizationOptions {
  /// Takes what a sweep's file gives of a point's quantization.
  fileprivate mutating func take(_ fields: inout JSONFields) throws(FileError) {
    weightBits = try fields.optionalIntegers("weightBits", of: [4, 8]) ?? weightBits
    activationBits = try fields.optionalIntegers("activationBits", of: [8, 16]) ?? activationBits
    granularity = try fields.optionalChoice("granularity", of: Granularity.self) ?? granularity
    calibration = try fields.optionalChoice("calibration", of: CalibrationMethod.self) ?? calibration
    rounding = try fields.optionalChoice("rounding", of: WeightRounding.self) ?? rounding
    equalizesLayers = try fields.optionalFlag("equalizesLayers") ?? false
    correctsBiases = try fields.optionalFlag("correctsBiases") ?? false
  }
}

extension FrontEndVariant {
  /// Takes what a sweep's file gives of a point's front end.
  fileprivate mutating func take(_ fields: inout JSONFields) throws(FileError) {
    converterBits = try fields.optionalInteger("adcBits", in: 8...16) ?? converterBits
    converterRangeMillivolts =
      try fields.optionalNumber("adcRangeMillivolts", in: 0.1...1000) ?? converterRangeMillivolts
    gainErrorPercent = try fields.optionalNumber("gainErrorPercent", in: -99...900) ?? 0
    attenuationDecibels = try fields.optionalNumber("attenuationDecibels", in: -40...80) ?? 0
    scaling = try fields.optionalChoice("scaling", of: TransformScaling.self) ?? scaling
    window = try fields.optionalChoice("window", of: WindowFunction.self) ?? window
    codesPerOctave = try fields.optionalNumber("codesPerOctave", in: 1...64)
    rateFactor = try fields.optionalInteger("rateFactor", in: 1...4) ?? 1
    guard rateFactor != 3 else {
      throw fields.error("rateFactor", "is not 1, 2 or 4", remedy: "give one of these")
    }
    recordRateHz = try fields.optionalNumber("recordRateHz", in: 20...10_000)
  }
}

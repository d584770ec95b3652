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

  /// The constants of the device's front end.
  func tables(_ trained: SpectrogramSettings) throws(InvalidNetwork) -> FrontEndTables {
    try FrontEndTables(
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
    specification.inputChannels = self.settings(settings).binCount
    return specification
  }
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
  /// The keys that a sweep's file may give a point.
  private static let keys: Set<String> = [
    "name", "group", "qat", "weightBits", "activationBits", "granularity", "calibration",
    "calibrationWindows",
    "rounding", "equalizesLayers", "correctsBiases", "adcBits", "adcRangeMillivolts", "gainErrorPercent",
    "attenuationDecibels", "scaling", "window", "codesPerOctave", "rateFactor", "recordRateHz",
    "windowSamples",
    "hopSamples",
  ]

  /// Reads a sweep's file: a list of objects, each a point; what one leaves out is as `exporter quantize` has it.
  ///
  /// - Throws: `FileError`, which names the point and the key.
  package static func read(_ file: String) throws(FileError) -> [ReportPoint] {
    let remedy = "see docs/Quantization.md for a sweep's keys"
    let given = try? JSONSerialization.jsonObject(with: try Files.read(file))
    guard let objects = given as? [[String: Any]], !objects.isEmpty else {
      throw .malformed(file, "is not a JSON list of objects", remedy: remedy)
    }
    var points: [ReportPoint] = []
    for (index, object) in objects.enumerated() {
      let place = "point \(index + 1)"
      if let unknown = object.keys.filter({ !keys.contains($0) }).min() {
        throw .malformed(file, at: place, "has the unknown key \"\(unknown.onOneLine)\"", remedy: remedy)
      }
      do {
        points.append(try ReportPoint(object, index: index))
      } catch {
        throw .malformed(file, at: place, error.text, remedy: remedy)
      }
    }
    let names = points.map(\.name)
    guard Set(names).count == names.count else {
      throw .malformed(file, "gives two points one name", remedy: "name each point once")
    }
    return points
  }

  private struct Problem: Error { var text: String }

  private init(_ object: [String: Any], index: Int) throws(Problem) {
    func number(_ key: String, _ range: ClosedRange<Double>) throws(Problem) -> Double? {
      guard let value = object[key] else { return nil }
      guard let number = value as? NSNumber, range.contains(number.doubleValue) else {
        throw Problem(text: "has \"\(key)\" not in \(range.lowerBound) ... \(range.upperBound)")
      }
      return number.doubleValue
    }
    func integer(_ key: String, _ range: ClosedRange<Int>) throws(Problem) -> Int? {
      guard let value = try number(key, Double(range.lowerBound)...Double(range.upperBound)) else {
        return nil
      }
      guard let whole = Int(exactly: value) else { throw Problem(text: "has \"\(key)\" not whole") }
      return whole
    }
    func choice<Choice: RawRepresentable & CaseIterable>(
      _ key: String, _ type: Choice.Type
    ) throws(Problem) -> Choice? where Choice.RawValue == String {
      guard let value = object[key] else { return nil }
      guard let text = value as? String, let choice = Choice(rawValue: text) else {
        let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        throw Problem(text: "has \"\(key)\" not one of \(all)")
      }
      return choice
    }
    func bits(_ key: String, _ allowed: [Int]) throws(Problem) -> [Int]? {
      guard let value = object[key] else { return nil }
      let list = value as? [Int] ?? (value as? Int).map { [$0] } ?? []
      guard !list.isEmpty, list.allSatisfy(allowed.contains) else {
        throw Problem(text: "has \"\(key)\" not \(allowed[0]) or \(allowed[1]), or a list of these")
      }
      return list
    }
    func flag(_ key: String) throws(Problem) -> Bool? {
      guard let value = object[key] else { return nil }
      guard let flag = value as? Bool else { throw Problem(text: "has \"\(key)\" not true or false") }
      return flag
    }
    if let name = object["name"], !(name is String) { throw Problem(text: "has a \"name\" that is no text") }
    self.init((object["name"] as? String)?.onOneLine ?? "point \(index + 1)")
    group = (object["group"] as? String)?.onOneLine ?? group
    isQAT = try flag("qat") ?? isQAT
    quantization.weightBits = try bits("weightBits", [4, 8]) ?? quantization.weightBits
    quantization.activationBits = try bits("activationBits", [8, 16]) ?? quantization.activationBits
    quantization.granularity =
      try choice("granularity", QuantizationOptions.Granularity.self) ?? quantization.granularity
    quantization.calibration = try choice("calibration", CalibrationMethod.self) ?? quantization.calibration
    quantization.rounding = try choice("rounding", WeightRounding.self) ?? quantization.rounding
    quantization.equalizesLayers = try flag("equalizesLayers") ?? false
    quantization.correctsBiases = try flag("correctsBiases") ?? false
    calibrationWindows = try integer("calibrationWindows", 1...16_384) ?? calibrationWindows
    frontEnd.converterBits = try integer("adcBits", 8...16) ?? frontEnd.converterBits
    frontEnd.converterRangeMillivolts =
      try number("adcRangeMillivolts", 0.1...1000) ?? frontEnd.converterRangeMillivolts
    frontEnd.gainErrorPercent = try number("gainErrorPercent", -99...900) ?? 0
    frontEnd.attenuationDecibels = try number("attenuationDecibels", -40...80) ?? 0
    frontEnd.scaling = try choice("scaling", TransformScaling.self) ?? frontEnd.scaling
    frontEnd.window = try choice("window", WindowFunction.self) ?? frontEnd.window
    frontEnd.codesPerOctave = try number("codesPerOctave", 1...64)
    frontEnd.rateFactor = try integer("rateFactor", 1...4) ?? 1
    guard frontEnd.rateFactor != 3 else { throw Problem(text: "has a \"rateFactor\" not 1, 2 or 4") }
    frontEnd.recordRateHz = try number("recordRateHz", 20...10_000)
    if let windowSamples = try integer("windowSamples", 16...512) {
      let hop = try integer("hopSamples", 1...512) ?? 8
      guard windowSamples.nonzeroBitCount == 1, hop <= windowSamples else {
        throw Problem(text: "has a window that is no power of two, or a hop beyond it")
      }
      shape = SpectrogramShape(windowSamples: windowSamples, hopSamples: hop)
    } else if object["hopSamples"] != nil {
      throw Problem(text: "has \"hopSamples\" without \"windowSamples\"")
    }
  }
}

import Foundation
import Networks
import Tasks

/// How the fixed-point transform keeps its numbers in 16 bits.
package enum TransformScaling: String, CaseIterable, Codable, Sendable {
  /// As far down as each block of samples needs: a quiet signal keeps the resolution of a loud one.
  case blockFloatingPoint
  /// Always as far down as a signal of full scale needs.
  case fixed
}

/// How the device computes a window's Fourier transform.
package enum TransformMethod: Sendable {
  /// By the sums of its definition, folded: of 32 or 64 samples.
  case direct
  /// In stages.
  case fast

  /// The one that takes fewer instructions; the tables of a direct one grow with the square of the window.
  package static func usual(windowSamples: Int) -> Self {
    windowSamples == 32 || windowSamples == 64 ? .direct : .fast
  }
}

/// What a column's samples are weighted by on the device.
package enum WindowFunction: String, CaseIterable, Codable, Sendable {
  /// What `SpectrogramSettings` defines.
  case hann
  /// 0.54 - 0.46 cos.
  case hamming
  /// No weighting.
  case rectangular

  /// The weight of sample `index` of `count`.
  package func weight(_ index: Int, of count: Int) -> Double {
    let cosine = cos(2 * Double.pi * Double(index) / Double(count))
    return switch self {
    case .hann: 0.5 - 0.5 * cosine
    case .hamming: 0.54 - 0.46 * cosine
    case .rectangular: 1
    }
  }
}

/// The fixed-point spectrogram's constants for given settings and a given converter.
package struct SpectrogramTables: Equatable, Sendable {
  /// The settings that they implement.
  package let settings: SpectrogramSettings
  /// The microvolts that one count of the converter stands for.
  package let microvoltsPerCount: Float
  /// The Hann window.
  let windowQ31: [Int32]
  /// How the transform is computed.
  package let method: TransformMethod
  /// The transform's constants: `ModelFormat.FrontEnd.twiddles`.
  let twiddles: [Int16]
  /// The floor's power in squared counts of the unscaled transform: mantissa * 2^exponent.
  let floorMantissa: UInt32
  let floorExponent: Int32
  let floorLog2Q16: Int32
  let minimumExponent: Int32
  let codesPerPowerDoublingQ6: Int

  /// Computes the tables.
  ///
  /// - Parameters:
  ///   - settings: What is to be computed.
  ///   - microvoltsPerCount: The converter's step.
  ///   - function: The window, where the device is to have another one than the settings.
  ///   - fixedScalingBits: The converter's bits for a transform with fixed scaling; nil for block floating point.
  ///   - method: How the transform is computed; nil for the usual one of this window.
  /// - Throws: `InvalidNetwork` where the fixed-point front end can't hold the settings.
  package init(
    _ settings: SpectrogramSettings, microvoltsPerCount: Float, window function: WindowFunction = .hann,
    fixedScalingBits: Int? = nil, method: TransformMethod? = nil
  ) throws(InvalidNetwork) {
    let size = settings.windowSamples
    guard (16...512).contains(size), size & (size - 1) == 0, (1...size).contains(settings.hopSamples),
      settings.firstBin >= 0, settings.binCount > 0, settings.firstBin + settings.binCount <= size / 2 + 1,
      (1...12).contains(settings.highPassShift), settings.sampleRateHz > 0, settings.sampleRateHz <= 1e6,
      settings.floorMicrovolts > 0, microvoltsPerCount > 0, microvoltsPerCount.isFinite
    else { throw InvalidNetwork("the fixed-point front end can't hold these spectrogram settings") }
    let codesQ6 = (settings.codesPerOctave / 2 * 64).rounded()
    guard (1...4096).contains(codesQ6) else {
      throw InvalidNetwork("\(settings.codesPerOctave) codes an octave are out of range: 1/32 ... 128")
    }
    self.settings = settings
    self.microvoltsPerCount = microvoltsPerCount
    codesPerPowerDoublingQ6 = Int(codesQ6)
    let method = method ?? .usual(windowSamples: size)
    self.method = method
    let window = (0..<size).map { function.weight($0, of: size) }
    windowQ31 = window.map { Int32(min($0 * 0x1p31, 0x1p31 - 1).rounded(.down)) }
    twiddles =
      switch method {
      case .direct: Self.factors(settings)
      case .fast: Self.rotations(windowSamples: size)
      }

    // An amplitude A on a bin gives |X| = A sum(w) / 2.
    let floorCounts = settings.floorMicrovolts / Double(microvoltsPerCount) * window.reduce(0, +) / 2
    let floorPower = floorCounts * floorCounts
    let exponent = Int32(floorPower.exponent) - 31
    guard (-64...32).contains(exponent) else {
      throw InvalidNetwork("a floor of \(settings.floorMicrovolts) uV is out of range for this converter")
    }
    floorExponent = exponent
    floorMantissa = UInt32(floorPower.significand * 0x1p31)
    floorLog2Q16 = Int32((log2(floorPower) * 65_536).rounded())
    // 2 * minimumExponent - floorExponent >= 1, so that the floor brought to any exponent fits 31 bits.
    // Fixed scaling takes from a full-scale signal's samples at once what log2(size) stages could need, and so from all.
    let growth = Int32(size.trailingZeroBitCount - (method == .direct ? 16 : 15))
    let fixed = fixedScalingBits.map { Int32($0) + growth }
    minimumExponent = max(-11, (exponent + 2) >> 1, fixed ?? -11)
    guard minimumExponent <= 16 else {
      throw InvalidNetwork("a floor of \(settings.floorMicrovolts) uV is out of range for this converter")
    }
  }

  /// Cosine and sine in Q14 of `2 pi k / windowSamples`, k below half the window.
  private static func rotations(windowSamples: Int) -> [Int16] {
    (0..<windowSamples / 2).flatMap { index in
      let angle = 2 * Double.pi * Double(index) / Double(windowSamples)
      return [cos(angle), sin(angle)].map { Int16(($0 * 16_384).rounded()) }
    }
  }

  /// For each bin the cosines, then the sines, of `-2 pi bin (m + 1/2) / windowSamples`, m below a fourth of the window.
  private static func factors(_ settings: SpectrogramSettings) -> [Int16] {
    let size = settings.windowSamples
    let one = Double(1 << (18 - size.trailingZeroBitCount))
    return (settings.firstBin..<settings.firstBin + settings.binCount).flatMap { bin -> [Int16] in
      let angles = (0..<size / 4).map { -2 * Double.pi * Double(bin) * (Double($0) + 0.5) / Double(size) }
      let rows: [Double] = angles.map { cos($0) } + angles.map { sin($0) }
      return rows.map { Int16(($0 * one).rounded()) }
    }
  }
}

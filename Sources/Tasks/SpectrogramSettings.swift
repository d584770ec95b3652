import ECG
import Foundation

/// How an ECG becomes the network's image: one column of log magnitudes every hop.
///
/// Sample by sample, at `sampleRateHz`:
///
/// 1. high-pass: `y[n] = x[n] - x[n-1] + (1 - 2^-highPassShift) y[n-1]`, starting from `y = 0` and
///    `x[-1] = x[0]`;
/// 2. column `k` covers the samples `k * hopSamples ..< k * hopSamples + windowSamples`, weighted by the
///    periodic Hann window `w[n] = 0.5 - 0.5 cos(2 pi n / windowSamples)`;
/// 3. its amplitude at bin `b` is `A = 2 |X[b]| / sum(w)`, in microvolts: a sine of amplitude `A` on the bin
///    reads `A`;
/// 4. its level is `codesPerOctave * log2(sqrt(A^2 + floor^2) / floor)`, limited to 0 ... 255;
/// 5. its int8 code is the rounded level minus 128; the float network's input is
///    `(level - centerLevel) / levelsPerUnit`.
///
/// The settings' default is the front end of this project's ECG models; every value is this project's own
/// choice, as arXiv:2306.01210 (abstract) states none.
package struct SpectrogramSettings: Codable, Equatable, Sendable {
  /// The rate of the samples, in hertz.
  package var sampleRateHz: Double = 128
  /// The transform's length, in samples: a power of two in `16...512`.
  package var windowSamples: Int = 32
  /// The distance between columns, in samples.
  package var hopSamples: Int = 8
  /// The first frequency bin kept; bin `b` lies at `b * sampleRateHz / windowSamples` hertz.
  package var firstBin: Int = 1
  /// The number of bins kept: the image's frequency channels.
  package var binCount: Int = 12
  /// The high-pass filter's corner is at `sampleRateHz / (2 pi 2^highPassShift)` hertz.
  package var highPassShift: Int = 5
  /// The amplitude whose level is 12 of 24 codes (half an octave): smaller ones fade into level 0.
  package var floorMicrovolts: Double = 5
  /// The number of codes for a doubling of the amplitude.
  package var codesPerOctave: Double = 24
  /// The level that is the network's 0.
  package var centerLevel: Double = 68
  /// The number of levels in the network's 1.
  package var levelsPerUnit: Double = 64
  /// The corner of the electrode's coupling in front of it all, in hertz; 0 for none, and nil for what a record needs:
  /// see `Coupling`.
  package var couplingHz: Double?
  /// The leads that are sampled together, where there are several: a column holds, bin by bin, the value of each.
  package var leads: Int?
  /// What a beat becomes, where beats are the input instead of columns; nil otherwise.
  package var beats: BeatSettings?

  /// The front end of this project's ECG models.
  package init() {}

  /// What of an electrode's offset comes to the front end.
  package var coupling: Coupling { Coupling(setting: couplingHz) }

  /// Whether a setting of the coupling is possible.
  package static func isCoupling(_ hertz: Double) -> Bool {
    hertz == 0 || Coupling.hertzRange.contains(hertz)
  }

  /// Raw samples instead of a spectrum: a column is a sample after the filter, and its level is its microvolts.
  ///
  /// The network's input is a sample over `microvoltsPerUnit`, limited to `rawUnits`: beyond it saturates.
  ///
  /// - Parameters:
  ///   - rate: The rate of the samples, in hertz.
  ///   - shift: The high-pass filter's shift; 0 for no filter.
  ///   - microvoltsPerUnit: The microvolts that are 1 to the network.
  ///   - leads: The leads, where there are several.
  package init(
    rawSamplesOfRateHz rate: Double, highPassShift shift: Int, microvoltsPerUnit: Double = 500,
    leads: Int? = nil
  ) {
    (sampleRateHz, highPassShift, self.leads) = (rate, shift, leads)
    (windowSamples, hopSamples, firstBin, binCount) = (1, 1, 0, 1)
    (centerLevel, levelsPerUnit) = (0, microvoltsPerUnit)
  }

  /// The number of leads.
  package var leadCount: Int { leads ?? 1 }
  /// The leads that a front end takes at most.
  package static let greatestLeadCount = 4
  /// The values of a column, `[bin, lead]`.
  package var columnCodeCount: Int { binCount * leadCount }

  /// Whether a column is a raw sample rather than a spectrum.
  package var isRawSamples: Bool { windowSamples == 1 && beats == nil }

  /// What a network of raw samples sees, in its units: 256 codes of a 32nd of a unit.
  package static let rawUnits: ClosedRange<Double> = -4...3.968_75
  /// The int8 codes of a unit of raw samples.
  package static let rawCodesPerUnit = 32.0

  /// The code of level 0.
  package static let zeroLevelCode = -128

  /// The number of columns that are complete after `sampleCount` samples.
  package func columnCount(sampleCount: Int) -> Int {
    sampleCount < windowSamples ? 0 : (sampleCount - windowSamples) / hopSamples + 1
  }

  /// The index of a column's last sample: it is complete once that sample is there.
  package func lastSample(ofColumn column: Int) -> Int {
    column * hopSamples + windowSamples - 1
  }

  /// The first column that is complete when `sample` is there.
  package func firstColumn(reaching sample: Int) -> Int {
    max(0, (sample - windowSamples + 1 + hopSamples - 1) / hopSamples)
  }

  /// The network's input for a level.
  package func networkInput(ofLevel level: Float) -> Float {
    (level - Float(centerLevel)) / Float(levelsPerUnit)
  }

  /// The same in double precision.
  package func networkInput(ofLevel level: Double) -> Double {
    (level - centerLevel) / levelsPerUnit
  }

  /// What is wrong with the settings, in a few words; nil where nothing is.
  package var problem: String? {
    func isUsable(_ value: Double) -> Bool { value.isFinite && value >= 1e-6 && value <= 1e6 }
    if !isUsable(sampleRateHz) { return "the sampling rate is \(sampleRateHz) Hz" }
    if !(1...Self.greatestLeadCount).contains(leadCount) {
      return "\(leadCount) leads are not in 1 ... \(Self.greatestLeadCount)"
    }
    if beats != nil, leadCount > 1 { return "beats of \(leadCount) leads can't be a network's input" }
    if beats != nil { return beatProblem }
    if isRawSamples { return rawProblem }
    if ![16, 32, 64, 128, 256, 512].contains(windowSamples) {
      return "the window of \(windowSamples) samples is not a power of two in 16 ... 512"
    }
    if !(1...windowSamples).contains(hopSamples) {
      return "the hop of \(hopSamples) samples is not in 1 ... \(windowSamples)"
    }
    let lastBin = windowSamples / 2
    if !(0...lastBin).contains(firstBin) || !(1...(lastBin - firstBin + 1)).contains(binCount) {
      return "\(binCount) bins from bin \(firstBin) on are not in 0 ... \(lastBin)"
    }
    if !(1...15).contains(highPassShift) {
      return "the high-pass shift \(highPassShift) is not in 1 ... 15"
    }
    if !isUsable(floorMicrovolts) { return "the floor is \(floorMicrovolts) microvolts" }
    if !isUsable(codesPerOctave) { return "an octave is \(codesPerOctave) codes" }
    if !(0...255).contains(centerLevel) { return "the centre level is \(centerLevel)" }
    if let couplingHz, !Self.isCoupling(couplingHz) {
      return "the coupling's corner is \(couplingHz) Hz"
    }
    if !isUsable(levelsPerUnit) { return "the network's unit is \(levelsPerUnit) levels" }
    return nil
  }

  private var rawProblem: String? {
    if (hopSamples, firstBin, binCount) != (1, 0, 1) { return "raw samples have no hop and no bins" }
    if !(0...12).contains(highPassShift) { return "the high-pass shift \(highPassShift) is not in 0 ... 12" }
    if centerLevel != 0 { return "raw samples are centred at \(centerLevel) microvolts" }
    if !(1e-3...1e6).contains(levelsPerUnit) { return "the network's unit is \(levelsPerUnit) microvolts" }
    return nil
  }
}

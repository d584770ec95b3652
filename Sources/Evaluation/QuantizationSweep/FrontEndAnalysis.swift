import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Quantization
import Support
import Tasks

/// The fixed-point front end, stage by stage, beside double precision: each stage against what it makes of its own
/// input, so that the stage that loses is seen at once.
package struct FrontEndFigures: Codable, Equatable, Sendable {
  /// A stage at a signal level.
  package struct Stage: Codable, Equatable, Sendable {
    /// `filter`, `transform`, `logarithm` or `codes`.
    package var name: String
    /// Signal over error in decibels; left out where nothing differs.
    package var snrDecibels: Double?
    /// The root mean square error in int8 steps, of stages that give levels.
    package var stepError: Double?
    /// The largest error in int8 steps.
    package var maxStepError: Double?
  }

  /// The front end on a signal of some level.
  package struct Level: Codable, Equatable, Sendable {
    /// The signal's peak below the converter's full scale, in decibels.
    package var peakDecibels: Double
    /// The lead, of a network of several.
    package var lead: String?
    /// The stages in order.
    package var stages: [Stage]
    /// The transform's least and greatest exponent.
    package var exponents: [Int]
    /// The share of codes at the upper end of their range.
    package var saturatedShare: Double
    /// The share of codes that are those of double precision.
    package var equalShare: Double
    /// What is wrong, in words.
    package var finding: String?
  }

  /// The front end.
  package var variant: FrontEndVariant
  /// The float network whose spectrogram it computes.
  package var source: String
  /// The record that it was run on.
  package var record: String
  /// As recorded, then 20 dB and 40 dB below full scale; of several leads each one's.
  package var levels: [Level]
}

extension FrontEndFigures {
  /// Runs a front end on a signal as it is, and scaled to 20 and 40 dB below the converter's full scale.
  ///
  /// - Parameters:
  ///   - variant: The front end.
  ///   - trained: The settings of the float network's spectrogram.
  ///   - signal: The signal at the device's rate; each of its leads is looked at by itself.
  ///   - source: The float network's name.
  /// - Throws: `InvalidNetwork` where the fixed-point front end can't hold the settings.
  package init(
    _ variant: FrontEndVariant, _ trained: SpectrogramSettings, signal: LabelledSignal, source: String
  ) throws(InvalidNetwork) {
    let image = try BareFrontEndImage(variant, trained)
    (self.variant, self.source, record) = (variant, source, signal.record)
    guard let plan = image.plan else {
      // Raw samples have no stages to look at.
      levels = []
      return
    }
    let analysis = FrontEndAnalysis(variant, trained, plan: plan)
    levels = signal.singleLeads.flatMap { lead in
      [nil, -20, -40].map {
        var level = analysis.level(lead.microvolts, peakDecibels: $0)
        level.lead = signal.furtherLeads.isEmpty ? nil : lead.lead
        return level
      }
    }
    withExtendedLifetime(image) {}
  }
}

/// An image of a front end and next to no network, for its columns and its validated plan.
struct BareFrontEndImage: Sendable {
  /// The spectrogram's plan; nil for raw samples.
  let plan: SpectrogramPlan?
  /// The codes of a column.
  let columnCodeCount: Int
  /// Holds the plan's tables.
  private let loaded: LoadedModel

  init(_ variant: FrontEndVariant, _ trained: SpectrogramSettings) throws(InvalidNetwork) {
    let settings = variant.settings(trained)
    let codes = settings.columnCodeCount
    let network = try FloatGraph(
      specification: .init(inputColumns: 1, inputChannels: codes, layers: [.dense(outputCount: 1)]),
      layers: [.init(weights: [Float](repeating: 0, count: codes), biases: [0], normalization: nil)])
    let quantized = try QuantizedNetwork.quantized(
      network, settings: settings, calibrationWindows: [[Float](repeating: 0, count: codes)])
    let image = try ModelImage(quantized, frontEnd: try variant.tables(trained, for: quantized))
    do throws(ModelError) {
      loaded = try LoadedModel(image: image.bytes)
    } catch {
      throw InvalidNetwork("the front end's image can't be loaded: \(error)")
    }
    columnCodeCount = codes
    if case .spectrogram(let plan)? = loaded.model.frontEnd { self.plan = plan } else { plan = nil }
    guard loaded.model.isStreamable else { throw InvalidNetwork("the front end's image can't stream") }
  }

  /// The codes `[column, bin, lead]` of a signal in counts, frame by frame.
  func columns(of counts: some Sequence<Int16>) -> [Int8] {
    do throws(MemoryError) {
      var pipeline = try RunningPipeline(loaded)
      return pipeline.columns(of: counts)
    } catch {
      preconditionFailure("an image that streams has its memory")
    }
  }
}

/// Runs a front end sample by sample and looks at what each stage leaves in memory.
struct FrontEndAnalysis {
  private let plan: SpectrogramPlan
  private let settings: SpectrogramSettings
  private let window: [Double]
  private let codesPerOctave: Double
  private let converter: AnalogConverter

  init(_ variant: FrontEndVariant, _ trained: SpectrogramSettings, plan: SpectrogramPlan) {
    self.plan = plan
    settings = variant.settings(trained)
    let count = settings.windowSamples
    window = (0..<count).map { variant.window.weight($0, of: count) }
    codesPerOctave = settings.codesPerOctave
    converter = variant.converter
  }

  /// The figures for a signal in microvolts at the device's rate, scaled to a peak; nil leaves it as it is.
  func level(_ microvolts: [Float], peakDecibels wanted: Double?) -> FrontEndFigures.Level {
    let middle = microvolts.reduce(0, +) / Float(max(1, microvolts.count))
    let peak = microvolts.reduce(0) { max($0, abs($1 - middle)) }
    let fullScale = converter.microvoltsPerCount * Float(1 << (converter.bits - 1))
    let gain = wanted.map { fullScale * Float(pow(10, $0 / 20)) / max(peak, 1e-6) } ?? 1
    let counts = microvolts.map { converter.count(ofMicrovolts: ($0 - (wanted == nil ? 0 : middle)) * gain) }
    var sums = StageSums()
    run(counts, &sums)
    var level = sums.level
    level.peakDecibels = wanted ?? 20 * log10(Double(peak / fullScale))
    level.finding = sums.finding(level)
    return level
  }

  private func run(_ counts: [Int16], _ sums: inout StageSums) {
    var device = RunningSpectrogram(plan)
    run(counts, on: &device.spectrogram, device.words, &sums)
  }

  private func run(
    _ counts: [Int16], on device: inout StreamingSpectrogram, _ words: UnsafeMutableBufferPointer<Int32>,
    _ sums: inout StageSums
  ) {
    var filter = FloatHighPassFilter<Double>(shift: settings.highPassShift)
    let reference = ReferenceSpectrogram(settings)
    let microvoltsPerCount = Double(converter.microvoltsPerCount)
    var column = [Int8](repeating: 0, count: plan.binCount)
    for count in counts {
      let filtered = filter.filter(Double(count))
      let isColumn = device.push(count)
      let isReferenceColumn = reference.push(Double(count) * microvoltsPerCount)
      precondition(isColumn == isReferenceColumn, "both spectrograms have the same hops")
      // The ring's newest sample stands before its position.
      let position = (Int(words[2]) + plan.windowSamples - 1) % plan.windowSamples
      sums.filter.add(filtered, Double(words[4 + position]) / 4096)
      guard isColumn else { continue }
      let samples = (0..<plan.windowSamples).map {
        Double(words[4 + (Int(words[2]) + $0) % plan.windowSamples]) / 4096
      }
      column.withUnsafeMutableBufferPointer { device.computeColumn(into: $0.baseAddress!) }
      for bin in 0..<plan.binCount {
        let fixed = device.spectrum(at: bin)
        let (real, imaginary) = plan.counts(fixed, at: bin)
        let exact = transform(samples, bin: plan.firstBin + bin)
        sums.transform.add(exact.real, real)
        sums.transform.add(exact.imaginary, imaginary)
        sums.exponents.insert(Int(fixed.exponent) + 16)
        let code = Double(column[bin]) - Double(plan.zeroLevelCode)
        sums.logarithm.add(level(real, imaginary).rounded(), code)
        let expected = reference.latestColumn[bin].rounded()
        sums.codes.add(expected, code)
        sums.count(column[bin], isEqual: code == expected)
      }
    }
  }

  /// A bin of the windowed samples' transform, in double precision.
  private func transform(_ samples: [Double], bin: Int) -> (real: Double, imaginary: Double) {
    var (real, imaginary) = (0.0, 0.0)
    for (index, sample) in samples.enumerated() {
      let angle = 2 * Double.pi * Double(bin * index % samples.count) / Double(samples.count)
      real += sample * window[index] * cos(angle)
      imaginary -= sample * window[index] * sin(angle)
    }
    return (real, imaginary)
  }

  /// A transform's level in double precision, 0 to 255.
  private func level(_ real: Double, _ imaginary: Double) -> Double {
    let floor =
      settings.floorMicrovolts / Double(converter.microvoltsPerCount) * window.reduce(0, +) / 2
    let power = (real * real + imaginary * imaginary) / (floor * floor)
    return min(255, max(0, codesPerOctave / 2 * log2(1 + power)))
  }
}

/// Sums over a run's stages.
private struct StageSums {
  struct Errors {
    private var (signal, noise, greatest, count) = (0.0, 0.0, 0.0, 0)

    mutating func add(_ reference: Double, _ measured: Double) {
      signal += reference * reference
      noise += (measured - reference) * (measured - reference)
      greatest = max(greatest, abs(measured - reference))
      count += 1
    }

    var decibels: Double { noise == 0 ? .infinity : 10 * log10(signal / noise) }

    func stage(_ name: String, hasSteps: Bool) -> FrontEndFigures.Stage {
      .init(
        name: name, snrDecibels: Numbers.finite(decibels),
        stepError: hasSteps ? (noise / Double(max(1, count))).squareRoot() : nil,
        maxStepError: hasSteps ? greatest : nil)
    }
    var stepError: Double { (noise / Double(max(1, count))).squareRoot() }
  }

  var (filter, transform, logarithm, codes) = (Errors(), Errors(), Errors(), Errors())
  var exponents: Set<Int> = []
  private var (codeCount, saturated, equal) = (0, 0, 0)

  mutating func count(_ code: Int8, isEqual: Bool) {
    codeCount += 1
    if code == .max { saturated += 1 }
    if isEqual { equal += 1 }
  }

  var level: FrontEndFigures.Level {
    .init(
      peakDecibels: 0,
      stages: [
        filter.stage("filter", hasSteps: false), transform.stage("transform", hasSteps: false),
        logarithm.stage("logarithm", hasSteps: true), codes.stage("codes", hasSteps: true),
      ],
      exponents: [exponents.min() ?? 0, exponents.max() ?? 0],
      saturatedShare: Double(saturated) / Double(max(1, codeCount)),
      equalShare: Double(equal) / Double(max(1, codeCount)))
  }

  /// The first stage that loses more than it must; nil where none does.
  func finding(_ level: FrontEndFigures.Level) -> String? {
    func decimal(_ value: Double) -> String { Numbers.decimal(value, places: 1) }
    let place = "at \(decimal(level.peakDecibels)) dBFS "
    if filter.decibels < 50 {
      return place + "the high-pass filter's error is only \(decimal(filter.decibels)) dB below its signal"
    }
    if transform.decibels < 40 {
      let isFixed = level.exponents[0] == level.exponents[1]
      return place + "the transform's error is only \(decimal(transform.decibels)) dB below its signal"
        + (isFixed
          ? ": its scaling is fixed (the exponent is always \(level.exponents[0])), which throws a weak signal's "
            + "low bits away; use block floating point"
          : "")
    }
    if logarithm.stepError > 0.6 {
      return place
        + "the logarithm's error is \(decimal(logarithm.stepError)) int8 steps in the root mean square"
    }
    if level.saturatedShare > 0.01 {
      return place
        + "\(Numbers.percent(level.saturatedShare)) of the column's codes are at the upper end: the "
        + "logarithm has too many codes an octave"
    }
    if codes.stepError > 1.5 {
      return place
        + "the column's codes are \(decimal(codes.stepError)) steps from the trained spectrogram's in the "
        + "root mean square, though each stage is right: the front end's settings aren't the trained ones"
    }
    return nil
  }
}

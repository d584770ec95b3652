import ECG
import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Support

/// What a device's converter makes of a record's lead: counts at the model's rate.
package struct Acquisition: Sendable {
  /// The record's name.
  package let recordName: String
  /// The lead's name.
  package let leadName: String
  /// The record's own rate.
  package let sourceRateHz: Double
  /// The rate of the counts.
  package let sampleRateHz: Double
  /// The converter's rate, where the device's own decimator brings its counts to `sampleRateHz`; nil where that is its
  /// rate.
  package let converterRateHz: Double?
  /// The converter.
  package let profile: DeviceProfile
  /// The counts.
  package let samples: [Int16]
  /// The samples that lay beyond the converter's range.
  package let saturatedCount: Int
  /// The record's samples that were marked invalid and stand at the last valid value.
  package let invalidCount: Int
  /// What befell the signal before the converter, the record's own gaps included; nil where nothing did.
  package let disturbances: AppliedDisturbances?
  /// What was assumed of the record, and what about it isn't plausible.
  package let notes: [FileNote]

  /// The samples that the device takes in a true second: `sampleRateHz` unless its clock drifts.
  package var trueSampleRateHz: Double {
    sampleRateHz * (1 + (disturbances?.settings.driftPartsPerMillion ?? 0) * 1e-6)
  }

  /// The recording's length, by the device's clock.
  package var durationSeconds: Double { Double(samples.count) / sampleRateHz }

  /// Resamples a lead to the device's rate and converts it.
  ///
  /// - Parameters:
  ///   - record: The record.
  ///   - wanted: The lead's name or number; nil for MLII, II or the first.
  ///   - place: Its place among the model's leads, from 0: each draws what is random for itself.
  ///   - sampleRateHz: The model's rate.
  ///   - converterRateHz: The converter's rate, from which the device decimates; nil for the model's.
  ///   - profile: The converter.
  ///   - file: The record's file, for errors.
  ///   - disturbances: What befalls the signal before the converter.
  ///   - noise: The noise that the disturbances name.
  ///   - beats: The record's annotated beats at the record's rate, by which an SNR is measured; nil for those that
  ///     the runtime's detector finds in the undisturbed signal.
  ///   - paced: The beats that the device's stimuli come before, in seconds; see `Pacing.stimuli`.
  /// - Throws: `FileError` where the lead is not there or empty, its unit or rate can't be used, or the disturbances
  ///   don't suit it.
  package init(
    _ record: Record, lead wanted: String?, place: Int = 0, sampleRateHz: Double,
    converterRateHz: Double? = nil,
    profile: DeviceProfile, file: String,
    disturbances: Disturbances = Disturbances(), noise: Noise? = nil, beats: [Int]? = nil,
    paced: [Double]? = nil
  ) throws(FileError) {
    if disturbances.pacing != nil, paced?.isEmpty ?? true {
      throw .missing(
        file, "has no annotated beats that stimuli could come before",
        remedy: "leave out --pace-spikes and --blanking, or bring its annotations")
    }
    // A coupling that was asked for comes behind what is added at the electrode.
    let coupling = disturbances.coupling
    let lead = try record.lead(wanted, file: file, coupling: coupling.hertz == nil ? coupling : .direct)
    if let hertz = coupling.hertz, hertz >= lead.sampleRateHz / 2 {
      throw .malformed(
        file,
        "is sampled at \(Numbers.decimal(lead.sampleRateHz, places: 1)) Hz, too slowly for a coupling of "
          + "\(Numbers.decimal(hertz, places: 3)) Hz", remedy: "choose a lower corner with --coupling")
    }
    guard lead.invalidCount < lead.millivolts.count else {
      throw .malformed(
        file, "has no valid sample in lead \(lead.name)", remedy: "choose another lead with --lead")
    }
    let decimator = try converterRateHz.map { rate throws(FileError) in
      try Self.decimator(from: rate, to: sampleRateHz, file: file)
    }
    let rateHz = converterRateHz ?? sampleRateHz
    var microvolts: [Float]
    var applied: AppliedDisturbances?
    do throws(FileError) {
      if disturbances.isAny {
        let electrode = ElectrodeSignal(lead, file: file)
        let places =
          if let beats {
            beats.map { Int((Double($0) * lead.sampleRateHz / record.sampleRateHz).rounded()) }
          } else if noise != nil {
            // Whatever its offset, the signal comes to the detector.
            try ElectrodeSignal(record.lead(wanted, file: file), file: file)
              .detectedBeats(atRateHz: sampleRateHz, profile: profile)
          } else {
            [Int]()
          }
        let (millivolts, result) = try electrode.disturbed(
          by: disturbances, noise: noise, beats: places, paced: paced ?? [], place: place,
          sampleRateHz: rateHz,
          highestMillivolts: profile.converterRangeMillivolts / 2)
        microvolts = millivolts
        applied = result
      } else {
        microvolts = try lead.millivolts(atRateHz: rateHz)
        if !lead.gaps.isEmpty {
          applied = AppliedDisturbances(
            settings: disturbances, gaps: lead.gapStretches(driftPartsPerMillion: 0))
        }
      }
    } catch {
      var error = error
      if noise?.isNamed(error.file) != true { error.file = file }
      throw error
    }
    for index in microvolts.indices { microvolts[index] *= 1000 }
    let converter = profile.converter
    let counts = microvolts.map(converter.count)
    samples = if let decimator { try Self.decimated(counts, decimator, file: file) } else { counts }
    applied?.countLostSamples(rateHz: sampleRateHz, count: samples.count)
    saturatedCount = microvolts.count(where: converter.saturates)
    invalidCount = lead.invalidCount
    self.disturbances = applied
    recordName = record.name
    leadName = lead.name
    sourceRateHz = lead.sampleRateHz
    self.sampleRateHz = sampleRateHz
    self.converterRateHz = converterRateHz
    self.profile = profile
    var others = disturbances
    others.couplingHz = nil
    let saturation =
      others.isAny ? nil : converter.saturationNote(microvolts, file: file, lead: lead.name)
    notes = lead.notes + (saturation.map { [$0] } ?? [])
  }
}

extension Acquisition {
  /// The taps of a device that decimates from its converter's rate.
  private static func decimator(
    from converterRateHz: Double, to sampleRateHz: Double, file: String
  ) throws(FileError) -> DecimatorTaps {
    let ratio = try Resampler(from: converterRateHz, to: sampleRateHz)
    do throws(InvalidNetwork) {
      return try DecimatorTaps(numerator: ratio.numerator, denominator: ratio.denominator)
    } catch {
      throw .malformed(
        file,
        "can't come from a converter at \(Numbers.shortest(converterRateHz)) Hz to the model's "
          + "\(Numbers.shortest(sampleRateHz)) Hz: \(error.description)",
        remedy: "choose another --device-rate: 250, 256, 360, 500, 512 and 1000 go with 128 Hz")
    }
  }

  /// The counts behind the device's decimator.
  private static func decimated(
    _ counts: [Int16], _ taps: DecimatorTaps, file: String
  ) throws(FileError) -> [Int16] {
    do throws(MemoryError) {
      var decimator = try RunningDecimator(taps)
      return decimator(counts)
    } catch {
      throw .malformed(file, "can't be decimated (\(error))", remedy: "leave out --device-rate")
    }
  }
}

extension Lead {
  /// The gaps by the clock of a device that runs too fast by so much.
  fileprivate func gapStretches(driftPartsPerMillion: Double) -> [Stretch] {
    let scale = (1 + driftPartsPerMillion * 1e-6) / sampleRateHz
    return gaps.map {
      Stretch(startSeconds: Double($0.lowerBound) * scale, seconds: Double($0.count) * scale)
    }
  }
}

/// A lead at the electrode, at the record's rate.
private struct ElectrodeSignal {
  let lead: Lead
  let file: String

  init(_ lead: Lead, file: String) { (self.lead, self.file) = (lead, file) }

  private var millivolts: [Float] { lead.millivolts }
  private var sampleRateHz: Double { lead.sampleRateHz }

  /// The beats that the runtime's detector finds, at the lead's own rate.
  func detectedBeats(atRateHz rateHz: Double, profile: DeviceProfile) throws(FileError) -> [Int] {
    let samples = try Resampler(from: sampleRateHz, to: rateHz)(millivolts)
    do throws(MemoryError) {
      return try DetectedBeats.samples(
        in: samples.lazy.map { profile.converter.count(ofMicrovolts: $0 * 1000) }, sampleRateHz: rateHz
      ).map { Int((Double($0) * sampleRateHz / rateHz).rounded()) }
    } catch {
      throw .malformed(file, "has no annotated beats to measure an SNR by", remedy: "leave out --noise")
    }
  }

  /// The millivolts that come to the converter at the device's rate, and what befell them.
  func disturbed(
    by disturbances: Disturbances, noise: Noise?, beats: [Int], paced: [Double], place: Int,
    sampleRateHz rateHz: Double,
    highestMillivolts: Double
  ) throws(FileError) -> ([Float], AppliedDisturbances) {
    var applied = AppliedDisturbances(
      settings: disturbances,
      gaps: lead.gapStretches(driftPartsPerMillion: disturbances.driftPartsPerMillion))
    let generator = SeededGenerator(seed: disturbances.seed)
    var analog = millivolts
    if let noise {
      var generator = generator.split(0)
      guard
        let amplitude = NoiseLevel.qrsAmplitude(analog, beats: beats, sampleRateHz: sampleRateHz),
        amplitude > 0
      else {
        throw .malformed(file, "has no QRS complex to measure an SNR by", remedy: "leave out --noise")
      }
      let added = try noise.samples(
        analog.count, sampleRateHz: sampleRateHz, signalIndex: lead.index, place: place,
        qrsAmplitude: amplitude,
        decibels: disturbances.snrDecibels, using: &generator)
      for index in analog.indices { analog[index] += added[index] }
      applied.noiseIsSynthetic = noise.isSynthetic
      applied.qrsMillivolts = amplitude
      applied.noiseMillivolts = NoiseLevel.rootMeanSquare(added, sampleRateHz: sampleRateHz)
    }
    let gain = Float(1 + disturbances.gainErrorPercent / 100)
    let offset = Float(disturbances.offsetMillivolts)
    if let hertz = disturbances.coupling.hertz {
      for index in analog.indices { analog[index] += offset }
      analog = Coupling.highPassed(analog, hertz: hertz, sampleRateHz: sampleRateHz)
      for index in analog.indices { analog[index] *= gain }
    } else {
      for index in analog.indices { analog[index] = (analog[index] + offset) * gain }
    }
    let drift = ClockDrift(partsPerMillion: disturbances.driftPartsPerMillion)
    var result = try Resampler(from: sampleRateHz, to: rateHz)(drift(analog))

    let clock = 1 + disturbances.driftPartsPerMillion * 1e-6
    disturbances.pacing?.apply(
      to: &result, beats: paced.map { $0 * clock }, gain: gain, coupling: disturbances.coupling,
      sampleRateHz: rateHz)

    // Beyond the numbers of what else is drawn.
    var dropOutGenerator = (place == 0 ? generator : generator.split(16 + place)).split(1)
    applied.dropOuts = disturbances.dropOuts(
      durationSeconds: Double(result.count) / rateHz, using: &dropOutGenerator)
    for stretch in applied.gaps + applied.dropOuts {
      for sample in stretch.samples(rateHz: rateHz, count: result.count) { result[sample] = 0 }
    }
    for stretch in disturbances.leadOff {
      let samples = stretch.samples(rateHz: rateHz, count: result.count)
      guard !samples.isEmpty else {
        throw .malformed(
          file, "ends before the lead goes off at \(Numbers.decimal(stretch.startSeconds, places: 1)) s",
          remedy: "choose an earlier moment")
      }
      // Beyond the range even where the converter's highest count lies half a count below its end.
      for sample in samples { result[sample] = Float(2 * highestMillivolts) }
    }
    let converterOffset = Float(disturbances.converterOffsetMillivolts ?? 0)
    for index in result.indices { result[index] += converterOffset }
    return (result, applied)
  }
}

extension AppliedDisturbances {
  /// Counts the samples that were lost.
  fileprivate mutating func countLostSamples(rateHz: Double, count: Int) {
    lostSamples = lostStretches(rateHz: rateHz, count: count).reduce(0) { $0 + $1.count }
  }

  /// The samples that were lost, as stretches in order that don't meet.
  func lostStretches(rateHz: Double, count: Int) -> [Range<Int>] {
    Self.merged(
      (settings.leadOff + dropOuts + gaps).map { $0.samples(rateHz: rateHz, count: count) }
        .filter { !$0.isEmpty })
  }

  /// Stretches in order that don't meet.
  private static func merged(_ stretches: [Range<Int>]) -> [Range<Int>] {
    stretches.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { merged, next in
      if let last = merged.last, next.lowerBound <= last.upperBound {
        merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, next.upperBound)
      } else {
        merged.append(next)
      }
    }
  }

  /// Counts the decisions, each over the window of `windowSamples` up to its sample, that reach into lost samples of
  /// this lead or of others.
  mutating func count(
    _ decisions: [DeviceDecision], windowSamples: Int, rateHz: Double, sampleCount: Int,
    others: [AppliedDisturbances] = []
  ) {
    let lost = Self.merged(
      ([self] + others).flatMap { $0.lostStretches(rateHz: rateHz, count: sampleCount) })
    lostSamples = lost.reduce(0) { $0 + $1.count }
    var next = 0
    decisionsOverLostSamples = decisions.count { decision in
      let first = decision.sample - windowSamples + 1
      while next < lost.count, lost[next].upperBound <= first { next += 1 }
      return next < lost.count && lost[next].lowerBound <= decision.sample
    }
  }
}

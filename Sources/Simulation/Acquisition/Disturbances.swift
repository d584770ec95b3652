import ECG
import Foundation
import Support

/// A stretch of a recording, in seconds from its start by the device's clock.
package struct Stretch: Codable, Equatable, Sendable {
  /// The first moment.
  package var startSeconds: Double
  /// The length.
  package var seconds: Double

  /// Creates a stretch.
  package init(startSeconds: Double, seconds: Double) {
    (self.startSeconds, self.seconds) = (startSeconds, seconds)
  }

  /// The samples of the stretch in a recording of `count` samples.
  func samples(rateHz: Double, count: Int) -> Range<Int> {
    let first = Int(min((startSeconds * rateHz).rounded(), Double(count)))
    let end = Int(min(((startSeconds + seconds) * rateHz).rounded(), Double(count)))
    return first..<max(first, end)
  }
}

/// What befalls the ECG on its way from the electrode to the converter.
///
/// The noise and the offset are added at the electrode, at the record's rate; then come the coupling and the amplifier's
/// gain; then the device's clock, the anti-alias filter and the converter, which has an offset of its own and
/// saturates. Where a lead is off, the input drifts to the converter's highest count; in a drop-out it is 0 V.
///
/// Of several leads each is disturbed by itself: it has its own coupling, muscles, wander and drop-outs. Mains and recorded
/// noise reach all of them at the same time, a recording's signals one after the other.
package struct Disturbances: Codable, Equatable, Sendable {
  /// The noise or the mixture of noises, as in `Noise.init(_:)`; nil for none.
  package var noise: String?
  /// The SNR as `NoiseLevel` defines it, of those noises together that have none of their own.
  package var snrDecibels: Double?
  /// The corner of the electrode's coupling, a high pass of first order, in hertz; 0 for none, and nil for what the
  /// record needs before disturbances; see `Coupling`.
  package var couplingHz: Double?
  /// The leads that are disturbed, by name or number; nil for all.
  ///
  /// Coupling and clock are the device's, and of all leads.
  package var leads: [String]?
  /// How much too high the gain is, in percent.
  package var gainErrorPercent = 0.0
  /// The electrode's offset in millivolts.
  package var offsetMillivolts = 0.0
  /// The converter's own offset in millivolts, behind coupling and amplifier; nil for none.
  package var converterOffsetMillivolts: Double?
  /// What the device's own stimuli do to the signal; nil for stimuli that nobody sees.
  package var pacing: Pacing?
  /// How much too fast the sampling clock runs, in parts per million.
  package var driftPartsPerMillion = 0.0
  /// When the lead is off.
  package var leadOff: [Stretch] = []
  /// The drop-outs a minute, on average.
  package var dropOutsPerMinute = 0.0
  /// A drop-out's length in seconds.
  package var dropOutSeconds = 0.0
  /// The seed of all that is drawn: the noise's start or phases, and when drop-outs come.
  package var seed: UInt64 = 1

  /// Creates a front end that disturbs nothing.
  package init() {}

  /// What of the electrode's offset comes through.
  package var coupling: Coupling { Coupling(setting: couplingHz) }

  /// Whether anything is disturbed.
  package var isAny: Bool { !isEqual(toNoneButSeed: self) }

  /// Whether the seed makes a difference.
  package var isRandom: Bool { noise != nil || dropOutsPerMinute > 0 }

  /// What of it befalls a lead that is not among `leads`.
  var ofOtherLeads: Disturbances {
    var others = Disturbances()
    (others.couplingHz, others.driftPartsPerMillion, others.seed) = (couplingHz, driftPartsPerMillion, seed)
    return others
  }

  private func isEqual(toNoneButSeed other: Disturbances) -> Bool {
    var none = Disturbances()
    none.seed = other.seed
    return none == other
  }

  /// What is impossible in the settings, in words; nil where nothing is.
  package var problem: String? {
    if let snrDecibels, !(-100...100).contains(snrDecibels) { return "--snr must be in -100 ... 100 dB" }
    let parts = noise.map { NoisePart.parts(of: $0) } ?? []
    guard let parts else { return "--noise must be NAME or NAME@DB, with + between several" }
    if !parts.allSatisfy({ (-100...100).contains($0.decibels ?? 0) }) {
      return "--noise must have SNRs in -100 ... 100 dB"
    }
    let lacking = parts.first { $0.decibels == nil }
    if let lacking, snrDecibels == nil {
      return "--noise \(lacking.name) needs --snr, or an SNR of its own, as in \(lacking.name)@6"
    }
    if lacking == nil, snrDecibels != nil { return "--snr needs a --noise that has no SNR of its own" }
    if !(-90...900).contains(gainErrorPercent) { return "--gain-error must be in -90 ... 900 %" }
    if !(-1000...1000).contains(offsetMillivolts) { return "--offset must be in -1,000 ... 1,000 mV" }
    if let hertz = couplingHz, hertz != 0, !Coupling.hertzRange.contains(hertz) {
      return "--coupling must be dc or in 0.001 ... 20 Hz"
    }
    if !(-1000...1000).contains(converterOffsetMillivolts ?? 0) {
      return "--converter-offset must be in -1,000 ... 1,000 mV"
    }
    if let problem = pacing?.problem { return problem }
    if let leads {
      if leads.isEmpty || leads.contains("") { return "--disturbed-leads needs names or numbers with commas" }
      if let twice = leads.indices.first(where: { leads[..<$0].contains(leads[$0]) }) {
        return "--disturbed-leads has \(leads[twice]) twice; name it once"
      }
      var all = self
      all.leads = nil
      if all == ofOtherLeads {
        return
          "--disturbed-leads needs what befalls them, such as --noise or --lead-off; coupling and clock are of all leads"
      }
    }
    if !(-10_000...10_000).contains(driftPartsPerMillion) {
      return "--drift-ppm must be in -10,000 ... 10,000 ppm"
    }
    if !leadOff.allSatisfy({ (0...1e9).contains($0.startSeconds) && $0.seconds > 0 && $0.seconds <= 1e9 }) {
      return "--lead-off must start at 0 s or later, and last"
    }
    if !(0...600).contains(dropOutsPerMinute) { return "--drop-outs must be 0 ... 600 a minute" }
    if !(0...60).contains(dropOutSeconds) || (dropOutSeconds == 0) != (dropOutsPerMinute == 0) {
      return "--drop-outs must last above 0 and up to 60 s"
    }
    return nil
  }

  /// The settings in words, noise and seed aside.
  package var phrases: [String] {
    var phrases = coupling.text.map { [$0] } ?? []
    if let leads {
      phrases.append("lead\(leads.count == 1 ? "" : "s") \(leads.joined(separator: ", ")) alone")
    }
    if gainErrorPercent != 0 {
      phrases.append("gain error \(Numbers.decimal(gainErrorPercent, places: 2)) %")
    }
    if offsetMillivolts != 0 { phrases.append("offset \(Numbers.decimal(offsetMillivolts, places: 3)) mV") }
    if let offset = converterOffsetMillivolts, offset != 0 {
      phrases.append("converter's offset \(Numbers.decimal(offset, places: 3)) mV")
    }
    phrases += pacing?.phrases ?? []
    if driftPartsPerMillion != 0 {
      phrases.append("clock \(Numbers.decimal(driftPartsPerMillion, places: 1)) ppm fast")
    }
    for stretch in leadOff {
      phrases.append(
        "lead off from \(Numbers.decimal(stretch.startSeconds, places: 1)) s for "
          + "\(Numbers.decimal(stretch.seconds, places: 1)) s")
    }
    if dropOutsPerMinute > 0 {
      phrases.append(
        "\(Numbers.decimal(dropOutsPerMinute, places: 1)) drop-outs a minute of "
          + "\(Numbers.decimal(dropOutSeconds, places: 2)) s")
    }
    return phrases
  }

  /// The drop-outs of a recording: they come at any moment with the same chance.
  func dropOuts(durationSeconds: Double, using generator: inout SeededGenerator) -> [Stretch] {
    guard dropOutsPerMinute > 0 else { return [] }
    var result: [Stretch] = []
    var time = 0.0
    while true {
      time -= log(1 - generator.nextUniform()) * 60 / dropOutsPerMinute
      guard time < durationSeconds else { return result }
      result.append(Stretch(startSeconds: time, seconds: dropOutSeconds))
    }
  }
}

/// What befell a recording: the settings, and what came of them.
package struct AppliedDisturbances: Encodable, Equatable, Sendable {
  /// What was asked for.
  package var settings: Disturbances
  /// Whether the noise was computed, not recorded; nil without noise.
  package var noiseIsSynthetic: Bool?
  /// The QRS complexes' amplitude from peak to peak before the amplifier, as the SNR takes it; nil without noise.
  package var qrsMillivolts: Double?
  /// The added noise's root mean square before the amplifier, as the SNR takes it; nil without noise.
  package var noiseMillivolts: Double?
  /// The record's own gaps: 0 V, as drop-outs are.
  package var gaps: [Stretch]
  /// The drop-outs that came.
  package var dropOuts: [Stretch] = []
  /// The samples in which the lead was off, dropped out or had a gap.
  package var lostSamples = 0
  /// The decisions whose window reaches into samples that were lost.
  package var decisionsOverLostSamples = 0

  /// The settings in words, with the sign of what is computed; empty where nothing was disturbed.
  package var phrases: [String] {
    var phrases: [String] = []
    if let noise = settings.noise {
      let snr = settings.snrDecibels.map { " at \(Numbers.decimal($0, places: 1)) dB" } ?? ""
      phrases.append(
        "\(noiseIsSynthetic == true ? "synthetic" : "recorded") noise \(NoisePart.label(noise))\(snr)")
    }
    phrases += settings.phrases
    if settings.dropOutsPerMinute > 0 {
      phrases.append(
        "\(Numbers.integer(dropOuts.count)) drop-outs of \(Numbers.decimal(settings.dropOutSeconds, places: 2)) s"
      )
    }
    if !gaps.isEmpty {
      let seconds = Numbers.decimal(gaps.reduce(0) { $0 + $1.seconds }, places: 2)
      phrases.append(
        "\(Numbers.integer(gaps.count)) gap\(gaps.count == 1 ? "" : "s") of the record, \(seconds) s in all")
    }
    if settings.isRandom { phrases.append("seed \(settings.seed)") }
    if lostSamples > 0 {
      phrases.append(
        "\(Numbers.integer(decisionsOverLostSamples)) decisions over \(Numbers.integer(lostSamples)) lost samples"
      )
    }
    return phrases
  }
}

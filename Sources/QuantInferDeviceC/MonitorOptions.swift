import CQuantInfer
import QuantInfer
import QuantInferC

extension Monitor.Options {
  /// The options that a caller's structure names.
  ///
  /// - Throws: `QUANTINFER_OPTIONS` where one is out of range, for which the runtime would take the nearest one within it, or
  ///   names another number of leads than the model's.
  init(_ structure: UnsafePointer<quantinfer_options>?, of model: Model) throws(Refusal) {
    var given = quantinfer_options()
    try unsafe take(structure, into: &given)
    self.init()
    let leadCount = UInt32(truncatingIfNeeded: model.leadCount)
    guard given.lead_count == leadCount || given.lead_count == 0 else { throw Refusal(QUANTINFER_OPTIONS) }
    switch Int(given.pace) {
    case QUANTINFER_DETECTED_BEATS: pace = .detectedBeats
    case QUANTINFER_GIVEN_BEATS: pace = .givenBeats
    case QUANTINFER_CLOCK where given.columns_per_decision > 0:
      pace = .everyColumns(Int(given.columns_per_decision))
    default: throw Refusal(QUANTINFER_OPTIONS)
    }
    func within(_ value: Int32, _ greatest: Int32, from least: Int32 = 0) throws(Refusal) -> Int {
      guard value >= least, value <= greatest else { throw Refusal(QUANTINFER_OPTIONS) }
      return Int(value)
    }
    delaySamples = try within(given.delay_samples, .max)
    policy.majorityCount = try within(given.majority_count, Int32(AnnouncementPolicy.greatestMajorityCount))
    policy.hysteresisCount = try within(
      given.hysteresis_count, Int32(AnnouncementPolicy.greatestHysteresisCount))
    policy.hysteresisMarginCodes = try within(given.hysteresis_margin_codes, 255)
    policy.minimumMarginCodes = try within(given.minimum_margin_codes, 255)
    quality.lowestCount = Int16(
      truncatingIfNeeded: try within(given.lowest_count, Int32(Int16.max), from: Int32(Int16.min)))
    quality.highestCount = Int16(
      truncatingIfNeeded: try within(given.highest_count, Int32(Int16.max), from: Int32(Int16.min)))
    quality.flatCounts = Int32(truncatingIfNeeded: try within(given.flat_counts, 65_535))
    quality.flatSamples = Int32(truncatingIfNeeded: try within(given.flat_samples, .max))
    quality.saturatedSamples = Int32(truncatingIfNeeded: try within(given.saturated_samples, .max))
    quality.saturationSpanSamples = Int32(truncatingIfNeeded: try within(given.saturation_span_samples, .max))
    quality.refillSamples = Int32(truncatingIfNeeded: try within(given.refill_samples, .max))
    detectorLead = try within(given.detector_lead, Int32(truncatingIfNeeded: leadCount) &- 1)
    lostLead = try within(given.lost_lead, 1) == 1 ? .goOn : .noResult
    wakePercent = try within(given.wake_percent, 1000)
    let codesPerOctave = try within(given.rhythm_codes_per_octave, 512)
    guard codesPerOctave > 0 else { return }
    rhythmPrior = RhythmPrior.Options(
      classIndex: try within(given.rhythm_class, .max), codesPerOctave: codesPerOctave,
      neutralPartLog2Q16: given.rhythm_neutral_log2_q16)
  }
}

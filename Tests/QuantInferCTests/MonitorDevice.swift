import CQuantInfer
import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import QuantInferDeviceC
import Support
import Testing
import TestSupport

/// A decision with its sample, as both sides tell it.
struct Told: Equatable {
  var sample: Int
  /// The beat's sample; nil where the clock struck.
  var beat: Int?
  /// The class and its margin, or the reason, or -1 asleep.
  var said: [Int]
  var logits: [Int8]?

  init(_ sample: Int, _ decision: Monitor.Decision, _ logits: some Sequence<Int8>) {
    self.sample = sample
    beat = decision.beatAge.map { sample - $0 }
    switch decision.announcement {
    case .result(let index, let margin): said = [index, margin]
    case .noResult(let reason): said = [Int(reason.rawValue)]
    case .asleep: said = [-1]
    }
    self.logits = decision.hasLogits ? Array(logits) : nil
  }

  init(_ decision: quantinfer_decision, _ logits: [Int8]) {
    sample = Int(decision.sample_number)
    beat = decision.is_about_beat != 0 ? Int(decision.beat_sample_number) : nil
    switch Int(decision.announcement) {
    case QUANTINFER_RESULT: said = [Int(decision.class_index), Int(decision.margin_codes)]
    case QUANTINFER_NO_RESULT: said = [Int(decision.reason)]
    default: said = [-1]
    }
    self.logits = decision.has_logits != 0 ? logits : nil
  }
}

extension quantinfer_options {
  /// The header's form of options.
  init(_ options: Monitor.Options) {
    self = .empty
    switch options.pace {
    case .detectedBeats: pace = Int32(QUANTINFER_DETECTED_BEATS)
    case .givenBeats: pace = Int32(QUANTINFER_GIVEN_BEATS)
    case .everyColumns(let count): (pace, columns_per_decision) = (Int32(QUANTINFER_CLOCK), Int32(count))
    }
    delay_samples = Int32(options.delaySamples)
    majority_count = Int32(options.policy.majorityCount)
    hysteresis_count = Int32(options.policy.hysteresisCount)
    hysteresis_margin_codes = Int32(options.policy.hysteresisMarginCodes)
    minimum_margin_codes = Int32(options.policy.minimumMarginCodes)
    (lowest_count, highest_count) = (Int32(options.quality.lowestCount), Int32(options.quality.highestCount))
    (flat_counts, flat_samples) = (options.quality.flatCounts, options.quality.flatSamples)
    saturated_samples = options.quality.saturatedSamples
    saturation_span_samples = options.quality.saturationSpanSamples
    refill_samples = options.quality.refillSamples
    wake_percent = Int32(options.wakePercent)
    (detector_lead, lost_lead) = (Int32(options.detectorLead), options.lostLead.rawValue)
    if let prior = options.rhythmPrior {
      (rhythm_class, rhythm_codes_per_octave) = (Int32(prior.classIndex), Int32(prior.codesPerOctave))
      rhythm_neutral_log2_q16 = prior.neutralPartLog2Q16
    }
  }
}

/// A model's monitor through the C interface, in memory of its own; the shipped one's where none is named.
final class MonitorDevice {
  let loaded: LoadedModel
  let image: AlignedMemory
  let memory: AlignedMemory
  let needs: quantinfer_needs
  private(set) var monitor: OpaquePointer?

  convenience init(_ options: Monitor.Options, file: String = ProjectFiles.model) throws {
    try self.init(options, image: Array(try Files.read(file)))
  }

  init(_ options: Monitor.Options, image bytes: [UInt8]) throws {
    loaded = try LoadedModel(image: bytes)
    image = AlignedMemory(byteCount: bytes.count)
    image.bytes.copyBytes(from: bytes)
    var given = quantinfer_options(options)
    var needs = quantinfer_needs.empty
    try #require(
      quantinfer_monitor_inspect(image.bytes.baseAddress, bytes.count, &given, &needs) == QUANTINFER_OK)
    self.needs = needs
    memory = AlignedMemory(byteCount: Int(needs.memory_byte_count))
    try #require(
      quantinfer_monitor_init(
        &monitor, image.bytes.baseAddress, bytes.count, &given, memory.bytes.baseAddress, memory.bytes.count)
        == QUANTINFER_OK)
  }

  /// The shipped device's options.
  static func shipped(_ timing: DecisionTiming = .detectedBeats) throws -> Monitor.Options {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    return Monitor.Options(
      timing, announcing: .withRhythm, of: loaded, converter: loaded.converter(bits: 12))
  }

  /// All decisions that are due.
  func decisions() -> [Told] {
    var told: [Told] = []
    var (decision, logits) = (quantinfer_decision.empty, [Int8](repeating: 0, count: Int(needs.logit_count)))
    while quantinfer_monitor_next(monitor, &decision, &logits, logits.count) == QUANTINFER_DECIDED {
      told.append(Told(decision, logits))
    }
    return told
  }

  /// The decisions over frames in blocks of a length, with the beats that are named in time.
  func decisions(_ samples: ArraySlice<Int16>, blockCount: Int, beats: [Int] = []) throws -> [Told] {
    var told: [Told] = []
    var named = beats[...]
    let first = Int(report.sample_number) - samples.startIndex
    let leadCount = loaded.model.leadCount
    try samples.withUnsafeBufferPointer { all in
      var place = 0
      while place < all.count / leadCount {
        var taken = 0
        try #require(
          quantinfer_monitor_push(
            monitor, all.baseAddress! + place * leadCount, min(blockCount, all.count / leadCount - place),
            &taken)
            == QUANTINFER_OK)
        place += taken
        while let beat = named.first, beat < first + samples.startIndex + place {
          #expect(
            quantinfer_monitor_mark(monitor, Int32(QUANTINFER_MARK_BEAT), UInt32(beat)) == QUANTINFER_OK)
          named.removeFirst()
        }
        told += decisions()
      }
    }
    return told
  }

  var report: quantinfer_report {
    var report = quantinfer_report.empty
    #expect(quantinfer_monitor_report(monitor, &report) == QUANTINFER_OK)
    return report
  }

  func saved() -> [UInt8] {
    var copy = [UInt8](repeating: 0, count: Int(needs.saved_byte_count))
    #expect(quantinfer_monitor_save(monitor, &copy, copy.count) == QUANTINFER_OK)
    return copy
  }
}

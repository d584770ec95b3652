import ECG
import Networks
import Support
import Tasks

extension ReportRunner {
  /// Refuses a network of beats, of which there are no columns to measure.
  ///
  /// - Throws: `FileError`, malformed.
  static func requireColumns(_ checkpoint: Checkpoint, file: String) throws(FileError) {
    guard checkpoint.beatNetwork == nil else {
      throw .malformed(
        file, "has a network of beats beside its own, and the report measures one network",
        remedy: "see their integers beside float with `exporter evaluate MODEL.qinf --float \(file)`")
    }
    guard checkpoint.settings.beats == nil else {
      throw .malformed(
        file, "is a network of beats, and the report measures networks of columns",
        remedy: "see its integers beside float with `exporter evaluate MODEL.qinf --float \(file)`")
    }
  }

  /// The front ends as the runtime reads them from an image.
  func plans(
    _ variants: [FrontEndVariant], _ source: ReportSource
  ) throws(FileError) -> [FrontEndVariant: BareFrontEndImage] {
    var images: [FrontEndVariant: BareFrontEndImage] = [:]
    for variant in variants {
      do throws(InvalidNetwork) {
        images[variant] = try BareFrontEndImage(variant, source.checkpoint.settings)
      } catch {
        throw .malformed(options.checkpoint, "\(error)", remedy: "leave this front end out of the sweep")
      }
    }
    return images
  }

  /// The records as a front end's device samples them.
  private func signals(_ variant: FrontEndVariant) throws(FileError) -> [LabelledSignal] {
    if variant.rateFactor == 1 && variant.recordRateHz == nil { return try beats().signals }
    var own = data
    own.sampleRateHz = variant.recordRateHz ?? data.sampleRateHz * Double(variant.rateFactor)
    let signals = try records.signals(of: own) { _ in }
    guard let rate = variant.recordRateHz else { return signals }
    let target = data.sampleRateHz * Double(variant.rateFactor)
    let resampler = try Resampler(from: rate, to: target)
    return signals.map { signal in
      var signal = signal.withLeads { resampler($0) }
      for index in signal.beats.indices {
        signal.beats[index].sample = Int((Double(signal.beats[index].sample) * target / rate).rounded())
      }
      return signal
    }
  }

  func columns(
    _ variants: [FrontEndVariant], _ source: ReportSource, _ images: [FrontEndVariant: BareFrontEndImage],
    _ steps: Steps
  ) throws(FileError) -> [FrontEndVariant: ColumnSet] {
    let begin = steps.done
    var sets: [FrontEndVariant: ColumnSet] = [:]
    var heard: (rateFactor: Int, recordRateHz: Double?, signals: [LabelledSignal])?
    for variant in variants {
      if heard == nil || heard?.rateFactor != variant.rateFactor
        || heard?.recordRateHz != variant.recordRateHz
      {
        heard = (variant.rateFactor, variant.recordRateHz, try signals(variant))
      }
      guard let signals = heard?.signals, let image = images[variant] else { continue }
      let window = source.checkpoint.window
      let perSignal = signals.concurrentMap(threads: options.threads, progress: { _ in }) {
        signal -> (codes: [Int8], firstColumns: [Int]) in
        ColumnSet.columns(of: signal, variant, window, image)
      }
      sets[variant] = ColumnSet(
        columns: perSignal.map(\.codes), firstColumns: perSignal.flatMap(\.firstColumns),
        windowCodeCount: window.columnCount * image.columnCodeCount,
        columnCodeCount: image.columnCodeCount)
      steps.at(begin + Units.frontEnd * Double(sets.count), "front ends")
    }
    return sets
  }

  /// How long a stretch of the first record the front ends are looked at on.
  private static let analyzedSeconds = 60.0

  func analyze(
    _ variants: [FrontEndVariant], _ source: ReportSource, _ images: [FrontEndVariant: BareFrontEndImage]
  ) throws(FileError) -> [(FrontEndVariant, FrontEndFigures)] {
    var stretches: [(FrontEndVariant, LabelledSignal)] = []
    for variant in variants {
      let rate = source.checkpoint.settings.sampleRateHz * Double(variant.rateFactor)
      var signal =
        try variant.rateFactor == 1 && variant.recordRateHz == nil
        ? beats().signals[0] : signals(variant)[0]
      signal = signal.withLeads { $0.prefix(Int(Self.analyzedSeconds * rate)).map { $0 * variant.gain } }
      stretches.append((variant, signal))
    }
    let (settings, name) = (source.checkpoint.settings, source.key.name)
    do {
      return try stretches.concurrentMap(threads: options.threads, progress: { _ in }) { variant, signal in
        (
          variant,
          try FrontEndFigures(variant, settings, signal: signal, source: name)
        )
      }
    } catch {
      throw .malformed(options.checkpoint, "\(error)", remedy: "leave this front end out of the sweep")
    }
  }
}

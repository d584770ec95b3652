import Tasks

/// What a network of beats sees of a record's beats: the runtime's own front end, run over the record.
package struct BeatInputs: Sendable {
  /// A beat with its input.
  package struct Beat: Sendable {
    /// Its place among the record's beats.
    package var index: Int
    /// Whether it is as the patient's usual beat and comes in time.
    package var isKnown: Bool
    /// Whether the device answers without the network; the codes are then those of a beat before.
    package var isAnswered: Bool
  }

  /// The beats about which all samples come, in order of time.
  package private(set) var beats: [Beat] = []
  /// Their inputs' codes, `[beat, input]`.
  package private(set) var codes: [Int8] = []
  /// Their points, and behind them the points less the template, `[beat, 2 x point]`: for augmentation.
  package private(set) var points: [Int16] = []
  /// The inputs of a beat.
  package let inputCount: Int

  /// Runs the front end.
  ///
  /// - Parameters:
  ///   - counts: The record, in the converter's counts.
  ///   - samples: The beats' samples, in order of time.
  ///   - window: When decisions are made.
  ///   - settings: The settings of beats; nil for the window's own.
  package init(
    _ counts: [Int16], beatsAt samples: [Int], window: BeatWindow, settings: SpectrogramSettings? = nil
  ) {
    let settings = settings ?? window.settings
    guard let encoder = BeatEncoder(settings) else {
      inputCount = 0
      return
    }
    inputCount = encoder.inputCount
    var input = [Int8](repeating: 0, count: inputCount)
    for (index, sample) in samples.enumerated() {
      guard let columns = window.columns(ofBeatAt: sample, inRecordOf: counts.count) else {
        if counts.indices.contains(sample) { encoder.skip(beatAt: sample) }
        continue
      }
      let last = window.settings.lastSample(ofColumn: columns.upperBound - 1)
      while encoder.count <= last { encoder.push(counts[encoder.count]) }
      let next = index + 1 < samples.count ? samples[index + 1] : nil
      let beat = input.withUnsafeMutableBufferPointer {
        encoder.encode(beatAt: sample, next: next, into: $0)
      }
      beats.append(Beat(index: index, isKnown: beat.isKnown, isAnswered: beat.isAnswered))
      codes += input
      points += encoder.points.map(Int16.init(clamping:))
    }
  }
}

extension BeatSettings {
  /// A signal in the counts of the converter that the settings are made for.
  package func counts(ofMicrovolts signal: [Float]) -> [Int16] {
    let converter = AnalogConverter(bits: 16, microvoltsPerCount: Float(microvoltsPerCount))
    return signal.map(converter.count(ofMicrovolts:))
  }
}

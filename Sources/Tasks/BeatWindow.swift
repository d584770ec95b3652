/// Where a beat lies in the network's window.
///
/// Columns come at their own pace, whatever the beats do: the decision about a beat at sample `b` is taken at
/// the first column that reaches `b + delaySamples`, over that column and those before it.
package struct BeatWindow: Equatable, Sendable {
  /// The spectrogram.
  package var settings: SpectrogramSettings
  /// The window's length in columns.
  package var columnCount: Int
  /// How long after the beat the decision waits, in seconds.
  package var delaySeconds: Double
  /// Whether decisions come by the clock: a place is then the last sample of a window, and the delay 0.
  package var isByClock = false

  /// Creates a window.
  package init(
    settings: SpectrogramSettings, columnCount: Int, delaySeconds: Double, isByClock: Bool = false
  ) {
    self.isByClock = isByClock
    self.settings = settings
    self.columnCount = columnCount
    self.delaySeconds = delaySeconds
  }

  /// How long after the beat the decision waits, in samples.
  package var delaySamples: Int { Int((delaySeconds * settings.sampleRateHz).rounded()) }

  /// The window's length in samples.
  package var sampleCount: Int { settings.lastSample(ofColumn: columnCount - 1) + 1 }

  /// Where beats are the input, the first time at which one is decided about: the ring of samples is full.
  private var firstDecisionColumn: Int? {
    guard let beats = settings.beats else { return nil }
    let reach = settings.leadSamples(of: beats) + max(settings.nextLimitSamples(of: beats), beats.sampleCount)
    var ring = 64
    while ring < reach + settings.hopSamples { ring *= 2 }
    return max(1, ring / settings.hopSamples) - 1
  }

  /// The columns `first..<end` that a decision about a beat looks at; nil where the window starts before a
  /// record of `sampleCount` samples or goes beyond its end.
  package func columns(ofBeatAt sample: Int, inRecordOf sampleCount: Int) -> Range<Int>? {
    guard sample >= 0, sample < sampleCount else { return nil }
    let last = settings.firstColumn(reaching: sample + delaySamples)
    guard last >= (firstDecisionColumn ?? columnCount - 1), settings.lastSample(ofColumn: last) < sampleCount
    else { return nil }
    return last - columnCount + 1..<last + 1
  }
}

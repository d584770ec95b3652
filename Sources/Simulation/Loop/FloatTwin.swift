import ModelFiles
import Networks
import Tasks

/// The float model beside the device: the same counts through a front end and a network in floating point.
final class FloatTwin {
  /// Each lead's spectrogram by FFTW in double precision; none for raw samples.
  private let spectrograms: [ReferenceSpectrogram]
  private var samples: [FloatSamples] = []
  /// The beats' front end, in the device's own integers; nil where columns are the input.
  private let beats: BeatEncoder?
  /// A network of beats beside that of columns; nil for none.
  private let beside: FloatTwinOfBeats?
  private var recalled = RecalledLogits()
  private let execution: FloatExecution
  private let settings: SpectrogramSettings
  private let microvoltsPerCount: Double
  private let windowCodeCount: Int
  /// What the image's input codes stand for.
  private let codes: (scale: Double, zeroPoint: Double)
  /// The network's input, column by column, of all columns so far.
  private var input: [Float] = []
  /// The levels of all columns so far, before rounding: `[column, bin, lead]`; 128 above the codes.
  private(set) var levels: [Float] = []

  init(_ twin: TwinNetwork, of loaded: LoadedModel, microvoltsPerCount: Float, columnCapacity: Int)
    throws(InvalidNetwork)
  {
    settings = twin.frontEnd.settings
    self.microvoltsPerCount = Double(microvoltsPerCount)
    switch twin.frontEnd {
    case .spectrogram(let settings) where settings.beats != nil: spectrograms = []
    case .spectrogram(let settings):
      spectrograms = (0..<settings.leadCount).map { _ in ReferenceSpectrogram(settings) }
    case .samples(let own):
      spectrograms = []
      samples = [FloatSamples](repeating: FloatSamples(own), count: settings.leadCount)
    }
    beats = BeatEncoder(settings, microvoltsPerCount: microvoltsPerCount)
    beside = try twin.beats.flatMap { network throws(InvalidNetwork) in
      try FloatTwinOfBeats(network, microvoltsPerCount: microvoltsPerCount)
    }
    execution = try FloatExecution(twin.graph)
    windowCodeCount = twin.columnCount * settings.columnCodeCount
    let tensor = loaded.model.input
    codes = (Double(Float(bitPattern: tensor.scaleBits)), Double(tensor.zeroPoint))
    input.reserveCapacity(columnCapacity * settings.columnCodeCount)
    levels.reserveCapacity(columnCapacity * settings.columnCodeCount)
  }

  /// The first lead's spectrogram; nil for raw samples.
  var spectrogram: ReferenceSpectrogram? { spectrograms.first }

  /// Takes a frame: a sample of each lead, in counts.
  ///
  /// Returns whether it completed a column.
  func push(_ frame: UnsafeBufferPointer<Int16>) -> Bool {
    if let beats {
      beats.push(frame[0])
      return false
    }
    beside?.encoder.push(frame[0])
    var isColumn = true
    for (lead, sample) in frame.enumerated() {
      let microvolts = Double(sample) * microvoltsPerCount
      if spectrograms.isEmpty {
        let value = samples[lead].push(microvolts)
        levels.append(
          Float(value / codes.scale + codes.zeroPoint - Double(SpectrogramSettings.zeroLevelCode)))
        input.append(Float(value))
      } else {
        isColumn = spectrograms[lead].push(microvolts)
      }
    }
    guard isColumn, !spectrograms.isEmpty else { return isColumn }
    for level in latestLevels {
      levels.append(Float(level))
      input.append(Float(settings.networkInput(ofLevel: level)))
    }
    return true
  }

  /// The newest column's levels, `[bin, lead]`.
  var latestLevels: [Double] {
    guard spectrograms.count != 1 else { return spectrograms[0].latestColumn }
    guard !spectrograms.isEmpty else {
      return levels.suffix(settings.columnCodeCount).map { Double($0) }
    }
    return (0..<settings.binCount).flatMap { bin in spectrograms.map { $0.latestColumn[bin] } }
  }

  /// The logits of a beat.
  ///
  /// - Parameters:
  ///   - age: How many samples ago it was.
  ///   - nextAge: How many the next one was; nil where it hasn't come.
  ///   - isSignalBad: Whether the device says nothing, as the signal is bad: then a network of beats isn't asked beside that
  ///     of columns.
  /// - Returns: The logits.
  func decide(aboutBeat age: Int, nextAge: Int?, isSignalBad: Bool) -> [Float] {
    guard let beats else {
      let logits = decide()
      guard !isSignalBad, let others = beside?.logits(ofBeat: age, nextAge: nextAge) else {
        beside?.skip(beat: age)
        return logits
      }
      return zip(logits, others).map { $0 + $1 }
    }
    let last = beats.count - 1
    var codes = [Int8](repeating: 0, count: beats.inputCount)
    let beat = codes.withUnsafeMutableBufferPointer {
      beats.encode(beatAt: last - age, next: nextAge.map { last - $0 }, into: $0)
    }
    return recalled.decide(isKnown: beat.isKnown, isAnswered: beat.isAnswered) {
      execution.logits(
        ofWindow: codes.map { Float((Double($0) - self.codes.zeroPoint) * self.codes.scale) })
    }
  }

  /// Passes a beat over, as the device did.
  func skip(beat age: Int) {
    beats.map { $0.skip(beatAt: $0.count - 1 - age) }
    beside?.skip(beat: age)
  }

  /// The logits of the window that ends with the newest column.
  func decide() -> [Float] {
    execution.logits(ofWindow: Array(input.suffix(windowCodeCount)))
  }
}

/// The float twin of a network of beats beside one of columns.
private final class FloatTwinOfBeats {
  let encoder: BeatEncoder
  private let execution: FloatExecution
  private let settings: SpectrogramSettings

  /// A twin; nil where the network's settings aren't those of beats.
  init?(_ network: FloatBeatNetwork, microvoltsPerCount: Float) throws(InvalidNetwork) {
    guard let encoder = BeatEncoder(network.settings, microvoltsPerCount: microvoltsPerCount) else {
      return nil
    }
    self.encoder = encoder
    (execution, settings) = (try FloatExecution(network.graph), network.settings)
  }

  /// The logits of a beat so many samples ago; nil where what is about it is forgotten.
  func logits(ofBeat age: Int, nextAge: Int?) -> [Float]? {
    guard age <= encoder.greatestAge else { return nil }
    let last = encoder.count - 1
    var codes = [Int8](repeating: 0, count: encoder.inputCount)
    _ = codes.withUnsafeMutableBufferPointer {
      encoder.encode(beatAt: last - age, next: nextAge.map { last - $0 }, into: $0)
    }
    return execution.logits(
      ofWindow: codes.map {
        settings.networkInput(ofLevel: Float($0) - Float(SpectrogramSettings.zeroLevelCode))
      })
  }

  /// Passes a beat over.
  func skip(beat age: Int) { encoder.skip(beatAt: encoder.count - 1 - age) }
}

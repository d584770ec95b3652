import ModelFiles
import Networks
import Tasks

/// The float model beside the device: the same counts through a front end and a network in floating point.
final class FloatTwin {
  /// The spectrogram by FFTW in double precision; nil for raw samples.
  let spectrogram: ReferenceSpectrogram?
  private var samples: FloatSamples?
  /// The beats' front end, in the device's own integers; nil where columns are the input.
  private let beats: BeatEncoder?
  private var recalled = RecalledLogits()
  private let execution: FloatExecution
  private let settings: SpectrogramSettings
  private let microvoltsPerCount: Double
  private let windowCodeCount: Int
  /// What the image's input codes stand for.
  private let codes: (scale: Double, zeroPoint: Double)
  /// The network's input, column by column, of all columns so far.
  private var input: [Float] = []
  /// The levels of all columns so far, before rounding: `[column, bin]`; 128 above the codes.
  private(set) var levels: [Float] = []

  init(_ twin: TwinNetwork, of loaded: LoadedModel, microvoltsPerCount: Float, columnCapacity: Int)
    throws(InvalidNetwork)
  {
    settings = twin.frontEnd.settings
    self.microvoltsPerCount = Double(microvoltsPerCount)
    switch twin.frontEnd {
    case .spectrogram(let settings) where settings.beats != nil: (spectrogram, samples) = (nil, nil)
    case .spectrogram(let settings): (spectrogram, samples) = (ReferenceSpectrogram(settings), nil)
    case .samples(let settings): (spectrogram, samples) = (nil, FloatSamples(settings))
    }
    beats = BeatEncoder(settings, microvoltsPerCount: microvoltsPerCount)
    execution = try FloatExecution(twin.graph)
    windowCodeCount = twin.columnCount * settings.binCount
    let tensor = loaded.model.input
    codes = (Double(Float(bitPattern: tensor.scaleBits)), Double(tensor.zeroPoint))
    input.reserveCapacity(columnCapacity * settings.binCount)
    levels.reserveCapacity(columnCapacity * settings.binCount)
  }

  /// Takes a sample, in counts.
  ///
  /// Returns whether it completed a column.
  func push(_ sample: Int16) -> Bool {
    if let beats {
      beats.push(sample)
      return false
    }
    let microvolts = Double(sample) * microvoltsPerCount
    if let spectrogram {
      guard spectrogram.push(microvolts) else { return false }
      for level in spectrogram.latestColumn {
        levels.append(Float(level))
        input.append(Float(settings.networkInput(ofLevel: level)))
      }
    } else if let value = samples?.push(microvolts) {
      levels.append(
        Float(value / codes.scale + codes.zeroPoint - Double(SpectrogramSettings.zeroLevelCode)))
      input.append(Float(value))
    }
    return true
  }

  /// The newest column's levels.
  var latestLevels: [Double] {
    spectrogram?.latestColumn ?? levels.suffix(settings.binCount).map { Double($0) }
  }

  /// The logits of a beat, where beats are the input.
  ///
  /// - Parameters:
  ///   - age: How many samples ago it was.
  ///   - nextAge: How many the next one was; nil where it hasn't come.
  /// - Returns: The logits.
  func decide(aboutBeat age: Int, nextAge: Int?) -> [Float] {
    guard let beats else { return decide() }
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
  func skip(beat age: Int) { beats.map { $0.skip(beatAt: $0.count - 1 - age) } }

  /// The logits of the window that ends with the newest column.
  func decide() -> [Float] {
    execution.logits(ofWindow: Array(input.suffix(windowCodeCount)))
  }
}

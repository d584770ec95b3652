import ModelFiles
import Networks
import Tasks

/// The float model beside the device: the same counts through a front end and a network in floating point.
final class FloatTwin {
  /// The spectrogram by FFTW in double precision; nil for raw samples.
  let spectrogram: ReferenceSpectrogram?
  private var samples: FloatSamples?
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
    case .spectrogram(let settings): (spectrogram, samples) = (ReferenceSpectrogram(settings), nil)
    case .samples(let settings): (spectrogram, samples) = (nil, FloatSamples(settings))
    }
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

  /// The logits of the window that ends with the newest column.
  func decide() -> [Float] {
    execution.logits(ofWindow: Array(input.suffix(windowCodeCount)))
  }
}

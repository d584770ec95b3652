import Foundation
import Tasks

/// The spectrogram of `SpectrogramSettings` in single precision, for training and for the float twin.
package typealias FloatSpectrogram = Spectrogram<Float>

/// The spectrogram of `SpectrogramSettings` in double precision: what is right.
package typealias ReferenceSpectrogram = Spectrogram<Double>

/// A spectrogram by FFTW, exactly as `SpectrogramSettings` defines it, before rounding.
///
/// A whole signal and the same signal pushed sample by sample give the same bits. An instance owns its
/// buffers and serves one thread at a time.
package final class Spectrogram<Scalar: FourierScalar> {
  /// What is computed.
  package let settings: SpectrogramSettings
  /// The column that was completed last, `[bin]`, as levels in `0...255`; a raw sample's level is its microvolts.
  package private(set) var latestColumn: [Scalar]

  private let window: [Scalar]
  private let transform: FourierTransform<Scalar>
  /// `(2 / (sum(w) floor))^2`: what turns `|X|^2` into `(A / floor)^2`.
  private let powerScale: Scalar
  private let levelsPerLog2Power: Scalar
  /// The levels that raw samples are limited to.
  private let rawLevels: ClosedRange<Scalar>

  // The stream: the filter and the last `windowSamples` samples, doubled so that they are always contiguous.
  private var filter: FloatHighPassFilter<Scalar>
  private var recent: [Scalar]
  private var pushedCount = 0

  /// Creates a spectrogram at rest; the settings must be valid (`SpectrogramSettings.problem` is nil).
  package init(_ settings: SpectrogramSettings) {
    precondition(settings.problem == nil, "invalid spectrogram settings")
    self.settings = settings
    let length = settings.windowSamples
    window = (0..<length).map { n in
      Scalar(0.5 - 0.5 * cos(2 * Double.pi * Double(n) / Double(length)))
    }
    let windowSum = Double(length) / 2
    powerScale = Scalar(pow(2 / (windowSum * settings.floorMicrovolts), 2))
    levelsPerLog2Power = Scalar(settings.codesPerOctave / 2)
    transform = FourierTransform(length: settings.isRawSamples ? 16 : length)
    let unit = settings.levelsPerUnit
    rawLevels =
      Scalar(
        SpectrogramSettings.rawUnits.lowerBound * unit)...Scalar(
        SpectrogramSettings.rawUnits.upperBound * unit)
    latestColumn = [Scalar](repeating: 0, count: settings.binCount)
    filter = FloatHighPassFilter(shift: settings.highPassShift)
    recent = [Scalar](repeating: 0, count: 2 * length)
  }

  /// Takes the next sample of a stream.
  ///
  /// - Returns: Whether it completed a column, which is then in `latestColumn`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func push(_ microvolts: Scalar) -> Bool {
    let length = settings.windowSamples
    let filtered = filter.filter(microvolts)
    let place = pushedCount % length
    recent[place] = filtered
    recent[place + length] = filtered
    pushedCount += 1
    guard pushedCount >= length, (pushedCount - length) % settings.hopSamples == 0 else { return false }
    recent.withUnsafeBufferPointer { recent in
      latestColumn.withUnsafeMutableBufferPointer { column in
        computeColumn(of: recent.baseAddress! + pushedCount % length, into: column.baseAddress!)
      }
    }
    return true
  }

  /// A bin of the column that was completed last, before the logarithm: the window's unscaled transform, in
  /// microvolts; `bin` in `0..<settings.binCount`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func latestSpectrum(at bin: Int) -> (real: Scalar, imaginary: Scalar) {
    precondition(bin >= 0 && bin < settings.binCount, "no such bin")
    let place = transform.output + 2 * (settings.firstBin + bin)
    return (place[0], place[1])
  }

  /// Forgets the stream's past.
  package func reset() {
    filter = FloatHighPassFilter(shift: settings.highPassShift)
    pushedCount = 0
  }

  /// The levels of a whole signal, `[column, bin]`, in `0...255`; the stream is left alone.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func levels(ofMicrovolts signal: [Scalar]) -> [Scalar] {
    let filtered = FloatHighPassFilter.filter(signal, shift: settings.highPassShift)
    let columns = settings.columnCount(sampleCount: signal.count)
    return [Scalar](unsafeUninitializedCapacity: columns * settings.binCount) { levels, count in
      filtered.withUnsafeBufferPointer { filtered in
        if columns > 0 {
          computeColumns(columns, of: filtered.baseAddress!, into: levels.baseAddress!)
        }
      }
      count = columns * settings.binCount
    }
  }

  /// The levels of `count` columns of a signal that has been filtered already, `[column, bin]`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func computeColumns(
    _ count: Int, of filtered: UnsafePointer<Scalar>, into levels: UnsafeMutablePointer<Scalar>
  ) {
    for column in 0..<count {
      computeColumn(
        of: filtered + column * settings.hopSamples, into: levels + column * settings.binCount)
    }
  }

  private func computeColumn(
    of filtered: UnsafePointer<Scalar>, into levels: UnsafeMutablePointer<Scalar>
  ) {
    guard !settings.isRawSamples else {
      levels[0] = min(max(filtered[0], rawLevels.lowerBound), rawLevels.upperBound)
      return
    }
    let input = transform.input
    window.withUnsafeBufferPointer { window in
      for n in 0..<window.count { input[n] = filtered[n] * window[n] }
    }
    transform.execute()
    let firstBin = transform.output + 2 * settings.firstBin
    for bin in 0..<settings.binCount {
      let real = firstBin[2 * bin]
      let imaginary = firstBin[2 * bin + 1]
      let power = (real * real + imaginary * imaginary) * powerScale
      levels[bin] = min(max(levelsPerLog2Power * Scalar.log2(1 + power), 0), 255)
    }
  }
}

import Foundation
import Support

/// Draws training windows: a class by its sampling probability, one of its beats, and its augmentation.
///
/// Every window follows from the seed and the window's number alone, so that windows can be drawn in any order.
struct WindowSampler {
  /// The number of beats too near a record's ends for a window.
  let leftOutCount: Int

  private let window: BeatWindow
  private let options: TrainingOptions
  private let generator: SeededGenerator
  /// The signals after the high-pass filter, which augmentation need not repeat as it is linear.
  private let signals: [[Float]]
  /// The beats by class: the signal's number and the sample.
  private let beats: [[(signal: Int, sample: Int)]]
  /// The classes' probabilities summed up.
  private let cumulativeProbabilities: [Double]
  private let shiftSamples: Int

  /// What one thread needs to draw a window.
  final class Scratch {
    let spectrogram: FloatSpectrogram
    var samples: [Float]

    init(_ window: BeatWindow) {
      spectrogram = FloatSpectrogram(window.settings)
      samples = [Float](repeating: 0, count: window.sampleCount)
    }
  }

  /// Prepares the signals; nil where no beat has a whole window.
  init?(
    _ signals: [LabelledSignal], classCount: Int, window: BeatWindow, options: TrainingOptions
  ) {
    self.window = window
    self.options = options
    generator = SeededGenerator(seed: options.seed)
    shiftSamples = Int((options.shiftSeconds * window.settings.sampleRateHz).rounded())
    self.signals = signals.map {
      HighPassFilter.filter($0.microvolts, shift: window.settings.highPassShift)
    }
    var beats = [[(signal: Int, sample: Int)]](repeating: [], count: classCount)
    var leftOutCount = 0
    for (index, signal) in signals.enumerated() {
      for beat in signal.beats {
        guard signal.microvolts.indices.contains(beat.sample) else {
          leftOutCount += 1
          continue
        }
        let earliest = beat.sample + window.delaySamples - shiftSamples - window.sampleCount + 1
        let latest = beat.sample + window.delaySamples + shiftSamples + window.settings.hopSamples - 1
        if earliest >= 0 && latest < signal.microvolts.count {
          beats[beat.classIndex].append((index, beat.sample))
        } else {
          leftOutCount += 1
        }
      }
    }
    self.beats = beats
    self.leftOutCount = leftOutCount
    let weights = beats.map { $0.isEmpty ? 0 : pow(Double($0.count), options.samplingExponent) }
    var sum = 0.0
    cumulativeProbabilities = weights.map { weight in
      sum += weight
      return sum / weights.reduce(0, +)
    }
    if sum == 0 { return nil }
  }

  /// Writes the inputs `[time, channel]` of the window with a number, and returns its class.
  func drawWindow(_ number: Int, with scratch: Scratch, into inputs: UnsafeMutablePointer<Float>) -> Int {
    var generator = generator.split(number)
    let chance = generator.nextUniform()
    let classIndex =
      cumulativeProbabilities.firstIndex { chance < $0 } ?? beats.lastIndex { !$0.isEmpty } ?? 0
    let beat = beats[classIndex][generator.nextIndex(below: beats[classIndex].count)]
    // On the device the column that a decision waits for ends up to a hop later than it need.
    let phase = generator.nextIndex(below: window.settings.hopSamples)
    let shift = generator.nextIndex(below: 2 * shiftSamples + 1) - shiftSamples
    let gain = Float(exp2(generator.next(in: -options.gainOctaves...options.gainOctaves)))
    let noiseDeviation = Float(options.noiseMicrovolts * pow(generator.nextUniform(), 2))
    let first = beat.sample + window.delaySamples + phase + shift - window.sampleCount + 1
    // Even noise of a standard deviation d spans 2 sqrt(3) d; through the transform it is as good as normal.
    let noiseSpan = noiseDeviation * Float(12).squareRoot()
    for index in scratch.samples.indices {
      let noise = Float(generator.next() >> 40) * 0x1p-24 - 0.5
      scratch.samples[index] = gain * signals[beat.signal][first + index] + noiseSpan * noise
    }
    scratch.samples.withUnsafeBufferPointer { samples in
      scratch.spectrogram.computeColumns(window.columnCount, of: samples.baseAddress!, into: inputs)
    }
    for index in 0..<window.columnCount * window.settings.binCount {
      inputs[index] = window.settings.networkInput(ofLevel: inputs[index])
    }
    return classIndex
  }
}

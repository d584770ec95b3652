import Foundation
import Networks
import Support
import Tasks

/// Draws training inputs of beats: a class, a patient's beat of it, and its augmentation.
///
/// A patient's many beats of a class are drawn less than in proportion. A record's leads are mixed and turned about, beats are found up
/// to 16 ms early or late, and noise and slopes are added in units of the template, so that what is learnt holds for other leads, other
/// detectors and other patients. Every input follows from the seed and its number alone.
package struct BeatSampler {
  /// The beats about which not all samples come.
  package let leftOutCount: Int
  /// The settings, with the figures' means and deviations over the beats.
  package let settings: SpectrogramSettings

  private let options: TrainingOptions
  private let generator: SeededGenerator
  private let pointCount: Int
  /// Where each point lies, from -1 at the first to 1 at the last.
  private let slope: [Float]
  private let records: [Record]
  private let classes: [Class]
  /// The classes' probabilities summed up.
  private let cumulativeProbabilities: [Double]

  /// A record's beats, over and over.
  private struct Record {
    /// `[rendering][lead]`: as found, then with beats early and late.
    var renderings: [[BeatInputs]]
  }

  /// A class's beats.
  fileprivate struct Class {
    var places: [(record: Int, beat: Int)] = []
    /// Their probabilities summed up.
    var cumulative: [Double] = []
  }

  /// The renderings of a record.
  private static let renderingCount = 3
  /// How early or late a beat is found in all renderings but the first, in seconds.
  private static let jitterSeconds = 0.016
  /// What the power of a patient's number of beats is that a beat's probability goes by.
  private static let patientExponent = -0.5

  /// Runs the front end over the records; nil where no beat has all of its samples.
  ///
  /// - Parameters:
  ///   - signals: The leads of the records, those of one record with the same beats.
  ///   - classCount: The number of classes.
  ///   - window: When decisions are made.
  ///   - options: How beats are drawn and changed.
  package init?(
    _ signals: [LabelledSignal], classCount: Int, window: BeatWindow, options: TrainingOptions
  ) {
    self.options = options
    generator = SeededGenerator(seed: options.seed)
    let leads = Self.grouped(signals)
    var window = window
    guard var beats = window.settings.beats else { return nil }
    if beats.figureMeans.isEmpty {
      window.settings.beats = beats.fitted(
        to: leads.map { Self.inputs($0[0], $0[0].beats.map(\.sample), window) })
    }
    settings = window.settings
    // What is known to a device is learnt all the same.
    beats.knownDistance = 0
    window.settings.beats?.knownDistance = 0
    pointCount = beats.pointCount
    slope = Self.slope(beats)
    let jitter = Int((Self.jitterSeconds * settings.sampleRateHz).rounded())
    let (generator, finalWindow) = (generator, window)
    records = leads.enumerated().map { index, signals in
      Record(
        renderings: (0..<Self.renderingCount).map { rendering in
          var random = generator.split(-2 - index * Self.renderingCount - rendering)
          var samples = signals[0].beats.map(\.sample)
          if rendering > 0 {
            for beat in samples.indices { samples[beat] += random.nextIndex(below: 2 * jitter + 1) - jitter }
            // In order, whatever the jitter.
            for beat in samples.indices.dropFirst() {
              samples[beat] = max(samples[beat], samples[beat - 1] + 1)
            }
          }
          return signals.map { Self.inputs($0, samples, finalWindow) }
        })
    }
    var (classes, leftOut) = ([Class](repeating: Class(), count: classCount), 0)
    for (index, signals) in leads.enumerated() {
      // A beat counts where every rendering has it.
      let found = records[index].renderings.map { Set($0[0].beats.map(\.index)) }
      let common = found.dropFirst().reduce(found[0]) { $0.intersection($1) }
      leftOut += (signals[0].beats.count - common.count) * signals.count
      var counts = [Int](repeating: 0, count: classCount)
      for beat in common { counts[signals[0].beats[beat].classIndex] += 1 }
      for beat in common.sorted() {
        let classIndex = signals[0].beats[beat].classIndex
        let weight = pow(Double(counts[classIndex]), Self.patientExponent)
        classes[classIndex].places.append((index, beat))
        classes[classIndex].cumulative.append((classes[classIndex].cumulative.last ?? 0) + weight)
      }
    }
    self.classes = classes
    leftOutCount = leftOut
    let weights = classes.map {
      $0.places.isEmpty ? 0 : pow(Double($0.places.count), options.samplingExponent)
    }
    var sum = 0.0
    cumulativeProbabilities = weights.map { weight in
      sum += weight
      return sum / weights.reduce(0, +)
    }
    if sum == 0 { return nil }
  }

  /// The leads of each record.
  private static func grouped(_ signals: [LabelledSignal]) -> [[LabelledSignal]] {
    var places: [String: Int] = [:]
    var groups: [[LabelledSignal]] = []
    for signal in signals {
      if let place = places[signal.record], groups[place][0].beats == signal.beats {
        groups[place].append(signal)
      } else {
        places[signal.record] = groups.count
        groups.append([signal])
      }
    }
    return groups
  }

  private static func inputs(_ signal: LabelledSignal, _ samples: [Int], _ window: BeatWindow) -> BeatInputs {
    let counts = window.settings.beats?.counts(ofMicrovolts: signal.microvolts) ?? []
    return BeatInputs(counts, beatsAt: samples, window: window)
  }

  /// The points' places in time: coarse ones are two fine ones long.
  private static func slope(_ beats: BeatSettings) -> [Float] {
    var (places, time) = ([Float](), Float(0))
    for index in 0..<beats.pointCount {
      let isFine = index >= beats.earlyPoints && index < beats.earlyPoints + beats.finePoints
      let length: Float = isFine ? 1 : 2
      places.append(time + length / 2)
      time += length
    }
    return places.map { 2 * $0 / time - 1 }
  }

  /// Writes the input with a number, and returns its class.
  package func drawWindow(_ number: Int, into inputs: UnsafeMutablePointer<Float>) -> Int {
    var generator = generator.split(number)
    let chance = generator.nextUniform()
    let classIndex =
      cumulativeProbabilities.firstIndex { chance < $0 } ?? classes.lastIndex { !$0.places.isEmpty } ?? 0
    let place = classes[classIndex].draw(using: &generator)
    let renderings = records[place.record].renderings
    let leads = renderings[generator.nextIndex(below: renderings.count)]
    let row = leads[0].row(ofBeat: place.beat)
    let weights = leadWeights(leads.count, using: &generator)
    var points = [Float](repeating: 0, count: 2 * pointCount)
    for (lead, weight) in zip(leads, weights) where weight != 0 {
      for index in points.indices { points[index] += weight * Float(lead.points[row * points.count + index]) }
    }
    var magnitude: Float = 0
    for index in 0..<pointCount { magnitude += abs(points[index] - points[pointCount + index]) }
    magnitude = max(magnitude / Float(pointCount), 2)
    addNoise(to: &points, unit: magnitude, using: &generator)
    for index in points.indices { inputs[index] = Self.input(8 * points[index] / magnitude) }
    let first = row * leads[0].inputCount + points.count
    for index in 0..<BeatSettings.figureCount {
      let blur = generator.next(in: -0.17...0.17)
      inputs[points.count + index] =
        (Float(leads[0].codes[first + index]) / Float(BeatSettings.codesPerUnit)) + Float(blur)
    }
    return classIndex
  }

  /// A code as the network's input.
  private static func input(_ code: Float) -> Float {
    min(max(code.rounded(), -128), 127) / Float(BeatSettings.codesPerUnit)
  }

  /// One lead, turned about or not, or two mixed.
  private func leadWeights(_ count: Int, using generator: inout SeededGenerator) -> [Float] {
    var weights = [Float](repeating: 0, count: count)
    let first = generator.nextIndex(below: count)
    let mixes = generator.nextUniform() < options.augmentation.leadMixing
    let angle = generator.next(in: 0...2 * Double.pi)
    weights[first] = angle < .pi ? 1 : -1
    guard mixes, count > 1 else { return weights }
    weights[first] = Float(cos(angle))
    weights[(first + 1 + generator.nextIndex(below: count - 1)) % count] = Float(sin(angle))
    return weights
  }

  /// Adds noise and a slope to points and differences alike, in units of the template's mean magnitude.
  private func addNoise(to points: inout [Float], unit: Float, using generator: inout SeededGenerator) {
    let span = Float(generator.nextUniform()) * 0.3 * unit * Float(12).squareRoot()
    let rise = Float(generator.next(in: -0.5...0.5)) * unit
    var mean: Float = 0
    var added = [Float](repeating: 0, count: pointCount)
    for index in 0..<pointCount {
      added[index] = span * (Float(generator.next() >> 40) * 0x1p-24 - 0.5) + rise * slope[index]
      mean += added[index] / Float(pointCount)
    }
    for index in 0..<pointCount {
      points[index] += added[index] - mean
      points[pointCount + index] += added[index] - mean
    }
  }
}

extension BeatSampler.Class {
  fileprivate func draw(using generator: inout SeededGenerator) -> (record: Int, beat: Int) {
    let chance = generator.nextUniform() * (cumulative.last ?? 0)
    var (low, high) = (0, places.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] <= chance { low = middle + 1 } else { high = middle }
    }
    return places[low]
  }
}

extension BeatInputs {
  /// The row of a record's beat, which must be there.
  fileprivate func row(ofBeat index: Int) -> Int {
    var (low, high) = (0, beats.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if beats[middle].index < index { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension BeatSettings {
  /// The same settings with the means and deviations of the figures of some beats, whose codes are 32nds of an octave.
  fileprivate func fitted(to inputs: [BeatInputs]) -> BeatSettings {
    var fitted = self
    let count = Double(max(1, inputs.reduce(0) { $0 + $1.beats.count }))
    for figure in 0..<Self.figureCount {
      var (sum, squares) = (0.0, 0.0)
      for input in inputs {
        for row in input.beats.indices {
          let octaves = Double(input.codes[row * inputCount + 2 * pointCount + figure]) / Self.codesPerUnit
          sum += octaves
          squares += octaves * octaves
        }
      }
      let mean = sum / count
      fitted.figureMeans.append(mean)
      fitted.figureDeviations.append(max(0.05, max(0, squares / count - mean * mean).squareRoot()))
    }
    return fitted
  }
}

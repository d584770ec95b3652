import Foundation
import Networks
import Support
import Tasks

/// Draws training windows: a class by its sampling probability, one of its beats, and its augmentation.
///
/// Every window follows from the seed and the window's number alone, so that windows can be drawn in any order.
package struct WindowSampler {
  /// The number of beats too near a record's ends for a window.
  package let leftOutCount: Int

  private let window: BeatWindow
  private let options: TrainingOptions
  private let generator: SeededGenerator
  /// The signals after the high-pass filter, which augmentation need not repeat as it is linear: `[lead][signal]`.
  private let leads: [[[Float]]]
  /// Those of the first lead.
  private var signals: [[Float]] { leads[0] }
  /// The recorded noise, filtered alike, with a standard deviation of 1.
  private let noises: [[Float]]
  /// The other leads of each signal's record.
  private let otherLeads: [[Int]]
  /// The beats by class.
  private let beats: [[Beat]]
  /// The ventricular beats of each signal, for fusion.
  private let ventricularBeats: [[Int]]
  /// The classes' probabilities summed up.
  private let cumulativeProbabilities: [Double]
  private let shiftSamples: Int
  private let roles: Roles

  private struct Beat {
    var signal: Int
    var sample: Int
    /// The intervals before a beat of a normal rhythm, latest first; empty for every other beat.
    var intervals: [Int] = []
  }

  /// The classes that augmentation turns into one another; nil where the task has none such.
  private struct Roles {
    let normal, supraventricular, ventricular, fusion: Int?

    init(_ classNames: [String]) {
      normal = classNames.firstIndex(of: "N")
      supraventricular = classNames.firstIndex(of: "S") ?? classNames.firstIndex(of: "A")
      ventricular = classNames.firstIndex(of: "V")
      fusion = classNames.firstIndex(of: "F")
    }
  }

  /// What one thread needs to draw a window.
  package final class Scratch {
    let spectrogram: FloatSpectrogram
    /// A window of each lead.
    var samples: [[Float]]
    /// A lead's levels, `[time, bin]`.
    var levels: [Float]

    package init(_ window: BeatWindow) {
      spectrogram = FloatSpectrogram(window.settings)
      samples = [[Float]](
        repeating: [Float](repeating: 0, count: window.sampleCount), count: window.settings.leadCount)
      levels = [Float](repeating: 0, count: window.columnCount * window.settings.binCount)
    }
  }

  /// Prepares the signals and, in microvolts at their rate, recorded noise; nil where no beat has a whole window.
  package init?(
    _ signals: [LabelledSignal], noises: [[Float]] = [], classNames: [String], window: BeatWindow,
    options: TrainingOptions
  ) {
    self.window = window
    self.options = options
    let roles = Roles(window.isByClock ? [] : classNames)
    self.roles = roles
    generator = SeededGenerator(seed: options.seed)
    shiftSamples = Int((options.augmentation.shiftSeconds * window.settings.sampleRateHz).rounded())
    leads = (0..<window.settings.leadCount).map { lead in
      signals.map {
        FloatHighPassFilter.filter(
          lead == 0 ? $0.microvolts : $0.furtherLeads[lead - 1], shift: window.settings.highPassShift)
      }
    }
    self.noises = noises.filter { $0.count > window.sampleCount }.compactMap { noise in
      let filtered = FloatHighPassFilter.filter(noise, shift: window.settings.highPassShift)
      let power = filtered.reduce(0) { $0 + Double($1) * Double($1) } / Double(filtered.count)
      return power > 0 ? filtered.map { $0 / Float(power.squareRoot()) } : nil
    }
    otherLeads = signals.indices.map { index in
      signals.indices.filter {
        $0 != index && signals[$0].record == signals[index].record
          && signals[$0].microvolts.count == signals[index].microvolts.count
      }
    }
    var beats = [[Beat]](repeating: [], count: classNames.count)
    var ventricularBeats = [[Int]](repeating: [], count: signals.count)
    var leftOutCount = 0
    for (index, signal) in signals.enumerated() {
      for (place, beat) in signal.beats.enumerated() {
        guard signal.microvolts.indices.contains(beat.sample) else {
          leftOutCount += 1
          continue
        }
        // A window by the clock need only be there as it is: its shifts stay within the record.
        let reach = window.isByClock ? 0 : shiftSamples
        let phase = window.isByClock ? 0 : window.settings.hopSamples - 1
        let earliest = beat.sample + window.delaySamples - reach - window.sampleCount + 1
        let latest = beat.sample + window.delaySamples + reach + phase
        guard earliest >= 0 && latest < signal.microvolts.count else {
          leftOutCount += 1
          continue
        }
        if beat.classIndex == roles.ventricular { ventricularBeats[index].append(beat.sample) }
        beats[beat.classIndex].append(
          Beat(
            signal: index, sample: beat.sample,
            intervals: Self.normalIntervals(before: place, in: signal.beats, normalClass: roles.normal)))
      }
    }
    self.beats = beats
    self.ventricularBeats = ventricularBeats
    self.leftOutCount = leftOutCount
    let weights = beats.map { $0.isEmpty ? 0 : pow(Double($0.count), options.samplingExponent) }
    var sum = 0.0
    cumulativeProbabilities = weights.map { weight in
      sum += weight
      return sum / weights.reduce(0, +)
    }
    if sum == 0 { return nil }
  }

  private static func normalIntervals(
    before place: Int, in beats: [LabelledSignal.Beat], normalClass: Int?
  ) -> [Int] {
    guard place >= RhythmWarp.beatsBefore else { return [] }
    let rhythm = beats[place - RhythmWarp.beatsBefore...place]
    guard rhythm.allSatisfy({ $0.classIndex == normalClass }) else { return [] }
    return zip(rhythm.dropFirst(), rhythm).map { $0.sample - $1.sample }.reversed()
  }

  /// Writes the inputs `[time, bin, lead]` of the window with a number, and returns its class.
  package func drawWindow(_ number: Int, with scratch: Scratch, into inputs: UnsafeMutablePointer<Float>)
    -> Int
  {
    var generator = generator.split(number)
    let chance = generator.nextUniform()
    var classIndex =
      cumulativeProbabilities.firstIndex { chance < $0 } ?? beats.lastIndex { !$0.isEmpty } ?? 0
    let beat = beats[classIndex][generator.nextIndex(below: beats[classIndex].count)]
    // On the device the column that a decision waits for ends up to a hop later than it need.
    let phase = window.isByClock ? 0 : generator.nextIndex(below: window.settings.hopSamples)
    var shift = generator.nextIndex(below: 2 * shiftSamples + 1) - shiftSamples
    if window.isByClock {
      let room = window.sampleCount - 1 - beat.sample...signals[beat.signal].count - 1 - beat.sample
      shift = min(max(shift, room.lowerBound), room.upperBound)
    }
    let first = window.delaySamples + phase + shift - window.sampleCount + 1
    draw(beat, from: first, into: &scratch.samples, classIndex: &classIndex, using: &generator)
    let leadCount = scratch.samples.count
    let lost = lostLead(of: leadCount, using: &generator)
    for lead in 0..<leadCount {
      addNoise(to: &scratch.samples[lead], using: &generator)
      if let lost, lost.lead == lead {
        for index in scratch.samples[lead].indices { scratch.samples[lead][index] = lost.microvolts }
      }
      scratch.samples[lead].withUnsafeBufferPointer { samples in
        scratch.levels.withUnsafeMutableBufferPointer { levels in
          scratch.spectrogram.computeColumns(
            window.columnCount, of: samples.baseAddress!, into: levels.baseAddress!)
        }
      }
      for (index, level) in scratch.levels.enumerated() {
        inputs[index * leadCount + lead] = window.settings.networkInput(ofLevel: level)
      }
    }
    return classIndex
  }

  /// A lead that the window lacks, and where its converter stands then; nil where it has all.
  ///
  /// Behind a high-pass filter any line is 0.
  private func lostLead(
    of leadCount: Int, using generator: inout SeededGenerator
  ) -> (lead: Int, microvolts: Float)? {
    guard let share = options.augmentation.leadLoss, leadCount > 1, generator.nextUniform() < share else {
      return nil
    }
    let lead = generator.nextIndex(below: leadCount)
    let place = [0, 1, -1][generator.nextIndex(below: 3)]
    // At an end of the converter's range, which lies beyond the input's of four units.
    let end = 4 * Float(window.settings.levelsPerUnit)
    return (lead, window.settings.highPassShift > 0 ? 0 : Float(place) * end)
  }

  /// Writes the samples of a window that begins `first` samples from a beat, with the beat's rhythm, shape and leads
  /// changed as the options say, and the class that it has then.
  ///
  /// Leads that are sampled together keep together: time is changed for all alike, the gain for each.
  private func draw(
    _ beat: Beat, from first: Int, into samples: inout [[Float]], classIndex: inout Int,
    using generator: inout SeededGenerator
  ) {
    let augmentation = options.augmentation
    let length = samples[0].count
    var mixtures = [mixture(of: beat.signal, gain: gain(using: &generator), using: &generator)]
    var pace = exp2(generator.next(in: -1...1) * log2(1 + augmentation.stretch))
    var warp: RhythmWarp?
    if !beat.intervals.isEmpty {
      warp = RhythmWarp(
        intervals: beat.intervals[...], sampleRateHz: window.settings.sampleRateHz,
        augmentation: augmentation,
        using: &generator)
    }
    let earliest = Int((Double(first) * max(pace, 1)).rounded(.down))
    let reach = beat.sample + min(warp?.earliestSource(from: earliest) ?? earliest, earliest) - 2
    if reach < 0 { (warp, pace) = (nil, 1) }
    if Double(beat.sample + 2) + Double(first + length) * pace >= Double(signals[beat.signal].count) {
      pace = 1
    }
    if warp?.isPremature == true, let supraventricular = roles.supraventricular {
      classIndex = supraventricular
    }
    for _ in samples.dropFirst() {
      mixtures.append(Mixture(first: beat.signal, firstWeight: gain(using: &generator)))
    }
    for (lead, mixture) in mixtures.enumerated() {
      // Each walks along the warp from its start.
      var warp = warp
      let signals = leads[lead]
      samples[lead].withUnsafeMutableBufferPointer { samples in
        for index in samples.indices {
          let time = Double(first + index) * pace
          samples[index] = mixture.value(
            signals, at: Double(beat.sample) + (warp?.source(of: time) ?? time))
        }
      }
    }
    let partners = ventricularBeats[beat.signal]
    if classIndex == roles.normal, warp == nil, let fusion = roles.fusion, !partners.isEmpty,
      augmentation.fusion > 0, generator.nextUniform() < augmentation.fusion
    {
      classIndex = fusion
      let partner = partners[generator.nextIndex(below: partners.count)]
      let part = generator.next(in: 0.3...0.7)
      for (lead, mixture) in mixtures.enumerated() {
        blend(
          mixture, of: leads[lead], aroundBeatAt: partner, part: part, pace: pace, first: first,
          into: &samples[lead])
      }
    }
  }

  private func gain(using generator: inout SeededGenerator) -> Float {
    let augmentation = options.augmentation
    let gain = Float(exp2(generator.next(in: -augmentation.gainOctaves...augmentation.gainOctaves)))
    guard let inversion = augmentation.inversion, generator.nextUniform() < inversion else { return gain }
    return -gain
  }

  /// Blends another beat of the signal into the window's beat, from its P wave to the end of its T wave.
  private func blend(
    _ lead: Mixture, of signals: [[Float]], aroundBeatAt sample: Int, part: Double, pace: Double, first: Int,
    into samples: inout [Float]
  ) {
    let rate = window.settings.sampleRateHz
    for index in samples.indices {
      let seconds = Double(first + index) / rate
      let position = Double(sample) + Double(first + index) * pace
      guard seconds > -0.16, seconds < 0.5, position >= 1, position < Double(signals[lead.first].count - 2)
      else { continue }
      let edge = min(seconds + 0.16, 0.5 - seconds) / 0.08
      let weight = Float(edge < 1 ? part * (1 - cos(.pi * edge)) / 2 : part)
      samples[index] += weight * (lead.value(signals, at: position) - samples[index])
    }
  }

  /// One lead, or a weighted sum of two leads of a record.
  private struct Mixture {
    var first: Int
    var firstWeight: Float
    var second: Int?
    var secondWeight: Float = 0

    func value(_ signals: [[Float]], at position: Double) -> Float {
      let value = firstWeight * signals[first].interpolated(at: position)
      guard let second else { return value }
      return value + secondWeight * signals[second].interpolated(at: position)
    }
  }

  private func mixture(of signal: Int, gain: Float, using generator: inout SeededGenerator) -> Mixture {
    let others = otherLeads[signal]
    guard options.augmentation.leadMixing > 0, !others.isEmpty,
      generator.nextUniform() < options.augmentation.leadMixing
    else { return Mixture(first: signal, firstWeight: gain) }
    let angle = generator.next(in: 0...Double.pi)
    return Mixture(
      first: signal, firstWeight: gain * Float(cos(angle)),
      second: others[generator.nextIndex(below: others.count)], secondWeight: gain * Float(sin(angle)))
  }

  /// Adds the noises, each with a standard deviation that is drawn: small ones more often than large ones.
  private func addNoise(to samples: inout [Float], using generator: inout SeededGenerator) {
    let augmentation = options.augmentation
    let rate = window.settings.sampleRateHz
    func deviation(_ largest: Double) -> Float { Float(largest * pow(generator.nextUniform(), 2)) }
    // Even noise of a standard deviation d spans 2 sqrt(3) d; through the transform it is as good as normal.
    func evenNoise(_ span: Float) -> Float { span * (Float(generator.next() >> 40) * 0x1p-24 - 0.5) }
    let whiteSpan = deviation(augmentation.noiseMicrovolts) * Float(12).squareRoot()
    for index in samples.indices { samples[index] += evenNoise(whiteSpan) }
    if augmentation.muscleMicrovolts > 0 {
      let span = deviation(augmentation.muscleMicrovolts) * Float(6).squareRoot()
      var last = evenNoise(span)
      for index in samples.indices {
        let next = evenNoise(span)
        samples[index] += next - last
        last = next
      }
    }
    if augmentation.mainsMicrovolts > 0 {
      let hertz = generator.nextUniform() < 0.5 ? 50.0 : 60.0
      addSine(hertz, deviation(augmentation.mainsMicrovolts))
    }
    if augmentation.wanderMicrovolts > 0 {
      let hertz = generator.next(in: 0.05...0.5)
      // The filter's own response, |1 - z^-1| / |1 - d z^-1|.
      let turn = 2 * Double.pi * hertz / rate
      let shift = window.settings.highPassShift
      let decay = 1 - exp2(-Double(shift))
      let response =
        shift == 0 ? 1 : ((2 - 2 * cos(turn)) / (1 + decay * decay - 2 * decay * cos(turn))).squareRoot()
      addSine(hertz, Float(response) * deviation(augmentation.wanderMicrovolts))
    }
    if augmentation.recordedMicrovolts > 0, !noises.isEmpty {
      let noise = noises[generator.nextIndex(below: noises.count)]
      let start = generator.nextIndex(below: noise.count - samples.count)
      let scale = deviation(augmentation.recordedMicrovolts)
      for index in samples.indices { samples[index] += scale * noise[start + index] }
    }

    func addSine(_ hertz: Double, _ deviation: Float) {
      guard hertz < rate / 2 else { return }
      let amplitude = deviation * Float(2).squareRoot()
      let start = generator.nextUniform()
      for index in samples.indices {
        samples[index] += amplitude * Float(sin(2 * Double.pi * (hertz / rate * Double(index) + start)))
      }
    }
  }
}

extension [Float] {
  /// The value between samples, by Catmull and Rom's spline; positions must be in `1..<count - 2`, or whole.
  fileprivate func interpolated(at position: Double) -> Float {
    let whole = position.rounded(.down)
    let index = Int(whole)
    let part = Float(position - whole)
    if part == 0 { return self[index] }
    let (a, b, c, d) = (self[index - 1], self[index], self[index + 1], self[index + 2])
    return b + 0.5 * part * (c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a)))
  }
}

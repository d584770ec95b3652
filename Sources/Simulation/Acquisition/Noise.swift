import ECG
import Foundation
import Support

/// A noise of a mixture, as it was asked for: `em`, or `em@6` with an SNR of its own.
package struct NoisePart: Equatable, Sendable {
  /// A synthetic kind's name, or the record's path.
  package var name: String
  /// Its own SNR; nil where it shares that of the run.
  package var decibels: Double?

  /// The parts of a mixture, with `+` between them.
  ///
  /// - Returns: The parts; nil where a part has no name or its SNR is no number.
  package static func parts(of mixture: String) -> [NoisePart]? {
    var parts: [NoisePart] = []
    for text in mixture.split(separator: "+", omittingEmptySubsequences: false) {
      let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      let decibels = halves.count == 2 ? Double(halves[1]) : nil
      guard !halves[0].isEmpty, halves.count == 1 || decibels?.isFinite == true else { return nil }
      parts.append(NoisePart(name: String(halves[0]), decibels: decibels))
    }
    return parts
  }

  /// Whether some part of a mixture shares the SNR of the run.
  package static func needsSNR(_ mixture: String) -> Bool {
    parts(of: mixture)?.contains { $0.decibels == nil } ?? false
  }

  /// A mixture in words, without folders: `em + mains50 at 12 dB`.
  static func label(_ mixture: String) -> String {
    (parts(of: mixture) ?? []).map { part in
      let name = (part.name as NSString).lastPathComponent
      return part.decibels.map { "\(name) at \(Numbers.decimal($0, places: $0 == $0.rounded() ? 0 : 1)) dB" }
        ?? name
    }.joined(separator: " + ")
  }
}

/// Noise to add to an ECG: synthetic kinds, recordings such as NSTDB's `bw`, `ma` and `em`, or a mixture of them.
package struct Noise: Sendable {
  /// What it was asked for by.
  package let name: String
  private let sources: [(part: NoisePart, source: NoiseSource)]

  /// Whether all of the noise is computed, not recorded.
  package var isSynthetic: Bool { sources.allSatisfy(\.source.isSynthetic) }

  /// Whether the noise or a part of it goes by a name.
  func isNamed(_ name: String) -> Bool { name == self.name || sources.contains { $0.part.name == name } }

  /// SHA-256 of the files of each recording in it; nil where there is none.
  var recordDigests: [String]? { isSynthetic ? nil : sources.compactMap(\.source.digest) }

  /// Prepares the parts of a mixture: `em`, `em+mains50` or `em@6+mains50@12`, as `NoisePart` reads it.
  ///
  /// - Throws: `FileError` where a record is missing or broken.
  package init(_ mixture: String) throws(FileError) {
    name = mixture
    var sources: [(NoisePart, NoiseSource)] = []
    for part in NoisePart.parts(of: mixture) ?? [NoisePart(name: mixture)] {
      sources.append((part, try NoiseSource(part.name)))
    }
    self.sources = sources
  }

  /// The names of the synthetic kinds.
  package static let syntheticNames = ["mains50", "mains60", "emg", "wander"]

  /// The noise beside an ECG.
  ///
  /// Parts with an SNR of their own come at it. The others are mixed so that each is as large as the next, and their
  /// sum comes at the SNR of the run.
  ///
  /// - Parameters:
  ///   - count: The number of samples.
  ///   - sampleRateHz: Their rate.
  ///   - signalIndex: The ECG's signal in its record: a recording's signal of that number, counted round, is taken.
  ///   - place: The lead's place among the model's, from 0: muscles and wander are each lead's own.
  ///   - qrsAmplitude: The ECG's size, as `NoiseLevel` measures it.
  ///   - decibels: The SNR of the parts without one.
  ///   - generator: Draws what is random.
  /// - Returns: The samples, in the amplitude's unit.
  /// - Throws: `FileError` where the rate is too low for the noise, or a recording has no valid sample or is silent.
  func samples(
    _ count: Int, sampleRateHz: Double, signalIndex: Int, place: Int, qrsAmplitude: Double, decibels: Double?,
    using generator: inout SeededGenerator
  ) throws(FileError) -> [Float] {
    func scaled(_ samples: [Float], to wanted: Double, _ name: String) throws(FileError) -> [Float] {
      guard let size = NoiseLevel.rootMeanSquare(samples, sampleRateHz: sampleRateHz), size > 0 else {
        throw .malformed(name, "is silent or shorter than a second", remedy: "name another noise")
      }
      let scale = Float(wanted / size)
      return samples.map { scale * $0 }
    }
    func add(_ samples: [Float], to sum: inout [Float]) {
      for index in samples.indices { sum[index] += samples[index] }
    }
    var sum = [Float](repeating: 0, count: count)
    var shared = sum
    let sharedCount = sources.count { $0.part.decibels == nil }
    for (part, source) in sources {
      let samples = try source.samples(
        count, sampleRateHz: sampleRateHz, signalIndex: signalIndex, place: place, using: &generator)
      if let own = part.decibels {
        let wanted = NoiseLevel.rootMeanSquare(atDecibels: own, qrsAmplitude: qrsAmplitude)
        add(try scaled(samples, to: wanted, part.name), to: &sum)
      } else if sharedCount > 1 {
        add(try scaled(samples, to: 1, part.name), to: &shared)
      } else {
        shared = samples
      }
    }
    if let decibels, sharedCount > 0 {
      let wanted = NoiseLevel.rootMeanSquare(atDecibels: decibels, qrsAmplitude: qrsAmplitude)
      add(try scaled(shared, to: wanted, name), to: &sum)
    }
    return sum
  }
}

/// A synthetic kind of noise, or a recording.
private struct NoiseSource: Sendable {
  let name: String
  private let kind: Kind

  private enum Kind: Sendable {
    case mains(hertz: Double)
    case muscle
    case wander
    case recorded(Record)
  }

  /// SHA-256 of a recording's files.
  let digest: String?

  var isSynthetic: Bool {
    if case .recorded = kind { return false }
    return true
  }

  /// Prepares a synthetic kind, or reads a record of noise.
  ///
  /// - `mains50` and `mains60` are a sine of 50 or 60 Hz, its phase drawn.
  /// - `emg` is white noise between 20 and 150 Hz, through Butterworth filters of second order.
  /// - `wander` is the sum of eight sines, their frequencies drawn from 0.05 to 0.5 Hz.
  ///
  /// - Throws: `FileError` where the record is missing or broken.
  init(_ name: String) throws(FileError) {
    self.name = name
    digest = Noise.syntheticNames.contains(name) ? nil : RecordDigest.hexadecimal(of: name)
    switch name {
    case "mains50": kind = .mains(hertz: 50)
    case "mains60": kind = .mains(hertz: 60)
    case "emg": kind = .muscle
    case "wander": kind = .wander
    default:
      do throws(FileError) {
        kind = .recorded(try Record.load(name))
      } catch {
        var error = error
        if error.kind == .missing {
          error.remedy = "name a record of noise, or one of: \(Noise.syntheticNames.joined(separator: ", "))"
        }
        throw error
      }
    }
  }

  /// A stretch of the noise, of any amplitude.
  ///
  /// A recording starts at a sample that is drawn and goes on from its start after its end, shifted there so that
  /// it doesn't jump.
  ///
  /// - Parameters:
  ///   - count: The number of samples.
  ///   - sampleRateHz: Their rate.
  ///   - signalIndex: The ECG's signal in its record: a recording's signal of that number, counted round, is taken.
  ///   - place: The lead's place among the model's, from 0.
  ///   - generator: Draws what is random.
  /// - Returns: The samples.
  /// - Throws: `FileError` where the rate is too low for the noise, or the recording has no valid sample.
  func samples(
    _ count: Int, sampleRateHz: Double, signalIndex: Int, place: Int, using generator: inout SeededGenerator
  ) throws(FileError) -> [Float] {
    // What is a lead's own draws for itself, and leaves to what comes after the same numbers in every lead.
    var own = generator.split(place)
    switch kind {
    case .mains(let hertz):
      guard sampleRateHz >= 2.4 * hertz else {
        throw .malformed(
          name, "is above what a record of \(Numbers.decimal(sampleRateHz, places: 0)) Hz holds",
          remedy: "use a record of at least \(Numbers.decimal(2.4 * hertz, places: 0)) Hz")
      }
      return Self.sine(count, cyclesPerSample: hertz / sampleRateHz, phase: generator.nextUniform())
    case .wander:
      let common = Self.wander(count, sampleRateHz: sampleRateHz, using: &generator)
      return place == 0 ? common : Self.wander(count, sampleRateHz: sampleRateHz, using: &own)
    case .muscle:
      let common = Self.muscle(count, sampleRateHz: sampleRateHz, using: &generator)
      return place == 0 ? common : Self.muscle(count, sampleRateHz: sampleRateHz, using: &own)
    case .recorded(let record):
      return try recorded(
        record.signals[signalIndex % record.signals.count], count, sampleRateHz, using: &generator)
    }
  }

  private func recorded(
    _ signal: Signal, _ count: Int, _ sampleRateHz: Double, using generator: inout SeededGenerator
  ) throws(FileError) -> [Float] {
    let recording: [Float]
    do throws(FileError) {
      recording = try signal.millivolts(atRateHz: sampleRateHz)
    } catch {
      var error = error
      error.file = name
      throw error
    }
    guard recording.count > 1, signal.invalidSampleCount < signal.samples.count else {
      throw .malformed(name, "has no valid sample in \(signal.name)", remedy: "name another record of noise")
    }
    var place = generator.nextIndex(below: recording.count)
    var shift = -recording[place]
    var last: Float = 0
    return (0..<count).map { _ in
      if place == recording.count {
        place = 0
        shift = last - recording[0]
      }
      last = recording[place] + shift
      place += 1
      return last
    }
  }

  private static func wander(
    _ count: Int, sampleRateHz: Double, using generator: inout SeededGenerator
  ) -> [Float] {
    var sum = [Float](repeating: 0, count: count)
    for _ in 0..<8 {
      let frequency = generator.next(in: 0.05...0.5) / sampleRateHz
      let wave = sine(count, cyclesPerSample: frequency, phase: generator.nextUniform())
      for index in sum.indices { sum[index] += wave[index] }
    }
    return sum
  }

  private static func muscle(
    _ count: Int, sampleRateHz: Double, using generator: inout SeededGenerator
  ) -> [Float] {
    var highPass = SecondOrderFilter(highPassAt: 20 / sampleRateHz)
    var lowPass = sampleRateHz > 2.2 * 150 ? SecondOrderFilter(lowPassAt: 150 / sampleRateHz) : nil
    return (0..<count).map { _ in
      let value = highPass(generator.next(in: -1...1))
      return Float(lowPass?(value) ?? value)
    }
  }

  private static func sine(_ count: Int, cyclesPerSample: Double, phase: Double) -> [Float] {
    (0..<count).map { index in
      let cycles = Double(index) * cyclesPerSample + phase
      return Float(sin(2 * Double.pi * (cycles - cycles.rounded())))
    }
  }
}

/// A Butterworth filter of second order, by the bilinear transform; frequencies are shares of the sampling rate.
private struct SecondOrderFilter {
  private let b: (Double, Double, Double)
  private let a: (Double, Double)
  private var state = (0.0, 0.0)

  init(lowPassAt frequency: Double) {
    self.init(frequency) { k in (k * k, 2 * k * k, k * k) }
  }

  init(highPassAt frequency: Double) {
    self.init(frequency) { _ in (1, -2, 1) }
  }

  private init(_ frequency: Double, _ numerator: (Double) -> (Double, Double, Double)) {
    let k = tan(Double.pi * frequency)
    let scale = 1 / (1 + 2.0.squareRoot() * k + k * k)
    let terms = numerator(k)
    b = (terms.0 * scale, terms.1 * scale, terms.2 * scale)
    a = (2 * (k * k - 1) * scale, (1 - 2.0.squareRoot() * k + k * k) * scale)
  }

  mutating func callAsFunction(_ input: Double) -> Double {
    let output = b.0 * input + state.0
    state = (b.1 * input - a.0 * output + state.1, b.2 * input - a.1 * output)
    return output
  }
}

import Foundation
import Support

/// How the ventricles are excited, which gives the QRS complex its shape.
package enum ConductionPattern: String, CaseIterable, Sendable, Codable {
  /// A normal, narrow complex.
  case normal
  /// A left bundle branch block: one broad, notched or slurred wave to the left and back.
  case lbbb
  /// A right bundle branch block: a normal start and a slow end to the right and front.
  case rbbb
  /// An intraventricular conduction delay of no bundle's shape.
  case ivcd
  /// Pacing of the right ventricle: a spike, and a broad wave to the left and up.
  case paced
}

/// A synthetic resting ECG of twelve leads.
///
/// As in ECGSYN (McSharry and others, IEEE Trans. Biomed. Eng. 50 (2003) 289) each wave is a Gaussian on the heart's
/// cycle, the intervals between beats vary with respiration and blood pressure, and the baseline with respiration.
/// Here the waves are those of the heart's vector, which Dower's matrix turns into leads (Dower and others, J.
/// Electrocardiol. 13 (1980) 335). P and T waves move with the square root of the interval, while the QRS complex has
/// its duration in milliseconds whatever the rate.
package struct SyntheticECG: Sendable {
  /// The QRS complex's shape.
  package var pattern = ConductionPattern.normal
  /// The QRS complex's duration, as a delineator measures it that was fitted to cardiologists' boundaries: from 13.5 ms
  /// before the place where the first Gaussian has 5 % of its height, 2.45 standard deviations from its middle, to as
  /// long after the last one's.
  package var qrsDurationMs = 91.0
  /// The QRS area: the length of the heart's vector, integrated over the complex.
  package var qrsAreaMicrovoltSeconds = 40.0
  /// The mean heart rate, beats a minute.
  package var heartRate = 70.0
  /// The standard deviation of the intervals between beats.
  package var intervalDeviationMs = 25.0
  /// Breaths a second.
  package var respirationHz = 0.25
  /// The amplitude of the baseline's wander, in millivolts.
  package var wanderMillivolts = 0.1
  /// The muscles' noise, root mean square, in microvolts.
  package var muscleMicrovolts = 15.0
  /// The mains' amplitude, in microvolts.
  package var mainsMicrovolts = 10.0
  /// The mains' frequency.
  package var mainsHz = 50.0
  /// The length.
  package var durationSeconds = 10.0
  /// The sampling rate.
  package var sampleRateHz = 500.0

  /// Creates a normal ECG.
  package init() {}

  /// The leads' names, in the usual order.
  package static let leadNames = [
    "I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6",
  ]

  /// Dower's matrix for I, II and V1 to V6 from the heart's vector: left, foot, back.
  private static let dower: [SIMD3<Double>] = [
    [0.632, -0.235, 0.059], [0.235, 1.066, -0.132], [-0.515, 0.157, -0.917], [0.044, 0.164, -1.387],
    [0.882, 0.098, -1.277], [1.213, 0.127, -0.601], [1.125, 0.127, -0.086], [0.831, 0.076, 0.230],
  ]

  /// The ECG as a record, and the samples of the middles of its QRS complexes.
  ///
  /// Its comments say that it is synthetic.
  ///
  /// - Parameters:
  ///   - name: The record's name.
  ///   - generator: Draws what is random: the shape's variation, the intervals and the noise.
  /// - Returns: The record of twelve leads in microvolts, and the beats.
  package func record(
    name: String, using generator: inout SeededGenerator
  ) -> (record: Record, beats: [Int]) {
    let count = Int((durationSeconds * sampleRateHz).rounded())
    let waves = QRSShape(self, &generator)
    let beats = beatTimes(&generator)
    var vector = [SIMD3<Double>](repeating: .zero, count: count)
    for (time, interval) in beats { add(waves, at: time, interval: interval, to: &vector, &generator) }

    var leads = Self.dower.map { row in vector.map { ($0 * row).sum() } }
    for index in leads.indices { addNoise(to: &leads[index], &generator) }
    let (one, two) = (leads[0], leads[1])
    let limbs = [
      one, two, zip(one, two).map { $1 - $0 }, zip(one, two).map { -($0 + $1) / 2 },
      zip(one, two).map { $0 - $1 / 2 }, zip(one, two).map { $1 - $0 / 2 },
    ]
    let signals = zip(Self.leadNames, limbs + leads[2...]).map { leadName, millivolts in
      var specification = SignalSpecification()
      specification.name = leadName
      specification.gain = 1000
      specification.adcResolutionBits = 16
      let samples = millivolts.map { Int32(min(max(($0 * 1000).rounded(), -32_767), 32_767)) }
      specification.initialValue = Int(samples.first ?? 0)
      return Signal(specification, sampleRateHz: sampleRateHz, samples: samples)
    }
    let record = Record(
      name: name, sampleRateHz: sampleRateHz, sampleCount: count, signals: signals,
      comments: ["synthetic ECG, computed by QuantInfer; no person's"])
    let places = beats.map { Int(($0.time * sampleRateHz).rounded()) }.filter { (0..<count).contains($0) }
    return (record, places)
  }

  /// The beats' times and the intervals before them, a little beyond both ends.
  ///
  /// The intervals vary as two bands of sines, of blood pressure at 0.1 Hz and of respiration.
  private func beatTimes(_ generator: inout SeededGenerator) -> [(time: Double, interval: Double)] {
    let waves = [0.1, respirationHz].flatMap { center in
      (0..<4).map { _ in
        (hertz: center + 0.01 * generator.nextGaussian(), phase: generator.next(in: 0...(2 * .pi)))
      }
    }
    // Eight sines of amplitude a have a variance of 4 a^2.
    let amplitude = intervalDeviationMs / 1000 / 2
    var time = -1 - generator.nextUniform()
    var beats: [(Double, Double)] = []
    while time < durationSeconds + 1 {
      let variation = waves.reduce(0) { $0 + amplitude * sin(2 * .pi * $1.hertz * time + $1.phase) }
      let interval = min(max(60 / heartRate + variation, 0.35), 3)
      time += interval
      beats.append((time, interval))
    }
    return beats
  }

  private func add(
    _ shape: QRSShape, at time: Double, interval: Double, to vector: inout [SIMD3<Double>],
    _ generator: inout SeededGenerator
  ) {
    // Breathing turns and moves the heart: a few per cent of the amplitude.
    let gain = 1 + 0.04 * sin(2 * .pi * respirationHz * time) + 0.01 * generator.nextGaussian()
    for wave in shape.waves(interval: interval) {
      let center = (time + wave.seconds) * sampleRateHz
      let width = wave.width * sampleRateHz
      let first = max(0, Int((center - 6 * width).rounded(.up)))
      let last = min(vector.count - 1, Int((center + 6 * width).rounded(.down)))
      guard first <= last else { continue }
      for index in first...last {
        let distance = (Double(index) - center) / width
        vector[index] += gain * exp(-distance * distance / 2) * wave.vector
      }
    }
    if pattern == .paced {
      // The stimulus, 2 ms wide, at the complex's onset.
      let first = Int(((time - qrsDurationMs / 2000) * sampleRateHz).rounded())
      for index in first..<first + max(1, Int(0.002 * sampleRateHz)) where vector.indices.contains(index) {
        vector[index] += [0.12, -0.24, 0.06]
      }
    }
  }

  private func addNoise(to lead: inout [Double], _ generator: inout SeededGenerator) {
    let phases = (0..<3).map { _ in generator.next(in: 0...(2 * .pi)) }
    let slowHz = generator.next(in: 0.05...0.15)
    let wander = wanderMillivolts * generator.next(in: 0.5...1)
    let mains = mainsMicrovolts / 1000 * generator.next(in: 0.5...1)
    // White noise less its mean over 1/20 s, which takes away what is below some 20 Hz.
    let length = max(2, Int(sampleRateHz / 20))
    let white = (0..<lead.count + length).map { _ in generator.nextGaussian() }
    var sum = white[..<length].reduce(0, +)
    for index in lead.indices {
      let time = Double(index) / sampleRateHz
      let muscle = white[index + length / 2] - sum / Double(length)
      sum += white[index + length] - white[index]
      func sine(_ hertz: Double, _ phase: Double) -> Double { sin(2 * .pi * hertz * time + phase) }
      lead[index] += wander * (0.6 * sine(respirationHz, phases[0]) + 0.4 * sine(slowHz, phases[1]))
      lead[index] += mains * sine(mainsHz, phases[2]) + muscleMicrovolts / 1000 * muscle
    }
  }
}

/// A Gaussian wave of the heart's vector, after the middle of the QRS complex.
private struct Wave {
  var seconds: Double
  /// The standard deviation in seconds.
  var width: Double
  /// The vector in millivolts: left, foot, back.
  var vector: SIMD3<Double>
}

/// The waves of one heart's beats.
private struct QRSShape {
  private var qrs: [Wave]
  private let pWave: SIMD3<Double>?
  private let tWave: SIMD3<Double>
  private let halfDuration: Double

  /// Half the width of a Gaussian in standard deviations: at its edge 5 % of its height are left.
  private static let edge = 2.45
  /// What the boundaries lie further out than that edge.
  private static let footMs = 13.5

  init(_ ecg: SyntheticECG, _ generator: inout SeededGenerator) {
    // From the outermost Gaussians' 5 % to 5 %.
    let duration = max(ecg.qrsDurationMs - 2 * Self.footMs, 30) / 1000
    halfDuration = ecg.qrsDurationMs / 2000
    var parts = Self.parts(of: ecg.pattern, &generator)
    // No two hearts lie alike.
    for index in parts.indices {
      let turn = SIMD3(generator.nextGaussian(), generator.nextGaussian(), generator.nextGaussian())
      parts[index].vector += 0.1 * turn
    }
    var area: SIMD3<Double> = .zero
    for part in parts {
      let integral = (2 * Double.pi).squareRoot() * part.width * duration
      area += integral * part.vector
    }
    let length = (area * area).sum().squareRoot()
    // Parts that nearly cancel would need an amplitude that no heart has.
    let scale = min(ecg.qrsAreaMicrovoltSeconds / 1000 / max(length, 1e-6), 6)
    qrs = parts.map {
      Wave(seconds: $0.center * duration, width: $0.width * duration, vector: scale * $0.vector)
    }
    let p: SIMD3<Double> = [0.06, 0.12, 0.02]
    pWave = ecg.pattern == .paced ? nil : p * generator.next(in: 0.7...1.3)
    // The T wave of a wide complex points away from it.
    let height = generator.next(in: 0.2...0.35)
    let upright: SIMD3<Double> = [0.8, 0.6, -0.3]
    let opposite = -min(1, scale) / max(length, 1e-6) * area
    tWave = height * (ecg.pattern == .normal ? upright : opposite)
  }

  /// A Gaussian part of the complex: its middle and its standard deviation in shares of the complex's duration, from
  /// the complex's middle, and its vector.
  private struct Part {
    var center: Double
    var width: Double
    var vector: SIMD3<Double>

    init(at center: Double, width: Double, _ x: Double, _ y: Double, _ z: Double) {
      (self.center, self.width, vector) = (center, width, SIMD3(x, y, z))
    }

    /// The part that starts the complex, or ends it.
    static func outer(isLast: Bool, width: Double, _ x: Double, _ y: Double, _ z: Double) -> Part {
      let center = 0.5 - QRSShape.edge * width
      return Part(at: isLast ? center : -center, width: width, x, y, z)
    }
  }

  private static func parts(
    of pattern: ConductionPattern, _ generator: inout SeededGenerator
  ) -> [Part] {
    switch pattern {
    case .normal:
      return [
        .outer(isLast: false, width: 0.09, -0.12, -0.05, -0.3), Part(at: 0, width: 0.11, 1, 0.7, 0.3),
        .outer(isLast: true, width: 0.09, -0.15, -0.1, 0.45),
      ]
    case .lbbb:
      // Two equal waves k standard deviations from the middle: a slur at 1.1, a deep notch at 1.6.
      let width = 0.5 / (generator.next(in: 1.1...1.6) + edge)
      return [
        .outer(isLast: false, width: width, 0.95, 0.35, 0.4), .outer(isLast: true, width: width, 1, 0, 0.7),
      ]
    case .paced:
      // From the right ventricle's apex: left at first, then up and back.
      let width = 0.5 / (1.1 + edge)
      return [
        .outer(isLast: false, width: width, 0.8, -0.5, 0),
        .outer(isLast: true, width: width, 0.3, -1, 0.8),
      ]
    case .rbbb:
      return [
        .outer(isLast: false, width: 0.05, -0.1, 0.05, -0.3),
        Part(at: -0.22, width: 0.08, 0.6, 0.5, 0.25),
        .outer(isLast: true, width: 0.139, -0.9, -0.1, -0.9),
      ]
    case .ivcd:
      return [
        .outer(isLast: false, width: 0.16, 0.9, 0.5, 0.2),
        .outer(isLast: true, width: 0.12, 0.35, 0.4, 0.1),
      ]
    }
  }

  /// A beat's waves; an interval of a second leaves P and T as they are.
  func waves(interval: Double) -> [Wave] {
    let stretch = interval.squareRoot()
    var waves = qrs
    if let pWave {
      waves.append(
        Wave(seconds: -halfDuration - 0.11 * stretch, width: 0.018 * stretch, vector: pWave))
    }
    waves.append(
      Wave(seconds: halfDuration + 0.2 * stretch, width: 0.045 * stretch, vector: tWave))
    return waves
  }
}

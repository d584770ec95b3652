import Foundation

/// An ECG's and a noise's size, whose ratio is the SNR as PhysioNet's `nst` defines it.
///
/// The signal's size is the QRS complexes' amplitude from peak to peak within 50 ms of each beat; the noise's is its
/// root mean square over windows of a second, each without its mean. Of both the trimmed mean is taken, without the
/// least and the greatest twentieth. The SNR is that of a sine of the QRS's amplitude: `20 log10(qrs / (sqrt(8) rms))`.
/// As each window's mean is left out, wander slower than a second counts for little.
///
/// `nst` measures the first 300 beats and the first 300 windows of the recording of noise. Here all beats count, and
/// all windows of the stretch that is added, so that the SNR is that of the run.
package enum NoiseLevel {
  /// The QRS complexes' amplitude from peak to peak.
  ///
  /// - Parameters:
  ///   - samples: The ECG.
  ///   - beats: The beats' samples.
  ///   - sampleRateHz: The rate of both.
  /// - Returns: The amplitude in the samples' unit; nil without a beat within the signal.
  package static func qrsAmplitude(_ samples: [Float], beats: [Int], sampleRateHz: Double) -> Double? {
    let reach = max(1, Int((0.05 * sampleRateHz).rounded()))
    return trimmedMean(
      beats.filter { $0 >= reach && $0 < samples.count - reach }.map { beat in
        var (least, greatest) = (samples[beat], samples[beat])
        for sample in samples[beat - reach...beat + reach] {
          least = min(least, sample)
          greatest = max(greatest, sample)
        }
        return Double(greatest) - Double(least)
      })
  }

  /// The noise's root mean square, in the samples' unit; nil where it is shorter than a second.
  package static func rootMeanSquare(_ samples: [Float], sampleRateHz: Double) -> Double? {
    let length = max(1, Int(sampleRateHz.rounded()))
    return trimmedMean(
      stride(from: 0, through: samples.count - length, by: length).map { start in
        var (sum, squares) = (0.0, 0.0)
        for sample in samples[start..<start + length] { sum += Double(sample) }
        let mean = sum / Double(length)
        for sample in samples[start..<start + length] {
          squares += (Double(sample) - mean) * (Double(sample) - mean)
        }
        return (squares / Double(length)).squareRoot()
      })
  }

  /// The SNR in decibels of a noise beside QRS complexes.
  package static func decibels(qrsAmplitude: Double, noiseRootMeanSquare: Double) -> Double {
    20 * log10(qrsAmplitude / (8.0.squareRoot() * noiseRootMeanSquare))
  }

  /// The noise's root mean square at an SNR in decibels beside QRS complexes.
  package static func rootMeanSquare(atDecibels decibels: Double, qrsAmplitude: Double) -> Double {
    qrsAmplitude / (8.0.squareRoot() * pow(10, decibels / 20))
  }

  private static func trimmedMean(_ values: [Double]) -> Double? {
    let kept = values.sorted().dropFirst(values.count / 20).dropLast(values.count / 20)
    return kept.isEmpty ? nil : kept.reduce(0, +) / Double(kept.count)
  }
}

import Foundation
import Support

/// What of an electrode's offset and slow wander comes through to the amplifier.
///
/// Every implant and recorder couples its electrodes by a capacitor: a high pass of first order. It starts charged with
/// the first second's median, as that of a device that has long been on.
package enum Coupling: Equatable, Sendable {
  /// A constant offset beyond `Lead.greatestOffsetMillivolts` is taken off, and one that wanders goes through a high
  /// pass at `usualHertz`; all else comes through as recorded.
  case automatic
  /// All comes through as recorded.
  case direct
  /// A high pass of first order with this corner.
  case highPass(hertz: Double)

  /// The corner of a front end for diagnosis, by which slow waves keep their shape.
  package static let usualHertz = 0.05
  /// The corners that can be asked for.
  package static let hertzRange = 0.001...20.0

  /// The coupling of a setting: nil is automatic, 0 is direct, and any other number a corner.
  package init(setting hertz: Double?) {
    switch hertz {
    case nil: self = .automatic
    case 0?: self = .direct
    case let hertz?: self = .highPass(hertz: hertz)
    }
  }

  /// The corner of the high pass; nil where there is none for sure.
  package var hertz: Double? { if case .highPass(let hertz) = self { hertz } else { nil } }

  /// The coupling in words; nil for the automatic one.
  package var text: String? {
    switch self {
    case .automatic: nil
    case .direct: "coupled directly"
    case .highPass(let hertz): "coupled from \(Numbers.decimal(hertz, places: 3)) Hz on"
    }
  }

  /// A signal behind a high pass of first order, by the bilinear transform: its gain is 1 at high frequencies, and 3 dB
  /// less at the corner.
  ///
  /// - Parameters:
  ///   - samples: The signal, in any unit.
  ///   - hertz: The corner; below half the rate.
  ///   - sampleRateHz: The rate.
  /// - Returns: The samples that come through.
  package static func highPassed(_ samples: [Float], hertz: Double, sampleRateHz: Double) -> [Float] {
    let warped = tan(Double.pi * hertz / sampleRateHz)
    let (gain, decay) = (1 / (1 + warped), (1 - warped) / (1 + warped))
    let firstSecond = samples.prefix(max(1, Int(min(sampleRateHz, 1e6)))).sorted()
    var previous = firstSecond.isEmpty ? 0 : Double(firstSecond[firstSecond.count / 2])
    var output = 0.0
    return samples.map { sample in
      output = decay * output + gain * (Double(sample) - previous)
      previous = Double(sample)
      return Float(output)
    }
  }
}

extension Lead {
  /// Beyond this an ECG lies about an offset, which front ends' coupling keeps away from the converter.
  static let greatestOffsetMillivolts: Float = 2
  /// An offset that leaves this about its median for more than a twentieth of the time would saturate a converter of
  /// 10 mV.
  static let greatestWanderMillivolts: Float = 4

  /// A lead's samples behind its coupling, and what there is to say of it.
  static func coupled(
    _ millivolts: [Float], by coupling: Coupling, sampleRateHz: Double
  ) -> (millivolts: [Float], note: String?) {
    switch coupling {
    case .direct: return (millivolts, nil)
    case .highPass(let hertz):
      return (Coupling.highPassed(millivolts, hertz: hertz, sampleRateHz: sampleRateHz), nil)
    case .automatic: break
    }
    let share = shareOfWander(millivolts, sampleRateHz: sampleRateHz)
    if share > 0.05 {
      return (
        Coupling.highPassed(millivolts, hertz: Coupling.usualHertz, sampleRateHz: sampleRateHz),
        "its offset wanders by more than \(Numbers.decimal(Double(greatestWanderMillivolts), places: 0)) mV for "
          + "\(Numbers.percent(share)) of its time: it was taken through a coupling of "
          + "\(Numbers.decimal(Coupling.usualHertz, places: 2)) Hz, as a device's input has"
      )
    }
    guard let offset = median(millivolts), abs(offset) > greatestOffsetMillivolts else {
      return (millivolts, nil)
    }
    return (
      millivolts.map { $0 - offset },
      "its median of \(Numbers.decimal(Double(offset), places: 2)) mV, an electrode's offset, was taken off as AC "
        + "coupling does"
    )
  }

  /// The part of stretches of two seconds whose median lies far from the median of all.
  private static func shareOfWander(_ millivolts: [Float], sampleRateHz: Double) -> Double {
    let length = max(1, Int(min(2 * sampleRateHz, 1e9)))
    let medians = stride(from: 0, to: millivolts.count, by: length).map { start -> Float in
      let stretch = millivolts[start..<min(start + length, millivolts.count)].sorted()
      return stretch[stretch.count / 2]
    }
    guard let middle = median(millivolts), !medians.isEmpty else { return 0 }
    return Double(medians.count { abs($0 - middle) > greatestWanderMillivolts }) / Double(medians.count)
  }

  /// The median of up to 10,000 samples spread over the recording; nil without samples.
  private static func median(_ samples: [Float]) -> Float? {
    let some = stride(from: 0, to: samples.count, by: max(1, samples.count / 10_000)).map { samples[$0] }
    return some.isEmpty ? nil : some.sorted()[some.count / 2]
  }
}

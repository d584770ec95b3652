import ECG
import Foundation
import Support
import Testing

/// MIT-BIH's records without paced ones, by name: two leads of 20 seconds with a beat every 0.8 s, whose four
/// classes differ in amplitude and width.
enum SyntheticRecords {
  /// The beats of a record.
  static let beats = 23
  /// Those that have a whole window: at 128 Hz it is 43 columns of 32 samples every 8, that is 368 samples, and
  /// ends at least 90 samples (0.7 s) after the beat: the first two beats, at 102 and 205 samples, come too early.
  static let wholeWindowBeats = 21

  private static let sampleRateHz = 360.0
  private static let kinds: [(code: String, millivolts: Double, seconds: Double)] = [
    ("N", 1, 0.015), ("A", 0.3, 0.015), ("V", -1.5, 0.06), ("F", 0.6, 0.06),
  ]

  static func write(
    _ names: [String] = MITBIH.ds1 + MITBIH.ds2, leads: [String] = ["MLII", "V1"], to folder: String,
    seed: UInt64
  ) throws {
    for (number, name) in names.enumerated() {
      var generator = SeededGenerator(seed: seed).split(number)
      let places = (0..<beats).map { Int((0.8 * Double($0 + 1) * sampleRateHz).rounded()) }
      let classes = places.map { _ in generator.nextIndex(below: kinds.count) }
      var millivolts = (0..<7_200).map { _ in generator.next(in: -0.01...0.01) }
      for (place, index) in zip(places, classes) {
        let width = kinds[index].seconds * sampleRateHz
        for sample in max(0, place - 90)..<min(millivolts.count, place + 90) {
          millivolts[sample] += kinds[index].millivolts * exp(-0.5 * pow(Double(sample - place) / width, 2))
        }
      }
      let signals = leads.enumerated().map { lead, leadName in
        var specification = SignalSpecification()
        specification.name = leadName
        let gain = lead == 0 ? 200.0 : 160.0
        return Signal(
          specification, sampleRateHz: sampleRateHz,
          samples: millivolts.map { Int32(($0 * gain).rounded()) })
      }
      let record = Record(
        name: name, sampleRateHz: sampleRateHz, sampleCount: millivolts.count, signals: signals)
      try record.write(folder + "/" + name)
      let labels = try zip(places, classes).map { place, index in
        Annotation(sample: place, code: try #require(AnnotationCode(mnemonic: kinds[index].code)))
      }
      try Annotations(labels).write(folder + "/" + name)
    }
  }
}

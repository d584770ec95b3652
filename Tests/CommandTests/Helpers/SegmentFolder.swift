import Foundation
import Support

/// A folder of labelled segments, one CSV file each: a lead of 6 s at 250 Hz, of three classes that differ in rate and
/// width of their complexes, a manifest of it, and the task.
struct SegmentFolder {
  /// The class, its complexes' rate in hertz and width in seconds.
  private static let kinds = [("slow", 1.1, 0.012), ("fast", 3.0, 0.012), ("wide", 3.0, 0.07)]

  let folder: String

  /// Writes `count` segments of a third as many patients.
  init(_ folder: String, count: Int, seed: UInt64 = 1) throws {
    self.folder = folder
    try Files.makeFolder(folder)
    var rows = "record,patient,split,label,sample_rate_hz\n"
    for number in 0..<count {
      var generator = SeededGenerator(seed: seed).split(number)
      let (label, hertz, width) = Self.kinds[number % Self.kinds.count]
      // Three segments a patient, one of each class; a quarter of the patients for tests.
      let patient = number / Self.kinds.count
      let pace = hertz * generator.next(in: 0.9...1.1)
      let gain = generator.next(in: 0.7...1.4)
      let start = generator.nextUniform()
      let samples = (0..<1500).map { sample in
        let phase = (Double(sample) / 250 * pace + start).truncatingRemainder(dividingBy: 1) - 0.5
        let complex = gain * exp(-0.5 * pow(phase / pace / width, 2))
        return String(format: "%.4f", complex + generator.next(in: -0.02...0.02))
      }
      let name = String(format: "segment-%03d.csv", number)
      try Files.write("II (mV)\n" + samples.joined(separator: "\n") + "\n", to: folder + "/" + name)
      rows += "\(name),p\(patient),\(patient % 4 == 3 ? "test" : "training"),\(label),250\n"
    }
    try Files.write(rows, to: folder + "/labels.csv")
    try Files.write(Self.task, to: task)
  }

  var task: String { folder + "/shapes.json" }

  private static let task = """
    {
      "name": "shapes",
      "classes": ["slow", "fast", "wide"],
      "critical": ["wide"],
      "unit": "episodes",
      "windowSeconds": 4,
      "hopSeconds": 1,
      "labels": {"kind": "manifest", "file": "labels.csv"},
      "leads": ["II"],
      "frontEnd": {"kind": "samples", "sampleRateHz": 125, "microvoltsPerUnit": 500, "highPassShift": 5},
      "split": {"kind": "column"}
    }
    """
}

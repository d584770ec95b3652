import Foundation

/// A file of the EDF family, put together field by field, rightly or wrongly.
struct EDFBuilder {
  struct Signal {
    var label = "ECG II"
    var units = "uV"
    var physical = ("-3276.8", "3276.7")
    var digital = ("-32768", "32767")
    var samplesPerRecord = 4
    /// The samples of all data records; those of annotations are in `EDFBuilder.lists`.
    var samples: [Int] = []
  }

  var version = Array("0       ".utf8)
  var patient = Array("X X X X".utf8)
  var date = "02.03.11"
  var time = "23.59.07"
  var headerBytes: Int?
  var kind = ""
  var recordCount: Int?
  var duration = "1"
  var signals: [Signal] = []
  /// The annotation bytes of each data record; without any there is no signal for them.
  var lists: [[UInt8]] = []
  var listSamples = 20
  var sampleBytes = 2
  /// What follows the data records.
  var padding: [UInt8] = []

  /// An annotation list: `+onset`, its duration where it has one, and its texts.
  static func list(_ onset: String, _ texts: [String], seconds: String? = nil) -> [UInt8] {
    Array(onset.utf8) + (seconds.map { [21] + Array($0.utf8) } ?? []) + [20]
      + texts.flatMap { Array($0.utf8) + [20] } + [0]
  }

  var bytes: [UInt8] {
    var signals = signals
    if !lists.isEmpty {
      signals.append(
        Signal(
          label: sampleBytes == 2 ? "EDF Annotations" : "BDF Annotations", units: "", physical: ("-1", "1"),
          samplesPerRecord: listSamples))
    }
    func field(_ text: some Sequence<UInt8>, _ count: Int) -> [UInt8] {
      Array((Array(text) + [UInt8](repeating: 0x20, count: count)).prefix(count))
    }
    func field(_ text: String, _ count: Int) -> [UInt8] { field(Array(text.utf8), count) }
    let records = lists.isEmpty ? signals[0].samples.count / signals[0].samplesPerRecord : lists.count
    var result =
      version + field(patient, 80) + field("Startdate 02-MAR-2011", 80) + field(date, 8) + field(time, 8)
    result += field("\(headerBytes ?? 256 * (signals.count + 1))", 8) + field(kind, 44)
    result += field("\(recordCount ?? records)", 8) + field(duration, 8) + field("\(signals.count)", 4)
    let kinds: [(Signal) -> [UInt8]] = [
      { field(latin1($0.label), 16) }, { _ in field("AgAgCl", 80) }, { field(latin1($0.units), 8) },
      { field($0.physical.0, 8) }, { field($0.physical.1, 8) }, { field($0.digital.0, 8) },
      { field($0.digital.1, 8) },
      { _ in field("HP:0.05Hz", 80) }, { field("\($0.samplesPerRecord)", 8) }, { _ in field("", 32) },
    ]
    for kind in kinds { result += signals.flatMap(kind) }
    result += [UInt8](repeating: 0, count: max(0, (headerBytes ?? 0) - result.count))
    for record in 0..<records {
      for signal in signals.prefix(signals.count - (lists.isEmpty ? 0 : 1)) {
        let first = record * signal.samplesPerRecord
        for sample in signal.samples[first..<first + signal.samplesPerRecord] {
          result += (0..<sampleBytes).map { UInt8(truncatingIfNeeded: sample >> (8 * $0)) }
        }
      }
      if !lists.isEmpty {
        let size = listSamples * sampleBytes
        result += (lists[record] + [UInt8](repeating: 0, count: size)).prefix(size)
      }
    }
    return result + padding
  }

  var data: Data { Data(bytes) }
}

/// Bytes of text as older programs write it.
private func latin1(_ text: String) -> [UInt8] {
  text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
}

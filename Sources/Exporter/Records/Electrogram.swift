import ArgumentParser
import CommandSupport
import ECG
import Foundation
import Support

extension Records {
  /// The command `exporter records electrogram`.
  struct Electrogram: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make up an electrogram of two chambers, for demonstrations and tests.",
      usage: "exporter records electrogram --output <record> [<options>]",
      discussion: """
        The record has the leads A and V, an atrial and a ventricular signal as the
        amplifiers of a dual-chamber pacemaker may hear them, and annotations: the
        ventricle's beats N, V and / (paced), and the rhythms (N, (AFIB and (P. Sinus
        rhythm, atrial fibrillation, sinus rhythm with premature ventricular beats and
        a paced rhythm follow one another. It is made up, and no person's: what a
        network reaches on it says nothing of patients.

        Example:

          exporter records electrogram --output made-up/dual
        """)

    @Option(
      help: ArgumentHelp("The record, of which .hea, .dat and .atr are written.", valueName: "record"))
    var output: String

    @Option(help: ArgumentHelp("The length in minutes. (default: 5)", valueName: "minutes"))
    var minutes: Double?

    @Option(help: ArgumentHelp("The seed of all that is random.", valueName: "seed"))
    var seed: UInt64 = 1
    @OptionGroup var results: OutputOptions

    func validate() throws {
      guard (0.5...1440).contains(minutes ?? 5) else {
        throw ValidationError("--minutes must be in 0.5 ... 1440")
      }
    }

    func run() throws {
      var electrogram = SyntheticElectrogram()
      electrogram.durationSeconds = 60 * (minutes ?? 5)
      var generator = SeededGenerator(seed: seed)
      let (record, annotations) = electrogram.record(name: RecordPath.name(of: output), using: &generator)
      let folder = (output as NSString).deletingLastPathComponent
      if !folder.isEmpty { try Files.makeFolder(folder) }
      try record.write(output)
      try annotations.write(output)
      var table = SummaryTable(columns: [])
      table.add("made up", "no person's")
      table.add("rate", "\(Numbers.shortest(record.sampleRateHz)) Hz")
      table.add("length", Numbers.duration(seconds: electrogram.durationSeconds))
      table.add("leads", record.signals.map(\.name).joined(separator: ", "))
      table.add("beats", Numbers.integer(annotations.beats.count))
      try results.show(table)
      try results.writeJSON(
        Result(
          record: output, sampleRateHz: record.sampleRateHz, samples: record.sampleCount,
          leads: record.signals.map(\.name), beats: annotations.beats.count, isMadeUp: true))
    }

    private struct Result: Encodable {
      var record: String
      var sampleRateHz: Double
      var samples: Int
      var leads: [String]
      var beats: Int
      var isMadeUp: Bool
    }
  }
}

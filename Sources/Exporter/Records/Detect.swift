import ArgumentParser
import CommandSupport
import ECG
import Evaluation
import Foundation
import Metrics
import Tasks

/// The command `exporter detect`.
struct Detect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find beats as the device does, and compare them with the reference.",
    usage: "exporter detect --data <dir> [<options>]",
    discussion: """
      The runtime's integer detector hears a lead of each record (MLII, II or the
      first, where --lead names none) as counts, one at a time. A detection and a reference beat within 150 ms match.
      Segments of ventricular flutter are left out, paced records are not.

      Examples:

        exporter detect --data data/mitdb
        exporter detect --data data/mitdb --learning-seconds 0 --json -
        exporter detect --data data/mitdb --records 105,207 --annotations out
      """)

  @Option(help: ArgumentHelp("The folder of records with atr annotations.", valueName: "dir")) var data:
    String
  @Option(help: .records) var records = RecordSelection.all
  @OptionGroup(title: "Record") var opening: RecordOptions
  @Option(help: ArgumentHelp("The detector's sampling rate.", valueName: "Hz")) var rate = 128.0
  @OptionGroup var adc: ConverterOptions
  @OptionGroup var comparing: ComparisonOptions
  @OptionGroup var threading: ThreadOptions
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [results.jsonFile], inputs: [])
    guard (100...1000).contains(rate) else { throw ValidationError("--rate must be in 100 ... 1000") }
    guard !records.isPartOfSplit else {
      throw ValidationError(
        "--records \(records) is by a model's own split, and no model takes part; name ds1, ds2, all, or records"
      )
    }
  }

  func run() throws {
    let converter = adc.converter
    let beats = TaskRecords(
      folder: data, task: .types, split: .inter, sampleRateHz: rate, threads: threading.count)
    let names = try records.names(of: beats)
    try beats.requireRecords(names)
    let writer = try comparing.writer(of: names)
    let csv = opening.csv
    let (folder, lead, rateHz, learningSeconds) = (data, opening.lead, rate, comparing.learningSeconds)
    let compared = try results.withProgress("Detecting") { progress in
      try names.concurrentMap(threads: threading.count, progress: progress) {
        name -> (signal: LabelledSignal, comparison: BeatByBeat) in
        let record = try ReferenceRecord(
          name, folder: folder, lead: lead, csv: csv, sampleRateHz: rateHz, learningSeconds: learningSeconds)
        let found = try DeviceBeats(in: record.signal.microvolts.map(converter.count), sampleRateHz: rateHz)
        let beats = ComparedBeats(found, codes: [], undecided: .normal, in: record)
        try writer?.write(beats, record: record.signal.record)
        var signal = record.signal
        signal.notes +=
          converter.saturationNote(signal.microvolts, file: signal.record, lead: signal.lead).map { [$0] }
          ?? []
        signal.microvolts = []
        return (signal, beats.comparison)
      }
    }
    let evaluation = DetectionEvaluation(
      records: records, sampleRateHz: rateHz, learningSeconds: learningSeconds, compared: compared)
    results.tell(evaluation.perRecord.flatMap(\.notes))
    try results.show(evaluation.title)
    try results.show(evaluation.table)
    try results.writeJSON(evaluation)
  }
}

import ArgumentParser
import CommandSupport
import ECG
import Evaluation
import Foundation
import Support
import Tasks

/// The command `exporter evaluate`.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how well a network tells beats or windows apart, in float, int8 or both.",
    discussion: """
      A model image runs sample by sample as on the device. With --float both
      networks hear the same counts, so that what differs is what integers lose.
      Accuracy has Wilson's interval; F1 has the interval of 2,000 draws of whole
      patients. Both hold 95 %.

      Without --records they are those that the model was not trained on, by its own
      split. Beats at which a device would have no result, as on a lead without
      signal, are no decisions.

      For a task of windows each class that matters is told apart from all others: with
      the areas under the ROC and the precision-recall curve, and the sensitivity at a
      specificity of 97 %. For a task of episodes the image also runs along the whole
      records: which episodes it announces, how soon, and its false alarms an hour.

      --ec57 measures the whole device instead: the runtime's own detector finds
      the beats, the image decides about them, and both are compared with the
      reference as ANSI/AAMI EC57 prescribes and WFDB's bxb does. See
      docs/guides/Evaluation.md.

      Examples:

        exporter evaluate beats.safetensors --data data/mitdb
        exporter evaluate beats.qinf --float beats.safetensors --data data/mitdb
        exporter evaluate beats.qinf --data data/mitdb --records 200,233 --json -
        exporter evaluate beats.qinf --data data/mitdb --ec57 --annotations out
        exporter evaluate vtvf.qinf --data data/vfdb --records all --hysteresis 3
      """)

  @Argument(help: ArgumentHelp("A checkpoint, or a model image (.qinf).", valueName: "model")) var model:
    String
  @Option(help: ArgumentHelp("The folder of the task's records.", valueName: "dir")) var data: String
  @Option(name: .customLong("float"), help: ArgumentHelp("The image's float checkpoint.", valueName: "ckpt"))
  var checkpoint: String?
  @Option(help: .records) var records = RecordSelection.test
  @OptionGroup(title: "Record") var opening: RecordOptions
  @Option(help: ArgumentHelp("The seed of the draws of patients.", valueName: "seed"))
  var seed: UInt64 = 1
  @OptionGroup var threading: ThreadOptions
  @Option(help: ArgumentHelp("Write the tables, and one of each record, as Markdown.", valueName: "f.md"))
  var markdown: String?
  @Flag(help: "Let each beat's RR interval move the network's decision: N rises where it isn't early.")
  var rhythm = false
  @Flag(help: "Compare the device's own beats with the reference, by EC57's rules.")
  var ec57 = false
  @Flag(help: "With --ec57: compare records with paced beats too.") var includePaced = false
  @OptionGroup(title: "Episodes") var episodes: EpisodeOptions
  @OptionGroup(title: "With --ec57") var comparing: ComparisonOptions
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [results.jsonFile, markdown], inputs: [model, checkpoint])
    if let markdown { try requireReplaceable(markdown, by: .markdown) }
    guard ec57 || (comparing.isStandard && !includePaced) else {
      throw ValidationError(
        "--learning-seconds, --include-paced, --annotations and --annotator go with --ec57")
    }
    guard markdown == nil || !ec57 else { throw ValidationError("--markdown doesn't go with --ec57") }
    guard isImage || !ec57 else { throw ValidationError("--ec57 goes with a model image (.qinf)") }
    guard checkpoint == nil || isImage else {
      throw ValidationError("--float goes with a model image (.qinf)")
    }
  }

  func run() throws {
    var twins = try isImage ? Twins(image: model, checkpoint: checkpoint) : Twins(checkpoint: model)
    if rhythm { twins = try twins.withRhythm(file: model) }
    var beats = try TaskRecords(
      folder: data, task: twins.task, split: twins.split, classNames: twins.classNames,
      sampleRateHz: twins.window.settings.sampleRateHz, threads: threading.count, file: model)
    (beats.lead, beats.csv) = (opening.lead, opening.csv)
    beats.coupling = twins.window.settings.coupling
    guard !ec57 || !beats.task.isByClock else {
      throw FileError.malformed(
        model, "decides by the clock, and --ec57 compares beats", remedy: "leave out --ec57")
    }
    guard !episodes.isGiven || beats.task.unit == .episodes else {
      throw FileError.malformed(
        model, "is of a task of \(beats.task.unit.rawValue), without episodes",
        remedy: "leave out --majority, --hysteresis, --least-seconds and --within")
    }
    try ec57 ? compare(twins, beats) : evaluate(twins, beats)
  }

  private func evaluate(_ twins: Twins, _ beats: TaskRecords) throws {
    let signals = try results.withProgress("Reading") { progress in
      try records.signals(of: beats, progress: progress)
    }
    let perRecord = try results.withProgress("Evaluating") { progress in
      try signals.concurrentMap(threads: threading.count, progress: progress) { try twins.evaluation(of: $0) }
    }
    var evaluation = BeatEvaluation(twins, of: beats, records: records, perRecord: perRecord, seed: seed)
    if beats.task.unit == .episodes {
      let (episodes, seed) = (episodes, seed)
      evaluation.episodes = try results.withProgress("Announcing") { progress in
        try twins.episodes(
          in: signals, of: beats.task, leastSeconds: episodes.rule.leastSeconds,
          within: episodes.rule.limitSeconds, announcing: episodes.announcing, seed: seed,
          threads: threading.count, progress: progress)
      }
    }
    results.tell(evaluation.perRecord.flatMap(\.notes))
    try results.show(evaluation.title)
    for (title, table) in evaluation.classTables {
      try results.show("\n\(title)\n")
      try results.show(table)
    }
    for (title, table) in evaluation.windowTables + evaluation.episodeTables {
      try results.show("\n\(title)\n")
      try results.show(table)
    }
    if let share = evaluation.networkShare { try results.show("\n\(share.text)\n") }
    if let table = evaluation.agreementTable {
      try results.show("\n")
      try results.show(table)
    }
    try results.writeJSON(evaluation)
    if let markdown { try Files.write(Data(evaluation.markdown.utf8), to: markdown) }
  }

  /// Compares the beats that the device finds by itself.
  private func compare(_ twins: Twins, _ beats: TaskRecords) throws {
    let device = try BeatByBeatDevice(twins, file: model)
    let names = try records.names(of: beats)
    try beats.requireRecords(names)
    let writer = try comparing.writer(of: names)
    let (folder, learningSeconds, includesPaced) = (data, comparing.learningSeconds, includePaced)
    let (rateHz, lead, csv, coupling) = (beats.sampleRateHz, opening.lead, opening.csv, beats.coupling)
    let task = beats.task
    let compared = try results.withProgress("Comparing") { progress in
      try names.concurrentMap(threads: threading.count, progress: progress) {
        name -> EC57Evaluation.Record? in
        let record = try ReferenceRecord(
          name, folder: folder, lead: lead, csv: csv, coupling: coupling, sampleRateHz: rateHz, task: task,
          learningSeconds: learningSeconds)
        guard includesPaced || !record.reference.isPaced else { return nil }
        let (int8, float) = try device.compare(record)
        try writer?.write(int8, record: record.signal.record)
        if let float { try writer?.writeTwin(float, record: record.signal.record) }
        return EC57Evaluation.Record(record, int8: int8, float: float)
      }
    }
    let paced = zip(names, compared).filter { $0.1 == nil }.map(\.0)
    let evaluation = EC57Evaluation(
      twins, of: beats, records: records, learningSeconds: learningSeconds, pacedRecords: paced,
      perRecord: compared.compactMap(\.self), names: names)
    results.tell(evaluation.perRecord.flatMap(\.notes))
    try results.show(evaluation.title)
    for (title, summary) in evaluation.summaries {
      try results.show("\n\(title)\n")
      try results.show(summary.gross.matrixTable)
      try results.show(summary.figureTable)
    }
    try results.show("\nint8, by record\n")
    try results.show(evaluation.recordTable)
    try results.writeJSON(evaluation)
  }

  private var isImage: Bool { model.hasSuffix(".qinf") }
}

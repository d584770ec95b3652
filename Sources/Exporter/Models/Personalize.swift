import ArgumentParser
import CommandSupport
import ECG
import Evaluation
import Foundation
import ModelFiles
import Networks
import Support
import Tasks

/// The command `exporter personalize`.
struct Personalize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fit a model to one patient's own first minutes, as a patch of a few hundred bytes.",
    discussion: """
      The beats of the record's first minutes, as its annotations label them, and
      beats of the model's training records, or of --replay, change the last layer of the image. The
      patch is bound to that image; device-sim stream --patch runs with it.

      With --records a patch is made for each record, and scored on the rest of it,
      with fewer minutes and with wrong labels too: what a patient may expect.

      Examples:

        exporter personalize --model beats.qinf --data data/mitdb \\
          --record data/mitdb/208 --minutes 5 --output 208.qpatch
        exporter personalize --model beats.qinf --data data/mitdb --records ds2 \\
          --json ds2.json
      """)

  @Option(help: ArgumentHelp("The model image (.qinf).", valueName: "model")) var model: String
  @Option(help: ArgumentHelp("The folder of MIT-BIH's records, for beats to replay.", valueName: "dir"))
  var data: String
  @Option(help: ArgumentHelp("The image's float network, to make sure of it.", valueName: "net"))
  var from: String?
  @Option(help: ArgumentHelp("The patient's record, with annotations.", valueName: "record"))
  var record: String?
  @Option(help: ArgumentHelp("The patch to write.", valueName: "file.qpatch")) var output: String?
  @Option(help: .records) var records: RecordSelection?
  @OptionGroup(title: "Record") var opening: RecordOptions
  @Option(help: ArgumentHelp("How long the labelled start of a record is.", valueName: "min"))
  var minutes = 5.0
  @Option(
    help: ArgumentHelp("Records to replay, as --records has them. (default: training)", valueName: "records"))
  var replay: RecordSelection?
  @Option(help: ArgumentHelp("Counts a device's patches up.", valueName: "n"))
  var sequence: UInt32 = 1
  @Option(help: ArgumentHelp("The device that the patch is for; any without it.", valueName: "identifier"))
  var device: String?
  @OptionGroup var threading: ThreadOptions
  @OptionGroup(title: "Fitting") var fitting: PersonalizationArguments
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [output, results.jsonFile], inputs: [model, from, record])
    guard (record == nil) == (output == nil), (record == nil) != (records == nil) else {
      throw ValidationError("give --record and --output for one patient, or --records to score many")
    }
    guard device == nil || (device != "" && record != nil) else {
      throw ValidationError("--device needs an identifier, and --record")
    }
    guard minutes > 0 && minutes <= 1440 else { throw ValidationError("--minutes must be in 0 ... 1440") }
    if let problem = fitting.values.problem { throw ValidationError(problem) }
  }

  func run() throws {
    let image = try LoadedModel(file: model)
    if let from { _ = try TwinNetwork(reading: from, of: image, modelFile: model) }
    try image.requireColumns(for: "a patch is learnt", file: model)
    guard image.task?.isByClock != true else {
      throw FileError.malformed(
        model, "decides by the clock, and a patch is learnt from a patient's labelled beats",
        remedy: "name the image of a task of beats")
    }
    var beats = try TaskRecords(
      folder: data, task: image.task, split: image.provenance[.split],
      classNames: image.classNames, sampleRateHz: image.beatWindow?.settings.sampleRateHz ?? 0,
      threads: threading.count, file: model)
    beats.coupling = image.beatWindow?.settings.coupling ?? .automatic
    if let records { try beats.requireRecords(try records.names(of: beats)) }
    let training = try results.withProgress("Reading training beats") { progress in
      try replay?.signals(of: beats, progress: progress) ?? beats.training(leads: .main, progress: progress)
    }
    (beats.lead, beats.csv) = (opening.lead, opening.csv)
    if let records {
      try score(records, of: beats, image: image, replay: training)
    } else if let record, let output {
      try personalize(record, beats: beats, image: image, replay: training, output: output)
    }
  }

  private func personalize(
    _ record: String, beats: TaskRecords, image: LoadedModel, replay: [LabelledSignal], output: String
  ) throws {
    let path = record.hasSuffix(".hea") ? String(record.dropLast(4)) : record
    let signal = try LabelledSignal.read(
      (path as NSString).lastPathComponent, folder: Files.folder(of: path), lead: opening.lead,
      csv: opening.csv, coupling: beats.coupling,
      task: beats.task, sampleRateHz: beats.sampleRateHz)
    results.tell(signal.notes)
    let patch = try results.withProgress("Personalizing") { progress in
      try explained(record) {
        try prepared(image, replay: replay.filter { $0.record != signal.record }, progress: progress).patch(
          signal, condition: PersonalizationCondition(minutes: minutes), sequenceNumber: sequence)
      }
    }
    let bound = device.map { patch.image.bound(toDevice: $0) } ?? patch.image
    try Files.write(Data(bound.bytes), to: output)
    let counts = zip(image.classNames, patch.ownBeats).map { "\($0) \(Numbers.integer($1))" }
    let patched = try image.applying(patchFile: output)
    var table = SummaryTable(columns: [])
    table.add("patient", "\(signal.record), \(signal.lead), first \(Numbers.decimal(minutes, places: 1)) min")
    table.add("own beats", counts.joined(separator: ", "))
    table.add("patch", "\(output), \(Numbers.bytes(bound.bytes.count)), number \(sequence)")
    table.add("on the device", "\(Numbers.bytes(patched.patch?.bufferByteCount ?? 0)) of memory")
    try results.show(table)
    try results.writeJSON(
      PatchResult(
        record: signal.record, lead: signal.lead, minutes: minutes, classNames: image.classNames,
        ownBeats: patch.ownBeats, patch: patched.patch, options: fitting.values))
  }

  private func score(
    _ records: RecordSelection, of beats: TaskRecords, image: LoadedModel, replay: [LabelledSignal]
  ) throws {
    let signals = try results.withProgress("Reading") { progress in
      try records.signals(of: beats, progress: progress)
    }
    let names = Set(signals.map(\.record))
    let others = replay.filter { !names.contains($0.record) }
    let run = try results.withProgress("Frozen layers") { progress in
      try explained(model) { try prepared(image, replay: others, progress: progress) }
    }
    let evaluation = try results.withProgress("Personalizing") { progress in
      try explained(data) {
        try run.evaluation(
          of: signals, records: records.description, replayRecords: others.map(\.record),
          conditions: PersonalizationCondition.all(minutes: minutes), threads: threading.count,
          progress: progress)
      }
    }
    for (title, table) in evaluation.tables {
      try results.show("\(title)\n")
      try results.show(table)
      try results.show("\n")
    }
    try results.writeJSON(evaluation)
  }

  private func prepared(
    _ image: LoadedModel, replay: [LabelledSignal], progress: @escaping ProgressHandler
  ) throws -> PersonalizationRun {
    try PersonalizationRun.prepared(
      image, replay: replay, options: fitting.values, threads: threading.count, progress: progress)
  }

  /// What can't be fitted is a fault of a file.
  private func explained<Result>(_ file: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as InvalidNetwork {
      throw FileError.malformed(
        file, error.description, remedy: "use a model and records of beats that belong together")
    }
  }
}

/// How the head is fitted, as arguments with the library's defaults.
struct PersonalizationArguments: ParsableArguments {
  private static let defaults = PersonalizationOptions()

  @Option(help: ArgumentHelp("The seed of the beats drawn.", valueName: "seed")) var seed = defaults.seed
  @Option(help: ArgumentHelp("The number of steps.", valueName: "n")) var steps = defaults.steps
  @Option(help: ArgumentHelp("The number of beats of a step.", valueName: "n"))
  var batchSize = defaults.batchSize
  @Option(help: ArgumentHelp("The learning rate at the first step.", valueName: "x"))
  var learningRate = defaults.learningRate
  @Option(
    help: ArgumentHelp("The share of draws whose class is drawn as among own beats.", valueName: "x"))
  var ownShare = defaults.ownShare
  @Option(
    help: ArgumentHelp("With so many own beats of a class half of those drawn are own.", valueName: "n"))
  var priorBeats = defaults.priorBeats
  @Option(help: ArgumentHelp("1 draws own beats as they come, 0 all classes equally often.", valueName: "x"))
  var ownExponent = defaults.ownExponent
  @Option(help: ArgumentHelp("The same for the training beats.", valueName: "x"))
  var replayExponent = defaults.replayExponent
  @Option(help: ArgumentHelp("The columns that share a change.", valueName: "columns"))
  var span = defaults.span
  @Option(help: ArgumentHelp("The column phases at which own beats are looked at.", valueName: "n"))
  var phases = defaults.phases

  var values: PersonalizationOptions {
    var values = PersonalizationOptions()
    (values.seed, values.steps, values.batchSize, values.learningRate) = (
      seed, steps, batchSize, learningRate
    )
    (values.ownShare, values.ownExponent, values.replayExponent) = (ownShare, ownExponent, replayExponent)
    (values.priorBeats, values.span, values.phases) = (priorBeats, span, phases)
    return values
  }
}

/// One patient's patch, as JSON.
private struct PatchResult: Encodable {
  var record: String
  var lead: String
  var minutes: Double
  var classNames: [String]
  var ownBeats: [Int]
  var patch: PatchSummary?
  var options: PersonalizationOptions
}

extension PersonalizationEvaluation {
  /// The usual condition by subset and class, then the other conditions.
  fileprivate var tables: [(title: String, table: SummaryTable)] {
    guard let first = scores.first, let all = first.subsets.first else { return [] }
    let names = all.shipped.classes.map(\.name)
    let title =
      "\(all.records.count) records (\(records)), scored from minute "
      + "\(Numbers.decimal(scoredFromMinute, places: 1)) on, patches of \(Numbers.bytes(first.patchBytes[1]))"
    var classes = SummaryTable(
      columns: ["beats", "Se", "+P", "F1", "Se", "+P", "F1 with patch"], alignment: .right)
    for (before, after) in zip(all.shipped.classes, all.personalized.classes) {
      classes.add(
        before.name,
        [Numbers.integer(before.beats)]
          + [before, after].flatMap { score in
            [score.sensitivity, score.positivePredictivity, score.f1].map { Numbers.percent($0) }
          })
    }
    classes.add(
      "macro",
      ["", "", "", Numbers.percent(all.shipped.macroF1), "", "", Numbers.percent(all.personalized.macroF1)])
    func row(_ score: Score) -> [String] {
      [Numbers.percent(score.macroF1)] + score.classes.map { Numbers.percent($0.f1) }
    }
    var subsets = SummaryTable(
      columns: ["records", "before", "macro F1"] + names.map { "F1 \($0)" }, alignment: .right)
    for subset in first.subsets {
      subsets.add(
        subset.name,
        ["\(subset.records.count)", Numbers.percent(subset.shipped.macroF1)] + row(subset.personalized))
    }
    var conditions = SummaryTable(
      columns: ["wrong labels", "macro F1"] + names.map { "F1 \($0)" }, alignment: .right)
    for score in scores {
      conditions.add(
        "\(Numbers.decimal(score.condition.minutes, places: 0)) min",
        [Numbers.percent(score.condition.wrongLabels, places: 0)] + row(score.subsets[0].personalized))
    }
    return [
      (title, classes), ("By what the first minutes show", subsets), ("By what is learnt from", conditions),
    ]
  }
}

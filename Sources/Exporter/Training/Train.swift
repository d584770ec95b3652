import ArgumentParser
import CommandSupport
import Foundation
import Networks
import Quantization
import Support
import Tasks
import Training

/// The command `exporter train`.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a float network on a task: beats, rhythms or labelled segments.",
    discussion: """
      Tasks: aami (or beats) tells N, S, V and F apart; types tells N, L, R, A, V
      and paced; af and vtvf tell rhythms apart; your own is a JSON file, see
      `exporter task`. Splits: inter trains on the task's training patients (DS1 of
      MIT-BIH), intra on four fifths of all beats, fold-2 on all folds of patients but
      the second, all on all records.

      After each epoch the training is saved in CKPT.part, and the same command
      continues from there after an interruption, to the same bits. The number of
      threads changes nothing in the result.

      Examples:

        exporter train --task aami --data data/mitdb --output beats.safetensors
        exporter train --task types --data data/mitdb --epochs 20 --seed 2 \\
          --output types.safetensors
        exporter train --task vtvf --data data/vfdb --split fold-3 \\
          --output fold3.safetensors
        exporter train --task mine.json --data segments --output mine.safetensors
        exporter train --task aami --data data/mitdb --from beats.safetensors \\
          --learning-rate 0.0003 --epochs 2 --output tuned.safetensors
      """)

  @Option(
    name: .customLong("task"),
    help: ArgumentHelp("What to tell apart: a built-in task's name, or a JSON file.", valueName: "task"))
  var taskName: String
  @Option(help: ArgumentHelp("The folder of the task's records.", valueName: "dir")) var data: String
  @Option(help: ArgumentHelp("The checkpoint to write.", valueName: "ckpt"))
  var output: String
  @Option(
    help: ArgumentHelp(
      "How records are divided: inter (by patient), intra, fold-N or all. (default: intra for types, fold-1 for a task with folds, else inter)",
      valueName: "split"))
  var split: TaskSplit?
  @Option(help: ArgumentHelp("Start from a checkpoint's weights instead of random ones.", valueName: "ckpt"))
  var from: String?
  @Flag(
    help:
      "Train the network of --from on for its integers: in the codes and the rounding of `exporter quantize`."
  )
  var quantizationAware = false
  @OptionGroup var electrode: CouplingOptions
  @OptionGroup var threading: ThreadOptions
  @OptionGroup(title: "Network") var network: NetworkArguments
  @Option(
    help: ArgumentHelp("The seed of the weights, the beats drawn and their changes.", valueName: "seed"))
  var seed: UInt64 = 1
  @OptionGroup(title: "Training") var options: TrainingArguments
  @OptionGroup(title: "Augmentation") var augmentation: AugmentationArguments
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireTask(taskName)
    try requireDistinct(
      outputs: [output, results.jsonFile], inputs: [from, network.architecture, taskName])
    guard from != nil || !quantizationAware else {
      throw ValidationError("--quantization-aware goes with --from")
    }
    guard from == nil || electrode.hertz == nil else {
      throw ValidationError("--coupling is that of --from")
    }
    guard from == nil || !network.isGiven else {
      throw ValidationError(
        "--front-end, --columns, --channels, --dilations, --hidden and --architecture are those of --from")
    }
  }

  /// - Throws: `ValidationError` where the options don't suit the task.
  private func check(_ task: TaskDefinition, _ split: TaskSplit) throws {
    try options.check(classNames: task.classNames)
    try augmentation.check(task: task)
    try augmentation.check(beats: network.beats != nil)
    guard network.frontEnd == .columns || split != .intra else {
      throw ValidationError(
        "--front-end \(network.frontEnd.rawValue) looks at the intervals of all beats, and --split intra leaves a fifth of them out"
      )
    }
    if let problem = task.problem(of: split)
      ?? options.values(
        task: task, split: split, augmentation: augmentation,
        beats: network.beats != nil
      ).problem
    {
      throw ValidationError(problem)
    }
  }

  func run() throws {
    let task = try TaskDefinition.load(taskName)
    let split = split ?? task.usualSplit
    try check(task, split)
    var start = try startingCheckpoint(task, split)
    var beats = TaskRecords(
      folder: data, task: task, split: split, sampleRateHz: start.settings.sampleRateHz,
      threads: threading.count)
    beats.coupling = start.settings.coupling
    try requireRegularFile(output)
    if let sum = start.specification.firstSum {
      results.tell([
        FileNote(
          network.architecture ?? from ?? taskName, at: "layer \(sum)",
          "is a sum, which can't take one column at a time; the device computes it, and what comes behind the layers that it "
            + "is over, whole at each decision")
      ])
    }
    let signals = try results.withProgress("Reading") { progress in
      try beats.training(leads: start.training.leads, progress: progress)
    }
    let noises = try augmentation.noises(atRateHz: start.settings.sampleRateHz)
    if quantizationAware { start = try prepared(start, calibratedOn: signals) }
    let (trained, leftOut) = try train(start, on: signals, noises: noises)
    try show(task, TrainingResult(trained, signals: signals, leftOutBeats: leftOut, file: output))
  }

  /// Trains a network, or one of columns and one of beats beside it, and writes the checkpoint.
  ///
  /// Of two each is kept beside the output until both are trained.
  private func train(
    _ start: Checkpoint, on signals: [LabelledSignal], noises: [[Float]]
  ) throws -> (trained: Checkpoint, leftOutBeats: Int) {
    guard let beats = start.beatNetwork else {
      return try trainOne(start, on: signals, noises: noises, output: output)
    }
    var columns = start
    columns.beatNetwork = nil
    var (parts, leftOut): ([(trained: Checkpoint, path: String)], Int) = ([], 0)
    for one in [columns, beats] {
      let name = TrainingPart(of: one, signals: signals, noises: noises, output: "").fingerprint
      let path = "\(output).\(name)"
      guard !FileManager.default.fileExists(atPath: path) else {
        parts.append((try Checkpoint.read(path), path))
        continue
      }
      let result = try trainOne(one, on: signals, noises: noises, output: path)
      parts.append((result.trained, path))
      leftOut = max(leftOut, result.leftOutBeats)
    }
    let joined: Checkpoint
    do throws(InvalidNetwork) {
      joined = try parts[0].trained.joined(with: parts[1].trained, share: network.shareOfBeats)
    } catch {
      throw FileError.malformed(
        output, "the network of beats \(error.description)", remedy: "train without --front-end both")
    }
    try joined.write(to: output)
    for part in parts { try? FileManager.default.removeItem(atPath: part.path) }
    return (joined, leftOut)
  }

  private func trainOne(
    _ start: Checkpoint, on signals: [LabelledSignal], noises: [[Float]], output: String
  ) throws -> (trained: Checkpoint, leftOutBeats: Int) {
    let part = TrainingPart(of: start, signals: signals, noises: noises, codes: start.codes, output: output)
    let trainer: Trainer
    do {
      trainer = try part.trainer(threads: threading.count)
    } catch let error as TrainingError {
      throw FileError.malformed(
        data, error.description,
        remedy: "use the task's whole records; `exporter task check` counts what they hold")
    }
    let first = trainer.checkpoint.completedSteps
    if first > 0 && !results.quiet {
      let epoch = first / start.training.stepsPerEpoch
      Terminal.error.write("Continuing after epoch \(epoch) of \(start.training.epochs) from \(part.path)\n")
    }
    let trained = try results.withProgress("Training") { progress in
      try trainer.run(
        progress: { step in
          progress(
            TaskProgress(
              completed: step.completed - first, total: step.total - first, detail: step.detail))
        },
        save: part.save)
    }
    try trained.write(to: output)
    part.remove()
    return (trained, trainer.leftOutBeatCount)
  }

  /// The network before its first step: random, or with another checkpoint's structure and weights.
  private func startingCheckpoint(_ task: TaskDefinition, _ split: TaskSplit) throws -> Checkpoint {
    var training = options.values(
      task: task, split: split, augmentation: augmentation,
      beats: network.beats != nil)
    training.seed = seed
    guard let from else {
      do {
        var start = try Checkpoint.untrained(
          of: task, specification: network.specification(for: task), split: split, training: training,
          couplingHz: electrode.hertz, beats: network.beats)
        start.beatNetwork = try network.beatNetwork(beside: start, of: task)
        return start
      } catch let error as TrainingError {
        throw FileError.malformed(
          network.architecture ?? taskName, error.description, remedy: "change the layers or the task")
      }
    }
    let source = try Checkpoint.readOne(from, for: "a training starts")
    guard source.classNames == task.classNames else {
      throw FileError.malformed(
        from, "is another network, for the classes \(source.classNames.joined(separator: ", "))",
        remedy: "start from a checkpoint of the task \(task.name)")
    }
    guard
      !task.isByClock || (source.settings == task.frontEnd && source.window.columnCount == task.columnCount)
    else {
      throw FileError.malformed(
        from, "has another front end or window than the task \(task.name)",
        remedy: "start from a checkpoint of the same task")
    }
    var start = try Checkpoint.untrained(
      settings: source.settings, specification: source.specification,
      decisionDelaySeconds: source.decisionDelaySeconds, classNames: task.classNames, task: task.name,
      ownTask: task.needsTelling ? task : nil, split: split.rawValue, training: training)
    start.layers = source.layers
    let (new, old) = (
      training.logitOffsets(of: task.classNames), source.training.logitOffsets(of: task.classNames)
    )
    start.raiseLogits(by: zip(new, old).map { $0 - $1 })
    return start
  }

  /// The network with a plan for its integers, as `exporter quantize` would make them of it now.
  private func prepared(
    _ start: Checkpoint, calibratedOn signals: [LabelledSignal]
  ) throws(FileError) -> Checkpoint {
    do throws(InvalidNetwork) {
      let quantized = try QuantizedNetwork.quantized(
        start, calibratedOn: signals, converter: AnalogConverter(bits: 12, rangeMillivolts: 10))
      let codes = try QuantizationAwareness(of: quantized, layerCount: start.layers.count)
      return start.prepared(for: codes, training: start.training)
    } catch {
      throw .malformed(from ?? data, error.description, remedy: "train a network that the device can hold")
    }
  }

  /// A long training shall not end at a folder or device in its output's place.
  private func requireRegularFile(_ path: String) throws(FileError) {
    let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let attributes = try? FileManager.default.attributesOfItem(atPath: resolved)
    if let type = attributes?[.type] as? FileAttributeType, type != .typeRegular {
      throw .inaccessible(path, "is not a regular file", remedy: "name a file for the checkpoint")
    }
  }

  private func show(_ task: TaskDefinition, _ result: TrainingResult) throws {
    var table = SummaryTable(columns: [])
    let counts = zip(task.classNames, result.beatsPerClass).map { "\($0) \(Numbers.integer($1))" }
    table.add("task", "\(result.task), split \(result.split), seed \(result.seed)")
    table.add("records", "\(result.records), \(result.leads) leads")
    table.add(
      task.isByClock ? "windows" : "beats",
      "\(Numbers.integer(result.beats)): \(counts.joined(separator: ", "))")
    table.add("left out", "\(Numbers.integer(result.leftOutBeats)), too near a record's ends")
    table.add(
      "network",
      "\(Numbers.integer(result.weights)) weights, \(Numbers.integer(result.macsPerWindow)) MAC a window")
    let epochs = result.epochs == 1 ? "1 epoch" : "\(result.epochs) epochs"
    table.add("checkpoint", "\(output), \(Numbers.bytes(result.checkpointBytes)), \(epochs)")
    try results.show(table)
    try results.writeJSON(result)
  }
}

/// What was trained, as JSON.
private struct TrainingResult: Encodable {
  var task: String
  var split: String
  var seed: UInt64
  var epochs: Int
  var classNames: [String]
  var records: Int
  /// The signals trained on.
  var leads: Int
  /// Counted on every lead.
  var beats: Int
  var beatsPerClass: [Int]
  var leftOutBeats: Int
  var weights: Int
  var macsPerWindow: Int
  var checkpoint: String
  var checkpointBytes: Int

  init(_ trained: Checkpoint, signals: [LabelledSignal], leftOutBeats: Int, file: String) throws {
    let shapes =
      try trained.specification.layerShapes() + (trained.beatNetwork?.specification.layerShapes() ?? [])
    let classes = signals.flatMap { $0.beats.map(\.classIndex) }
    task = trained.task
    split = trained.split
    seed = trained.training.seed
    epochs = trained.training.epochs
    classNames = trained.classNames
    records = Set(signals.map(\.record)).count
    leads = signals.count
    beats = classes.count
    beatsPerClass = trained.classNames.indices.map { index in classes.count { $0 == index } }
    self.leftOutBeats = leftOutBeats
    weights = shapes.reduce(0) { $0 + $1.weightCount }
    macsPerWindow = shapes.reduce(0) { $0 + $1.multiplyAccumulateCount }
    checkpoint = file
    checkpointBytes = trained.encoded().count
  }
}

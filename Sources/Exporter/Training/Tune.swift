import ArgumentParser
import CommandSupport
import ECG
import Evaluation
import Foundation
import Networks
import Support
import Tasks
import Training

/// The command `exporter tune`.
struct Tune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Raise a trained network's logits for a stated sensitivity or specificity.",
    usage: "exporter tune <ckpt> --output <ckpt> ...",
    discussion: """
      The critical classes' logits are raised, each by one number: the one that --aim
      needs on --records (validation, where none are named), which shall be patients
      that the network was not trained on and that it is not judged by later; or
      --offsets, such as `exporter validate --tune` tells for a network of all folds.
      Quantize what comes out.

      Examples:

        exporter tune mine.safetensors --data segments --records validation \\
          --aim specificity=0.97 --output tuned.safetensors
        exporter tune vtvf.safetensors --offsets vtvf=-0.8 --output tuned.safetensors
      """)

  @Argument(help: ArgumentHelp("The trained network of windows.", valueName: "ckpt")) var checkpoint: String
  @Option(help: ArgumentHelp("The folder of the task's records, for --aim.", valueName: "dir")) var data:
    String?
  @Option(help: .records) var records: RecordSelection?
  @Option(help: ArgumentHelp("specificity=x or sensitivity=x.", valueName: "aim")) var aim: String?
  @Option(help: ArgumentHelp("By how much to raise each logit.", valueName: "class=x,class=x"))
  var offsets: LogitOffsets?
  @Option(help: ArgumentHelp("The checkpoint to write.", valueName: "ckpt")) var output: String
  @OptionGroup var threading: ThreadOptions
  @OptionGroup var results: OutputOptions

  /// What was raised, as JSON.
  private struct Result: Encodable {
    var checkpoint: String
    var aim: String?
    var offsets: [String: Double]
    /// How the raised network does on the records of the aim.
    var windows: [WindowScore]?
  }

  func validate() throws {
    try requireDistinct(outputs: [output, results.jsonFile], inputs: [checkpoint])
    guard (aim == nil) != (offsets == nil) else { throw ValidationError("give either --aim or --offsets") }
    guard (aim == nil) == (data == nil), aim != nil || records == nil else {
      throw ValidationError("--data and --records go with --aim")
    }
    if let aim, WindowValidation.Aim(aim) == nil {
      throw ValidationError("--aim must be specificity=x or sensitivity=x, with x between 0 and 1")
    }
  }

  func run() throws {
    var trained = try Checkpoint.read(checkpoint)
    guard let task = trained.definition, task.isByClock else {
      throw FileError.malformed(
        checkpoint, "is no network of windows", remedy: "train one with a task of windows or episodes")
    }
    let names = offsets?.values ?? [:]
    if let unknown = names.keys.sorted().first(where: { !task.classNames.contains($0) }) {
      throw ValidationError(
        "--offsets names \(unknown), none of the classes \(task.classNames.joined(separator: ", "))")
    }
    var chosen = task.classNames.map { Float(names[$0] ?? 0) }
    var signals: [LabelledSignal] = []
    if let aim = aim.flatMap(WindowValidation.Aim.init) {
      let records = try TaskRecords(
        folder: data ?? "", task: task, split: trained.split, classNames: trained.classNames,
        sampleRateHz: trained.settings.sampleRateHz, threads: threading.count, file: checkpoint)
      signals = try results.withProgress("Reading") { progress in
        try (self.records ?? .validation).signals(of: records, progress: progress)
      }
      let decisions = try decisions(of: trained, on: signals).flatMap(\.self)
      for index in task.scoredClasses {
        guard let offset = WindowValidation.offset(for: aim, decisions, classIndex: index) else {
          throw FileError.malformed(
            data ?? "", "has no window of \(task.classNames[index]), or no other, in these records",
            remedy: "choose other --records")
        }
        chosen[index] = offset
      }
    }
    trained.raiseLogits(by: chosen)
    try trained.write(to: output)
    let windows = signals.isEmpty ? nil : try scores(of: trained, task, on: signals)
    let told = Dictionary(
      uniqueKeysWithValues: zip(task.classNames, chosen.map(Double.init)).filter { $1 != 0 })
    try results.show("Raised by \(LogitOffsets(values: told).exact): \(output)\n")
    for score in windows ?? [] {
      let (title, table) = score.table(of: "float, on the records that the offsets were chosen on")
      try results.show("\n\(title)\n")
      try results.show(table)
    }
    if let aim = aim.flatMap(WindowValidation.Aim.init) {
      results.tell((windows ?? []).compactMap { aim.shortfall(of: $0) })
    }
    try results.writeJSON(Result(checkpoint: output, aim: aim, offsets: told, windows: windows))
  }

  private func decisions(
    of trained: Checkpoint, on signals: [LabelledSignal]
  ) throws(FileError) -> [[BeatDecision]] {
    do throws(InvalidNetwork) {
      let (network, beats) = (try FloatGraph(trained), try FloatBeatNetwork(beside: trained))
      return try signals.map { signal throws(InvalidNetwork) in
        try EvaluationWindows([signal], window: trained.window, beside: beats).decisions(of: network)
      }
    } catch {
      throw .malformed(checkpoint, error.description, remedy: "use an undamaged checkpoint of this version")
    }
  }

  private func scores(
    of trained: Checkpoint, _ task: TaskDefinition, on signals: [LabelledSignal]
  ) throws(FileError) -> [WindowScore] {
    let decisions = try decisions(of: trained, on: signals)
    let patients = Dictionary(grouping: zip(signals, decisions), by: \.0.patient).sorted { $0.key < $1.key }
    return task.scoredClasses.map { index in
      WindowScore(
        patients.map { $0.value.flatMap(\.1) }, classIndex: index, className: task.classNames[index],
        atSpecificity: BeatEvaluation.windowSpecificity, seed: trained.training.seed)
    }
  }
}

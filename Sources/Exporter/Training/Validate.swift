import ArgumentParser
import CommandSupport
import ECG
import Evaluation
import Foundation
import Metrics
import Networks
import Reports
import Support
import Tasks
import Training

/// The command `exporter validate`.
struct Validate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Try a way of training by patient, inside the training records alone.",
    discussion: """
      The training records, of MIT-BIH those of DS1, are dealt into folds; a task with
      folds of its own keeps those. For each fold, and each seed, a network is trained
      on the others' patients and decides about the fold's. So a network and its
      options are chosen without a look at the test records.

      Patients' F1 is the mean over the patients with at least 15 beats of a class: no
      single patient with many such beats decides it.

      Of windows by the clock each fold's network also becomes the device's int8 image,
      which decides about the fold's windows and announces its episodes. --tune chooses
      how far logits are raised for an aim, for each fold on the other folds' patients;
      --report draws what every threshold gives.

      --against compares with the results of another way of training on the same records:
      the difference in F1, with an interval of draws of patients.

      Examples:

        exporter validate --task aami --data data/mitdb --seed 1,2,3
        exporter validate --task aami --data data/mitdb --premature 0.15 --hidden 32
        exporter validate --task vtvf --data data/vfdb --tune specificity=0.97 \\
          --hysteresis 3 --keep folds --report vtvf.html
        exporter validate --task two-leads.json --data data/mitdb --against one-lead.json
      """)

  @Option(
    name: .customLong("task"),
    help: ArgumentHelp("What to tell apart: a built-in task's name, or a JSON file.", valueName: "task"))
  var taskName: String
  @Option(help: ArgumentHelp("The folder of the task's records.", valueName: "dir")) var data: String
  @Option(help: ArgumentHelp("The number of folds. (default: the task's, else 5)", valueName: "n"))
  var folds: Int?
  @Option(help: ArgumentHelp("The seeds of the trainings, with commas.", valueName: "seed"))
  var seed = List<UInt64>([1])
  @OptionGroup var electrode: CouplingOptions
  @Option(
    help: ArgumentHelp(
      "Keep the folds' networks in this folder, so that a run that was stopped goes on.", valueName: "dir"))
  var keep: String?
  @Option(
    help: ArgumentHelp(
      "For windows: raise the critical classes' logits for specificity=x or sensitivity=x, each fold by the others.",
      valueName: "aim"))
  var tune: String?
  @Option(
    help: ArgumentHelp(
      "For windows: how many times as much as +P sensitivity counts in F-beta. (default: \(Numbers.shortest(WindowScore.usualBeta)))",
      valueName: "x"))
  var beta: Double?
  @Option(
    help: ArgumentHelp(
      "What --json wrote of another way of training on the same records, to tell what differs.",
      valueName: "file.json"))
  var against: String?
  @Option(help: ArgumentHelp("For windows: write a page with their curves.", valueName: "file.html"))
  var report: String?
  @OptionGroup(title: "Episodes") var episodes: EpisodeOptions
  @OptionGroup var threading: ThreadOptions
  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Training") var options: TrainingArguments
  @OptionGroup(title: "Augmentation") var augmentation: AugmentationArguments
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireTask(taskName)
    try seed.requireOnce("--seed")
    try requireDistinct(
      outputs: [report, results.jsonFile], folders: [keep], inputs: [taskName, network.architecture, against])
    if let beta, !(beta > 0 && beta <= 100) {
      throw ValidationError("--beta must be above 0, and at most 100")
    }
    if let tune, WindowValidation.Aim(tune) == nil {
      throw ValidationError("--tune must be specificity=x or sensitivity=x, with x between 0 and 1")
    }
    if let folds, !(2...1000).contains(folds) {
      throw ValidationError("\(folds) folds are not in 2 ... 1,000")
    }
  }

  func run() throws {
    let (task, split, count) = try TaskDefinition.load(taskName).dividedForFolds(folds)
    try options.check(classNames: task.classNames)
    try augmentation.check(task: task)
    try augmentation.check(beats: network.beats != nil)
    guard task.isByClock || (tune == nil && beta == nil && report == nil && !episodes.isGiven) else {
      throw ValidationError(
        "--tune, --beta, --report and the options of episodes are for windows, and \(task.name) is of beats")
    }
    let training = options.values(
      task: task, split: split, augmentation: augmentation,
      beats: network.beats != nil)
    if let problem = training.problem { throw ValidationError(problem) }
    var beats = TaskRecords(
      folder: data, task: task, split: split, sampleRateHz: task.frontEnd.sampleRateHz,
      threads: threading.count)
    beats.coupling = Coupling(setting: electrode.hertz)
    let specification = try network.specification(for: task)
    let signals = try results.withProgress("Reading") { progress in
      try beats.training(leads: training.leads, progress: progress)
    }
    var seen = Set<String>()
    let mainLeads = signals.filter { seen.insert($0.record).inserted }
    let noises = try augmentation.noises(atRateHz: beats.sampleRateHz)
    let (definition, chosen, couplingHz, network) = (task, split, electrode.hertz, self.network)
    var plan = TrainedFold.Plan(
      signals: signals, mainLeads: mainLeads, noises: noises,
      foldOfRecord: try PatientValidation.folds(mainLeads, count: count, of: beats), folds: count,
      seeds: seed.values)
    if let keep { try Files.makeFolder(keep) }
    (plan.keep, plan.beatShare) = (keep, network.shareOfBeats)
    let set = plan
    let trained = try results.withProgress("Training") { progress in
      do {
        return try TrainedFold.all(
          set,
          untrained: { seed in
            var training = training
            training.seed = seed
            var start = try Checkpoint.untrained(
              of: definition, specification: specification, split: chosen, training: training,
              couplingHz: couplingHz, beats: network.beats)
            start.beatNetwork = try network.beatNetwork(beside: start, of: definition)
            return start
          }, threads: threading.count, progress: progress)
      } catch let error as TrainingError {
        throw FileError.malformed(
          data, error.description,
          remedy: "use the task's whole records; `exporter task check` counts what they hold")
      }
    }
    var validation = try PatientValidation(trained, by: plan)
    if task.isByClock {
      let (rule, beta) = (episodes.rule, beta ?? WindowScore.usualBeta)
      let aim = tune.flatMap(WindowValidation.Aim.init)
      validation.windows = try results.withProgress("Deciding") { progress in
        try WindowValidation(
          Array(trained.prefix(count)), of: definition, aim: aim, beta: beta, rule: rule,
          threads: threading.count,
          progress: progress)
      }
    }
    validation.comparison = try against.map { file throws(FileError) in
      try ValidationComparison(validation, against: file)
    }
    if let report, let windows = validation.windows {
      try Files.write(
        windows.page(
          task: task, folds: count, seed: seed.values[0], command: Invocation.text), to: report)
    }
    try show(validation, task)
    try results.writeJSON(validation)
  }

  private func show(_ validation: PatientValidation, _ task: TaskDefinition) throws {
    let seeds = validation.seeds.count == 1 ? "seed" : "seeds"
    try results.show(
      "Task \(validation.task), \(validation.folds) folds by patient\(task.database == "mitdb" && !task.isByClock ? " inside DS1" : ""), "
        + "\(validation.seeds.count) \(seeds), float\n\n")
    try results.show(Self.table(validation.network, task))
    let offsets = zip(validation.network.classes.map(\.name), validation.bestOffsets).filter { $1 != 0 }
    let told = offsets.map { "\($0) by \(Numbers.decimal(Double($1), places: 1))" }.joined(separator: ", ")
    try results.show(
      offsets.isEmpty
        ? "\nNo other --logit-offsets would give more.\n"
        : "\nOther --logit-offsets, \(told) from these, would give \(Numbers.percent(validation.macroF1WithBestOffsets)).\n"
    )
    if let share = validation.networkShare {
      try results.show("\n\(share.text)\n")
    }
    if let comparison = validation.comparison {
      try results.show(
        "\nF1 against \(comparison.against), \(seeds == "seed" ? "this seed" : "all seeds together"), \(comparison.patients) patients\n\n"
      )
      try results.show(Self.table(comparison))
    }
    for (title, table) in validation.windows?.tables ?? [] {
      try results.show("\n\(title)\n")
      try results.show(table)
    }
    if let offsets = validation.windows?.offsets, !offsets.isEmpty {
      let told = LogitOffsets(values: offsets).exact
      try results.show("\nFor a network of all folds: exporter tune CKPT --offsets \(told)\n")
    }
    if let scores = validation.withRhythm {
      try results.show("\nThe same decisions with RR intervals (--rhythm)\n\n")
      try results.show(Self.table(scores, task))
    }
  }

  private static func table(_ scores: PatientValidation.Scores, _ task: TaskDefinition) -> SummaryTable {
    let unit = task.isByClock ? "windows" : "beats"
    var table = SummaryTable(
      columns: [unit, "Se", "+P", "F1", "of patients drawn", "patients' F1"], alignment: .right)
    func interval(_ interval: Interval?) -> String { interval?.percentages(places: 1) ?? "-" }
    for row in scores.classes {
      table.add(
        row.name, Numbers.integer(row.beats), Numbers.percent(row.sensitivity),
        Numbers.percent(row.positivePredictivity), Numbers.percent(row.f1), interval(row.f1Interval),
        "\(Numbers.percent(row.patientF1)) of \(row.patients)")
    }
    table.add(
      "macro", "", "", "", Numbers.percent(scores.macroF1), interval(scores.macroF1Interval), "")
    return table
  }

  private static func table(_ comparison: ValidationComparison) -> SummaryTable {
    var table = SummaryTable(
      columns: ["F1", "other's", "difference", "of patients drawn"], alignment: .right)
    for row in comparison.differences {
      let difference = row.f1.flatMap { own in row.otherF1.map { own - $0 } }
      table.add(
        row.name, row.f1.map { Numbers.percent($0) } ?? "-", row.otherF1.map { Numbers.percent($0) } ?? "-",
        difference.map { Numbers.decimal(100 * $0, places: 2) } ?? "-",
        row.interval?.percentages(places: 2) ?? "-")
    }
    return table
  }
}

import ArgumentParser
import CommandSupport
import Evaluation
import Foundation
import Networks
import Support
import Tasks
import Training

/// The command `exporter validate`.
struct Validate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Try a way of training by patient, inside the training records alone.",
    discussion: """
      The training records of DS1 are dealt into folds. For each fold, and each seed, a
      network is trained on the others' patients and decides about the fold's. So a
      network and its options are chosen without a look at the test records.

      Patients' F1 is the mean over the patients with at least 15 beats of a class: no
      single patient with many such beats decides it.

      Examples:

        exporter validate --task aami --data data/mitdb --seed 1,2,3
        exporter validate --task aami --data data/mitdb --premature 0.15 --hidden 32
      """)

  @Option(help: ArgumentHelp("What to tell beats apart by: aami or types.", valueName: "task"))
  var task: BeatTask
  @Option(help: ArgumentHelp("The folder of MIT-BIH's records.", valueName: "dir")) var data: String
  @Option(help: ArgumentHelp("The number of folds.", valueName: "n"))
  var folds = 5
  @Option(help: ArgumentHelp("The seeds of the trainings, with commas.", valueName: "seed"))
  var seed = List<UInt64>([1])
  @OptionGroup var electrode: CouplingOptions
  @OptionGroup var threading: ThreadOptions
  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Training") var options: TrainingArguments
  @OptionGroup(title: "Augmentation") var augmentation: AugmentationArguments
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try network.check(classCount: task.classNames.count)
    try options.check(classNames: task.classNames)
    if let problem = options.values(split: .inter, augmentation: augmentation).problem {
      throw ValidationError(problem)
    }
    guard (2...22).contains(folds) else { throw ValidationError("\(folds) folds are not in 2 ... 22") }
  }

  func run() throws {
    var settings = SpectrogramSettings()
    settings.couplingHz = electrode.hertz
    var beats = BeatRecords(
      folder: data, task: task, split: .inter, sampleRateHz: settings.sampleRateHz,
      threads: threading.count)
    beats.coupling = settings.coupling
    let training = options.values(split: .inter, augmentation: augmentation)
    let signals = try results.withProgress("Reading") { progress in
      try beats.training(leads: training.leads, progress: progress)
    }
    var seen = Set<String>()
    let mainLeads = signals.filter { seen.insert($0.record).inserted }
    let noises = try augmentation.noises(atRateHz: beats.sampleRateHz)
    let (task, network, frontEnd) = (task, network, settings)
    let validation = try results.withProgress("Training") { progress in
      do {
        return try PatientValidation(
          signals: signals, mainLeads: mainLeads, noises: noises, folds: folds,
          seeds: seed.values,
          untrained: { seed in
            var training = training
            training.seed = seed
            return try Checkpoint.untrained(
              settings: frontEnd,
              specification: network.specification(classCount: task.classNames.count),
              classNames: task.classNames, task: task.rawValue, split: BeatSplit.inter.rawValue,
              training: training)
          }, threads: threading.count, progress: progress)
      } catch let error as TrainingError {
        throw FileError.malformed(data, error.description, remedy: "use MIT-BIH's whole records")
      }
    }
    try show(validation)
    try results.writeJSON(validation)
  }

  private func show(_ validation: PatientValidation) throws {
    let seeds = validation.seeds.count == 1 ? "seed" : "seeds"
    try results.show(
      "Task \(validation.task), \(validation.folds) folds by patient inside DS1, "
        + "\(validation.seeds.count) \(seeds), float\n\n")
    try results.show(Self.table(validation.network))
    let offsets = zip(validation.network.classes.map(\.name), validation.bestOffsets).filter { $1 != 0 }
    let told = offsets.map { "\($0) by \(Numbers.decimal(Double($1), places: 1))" }.joined(separator: ", ")
    try results.show(
      offsets.isEmpty
        ? "\nNo other --logit-offsets would give more.\n"
        : "\nOther --logit-offsets, \(told) from these, would give \(Numbers.percent(validation.macroF1WithBestOffsets)).\n"
    )
    if let scores = validation.withRhythm {
      try results.show("\nThe same decisions with RR intervals (--rhythm)\n\n")
      try results.show(Self.table(scores))
    }
  }

  private static func table(_ scores: PatientValidation.Scores) -> SummaryTable {
    var table = SummaryTable(columns: ["beats", "Se", "+P", "F1", "patients' F1"], alignment: .right)
    for row in scores.classes {
      table.add(
        row.name, Numbers.integer(row.beats), Numbers.percent(row.sensitivity),
        Numbers.percent(row.positivePredictivity), Numbers.percent(row.f1),
        "\(Numbers.percent(row.patientF1)) of \(row.patients)")
    }
    table.add("macro", "", "", "", Numbers.percent(scores.macroF1), "")
    return table
  }
}

import ArgumentParser
import CommandSupport
import Evaluation
import Foundation
import HostDevice
import Networks
import Reports
import Support
import Tasks
import Training

/// The command `exporter design`.
struct Design: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Search for the network that a device can carry: each is trained, quantized and run on folds of patients.",
    discussion: """
      A point is a combination of what the lists say. For each fold, and each seed, its
      network is trained on the others' patients and becomes the device's int8 image,
      which is told of each beat and decides about the fold's patients. The profile's
      verdict tells the current of the patient in the middle and of the one who takes
      most. All of it is inside the training records: the test records stay unseen.

      The table and the page have the front: no other point takes less current and
      decides as well. Those that the budget allows at the unfavourable end are marked.

      Each result is a file in FOLDER/results, named by the digest of all that made it: a
      search that was stopped goes on, and a changed setting makes another file. With
      --shard each of several machines does its part in one folder; --collect then makes
      the page of what there is, and says what is missing.

      Examples:

        exporter design --task aami --data data/mitdb --profile pacemaker --output design
        exporter design --task aami --data data/mitdb --front-end beats --hidden 8,16 \\
          --known-distance 0,0.5 --budget-current 0.115 --output design
        exporter design --task aami --data data/mitdb --output design --list
        exporter design --task aami --data data/mitdb --output design --shard 3/8
        exporter design --task aami --data data/mitdb --output design --collect
      """)

  @Option(
    name: .customLong("task"),
    help: ArgumentHelp("What to tell apart: a built-in task's name, or a JSON file.", valueName: "task"))
  var taskName: String
  @Option(help: ArgumentHelp("The folder of the task's records.", valueName: "dir")) var data: String
  @Option(help: ArgumentHelp("The device: a profile's name or JSON file.", valueName: "name|file"))
  var profile = "pacemaker"
  @Option(
    help: ArgumentHelp(
      "The most that the patient in the middle may take, in microamperes. (default: the profile's limit)",
      valueName: "uA"))
  var budgetCurrent: Double?
  @Option(help: ArgumentHelp("The folder of results, page and table.", valueName: "folder")) var output:
    String
  @Option(help: ArgumentHelp("What the networks look at.", valueName: "columns,beats,both"))
  var frontEnd = List<FrontEndChoice>([.columns, .beats, .both])
  @Option(help: ArgumentHelp("The windows' lengths, in columns of 62.5 ms.", valueName: "n,n"))
  var columns = List<Int>([43])
  @Option(help: ArgumentHelp("The channels of every convolution.", valueName: "n,n"))
  var channels = List<Int>([8, 24])
  @Option(help: ArgumentHelp("The hidden units of the networks of beats.", valueName: "n,n"))
  var hidden = List<Int>([8, 16])
  @Option(
    help: ArgumentHelp(
      "Beats alone: how far one that is known without the network may be from the usual beat; 0 for no memory.",
      valueName: "x,x"))
  var knownDistance = List<Double>([0, 0.5])
  @Option(help: ArgumentHelp("The number of folds. (default: the task's, else 5)", valueName: "n"))
  var folds: Int?
  @Option(help: ArgumentHelp("The seeds of the trainings, with commas.", valueName: "seed"))
  var seed = List<UInt64>([1])
  @Option(help: ArgumentHelp("Do one of n parts of the trainings, and no page.", valueName: "i/n"))
  var shard: Shard?
  @Flag(help: "Train nothing: make the page of what there is, and say what is missing.") var collect = false
  @Flag(help: "Print the points and the commands that make them, and do nothing.") var list = false
  @OptionGroup var threading: ThreadOptions
  @OptionGroup(title: "Training") var options: TrainingArguments
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireTask(taskName)
    try requireDistinct(outputs: [results.jsonFile], folders: [output], inputs: [taskName, profile])
    try frontEnd.requireOnce("--front-end")
    try columns.requireOnce("--columns")
    try channels.requireOnce("--channels")
    try hidden.requireOnce("--hidden")
    try knownDistance.requireOnce("--known-distance")
    try seed.requireOnce("--seed")
    for (name, values) in [("channels", channels.values), ("hidden", hidden.values)] {
      if let wrong = values.first(where: { !(1...256).contains($0) }) {
        throw ValidationError("--\(name) has \(wrong), which is not in 1 ... 256")
      }
    }
    if let wrong = columns.values.first(where: { !(15...1000).contains($0) }) {
      throw ValidationError("--columns has \(wrong), which is not in 15 ... 1,000: the convolutions span 15")
    }
    if let wrong = knownDistance.values.first(where: { !(0...0.99).contains($0) }) {
      throw ValidationError("--known-distance has \(Numbers.shortest(wrong)), which is not in 0 ... 0.99")
    }
    if let folds, !(2...1000).contains(folds) {
      throw ValidationError("\(folds) folds are not in 2 ... 1,000")
    }
    if let budgetCurrent, !(budgetCurrent > 0 && budgetCurrent <= 1e6) {
      throw ValidationError("--budget-current needs microamperes above 0, and at most 1,000,000")
    }
    if [shard != nil, collect, list].count(where: \.self) > 1 {
      throw ValidationError("--shard, --collect and --list exclude each other")
    }
  }

  private func search(_ task: TaskDefinition) throws -> DesignSearch.Options {
    let split = task.dividedForFolds(folds).split
    let (training, beats) = (
      options.values(task: task, split: split), options.values(task: task, split: split, beats: true)
    )
    if let problem = training.problem ?? beats.problem { throw ValidationError(problem) }
    var search = DesignSearch.Options(
      taskName: taskName, data: data, profile: profile,
      points: DesignPoint.all(
        frontEnds: frontEnd.values, columns: columns.values, channels: channels.values,
        hidden: hidden.values, knownDistances: knownDistance.values),
      training: training, beatTraining: beats, folder: output)
    (search.budgetMicroamps, search.folds, search.seeds) = (budgetCurrent, folds, seed.values)
    (search.trainingWords, search.threads) = (options.words, threading.count)
    return search
  }

  func run() throws {
    let task = try TaskDefinition.load(taskName)
    try options.check(classNames: task.classNames)
    let chosen = try search(task)
    if list {
      for point in chosen.points {
        let commands = DesignSearch.commands(of: point, chosen).joined(separator: "\n  ")
        try results.show("\(point.name)\n  \(commands)\n")
      }
      return try results.writeJSON(chosen.points)
    }
    let search = try DesignSearch(chosen)
    if !collect {
      let part = shard ?? Shard(index: 1, count: 1)
      try results.withProgress("Training") { progress throws(FileError) in
        try search.run(shard: (part.index, part.count), progress: progress)
      }
    }
    guard shard == nil else {
      return try results.show("Done; --collect makes the page when all parts are.\n")
    }
    let result = try DesignResult(search)
    guard !result.points.isEmpty else {
      throw FileError.missing(
        "\(output)/results",
        "has no point with all of its folds: \(result.missing.count) results are missing",
        remedy: "run the same command without --collect, or its shards")
    }
    try Files.write(JSON.data(result), to: "\(output)/design.json")
    try Files.write(result.page(command: Invocation.text), to: "\(output)/design.html")
    try show(result)
    try results.writeJSON(result)
  }

  private func show(_ result: DesignResult) throws {
    try results.show("\(result.sentence)\n\n")
    var table = SummaryTable(
      columns: ["front", "uA, median", "worst", "fits"] + result.criticalClasses.map { "\($0) F1" } + [
        "macro F1"
      ],
      alignment: .right)
    for point in result.points {
      func current(_ estimate: Estimate?) -> String { estimate?.text ?? "-" }
      table.add(
        point.name,
        [
          point.isOnFront ? "*" : "", current(point.median), current(point.worst),
          point.fits.map { $0 ? "yes" : "no" } ?? "-",
        ] + result.criticalClasses.map { Numbers.percent(point.f1($0)) } + [
          Numbers.percent(point.scores.macroF1)
        ])
    }
    try results.show(table)
    if !result.missing.isEmpty {
      let names = result.missing.map { "\($0.name): seed \($0.seed), fold \($0.fold)" }
      try results.show("\nMissing\n  \(names.joined(separator: "\n  "))\n")
    }
    try results.show("\npage  \(output)/design.html\n")
  }
}

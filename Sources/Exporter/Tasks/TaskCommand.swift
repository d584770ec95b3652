import ArgumentParser
import CommandSupport
import Foundation
import HostDevice
import Reports
import Support
import Tasks

/// The command `exporter task`.
struct TaskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "task",
    abstract: "What is to be told apart, in which records, by which labels.",
    discussion: """
      A task is a JSON file: classes, labels, leads, front end and split. `list --show`
      prints a built-in one to start from; see docs/guides/Tasks.md for every key.
      """,
    subcommands: [TaskCheckCommand.self, TaskListCommand.self])
}

/// The command `exporter task list`.
struct TaskListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the built-in tasks, or print one as the JSON file that it would be.",
    discussion: """
      Examples:

        exporter task list
        exporter task list --show vtvf > mine.json
      """)

  @Option(help: ArgumentHelp("Print this built-in task.", valueName: "name")) var show: String?
  @OptionGroup var results: OutputOptions

  /// A built-in task in few words.
  private struct Entry: Encodable {
    var name, unit: String
    var classes: [String]
    var database: String?
  }

  func run() throws {
    if let show {
      let task = try TaskDefinition.load(show)
      guard
        let object = try? JSONSerialization.jsonObject(with: Data(task.json.utf8)),
        let data = try? JSONSerialization.data(
          withJSONObject: object, options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
      else { preconditionFailure("a task's own text is JSON") }
      try Files.writeToStandardOutput(data + Data("\n".utf8))
      return
    }
    var table = SummaryTable(columns: ["unit", "classes", "records"])
    let entries = TaskDefinition.builtIn.map {
      Entry(name: $0.name, unit: $0.unit.rawValue, classes: $0.classNames, database: $0.database)
    }
    for entry in entries {
      table.add(entry.name, entry.unit, entry.classes.joined(separator: ", "), entry.database ?? "-")
    }
    try results.show(table)
    try results.writeJSON(entries)
  }
}

/// The command `exporter task check`.
struct TaskCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Count what a task finds in a folder, and say what to doubt, before training.",
    usage: "exporter task check <task> --data <dir> ...",
    discussion: """
      Every record is read whole. Told are the beats or windows of each class with
      their records and patients, in each part of the split, and warnings: of classes
      with few patients, of leads that are flat or saturate the converter, of labelled
      stretches that are too short for a window. --report draws some of each class.

      Examples:

        exporter task check vtvf --data data/vfdb
        exporter task check mine.json --data segments --json check.json
        exporter task check mine.json --data segments --report check.html
      """)

  @Argument(help: ArgumentHelp("A built-in task's name, or a JSON file.", valueName: "task")) var task: String
  @Option(help: ArgumentHelp("The folder of the task's records.", valueName: "dir")) var data: String
  @Option(help: ArgumentHelp("Write a page with pictures of each class.", valueName: "file.html"))
  var report: String?
  @OptionGroup var adc: ConverterOptions
  @OptionGroup var threading: ThreadOptions
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireTask(task)
    try requireDistinct(outputs: [report, results.jsonFile], inputs: [task])
  }

  func run() throws {
    let task = try TaskDefinition.load(task)
    let records = TaskRecords(
      folder: data, task: task, split: task.usualSplit, sampleRateHz: task.frontEnd.sampleRateHz,
      threads: threading.count)
    let converter = adc.converter
    let (check, signals) = try results.withProgress("Reading") { progress throws(FileError) in
      try TaskCheck.run(records, converter: converter, progress: progress)
    }
    if let report {
      try Files.write(check.page(of: task, signals, command: Invocation.text), to: report)
    }
    results.tell(check.notes)
    try show(check, task)
    try results.writeJSON(check)
  }

  private func show(_ check: TaskCheck, _ task: TaskDefinition) throws {
    var facts = SummaryTable(columns: [])
    facts.add(
      "task", "\(task.name), \(task.unit.rawValue), classes \(task.classNames.joined(separator: ", "))")
    facts.add(
      "records",
      "\(Numbers.integer(check.records)) of \(Numbers.integer(check.patients)) patient\(check.patients == 1 ? "" : "s")"
    )
    let leads = check.leads.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    facts.add("leads", leads.map { "\($0.key) (\(Numbers.integer($0.value)))" }.joined(separator: ", "))
    if let window = task.windowSeconds, let hop = task.secondsOfClock {
      facts.add(
        "windows",
        "\(Numbers.shortest(window)) s every \(Numbers.shortest(hop)) s, \(Numbers.integer(task.columnCount ?? 0)) columns of the front end"
      )
      facts.add("skipped", Numbers.duration(seconds: check.skippedSeconds))
    }
    try results.show(facts)
    try results.show("\n")
    var table = SummaryTable(columns: ["part", check.unit, "records", "patients", "time"], alignment: .right)
    for count in check.counts {
      table.add(
        count.className, count.part, Numbers.integer(count.labels), Numbers.integer(count.records),
        Numbers.integer(count.patients), count.seconds.map { Numbers.duration(seconds: $0) } ?? "-")
    }
    try results.show(table)
    for warning in check.warnings { try results.show("\n  warning: \(warning)\n") }
    if check.warnings.isEmpty { try results.show("\n  nothing to warn of\n") }
  }
}

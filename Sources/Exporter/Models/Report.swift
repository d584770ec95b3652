import ArgumentParser
import CommandSupport
import ECG
import Evaluation
import Foundation
import ModelFiles
import Reports
import Support
import Tasks

/// The command `exporter report`.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find where quantization loses accuracy, and what each bit costs or saves.",
    discussion: """
      Every point of a sweep over weights, activations, calibration, rounding, front
      end and spectrogram becomes an image that the runtime runs over every beat of
      the records: those of --records; else ds2 for MIT-BIH's beats, and test for other
      tasks. The folder receives report.html, report.json, report.md, points.csv
      and layers.csv. What was worked out is kept in its folder "cache" by content, so
      that a run that was stopped goes on, and the next one takes seconds.

      A budget of flash, RAM or charge searches the widths of each layer that keep the
      most within it. --compare tells which differences of two reports are significant.
      A .tflite model is compared with its float twin on given samples. For a float
      network, .onnx or .tflite, choices of integers are tried on its samples, and the
      smallest that follows float is written beside the report.

      See docs/guides/Quantization.md.

      Examples:

        exporter report beats.safetensors --data data/mitdb --output report
        exporter report beats.safetensors --qat qat.safetensors --data data/mitdb \\
          --output report --sweep mine.json --budget-flash 6000
        exporter report --compare report-a report-b
        exporter report keywords.tflite --float keywords_float32.tflite \\
          --input x.npy --labels y.npy --output report
        exporter report beats.onnx --samples x.npy --labels y.npy --output report
      """)

  @Argument(help: ArgumentHelp("The trained network, an .onnx or .tflite model.", valueName: "ckpt"))
  var checkpoint: String?
  @Option(help: ArgumentHelp("The same network, trained with quantization in the loop.", valueName: "ckpt"))
  var qat: String?
  @Option(help: ArgumentHelp("The folder of MIT-BIH's records.", valueName: "dir")) var data: String?
  @Option(help: ArgumentHelp("The folder for the report.", valueName: "dir")) var output: String?
  @Option(help: .records) var records: RecordSelection?
  @Option(help: ArgumentHelp("default, or a JSON file with a list of points.", valueName: "file.json"))
  var sweep = "default"
  @Option(help: ArgumentHelp("Profiles' names or JSON files, with commas.", valueName: "names"))
  var profile = "reference,pacemaker,crt-d,leadless"
  @Option(
    help: ArgumentHelp(
      "The decisions a minute, for charge and battery. (default: as the task's clock has it, or 70 beats)",
      valueName: "n"))
  var decisionsPerMinute: Double?
  @Option(help: ArgumentHelp("Search the best widths of at most so much flash.", valueName: "bytes"))
  var budgetFlash: Int?
  @Option(help: ArgumentHelp("The same for RAM.", valueName: "bytes")) var budgetRam: Int?
  @Option(help: ArgumentHelp("The same for the charge a decision on the first profile.", valueName: "uC"))
  var budgetCharge: Double?
  @Option(
    help: ArgumentHelp(
      "The classes in which a point must not be worse than float, with commas. (default: the task's)",
      valueName: "names"))
  var critical: String?
  @Option(help: ArgumentHelp("What they may lose, in points of F1.", valueName: "points")) var margin = 1.0
  @Option(
    help: ArgumentHelp("The least share of decisions that must be float's, in percent.", valueName: "%"))
  var agreementFloor = 98.0
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Compare two reports: their folders or report.json files.", valueName: "a b"))
  var compare: [String] = []
  @Option(
    name: .customLong("float"),
    help: ArgumentHelp("The float twin of an image or .tflite model.", valueName: "net"))
  var float: String?
  @Option(
    name: [.customLong("input"), .customLong("samples")],
    help: ArgumentHelp("An .onnx or .tflite model's samples, a row each.", valueName: "x.npy"))
  var input: String?
  @Option(help: ArgumentHelp("The front end that a float network streams behind.", valueName: "f.json"))
  var frontEnd: String?
  @Option(help: ArgumentHelp("The samples' classes.", valueName: "y.npy")) var labels: String?
  @Option(help: ArgumentHelp("The seed of calibration windows and draws of patients.", valueName: "seed"))
  var seed: UInt64 = 1
  @OptionGroup var threading: ThreadOptions
  @OptionGroup var results: OutputOptions

  private var isImported: Bool {
    float != nil || (!isFloatNetwork && checkpoint?.hasSuffix(".tflite") == true)
  }

  private var isFloatNetwork: Bool { float == nil && checkpoint.map(FloatNetwork.isOne) == true }

  private var budget: PrecisionSearch.Budget {
    var budget = PrecisionSearch.Budget()
    (budget.flashBytes, budget.ramBytes, budget.chargeMicrocoulombs) = (budgetFlash, budgetRam, budgetCharge)
    return budget
  }

  func validate() throws {
    try requireDistinct(
      outputs: [results.jsonFile], folders: [output],
      inputs: [checkpoint, qat, sweep, float, input, labels, frontEnd] + compare)
    guard (1...600).contains(decisionsPerMinute ?? CostFigures.usualBeatsPerMinute) else {
      throw ValidationError("--decisions-per-minute must be in 1 ... 600")
    }
    for (name, value) in [
      ("flash", budgetFlash.map(Double.init)), ("ram", budgetRam.map(Double.init)), ("charge", budgetCharge),
    ] {
      if let value, !(value > 0 && value <= 1e9) {
        throw ValidationError("--budget-\(name) must be above 0, and at most 1,000,000,000")
      }
    }
    guard margin > 0 && margin <= 100 else {
      throw ValidationError("--margin must be above 0, and at most 100")
    }
    guard (0...100).contains(agreementFloor) else {
      throw ValidationError("--agreement-floor must be in 0 ... 100")
    }
    if !compare.isEmpty {
      guard compare.count == 2, checkpoint == nil else {
        throw ValidationError("--compare takes two reports, and no checkpoint")
      }
      return
    }
    guard checkpoint != nil else { throw ValidationError("name a checkpoint, or two reports with --compare") }
    guard output != nil else { throw ValidationError("name the report's folder with --output") }
    if isFloatNetwork {
      guard (input != nil) != (data != nil), data == nil || frontEnd != nil else {
        throw ValidationError(
          "a float network needs samples with --samples, or --front-end f.json and --data dir")
      }
      guard qat == nil, sweep == "default" else {
        throw ValidationError("--qat and --sweep go with a checkpoint, not with an .onnx or .tflite model")
      }
      return
    }
    guard frontEnd == nil else { throw ValidationError("--front-end goes with a float network") }
    if isImported {
      guard float != nil, input != nil else {
        throw ValidationError("a .tflite model needs its float twin with --float and samples with --input")
      }
      guard data == nil, qat == nil, sweep == "default", !budget.isAny else {
        throw ValidationError(
          "--data, --qat, --sweep and budgets go with a checkpoint, not with a .tflite model")
      }
    } else {
      guard data != nil else { throw ValidationError("name the folder of the records with --data") }
      guard input == nil, labels == nil else {
        throw ValidationError("--input and --labels go with a .tflite model")
      }
    }
  }

  func run() throws {
    if !compare.isEmpty { return try runComparison() }
    guard let checkpoint, let output else { return }
    try Files.makeFolder(output)
    if isFloatNetwork { return try runFloatNetwork(checkpoint, output: output) }
    if isImported { return try runImported(checkpoint, output: output) }
    try runSweep(checkpoint, data: data ?? "", output: output)
  }

  private func runSweep(_ checkpoint: String, data: String, output: String) throws {
    let start = ProcessInfo.processInfo.systemUptime
    var options = ReportRunner.Options(checkpoint: checkpoint, data: data, cache: output + "/cache")
    (options.qat, options.records, options.seed, options.threads) = (qat, records, seed, threading.count)
    options.profiles = profile.split(separator: ",").map(String.init)
    options.decisionsPerMinute = decisionsPerMinute
    let runner = try ReportRunner(options)
    runner.rule = try rule(of: runner, checkpoint)
    var points =
      sweep == "default"
      ? ReportPoint.defaultSweep(hasQAT: qat != nil, layerCount: runner.layerCount).filter(runner.fits)
      : try ReportPoint.read(sweep)
    var search: PrecisionSearch.Result?
    if budget.isAny {
      let found = try results.withProgress("Searching") { progress throws(FileError) in
        try runner.search(budget, progress: progress)
      }
      search = found.result
      if let point = found.point { points.append(point) }
    }
    let (all, result) = (points, search)
    let outcome = try results.withProgress("Running \(all.count) points") { progress throws(FileError) in
      try runner.report(on: all, search: result, progress: progress)
    }
    try outcome.report.write(to: output)
    try show(outcome, output: output, seconds: ProcessInfo.processInfo.systemUptime - start)
    try results.writeJSON(outcome.report)
  }

  /// What a point has to hold to be recommended.
  private func rule(of runner: ReportRunner, _ checkpoint: String) throws(FileError) -> Recommendation.Rule {
    var rule = runner.rule
    if let critical { rule.criticalClasses = critical.split(separator: ",").map(String.init) }
    if let unknown = rule.criticalClasses.first(where: { !runner.classNames.contains($0) }) {
      throw .malformed(
        checkpoint, "has no class \(unknown)",
        remedy: "choose --critical among \(runner.classNames.joined(separator: ", "))")
    }
    (rule.margin, rule.agreementFloor, rule.budget) = (margin / 100, agreementFloor / 100, budget)
    return rule
  }

  private func show(_ outcome: ReportRunner.Outcome, output: String, seconds: Double) throws {
    let report = outcome.report
    var table = SummaryTable(columns: QuantizationReport.terminalColumns, alignment: .right)
    for (name, cells) in report.terminalRows { table.add(name, cells) }
    try results.show(table)
    try results.show("\n")
    for sentence in report.summary { try results.show("  \(sentence)\n") }
    var facts = SummaryTable(columns: [])
    facts.add("points", "\(report.points.count), \(outcome.foundCount) of them run before")
    facts.add("time", Numbers.duration(seconds: seconds))
    facts.add("page", output + "/report.html")
    try results.show("\n")
    try results.show(facts)
  }

  private func runComparison() throws {
    let first = try QuantizationReport.read(compare[0])
    let second = try QuantizationReport.read(compare[1])
    let comparison = try ReportComparison(first, second, files: (compare[0], compare[1]), seed: seed)
    var table = SummaryTable(columns: ReportComparison.titles, alignment: .right)
    for (name, cells) in comparison.cells { table.add(name, cells) }
    try results.show(table)
    try results.show("\n  \(comparison.sentence)\n")
    if let output {
      try Files.makeFolder(output)
      try Files.write(comparison.page(), to: output + "/comparison.html")
      try Files.write(try JSON.data(comparison), to: output + "/comparison.json")
    }
    try results.writeJSON(comparison)
  }

  private func runImported(_ model: String, output: String) throws {
    let report = try results.withProgress("Running samples") { progress throws(FileError) in
      try ImportedReport.compared(
        model: model, float: float ?? "", input: input ?? "", labels: labels,
        profiles: profile.split(separator: ",").map(String.init), decisionsPerMinute: decisionsPerMinute,
        threads: threading.count, progress: progress)
    }
    try report.write(to: output)
    for sentence in report.summary { try results.show("  \(sentence)\n") }
    var facts = SummaryTable(columns: [])
    facts.add("page", output + "/report.html")
    try results.show("\n")
    try results.show(facts)
    try results.writeJSON(report)
  }

  private func runFloatNetwork(_ model: String, output: String) throws {
    var samples = FloatNetworkImage.Samples(files: [input].compactMap(\.self), labels: labels)
    (samples.records, samples.seed) = (data, seed)
    let source = try FloatNetworkSource(
      reading: model, samples: samples,
      frontEnd: frontEnd.map { file throws(FileError) in try FrontEndFile(reading: file) })
    var rule = FloatSweep.Rule()
    (rule.agreementFloor, rule.budget) = (agreementFloor / 100, budget)
    let report = try results.withProgress("Trying integers") { progress throws(FileError) in
      try FloatNetworkReport(
        source, rule: rule, profiles: profile.split(separator: ",").map(String.init),
        decisionsPerMinute: decisionsPerMinute, progress: progress)
    }
    try report.write(to: output)
    var table = SummaryTable(columns: FloatNetworkReport.titles, alignment: .right)
    for (name, cells) in report.rows { table.add(name, cells) }
    try results.show(table)
    try results.show("\n")
    for sentence in report.summary { try results.show("  \(sentence)\n") }
    var facts = SummaryTable(columns: [])
    facts.add("page", output + "/report.html")
    if !report.sweep.image.isEmpty { facts.add("image", output + "/recommended.qinf") }
    try results.show("\n")
    try results.show(facts)
    try results.writeJSON(report)
  }
}

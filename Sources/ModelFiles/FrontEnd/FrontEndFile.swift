import Foundation
import Networks
import QuantInfer
import Support
import Tasks

/// The description of an imported network's front end: a JSON file beside the model.
///
/// Its keys are those of docs/reference/FrontEnd.md; each is checked, and one that means nothing is refused.
package struct FrontEndFile: Sendable {
  /// What a column is.
  package enum Columns: Equatable, Sendable {
    /// The log magnitudes of a window of samples.
    case spectrogram(SpectrogramSettings)
    /// A sample.
    case samples(SampleSettings)
  }

  /// What a column is, and how it becomes codes.
  package var columns: Columns
  /// The converter's step.
  package var microvoltsPerCount: Float
  /// How the network streams; nil where the file doesn't tell.
  package var mode: StreamingMode?
  /// The network's window in samples, to be checked; nil where the file doesn't tell.
  package var windowSamples: Int?
  /// The samples from one decision to the next; nil where the file doesn't tell.
  package var decisionHopSamples: Int?
  /// How long after a beat its decision is taken; nil where the file doesn't tell.
  package var decisionDelaySeconds: Double?
  /// A name an output; empty where the file has none.
  package var classNames: [String] = []
  /// The task whose classes they are, a built-in one or one of its own file, behind these columns; nil where the file
  /// doesn't tell.
  package var task: TaskDefinition?
  /// How the task's records were divided in the network's training; nil where the file doesn't tell.
  package var split: TaskSplit?
  /// The level that the network was trained to take for 0, and the levels in its 1; nil where the file doesn't tell.
  private var trainedLevels: (center: Double?, perUnit: Double?) = (nil, nil)
  /// The file.
  package let file: String

  /// The file that belongs to a model: `beats.frontend.json` beside `beats.tflite`.
  package static func path(besideModel model: String) -> String {
    (model as NSString).deletingPathExtension + ".frontend.json"
  }

  /// Reads a description.
  ///
  /// - Throws: `FileError`, which names the key that is missing, unknown or impossible.
  package init(reading file: String) throws(FileError) {
    var fields = try JSONFields(reading: file, remedy: "compare the examples in docs/reference/FrontEnd.md")
    self.file = file
    let kind = try fields.choice("kind", of: ["spectrogram", "samples"])
    let rate = try fields.number("sampleRateHz", in: 0.001...1e6)
    microvoltsPerCount = Float(
      try fields.optionalNumber("microvoltsPerCount", in: 1e-6...1e6) ?? Self.defaultMicrovoltsPerCount)
    if kind == "spectrogram" {
      columns = .spectrogram(try Self.spectrogram(&fields, sampleRateHz: rate))
      trainedLevels.center = try fields.optionalNumber("centerLevel", in: 0...255)
      trainedLevels.perUnit = try fields.optionalNumber("levelsPerUnit", in: 1e-6...1e6)
    } else {
      columns = .samples(try Self.samples(&fields, sampleRateHz: rate))
      windowSamples = try fields.optionalInteger("windowSamples", in: 1...65_535)
      decisionHopSamples = try fields.optionalInteger("hopSamples", in: 1...1_000_000)
    }
    mode = try fields.optionalChoice("mode", of: StreamingMode.self)
    decisionDelaySeconds = try fields.optionalNumber("decisionDelaySeconds", in: 0...60)
    classNames = try fields.names("classNames")
    task = try Self.task(&fields, beside: file)
    if let task, task.classNames != classNames {
      throw fields.error(
        "task", "is \(task.name), whose classes aren't those of classNames",
        remedy: "list \(task.classNames.joined(separator: ", ")) in classNames, or leave task out")
    }
    split = try Self.split(&fields, of: task)
    try takeColumns(fields)
    try fields.finish()
  }

  /// The step of `exporter quantize`'s converter and the reference profile's: 10 mV in 12 bits.
  private static let defaultMicrovoltsPerCount = 10_000.0 / 4096

  private static func spectrogram(
    _ fields: inout JSONFields, sampleRateHz: Double
  ) throws(FileError) -> SpectrogramSettings {
    var settings = SpectrogramSettings()
    settings.sampleRateHz = sampleRateHz
    settings.windowSamples = try fields.integer("windowSamples", in: 16...512)
    guard settings.windowSamples.nonzeroBitCount == 1 else {
      throw fields.error(
        "windowSamples", "is \(settings.windowSamples), not a power of two",
        remedy: "use 16, 32, 64, 128, 256 or 512; the transform takes no others")
    }
    settings.hopSamples = try fields.integer("hopSamples", in: 1...settings.windowSamples)
    settings.firstBin = try fields.integer("firstBin", in: 0...settings.windowSamples / 2)
    settings.binCount = try fields.integer(
      "binCount", in: 1...settings.windowSamples / 2 + 1 - settings.firstBin)
    settings.highPassShift = try fields.integer("highPassShift", in: 1...12)
    settings.floorMicrovolts = try fields.number("floorMicrovolts", in: 1e-6...1e6)
    settings.codesPerOctave = try fields.number("codesPerOctave", in: 1.0 / 32...128)
    settings.leads = try leads(&fields)
    return settings
  }

  /// The columns' settings.
  private var settings: SpectrogramSettings {
    switch columns {
    case .spectrogram(let settings): settings
    case .samples(let samples):
      SpectrogramSettings(
        rawSamplesOfRateHz: samples.sampleRateHz, highPassShift: samples.highPassShift ?? 0,
        microvoltsPerUnit: samples.microvoltsPerUnit, leads: samples.leads)
    }
  }

  /// A built-in task by its name, or the one of a file beside this one; nil where the file doesn't tell.
  private static func task(
    _ fields: inout JSONFields, beside file: String
  ) throws(FileError) -> TaskDefinition? {
    if let name = try fields.optionalText("task"), name.hasSuffix(".json") {
      return try TaskDefinition(reading: name, beside: file)
    }
    return try fields.optionalChoice("task", of: TaskDefinition.builtIn.map(\.name)).flatMap(
      TaskDefinition.init(named:))
  }

  /// The network takes these columns, whatever others the task trains on; its leads must be those that the task names.
  private mutating func takeColumns(_ fields: JSONFields) throws(FileError) {
    guard var task else { return }
    let named = 1 + task.furtherLeads.count
    guard settings.leadCount == named else {
      throw fields.error(
        "leads", "is \(settings.leadCount), and the task \(task.name) names \(named)",
        remedy: "name a task's file with a list of names for each lead, or leave task out")
    }
    // A built-in task that says no more than its name stays so.
    guard task.needsTelling else { return }
    if let problem = settings.problem {
      throw fields.error(
        "task", "can't be behind this front end: \(problem)", remedy: "correct that, or leave task out")
    }
    task.frontEnd = settings
    self.task = task
    if decisionHopSamples == nil { decisionHopSamples = task.hopSamples }
  }

  /// How a task's records were divided; nil where the file doesn't tell.
  private static func split(
    _ fields: inout JSONFields, of task: TaskDefinition?
  ) throws(FileError) -> TaskSplit? {
    guard let name = try fields.optionalText("split") else { return nil }
    let split = TaskSplit(rawValue: name)
    let problem =
      task == nil
      ? "no task is named"
      : split == nil ? "a split is inter, intra, all or fold-N" : split.flatMap { task?.problem(of: $0) }
    guard problem == nil else {
      throw fields.error(
        "split", "is \(name), and \(problem ?? "")",
        remedy: "name the task and a split that it has, or leave split out")
    }
    return split
  }

  private static func samples(
    _ fields: inout JSONFields, sampleRateHz: Double
  ) throws(FileError) -> SampleSettings {
    var settings = SampleSettings(
      sampleRateHz: sampleRateHz,
      microvoltsPerUnit: try fields.number("microvoltsPerUnit", in: 1e-6...1e9))
    settings.offsetMicrovolts = try fields.optionalNumber("offsetMicrovolts", in: -1e9...1e9) ?? 0
    settings.highPassShift = try fields.optionalInteger("highPassShift", in: 1...12)
    settings.leads = try leads(&fields)
    return settings
  }

  /// The number of leads where there are several.
  private static func leads(_ fields: inout JSONFields) throws(FileError) -> Int? {
    let count = try fields.optionalInteger("leads", in: 1...SpectrogramSettings.greatestLeadCount) ?? 1
    return count > 1 ? count : nil
  }

  /// The constants for a network's input.
  ///
  /// - Throws: `FileError` where they don't fit the network or the fixed-point front end.
  func tables(for network: QuantizedNetwork) throws(FileError) -> FrontEndTables {
    let input = network.tensors[network.inputs[0].tensor]
    guard input.type == .int8 else {
      throw error(
        nil, "describes a front end, but the network's input is int16", remedy: "quantize it to int8")
    }
    try checkLevels(of: input)
    if case .samples(let settings) = columns { try checkLeads(settings.leads ?? 1, of: input) }
    if let windowSamples, case .samples(let settings) = columns {
      let count = input.count / (settings.leads ?? 1)
      guard windowSamples == count else {
        throw error(
          "windowSamples", "is \(windowSamples), but the network's input \(input.shape) has \(count)",
          remedy: "give \(count) or leave it out")
      }
    }
    do throws(InvalidNetwork) {
      switch columns {
      case .spectrogram(let settings):
        return try FrontEndTables(settings, microvoltsPerCount: microvoltsPerCount)
      case .samples(let settings):
        return .samples(try SampleScaling(settings, microvoltsPerCount: microvoltsPerCount, input: input))
      }
    } catch {
      throw self.error(nil, error.description, remedy: "check microvoltsPerCount and the scaling")
    }
  }

  /// What the columns are in float, with the network's own scaling.
  ///
  /// - Throws: `FileError` where the file doesn't tell how a float network takes levels.
  package func inFloat() throws(FileError) -> FloatFrontEnd {
    switch columns {
    case .samples(let settings): return .samples(settings)
    case .spectrogram(var settings):
      for (key, value) in [("centerLevel", trainedLevels.center), ("levelsPerUnit", trainedLevels.perUnit)]
      where value == nil {
        throw error(
          key, "is missing, and a float network doesn't tell how it takes levels",
          remedy: "give the level that was the network's 0 in training, and the levels in its 1")
      }
      settings.centerLevel = trainedLevels.center?.rounded() ?? settings.centerLevel
      settings.levelsPerUnit = trainedLevels.perUnit ?? settings.levelsPerUnit
      return .spectrogram(settings)
    }
  }

  /// Raw samples are those of each lead, one time after the other: an input of time and leads isn't a longer window.
  private func checkLeads(_ count: Int, of input: QuantizedNetwork.Tensor) throws(FileError) {
    let lengths = input.shape.filter { $0 != 1 }
    let given = lengths.dropFirst().reduce(1, *)
    guard given != count else { return }
    throw error(
      "leads",
      "is \(count), but the network's input \(input.shape) is \(lengths.first ?? 1) samples of \(given) "
        + (given == 1 ? "lead" : "leads"),
      remedy: given <= SpectrogramSettings.greatestLeadCount
        ? "give \"leads\": \(given), where these are samples of leads taken together"
        : "a front end has at most 4 leads: import it without --streaming and give it finished windows")
  }

  /// A level's code is the level less 128, so that scale and zero point of the network's input tell how it takes levels.
  private func checkLevels(of input: QuantizedNetwork.Tensor) throws(FileError) {
    let (center, perUnit) = (Double(input.zeroPoint + 128), 1 / Double(input.scale))
    if let wanted = trainedLevels.center, abs(wanted - center) > 0.5 {
      throw error(
        "centerLevel", "is \(wanted), but by its zero point the network takes level \(center) for 0",
        remedy: "quantize the input with the zero point \(Int(wanted.rounded()) - 128)")
    }
    if let wanted = trainedLevels.perUnit, abs(wanted / perUnit - 1) > 0.01 {
      throw error(
        "levelsPerUnit", "is \(wanted), but by its scale the network takes \(perUnit) levels for 1",
        remedy: "quantize the input with the scale \(1 / wanted)")
    }
  }

  /// How a network streams: as the file says; without its word so that a decision comes when its beat or the clock
  /// wants it.
  func mode(for network: QuantizedNetwork, _ tables: FrontEndTables) -> StreamingMode {
    if let mode { return mode }
    let columns = try? StreamingPlan(network, frontEnd: tables, mode: .columns)
    guard let columns, let hop = decisionHopSamples,
      hop.isMultiple(of: columns.columnsPerDecision * settings.hopSamples)
    else { return .everyColumn }
    return .columns
  }

  /// How often the network decides: by the file's clock, or at the beats of a heart at rest.
  var decisionsPerSecond: Double {
    decisionHopSamples.map { settings.sampleRateHz / Double($0) } ?? StreamingPlan.decisionsPerSecond
  }

  /// Checks an image's outputs and strides.
  ///
  /// - Throws: `FileError`, which names the key.
  func check(against image: [UInt8]) throws(FileError) {
    let loaded: LoadedModel
    do throws(ModelError) {
      loaded = try LoadedModel(image: image)
    } catch {
      throw self.error(nil, error.kind.explanation, remedy: "check the settings")
    }
    let outputs = loaded.model.output.count
    guard classNames.isEmpty || classNames.count == outputs else {
      throw error(
        "classNames", "has \(classNames.count) names, but the network has \(outputs) outputs",
        remedy: "give a name an output")
    }
    let step = (loaded.model.streaming?.columnsPerDecision ?? 1) * settings.hopSamples
    if let hop = decisionHopSamples, !hop.isMultiple(of: step) {
      throw error(
        "hopSamples",
        "is \(hop), but with its strides along time the network can decide every \(step) samples only",
        remedy: "use \((hop + step - 1) / step * step), or leave mode out")
    }
  }

  /// The task where its name alone doesn't tell it: the image then holds all of it.
  var ownTask: TaskDefinition? { task.flatMap { $0.needsTelling ? $0 : nil } }

  /// What the image's provenance holds of the description.
  var provenance: Provenance {
    [
      .task: task?.name, .split: split?.rawValue,
      .decisionDelaySeconds: (decisionDelaySeconds ?? (task?.isByClock == true ? 0 : nil)).map { "\($0)" },
      .decisionHopSamples: decisionHopSamples.map { "\($0)" },
    ]
  }

  private func error(_ key: String?, _ problem: String, remedy: String) -> FileError {
    .malformed(file, at: key, problem, remedy: remedy)
  }
}

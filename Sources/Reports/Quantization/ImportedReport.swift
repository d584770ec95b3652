import Drawing
import Evaluation
import Foundation
import HostDevice
import Metrics
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks

/// The report of an imported model beside its float twin, on given samples.
package struct ImportedReport: Codable, Sendable {
  /// How many of the samples a label was right for.
  package struct Labelled: Codable, Equatable, Sendable {
    /// The samples.
    package var samples: Int
    /// The share that the float model got right.
    package var float: Double
    /// Its interval (Wilson).
    package var floatInterval: Interval
    /// The share that the integer model got right.
    package var integer: Double
    /// Its interval (Wilson).
    package var integerInterval: Interval
    /// McNemar's probability that neither is right more often.
    package var pValue: Double
  }

  /// The format's version.
  package var formatVersion = 1
  /// The version of the program that made it.
  package var program = Release.version
  /// The integer model's file.
  package var model: String
  /// The float twin's.
  package var float: String
  /// The samples' file.
  package var input: String
  /// The samples.
  package var samples: Int
  /// Those on which layers were looked at.
  package var layerSamples: Int
  /// How it follows its twin; logits are the model's outputs.
  package var agreement: AgreementFigures
  /// What labels say; nil without labels.
  package var labelled: Labelled?
  /// What it takes.
  package var cost: CostFigures
  /// Its layers.
  package var layers: [LayerFigures]
  /// What is wrong, in words.
  package var findings: [String]
  /// What it means, in sentences.
  package var summary: [String]

  /// How many samples layers are looked at on.
  private static let mostLayerSamples = 24

  /// Compares an imported model with its float twin.
  ///
  /// - Parameters:
  ///   - model: The int8 or int16 `.tflite` model, or a `.qinf` image.
  ///   - float: The float `.tflite` or `.onnx` model.
  ///   - input: The samples, a row each: codes, or real numbers.
  ///   - labels: A class a row; nil for none.
  ///   - profiles: Profiles' names or files.
  ///   - decisionsPerMinute: The pace, for charge and battery.
  ///   - threads: The number of threads.
  ///   - progress: Told how far it has come.
  /// - Returns: The report.
  /// - Throws: `FileError` where a file is wrong or the models aren't twins.
  package static func compared(
    model: String, float: String, input: String, labels: String?, profiles: [String],
    decisionsPerMinute: Double?,
    threads: Int, progress: @escaping ProgressHandler
  ) throws(FileError) -> ImportedReport {
    let loaded = try LoadedModel.read(model)
    let network = try Self.twin(float, of: loaded, model: model)
    let graph = network.graph
    let (twins, reason) = Self.twins(loaded, network)
    let samples = try Self.samples(input, of: loaded, beside: network)
    let outputs = samples.concurrentMap(threads: threads, progress: progress) {
      sample -> ([Float], [Float]) in
      guard let execution = try? FloatExecution(graph) else { preconditionFailure("the graph was valid") }
      var engine = RunningEngine(loaded)
      engine.window.fill(loaded.model.input, sample.codes)
      engine.window.run()
      let output = loaded.model.output
      return (
        Array(execution.logits(ofWindow: sample.input).prefix(output.count)),
        engine.window.codes(output).map { output.real(of: $0) }
      )
    }
    let classCount = loaded.model.output.count
    let agreement = AgreementFigures(
      reference: outputs.flatMap(\.0), measured: outputs.flatMap(\.1), classCount: classCount,
      areProbabilities: graph.operators.last?.kind == .softmax)
    let labelled = try labels.map { file throws(FileError) in
      Self.labelled(
        outputs, try NumPyArray.classes(reading: file, count: samples.count, classCount: classCount))
    }
    var judged: [DeviceProfile] = []
    for profile in profiles { judged.append(try DeviceProfile.load(profile)) }
    // Evenly chosen, so that other kinds of rows at the end count too.
    let chosen = Set((0..<Self.mostLayerSamples).map { $0 * samples.count / Self.mostLayerSamples }).sorted()
    let layers = twins.map { LayerAnalysis($0, windows: chosen.map { samples[$0] }).layers } ?? []
    func name(_ file: String) -> String { (file as NSString).lastPathComponent }
    var report = ImportedReport(
      model: name(model), float: name(float), input: name(input), samples: samples.count,
      layerSamples: chosen.count, agreement: agreement, labelled: labelled,
      cost: CostFigures(loaded, profiles: judged, decisionsPerMinute: decisionsPerMinute), layers: layers,
      findings: layers.compactMap(\.finding), summary: [])
    report.sumUp()
    if let reason { report.summary.append("Layers aren't compared: \(reason).") }
    return report
  }

  /// Reads the float network, in the image's order of values.
  static func twin(
    _ float: String, of loaded: LoadedModel, model: String
  ) throws(FileError) -> FloatNetwork {
    let network =
      if let frontEnd = loaded.model.frontEnd {
        try FloatNetwork(
          reading: float,
          columnsOf: SpectrogramSettings(frontEnd, leadCount: loaded.model.leadCount).columnCodeCount)
      } else { try FloatNetwork(reading: float) }
    guard loaded.model.inputCount == 1, loaded.model.outputCount == 1 else {
      throw .malformed(
        model,
        "has \(loaded.model.inputCount) inputs and \(loaded.model.outputCount) outputs; twins of one each are compared",
        remedy: "compare what both give: exporter run on either, with an --input and an --output for each")
    }
    guard
      network.inputs.map(\.count) == [loaded.model.input.count],
      network.outputs.first?.count == loaded.model.output.count
    else {
      throw .malformed(
        float,
        "goes from \(network.inputs.map(\.count)) values to \(network.outputs.map(\.count)), and \(model) doesn't",
        remedy: "give the model's own float twin")
    }
    return network
  }

  /// The operators side by side; where they can't be paired, why.
  private static func twins(_ loaded: LoadedModel, _ network: FloatNetwork) -> (TwinGraph?, String?) {
    guard !network.inputs[0].isRearranged || loaded.sourcePort(0, isInput: true) != nil else {
      return (nil, "the float network has its input in another order")
    }
    do throws(NotConvertible) {
      return (try TwinGraph(loaded, network.graph), nil)
    } catch {
      return (nil, (error.location.map { "the model's \($0) " } ?? "") + error.problem)
    }
  }

  private mutating func sumUp() {
    let changed = agreement.byConfidence.reduce(0) { $0 + $1.flips }
    func error(_ layer: LayerFigures) -> Double { layer.aloneInteger?.logitError ?? 0 }
    summary = [
      "\(model) decides as \(float) on \(Numbers.percent(agreement.top1)) of \(Numbers.integer(samples)) samples "
        + "(\(changed) changed); outputs differ by \(Numbers.decimal(agreement.meanLogitError, places: 4)) in the mean, by "
        + "at most \(Numbers.decimal(agreement.maxLogitError, places: 3))."
    ]
    if let labelled {
      summary.append(
        "\(Numbers.percent(labelled.integer)) of the labels are right, in float \(Numbers.percent(labelled.float)) "
          + "(McNemar's p \(QuantizationReport.probability(labelled.pValue))).")
    }
    summary.append(
      "It takes \(Numbers.bytes(cost.flashBytes)) of flash, \(Numbers.bytes(cost.ramBytes)) of RAM and "
        + "\(Numbers.integer(cost.macsPerDecision)) MAC a decision.")
    guard !layers.isEmpty else { return }
    if let worst = layers.max(by: { error($0) < error($1) }) {
      summary.append(
        "The layer that costs most is \(worst.name) (\(worst.kind)): alone in integers it moves the outputs by "
          + "\(Numbers.decimal(error(worst), places: 4)) in the root mean square.")
    }
    summary.append(
      findings.first.map { "The first layer that goes wrong: \($0)." }
        ?? "No layer adds more error than its codes must.")
  }

  // MARK: Samples

  static func samples(
    _ file: String, of loaded: LoadedModel, beside network: FloatNetwork
  ) throws(FileError) -> [LayerAnalysis.Window] {
    let array = try NumPyArray.read(file)
    let tensor = loaded.model.input
    let remedy = "give rows of \(tensor.count) values: int8 or int16 codes, or float32"
    guard let rows = array.shape.first, rows > 0, array.values.count == rows * tensor.count else {
      throw .malformed(file, "has the shape \(array.shape)", remedy: remedy)
    }
    let codes: [Int16]
    var reals: [Float]
    switch (array.values, tensor.type) {
    case (.int8(let values), .int8): codes = values.map { Int16($0) }
    case (.int16(let values), .int16): codes = values
    case (.float32(let values), _):
      guard values.allSatisfy(\.isFinite) else {
        throw .malformed(file, "holds a number that isn't finite", remedy: "give finite numbers")
      }
      // In the source model's layout, as `exporter run` takes them.
      let port = loaded.sourcePort(0, isInput: true)
      codes = (port?.inGraphOrder(values) ?? values).map { tensor.code(of: $0) }
    default: throw .malformed(file, "is an array of \(array.values.typeName)", remedy: remedy)
    }
    reals = codes.map { tensor.real(of: $0) }
    if case .float32(let values) = array.values { reals = network.inputs[0].inGraphOrder(values) }
    return (0..<rows).map { row in
      let range = row * tensor.count..<(row + 1) * tensor.count
      return .init(input: Array(reals[range]), codes: Array(codes[range]))
    }
  }

  private static func labelled(_ outputs: [([Float], [Float])], _ labels: [Int]) -> Labelled {
    let float = zip(outputs, labels).map { AgreementFigures.top($0.0[...]) == $1 }
    let integer = zip(outputs, labels).map { AgreementFigures.top($0.1[...]) == $1 }
    let (a, b) = (float.count { $0 }, integer.count { $0 })
    return Labelled(
      samples: labels.count, float: Double(a) / Double(labels.count),
      floatInterval: .wilson(successes: a, trials: labels.count), integer: Double(b) / Double(labels.count),
      integerInterval: .wilson(successes: b, trials: labels.count),
      pValue: McNemarTest(first: float, second: integer).pValue)
  }

  // MARK: Output

  /// The report as a page, from its own numbers alone.
  package func page() -> String {
    func table(_ caption: String, _ titles: [String], _ rows: [[String]]) -> Table {
      Table(
        caption: caption, columns: [.text(titles[0])] + titles.dropFirst().map { .number($0) },
        rows: rows.map { $0.map { Table.Cell($0) } }, isSortable: true)
    }
    func bars(_ title: String, _ unit: String, _ places: Int, _ value: (LayerFigures) -> Double?) -> BarChart
    {
      BarChart(
        title: title,
        bars: layers.compactMap { layer in
          value(layer).map { .init(layer.name, max(0, $0), text: Numbers.decimal($0, places: places) + unit) }
        })
    }
    return Page(
      title: "Quantization of \(model)",
      subtitle: "Beside \(float), on \(Numbers.integer(samples)) samples of \(input)", verdict: summary[0],
      outcome: findings.isEmpty ? .pass : .fail,
      sections: [
        Section("Summary", summary.map { Paragraph($0) }),
        Section(
          "Changed decisions",
          [
            table(
              "By how sure the float model was", ["sure (%)", "decisions", "changed"],
              agreement.byConfidence.map {
                [
                  "\(Numbers.decimal(100 * $0.from, places: 0)) to \(Numbers.decimal(100 * $0.to, places: 0))",
                  Numbers.integer($0.decisions), Numbers.integer($0.flips),
                ]
              })
          ]),
        Section(
          "Layers, on \(layerSamples) samples",
          [
            Columns([
              bars("Own SNR of each layer", " dB", 1, \.ownSNRDecibels),
              bars("Output error of each layer alone in integers", "", 4) { $0.aloneInteger?.logitError },
            ]),
            table("Layers", QuantizationReport.layerTitles, layers.map(QuantizationReport.layerCells)),
          ] + findings.map { Paragraph($0 + ".") }),
      ], footer: Release.footer(version: program)
    ).render()
  }

  /// Writes `report.json`, `report.html`, `report.md` and `layers.csv` into a folder.
  ///
  /// - Throws: `FileError` where one can't be written; `EncodingError`, which no report causes.
  package func write(to folder: String) throws {
    try Files.write(try JSON.data(self), to: folder + "/report.json")
    try Files.write(page(), to: folder + "/report.html")
    var text = "# Quantization of \(model)\n\n" + summary.map { "- \($0)\n" }.joined() + "\n"
    let titles = QuantizationReport.layerTitles
    for row in [titles, titles.map { _ in "---" }] + layers.map(QuantizationReport.layerCells) {
      text += "| " + row.joined(separator: " | ") + " |\n"
    }
    try Files.write(text, to: folder + "/report.md")
    try Files.write(QuantizationReport.csv(of: [(model, layers)]), to: folder + "/layers.csv")
  }
}

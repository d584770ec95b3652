import ECG
import Evaluation
import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Simulation
import Support

/// One decision, taken apart: both twins' tensors, side by side.
package struct Explanation: Encodable, Sendable {
  /// A tensor in both twins.
  package struct Tensor: Encodable, Sendable {
    /// Its name.
    package var name: String
    /// The dimensions, outermost first.
    package var shape: [Int]
    /// The device's codes.
    package var codes: [Int16]
    /// What they stand for.
    package var integer: [Float]
    /// The float twin's values.
    package var float: [Float]
    /// Real = scale * (code - zero point).
    package var scale: Float
    /// The code of real 0.
    package var zeroPoint: Int

    /// The places where both differ most, the worst first.
    package func worst(_ count: Int) -> [(place: [Int], float: Float, integer: Float, code: Int16)] {
      let order = float.indices.sorted {
        (abs(integer[$0] - float[$0]), $1) > (abs(integer[$1] - float[$1]), $0)
      }
      return order.prefix(count).map { index in
        var (place, rest): ([Int], Int) = ([], index)
        for length in shape.reversed() {
          place.insert(rest % length, at: 0)
          rest /= length
        }
        return (place, float[index], integer[index], codes[index])
      }
    }
  }

  /// The record, or the samples' file.
  package var record = ""
  /// The lead; empty for samples.
  package var lead = ""
  /// The row of the samples' file; nil for a record.
  package var row: Int?
  /// What was assumed of the record, and what about it isn't plausible.
  package var notes: [FileNote] = []
  /// When the decision is taken, from the record's start.
  package var decisionSeconds = 0.0
  /// Where a beat lies that this decision is about; nil where it is about none, or the model doesn't tell.
  package var beatSeconds: Double?
  /// The window's first column.
  package var firstColumn = 0
  /// The classes' names.
  package var classNames: [String]
  /// The float twin's logits.
  package var floatLogits: [Float]
  /// The device's logits.
  package var integerLogits: [Float]
  /// What the float twin decides.
  package var floatClass: String
  /// What the device decides.
  package var integerClass: String
  /// The input, then each layer's output.
  package var tensors: [Tensor]
  /// The layers' figures for this window alone.
  package var layers: [LayerFigures]

  /// Runs a record up to a moment through both twins.
  ///
  /// - Parameters:
  ///   - model: The image.
  ///   - float: Its checkpoint, or the `.onnx` or `.tflite` model that it was made from.
  ///   - record: The record.
  ///   - lead: The lead's name or number; nil for MLII, II or the first. Of a model of several leads as many with commas, or
  ///     nil for the record's first.
  ///   - csv: How to read a CSV file.
  ///   - seconds: The decision is the first one at or after this moment.
  /// - Throws: `FileError` where a file is wrong, the checkpoint is another model's, or there is no whole window yet.
  package init(
    model: String, float: String, record: String, lead: String?, csv: CSVOptions = CSVOptions(),
    at seconds: Double
  ) throws(FileError) {
    let loaded = try LoadedModel(file: model)
    try loaded.requireColumns(for: "a decision is explained", file: model)
    let twin = try TwinNetwork(reading: float, of: loaded, modelFile: model)
    guard let plan = loaded.model.frontEnd else {
      throw loaded.takesNoSamples(model)
    }
    let twins = try Self.twins(loaded, twin.graph, file: float)
    let microvolts = Float(bitPattern: plan.microvoltsPerCountBits)
    let bits = loaded.converterBits
    guard (2...16).contains(bits), microvolts > 0, microvolts.isFinite else {
      throw .malformed(model, "has an impossible converter", remedy: "export it with `exporter quantize`")
    }
    let profile = DeviceProfile(
      name: "model", summary: "", converterBits: bits,
      converterRangeMillivolts: Double(microvolts) * Double(1 << bits) / 1000)
    let rateHz = Double(plan.sampleRateMillihertz) / 1000
    let source = try Record.load(record, csv: csv)
    let leads = try source.leads(lead, count: loaded.model.leadCount, file: record).map {
      name throws(FileError) in
      try Acquisition(source, lead: name, sampleRateHz: rateHz, profile: profile, file: record)
    }
    let acquisition = leads[0]
    let settings = twin.frontEnd.settings
    let wanted = (seconds * rateHz).rounded(.up)
    let columns = twin.columnCount
    // With strides the network decides every so many columns, counted from the first full window.
    let step = max(1, loaded.model.streaming?.columnsPerDecision ?? 1)
    let reaching = settings.firstColumn(reaching: Int(min(max(0, wanted), 1e15)))
    let isFull = reaching >= columns - 1
    let last = isFull ? columns - 1 + (reaching - columns + step) / step * step : reaching
    guard last >= columns - 1, settings.lastSample(ofColumn: last) < acquisition.samples.count else {
      let first = Double(settings.lastSample(ofColumn: columns - 1)) / rateHz
      throw .malformed(
        record, at: "\(Numbers.decimal(seconds, places: 2)) s", "has no whole window there",
        remedy: "choose a moment from \(Numbers.decimal(first, places: 2)) s to "
          + "\(Numbers.decimal(acquisition.durationSeconds, places: 2)) s")
    }
    let sampleCount = settings.lastSample(ofColumn: last) + 1
    // A lead of another rate may end a sample earlier.
    let counts = leads.map { lead in (0..<sampleCount).map { lead.samples[min($0, lead.samples.count - 1)] } }
    let bins = settings.columnCodeCount
    let (codes, decided) = try Self.run(
      loaded, bins: bins, (0..<sampleCount).flatMap { frame in counts.map { $0[frame] } },
      columns: last - columns + 1..<last + 1, file: model)
    let byLead = counts.map { samples in
      twin.frontEnd.levels(ofMicrovolts: samples.map { Double($0) * Double(microvolts) })
    }
    let levels = byLead[0].indices.flatMap { place in byLead.map { $0[place] } }
    let input = levels[(last - columns + 1) * bins..<(last + 1) * bins].map {
      Float(settings.networkInput(ofLevel: $0))
    }

    self.init(
      loaded, twins, input: input, codes: codes,
      inputName: settings.isRawSamples ? "samples" : "spectrogram")
    guard tensors.last?.codes == decided else {
      throw .malformed(
        model,
        "decides in a stream at other moments than over whole windows: its strides leave columns unread",
        remedy: "train it with strides that its window is a multiple of")
    }
    (self.record, self.lead) = (acquisition.recordName, leads.map(\.leadName).joined(separator: ", "))
    notes = leads.flatMap(\.notes).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    decisionSeconds = Double(sampleCount - 1) / rateHz
    beatSeconds =
      loaded.decisionHopColumns != nil
      ? nil : loaded.beatWindow.map { Double(sampleCount - 1 - $0.delaySamples) / rateHz }
    firstColumn = last - columns + 1
  }

  /// Runs one of some samples through both twins.
  ///
  /// - Parameters:
  ///   - model: The image, or a `.tflite` model.
  ///   - float: Its float twin, an `.onnx` or float `.tflite` model.
  ///   - samples: The samples, as `exporter report` takes them.
  ///   - row: Which one, from 0 on.
  /// - Throws: `FileError` where a file is wrong, the twin is another model's, or there is no such row.
  package init(model: String, float: String, samples: String, row: Int) throws(FileError) {
    let loaded = try LoadedModel.read(model)
    let network = try ImportedReport.twin(float, of: loaded, model: model)
    let windows = try ImportedReport.samples(samples, of: loaded, beside: network)
    guard windows.indices.contains(row) else {
      throw .malformed(
        samples, "has \(Numbers.integer(windows.count)) rows, and no row \(row)",
        remedy: "choose --row from 0 to \(windows.count - 1)")
    }
    self.init(
      loaded, try Self.twins(loaded, network.graph, file: float), input: windows[row].input,
      codes: windows[row].codes, inputName: "input")
    (record, self.row) = ((samples as NSString).lastPathComponent, row)
  }

  private static func twins(
    _ loaded: LoadedModel, _ graph: FloatGraph, file: String
  ) throws(FileError) -> TwinGraph {
    do throws(NotConvertible) {
      return try TwinGraph(loaded, graph)
    } catch {
      throw .malformed(
        file, (error.location.map { "the model's \($0) " } ?? "") + error.problem,
        remedy: "name the model's own float network")
    }
  }

  private init(
    _ loaded: LoadedModel, _ twins: TwinGraph, input: [Float], codes: [Int16], inputName: String
  ) {
    let float = twins.float.values(ofWindow: input)
    let integer = twins.run(input, codes: codes) { _ in false }
    let output = loaded.model.outputPort(0).tensorIndex
    classNames =
      loaded.classNames.isEmpty
      ? (0..<loaded.model.output.count).map { "\($0)" } : loaded.classNames
    floatLogits = float[twins.graph.outputs[0]]
    integerLogits = integer.reals[output] ?? []
    floatClass = classNames[AgreementFigures.top(floatLogits[...])]
    integerClass = classNames[AgreementFigures.top(integerLogits[...])]
    func tensor(_ name: String, _ index: Int, _ floats: [Float], _ codes: [Int16]) -> Tensor {
      let described = loaded.model.tensor(index)
      return Tensor(
        name: name, shape: loaded.model.shape(ofTensor: index), codes: codes,
        integer: codes.map { described.real(of: $0) }, float: floats, scale: described.step,
        zeroPoint: Int(described.zeroPoint))
    }
    tensors =
      [tensor(inputName, loaded.model.inputPort(0).tensorIndex, input, codes)]
      + twins.layers.indices.map { layer in
        let place = twins.output(of: layer)
        return tensor(
          twins.layers[layer].name, place, float[twins.floatOutput(of: layer)], integer.codes[place] ?? [])
      }
    layers = LayerAnalysis(twins, windows: [.init(input: input, codes: codes)]).layers
  }

  /// The codes of the window's columns, and of the decision that the runtime takes sample by sample.
  private static func run(
    _ loaded: LoadedModel, bins: Int, _ counts: [Int16], columns: Range<Int>, file: String
  ) throws(FileError) -> (codes: [Int16], decided: [Int16]) {
    do throws(MemoryError) {
      var pipeline = try RunningPipeline(loaded)
      let codes = pipeline.columns(of: counts)
      let decided = pipeline.decision() ?? []
      return (
        codes[columns.lowerBound * bins..<columns.upperBound * bins].map { Int16($0) },
        decided.map { Int16($0) }
      )
    } catch {
      throw .malformed(file, "can't stream", remedy: "export it with `exporter quantize`")
    }
  }

  /// Writes every tensor as `.npy` files `NN_NAME_float.npy` and `NN_NAME_codes.npy` into a folder.
  ///
  /// - Throws: `FileError` where one can't be written.
  package func writeTensors(to folder: String) throws(FileError) {
    try Files.makeFolder(folder)
    for (index, tensor) in tensors.enumerated() {
      let name = "\(folder)/\(index < 10 ? "0" : "")\(index)_\(tensor.name.replacing(" ", with: "-"))"
      try Files.write(
        NumPyArray(shape: tensor.shape, values: .float32(tensor.float)).encoded(), to: name + "_float.npy")
      try Files.write(
        NumPyArray(shape: tensor.shape, values: .int16(tensor.codes)).encoded(), to: name + "_codes.npy")
    }
  }
}

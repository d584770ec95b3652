import ArgumentParser
import CommandSupport
import ECG
import Foundation
import ModelFiles
import QuantInfer
import Support

/// The command `exporter export`.
struct Export: ParsableCommand {
  /// The formats that a model image can be written in.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case tflite, c, qinf
  }

  /// What was written.
  private struct Result: Encodable {
    var format: String
    var bytes: Int
    var operators: [String]
    var tensors: Int
  }

  /// What was written as C.
  private struct CResult: Encodable {
    var format: String
    var bytes: Int
    var name: String
    var imageBytes: Int
    var samples: Int?
  }

  static let configuration = CommandConfiguration(
    abstract: "Write a model image's network for other programs, or an older image in today's format.",
    usage: "exporter export <model.qinf> --format <format> --output <file> ...",
    discussion: """
      A .tflite model gives the image's bits in TensorFlow Lite Micro: time is its
      height, frequency its width. The front end is not part of it.

      A .c file holds the whole image as a constant array for firmware, and with
      --record also that record's samples, as counts at the image's rate.

      A .qinf image of format version 2 becomes one of version 3, which is all that
      the runtime reads: with the same tensors, weights and decisions.

      Examples:

        exporter export beats.qinf --format tflite --output beats.tflite
        exporter export beats.qinf --format c --output beats.c --section .model
        exporter export old.qinf --format qinf --output new.qinf
      """)

  @Argument(help: ArgumentHelp("The model image.", valueName: "model.qinf")) var model: String
  @Option(help: "The format to write: tflite, c or qinf.") var format: Format
  @Option(help: ArgumentHelp("The file to write.", valueName: "file")) var output: String
  @Option(help: ArgumentHelp("The arrays' name in C; from the model's file without it.", valueName: "name"))
  var name: String?
  @Option(help: ArgumentHelp("The image's section in C.", valueName: "section")) var section: String?
  @Option(help: ArgumentHelp("A record whose samples to add in C.", valueName: "record")) var record: String?
  @OptionGroup(title: "Record") var opening: RecordOptions
  @Option(help: ArgumentHelp("Where in the record the samples begin.", valueName: "s")) var start = 0.0
  @Option(help: ArgumentHelp("How many of them, in seconds.", valueName: "s")) var seconds = 30.0
  @OptionGroup var adc: ConverterWidthOptions
  @OptionGroup var results: OutputOptions

  func validate() throws {
    try requireDistinct(outputs: [output, results.jsonFile], inputs: [model, record])
    guard format == .c || (name == nil && section == nil && record == nil) else {
      throw ValidationError("--name, --section and --record are for --format c")
    }
    guard name.map(CSource.isIdentifier) ?? true else {
      throw ValidationError("--name must be a C identifier")
    }
    guard section?.utf8.contains(where: { $0 <= 32 || $0 == 34 || $0 == 92 || $0 > 126 }) != true else {
      throw ValidationError("--section must be a section's name")
    }
    guard (0...1e6).contains(start) else { throw ValidationError("--start must be in 0 ... 1,000,000 s") }
    guard seconds > 0 && seconds <= 3600 else { throw ValidationError("--seconds must be in 0 ... 3,600") }
  }

  func run() throws {
    switch format {
    case .tflite: try writeTFLite()
    case .c: try writeC()
    case .qinf: try convert()
    }
  }

  private func convert() throws {
    let image = try LoadedModel.converting(file: model)
    try Files.write(Data(image), to: output)
    let loaded = try LoadedModel(file: output)
    var table = SummaryTable(columns: [])
    table.add("format", "\(format.rawValue), version \(ModelFormat.version)")
    table.add("size", "\(Numbers.integer(image.count)) B")
    table.add("checksum", "\(Numbers.hexadecimal(loaded.checksum)) (CRC-32)")
    try results.show(table)
    try results.writeJSON(
      Result(
        format: format.rawValue, bytes: image.count,
        operators: (0..<loaded.model.operatorCount).map { loaded.model.operatorPlan($0).kind?.name ?? "" },
        tensors: loaded.model.tensorCount))
  }

  private func writeC() throws {
    let loaded = try LoadedModel(file: model)
    let samples = try record.map { try Self.counts(of: $0, for: loaded, model: model, options: self) }
    // With the signature, where there is one.
    let image = Array(try Files.read(model))
    let count = image.count
    let source = CSource(
      image: image, name: name ?? CSource.identifier(forFile: model),
      section: section,
      comment: [
        "A QuantInfer model image, CRC-32 \(Numbers.hexadecimal(loaded.checksum)); written by QuantInfer \(Release.version).",
        "A runtime with what it needs and no more: swift build "
          + loaded.model.buildConditions.map { "-Xswiftc -D\($0)" }.joined(separator: " "),
      ],
      memory: loaded.model.isStreamable
        ? (loaded.model.stateByteCount, loaded.model.streamingScratchByteCount) : nil,
      samples: samples,
      monitor: samples == nil
        ? nil
        : Monitor.Options(
          .detectedBeats, announcing: .withRhythm, of: loaded, converter: loaded.converter(bits: adc.bits)
        ).figures)
    try Files.write(source.text, to: output)
    var table = SummaryTable(columns: [])
    table.add("format", format.rawValue)
    table.add("array", "\(source.name), \(Numbers.integer(count)) B")
    if let samples { table.add("samples", Numbers.integer(samples.count)) }
    try results.show(table)
    try results.writeJSON(
      CResult(
        format: format.rawValue, bytes: source.text.utf8.count, name: source.name, imageBytes: count,
        samples: samples?.count))
  }

  /// A part of a record as the model's converter counts it.
  private static func counts(
    of record: String, for loaded: LoadedModel, model: String, options: Export
  ) throws -> [Int16] {
    guard let frontEnd = loaded.model.frontEnd else {
      throw FileError.malformed(model, "has no front end for samples", remedy: "leave out --record")
    }
    let rateHz = Double(frontEnd.sampleRateMillihertz) / 1000
    let lead = try Record.load(record, csv: options.opening.csv).lead(
      options.opening.lead, file: record, coupling: loaded.beatWindow?.settings.coupling ?? .automatic)
    options.results.tell(lead.notes)
    let millivolts = try lead.millivolts(atRateHz: rateHz)
    let first = Int((options.start * rateHz).rounded())
    let count = Int((options.seconds * rateHz).rounded())
    guard count > 0, first <= millivolts.count - count else {
      throw FileError.malformed(
        record, "ends before \(options.start + options.seconds) s", remedy: "choose --start and --seconds")
    }
    let converter = loaded.converter(bits: options.adc.bits)
    return millivolts[first..<first + count].map { converter.count(ofMicrovolts: $0 * 1000) }
  }

  private func writeTFLite() throws {
    let exported = try tflite()
    let data = try exported.encoded()
    try Files.write(data, to: output)
    let operators = exported.graph.operators.map { exported.kind(of: $0).name }
    var table = SummaryTable(columns: [])
    table.add("format", format.rawValue)
    table.add("size", "\(Numbers.integer(data.count)) B")
    table.add("operators", operators.joined(separator: ", "))
    try results.show(table)
    try results.writeJSON(
      Result(
        format: format.rawValue, bytes: data.count, operators: operators,
        tensors: exported.graph.tensors.count))
  }

  private func tflite() throws(FileError) -> TFLiteModel {
    let loaded = try LoadedModel(file: model)
    do throws(NotConvertible) {
      return try TFLiteModel(loaded.network(), description: "Written by QuantInfer \(Release.version)")
    } catch {
      throw .malformed(
        model, at: error.operatorIndex.map { "operator \($0)" }, error.problem,
        remedy: "this network can't be written as .tflite")
    }
  }
}

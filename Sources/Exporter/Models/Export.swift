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

  static let configuration = CommandConfiguration(
    abstract: "Write a model image's network for other programs, or an older image in today's format.",
    usage: "exporter export <model.qinf> --format <format> --output <file> ...",
    discussion: """
      A .tflite model gives the image's bits in TensorFlow Lite Micro: time is its
      height, frequency its width; its border has codes. The front end is not part of it.

      A .c file holds the whole image as a constant array for firmware, a .h file
      beside it the memory, the classes and the monitor's options. With --record
      there are also that record's samples, as counts at the image's rate, the
      decisions to expect of them, and a program that compares: *_test.c. With
      --patch a patient's patch goes along, and with --whole the network runs over
      whole windows alone, as one must that can't take samples one by one.

      A .qinf image of format version 2 becomes one of version 3, which is all that
      the runtime reads: with the same tensors, weights and decisions.

      Examples:

        exporter export beats.qinf --format tflite --output beats.tflite
        exporter export beats.qinf --format c --output beats.c --section .model
        exporter export beats.qinf --format c --output beats.c \
          --record data/mitdb/208 --lead MLII --patch 208.qpatch
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
  @Option(help: ArgumentHelp("A patch to carry in C, and to expect decisions of.", valueName: "p.qpatch"))
  var patch: String?
  @Flag(help: "In C, run the network over whole windows alone.") var whole = false
  @OptionGroup var results: OutputOptions

  func validate() throws {
    guard format != .c || !output.hasSuffix(".h") else {
      throw ValidationError(
        "--output must name the C source, such as \(output.dropLast(2)).c; its .h stands beside it")
    }
    let further = format == .c ? [headerFile, testFile] : []
    try requireDistinct(outputs: [output, results.jsonFile] + further, inputs: [model, record, patch])
    guard format == .c || (name == nil && section == nil && record == nil && patch == nil && !whole) else {
      throw ValidationError("--name, --section, --record, --patch and --whole are for --format c")
    }
    guard !whole || (record == nil && patch == nil) else {
      throw ValidationError("--whole runs windows, and takes neither --record nor --patch")
    }
    guard name.map(CSource.isIdentifier) ?? true else {
      throw ValidationError("--name must be an identifier, and no keyword, in C and C++")
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
    try loaded.requireOneNetwork(for: "a .tflite file holds", file: model)
    do throws(NotConvertible) {
      return try TFLiteModel(loaded.network(), description: "Written by QuantInfer \(Release.version)")
    } catch {
      throw .malformed(
        model, at: error.operatorIndex.map { "operator \($0)" }, error.problem,
        remedy: error.remedy ?? "write it with --format c, which takes every image")
    }
  }
}

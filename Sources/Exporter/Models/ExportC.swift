import CommandSupport
import ECG
import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import Support

extension Export {
  /// What was written as C.
  private struct CResult: Encodable {
    var format: String
    var bytes: Int
    var name: String
    var imageBytes: Int
    var samples: Int?
    var header: String
    var test: String?
    var decisions: Int?
    var windows: Int?
  }

  /// The output without the ending `.c`.
  private var stem: String { output.hasSuffix(".c") ? String(output.dropLast(2)) : output }
  /// The header, beside the source.
  var headerFile: String { stem + ".h" }
  /// The program that compares, beside the source.
  var testFile: String { stem + "_test.c" }

  /// Writes the source, its header, and where something is expected the program that compares.
  func writeC() throws {
    let loaded = try LoadedModel(file: model)
    if whole { try loaded.requireOneNetwork(for: "--whole runs", file: model) }
    var choice = CContent.Choice()
    choice.isWhole = whole
    choice.converterBits = adc.bits
    choice.samples = try record.map { try counts(of: $0, for: loaded) }
    choice.patch = try patch.map { Array(try Files.read($0)) }
    guard choice.patch == nil || loaded.shippedOptions(converterBits: adc.bits) != nil else {
      throw FileError.malformed(
        model, "has no monitor that a patch could change", remedy: "leave out --patch")
    }
    _ = try patch.map { try loaded.applying(patchFile: $0) }
    // With the signature, where there is one.
    let content = try content(of: loaded, image: Array(try Files.read(model)), choice)
    let source = CSource(content)
    let test = CSelfTest(content, header: headerFile.split(separator: "/").last.map(String.init) ?? "")
    if record != nil, content.decisions == nil {
      results.tell([FileNote(model, "has no monitor, so no decisions to expect were written")])
    }
    try Files.write(source.text, to: output)
    try Files.write(source.header, to: headerFile)
    if let test { try Files.write(test.text, to: testFile) }
    var table = SummaryTable(columns: [])
    table.add("format", format.rawValue)
    table.add("array", "\(content.name), \(Numbers.integer(content.image.count)) B")
    table.add("header", headerFile)
    if let samples = content.samples { table.add("samples", Numbers.integer(samples.count)) }
    if test != nil { table.add("test", testFile) }
    if let decisions = content.decisions {
      table.add("decisions to expect", Numbers.integer(decisions.count))
    }
    try results.show(table)
    try results.writeJSON(
      CResult(
        format: format.rawValue, bytes: source.text.utf8.count, name: content.name,
        imageBytes: content.image.count, samples: content.samples?.count, header: headerFile,
        test: test.map { _ in testFile },
        decisions: content.decisions?.count, windows: content.outputs?.count))
  }

  private func content(
    of loaded: LoadedModel, image: [UInt8], _ choice: CContent.Choice
  ) throws -> CContent {
    var content = try CContent(
      name: name ?? CSource.identifier(forFile: model), image: image, of: loaded, choice)
    content.section = section
    return content
  }

  /// A part of a record as the model's converter counts it, frame by frame a sample of each lead.
  private func counts(of record: String, for loaded: LoadedModel) throws -> [Int16] {
    guard let frontEnd = loaded.model.frontEnd else {
      throw FileError.malformed(model, "has no front end for samples", remedy: "leave out --record")
    }
    let rateHz = Double(frontEnd.sampleRateMillihertz) / 1000
    let first = Int((start * rateHz).rounded())
    let count = Int((seconds * rateHz).rounded())
    let converter = loaded.converter(bits: adc.bits)
    let source = try Record.load(record, csv: opening.csv)
    let names = try source.leads(opening.lead, count: loaded.model.leadCount, file: record)
    let leads = try names.map { name in
      let lead = try source.lead(
        name, file: record, coupling: loaded.beatWindow?.settings.coupling ?? .automatic)
      results.tell(lead.notes)
      let millivolts = try lead.millivolts(atRateHz: rateHz)
      guard count > 0, first <= millivolts.count - count else {
        throw FileError.malformed(
          record, "ends before \(start + seconds) s", remedy: "choose --start and --seconds")
      }
      return millivolts[first..<first + count].map { converter.count(ofMicrovolts: $0 * 1000) }
    }
    return (0..<count).flatMap { frame in leads.map { $0[frame] } }
  }
}

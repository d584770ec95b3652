import ArgumentParser
import CommandSupport
import Foundation
import Tasks

extension TaskSplit: ExpressibleByArgument {}

/// Refuses a task that is neither a built-in one's name nor a file.
///
/// - Throws: `ValidationError`.
func requireTask(_ nameOrFile: String) throws {
  let isName = nameOrFile == "beats" || TaskDefinition(named: nameOrFile) != nil
  guard !isName, !nameOrFile.hasSuffix(".json"), !FileManager.default.fileExists(atPath: nameOrFile) else {
    return
  }
  let names = TaskDefinition.builtIn.map(\.name).joined(separator: ", ")
  throw ValidationError("there is no task \(nameOrFile): name a JSON file or one of \(names)")
}
extension TrainingLeads: ExpressibleByArgument {}

extension ConverterOptions {
  /// The converter.
  var converter: AnalogConverter { AnalogConverter(bits: width.bits, rangeMillivolts: rangeMillivolts) }
}

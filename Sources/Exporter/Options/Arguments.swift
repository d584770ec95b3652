import ArgumentParser
import CommandSupport
import Tasks

extension BeatTask: ExpressibleByArgument {
  /// Reads a task's name; `beats` is another name of `aami`.
  package init?(argument: String) {
    self.init(rawValue: argument == "beats" ? Self.aami.rawValue : argument)
  }
}

extension BeatSplit: ExpressibleByArgument {}
extension TrainingLeads: ExpressibleByArgument {}

extension RecordSelection: ExpressibleByArgument {
  /// Reads a selection; see `RecordSelection.init(_:)`.
  package init?(argument: String) { self.init(argument) }
}

extension ConverterOptions {
  /// The converter.
  var converter: AnalogConverter { AnalogConverter(bits: width.bits, rangeMillivolts: rangeMillivolts) }
}

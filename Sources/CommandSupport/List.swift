import ArgumentParser

/// Values with commas between them, each there once.
package struct List<Value: LosslessStringConvertible & Hashable & Sendable>: ExpressibleByArgument, Sendable {
  /// The values, in their order.
  package var values: [Value]

  /// Creates a list.
  package init(_ values: [Value]) { self.values = values }

  /// Reads a list; nil where a value is none, or is there twice.
  package init?(argument: String) {
    values = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard !part.isEmpty, let value = Value(String(part)), !values.contains(value) else { return nil }
      values.append(value)
    }
  }

  /// The values as they are typed.
  package var defaultValueDescription: String { values.map(\.description).joined(separator: ",") }
}

import ArgumentParser

/// Values with commas between them, each there once: see `requireOnce`.
package struct List<Value: LosslessStringConvertible & Hashable & Sendable>: ExpressibleByArgument, Sendable {
  /// The values, in their order.
  package var values: [Value]
  /// The first value that was given again; nil where none was.
  private var repeated: Value?

  /// Creates a list.
  package init(_ values: [Value]) { self.values = values }

  /// Reads a list; nil where a value is none.
  package init?(argument: String) {
    values = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard !part.isEmpty, let value = Value(String(part)) else { return nil }
      if values.contains(value), repeated == nil { repeated = value }
      values.append(value)
    }
  }

  /// Refuses a value that is there twice.
  ///
  /// - Parameter option: The option's name.
  /// - Throws: `ValidationError`, which names the value.
  package func requireOnce(_ option: String) throws {
    if let repeated { throw ValidationError("\(option) has \(repeated) twice; name it once") }
  }

  /// The values as they are typed.
  package var defaultValueDescription: String { values.map(\.description).joined(separator: ",") }
}

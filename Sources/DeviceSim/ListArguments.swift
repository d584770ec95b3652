import ArgumentParser

/// Values with commas between them, each there once.
struct List<Value: LosslessStringConvertible & Hashable & Sendable>: ExpressibleByArgument, Sendable {
  var values: [Value]

  init(_ values: [Value]) { self.values = values }

  init?(argument: String) {
    values = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard !part.isEmpty, let value = Value(String(part)), !values.contains(value) else { return nil }
      values.append(value)
    }
  }

  var defaultValueDescription: String { values.map(\.description).joined(separator: ",") }
}

/// A part of the work: `I/N`.
struct Shard: ExpressibleByArgument {
  var index: Int
  var count: Int

  init(index: Int, count: Int) { (self.index, self.count) = (index, count) }

  init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1], (1...1_000_000).contains(count),
      (1...count).contains(index)
    else { return nil }
    self.init(index: index, count: count)
  }

  var defaultValueDescription: String { "\(index)/\(count)" }
}

import ArgumentParser

/// A part of the work: `I/N`.
package struct Shard: ExpressibleByArgument {
  /// The part, from 1.
  package var index: Int
  /// The number of parts.
  package var count: Int

  /// A part of some.
  package init(index: Int, count: Int) { (self.index, self.count) = (index, count) }

  /// Reads `I/N`; nil for anything else.
  package init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1], (1...1_000_000).contains(count),
      (1...count).contains(index)
    else { return nil }
    self.init(index: index, count: count)
  }

  /// The part as it is typed.
  package var defaultValueDescription: String { "\(index)/\(count)" }
}

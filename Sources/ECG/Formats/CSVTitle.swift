/// What a column of a CSV recording is, by its title and unit.
struct CSVTitle: Equatable {
  /// What the column holds.
  enum Role: Equatable {
    /// The time of each row, in units of so many seconds; nil where none is stated.
    case time(secondsPerUnit: Double?)
    /// The number of each row's sample.
    case sampleNumber
    /// A lead in volts.
    case voltage(millivoltsPerUnit: Double)
    /// A lead in counts of a converter.
    case counts
    /// A lead whose unit is not stated.
    case unstated
    /// Something in a unit that is no voltage.
    case other(unit: String)
  }

  /// The name without its unit.
  let name: String
  let role: Role

  /// Takes a title such as `MLII [mV]`, `time (ms)`, `II_uV` or `ECG in mV` apart.
  ///
  /// - Parameters:
  ///   - title: The title.
  ///   - unit: The unit from a line of units below the titles; nil without one.
  init(_ title: String, unit: String? = nil) {
    let parts = Self.parts(of: title)
    let unit = unit.flatMap { $0.isEmpty ? nil : $0 } ?? parts.unit
    let words = Self.words(parts.name)
    if Self.timeNames.contains(words) || words != "min" && words.asSecondsPerUnit != nil {
      name = parts.name
      role = .time(secondsPerUnit: (unit ?? words).asSecondsPerUnit)
    } else if Self.sampleNames.contains(words) {
      (name, role) = (title, .sampleNumber)
    } else if let unit {
      (name, role) = (parts.name, Self.role(ofUnit: unit) ?? .other(unit: unit))
    } else {
      (name, role) = (title, words == "v" ? .unstated : Self.role(ofUnit: title) ?? .unstated)
    }
  }

  /// What a unit says of a lead; nil where it is neither a voltage nor counts.
  static func role(ofUnit unit: String) -> Role? {
    if let millivolts = VoltageUnit.millivolts(per: unit) { return .voltage(millivoltsPerUnit: millivolts) }
    return countUnits.contains(unit.lowercased()) ? .counts : nil
  }

  /// Whether a text is the unit of something, or the form of a time, as in a line of units.
  static func isUnit(_ text: String) -> Bool {
    role(ofUnit: text) != nil || text.asSecondsPerUnit != nil || text.lowercased().hasPrefix("hh:mm")
      || text.lowercased().hasPrefix("mm:ss")
  }

  private static let countUnits: Set<String> = [
    "adc", "adu", "count", "counts", "raw", "lsb", "digit", "digits", "adc counts", "adc units",
  ]

  private static let timeNames: Set<String> = [
    "time", "t", "timestamp", "time stamp", "datetime", "date time", "date", "elapsed", "elapsed time",
    "clock", "utc",
    "epoch", "unix time", "zeit", "zeitstempel", "uhrzeit", "datum", "temps", "tiempo", "tempo", "hora",
    "heure",
  ]

  private static let sampleNames: Set<String> = [
    "", "sample", "samples", "sample number", "sample no", "sample nr", "sample #", "sample index",
    "sample num",
    "samplenumber", "sampleindex", "index", "idx", "no", "nr", "#", "frame", "row", "unnamed: 0",
    "abtastwert",
  ]

  fileprivate static let secondsPerUnit: [String: Double] = [
    "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1, "sekunden": 1, "ms": 1e-3, "msec": 1e-3,
    "millis": 1e-3,
    "millisecond": 1e-3, "milliseconds": 1e-3, "us": 1e-6, "usec": 1e-6, "\u{B5}s": 1e-6, "\u{3BC}s": 1e-6,
    "microseconds": 1e-6, "ns": 1e-9, "nanoseconds": 1e-9, "min": 60, "minutes": 60,
  ]

  /// A name in small letters, with single spaces for what separates words.
  private static func words(_ name: String) -> String {
    name.lowercased().split { " _-./".contains($0) }.joined(separator: " ")
  }

  /// The name and the unit that a title states, in brackets or as its last word.
  private static func parts(of title: String) -> (name: String, unit: String?) {
    for (open, close) in [("[", "]"), ("(", ")"), ("{", "}")] as [(Character, Character)]
    where title.last == close {
      guard let start = title.lastIndex(of: open) else { continue }
      let unit = title[title.index(after: start)...].dropLast().trimmed
      let name = title[..<start].trimmed
      // Round brackets may hold any remark.
      guard open == "[" || isUnit(unit) else { return (title, nil) }
      return (name, unit)
    }
    if let separator = title.lastIndex(where: { " _-/:.".contains($0) }) {
      let last = title[title.index(after: separator)...].trimmed
      var name = title[..<separator].trimmed
      // A chest lead is called V, too.
      let isUnit =
        last.lowercased() == "v"
        ? "_/:".contains(title[separator])
        : role(ofUnit: last) != nil || last.asSecondsPerUnit != nil && timeNames.contains(words(name))
      if isUnit, !name.isEmpty {
        if name.lowercased().hasSuffix(" in") || name.lowercased().hasSuffix("_in") {
          name = name.dropLast(3).trimmed
        }
        return (name, last)
      }
    }
    for unit in ["mV", "uV", "\u{B5}V", "\u{3BC}V"] where title.hasSuffix(unit) && title.count > unit.count {
      return (title.dropLast(unit.count).trimmed, unit)
    }
    return (title, nil)
  }
}

extension String {
  /// Seconds a unit of time of this name; nil where it is none.
  fileprivate var asSecondsPerUnit: Double? { CSVTitle.secondsPerUnit[lowercased()] }
}

extension StringProtocol {
  /// The text without the spaces around it.
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}

import Foundation

/// The fields of a JSON object that a person wrote, taken one by one.
///
/// What is missing, of the wrong type or out of its range is refused by its key, and so is a key that nobody asked for.
package struct JSONFields {
  private let file: String
  /// What comes before a key in errors: the object's place in a list.
  private let place: String
  private let remedy: String
  private let values: [String: Any]
  private var asked: Set<String> = []

  /// Reads a file that holds one JSON object.
  ///
  /// - Parameters:
  ///   - file: The file.
  ///   - remedy: What to do where a key is missing or unknown.
  /// - Throws: `FileError`.
  package init(reading file: String, remedy: String) throws(FileError) {
    try self.init(parsing: Files.read(file), file: file, remedy: remedy)
  }

  /// Reads a text that holds one JSON object; `file` is its name in errors.
  ///
  /// - Throws: `FileError`, malformed.
  package init(parsing data: Data, file: String, remedy: String) throws(FileError) {
    guard let values = try StrictJSON.parse(data, file: file, remedy: remedy) as? [String: Any] else {
      throw .malformed(file, "is not a JSON object", remedy: remedy)
    }
    (self.file, place, self.remedy, self.values) = (file, "", remedy, values)
  }

  private init(_ values: [String: Any], file: String, place: String, remedy: String) {
    (self.file, self.place, self.remedy, self.values) = (file, place, remedy, values)
  }

  /// Reads a file that holds a list of JSON objects.
  ///
  /// - Parameters:
  ///   - file: The file.
  ///   - name: What an object is: `point`, say.
  ///   - remedy: What to do where a key is missing or unknown.
  /// - Returns: The objects' fields.
  /// - Throws: `FileError`, also where the list is empty.
  package static func list(reading file: String, of name: String, remedy: String) throws(FileError)
    -> [JSONFields]
  {
    let given = try StrictJSON.parse(Files.read(file), file: file, remedy: remedy)
    guard let objects = given as? [[String: Any]], !objects.isEmpty else {
      throw .malformed(file, "is not a JSON list of objects", remedy: remedy)
    }
    return objects.enumerated().map {
      JSONFields($1, file: file, place: "\(name) \($0 + 1), ", remedy: remedy)
    }
  }

  /// An error at a key.
  package func error(_ key: String, _ problem: String, remedy: String? = nil) -> FileError {
    .malformed(file, at: place + key, problem, remedy: remedy ?? self.remedy)
  }

  /// Refuses keys that nobody asked for.
  ///
  /// - Throws: `FileError`.
  package func finish() throws(FileError) {
    if let unknown = values.keys.filter({ !asked.contains($0) }).min() {
      throw error(unknown, "means nothing here")
    }
  }

  private mutating func value(_ key: String) -> Any? {
    asked.insert(key)
    return values[key].flatMap { $0 is NSNull ? nil : $0 }
  }

  /// The object at a key, whose own keys are told as `key.inner`; nil where the key isn't there.
  ///
  /// - Throws: `FileError`.
  package mutating func optionalObject(_ key: String) throws(FileError) -> JSONFields? {
    guard let value = value(key) else { return nil }
    guard let values = value as? [String: Any] else { throw error(key, "is not an object") }
    return JSONFields(values, file: file, place: "\(place)\(key).", remedy: remedy)
  }

  /// The object at a key.
  ///
  /// - Throws: `FileError`.
  package mutating func object(_ key: String) throws(FileError) -> JSONFields {
    guard let object = try optionalObject(key) else { throw missing(key) }
    return object
  }

  /// The objects of a list at a key, told as `key 1`, `key 2`.
  ///
  /// - Throws: `FileError`, also where the list is missing or empty.
  package mutating func objects(_ key: String) throws(FileError) -> [JSONFields] {
    guard let value = value(key) else { throw missing(key) }
    guard let objects = value as? [[String: Any]], !objects.isEmpty else {
      throw error(key, "is not a list of objects")
    }
    return objects.enumerated().map {
      JSONFields($1, file: file, place: "\(place)\(key) \($0 + 1), ", remedy: remedy)
    }
  }

  /// A line of text.
  ///
  /// - Throws: `FileError`.
  package mutating func text(_ key: String) throws(FileError) -> String {
    guard let text = try optionalText(key) else { throw missing(key) }
    guard !text.isEmpty else { throw error(key, "is empty", remedy: "give a text") }
    return text
  }

  /// A list of different lines of text, at least so many.
  ///
  /// - Throws: `FileError`.
  package mutating func names(_ key: String, atLeast count: Int) throws(FileError) -> [String] {
    guard value(key) != nil else { throw missing(key) }
    let names = try names(key)
    guard names.count >= count else {
      throw error(
        key, "has \(names.count) name\(names.count == 1 ? "" : "s")", remedy: "give \(count) or more")
    }
    return names
  }

  /// Whether a value is a list of lists.
  package mutating func isListOfLists(_ key: String) -> Bool {
    (value(key) as? [[Any]]).map { !$0.isEmpty } ?? false
  }

  /// A list of lists of different lines of text; empty where the key isn't there.
  ///
  /// - Throws: `FileError`.
  package mutating func groups(_ key: String) throws(FileError) -> [[String]] {
    guard let value = value(key) else { return [] }
    guard let groups = value as? [[String]], groups.allSatisfy({ Set($0).count == $0.count && $0.count > 0 })
    else {
      throw error(
        key, "is not a list of lists of different texts", remedy: "give a list such as [[\"201\", \"202\"]]")
    }
    return groups
  }

  private func missing(_ key: String) -> FileError { error(key, "is missing") }

  /// A number of a range, or nil where the key isn't there.
  ///
  /// - Throws: `FileError`.
  package mutating func optionalNumber(
    _ key: String, in range: ClosedRange<Double>
  ) throws(FileError) -> Double? {
    guard let value = value(key) else { return nil }
    guard let number = value as? NSNumber, !Self.isTruthValue(number) else {
      throw error(key, "is not a number", remedy: "give a number")
    }
    guard range.contains(number.doubleValue) else {
      throw error(
        key, "is \(number), not in \(range.lowerBound) ... \(range.upperBound)",
        remedy: "check its unit, which the name tells")
    }
    return number.doubleValue
  }

  /// A number of a range.
  ///
  /// - Throws: `FileError`.
  package mutating func number(_ key: String, in range: ClosedRange<Double>) throws(FileError) -> Double {
    guard let number = try optionalNumber(key, in: range) else { throw missing(key) }
    return number
  }

  /// A whole number of a range, or nil where the key isn't there.
  ///
  /// - Throws: `FileError`.
  package mutating func optionalInteger(
    _ key: String, in range: ClosedRange<Int>
  ) throws(FileError) -> Int? {
    guard let number = try optionalNumber(key, in: -.greatestFiniteMagnitude ... .greatestFiniteMagnitude)
    else {
      return nil
    }
    guard let integer = Int(exactly: number), range.contains(integer) else {
      throw error(
        key, "is \(number), not a whole number in \(range.lowerBound) ... \(range.upperBound)",
        remedy: "give one of these")
    }
    return integer
  }

  /// A whole number of a range.
  ///
  /// - Throws: `FileError`.
  package mutating func integer(_ key: String, in range: ClosedRange<Int>) throws(FileError) -> Int {
    guard let integer = try optionalInteger(key, in: range) else { throw missing(key) }
    return integer
  }

  /// One of some texts, or nil where the key isn't there.
  ///
  /// - Throws: `FileError`.
  package mutating func optionalChoice(_ key: String, of choices: [String]) throws(FileError) -> String? {
    guard let value = value(key) else { return nil }
    guard let text = value as? String, choices.contains(text) else {
      throw error(
        key, (value as? String).map { "is \"\($0.prefix(60))\"" } ?? "is not a text",
        remedy: "give " + choices.map { "\"\($0)\"" }.joined(separator: " or "))
    }
    return text
  }

  /// One of some texts.
  ///
  /// - Throws: `FileError`.
  package mutating func choice(_ key: String, of choices: [String]) throws(FileError) -> String {
    guard let text = try optionalChoice(key, of: choices) else { throw missing(key) }
    return text
  }

  /// A case of a type that is named by texts, or nil where the key isn't there.
  ///
  /// - Throws: `FileError`.
  package mutating func optionalChoice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, of type: Choice.Type
  ) throws(FileError) -> Choice? where Choice.RawValue == String {
    try optionalChoice(key, of: Choice.allCases.map(\.rawValue)).flatMap { Choice(rawValue: $0) }
  }

  /// A line of text, or nil where the key isn't there.
  ///
  /// - Throws: `FileError`.
  package mutating func optionalText(_ key: String) throws(FileError) -> String? {
    guard let value = value(key) else { return nil }
    guard let text = value as? String else { throw error(key, "is not a text", remedy: "give a text") }
    return text.onOneLine
  }

  /// `true` or `false`, or nil where the key isn't there.
  ///
  /// - Throws: `FileError`.
  package mutating func optionalFlag(_ key: String) throws(FileError) -> Bool? {
    guard let value = value(key) else { return nil }
    guard let flag = value as? NSNumber, Self.isTruthValue(flag) else {
      throw error(key, "is not true or false", remedy: "give true or false")
    }
    return flag.boolValue
  }

  /// One of two whole numbers or a list of them, or nil where the key isn't there.
  ///
  /// - Throws: `FileError`.
  package mutating func optionalIntegers(_ key: String, of choices: [Int]) throws(FileError) -> [Int]? {
    guard let value = value(key) else { return nil }
    let list = value as? [Int] ?? (value as? Int).map { [$0] } ?? []
    guard !list.isEmpty, list.allSatisfy(choices.contains) else {
      let names = choices.map(String.init).joined(separator: " or ")
      throw error(key, "is not \(names), or a list of these", remedy: "give one of these for each layer")
    }
    return list
  }

  /// A list of different lines of text; empty where the key isn't there.
  ///
  /// - Throws: `FileError`.
  package mutating func names(_ key: String) throws(FileError) -> [String] {
    guard let value = value(key) else { return [] }
    guard let names = value as? [String],
      names.allSatisfy({ !$0.isEmpty && $0 == $0.onOneLine }), Set(names).count == names.count
    else {
      throw error(
        key, "is not a list of different lines of text", remedy: "give a list such as [\"N\", \"V\"]")
    }
    return names
  }

  /// Whether a number was `true` or `false` in the file.
  private static func isTruthValue(_ number: NSNumber) -> Bool {
    ["c", "B"].contains(String(cString: number.objCType))
  }
}

import Foundation

/// JSON that a person wrote: what is missing, of the wrong type or unknown is refused by its key.
package enum StrictJSON {
  /// Parses a text.
  ///
  /// - Throws: `FileError`, malformed, where it is no JSON.
  package static func parse(_ data: Data, file: String, remedy: String) throws(FileError) -> Any {
    do {
      return try JSONSerialization.jsonObject(with: data)
    } catch {
      let reason = (error as NSError).userInfo["NSDebugDescription"] as? String
      throw .malformed(
        file, "is not JSON that can be read: \(reason ?? error.localizedDescription)", remedy: remedy)
    }
  }

  /// Reads a value whose properties are the text's keys, and nothing else.
  ///
  /// - Parameters:
  ///   - type: The value's type, which writes all that it reads.
  ///   - data: The text.
  ///   - file: The file's name, for errors.
  ///   - name: What the file is: `profile`, say.
  ///   - remedy: What to do where it is another.
  /// - Returns: The value.
  /// - Throws: `FileError`, malformed, which names the key that is missing, unknown or of the wrong type.
  package static func decode<Value: Codable>(
    _ type: Value.Type, from data: Data, file: String, name: String, remedy: String
  ) throws(FileError) -> Value {
    let given = try parse(data, file: file, remedy: remedy)
    let value: Value
    do {
      value = try JSONDecoder().decode(type, from: data)
    } catch {
      let (place, problem) = explanation(of: error) ?? (nil, "is no \(name)")
      throw .malformed(file, at: place, problem, remedy: remedy)
    }
    // So that a misspelt optional key isn't lost: what was read is written again, and must hold all that was given.
    let known = (try? JSONEncoder().encode(value)).flatMap { try? JSONSerialization.jsonObject(with: $0) }
    if let unknown = unknownKey(given, known ?? [:]) {
      throw .malformed(file, at: unknown, "is no field of a \(name)", remedy: remedy)
    }
    return value
  }

  private static func explanation(of error: any Error) -> (place: String?, problem: String)? {
    func place(_ context: DecodingError.Context) -> String? {
      context.codingPath.isEmpty ? nil : context.codingPath.map(\.stringValue).joined(separator: ".")
    }
    switch error as? DecodingError {
    case .keyNotFound(let key, let context): return (place(context), "\(key.stringValue) is missing")
    case .valueNotFound(_, let context): return (place(context), "is null")
    case .typeMismatch(let type, let context):
      let wanted =
        type == String.self ? "a text" : type == Double.self || type == Int.self ? "a number" : "an object"
      return (place(context), "is not \(wanted)")
    case .dataCorrupted(let context): return (place(context), context.debugDescription)
    default: return nil
    }
  }

  private static func unknownKey(_ given: Any, _ known: Any) -> String? {
    guard let given = given as? [String: Any], let known = known as? [String: Any] else { return nil }
    for key in given.keys.sorted() where !(given[key] is NSNull) {
      guard let knownValue = known[key] else { return key }
      if let deeper = given[key].flatMap({ unknownKey($0, knownValue) }) { return "\(key).\(deeper)" }
    }
    return nil
  }
}

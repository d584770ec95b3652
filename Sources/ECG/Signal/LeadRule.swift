import Foundation
import Support

// The one rule for leads, which training, evaluation, streaming and everything else follow:
// - A lead that is named is that of the name, capitals aside; or with words such as `ECG` and `lead` aside; or
//   that of the number, counted from 1.
// - Where none is named it is MLII, else II, else the first voltage whose name says ECG, else the first voltage.
extension Record {
  /// The place of a lead in `signals`.
  ///
  /// - Parameter wanted: A name or a number from 1; nil for MLII, II or the first.
  /// - Returns: The place, from 0.
  /// - Throws: `FileError`, malformed, naming the leads that there are.
  package func leadIndex(_ wanted: String? = nil) throws(FileError) -> Int {
    guard !signals.isEmpty else {
      throw .malformed(name, "has no signals", remedy: "choose a record with signals")
    }
    guard let wanted else { return usualLeadIndex }
    let wantedWords = Self.leadWords(wanted)
    if let index = signals.firstIndex(where: { $0.name == wanted })
      ?? signals.firstIndex(where: { $0.name.lowercased() == wanted.lowercased() })
      ?? signals.firstIndex(where: { !wantedWords.isEmpty && Self.leadWords($0.name) == wantedWords })
      ?? Int(wanted).flatMap({ (1...signals.count).contains($0) ? $0 - 1 : nil })
    {
      return index
    }
    let leads = signals.enumerated().map { "\($0.element.name) (\($0.offset + 1))" }.joined(separator: ", ")
    throw .malformed(name, "has no lead \(wanted)", remedy: "choose one by name or number: \(leads)")
  }

  /// The names or numbers of so many leads that are sampled together.
  ///
  /// - Parameters:
  ///   - wanted: Names or numbers from 1 with commas between them; nil for the record's first voltages, in its order.
  ///   - count: How many there must be.
  ///   - file: The record's file, for errors.
  /// - Returns: What `leadIndex(_:)` takes for each; for one lead that is nil where none is named.
  /// - Throws: `FileError`, malformed, where there are not as many, or one is named twice.
  package func leads(_ wanted: String?, count: Int, file: String) throws(FileError) -> [String?] {
    guard count > 1 else { return [wanted] }
    let voltages = signals.indices.filter { signals[$0].millivoltsPerUnit != nil }
    let names =
      wanted.map { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } }
      ?? voltages.prefix(count).map { "\($0 + 1)" }
    let indices = try names.map { name throws(FileError) in try leadIndex(name) }
    guard names.count == count, Set(indices).count == count else {
      let all = signals.enumerated().map { "\($0.element.name) (\($0.offset + 1))" }.joined(separator: ", ")
      throw .malformed(
        file,
        wanted == nil
          ? "has \(voltages.count) \(voltages.count == 1 ? "lead" : "leads"), and the model takes \(count)"
          : "has the leads \(names.joined(separator: ", ")) named, and the model takes \(count) different ones",
        remedy: voltages.count < count
          ? "choose a record with \(count) leads"
          : "name \(count) with commas between them, by name or number, in the network's order: \(all)")
    }
    return names
  }

  /// The signal of a lead; see `leadIndex(_:)`.
  ///
  /// - Throws: `FileError`, malformed, naming the leads that there are.
  package func signal(named name: String) throws(FileError) -> Signal { signals[try leadIndex(name)] }

  private var usualLeadIndex: Int {
    let voltages = signals.indices.filter { signals[$0].millivoltsPerUnit != nil }
    for usual: [Substring] in [["mlii"], ["ii"]] {
      if let index = voltages.first(where: { Self.leadWords(signals[$0].name) == usual }) { return index }
    }
    let ecgs = voltages.filter { index in
      ["ecg", "ekg"].contains { signals[index].name.lowercased().contains($0) }
    }
    return ecgs.first ?? voltages.first ?? 0
  }

  /// A lead's name as words in small letters, without those that only say that it is a lead.
  private static func leadWords(_ name: String) -> [Substring] {
    name.lowercased().split { !$0.isLetter && !$0.isNumber }.filter {
      !["ecg", "ekg", "lead", "derivation", "ableitung", "channel"].contains($0)
    }
  }
}

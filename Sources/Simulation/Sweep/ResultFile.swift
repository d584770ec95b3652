import Foundation
import Support

/// A result that is a line of JSON in a file.
protocol ResultLine: Codable, Sendable {
  /// What gives such results: `sweep`, say.
  static var source: String { get }
}

extension ResultLine {
  /// The result as a line of JSON, its keys sorted.
  var json: String { Self.json(self) }

  /// A value as JSON on one line, its keys sorted.
  static func json(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "1e999", negativeInfinity: "-1e999", nan: "nan")
    // Nothing in a result refuses to be encoded.
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}

/// A file of results to which threads add lines, so that work that was stopped goes on where it was.
final class ResultFile<Line: ResultLine>: @unchecked Sendable {
  /// The results that were there before.
  let lines: [Line]
  private let path: String
  private let handle: FileHandle?
  private let lock = NSLock()

  /// Opens a file, or makes it; a last line that a killed run left without its end is cut off.
  ///
  /// - Parameter path: The file; nil where results are not kept.
  /// - Throws: `FileError` where the file holds other lines or can't be written.
  init(_ path: String?) throws(FileError) {
    guard let path else {
      (lines, self.path, handle) = ([], "", nil)
      return
    }
    self.path = path
    if !FileManager.default.fileExists(atPath: path) { try Files.write(Data(), to: path) }
    // A device can't be read to its end, and a pipe can't be read again.
    let file = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let type = (try? FileManager.default.attributesOfItem(atPath: file))?[.type] as? FileAttributeType
    guard type == .typeRegular else {
      throw .inaccessible(path, "is no ordinary file", remedy: "name a file that lines can be added to")
    }
    let (lines, byteCount) = try Self.read(path, passingOverPartialEnd: true)
    self.lines = lines
    do {
      let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
      try handle.truncate(atOffset: UInt64(byteCount))
      self.handle = handle
    } catch {
      throw Self.failure(path)
    }
  }

  /// Each item's result: the one that was found, or one that is worked out now and added to the file at once.
  ///
  /// - Returns: The results in the items' order, and those of them that are new.
  /// - Throws: `FileError` of the first item that fails, after all others were worked on.
  func results<Item: Sendable>(
    of items: [Item], found: (Item) -> Line?, threads: Int, progress: @escaping ProgressHandler,
    _ work: @Sendable (Item) throws(FileError) -> Line
  ) throws(FileError) -> (all: [Line], new: [Line]) {
    let before = items.map(found)
    let pending = items.indices.filter { before[$0] == nil }
    let new = try pending.concurrentMap(threads: max(1, threads), progress: progress) {
      index throws(FileError) in
      let line = try work(items[index])
      try add(line)
      return line
    }
    var next = new.makeIterator()
    return (before.compactMap { $0 ?? next.next() }, new)
  }

  private func add(_ line: Line) throws(FileError) {
    guard let handle else { return }
    let text = Data((line.json + "\n").utf8)
    do {
      try lock.withLock { try handle.write(contentsOf: text) }
    } catch {
      throw Self.failure(path)
    }
  }

  private static func failure(_ path: String) -> FileError {
    .inaccessible(path, "can't be written", remedy: "choose a place with room that you may write to")
  }

  /// Reads a file of results.
  ///
  /// - Parameters:
  ///   - file: The file.
  ///   - passingOverPartialEnd: Whether a last line without its end, as a killed run leaves it, is passed over.
  /// - Returns: The results and the bytes of their lines.
  /// - Throws: `FileError` where the file is missing or a line is no such result.
  static func read(
    _ file: String, passingOverPartialEnd: Bool
  ) throws(FileError) -> (lines: [Line], byteCount: Int) {
    let data = try Files.read(file)
    var lines: [Line] = []
    var start = data.startIndex
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "1e999", negativeInfinity: "-1e999", nan: "nan")
    while start < data.endIndex {
      guard let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) else {
        if passingOverPartialEnd { break }
        throw .malformed(
          file, at: "line \(lines.count + 1)", "breaks off",
          remedy: "run its \(Line.source) again, which goes on there")
      }
      do {
        lines.append(try decoder.decode(Line.self, from: data[start..<end]))
      } catch {
        throw .malformed(
          file, at: "line \(lines.count + 1)", "is no result of a \(Line.source)",
          remedy: "remove it or name another file")
      }
      start = end + 1
    }
    return (lines, start - data.startIndex)
  }
}

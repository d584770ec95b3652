import Foundation

/// A file of results, to which threads add a line each as soon as one is there, so that work that was stopped goes on
/// where it was.
///
/// The first line says what the file holds: `{"kind":"sweep","program":"0.1.0","version":1}`. Each line after it is a
/// result and the key of the content that it follows from: `{"key":"<64 digits>","result":{...}}`.
///
/// - A log is locked by the run that writes it.
/// - Lines survive the end of the process when `keep` returns, and a failure of the machine about a second later.
/// - A last line that a killed run left unfinished is cut off when the log is opened.
/// - After the first failed write nothing more is written; what was finished before stays.
package final class ResultLog: @unchecked Sendable {
  /// What a log holds.
  package struct Kind: Sendable {
    /// What gives such results: `sweep`, say.
    package let name: String
    /// The lines' version: raise it when a figure's meaning, or how it is made, changes.
    package let version: Int

    /// Creates a kind.
    package init(_ name: String, version: Int) { (self.name, self.version) = (name, version) }

    /// The key of the result that follows from some content: a digest of it, of the kind, and of the versions of the
    /// kind and of the program.
    ///
    /// - Parameter content: All that decides the result; files by their digests, never by their names alone.
    /// - Returns: 64 hexadecimal digits.
    package func key(_ content: some Encodable) -> String {
      SHA256.hexadecimal(Data("\(version) \(Release.version) \(name) \(JSON.line(content))".utf8))
    }

    /// A log's first line.
    fileprivate var header: Header { Header(kind: name, program: Release.version, version: version) }
  }

  /// A log's first line.
  fileprivate struct Header: Codable {
    var kind: String
    /// The program's version that began the log.
    var program: String
    var version: Int
  }

  private let path: String
  private let kind: Kind
  private let file: LockedFile?
  private let lock = NSLock()
  private var content: LogContent
  private var writeFailure: FileError?

  /// Opens a log, or begins one.
  ///
  /// - Parameters:
  ///   - path: The file; nil where results are not kept.
  ///   - kind: What the log holds.
  /// - Throws: `FileError` where the file is no such log, another run writes it, or it can't be written. A file that
  ///   is no such log is left as it was.
  package init(_ path: String?, kind: Kind) throws(FileError) {
    (self.path, self.kind) = (path ?? "", kind)
    guard let path else {
      (file, content) = (nil, LogContent())
      return
    }
    let file = try LockedFile(path)
    let data = try Files.read(path)
    if data.isEmpty {
      content = LogContent()
      try file.append(Data((JSON.line(kind.header) + "\n").utf8))
    } else {
      content = try LogContent(data, kind: kind, file: path)
      if let torn = content.tornLine {
        try file.truncate(at: content.byteCount)
        Terminal.error.write(
          "warning: \(path):line \(torn): broke off and was cut away; its result is worked out again\n")
      }
    }
    self.file = file
  }

  /// The first write that failed.
  private var failure: FileError? { lock.withLock { writeFailure } }

  /// Whether the log has a result.
  package func has(_ key: String) -> Bool { lock.withLock { content.places[key] != nil } }

  /// A result; nil where the log doesn't have it.
  ///
  /// - Throws: `FileError` where its line is damaged.
  package func value<Value: Decodable>(_ type: Value.Type, _ key: String) throws(FileError) -> Value? {
    let content = lock.withLock { self.content }
    guard let place = content.places[key] else { return nil }
    return try content.value(type, at: place, kind: kind, file: path)
  }

  /// Keeps a result.
  ///
  /// - Throws: `FileError` where it can't be written, or an earlier one couldn't be.
  package func keep(_ value: some Encodable, _ key: String) throws(FileError) {
    let json = Data(JSON.line(value).utf8)
    lock.lock()
    defer { lock.unlock() }
    if let writeFailure { throw writeFailure }
    do throws(FileError) {
      try file?.append(LogContent.text(key, json))
    } catch {
      writeFailure = error
      throw error
    }
    content.add(key, json)
  }

  /// Each item's result: the one that the log has, or one that is worked out now and kept at once.
  ///
  /// When all are there their lines stand in the items' order: the same at any number of threads, however often the work
  /// was stopped.
  ///
  /// - Parameters:
  ///   - items: What to work on.
  ///   - key: An item's key.
  ///   - threads: The items to work on at a time.
  ///   - progress: Told of each item that is worked on.
  ///   - work: Works out an item's result.
  /// - Returns: The results in the items' order, and those of them that are new.
  /// - Throws: `FileError` at the first result that can't be written; or of the first item that fails, after all others
  ///   were worked on.
  package func results<Item: Sendable, Value: Codable & Sendable>(
    of items: [Item], key: (Item) -> String, threads: Int, progress: @escaping ProgressHandler,
    _ work: @Sendable (Item) throws(FileError) -> Value
  ) throws(FileError) -> (all: [Value], new: [Value]) {
    let keys = items.map(key)
    var before: [Value?] = []
    for key in keys { before.append(try value(Value.self, key)) }
    let pending = items.indices.filter { before[$0] == nil }
    let new: [Value]
    do throws(FileError) {
      new = try pending.concurrentMap(
        threads: max(1, threads), progress: { if self.failure == nil { progress($0) } }
      ) { index throws(FileError) in
        if let failure { throw failure }
        let value = try work(items[index])
        try keep(value, keys[index])
        return value
      }
    } catch {
      throw failure ?? error
    }
    arrange(keys)
    var next = new.makeIterator()
    return (before.compactMap { $0 ?? next.next() }, new)
  }

  /// Puts some results in order.
  ///
  /// A log that can't be written anew keeps its order, and every result.
  private func arrange(_ keys: [String]) {
    lock.withLock {
      guard let file, content.order(keys) else { return }
      file.replace(with: Data((JSON.line(kind.header) + "\n").utf8) + content.text)
    }
  }

  // MARK: Logs at rest

  /// Reads the results of a log that nobody writes.
  ///
  /// - Returns: The results with their keys and lines' numbers, in the file's order.
  /// - Throws: `FileError` where the file is missing, is no such log, or breaks off.
  package static func read<Value: Decodable>(
    _ file: String, kind: Kind, as type: Value.Type
  ) throws(FileError) -> [(line: Int, key: String, value: Value)] {
    let content = try LogContent(Files.read(file), kind: kind, file: file)
    if let torn = content.tornLine {
      throw .malformed(
        file, at: "line \(torn)", "breaks off", remedy: "run its \(kind.name) again, which goes on there")
    }
    return try content.lines.indices.map { place throws(FileError) in
      (place + 2, content.lines[place].key, try content.value(type, at: place, kind: kind, file: file))
    }
  }

  /// The text of a log that holds some results.
  package static func text(_ results: [(key: String, value: some Encodable)], kind: Kind) -> Data {
    results.reduce(into: Data((JSON.line(kind.header) + "\n").utf8)) { text, result in
      text += LogContent.text(result.key, Data(JSON.line(result.value).utf8))
    }
  }
}

/// The lines of a log after its first.
private struct LogContent {
  /// Every line's key and result, in the file's order.
  private(set) var lines: [(key: String, json: Data)] = []
  /// The last line of each key, by its place.
  private(set) var places: [String: Int] = [:]
  /// The bytes up to a line that breaks off.
  private(set) var byteCount = 0
  /// The number of a last line that breaks off.
  private(set) var tornLine: Int?

  private static let (prefix, middle) = (Data(#"{"key":""#.utf8), Data(#"","result":"#.utf8))

  init() {}

  /// Takes a file apart.
  ///
  /// - Throws: `FileError`, malformed, where it is another file, or a line before the last is no result.
  init(_ data: Data, kind: ResultLog.Kind, file: String) throws(FileError) {
    var rest = data
    func nextLine() -> Data? {
      guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
      defer { rest = rest[(end + 1)...] }
      return rest[..<end]
    }
    guard let first = nextLine(), let header = try? JSONDecoder().decode(ResultLog.Header.self, from: first),
      header.kind == kind.name
    else {
      throw .malformed(
        file, at: "line 1", "doesn't say that the file holds results of a \(kind.name)",
        remedy: "name another file; results without such a first line must be worked out anew")
    }
    guard header.version == kind.version else {
      throw .malformed(
        file, at: "line 1", "says that the results are of format \(header.version), not \(kind.version)",
        remedy: "name another file, or use version \(header.program) of the program")
    }
    while !rest.isEmpty {
      byteCount = rest.startIndex - data.startIndex
      guard let (key, json) = nextLine().flatMap(Self.parts) else {
        // A line is torn where nothing follows it.
        guard rest.isEmpty || rest.startIndex == data.startIndex + byteCount else {
          throw Self.noResult(lines.count + 2, kind: kind, file: file)
        }
        tornLine = lines.count + 2
        return
      }
      add(key, json)
    }
    byteCount = data.count
  }

  /// A line's key and result; nil where it is none.
  private static func parts(_ line: Data) -> (key: String, json: Data)? {
    let keyStart = line.startIndex + prefix.count
    let keyEnd = keyStart + 64
    guard line.starts(with: prefix), line.endIndex > keyEnd + middle.count, line.last == UInt8(ascii: "}"),
      line[keyEnd...].starts(with: middle)
    else { return nil }
    let json = line[(keyEnd + middle.count)..<(line.endIndex - 1)]
    return (String(decoding: line[keyStart..<keyEnd], as: UTF8.self), Data(json))
  }

  /// The line of a result.
  static func text(_ key: String, _ json: Data) -> Data {
    prefix + Data(key.utf8) + middle + json + Data("}\n".utf8)
  }

  /// All lines.
  var text: Data { lines.reduce(into: Data()) { $0 += Self.text($1.key, $1.json) } }

  mutating func add(_ key: String, _ json: Data) {
    places[key] = lines.count
    lines.append((key, json))
  }

  /// The result of a line.
  func value<Value: Decodable>(
    _ type: Value.Type, at place: Int, kind: ResultLog.Kind, file: String
  ) throws(FileError) -> Value {
    guard let value = try? JSON.lineDecoder.decode(type, from: lines[place].json) else {
      throw Self.noResult(place + 2, kind: kind, file: file)
    }
    return value
  }

  /// Puts the lines of some keys in order, in the places that they have; returns whether that changes anything.
  mutating func order(_ keys: [String]) -> Bool {
    let ranks = Dictionary(zip(keys, keys.indices)) { first, _ in first }
    let own = lines.indices.filter { ranks[lines[$0].key] != nil }
    let ordered = own.sorted { (ranks[lines[$0].key] ?? 0, $0) < (ranks[lines[$1].key] ?? 0, $1) }
    guard ordered != own else { return false }
    for (place, line) in zip(own, ordered.map { lines[$0] }) {
      (lines[place], places[line.key]) = (line, place)
    }
    return true
  }

  private static func noResult(_ line: Int, kind: ResultLog.Kind, file: String) -> FileError {
    .malformed(
      file, at: "line \(line)", "is no result of a \(kind.name)", remedy: "remove it or name another file")
  }
}

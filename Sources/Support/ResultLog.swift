import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file of results, to which threads add a line each as soon as one is there, so that work that was stopped goes on
/// where it was.
///
/// The first line says what the file holds: `{"kind":"sweep","program":"0.1.0","version":1}`. Each line after it is a
/// result and the key of the content that it follows from: `{"key":"<64 digits>","result":{...}}`.
///
/// - A log is locked by the run that writes it.
/// - Lines survive the end of the process when `add` returns, and a failure of the machine about a second later.
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
  package func has(_ key: String) -> Bool { lock.withLock { content.lines[key] != nil } }

  /// A result; nil where the log doesn't have it.
  ///
  /// - Throws: `FileError` where its line is damaged.
  package func value<Value: Decodable>(_ type: Value.Type, _ key: String) throws(FileError) -> Value? {
    guard let line = lock.withLock({ content.lines[key] }) else { return nil }
    return try line.value(type, kind: kind, file: path)
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
    return try content.all.map { line throws(FileError) in
      (line.number, line.key, try line.value(type, kind: kind, file: file))
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
  struct Line {
    var number: Int
    var key: String
    var json: Data

    func value<Value: Decodable>(
      _ type: Value.Type, kind: ResultLog.Kind, file: String
    ) throws(FileError) -> Value {
      do {
        return try JSON.lineDecoder.decode(type, from: json)
      } catch {
        throw LogContent.noResult(number, kind: kind, file: file)
      }
    }
  }

  /// Every line, in the file's order.
  private(set) var all: [Line] = []
  /// The last line of each key.
  private(set) var lines: [String: Line] = [:]
  /// The bytes up to a line that breaks off.
  private(set) var byteCount = 0
  /// The number of a last line that breaks off.
  private(set) var tornLine: Int?

  private static let prefix = Data(#"{"key":""#.utf8)
  private static let middle = Data(#"","result":"#.utf8)
  private static let keyCount = 64

  init() {}

  /// Takes a file apart.
  ///
  /// - Throws: `FileError`, malformed, where it is another file, or a line before the last is no result.
  init(_ data: Data, kind: ResultLog.Kind, file: String) throws(FileError) {
    func ends(from start: Int) -> Int? { data[start...].firstIndex(of: UInt8(ascii: "\n")) }
    guard let first = ends(from: data.startIndex),
      let header = try? JSONDecoder().decode(ResultLog.Header.self, from: data[..<first]),
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
    var start = first + 1
    var number = 2
    while start < data.endIndex {
      let end = ends(from: start)
      guard let end, let line = Self.line(data[start..<end], number) else {
        guard end == nil || end == data.endIndex - 1 else {
          throw Self.noResult(number, kind: kind, file: file)
        }
        tornLine = number
        break
      }
      add(line)
      start = end + 1
      number += 1
    }
    byteCount = start - data.startIndex
  }

  private static func line(_ data: Data, _ number: Int) -> Line? {
    let keyStart = data.startIndex + prefix.count
    let keyEnd = keyStart + keyCount
    guard data.starts(with: prefix), data.count > prefix.count + keyCount + middle.count,
      data[keyEnd...].starts(with: middle), data.last == UInt8(ascii: "}")
    else { return nil }
    let json = data[(keyEnd + middle.count)..<(data.endIndex - 1)]
    return Line(
      number: number, key: String(decoding: data[keyStart..<keyEnd], as: UTF8.self), json: Data(json))
  }

  /// The line of a result.
  static func text(_ key: String, _ json: Data) -> Data {
    prefix + Data(key.utf8) + middle + json + Data("}\n".utf8)
  }

  /// All lines.
  var text: Data { all.reduce(into: Data()) { $0 += Self.text($1.key, $1.json) } }

  mutating func add(_ key: String, _ json: Data) {
    add(Line(number: all.count + 2, key: key, json: json))
  }

  private mutating func add(_ line: Line) {
    all.append(line)
    lines[line.key] = line
  }

  /// Puts the lines of some keys in order, in the places that they have; returns whether that changes anything.
  mutating func order(_ keys: [String]) -> Bool {
    let ranks = Dictionary(zip(keys, keys.indices)) { first, _ in first }
    let places = all.indices.filter { ranks[all[$0].key] != nil }
    let ordered = places.sorted { (ranks[all[$0].key] ?? 0, $0) < (ranks[all[$1].key] ?? 0, $1) }
    guard ordered != places else { return false }
    for (place, var line) in zip(places, ordered.map { all[$0] }) {
      line.number = place + 2
      (all[place], lines[line.key]) = (line, line)
    }
    return true
  }

  private static func noResult(_ line: Int, kind: ResultLog.Kind, file: String) -> FileError {
    .malformed(
      file, at: "line \(line)", "is no result of a \(kind.name)",
      remedy: "remove it or name another file")
  }
}

/// An ordinary file that is open for this process alone.
private final class LockedFile {
  private let path: String
  private var descriptor: Int32
  private var byteCount: Int
  private var lastFlush = 0.0

  /// Opens a file, or makes it, and locks it.
  ///
  /// - Throws: `FileError` where another process holds its lock, or it is no ordinary file.
  init(_ path: String) throws(FileError) {
    self.path = path
    var status = stat()
    // A device can't be read to its end, and a pipe can't be read again.
    guard stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
      throw .inaccessible(path, "is no ordinary file", remedy: "name a file that lines can be added to")
    }
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else { throw Files.writeFailure(path) }
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        let reason = errno
        close(descriptor)
        if reason == EWOULDBLOCK {
          throw .inaccessible(
            path, "is being written by another run", remedy: "wait for its end, or name another file")
        }
        throw .inaccessible(
          path, "can't be locked: \(String(cString: strerror(reason)))", remedy: "choose another disk")
      }
      // A run that has just ended may have put another file in the place of the one that was opened.
      var opened = stat()
      if fstat(descriptor, &opened) == 0, stat(path, &status) == 0, opened.st_ino == status.st_ino {
        (self.descriptor, byteCount) = (descriptor, Int(opened.st_size))
        return
      }
      close(descriptor)
    }
  }

  deinit {
    fsync(descriptor)
    close(descriptor)
  }

  func truncate(at size: Int) throws(FileError) {
    guard ftruncate(descriptor, off_t(size)) == 0 else { throw Files.writeFailure(path) }
    byteCount = size
  }

  /// Adds bytes at the end: all of them, or none.
  func append(_ data: Data) throws(FileError) {
    lseek(descriptor, off_t(byteCount), SEEK_SET)
    guard Files.writeAll(data, to: descriptor) else {
      let error = Files.writeFailure(path)
      ftruncate(descriptor, off_t(byteCount))
      throw error
    }
    byteCount += data.count
    let now = ProcessInfo.processInfo.systemUptime
    if now - lastFlush >= 1 {
      fsync(descriptor)
      lastFlush = now
    }
  }

  /// Puts other content in the file's place, as a whole; where that can't be done the file stays as it is.
  func replace(with data: Data) {
    let destination = Files.resolved(path)
    let temporary = destination + ".tmp-\(getpid())"
    let new = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard new >= 0 else { return }
    // Locked before it has the name, so that no other run can take it.
    guard flock(new, LOCK_EX | LOCK_NB) == 0, Files.writeAll(data, to: new), fsync(new) == 0,
      rename(temporary, destination) == 0
    else {
      unlink(temporary)
      close(new)
      return
    }
    close(descriptor)
    (descriptor, byteCount) = (new, data.count)
  }
}

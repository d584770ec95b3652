import Foundation
import Support

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// PhysioNet's databases, by its public HTTPS layout: `files/NAME/VERSION/` with `RECORDS` and `SHA256SUMS.txt`.
package struct PhysioNet: Sendable {
  /// Where PhysioNet keeps its files.
  package static let publicURL = URL(string: "https://physionet.org/files")!

  /// The versions that this project was made with, by database.
  package static let versions = ["mitdb": "1.0.0", "ludb": "1.0.1", "nstdb": "1.0.0"]

  /// The folder of databases on the server.
  package var baseURL: URL
  /// The tries that a file gets.
  package var attempts: Int
  /// The wait before the second try; each further wait is twice as long.
  package var firstDelaySeconds: Double

  /// Creates a client.
  package init(baseURL: URL = publicURL, attempts: Int = 5, firstDelaySeconds: Double = 1) {
    self.baseURL = baseURL
    self.attempts = attempts
    self.firstDelaySeconds = firstDelaySeconds
  }

  /// What a fetch did.
  package struct Outcome: Sendable, Equatable {
    /// The files that were downloaded, in order.
    package var downloaded: [String] = []
    /// The files that were there already and right.
    package var kept: [String] = []
  }

  /// Downloads a database's records, annotations and the files beside them, as its SHA-256 sums list them.
  ///
  /// A file that is there and right is kept. A download goes to `NAME.part`, is continued there after an
  /// interruption, and takes its name only when its sum is right.
  ///
  /// - Parameters:
  ///   - database: The database's short name, such as `mitdb`.
  ///   - version: The version; nil for the one in `versions`.
  ///   - folder: Where the files go; made where it is missing.
  ///   - progress: Is told of each file.
  /// - Returns: Which files were downloaded and which were kept.
  /// - Throws: `FileError` where the server lacks a file or can't be reached, a sum stays wrong or a file
  ///   can't be written.
  package func fetch(
    database: String, version: String? = nil, into folder: String, progress: ProgressHandler? = nil
  ) throws(FileError) -> Outcome {
    guard let version = version ?? Self.versions[database] else {
      throw .missing(
        database, "no version of this database is known",
        remedy: "state its version, as on physionet.org/content/\(database)")
    }
    let source = baseURL.appending(path: database).appending(path: version)
    try Files.makeFolder(folder)
    let transfer = Transfer()
    defer { transfer.close() }
    let sums = try download(
      source.appending(path: Self.sumsName), by: transfer, to: folder + "/" + Self.sumsName)
    let list = try Self.sums(in: sums, file: folder + "/" + Self.sumsName)

    var outcome = Outcome()
    func bring(_ item: Sum) throws(FileError) {
      let isNew = try fetch(item, from: source, by: transfer, into: folder)
      isNew ? outcome.downloaded.append(item.path) : outcome.kept.append(item.path)
    }
    guard let records = list.first(where: { $0.path == "RECORDS" }) else {
      throw .malformed(
        folder + "/" + Self.sumsName, "does not list RECORDS", remedy: "check the database's name and version"
      )
    }
    try bring(records)
    let names = Set(
      String(decoding: try Files.read(folder + "/RECORDS"), as: UTF8.self).split(whereSeparator: \.isNewline))
    let wanted = list.filter { item in
      item.path != "RECORDS"
        && (!item.path.contains("/")
          || names.contains(item.path.prefix(upTo: item.path.lastIndex(of: ".") ?? item.path.endIndex)))
    }
    for (index, item) in wanted.enumerated() {
      progress?(TaskProgress(completed: index, total: wanted.count, detail: item.path))
      try bring(item)
    }
    progress?(TaskProgress(completed: wanted.count, total: wanted.count))
    return outcome
  }

  // MARK: The list of sums

  private static let sumsName = "SHA256SUMS.txt"

  /// A file and what its bytes must hash to.
  private struct Sum {
    var path: String
    var digest: String
  }

  private static func sums(in data: Data, file: String) throws(FileError) -> [Sum] {
    var sums: [Sum] = []
    let lines = String(decoding: data, as: UTF8.self).split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      let digest = line.prefix(64).lowercased()
      let path = line.dropFirst(64).drop { $0 == " " || $0 == "*" }
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      guard digest.count == 64, digest.allSatisfy({ $0.isASCII && $0.isHexDigit }), !path.isEmpty,
        parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." })
      else {
        throw .malformed(
          file, at: "line \(index + 1)", "is no SHA-256 sum of a file", remedy: "check the server's address")
      }
      if path != sumsName { sums.append(Sum(path: String(path), digest: digest)) }
    }
    return sums
  }

  private static func digest(ofFile path: String) throws(FileError) -> String? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    return SHA256.hexadecimal(try Files.read(path))
  }

  // MARK: One file

  /// Brings one file; false where it was there already and right.
  private func fetch(
    _ item: Sum, from source: URL, by transfer: Transfer, into folder: String
  ) throws(FileError) -> Bool {
    let path = folder + "/" + item.path
    if try Self.digest(ofFile: path) == item.digest { return false }
    try Files.makeFolder(String(path.prefix(upTo: path.lastIndex(of: "/")!)))
    let part = path + ".part"
    // What an earlier, interrupted run left may belong to another file, so a wrong sum gets one more try.
    for _ in 0..<2 {
      try bring(source.appending(path: item.path), by: transfer, toPart: part)
      if try Self.digest(ofFile: part) == item.digest {
        try Self.rename(part, to: path)
        return true
      }
      try? FileManager.default.removeItem(atPath: part)
    }
    throw .malformed(
      path, "what the server sent does not have the SHA-256 sum that it states",
      remedy: "try again later or from another network")
  }

  /// Downloads a file that has no sum of its own.
  private func download(_ url: URL, by transfer: Transfer, to path: String) throws(FileError) -> Data {
    let part = path + ".part"
    try? FileManager.default.removeItem(atPath: part)
    try bring(url, by: transfer, toPart: part)
    let data = try Files.read(part)
    try Self.rename(part, to: path)
    return data
  }

  private static func rename(_ part: String, to path: String) throws(FileError) {
    guard Foundation.rename(part, path) == 0 else {
      throw .inaccessible(
        path, "can't be written: \(String(cString: strerror(errno)))", remedy: "choose a writable place")
    }
  }

  /// Brings the whole of a URL into a `.part` file, continuing what is there, with a bounded number of tries.
  private func bring(_ url: URL, by transfer: Transfer, toPart part: String) throws(FileError) {
    var delay = firstDelaySeconds
    for attempt in 1... {
      switch try transfer.run(url, toPart: part) {
      case .complete: return
      case .refused(let status):
        throw .missing(
          url.absoluteString, "the server answers with status \(status)",
          remedy: "check the database's name and version")
      case .interrupted(let reason):
        guard attempt < attempts else {
          throw .inaccessible(
            url.absoluteString, "can't be downloaded after \(attempt) tries: \(reason)",
            remedy: "check the network and run the command again; it continues where it stopped")
        }
      }
      Thread.sleep(forTimeInterval: delay)
      delay *= 2
    }
  }
}

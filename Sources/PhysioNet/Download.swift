import Foundation
import Support

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// A file and what its bytes must hash to.
struct FileSum {
  var path: String
  var digest: String
}

/// A database's files, as its list of sums has them.
struct FileList {
  static let name = "SHA256SUMS.txt"
  private static let recordsName = "RECORDS"

  let all: [FileSum]
  /// The file that names the records.
  let records: FileSum

  /// Takes a list of sums apart; `file` is the name used in errors.
  ///
  /// - Throws: `FileError`, malformed, with the line that is none.
  init(_ data: Data, file: String) throws(FileError) {
    var all: [FileSum] = []
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
          file, at: "line \(index + 1)", "is no SHA-256 sum of a file",
          remedy: "check the server's address, and that the network asks for no login")
      }
      if path != Self.name { all.append(FileSum(path: String(path), digest: digest)) }
    }
    guard let records = all.first(where: { $0.path == Self.recordsName }) else {
      throw .malformed(
        file, "does not list \(Self.recordsName)", remedy: "check the database's name and version")
    }
    (self.all, self.records) = (all, records)
  }

  /// The files to bring: those of the uppermost folder, and all of the folders that have records.
  func files(ofRecords text: String) -> [FileSum] {
    let folders = Set(text.split(whereSeparator: \.isNewline).map { Self.folder(of: $0) })
    return all.filter { item in
      let folder = Self.folder(of: item.path)
      return item.path != Self.recordsName && (folder.isEmpty || folders.contains(folder))
    }
  }

  /// What comes before the last `/`.
  private static func folder(of path: some StringProtocol) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }
}

/// The downloads of one fetch, into its folder.
struct Download {
  let client: PhysioNet
  let transfer: Transfer
  let folder: String

  /// Brings the list of sums, which replaces an older one when it proves to be a list.
  func list(_ source: URL) throws(FileError) -> FileList {
    let url = source.appending(path: FileList.name)
    let path = folder + "/" + FileList.name
    let part = path + ".part"
    defer { try? FileManager.default.removeItem(atPath: part) }
    try? FileManager.default.removeItem(atPath: part)
    try bring(url, toPart: part, byteLimit: client.limits.listBytes)
    let list = try FileList(try Files.read(part), file: url.absoluteString)
    try Self.rename(part, to: path)
    return list
  }

  /// The text of a page.
  func text(_ url: URL) throws(FileError) -> String {
    let part = FileManager.default.temporaryDirectory.appending(path: "quantinfer-\(UUID().uuidString).part")
      .path
    defer { try? FileManager.default.removeItem(atPath: part) }
    try bring(url, toPart: part, byteLimit: client.limits.listBytes)
    return String(decoding: try Files.read(part), as: UTF8.self)
  }

  /// Brings one file; false where it was there already and right.
  func bring(_ item: FileSum, from source: URL) throws(FileError) -> Bool {
    let path = folder + "/" + item.path
    if try Self.digest(ofFile: path) == item.digest { return false }
    try Files.makeFolder(String(path.prefix(upTo: path.lastIndex(of: "/")!)))
    let part = path + ".part"
    // What an earlier, interrupted run left may belong to another file, so a wrong sum gets one more try.
    for _ in 0..<2 {
      try bring(source.appending(path: item.path), toPart: part, byteLimit: client.limits.totalBytes)
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

  private static func digest(ofFile path: String) throws(FileError) -> String? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    return SHA256.hexadecimal(try Files.read(path))
  }

  private static func rename(_ part: String, to path: String) throws(FileError) {
    guard Foundation.rename(part, path) == 0 else {
      throw .inaccessible(
        path, "can't be written: \(String(cString: strerror(errno)))", remedy: "choose a writable place")
    }
  }

  /// Brings the whole of a URL into a `.part` file, continuing what is there, with a bounded number of tries.
  private func bring(_ url: URL, toPart part: String, byteLimit: Int) throws(FileError) {
    var delay = client.firstDelaySeconds
    for attempt in 1... {
      let ending = try TrapNotice.during(url) { () throws(FileError) in
        try transfer.run(url, toPart: part, byteLimit: byteLimit)
      }
      switch ending {
      case .complete: return
      case .refused(let status):
        throw .missing(
          url.absoluteString, "the server answers with status \(status)",
          remedy: [401, 403].contains(status)
            ? "the database asks for an account or an agreement: bring its files by its page on physionet.org"
            : "check the database's name and version")
      case .elsewhere(let place):
        throw .inaccessible(
          url.absoluteString, "the server sends the request on to \(place)",
          remedy: "check the server's address, and that the network asks for no login")
      case .tooLarge:
        try? FileManager.default.removeItem(atPath: part)
        throw .malformed(
          url.absoluteString, "is beyond the limit of \(Numbers.bytes(byteLimit)) for a download",
          remedy: "check the server's address, or raise --limit")
      case .interrupted(let reason):
        guard attempt < client.attempts else {
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

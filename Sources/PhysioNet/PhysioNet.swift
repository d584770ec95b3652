import Foundation
import Support

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// PhysioNet's databases, by its public HTTPS layout: `files/NAME/VERSION/` with `RECORDS` and `SHA256SUMS.txt`.
package struct PhysioNet: Sendable {
  /// Where PhysioNet keeps its files.
  package static let publicURL = URL(string: "https://physionet.org/files")!

  /// What a download may cost.
  package struct Limits: Sendable {
    /// The bytes of a database's list of files.
    package var listBytes = 1 << 26
    /// The bytes that are downloaded in all.
    package var totalBytes = 20_000_000_000
    /// A file that comes at a lower rate is asked for anew.
    package var leastBytesPerSecond = 1000.0
    /// The seconds over which the rate is judged.
    package var paceSeconds = 30.0

    /// The usual limits.
    package init() {}
  }

  /// The folder of databases on the server.
  package var baseURL: URL
  /// The tries that a file gets.
  package var attempts: Int
  /// The wait before the second try; each further wait is twice as long.
  package var firstDelaySeconds: Double
  /// What a download may cost.
  package var limits = Limits()

  /// Creates a client.
  package init(baseURL: URL = publicURL, attempts: Int = 5, firstDelaySeconds: Double = 1) {
    self.baseURL = baseURL
    self.attempts = attempts
    self.firstDelaySeconds = firstDelaySeconds
  }

  /// What a fetch did.
  package struct Outcome: Sendable, Equatable {
    /// The database's full name and version.
    package var title = ""
    /// The files that were downloaded, in order.
    package var downloaded: [String] = []
    /// The files that were there already and right.
    package var kept: [String] = []
  }

  /// The file that tells where the records are from, their licence and what to cite.
  package static let sourceName = "SOURCE.txt"

  /// Downloads a database's records, annotations and the files beside them, as its SHA-256 sums list them.
  ///
  /// A file that is there and right is kept. A download goes to `NAME.part`, is continued there after an
  /// interruption, and takes its name only when its sum is right. The list of sums takes its name when it proves to be
  /// one. `SOURCE.txt` says where the records are from.
  ///
  /// - Parameters:
  ///   - name: The database's short name, such as `mitdb`.
  ///   - version: The version; nil for that of `Database.all` or, where it isn't in there, of the database's page.
  ///   - folder: Where the files go; made where it is missing.
  ///   - progress: Is told of each file.
  /// - Returns: Which files were downloaded and which were kept.
  /// - Throws: `FileError` where the server lacks a file or can't be reached, a sum stays wrong, the files are beyond
  ///   `limits`, or a file can't be written.
  package func fetch(
    database name: String, version: String? = nil, into folder: String, progress: ProgressHandler? = nil
  ) throws(FileError) -> Outcome {
    let transfer = Transfer(limits)
    defer { transfer.close() }
    let download = Download(client: self, transfer: transfer, folder: folder)
    let database = try self.database(name, version: version, download)
    try Files.makeFolder(folder)
    let source = baseURL.appending(path: name).appending(path: database.version)
    let list = try download.list(source)

    var outcome = Outcome(title: "\(database.title), version \(database.version)")
    func bring(_ item: FileSum) throws(FileError) {
      let isNew = try download.bring(item, from: source)
      isNew ? outcome.downloaded.append(item.path) : outcome.kept.append(item.path)
    }
    try bring(list.records)
    let wanted = list.files(
      ofRecords: String(decoding: try Files.read(folder + "/RECORDS"), as: UTF8.self))
    for (index, item) in wanted.enumerated() {
      progress?(TaskProgress(completed: index, total: wanted.count, detail: item.path))
      try bring(item)
    }
    try Files.write(database.source, to: folder + "/" + Self.sourceName)
    progress?(TaskProgress(completed: wanted.count, total: wanted.count))
    return outcome
  }

  /// What is known of a database: of the list, of its version as stated, or from its page.
  private func database(
    _ name: String, version: String?, _ download: Download
  ) throws(FileError) -> Database {
    let known = Database.named(name)
    if let known, version == nil || version == known.version { return known }
    let title = known?.title ?? name
    if let version {
      return Database(name: name, title: title, version: version)
    }
    let page = baseURL.deletingLastPathComponent().appending(path: "content").appending(path: name)
    let text = try download.text(page.appending(path: "", directoryHint: .isDirectory))
    guard let match = text.firstMatch(of: /Version:\s*(?:<[^>]*>\s*)*([0-9]+(?:\.[0-9]+)*)/) else {
      throw .missing(
        name, "no version of this database is known, and its page doesn't tell one",
        remedy: "state it by --database-version, as on physionet.org/content/\(name)")
    }
    let heading = text.firstMatch(of: /<title>\s*([^<]*?)\s*(?:v[0-9.]+)?\s*<\/title>/)
    return Database(name: name, title: heading.map { String($0.1) } ?? name, version: String(match.1))
  }
}

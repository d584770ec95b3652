import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reading and writing whole files with the project's errors.
package enum Files {
  /// Reads a whole file.
  ///
  /// - Throws: `FileError`, missing where there is no such file, inaccessible where it can't be read.
  package static func read(_ path: String) throws(FileError) -> Data {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw .missing(path)
    }
    guard !isDirectory.boolValue else {
      throw .inaccessible(path, "is a folder, not a file", remedy: "name a file in it")
    }
    do {
      return try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw .inaccessible(path, "can't be read: \(reason(error))", remedy: "check its permissions")
    }
  }

  /// Writes a whole file under a temporary name beside it, flushes it to the disk and renames it, so that
  /// an interrupted or failed write leaves what was there before.
  ///
  /// A link is followed. What is no regular file, such as `/dev/full` or a pipe, is written in place, as it
  /// can't be replaced.
  ///
  /// - Throws: `FileError`, inaccessible, where the folder is missing or not writable or the disk is full.
  package static func write(_ data: Data, to path: String) throws(FileError) {
    var status = stat()
    let exists = stat(path, &status) == 0
    let isInPlace = exists && ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
    let destination = exists && !isInPlace ? resolved(path) : path
    let target = isInPlace ? path : destination + ".tmp-\(getpid())"
    let flags = isInPlace ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC
    let descriptor = open(target, flags, 0o644)
    guard descriptor >= 0 else { throw writeFailure(path) }
    let written = writeAll(data, to: descriptor)
    let flushed = written && (isInPlace || fsync(descriptor) == 0)
    let failure = errno
    let closed = close(descriptor) == 0
    guard flushed, closed, isInPlace || rename(target, destination) == 0 else {
      if !flushed { errno = failure }
      let error = writeFailure(path)
      if !isInPlace { unlink(target) }
      throw error
    }
  }

  /// Writes a whole text file as UTF-8; see `write(_:to:)`.
  ///
  /// - Throws: `FileError`, as `write(_:to:)` does.
  package static func write(_ text: String, to path: String) throws(FileError) {
    try write(Data(text.utf8), to: path)
  }

  /// Makes a folder and those above it, where they are missing.
  ///
  /// - Throws: `FileError`, inaccessible, where that can't be done.
  package static func makeFolder(_ path: String) throws(FileError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw .inaccessible(path, "can't be made: \(reason(error))", remedy: "choose a writable place")
    }
  }

  /// Writes to standard output, after what was printed before.
  ///
  /// - Throws: `FileError`, inaccessible, where standard output takes no more.
  package static func writeToStandardOutput(_ data: Data) throws(FileError) {
    fflush(nil)
    guard writeAll(data, to: STDOUT_FILENO) else { throw writeFailure("standard output") }
  }

  /// Writes all bytes to an open file; returns whether it took them.
  static func writeAll(_ data: Data, to descriptor: Int32) -> Bool {
    data.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = Foundation.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if count < 0 {
          if errno == EINTR { continue }
          return false
        }
        done += count
      }
      return true
    }
  }

  /// The path of what a path's links lead to.
  static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  /// The error that `errno` tells of a file that is to be written.
  static func writeFailure(_ path: String) -> FileError {
    let remedy: String
    switch errno {
    case ENOSPC, EDQUOT, EFBIG: remedy = "free some space or choose another disk"
    case ENOENT: remedy = "make its folder first or choose another"
    default: remedy = "choose a place that you may write to"
    }
    return .inaccessible(path, "can't be written: \(String(cString: strerror(errno)))", remedy: remedy)
  }

  private static func reason(_ error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    return (underlying ?? error as NSError).localizedDescription
  }
}

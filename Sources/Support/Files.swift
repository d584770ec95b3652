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
    // A pipe can be read once only, and a device may have no end.
    var status = stat()
    guard stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
      throw .inaccessible(
        path, "is a pipe or a device, not an ordinary file",
        remedy: "save its content in a file and name that")
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
  /// The file keeps its mode.
  ///
  /// A link is followed. What is no ordinary file, such as `/dev/stdout` or a pipe, is written in place, as it
  /// can't be replaced.
  ///
  /// - Throws: `FileError`, inaccessible, where the folder is missing or not writable or the disk is full.
  package static func write(_ data: Data, to path: String) throws(FileError) {
    switch try OutputPlace(path) {
    case .open(let descriptor):
      fflush(nil)
      guard writeAll(data, to: descriptor) else { throw writeFailure(path) }
    case .special:
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw writeFailure(path) }
      let isWritten = writeAll(data, to: descriptor)
      let reason = errno
      guard close(descriptor) == 0, isWritten else {
        if !isWritten { errno = reason }
        throw writeFailure(path)
      }
    case .file(let destination, let status):
      guard let file = TemporaryFile(beside: destination, like: status) else { throw writeFailure(path) }
      guard file.write(data), rename(file.path, destination) == 0 else {
        file.remove()
        throw writeFailure(path)
      }
    }
  }

  /// Finds out, before a long run, whether a file can be written; what was there stays.
  ///
  /// - Throws: `FileError`, inaccessible, as `write(_:to:)` would, but for a disk that fills until then.
  package static func requireWritable(_ path: String) throws(FileError) {
    guard case .file(let destination, let status) = try OutputPlace(path) else { return }
    guard let file = TemporaryFile(beside: destination, like: status) else { throw writeFailure(path) }
    close(file.descriptor)
    file.remove()
  }

  /// Finds out, before a long run, whether a folder takes files, or can be made where it is missing; makes nothing.
  ///
  /// - Throws: `FileError`, inaccessible, where it is no folder, or may not be written to.
  package static func requireWritableFolder(_ path: String) throws(FileError) {
    var place = path.isEmpty ? "." : path
    while place.count > 1, place.hasSuffix("/") { place.removeLast() }
    while !FileManager.default.fileExists(atPath: place), place != ".", place != "/" {
      place = folder(of: place)
    }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place, isDirectory: &isDirectory), isDirectory.boolValue
    else {
      throw .inaccessible(path, "can't be a folder: \(place) is a file", remedy: "choose another place")
    }
    do throws(FileError) {
      try requireWritable(place + "/.quantinfer")
    } catch {
      var error = error
      error.file = path
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

  /// Opens a file for reading and adding to, or makes it, and locks it; links are not followed.
  ///
  /// - Throws: `FileError`, inaccessible, where another process has it locked, it is no ordinary file or can't be opened.
  package static func openLocked(_ path: String) throws(FileError) -> FileHandle {
    let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw writeFailure(path) }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw .inaccessible(path, "is no ordinary file", remedy: "remove it or choose another folder")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw .inaccessible(
        path, "is being written by another run", remedy: "wait for its end, or choose another folder")
    }
    return handle
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

  /// A path's folder: what comes before its last `/`, and `.` for a name alone.
  ///
  /// Foundation's own way of asking, `deletingLastPathComponent`, traps at names of one letter.
  package static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
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
    case EISDIR: remedy = "name a file in it"
    default: remedy = "choose a place that you may write to"
    }
    return .inaccessible(path, "can't be written: \(String(cString: strerror(errno)))", remedy: remedy)
  }

  private static func reason(_ error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    return (underlying ?? error as NSError).localizedDescription
  }
}

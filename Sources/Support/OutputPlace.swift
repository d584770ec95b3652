import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What an output's path leads to, which decides how it is written.
enum OutputPlace {
  /// A file that the process has open, such as `/dev/stdout`, which may be an ordinary file: it gets what is written
  /// after what it has.
  case open(descriptor: Int32)
  /// A pipe or a device, which can't be replaced.
  case special
  /// An ordinary file, behind whatever links lead to it, and its mode; or none yet.
  case file(path: String, status: stat?)

  /// Looks at a path.
  ///
  /// - Throws: `FileError`, inaccessible, where it is a folder or may not be written.
  init(_ path: String) throws(FileError) {
    if let descriptor = Self.descriptor(of: path) {
      guard fcntl(descriptor, F_GETFL) & O_ACCMODE != O_RDONLY else {
        errno = EBADF
        throw Files.writeFailure(path)
      }
      self = .open(descriptor: descriptor)
      return
    }
    var status = stat()
    guard stat(path, &status) == 0 else {
      guard errno == ENOENT else { throw Files.writeFailure(path) }
      self = .file(path: Self.target(of: path), status: nil)
      return
    }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      errno = EISDIR
      throw Files.writeFailure(path)
    }
    guard access(path, W_OK) == 0 else { throw Files.writeFailure(path) }
    self = status.st_mode & S_IFMT == S_IFREG ? .file(path: Files.resolved(path), status: status) : .special
  }

  /// The number of an open file that a path stands for.
  private static func descriptor(of path: String) -> Int32? {
    if let known = ["/dev/stdout": STDOUT_FILENO, "/dev/stderr": STDERR_FILENO][path] { return known }
    let folder = ["/dev/fd/", "/proc/self/fd/"].first(where: path.hasPrefix)
    return folder.flatMap { Int32(path.dropFirst($0.count)) }
  }

  /// Where links lead to whose file isn't there yet.
  private static func target(of path: String) -> String {
    var target = path
    for _ in 0..<8 {
      guard let next = try? FileManager.default.destinationOfSymbolicLink(atPath: target) else { break }
      target = next.hasPrefix("/") ? next : Files.folder(of: target) + "/" + next
    }
    return target
  }
}

/// A new file in the folder of the one that it replaces, made exclusively: it follows no link and takes no other's
/// place.
struct TemporaryFile {
  let path: String
  let descriptor: Int32

  /// Makes one, with the owner and mode of the file that it will replace.
  ///
  /// - Returns: nil where that can't be done, and `errno` says why.
  init?(beside destination: String, like status: stat?) {
    var (name, descriptor) = ("", Int32(-1))
    repeat {
      let number = Numbers.hexadecimal(UInt64.random(in: 0 ... .max))
      name = Files.folder(of: destination) + "/.quantinfer-\(number).tmp"
      descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    } while descriptor < 0 && errno == EEXIST
    guard descriptor >= 0 else { return nil }
    (path, self.descriptor) = (name, descriptor)
    if let status {
      // Only a privileged process can give a file away; the mode counts for all.
      _ = fchown(descriptor, status.st_uid, status.st_gid)
      fchmod(descriptor, status.st_mode & 0o7777)
    }
  }

  /// Writes all bytes, flushes them to the disk, and closes the file; returns whether that was done.
  func write(_ data: Data) -> Bool {
    let isWritten = Files.writeAll(data, to: descriptor) && fsync(descriptor) == 0
    let reason = errno
    let isClosed = close(descriptor) == 0
    if !isWritten { errno = reason }
    return isWritten && isClosed
  }

  /// Removes it, keeping `errno`.
  func remove() {
    let reason = errno
    unlink(path)
    errno = reason
  }
}

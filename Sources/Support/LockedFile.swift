import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// An ordinary file that is open for this process alone.
final class LockedFile {
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
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
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
    var status = stat()
    guard fstat(descriptor, &status) == 0, let new = TemporaryFile(beside: destination, like: status) else {
      return
    }
    // Locked before it has the name, so that no other run can take it.
    guard flock(new.descriptor, LOCK_EX | LOCK_NB) == 0, Files.writeAll(data, to: new.descriptor),
      fsync(new.descriptor) == 0, rename(new.path, destination) == 0
    else {
      new.remove()
      close(new.descriptor)
      return
    }
    close(descriptor)
    (descriptor, byteCount) = (new.descriptor, data.count)
  }
}

import Foundation
import Support
import Testing

@Suite final class FilesTests {
  private let folder = FileManager.default.temporaryDirectory.path + "/quantinfer-\(UUID().uuidString)"

  init() throws { try Files.makeFolder(folder) }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder) }

  @Test func replacesAFileAndLeavesNothingElse() throws {
    try Files.write("old", to: folder + "/a.txt")
    try Files.write("new", to: folder + "/a.txt")
    #expect(try Files.read(folder + "/a.txt") == Data("new".utf8))
    #expect(try names() == ["a.txt"])
  }

  @Test func fileKeepsItsMode() throws {
    let path = folder + "/a.txt"
    try Files.write("old", to: path)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    try Files.write("new", to: path)
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o640)
  }

  @Test func linkToNoFileYetIsFollowed() throws {
    try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "real")
    try Files.write("new", to: folder + "/link")
    #expect(try Files.read(folder + "/real") == Data("new".utf8))
    #expect(try names().sorted() == ["link", "real"])
  }

  @Test func foldersOfPathsAreFound() {
    let paths = ["a": ".", "a.txt": ".", "/a": "/", "b/a": "b", "/b/c/a": "/b/c", "b/": "b", "": "."]
    for (path, folder) in paths { #expect(Files.folder(of: path) == folder) }
  }

  @Test func openFileIsWrittenBehindWhatItHas() throws {
    let path = folder + "/a.txt"
    try Files.write("before ", to: path)
    let handle = try #require(FileHandle(forUpdatingAtPath: path))
    try handle.seekToEnd()
    try Files.write("after", to: "/dev/fd/\(handle.fileDescriptor)")
    try handle.close()
    #expect(try Files.read(path) == Data("before after".utf8))
  }

  @Test func pipeIsWrittenAndNotRead() throws {
    let path = folder + "/pipe"
    #expect(mkfifo(path, 0o600) == 0)
    let error = #expect(throws: FileError.self) { try Files.read(path) }
    #expect(
      error?.description
        == "\(path): is a pipe or a device, not an ordinary file; save its content in a file and name that")
    let descriptor = open(path, O_RDWR)
    defer { close(descriptor) }
    try Files.write("through", to: path)
    var buffer = [UInt8](repeating: 0, count: 16)
    #expect(read(descriptor, &buffer, 16) == 7)
    #expect(try names() == ["pipe"])
  }

  @Test func lookingWhetherAFileCanBeWrittenLeavesNothing() throws {
    try Files.write("kept", to: folder + "/a.txt")
    try Files.requireWritable(folder + "/a.txt")
    try Files.requireWritable(folder + "/new.txt")
    #expect(try Files.read(folder + "/a.txt") == Data("kept".utf8) && names() == ["a.txt"])
    let missing = #expect(throws: FileError.self) { try Files.requireWritable(self.folder + "/none/a.txt") }
    #expect(missing?.remedy == "make its folder first or choose another")
    let folderError = #expect(throws: FileError.self) { try Files.requireWritable(self.folder) }
    #expect(folderError?.remedy == "name a file in it")
  }

  @Test func folderSurvivesBeingWrittenTo() throws {
    try Files.makeFolder(folder + "/b")
    let error = #expect(throws: FileError.self) { try Files.write("x", to: self.folder + "/b") }
    #expect(error?.kind == .inaccessible)
    #expect(try names() == ["b"])
  }

  @Test func linkIsFollowed() throws {
    try Files.write("old", to: folder + "/real.txt")
    try FileManager.default.createSymbolicLink(
      atPath: folder + "/link.txt", withDestinationPath: folder + "/real.txt")
    try Files.write("new", to: folder + "/link.txt")
    #expect(try Files.read(folder + "/real.txt") == Data("new".utf8))
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/link.txt").hasSuffix("real.txt"))
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "needs /dev/full"))
  func fullDiskIsInaccessible() {
    let error = #expect(throws: FileError.self) { try Files.write("x", to: "/dev/full") }
    #expect(
      error?.description
        == "/dev/full: can't be written: No space left on device; free some space or choose another disk")
  }

  @Test func missingFolderIsInaccessible() {
    let error = #expect(throws: FileError.self) { try Files.write("x", to: self.folder + "/none/a.txt") }
    #expect(error?.kind == .inaccessible)
    #expect(error?.remedy == "make its folder first or choose another")
  }

  @Test func fileInAFoldersPlaceIsInaccessible() throws {
    try Files.write("x", to: folder + "/file")
    let written = #expect(throws: FileError.self) { try Files.write("x", to: self.folder + "/file/a.txt") }
    let made = #expect(throws: FileError.self) { try Files.makeFolder(self.folder + "/file/b") }
    #expect(written?.kind == .inaccessible && made?.kind == .inaccessible)
  }

  @Test func readingTellsMissingFromInaccessible() {
    let missing = #expect(throws: FileError.self) { try Files.read(self.folder + "/none") }
    let folder = #expect(throws: FileError.self) { try Files.read(self.folder) }
    #expect(missing?.kind == .missing && folder?.kind == .inaccessible)
  }
}

@Suite struct FileErrorTests {
  @Test func descriptionFollowsTheContract() {
    let error = FileError.malformed("100.hea", at: "line 2", "the gain is 0", remedy: "write a gain")
    #expect(error.description == "100.hea:line 2: the gain is 0; write a gain")
    #expect(FileError.missing("100.dat").description == "100.dat: no such file; check the path")
  }

  @Test func descriptionStaysOnOneLine() {
    let error = FileError.inaccessible("a\nb", "c\r\nd", remedy: "e\u{2028}f")
    #expect(error.description == "a b: c d; e f")
  }

  @Test func descriptionSteersNoTerminal() {
    let error = FileError.malformed("a\u{1B}[2J", "b\u{7}c", remedy: "d")
    #expect(error.description == "a [2J: b c; d")
    #expect(FileError.missing("").description == "'': no such file; check the path")
  }
}

import ECG
import Support
import Testing
import TestSupport

@Suite struct RecordSelectionTests {
  @Test func aSelectionIsReadAsItIsWritten() {
    for word in ["training", "validation", "test", "ds1", "ds2", "all", "100", "a/b,c", "/x/y"] {
      #expect(RecordSelection(word)?.description == word)
    }
    for wrong in ["", ",", "a,", "a,,b"] { #expect(RecordSelection(wrong) == nil, "\(wrong)") }
    #expect(["training", "validation", "test"].allSatisfy { RecordSelection($0)?.isPartOfSplit == true })
    #expect(RecordSelection("all")?.needsFolder == true && RecordSelection("x")?.needsFolder == false)
  }

  @Test func aPathThatIsNoRecordIsAFolderOfThem() throws {
    let folder = try TemporaryFolder()
    for name in ["sub", "r"] { try Files.makeFolder(folder(name)) }
    for name in ["sub/b", "sub/a", "r", "r/x"] {
      try folder.put(name + ".hea", "\(name.suffix(1)) 0 250 10\n")
    }
    #expect(try RecordSelection("sub")?.names(in: folder.path) == ["sub/a", "sub/b"])
    #expect(try RecordSelection("sub/b,sub")?.names(in: folder.path) == ["sub/b", "sub/a"])
    #expect(try RecordSelection(".")?.names(in: folder.path) == ["r", "r/x", "sub/a", "sub/b"])
    // A record comes before a folder of its name.
    #expect(try RecordSelection("r")?.names(in: folder.path) == ["r"])
    #expect(try RecordSelection("r/")?.names(in: folder.path) == ["r/x"])
    #expect(try RecordSelection("ds1")?.names(in: folder.path)?.count == 22)
    #expect(try RecordSelection("test")?.names(in: folder.path) == nil)
  }

  @Test func aPathThatIsThereTwiceIsNamed() throws {
    let error = failure { _ = try RecordSelection("100,101,100")?.names(in: "nowhere") }
    #expect(error?.description == "--records: has 100 twice; name it once")
  }
}

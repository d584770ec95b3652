import Foundation
import FuzzLoaders
import Support
import Testing
import TestSupport

/// Replays what `make fuzz` found worth keeping: files that between them reach all that was reached of a loader's code.
@Suite struct CorpusTests {
  /// The time of this thread alone, whatever else the machine does.
  private static var threadSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  // claim: fuzz-corpus
  @Test(arguments: Loader.allCases) func everyFileOfTheCorpusIsLoadedOrRefusedInASecond(loader: Loader) throws
  {
    let folder = ProjectFiles.path("Tests/Fuzz/Corpus/\(loader.rawValue)")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(!files.isEmpty)
    for file in files {
      let bytes = Array(try Files.read("\(folder)/\(file)"))
      let start = Self.threadSeconds
      loader.load(bytes)
      #expect(Self.threadSeconds - start < 1, "\(loader) \(file)")
    }
  }

  @Test func theDeviceThatPatchesAndStatesAreForIsThere() throws {
    let device = try #require(FuzzDevice.shared)
    #expect(!device.saved().isEmpty)
  }
}

import ECG
import Foundation
import Support
import Testing

/// The real databases, where the developer has them beside the package.
enum Databases {
  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "shared/data").path

  static func path(_ database: String) -> String { folder + "/" + database }

  static func has(_ database: String) -> Bool { FileManager.default.fileExists(atPath: path(database)) }
}

/// Outside truth: PhysioNet's published counts, and the checksums in the databases' own headers.
@Suite struct DatabaseTests {
  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func rereadAnnotationsAreTheSameBytes() throws {
    for record in MITBIH.all {
      let path = Annotations.path(ofRecord: Databases.path("mitdb/\(record)"), annotator: "atr")
      let bytes = try Files.read(path)
      let annotations = try Annotations(parsing: bytes, file: path)
      #expect(try annotations.encoded(file: path) == bytes, "\(record)")
    }
  }

  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func mitBIHHasItsPublishedBeats() throws {
    var beats: [String: Int] = [:]
    for record in MITBIH.all {
      for beat in try Annotations.read(Databases.path("mitdb/\(record)")).beats {
        beats[beat.code.mnemonic, default: 0] += 1
      }
    }
    #expect(beats["N"] == 75_052)
    #expect(beats["L"] == 8_075)
    #expect(beats["R"] == 7_259)
    #expect(beats["V"] == 7_130)
    #expect(beats["/"] == 7_028)
    #expect(beats["f"] == 982)
    #expect(beats["A"] == 2_546)
    #expect(beats.values.reduce(0, +) == 109_494)
  }
}

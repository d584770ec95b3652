import ArgumentParser
import Foundation
import Support

/// Where beats that were found or decided about are written: the same in every command.
package struct AnnotationOptions: ParsableArguments {
  private static let standardAnnotator = "qinf"

  @Option(
    name: .customLong("annotations"),
    help: ArgumentHelp(
      "A folder for the beats found, as annotation files that bxb or wfdb can score.", valueName: "dir"))
  package var folder: String?
  /// The annotation files' suffix.
  @Option(help: ArgumentHelp("The annotation files' suffix; a float twin's has f added.", valueName: "name"))
  package var annotator = Self.standardAnnotator

  /// Creates the options, for ArgumentParser to fill in.
  package init() {}

  /// Whether no option was given.
  package var isStandard: Bool { folder == nil && annotator == Self.standardAnnotator }

  /// Refuses suffixes that no annotation file has, or those of a database's own files, and a folder that takes none.
  ///
  /// - Throws: `ValidationError`; `FileError`, inaccessible.
  package func validate() throws {
    let isName = annotator.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    guard isName, (1...20).contains(annotator.count), annotator.first?.isLetter == true else {
      throw ValidationError("--annotator must be 1 to 20 letters and digits, a letter first")
    }
    guard !["atr", "dat", "hea"].contains(annotator.lowercased()) else {
      throw ValidationError("--annotator \(annotator) is the suffix of a database's own files")
    }
    guard folder != nil || annotator == Self.standardAnnotator else {
      throw ValidationError("--annotator needs --annotations, the folder that it is for")
    }
    if let folder {
      try Files.requireWritableFolder(folder)
      try requireNoModels(in: folder)
    }
  }

  /// A model's image may have the suffix that annotations have without `--annotator`.
  private func requireNoModels(in folder: String) throws {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names.sorted() where (name as NSString).pathExtension == annotator {
      let path = (folder as NSString).appendingPathComponent(name)
      let start = (try? FileHandle(forReadingAtPath: path)?.read(upToCount: 4)) ?? Data()
      guard start != Data("QINF".utf8) else {
        throw ValidationError(
          "\(path) is a model, which annotations of the suffix \(annotator) could replace; "
            + "choose another folder or --annotator")
      }
    }
  }

  /// Makes the folder before the work; nil where none is asked for.
  ///
  /// - Throws: `FileError`, inaccessible, where it can't be made or written to.
  package func makeFolder() throws(FileError) -> String? {
    guard let folder else { return nil }
    try Files.makeFolder(folder)
    try Files.requireWritable((folder as NSString).appendingPathComponent("any." + annotator))
    return folder
  }
}

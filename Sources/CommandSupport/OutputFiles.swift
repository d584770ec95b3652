import ArgumentParser
import Foundation
import Support

/// Refuses outputs that would replace one of the inputs or each other, or can't be written: before the work.
///
/// - Parameters:
///   - outputs: The files to be written; nil and `-` are none.
///   - folders: The folders to be filled, which are made where they are missing; nil is none.
///   - inputs: The files to be read, a record by its name without ending.
/// - Throws: `ValidationError`, naming the file; `FileError`, inaccessible, where it can't be written.
package func requireDistinct(
  outputs: [String?], folders: [String?] = [], inputs: [String?]
) throws {
  func places(_ file: String) -> String {
    URL(fileURLWithPath: file).resolvingSymlinksInPath().standardizedFileURL.path
  }
  let read = inputs.compactMap(\.self).flatMap { [$0, $0 + ".hea", $0 + ".dat", $0 + ".atr"] }
  var taken = Set(read.map(places))
  for output in outputs.compactMap(\.self) where output != "-" && !output.hasPrefix("/dev/") {
    guard taken.insert(places(output)).inserted else {
      throw ValidationError("\(output) would replace a file that the command reads or writes; name another")
    }
  }
  for output in outputs.compactMap(\.self) where output != "-" { try Files.requireWritable(output) }
  for folder in folders.compactMap(\.self) { try Files.requireWritableFolder(folder) }
}

/// What a command writes for people and programs.
package enum OutputKind {
  case json, markdown

  /// The kind in words.
  fileprivate var words: String { self == .json ? "JSON" : "Markdown" }

  /// Whether a file that begins so may be one of this kind.
  fileprivate func mayBegin(_ bytes: [UInt8]) -> Bool {
    switch self {
    case .json:
      let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
      return first == nil || first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    case .markdown: return !bytes.contains(0) && !bytes.contains(0xFF)
    }
  }
}

/// Refuses an output in the place of a file of another kind, such as a record or a model: nobody means to lose that.
///
/// - Parameters:
///   - output: The file to be written.
///   - kind: What it will hold.
/// - Throws: `ValidationError`, naming the file.
package func requireReplaceable(_ output: String, by kind: OutputKind) throws {
  // A pipe or a device holds nothing, and to open it could wait for ever.
  let status = try? FileManager.default.attributesOfItem(atPath: output)
  let target = URL(fileURLWithPath: output).resolvingSymlinksInPath().path
  let type = (try? FileManager.default.attributesOfItem(atPath: target))?[.type] as? FileAttributeType
  guard status != nil, type == .typeRegular, let file = FileHandle(forReadingAtPath: target) else { return }
  let bytes = [UInt8]((try? file.read(upToCount: 512)) ?? Data())
  let isHeader = (output as NSString).pathExtension == "hea"
  guard bytes.isEmpty || kind.mayBegin(bytes) && !isHeader else {
    throw ValidationError(
      "\(output) is there and holds no \(kind.words), so it is not replaced; name another file, or remove it")
  }
}

/// C source that carries a model image, and samples to try it on, as constant arrays.
///
/// The image's array is aligned to 16 bytes and lies in a section of its own, so that a linker script can place it.
package struct CSource: Sendable {
  /// The arrays' common name: `NAME`, `NAME_samples` and so on.
  package let name: String
  /// The source.
  package let text: String

  /// Writes the source.
  ///
  /// - Parameters:
  ///   - image: The model image.
  ///   - name: A C identifier.
  ///   - section: The image's section; nil for the compiler's choice.
  ///   - comment: What the header says beside the arrays' names, a line each.
  ///   - memory: The bytes of state and scratch in a streaming run; nil where the network can't stream.
  ///   - samples: Counts of the converter; nil for none.
  ///   - monitor: The figures of the monitor that `device-sim stream` runs, with their names; nil for none.
  package init(
    image: [UInt8], name: String, section: String?, comment: [String],
    memory: (stateByteCount: Int, scratchByteCount: Int)?, samples: [Int16]?,
    monitor: [(name: String, value: Int32)]? = nil
  ) {
    self.name = name
    var declarations = [
      "extern const uint8_t \(name)[\(image.count)];", "extern const size_t \(name)_byte_count;",
    ]
    if let samples {
      declarations += [
        "extern const int16_t \(name)_samples[\(samples.count)];",
        "extern const size_t \(name)_sample_count;",
      ]
    }
    if let monitor { declarations.append("extern const int32_t \(name)_monitor[\(monitor.count)];") }
    var header = declarations
    if let memory {
      header.append(
        "#define \(name)_pipeline_byte_count "
          + "QUANTINFER_PIPELINE_MEMORY(\(memory.stateByteCount), \(memory.scratchByteCount))"
      )
    }
    var lines = comment + ["", "For a header:"] + header.map { "  " + $0 }
    lines = lines.map { $0.isEmpty ? "//" : "// \($0)" }
    lines += ["#include <stddef.h>", "#include <stdint.h>", ""] + declarations + [""]
    let attributes = "aligned(16)" + (section.map { ", section(\"\($0)\")" } ?? "")
    lines += ["__attribute__((\(attributes))) const uint8_t \(name)[\(image.count)] = {"]
    lines += Self.rows(image.map { "0x" + Self.hexadecimal($0) }, perRow: 16) + ["};"]
    lines += ["const size_t \(name)_byte_count = sizeof \(name);"]
    if let samples {
      lines += ["", "const int16_t \(name)_samples[\(samples.count)] = {"]
      lines += Self.rows(samples.map(String.init), perRow: 16) + ["};"]
      lines += ["const size_t \(name)_sample_count = sizeof \(name)_samples / sizeof \(name)_samples[0];"]
    }
    if let monitor {
      lines += ["", "// The monitor of device-sim stream; a rhythm class of -1 is none."]
      lines.append("const int32_t \(name)_monitor[\(monitor.count)] = {")
      lines += monitor.map { "  \($0.value),  // \($0.name)" } + ["};"]
    }
    text = lines.joined(separator: "\n") + "\n"
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }

  private static func rows(_ items: [String], perRow: Int) -> [String] {
    stride(from: 0, to: items.count, by: perRow).map { first in
      "  " + items[first..<min(first + perRow, items.count)].joined(separator: ", ") + ","
    }
  }

  /// Whether a text is a C identifier, with or without a leading underscore.
  package static func isIdentifier(_ text: String) -> Bool {
    let letters = text.utf8.map { ($0 | 0x20) >= 97 && ($0 | 0x20) <= 122 || $0 == 95 }
    let digits = text.utf8.map { $0 >= 48 && $0 <= 57 }
    return letters.first == true && !zip(letters, digits).contains { !$0 && !$1 } && text.utf8.count <= 63
  }

  /// The identifier nearest to a file's name: `models/ecg-beats.qinf` gives `ecg_beats`.
  package static func identifier(forFile file: String) -> String {
    let base = file.split(separator: "/").last.map(String.init) ?? ""
    let stem = base.split(separator: ".", omittingEmptySubsequences: false).first.map(String.init) ?? ""
    let cleaned = String(
      decoding: stem.utf8.prefix(63).map { byte -> UInt8 in
        let isLetter = (byte | 0x20) >= 97 && (byte | 0x20) <= 122
        return isLetter || (byte >= 48 && byte <= 57) ? byte : 95
      }, as: UTF8.self)
    return isIdentifier(cleaned) ? cleaned : "model"
  }
}

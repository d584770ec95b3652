/// C source and header that carry a model image, and what a firmware needs to know of it.
///
/// The image's array is aligned to 16 bytes and lies in a section of its own, so that a linker script can place it.
package struct CSource: Sendable {
  /// The source's text.
  package let text: String
  /// The header's text: declarations, sizes, the monitor's options.
  package let header: String

  /// Writes both.
  ///
  /// - Parameter content: What they carry.
  package init(_ content: CContent) {
    let arrays = content.arrays
    let comment = content.comment.map { $0.isEmpty ? "//" : "// \($0)" }
    text = Self.lines(
      comment + ["#include <stddef.h>", "#include <stdint.h>", ""] + arrays.map(\.declaration) + [""]
        + Array(arrays.map(\.definition).joined(separator: [""])))
    header = Self.lines(
      comment
        + [
          "#pragma once", "#include <stddef.h>", "#include <stdint.h>", "#include \"quantinfer.h\"", "",
          "#ifdef __cplusplus", "extern \"C\" {", "#endif", "",
        ] + arrays.map(\.declaration) + [""] + content.macros + content.setOptions
        + ["", "#ifdef __cplusplus", "}", "#endif"])
  }

  private static func lines(_ lines: [String]) -> String { lines.joined(separator: "\n") + "\n" }

  /// The keywords of C23 and C++23 that an identifier of letters could be.
  private static let keywords = Set(
    """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class co_await \
    co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do \
    double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace \
    new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires restrict \
    return short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try \
    typedef typeid typename typeof typeof_unqual union unsigned using virtual void volatile wchar_t while xor xor_eq
    """.split(separator: " ").map(String.init))

  /// Whether a text is an identifier in C and in C++, with or without a leading underscore.
  package static func isIdentifier(_ text: String) -> Bool {
    guard !keywords.contains(text) else { return false }
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

/// What a C source carries: an image, its names, its needs, and what to expect of it.
package struct CContent: Sendable {
  /// The memory of one way to run the image, in bytes.
  package struct Memory: Sendable {
    /// The macro of quantinfer.h that adds the record: `QUANTINFER_MONITOR_MEMORY`.
    package var macro: String
    /// The state, or the arena.
    package var stateByteCount: Int
    /// The scratch.
    package var scratchByteCount: Int

    /// Creates one.
    package init(macro: String, stateByteCount: Int, scratchByteCount: Int) {
      (self.macro, self.stateByteCount, self.scratchByteCount) = (macro, stateByteCount, scratchByteCount)
    }
  }

  /// The arrays' common name: `NAME`, `NAME_samples` and so on.
  package var name: String
  /// The model image.
  package var image: [UInt8]
  /// The image's section; nil for the compiler's choice.
  package var section: String?
  /// What the files say at their beginning, a line each.
  package var comment: [String] = []
  /// The classes' names.
  package var classNames: [String] = []
  /// The memory by the names of what runs: `pipeline`, `monitor`, `run`.
  package var memory: [(name: String, memory: Memory)] = []
  /// Further numbers for the header by the rest of their names: `saved_byte_count`.
  package var numbers: [(name: String, value: Int)] = []
  /// A patch, and its sequence number; nil for none.
  package var patch: (bytes: [UInt8], sequenceNumber: UInt32)?
  /// Counts of the converter, frame by frame a sample of each lead; nil for none.
  package var samples: [Int16]?
  /// The number of leads.
  package var leadCount = 1
  /// The figures of the monitor that `device-sim stream` runs, with their names; nil for none.
  package var figures: [(name: String, value: Int32)]?
  /// The monitor's options by the fields of `quantinfer_options`, in its order; nil where there is no monitor.
  package var options: [(field: String, value: Int32)]?
  /// The decisions that a monitor with these options makes of the samples, a row each; see `decisionFields`.
  package var decisions: [[Int32]]?
  /// The bytes of all outputs for windows of noise, a row each.
  package var outputs: [[UInt8]]?

  /// Creates content of an image alone.
  package init(name: String, image: [UInt8]) { (self.name, self.image) = (name, image) }

  /// The fields of a decision before its logits, as `quantinfer_decision` names them; a beat's number is -1 where the
  /// clock struck.
  package static let decisionFields = [
    "sample_number", "beat_sample_number", "announcement", "class_index", "margin_codes", "reason",
    "has_logits",
  ]
}

extension CContent {
  /// An array or a number in C.
  struct Variable {
    var declaration: String
    var definition: [String]
  }

  /// All that the source defines.
  var arrays: [Variable] {
    let attributes = "__attribute__((aligned(16)" + (section.map { ", section(\"\($0)\")" } ?? "") + ")) "
    var arrays = [
      array("", "uint8_t", image.map { "0x" + Self.hexadecimal($0) }, attributes: attributes),
      count("_byte_count", of: ""),
    ]
    if !classNames.isEmpty {
      arrays.append(array("_class_names", "char *const", classNames.map(Self.literal), perRow: 1))
    }
    if let patch {
      arrays.append(array("_patch", "uint8_t", patch.bytes.map { "0x" + Self.hexadecimal($0) }))
      arrays.append(count("_patch_byte_count", of: "_patch"))
    }
    if let samples {
      arrays.append(array("_samples", "int16_t", samples.map(String.init)))
      arrays.append(count("_sample_count", of: "_samples", elements: true))
    }
    if let figures {
      var figuresArray = array("_monitor", "int32_t", figures.map { "\($0.value)" }, perRow: 1)
      // The name behind each.
      for (index, figure) in figures.enumerated() {
        figuresArray.definition[1 + index] += "  // \(figure.name)"
      }
      figuresArray.definition.insert(
        "// The monitor of device-sim stream; a rhythm class of -1 is none.", at: 0)
      arrays.append(figuresArray)
    }
    if let decisions {
      arrays.append(rows("_decisions", "int32_t", decisions.map { $0.map(String.init) }))
      arrays.append(count("_decision_count", of: "_decisions", elements: true))
    }
    if let outputs {
      arrays.append(rows("_outputs", "uint8_t", outputs.map { $0.map(String.init) }))
      arrays.append(count("_output_count", of: "_outputs", elements: true))
    }
    return arrays
  }

  private func array(
    _ suffix: String, _ type: String, _ items: [String], attributes: String = "", perRow: Int = 16
  ) -> Variable {
    let declaration = "const \(type) \(name)\(suffix)[\(items.count)]"
    let rows = stride(from: 0, to: items.count, by: perRow).map { first in
      "  " + items[first..<min(first + perRow, items.count)].joined(separator: ", ") + ","
    }
    return Variable(
      declaration: "extern \(declaration);", definition: ["\(attributes)\(declaration) = {"] + rows + ["};"])
  }

  private func rows(_ suffix: String, _ type: String, _ items: [[String]]) -> Variable {
    // C has no empty arrays.
    let width = max(1, items.first?.count ?? 1)
    let declaration = "const \(type) \(name)\(suffix)[\(max(1, items.count))][\(width)]"
    return Variable(
      declaration: "extern \(declaration);",
      definition: ["\(declaration) = {"]
        + (items.isEmpty ? ["  {0},"] : items.map { "  {" + $0.joined(separator: ", ") + "}," }) + ["};"])
  }

  private func count(_ suffix: String, of array: String, elements: Bool = false) -> Variable {
    let whole = "sizeof \(name)\(array)"
    return Variable(
      declaration: "extern const size_t \(name)\(suffix);",
      definition: [
        "const size_t \(name)\(suffix) = \(whole)" + (elements ? " / sizeof \(name)\(array)[0];" : ";")
      ])
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }

  /// A text in C's quotes, with all but ASCII's letters, digits and spaces as octal numbers.
  private static func literal(_ text: String) -> String {
    let characters = text.utf8.map { byte -> String in
      let isPlain = byte == 0x20 || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF)
      let octal = String(byte, radix: 8)
      return isPlain
        ? String(UnicodeScalar(byte)) : "\\" + String(repeating: "0", count: 3 - octal.count) + octal
    }
    return "\"" + characters.joined() + "\""
  }

  /// The header's numbers.
  var macros: [String] {
    var macros = memory.map { each in
      "#define \(name)_\(each.name)_byte_count "
        + "\(each.memory.macro)(\(each.memory.stateByteCount), \(each.memory.scratchByteCount))"
    }
    if !classNames.isEmpty { macros.append("#define \(name)_class_count \(classNames.count)") }
    if let patch { macros.append("#define \(name)_patch_sequence_number \(patch.sequenceNumber)") }
    return macros + numbers.map { "#define \(name)_\($0.name) \($0.value)" }
  }

  /// The function that sets the monitor's options.
  var setOptions: [String] {
    guard let options else { return [] }
    return [
      "", "// The options that the host's tools run this image with; change them behind.",
      "static inline void \(name)_set_options(quantinfer_options *options) {",
      "  options->byte_count = \(4 * (options.count + 1));",
    ] + options.map { "  options->\($0.field) = \($0.value);" } + ["}"]
  }
}

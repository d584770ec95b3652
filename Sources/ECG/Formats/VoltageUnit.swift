/// Units of voltage in the many ways in which files write them.
package enum VoltageUnit {
  /// Millivolts a unit such as `mV`, `uV`, `mVolt` or `microvolts`, whatever its capitals; nil where it is no voltage.
  ///
  /// The micro sign may be either of Unicode's two, or the mark that stands for a byte which was no text.
  package static func millivolts(per unit: String) -> Double? {
    let text = String(
      unit.lowercased().map { "\u{B5}\u{3BC}\u{FFFD}".contains($0) ? "u" : $0 }.filter {
        !" -_.".contains($0)
      })
    guard let volt = ["volts", "volt", "v"].first(where: text.hasSuffix) else { return nil }
    return ["": 1000, "m": 1, "milli": 1, "u": 1e-3, "micro": 1e-3, "n": 1e-6, "nano": 1e-6, "p": 1e-9][
      String(text.dropLast(volt.count))]
  }
}

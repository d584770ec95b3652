/// This release of QuantInfer.
package enum Release {
  /// The version that the commands tell and that model images and reports name.
  package static let version = "0.1.0"
  /// What the program is not, for the end of every page.
  package static let disclaimer =
    "An engineering evaluation, not a medical device: nothing here is fit for use on patients."

  /// The last line of a page that a version of the program made.
  package static func footer(version: String = version) -> String { "QuantInfer \(version). \(disclaimer)" }
}

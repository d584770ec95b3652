/// This release of QuantInfer.
package enum Release {
  /// The version that the commands tell and that model images and reports name.
  package static let version = "0.1.0"
}

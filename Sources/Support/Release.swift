/// This release of QuantInfer.
public enum Release {
  /// The version that the commands tell and that model images and reports name.
  public static let version = "0.1.0"
}

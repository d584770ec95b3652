import ArgumentParser
import Quantization

extension QuantizationOptions.Granularity: ExpressibleByArgument {}
extension CalibrationMethod: ExpressibleByArgument {}
extension WeightRounding: ExpressibleByArgument {}

/// How a network becomes integers, as arguments; what isn't said is the library's default for the kind of network.
struct QuantizationArguments: ParsableArguments {
  @Option(help: ArgumentHelp("int8 or int4; with commas, one a layer.", valueName: "type,type"))
  var weights: LayerWidths?
  @Option(help: ArgumentHelp("int8 or int16; with commas, one a layer.", valueName: "type,type"))
  var activations: LayerWidths?
  @Option(help: "What shares a weight scale.") var granularity: QuantizationOptions.Granularity?
  @Option(help: "How activations' ranges are chosen.") var calibration: CalibrationMethod?
  @Option(help: "How a weight between two codes is rounded.") var rounding: WeightRounding?
  @Flag(inversion: .prefixedNo, help: "Even out the scales of neighbouring layers' channels first.")
  var equalize: Bool?
  @Flag(inversion: .prefixedNo, help: "Let biases take up the rounded weights' mean error.")
  var correctBiases: Bool?

  /// The options: `usual` ones where nothing is said; stochastic rounding draws from `seed`.
  func values(seed: UInt64, usual: QuantizationOptions = .init()) -> QuantizationOptions {
    var values = usual
    values.granularity = granularity ?? usual.granularity
    values.calibration = calibration ?? usual.calibration
    values.weightBits = weights?.bits ?? usual.weightBits
    values.activationBits = activations?.bits ?? usual.activationBits
    (values.rounding, values.roundingSeed) = (rounding ?? usual.rounding, seed)
    values.equalizesLayers = equalize ?? usual.equalizesLayers
    values.correctsBiases = correctBiases ?? usual.correctsBiases
    return values
  }

  /// The options to choose from for another program's network: one where any setting is said, besides widths.
  func choices(seed: UInt64) -> [QuantizationOptions] {
    let isSaid =
      granularity != nil || calibration != nil || rounding != nil || equalize != nil || correctBiases != nil
    return QuantizationOptions.choicesForOthersNetworks.prefix(isSaid ? 1 : .max)
      .map { values(seed: seed, usual: $0) }
  }

  func validate() throws {
    for (name, widths, allowed) in [("weights", weights, [8, 4]), ("activations", activations, [8, 16])] {
      guard let widths else { continue }
      guard widths.bits.allSatisfy(allowed.contains) else {
        throw ValidationError("--\(name) must be int\(allowed[0]) or int\(allowed[1]), or a list of these")
      }
    }
  }
}

/// Integer types, one for all layers or one a layer, such as `int8` or `int8,int4,int4,int8`.
struct LayerWidths: ExpressibleByArgument, CustomStringConvertible {
  var bits: [Int]

  init(bits: [Int]) { self.bits = bits }

  init?(argument: String) {
    let types = ["int4": 4, "int8": 8, "int16": 16]
    let bits = argument.split(separator: ",", omittingEmptySubsequences: false).map { types[String($0)] }
    guard bits.allSatisfy({ $0 != nil }) else { return nil }
    self.bits = bits.compactMap(\.self)
  }

  var description: String { bits.map { "int\($0)" }.joined(separator: ",") }
}

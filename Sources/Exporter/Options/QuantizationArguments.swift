import ArgumentParser
import Quantization

extension QuantizationOptions.Granularity: ExpressibleByArgument {}
extension CalibrationMethod: ExpressibleByArgument {}
extension WeightRounding: ExpressibleByArgument {}

/// How a network becomes integers, as arguments with the library's defaults: those of a point of `exporter report`.
struct QuantizationArguments: ParsableArguments {
  private static let defaults = QuantizationOptions()

  @Option(help: ArgumentHelp("int8 or int4; with commas, one a layer.", valueName: "type,type"))
  var weights = LayerWidths(bits: defaults.weightBits)
  @Option(help: ArgumentHelp("int8 or int16; with commas, one a layer.", valueName: "type,type"))
  var activations = LayerWidths(bits: defaults.activationBits)
  @Option(help: "What shares a weight scale.") var granularity = defaults.granularity
  @Option(help: "How activations' ranges are chosen.") var calibration = defaults.calibration
  @Option(help: "How a weight between two codes is rounded.") var rounding = defaults.rounding
  @Flag(help: "Even out the scales of neighbouring layers' channels first.") var equalize = false
  @Flag(help: "Let biases take up the rounded weights' mean error.") var correctBiases = false

  /// The options; stochastic rounding draws from `seed`.
  func values(seed: UInt64) -> QuantizationOptions {
    var values = QuantizationOptions(granularity: granularity, calibration: calibration)
    (values.weightBits, values.activationBits) = (weights.bits, activations.bits)
    (values.rounding, values.roundingSeed) = (rounding, seed)
    (values.equalizesLayers, values.correctsBiases) = (equalize, correctBiases)
    return values
  }

  func validate() throws {
    for (name, widths, allowed) in [("weights", weights, [8, 4]), ("activations", activations, [8, 16])] {
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

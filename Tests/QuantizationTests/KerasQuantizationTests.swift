import Evaluation
import Foundation
import HostDevice
import ModelFiles
import Networks
import Quantization
import Support
import Testing
import TestSupport

/// Keras' float networks in our integers, beside TensorFlow Lite's integers of the same networks.
@Suite struct KerasQuantizationTests {
  /// Made-up windows: those of the calibration turned along time, with noise.
  private func windows(_ calibration: NumPyArray, count: Int) throws -> NumPyArray {
    guard case .float32(let values) = calibration.values else { throw InvalidNetwork("not float32") }
    let size = values.count / calibration.shape[0]
    let step = calibration.shape.count > 2 ? calibration.shape[2...].reduce(1, *) : 1
    var random = SeededGenerator(seed: 5)
    let made = (0..<count).flatMap { row -> [Float] in
      let start = row % calibration.shape[0] * size
      let turn = random.nextIndex(below: size / step) * step
      return (0..<size).map { values[start + ($0 + turn) % size] + 0.03 * Float(random.nextGaussian()) }
    }
    return NumPyArray(shape: [count] + calibration.shape.dropFirst(), values: .float32(made))
  }

  private func error(_ a: [Float], _ b: [Float]) -> Float {
    (zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Float(a.count)).squareRoot()
  }

  // claim: quantizer
  /// Our integers are about as far from float as the converter's, both calibrated on the same 30 windows.
  ///
  /// Outputs behind a softmax are 256ths in both, which is most of either's error: where ours is the larger one it is by a
  /// percent, and by 7 % for softplus, whose outputs hardly move.
  @Test(
    .enabled(if: !KerasNetworks.names.isEmpty, "needs ../shared/conformance"), arguments: KerasNetworks.names)
  func ourIntegersAreAsNearToFloatAsTensorFlowLites(name: String) throws {
    let folder = try TemporaryFolder()
    let file = "\(KerasNetworks.folder)/\(name).float.tflite"
    let network = try FloatNetwork(reading: file)
    let archive = try NumPyArchive("\(KerasNetworks.folder)/\(name).npz")
    var (calibration, made): ([String], [NumPyArray]) = ([], [])
    for input in network.inputs.indices {
      let array = try #require(archive.arrays["calibration\(input)"])
      calibration.append(try folder.put("c\(input).npy", array.encoded()))
      made.append(try windows(array, count: 500))
    }
    let image = try FloatNetworkImage(
      quantizing: file, samples: .init(files: calibration, count: 30),
      choices: QuantizationOptions.choicesForOthersNetworks
    ).image
    func run(_ model: LoadedModel, _ inputs: [NumPyArray]) throws -> NumPyArray {
      try SampleRun.run(model, inputs: inputs.map { ("windows", $0) }).outputs[0]
    }
    guard case .float32(let ours) = try run(LoadedModel(image: image.bytes), made).values,
      case .float32(let float) = try SampleRun.run(network, file: file, inputs: made.map { ("windows", $0) })
        .outputs[0].values
    else { throw InvalidNetwork("the border is float") }
    // Some of the converter's integers are of operators that have none here.
    guard let theirs = try? LoadedModel.read("\(KerasNetworks.folder)/\(name).int8.tflite") else {
      print("\(name): \(error(ours, float)), the converter's aren't imported")
      return
    }
    let codes = made.enumerated().map { index, array in
      let tensor = theirs.model.tensor(theirs.model.inputPort(index).tensorIndex)
      guard case .float32(let values) = array.values else { return array }
      return NumPyArray(shape: array.shape, values: .int8(values.map { Int8(tensor.code(of: $0)) }))
    }
    guard case .int8(let outputs) = try run(theirs, codes).values else {
      throw InvalidNetwork("its outputs are codes")
    }
    let reals = outputs.map { theirs.model.output.real(of: Int16($0)) }
    print("\(name): \(error(ours, float)), the converter's \(error(reals, float))")
    #expect(error(ours, float) <= (name == "act_softplus" ? 1.07 : 1.015) * error(reals, float))
  }
}

import Foundation
import ModelFiles
import Networks
import Support
import Testing
import TestSupport

/// Keras' float `.tflite` networks, against the outputs of TensorFlow Lite's reference kernels.
@Suite struct KerasFloatTests {
  // claim: float-networks
  @Test(
    .enabled(if: !KerasNetworks.names.isEmpty, "needs ../shared/conformance"), arguments: KerasNetworks.names)
  func kerasNetworksGiveTensorFlowLitesOutputs(name: String) throws {
    let network = try FloatNetwork(reading: "\(KerasNetworks.folder)/\(name).float.tflite")
    let archive = try NumPyArchive("\(KerasNetworks.folder)/\(name).npz")
    let inputs = try network.inputs.indices.map { try #require(archive["float_input\($0)"]) }
    let expected = try #require(archive["float_output0"])
    let execution = try FloatExecution(network.graph)
    let count = network.outputs[0].count
    let windows = network.windows(inputs)
    #expect(windows.count * count == expected.count)
    var (difference, greatest): (Float, Float) = (0, 0)
    for (row, window) in windows.enumerated() {
      let ours = network.source(execution.logits(ofWindow: window)[..<count], output: 0)
      for (a, b) in zip(ours, expected[(row * count)...]) {
        difference = max(difference, abs(a - b))
        greatest = max(greatest, abs(b))
      }
    }
    #expect(difference < 1e-5 * greatest, "\(difference / greatest)")
  }

  /// ELU, average pools of EEGNet and repeated steps of a U-Net, whose outputs nobody has given: they run.
  @Test(
    .enabled(if: !KerasNetworks.names.isEmpty, "needs ../shared/conformance"),
    arguments: ["act_elu", "eegnet", "unet1d_upsample"])
  func otherKerasNetworksRun(name: String) throws {
    let network = try FloatNetwork(reading: "\(KerasNetworks.folder)/\(name).float.tflite")
    let window = (0..<network.graph.windowCount).map { Float(sin(0.1 * Double($0))) }
    let outputs = try FloatExecution(network.graph).logits(ofWindow: window)
    // All of them end in a softmax.
    let classes = network.outputs[0].shape.last ?? 1
    for start in stride(from: 0, to: outputs.count, by: classes) {
      #expect(abs(outputs[start..<start + classes].reduce(0, +) - 1) < 1e-5)
    }
  }

  /// The project's own: weights in float32, float16, and int8, which TensorFlow Lite multiplies by activations in int8.
  @Test(arguments: [("beats", 1e-5), ("beats_float16", 1e-5), ("beats_dynamic", 0.02)] as [(String, Float)])
  func weightsOfAnyWidthGiveTensorFlowLitesOutputs(name: String, part: Float) throws {
    let folder = ProjectFiles.path("Tests/Oracle/beats") + "/"
    let network = try FloatNetwork(reading: folder + name + ".tflite")
    guard case .float32(let windows) = try NumPyArray.read(folder + "x.npy").values,
      case .float32(let expected) = try NumPyArray.read(folder + name + ".tflite.logits.npy").values
    else { throw InvalidNetwork("the arrays are float32") }
    let execution = try FloatExecution(network.graph)
    let ours = network.windows([windows]).flatMap { execution.logits(ofWindow: $0) }
    #expect(ours.count == expected.count)
    let greatest = expected.map(abs).max() ?? 0
    for (a, b) in zip(ours, expected) { #expect(abs(a - b) < part * greatest) }
  }
}

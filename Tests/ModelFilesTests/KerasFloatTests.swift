import Foundation
import ModelFiles
import Networks
import Support
import Testing
import TestSupport

/// Keras' float `.tflite` networks, against the outputs of TensorFlow Lite's reference kernels.
@Suite struct KerasFloatTests {
  private static let folder = ProjectFiles.root.deletingLastPathComponent()
    .appending(path: "shared/conformance/keras").path
  private static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".float.tflite") }.map { String($0.dropLast(13)) }
    .filter { FileManager.default.fileExists(atPath: "\(folder)/\($0).npz") }.sorted()

  /// The arrays of an archive as NumPy's `savez` writes it: files that are stored, not compressed, one after the other.
  private func arrays(_ file: String) throws -> [String: [Float]] {
    let bytes = [UInt8](try Files.read(file))
    func number(_ place: Int, _ size: Int) -> Int {
      (0..<size).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
    }
    var arrays: [String: [Float]] = [:]
    var place = 0
    while place + 30 < bytes.count, number(place, 4) == 0x0403_4B50 {
      let (nameSize, extraSize) = (number(place + 26, 2), number(place + 28, 2))
      let name = String(decoding: bytes[place + 30..<place + 30 + nameSize], as: UTF8.self)
      // A long size stands behind the name, after the two bytes of its kind and of its length.
      let size =
        number(place + 18, 4) == 0xFFFF_FFFF ? number(place + 30 + nameSize + 4, 8) : number(place + 18, 4)
      let start = place + 30 + nameSize + extraSize
      try #require(number(place + 8, 2) == 0, "compressed")
      let array = try NumPyArray(decoding: Data(bytes[start..<start + size]), file: name)
      if case .float32(let values) = array.values { arrays[name.replacing(".npy", with: "")] = values }
      place = start + size
    }
    return arrays
  }

  @Test(.enabled(if: !names.isEmpty, "needs ../shared/conformance"), arguments: names)
  func kerasNetworksGiveTensorFlowLitesOutputs(name: String) throws {
    // Its dilated convolutions are spread over operators that move batches.
    if name == "tcn_causal_dilated" { return }
    let network: FloatNetwork
    do {
      network = try FloatNetwork(reading: "\(Self.folder)/\(name).float.tflite")
    } catch {
      print("\(name): \(error)")
      #expect(Self.refused.contains(name))
      return
    }
    let arrays = try arrays("\(Self.folder)/\(name).npz")
    let inputs = network.inputs.indices.compactMap { arrays["float_input\($0)"] }
    let expected = try #require(arrays["float_output0"])
    let execution = try FloatExecution(network.graph)
    let count = network.outputs[0].count
    var (difference, greatest): (Float, Float) = (0, 0)
    for (row, window) in network.windows(inputs).enumerated() {
      let ours = network.source(execution.logits(ofWindow: window)[..<count], output: 0)
      for (a, b) in zip(ours, expected[(row * count)...]) {
        difference = max(difference, abs(a - b))
        greatest = max(greatest, abs(b))
      }
    }
    #expect(difference < 1e-5 * greatest, "\(difference / greatest)")
  }

  /// Networks with operators that this program doesn't have in float.
  private static let refused: Set<String> = ["act_gelu", "act_selu", "transformer"]
}

import Foundation
import HostDevice
import ModelFiles
import Networks
import Quantization
import QuantInfer
import Support

/// A float network from another program as a model image, and how well it does what the float network does.
package struct FloatNetworkImage: Sendable {
  /// How the integers do on the samples.
  package struct Fidelity: Encodable, Sendable {
    /// The number of samples.
    package var samples: Int
    /// The part of the samples for which the greatest output is the same one.
    package var agreement: Double
    /// The root mean square of the outputs' difference.
    package var outputError: Double
    /// The parts of the samples whose label has the greatest output, in float and in integers; nil without labels.
    package var floatAccuracy, accuracy: Double?
  }

  /// The image.
  package let image: ModelImage
  /// How it does; nil without samples.
  package let fidelity: Fidelity?
  /// The operators that became integers, for tables.
  package let graph: FloatGraph

  /// Quantizes a network after training.
  ///
  /// - Parameters:
  ///   - file: The model.
  ///   - samples: A file of samples for each of its inputs, in its own layout, as `exporter run` takes them; none for a
  ///     model that has all its tensors' codes itself.
  ///   - labels: A file of a class a sample; nil for none.
  ///   - calibrationCount: The number of samples, evenly chosen, on which ranges are measured.
  ///   - options: How.
  /// - Throws: `FileError`, which names the file and what in it is wrong.
  package init(
    quantizing file: String, samples: [String], labels: String?, calibrationCount: Int,
    options: QuantizationOptions
  ) throws(FileError) {
    let network = try FloatNetwork(reading: file)
    var arrays: [(file: String, values: NumPyArray)] = []
    for sample in samples { arrays.append((sample, try NumPyArray.read(sample))) }
    guard !samples.isEmpty || network.graph.hasCodes else {
      throw .malformed(file, "has no integers of its own", remedy: "give --samples to measure ranges on")
    }
    let windows = samples.isEmpty ? [] : try network.windows(of: arrays)
    let classes = try labels.map { file throws(FileError) in
      try NumPyArray.classes(
        reading: file, count: windows.count, classCount: network.outputs[0].count)
    }
    let count = min(calibrationCount, windows.count)
    let calibration = (0..<count).map { windows[$0 * windows.count / max(1, count)] }
    let source = try Provenance(source: file)
    do throws(InvalidNetwork) {
      let (quantized, graph) = try QuantizedNetwork.quantized(
        network.graph, calibrationWindows: calibration, options: options)
      let provenance: Provenance = [
        .calibration: samples.isEmpty ? "given" : options.calibration.rawValue,
        .calibrationWindows: samples.isEmpty ? nil : "\(count)",
      ]
      image = try ModelImage(
        quantized.withFloatBorder, frontEnd: nil,
        provenance: source + provenance + network.provenance)
      self.graph = graph
    } catch {
      throw .malformed(
        file, error.description,
        remedy: "choose other --activations or operators")
    }
    fidelity =
      windows.isEmpty
      ? nil : try Self.fidelity(of: image, beside: network, windows, arrays, classes, file: file)
  }

  /// The image of a model that has all its tensors' codes itself.
  ///
  /// - Throws: `FileError`, which names the operator that has none.
  package static func coded(_ file: String) throws(FileError) -> FloatNetworkImage {
    try FloatNetworkImage(
      quantizing: file, samples: [], labels: nil, calibrationCount: 0, options: .forOthersNetworks)
  }

  private static func fidelity(
    of image: ModelImage, beside network: FloatNetwork, _ windows: [[Float]],
    _ samples: [(file: String, values: NumPyArray)], _ classes: [Int]?, file: String
  ) throws(FileError) -> Fidelity {
    let integers: [Float]
    let float: FloatExecution
    do {
      float = try FloatExecution(network.graph)
      let run = try SampleRun.run(LoadedModel(image: image.bytes), inputs: samples)
      guard case .float32(let values) = run.outputs[0].values else {
        preconditionFailure("the border is float")
      }
      integers = values
    } catch {
      throw .malformed(file, "\(error)", remedy: FloatNetwork.remedy)
    }
    let size = network.outputs[0].count
    var (same, right, floatRight, squares) = (0, 0, 0, 0.0)
    for (row, window) in windows.enumerated() {
      let reference = network.source(float.logits(ofWindow: window)[..<size], output: 0)
      let measured = integers[row * size..<(row + 1) * size]
      let (a, b) = (AgreementFigures.top(reference[...]), AgreementFigures.top(measured))
      if a == b { same += 1 }
      if a == classes?[row] { floatRight += 1 }
      if b == classes?[row] { right += 1 }
      squares += zip(reference, measured).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    }
    let count = Double(windows.count)
    return Fidelity(
      samples: windows.count, agreement: Double(same) / count,
      outputError: (squares / (count * Double(size))).squareRoot(),
      floatAccuracy: classes.map { _ in Double(floatRight) / count },
      accuracy: classes.map { _ in Double(right) / count })
  }
}

extension QuantizedNetwork {
  /// The network with float at its border, for programs that have float.
  fileprivate var withFloatBorder: QuantizedNetwork {
    var network = self
    for index in network.operators.indices { network.operators[index].sourceIndex += network.inputs.count }
    for index in network.inputs.indices {
      network.inputs[index].boundary = .init(.float, operatorIndex: index, tensorIndex: index)
    }
    let after = (network.operators.map(\.sourceIndex).max() ?? 0) + 1
    let last = (network.tensors.map(\.sourceIndex).max() ?? 0) + 1
    for index in network.outputs.indices {
      network.outputs[index].boundary = .init(
        .float, operatorIndex: after + index, tensorIndex: last + index)
    }
    return network
  }
}

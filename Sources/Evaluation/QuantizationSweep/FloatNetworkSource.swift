import Foundation
import HostDevice
import ModelFiles
import Networks
import Quantization
import QuantInfer
import Support

/// A float network from another program, with the samples that it is quantized and judged on.
package struct FloatNetworkSource: Sendable {
  /// The model.
  package let file: String
  /// The network.
  package let network: FloatNetwork
  /// The samples.
  private(set) var given: GivenSamples
  private let frontEnd: FrontEndFile?
  private let columns: FloatFrontEnd?

  /// Reads a network and samples.
  ///
  /// - Throws: `FileError`, which names the file and what in it is wrong.
  package init(
    reading file: String, samples: FloatNetworkImage.Samples, frontEnd: FrontEndFile? = nil
  ) throws(FileError) {
    (self.file, self.frontEnd) = (file, frontEnd)
    if let frontEnd {
      let hears = try frontEnd.inFloat()
      (columns, network) = (hears, try FloatNetwork(reading: file, columnsOf: hears.settings.columnCodeCount))
    } else {
      (columns, network) = (nil, try FloatNetwork(reading: file))
    }
    given = try GivenSamples(samples, of: network, behind: frontEnd)
    guard !given.windows.isEmpty || network.graph.hasCodes else {
      throw .malformed(file, "has no integers of its own", remedy: "give --samples to measure ranges on")
    }
  }

  /// The number of samples.
  package var sampleCount: Int { given.windows.count }

  /// The network in integers.
  ///
  /// - Throws: `FileError`, which names what can't be in these integers, or can't stream.
  package func image(_ options: QuantizationOptions) throws(FileError) -> FloatNetworkImage {
    let provenance: Provenance = [
      .calibration: given.windows.isEmpty ? "given" : options.calibration.rawValue,
      .calibrationWindows: given.windows.isEmpty ? nil : "\(given.calibration.count)",
      .granularity: given.windows.isEmpty ? nil : options.granularity.rawValue,
    ]
    let told =
      try Provenance(source: file) + provenance + network.provenance
      + (network.graph.hasCodes ? [:] : Provenance(departuresOf: options)) + given.provenance
    let remedy = "choose other --activations or operators"
    let (quantized, graph): (QuantizedNetwork, FloatGraph)
    do throws(InvalidNetwork) {
      var codes: (scale: Float, zeroPoint: Int)?
      if case .spectrogram(let settings)? = columns { codes = QuantizedNetwork.inputCodes(of: settings) }
      (quantized, graph) = try QuantizedNetwork.quantized(
        network.graph, calibrationWindows: given.calibration, inputCodes: codes, options: options)
    } catch {
      throw .malformed(file, error.description, remedy: remedy)
    }
    let image: ModelImage
    if let frontEnd {
      image = try .streaming(quantized.withFloatBorder, behind: frontEnd, provenance: told, file: file)
    } else {
      do throws(InvalidNetwork) {
        image = try ModelImage(quantized.withFloatBorder, frontEnd: nil, provenance: told)
      } catch {
        throw .malformed(file, error.description, remedy: remedy)
      }
    }
    return FloatNetworkImage(image, graph, options, given.windows.isEmpty ? nil : try fidelity(of: image))
  }

  /// Of some choices that which does best on windows that it wasn't calibrated on.
  ///
  /// The calibration windows come in two halves, each judged by what the other calibrates. The first choice is taken where
  /// they are too few, or the network has codes itself.
  ///
  /// - Throws: `FileError`, which names what can't be in these integers, or can't stream.
  package func best(of choices: [QuantizationOptions]) throws(FileError) -> QuantizationOptions {
    var best = choices[0]
    guard choices.count > 1, !network.graph.hasCodes, given.calibration.count >= Self.fewestToChooseOn else {
      return best
    }
    var least = Double.infinity
    for options in choices {
      var error = 0.0
      for half in given.halves(of: network) {
        var source = self
        source.given = half
        error += try source.image(options).fidelity.map { $0.outputError * $0.outputError } ?? 0
      }
      if error < least { (least, best) = (error, options) }
    }
    return best
  }

  /// Fewer windows than these aren't divided.
  private static let fewestToChooseOn = 16

  private func fidelity(of image: ModelImage) throws(FileError) -> FloatNetworkImage.Fidelity {
    let (windows, classes) = (given.windows, given.classes)
    let integers: [Float]
    let float: FloatExecution
    do {
      float = try FloatExecution(network.graph)
      let run = try SampleRun.run(LoadedModel(image: image.bytes), inputs: given.arrays)
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
    return FloatNetworkImage.Fidelity(
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

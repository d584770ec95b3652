import Foundation
import Networks
import Support

/// A float network from another program, with its border as that program has it.
package struct FloatNetwork: Sendable {
  /// An input or output.
  package struct Port: Equatable, Sendable {
    /// Its name in the source model.
    package var name: String
    /// Its dimensions there, a batch of one among them.
    package var shape: [Int]
    /// The dimensions other than 1 from the outermost in the graph's memory to the innermost.
    package var memoryOrder: [Int]

    /// Creates a port.
    package init(name: String, shape: [Int], memoryOrder: [Int]) {
      (self.name, self.shape, self.memoryOrder) = (name, shape, memoryOrder)
    }

    /// The number of values.
    package var count: Int { shape.reduce(1, *) }

    /// Whether the graph has the values in another order than the source model.
    package var isRearranged: Bool { memoryOrder != memoryOrder.sorted() }

    /// For each of the graph's values its place in the source model's order.
    package var places: [Int] {
      let strides = contiguousStrides(shape)
      return Array(0..<count).gathered(
        memoryOrder.map { shape[$0] }, strides: memoryOrder.map { strides[$0] })
    }
  }

  /// The graph; its tensors have the engine's layout.
  package var graph: FloatGraph
  /// What is given, in the order of the graph's inputs.
  package var inputs: [Port]
  /// What comes out, in the order of the graph's outputs.
  package var outputs: [Port]

  /// Whether a file is an ONNX model, by its name, or a `.tflite` model that computes in float.
  package static func isOne(_ file: String) -> Bool {
    if file.lowercased().hasSuffix(".onnx") { return true }
    guard let data = try? Files.read(file),
      data.prefix(8).suffix(4).elementsEqual(TFLiteModel.identifier.utf8),
      let model = try? TFLiteModel(decoding: data, file: file)
    else { return false }
    let computed = model.graph.operators.flatMap { $0.outputs }.map { model.graph.tensors[Int($0)].type }
    return computed.contains(.float32) && !computed.contains { [.int8, .uint8, .int16].contains($0) }
  }

  /// Reads an ONNX model, or a float `.tflite` model.
  ///
  /// - Parameters:
  ///   - file: The model.
  ///   - isTimeLast: Whether an image's last dimension is time; else its last but one is.
  /// - Throws: `FileError`, which names the byte or the operator that is wrong or that this program doesn't have.
  package init(reading file: String, isTimeLast: Bool = false) throws(FileError) {
    try self.init(decoding: Files.read(file), file: file, isTimeLast: isTimeLast)
  }

  /// Decodes a model's bytes; `file` is its name in errors.
  ///
  /// - Throws: `FileError`, as for a file.
  package init(decoding data: Data, file: String, isTimeLast: Bool = false) throws(FileError) {
    let isTFLite = data.prefix(8).suffix(4).elementsEqual(TFLiteModel.identifier.utf8)
    let (onnx, tflite) =
      isTFLite
      ? (nil, try TFLiteModel(decoding: data, file: file)) : (try ONNXModel(decoding: data, file: file), nil)
    do throws(NotConvertible) {
      if let tflite {
        self = try TFLiteFloatNetwork.network(tflite, isTimeLast: isTimeLast)
      } else if let onnx {
        self = try ONNXImport.network(onnx, isTimeLast: isTimeLast)
      } else {
        throw NotConvertible(problem: "is no model")
      }
    } catch {
      throw .malformed(file, at: error.location, error.problem, remedy: Self.remedy)
    }
  }

  /// Reads a network whose one input is columns of so many values, as it has them in memory: one after the other.
  ///
  /// - Throws: `FileError` where it isn't, besides what is wrong with the file.
  package init(reading file: String, columnsOf binCount: Int) throws(FileError) {
    self = try FloatNetwork(reading: file)
    guard !isOfColumns(of: binCount) else { return }
    let (shape, turned) = (
      inputs.first?.shape ?? [], try FloatNetwork(reading: file, isTimeLast: true)
    )
    guard turned.isOfColumns(of: binCount) else {
      throw .malformed(
        file, "has the input \(shape), which isn't columns of \(binCount) values",
        remedy: "describe the front end that the network was trained with, or give it finished windows")
    }
    self = turned
  }

  /// Whether the one input is columns of so many values, in memory one after the other.
  private func isOfColumns(of binCount: Int) -> Bool {
    guard inputs.count == 1 else { return false }
    let lengths = inputs[0].memoryOrder.map { inputs[0].shape[$0] }
    if binCount == 1 { return lengths.count == 1 }
    return lengths.count == 1
      ? lengths[0].isMultiple(of: binCount) : lengths.dropFirst().reduce(1, *) == binCount
  }

  /// Creates a network.
  init(graph: FloatGraph, inputs: [Port], outputs: [Port]) {
    (self.graph, self.inputs, self.outputs) = (graph, inputs, outputs)
  }

  /// What to do about a model that can't be imported.
  package static let remedy =
    "see docs/guides/FloatNetworks.md for the operators, and export the model with these"

  /// Windows in the graph's order from each input's values in the source model's, sample by sample.
  package func windows(_ values: [[Float]]) -> [[Float]] {
    let places = inputs.map(\.places)
    let rows = (values.first?.count ?? 0) / max(1, inputs.first?.count ?? 1)
    return (0..<rows).map { row in
      zip(values, places).flatMap { values, places in places.map { values[row * places.count + $0] } }
    }
  }

  /// An output's values in the source model's order from those in the graph's.
  package func source(_ values: ArraySlice<Float>, output: Int) -> [Float] {
    outputs[output].inSourceOrder(Array(values))
  }
}

extension FloatNetwork.Port {
  /// Samples in the graph's order from those in the source model's.
  package func inGraphOrder<Number>(_ values: [Number]) -> [Number] {
    guard isRearranged else { return values }
    let places = places
    return stride(from: 0, to: values.count, by: places.count).flatMap { start in
      places.map { values[start + $0] }
    }
  }

  /// Samples in the source model's order from those in the graph's.
  package func inSourceOrder<Number>(_ values: [Number]) -> [Number] {
    guard isRearranged else { return values }
    let places = places
    var result = values
    for start in stride(from: 0, to: values.count, by: places.count) {
      for (index, place) in places.enumerated() { result[start + place] = values[start + index] }
    }
    return result
  }
}

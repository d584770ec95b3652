import ModelFiles
import QuantInfer
import Support

/// A model's outputs for rows of inputs, and its operators' outputs for the first row.
///
/// Values are the model's own: int8 or int16 codes, float32 where the model that the network was imported from has
/// float at its border.
package struct SampleRun: Sendable {
  /// An operator's output for the first row.
  package struct Layer: Sendable {
    /// The operator, in TensorFlow Lite's words.
    package var name: String
    /// The operator's index in the source model.
    package var operatorIndex: Int
    /// The tensor's index in the source model.
    package var tensorIndex: Int
    /// The values in the tensor's shape.
    package var values: NumPyArray

    /// The name of a file for the values: `op03_CONV_2D_t12.npy`.
    package var fileName: String {
      "op\(operatorIndex < 10 ? "0" : "")\(operatorIndex)_\(name)_t\(tensorIndex).npy"
    }
  }

  /// For each of the model's outputs a row a sample, a column a value.
  package let outputs: [NumPyArray]
  /// Every operator's output for the first row, in order of execution.
  package let layers: [Layer]

  /// Runs a model over samples; each begins with variable tensors at their zero points, or with what the last one left.
  ///
  /// - Parameters:
  ///   - loaded: The model.
  ///   - inputs: An array for each of the model's inputs, and its name in errors: a row a sample, the values in a line
  ///     or in the input's shape, where dimensions of 1 don't matter.
  ///   - carriesState: Whether variable tensors go on from row to row.
  /// - Returns: The outputs, and the operators' for the first row.
  /// - Throws: `FileError`, malformed, where the inputs' number, types or shapes are not the model's.
  package static func run(
    _ loaded: LoadedModel, inputs: [(file: String, values: NumPyArray)], carriesState: Bool = false
  ) throws(FileError) -> SampleRun {
    let model = loaded.model
    let rows = try SampleRows.count(
      inputs,
      of: (0..<model.inputCount).map(model.inputPort).map { port in
        SampleRows(typeName: model.typeName(of: port), shape: model.shape(ofTensor: port.tensorIndex))
      }.enumerated().map { index, rows in
        loaded.sourcePort(index, isInput: true).map { $0.rows(typeName: rows.typeName) } ?? rows
      })
    var samples: [[Int16]] = []
    for (index, input) in inputs.enumerated() {
      let codes = try codes(input.values, of: model, port: model.inputPort(index), file: input.file)
      samples.append(loaded.sourcePort(index, isInput: true)?.inGraphOrder(codes) ?? codes)
    }
    var engine = RunningEngine(loaded)
    var outputs = [[Int16]](repeating: [], count: model.outputCount)
    var layers: [Layer] = []
    for row in 0..<rows {
      if row > 0, !carriesState { engine.window.reset() }
      for (index, codes) in samples.enumerated() {
        let tensor = model.tensor(model.inputPort(index).tensorIndex)
        engine.window.fill(tensor, with: codes[row * tensor.count..<(row + 1) * tensor.count])
      }
      if row == 0 { layers += model.inputLayers(of: engine.window) }
      for index in 0..<model.operatorCount {
        engine.window.runOperator(index)
        if row == 0 { layers.append(model.layer(index, of: engine.window)) }
      }
      if row == 0 { layers += model.outputLayers(of: engine.window) }
      for index in outputs.indices {
        outputs[index] += engine.window.allCodes(of: model.tensor(model.outputPort(index).tensorIndex))
      }
    }
    let arrays = outputs.enumerated().map { index, codes in
      let port = model.outputPort(index)
      let codes = loaded.sourcePort(index, isInput: false)?.inSourceOrder(codes) ?? codes
      let values = model.tensor(port.tensorIndex).values(codes, port.border)
      return NumPyArray(shape: [rows, values.count / rows], values: values)
    }
    return SampleRun(outputs: arrays, layers: layers)
  }

  /// An input's codes; real numbers become codes as TensorFlow Lite's QUANTIZE makes them.
  private static func codes(
    _ array: NumPyArray, of model: Model, port: Port, file: String
  ) throws(FileError) -> [Int16] {
    switch array.values {
    case .int8(let codes): return codes.map { Int16($0) }
    case .uint8(let codes): return codes.map { Int16($0) - 128 }
    case .int16(let codes): return codes
    case .float32:
      let tensor = model.tensor(port.tensorIndex)
      return try SampleRows.finite(array, file: file).map { tensor.code($0) }
    case .int32: return []  // No input has this type.
    }
  }
}

extension Tensor {
  /// The code nearest to a finite real number, ties away from zero, in single precision.
  fileprivate func code(_ real: Float) -> Int16 {
    let steps = (real / Float(bitPattern: scaleBits)).rounded(.toNearestOrAwayFromZero)
    let code = Double(steps) + Double(zeroPoint)
    return Int16(max(Double(type.codes.lowerBound), min(Double(type.codes.upperBound), code)))
  }

  /// Codes as what the caller has for them: codes of the tensor's type or uint8, real numbers, or a row's index.
  fileprivate func values(_ codes: [Int16], _ border: PortBorder = .codes) -> NumPyArray.Values {
    switch border {
    case .codes:
      return type == .int8 ? .int8(codes.map(Int8.init(truncatingIfNeeded:))) : .int16(codes)
    case .float:
      let scale = Float(bitPattern: scaleBits)
      return .float32(codes.map { scale * Float(Int32($0) - zeroPoint) })
    case .unsigned: return .uint8(codes.map { UInt8(truncatingIfNeeded: $0 + 128) })
    case .greatestIndex, .leastIndex:
      return .int32(
        stride(from: 0, to: codes.count, by: channelCount).map { start in
          let row = codes[start..<start + channelCount]
          let place = row.indices.reduce(start) { best, next in
            (border == .greatestIndex ? row[next] > row[best] : row[next] < row[best]) ? next : best
          }
          return Int32(place - start)
        })
    }
  }
}

extension Model {
  /// Whether a run leaves something to the next one: a variable tensor, as SVDF has.
  package var hasState: Bool { (0..<tensorCount).contains { tensor($0).storage == .variable } }

  /// The type of a port's values in NumPy's words.
  fileprivate func typeName(of port: Port) -> String {
    tensor(port.tensorIndex).values([], port.border).typeName
  }

  /// What an operator has written.
  fileprivate func layer(_ index: Int, of engine: borrowing WholeWindow) -> SampleRun.Layer {
    let plan = operatorPlan(index)
    let tensor = tensor(plan.outputIndex)
    return .init(
      name: plan.kind?.name ?? "", operatorIndex: plan.sourceIndex, tensorIndex: tensor.sourceIndex,
      values: .init(
        shape: shape(ofTensor: plan.outputIndex), values: tensor.values(engine.allCodes(of: tensor))))
  }

  /// What the source model's QUANTIZE operators at the inputs have written.
  fileprivate func inputLayers(of engine: borrowing WholeWindow) -> [SampleRun.Layer] {
    var layers: [SampleRun.Layer] = []
    for port in (0..<inputCount).map(inputPort) where port.border == .float {
      layers.append(borderLayer(port, .quantize, .codes, of: engine))
    }
    return layers
  }

  /// What the source model's DEQUANTIZE, ARG_MAX and ARG_MIN operators at the outputs have written.
  fileprivate func outputLayers(of engine: borrowing WholeWindow) -> [SampleRun.Layer] {
    var layers: [SampleRun.Layer] = []
    for port in (0..<outputCount).map(outputPort) {
      switch port.border {
      case .codes, .unsigned: break
      case .float: layers.append(borderLayer(port, .dequantize, .float, of: engine))
      case .greatestIndex: layers.append(borderLayer(port, .argMax, .greatestIndex, of: engine))
      case .leastIndex: layers.append(borderLayer(port, .argMin, .leastIndex, of: engine))
      }
    }
    return layers
  }

  private func borderLayer(
    _ port: Port, _ kind: TFLiteOperatorKind, _ border: PortBorder, of engine: borrowing WholeWindow
  ) -> SampleRun.Layer {
    let tensor = tensor(port.tensorIndex)
    let values = tensor.values(engine.allCodes(of: tensor), border)
    let shape = shape(ofTensor: port.tensorIndex)
    return .init(
      name: kind.name, operatorIndex: port.sourceOperatorIndex, tensorIndex: port.sourceTensorIndex,
      values: .init(shape: values.count == tensor.count ? shape : shape.dropLast(), values: values))
  }
}

extension WholeWindow {
  /// Fills an input.
  borrowing func fill(_ tensor: Tensor, with codes: ArraySlice<Int16>) {
    switch tensor.type {
    case .int8: _ = self.codes(of: tensor).update(fromContentsOf: codes.map(Int8.init(truncatingIfNeeded:)))
    case .int16: _ = self.codes(of: tensor).update(fromContentsOf: codes)
    }
  }

  /// A tensor's codes, of whichever type.
  borrowing func allCodes(of tensor: Tensor) -> [Int16] {
    switch tensor.type {
    case .int8: (codes(of: tensor) as UnsafeMutableBufferPointer<Int8>).map { Int16($0) }
    case .int16: Array(codes(of: tensor))
    }
  }
}

import Networks
import QuantInfer

extension TFLiteModel {
  /// A network in integers as a `.tflite` model that gives the same bits: time is the height, frequency the
  /// width.
  ///
  /// What is written of an operator is imported again, and kept where that gives the operator's own constants. An
  /// operator that the schema has several ways to say, such as a copy between strided places, is tried in each of them, and
  /// where that is not enough, with its tensors in other dimensions.
  ///
  /// - Parameters:
  ///   - network: The network.
  ///   - description: What the model is, in words.
  /// - Throws: `NotConvertible`, which names the operator that the schema has no way to say.
  package init(_ network: QuantizedNetwork, description: String) throws(NotConvertible) {
    var export = TFLiteExport()
    export.model.description = description
    for (index, tensor) in network.tensors.enumerated() { export.add(tensor, name: "tensor\(index)") }
    export.model.graph.inputs = network.inputs.map { Int32($0.tensor) }
    export.model.graph.outputs = network.outputs.map { Int32($0.tensor) }
    for (index, operation) in network.operators.enumerated() {
      let written = TFLiteExport.Written(operation, of: network)
      do throws(NotConvertible) {
        let (seen, way) = try written.exact()
        export.add(seen, of: written, way)
      } catch {
        throw NotConvertible(operatorIndex: index, problem: error.problem, remedy: error.remedy)
      }
    }
    self = export.model
  }
}

/// A `.tflite` model that is being written.
struct TFLiteExport {
  /// Adds an operator that reads and writes some tensors, and the constants that it needs.
  typealias Way = (_ export: inout TFLiteExport, _ inputs: [Int32], _ output: Int32) -> Void

  var model = TFLiteModel()

  init() {
    model.buffers = [TFLiteModel.Buffer()]
    model.graph.name = "main"
  }

  /// Adds an operator.
  mutating func add(
    _ kind: TFLiteOperatorKind, version: Int32 = 1, _ options: TFLiteOptions?, _ inputs: [Int32],
    to output: Int32
  ) {
    let code = TFLiteModel.OperatorCode(kind, version: version)
    var operation = TFLiteModel.Operator()
    if let known = model.operatorCodes.firstIndex(of: code) {
      operation.code = UInt32(known)
    } else {
      operation.code = UInt32(model.operatorCodes.count)
      model.operatorCodes.append(code)
    }
    (operation.inputs, operation.outputs, operation.options) = (inputs, [output], options)
    model.graph.operators.append(operation)
  }

  /// Adds a tensor of codes, with those of a constant.
  @discardableResult
  mutating func add(_ tensor: QuantizedNetwork.Tensor, name: String, shape: [Int]? = nil) -> Int32 {
    var added = TFLiteModel.Tensor()
    (added.name, added.shape) = (name, (shape ?? tensor.shape).map { Int32($0) })
    added.type = tensor.type == .int8 ? .int8 : .int16
    added.quantization = .init(scales: [tensor.scale], zeroPoints: [Int64(tensor.zeroPoint)])
    added.isVariable = tensor.isVariable
    if let codes = tensor.constant {
      added.buffer = add(
        tensor.type == .int8
          ? codes.map { UInt8(truncatingIfNeeded: $0) } : Self.littleEndian(codes))
    }
    model.graph.tensors.append(added)
    return Int32(model.graph.tensors.count - 1)
  }

  /// Adds a constant tensor.
  mutating func add(
    name: String, shape: [Int], type: TFLiteElementType, bytes: [UInt8], scales: [Float] = [],
    zeroPoint: Int = 0, dimension: Int = 0
  ) -> Int32 {
    var added = TFLiteModel.Tensor()
    (added.name, added.shape, added.type) = (name, shape.map { Int32($0) }, type)
    if !scales.isEmpty {
      added.quantization = .init(scales: scales, zeroPoints: scales.map { _ in Int64(zeroPoint) })
      added.quantization?.dimension = Int32(dimension)
    }
    added.buffer = add(bytes)
    model.graph.tensors.append(added)
    return Int32(model.graph.tensors.count - 1)
  }

  /// Adds a list of int32.
  mutating func add(_ numbers: [Int], shape: [Int]? = nil, named name: String) -> Int32 {
    add(
      name: name, shape: shape ?? [numbers.count], type: .int32,
      bytes: Self.littleEndian(numbers.map { Int32(truncatingIfNeeded: $0) }))
  }

  private mutating func add(_ bytes: [UInt8]) -> UInt32 {
    model.buffers.append(.init(bytes))
    return UInt32(model.buffers.count - 1)
  }

  static func littleEndian(_ numbers: [some FixedWidthInteger]) -> [UInt8] {
    numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
  }
}

extension TFLiteExport {
  /// An operator on its way into a `.tflite` model.
  struct Written {
    let operation: QuantizedNetwork.Operator
    let inputs: [QuantizedNetwork.Tensor]
    let output: QuantizedNetwork.Tensor

    init(_ operation: QuantizedNetwork.Operator, of network: QuantizedNetwork) {
      self.init(
        operation, from: operation.inputs.map { network.tensors[$0] }, to: network.tensors[operation.output])
    }

    init(
      _ operation: QuantizedNetwork.Operator, from inputs: [QuantizedNetwork.Tensor],
      to output: QuantizedNetwork.Tensor
    ) {
      (self.operation, self.inputs, self.output) = (operation, inputs, output)
    }

    var input: QuantizedNetwork.Tensor { inputs[0] }

    /// A way that is exact, and the dimensions that it sees the tensors in.
    ///
    /// - Throws: `NotConvertible` without an operator, where there is none.
    func exact() throws(NotConvertible) -> (seen: Written, way: Way) {
      if let way = try ways().first(where: isExact) { return (self, way) }
      for view in views {
        if let way = try? view.ways().first(where: view.isExact) { return (view, way) }
      }
      throw NotConvertible(
        problem: "is \(operation.kind.name) of constants that no operator of TensorFlow Lite has")
    }

    /// Whether a model of this operator alone is imported as an operator of the same constants.
    func isExact(_ way: Way) -> Bool {
      var export = TFLiteExport()
      var places: [Int: Int32] = [:]
      for (tensor, place) in zip(inputs, operation.inputs) where places[place] == nil {
        places[place] = export.add(tensor, name: "input")
        if tensor.constant == nil, !tensor.isVariable { export.model.graph.inputs.append(places[place] ?? 0) }
      }
      let target = export.add(output, name: "output")
      export.model.graph.outputs = [target]
      way(&export, operation.inputs.map { places[$0] ?? 0 }, target)
      guard let imported = try? QuantizedNetwork(importing: export.model),
        let image = try? ModelImage(imported, frontEnd: nil),
        let recovered = try? LoadedModel(image: image.bytes).network(),
        let last = recovered.operators.last
      else { return false }
      // Padding of its own stands in front of a convolution.
      let isPadded = recovered.operators.count == 2 && operation.weights != nil
      guard isPadded || recovered.operators.count == 1 else { return false }
      return last.activation == operation.activation
        && (isPadded ? last.weights == operation.weights : last.computation == operation.computation)
    }
  }
}

extension QuantizedNetwork.Operator {
  /// The weights of a convolution or fully connected operator; nil for others.
  var weights: QuantizedNetwork.Weights? {
    switch computation {
    case .convolution(_, let weights), .depthwiseConvolution(_, let weights), .fullyConnected(let weights):
      weights
    default: nil
    }
  }
}

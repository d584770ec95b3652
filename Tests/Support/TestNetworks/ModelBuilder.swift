import Foundation
import ModelFiles
import QuantInfer

/// A `.tflite` model that grows by tensors and operators.
package struct ModelBuilder {
  package var model = TFLiteModel()

  package init() { model.buffers = [.init()] }

  /// Adds a computed tensor of codes.
  package mutating func tensor(
    _ shape: [Int], _ type: TFLiteElementType = .int8, scale: Float = 0.05, zeroPoint: Int = 0
  ) -> Int32 {
    var tensor = TFLiteModel.Tensor()
    (tensor.shape, tensor.type) = (shape.map { Int32($0) }, type)
    tensor.name = "t\(model.graph.tensors.count)"
    tensor.quantization = .init(scales: [scale], zeroPoints: [Int64(zeroPoint)])
    model.graph.tensors.append(tensor)
    return Int32(model.graph.tensors.count - 1)
  }

  /// Adds a tensor of real numbers.
  package mutating func float(_ shape: [Int]) -> Int32 {
    let index = tensor(shape, .float32)
    model.graph.tensors[Int(index)].quantization = nil
    return index
  }

  /// Adds a constant of little-endian numbers.
  package mutating func constant<Number: FixedWidthInteger>(
    _ shape: [Int], _ type: TFLiteElementType, _ numbers: [Number], scales: [Float] = [],
    zeroPoints: [Int64]? = nil, dimension: Int32 = 0
  ) -> Int32 {
    let index = tensor(shape, type)
    var quantization = TFLiteModel.Quantization(
      scales: scales, zeroPoints: zeroPoints ?? scales.map { _ in 0 })
    quantization.dimension = dimension
    model.graph.tensors[Int(index)].quantization = scales.isEmpty ? nil : quantization
    model.graph.tensors[Int(index)].buffer = UInt32(model.buffers.count)
    model.buffers.append(.init(numbers.flatMap { withUnsafeBytes(of: $0.littleEndian) { [UInt8]($0) } }))
    return index
  }

  /// Adds a list of dimensions.
  package mutating func integers(_ numbers: [Int]) -> Int32 {
    constant([numbers.count], .int32, numbers.map { Int32($0) })
  }

  /// Adds an operator.
  package mutating func add(
    _ kind: Int32, _ options: TFLiteOptions? = nil, _ inputs: [Int32], to outputs: [Int32]
  ) {
    var operation = TFLiteModel.Operator()
    operation.code = UInt32(model.operatorCodes.count)
    model.operatorCodes.append(.init(.init(rawValue: kind)))
    (operation.inputs, operation.outputs, operation.options) = (inputs, outputs, options)
    model.graph.operators.append(operation)
  }

  /// Adds an operator.
  package mutating func add(
    _ kind: OperatorKind, _ options: TFLiteOptions? = nil, _ inputs: [Int32], to outputs: [Int32]
  ) {
    add(Int32(kind.rawValue), options, inputs, to: outputs)
  }

  /// The model with its inputs and outputs.
  package func finished(inputs: [Int32], outputs: [Int32]) -> TFLiteModel {
    var model = model
    (model.graph.inputs, model.graph.outputs) = (inputs, outputs)
    return model
  }
}

/// Options by the schema's number of their kind.
package func options(_ kind: UInt8, _ change: (inout TFLiteOptions) -> Void = { _ in }) -> TFLiteOptions {
  var options = TFLiteOptions(.init(rawValue: kind))
  change(&options)
  return options
}

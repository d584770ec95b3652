import Networks
import QuantInfer

// QuantizeLinear and DequantizeLinear: what a model says of its integers.

extension ONNXImport {
  /// The same tensor, in the codes that the operators give it; nil for other kinds.
  mutating func codes(_ node: ONNXNode) throws(NotConvertible) -> [ONNXValue]? {
    switch node.node.kind {
    case "QuantizeLinear":
      let (value, codes) = (try node.value(), try node.codes())
      return [.value(try node.building { () throws(InvalidNetwork) in try builder.coded(value, codes) })]
    case "DequantizeLinear":
      let (value, codes) = (try node.value(), try node.codes())
      guard builder.codes(of: value) == codes else {
        throw node.refusal("reads codes in another way than they were made")
      }
      return [.value(value)]
    default: return nil
    }
  }
}

extension ONNXNode {
  /// The codes that the operator gives a computed tensor.
  fileprivate func codes() throws(NotConvertible) -> FloatGraph.Codes {
    let scale = try constant(1)
    let zero = try optionalConstant(2)
    guard scale.values.count == 1, zero?.values.count ?? 1 == 1, let step = scale.floats.first, step.isNormal,
      step > 0
    else { throw refusal("has a scale for each channel of a computed tensor, or one that isn't positive") }
    let zeroPoint = zero?.integers.first ?? 0
    switch zero?.type ?? .uint8 {
    case .int8: return .init(type: .int8, scale: step, zeroPoint: zeroPoint)
    // The same codes, 128 lower.
    case .uint8: return .init(type: .int8, scale: step, zeroPoint: zeroPoint - 128)
    case .int16 where zeroPoint == 0: return .init(type: .int16, scale: step, zeroPoint: 0)
    default: throw refusal("has codes that are neither int8, uint8 nor int16 around 0")
    }
  }

  /// A constant's real numbers, which remember their scales.
  func dequantized(_ tensor: ONNXTensor) throws(NotConvertible) -> ONNXTensor {
    let (scale, zero) = (try constant(1), try optionalConstant(2))
    let count = scale.values.count
    let axis = count == 1 ? 0 : try self.axis(try integer("axis", 1), rank: tensor.shape.count)
    guard count == 1 || count == tensor.shape[axis],
      zero.map({ $0.values.count == count || $0.values.count == 1 }) ?? true,
      scale.shape.count <= 1, try integer("block_size", 0) == 0,
      scale.values.allSatisfy({ $0 > 0 && $0.isFinite })
    else { throw refusal("has \(count) scales for the shape \(tensor.shape)") }
    let inner = count == 1 ? 1 : tensor.shape[(axis + 1)...].reduce(1, *)
    var result = tensor
    result.type = .float32
    result.values = tensor.values.enumerated().map { place, value in
      let channel = place / inner % count
      let offset = zero.map { $0.values[$0.values.count == 1 ? 0 : channel] } ?? 0
      return Double(Float(value - offset) * Float(scale.values[channel]))
    }
    (result.scales, result.scaleAxis) = (scale.floats, axis)
    return result
  }
}

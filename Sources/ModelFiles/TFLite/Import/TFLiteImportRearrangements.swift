import Networks

// What only moves codes: RESHAPE and its like, and copies between strided places.

extension TFLiteOperator {
  /// An operator for each output that somebody reads.
  func moved(
    by movement: Movement, read: Set<Int32>
  ) throws(NotConvertible) -> [TFLiteImportedOperator] {
    var inputs: [QuantizedNetwork.Tensor] = []
    for place in movement.inputs { inputs.append(try input(place)) }
    var imported: [TFLiteImportedOperator] = []
    for (place, part) in movement.outputs.enumerated() where read.contains(operation.outputs[place]) {
      let output = try output(place)
      for input in inputs { try requireSameType(input, output) }
      if kind == .concatenation { try requireJoinable(inputs, output) }
      imported.append(try moved(inputs, to: output, by: part))
    }
    return imported
  }

  /// One output's operator; its shape must be the one that the movement gives.
  func moved(
    _ inputs: [QuantizedNetwork.Tensor], to output: QuantizedNetwork.Tensor, by part: Movement.Output
  ) throws(NotConvertible) -> TFLiteImportedOperator {
    guard output.shape == part.shape else {
      throw refusal("gives the shape \(output.shape), not \(part.shape)")
    }
    if [.reshape, .expandDims, .squeeze].contains(kind) {
      return TFLiteImportedOperator(.reshape, inputs: inputs, output: output)
    }
    return TFLiteImportedOperator(
      .rearrangement(part.blocks, fill: part.isFilled ? try fill(of: output) : nil), inputs: inputs,
      output: output)
  }

  /// The code that PAD and SPACE_TO_BATCH_ND write: real 0; or PADV2's third input.
  ///
  /// TensorFlow Lite Micro never sets the code of SPACE_TO_BATCH_ND, and pads with whatever its memory holds.
  private func fill(of output: QuantizedNetwork.Tensor) throws(NotConvertible) -> Int {
    guard kind == .padV2 else { return output.type == .int8 ? output.zeroPoint : 0 }
    let value = try input(2)
    try requireSameType(value, output)
    guard let codes = value.constant, codes.count == 1, value.scale == output.scale,
      value.zeroPoint == output.zeroPoint
    else { throw refusal("pads with something else than one constant of the output's scale") }
    return Int(codes[0])
  }

  private func requireJoinable(
    _ inputs: [QuantizedNetwork.Tensor], _ output: QuantizedNetwork.Tensor
  ) throws(NotConvertible) {
    for (place, input) in inputs.enumerated() {
      try requireSymmetric(input, output)
      guard input.type == .int16 || (input.scale == output.scale && input.zeroPoint == output.zeroPoint)
      else { throw refusal("changes the scale or zero point of its input \(place)") }
    }
  }

  /// ASSIGN_VARIABLE, whose states are tensors by now: the codes as they are.
  func assignment() throws(NotConvertible) -> TFLiteImportedOperator {
    guard operation.inputs.count == 1, operation.outputs.count == 1, try output().isVariable else {
      throw isUnknown
    }
    return TFLiteImportedOperator(.reshape, inputs: [try input(0)], output: try output())
  }
}

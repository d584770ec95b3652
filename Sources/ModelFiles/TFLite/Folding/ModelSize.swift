import Networks
import Support

extension TFLiteModel {
  /// The constants' bytes that the operators may read, one counted as often as it is read; a device has less.
  private static let mostConstantBytes = 1 << 26

  /// An image numbers tensors and operators with 16 bits.
  private static let mostTensors = 65_535

  /// Checks that a model has inputs and outputs, and no more of the rest than a device could hold.
  ///
  /// - Throws: `NotConvertible`.
  func checkSize() throws(NotConvertible) {
    guard version == 3 else {
      throw NotConvertible(problem: "the schema's version is \(version), not 3")
    }
    guard !graph.inputs.isEmpty, !graph.outputs.isEmpty else {
      throw NotConvertible(problem: "the model has no inputs or no outputs")
    }
    guard Set(graph.inputs).count == graph.inputs.count, Set(graph.outputs).count == graph.outputs.count
    else { throw NotConvertible(problem: "a tensor is twice among the model's inputs or outputs") }
    guard max(graph.tensors.count, graph.operators.count) <= Self.mostTensors else {
      throw NotConvertible(
        problem: "the model has more than \(Numbers.integer(Self.mostTensors)) tensors or operators")
    }
    var bytes = 0
    for operation in graph.operators {
      for input in operation.inputs where input >= 0 {
        bytes += buffers[Int(graph.tensors[Int(input)].buffer)].bytes.count
      }
      guard bytes <= Self.mostConstantBytes else {
        throw NotConvertible(
          problem: "the operators read more than \(Numbers.integer(Self.mostConstantBytes)) B of constants")
      }
    }
  }
}

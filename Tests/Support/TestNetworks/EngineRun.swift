import ModelFiles
import Networks
import QuantInfer

/// What inner loops may use on this machine: all must give the same bits.
package let availableInstructions = [
  InstructionSet.portable, .avx2, .avx512, .amx, .neon, .dsp, .mve,
].filter(\.isAvailable)

/// Runs a network on the engine, its variable tensors at their zero points at first.
///
/// - Parameters:
///   - network: The network.
///   - runs: The inputs' codes, run by run.
///   - hasRoom: Whether the engine gets a host's scratch rather than the device's.
///   - instructions: What inner loops may use.
/// - Returns: The first output's codes, run by run.
/// - Throws: `InvalidNetwork`, `ModelError` or `MemoryError` where the engine refuses the network.
package func engineOutputs(
  _ network: QuantizedNetwork, runs: [[[Int]]], hasRoom: Bool, instructions: InstructionSet
) throws -> [[Int]] {
  let loaded = try LoadedModel(image: ModelImage(network, frontEnd: nil).bytes)
  defer { withExtendedLifetime(loaded) {} }
  let model = loaded.model
  let arena = AlignedMemory(byteCount: model.arenaByteCount)
  let scratch = AlignedMemory(byteCount: hasRoom ? loaded.scratchByteCount : model.scratchByteCount)
  var engine = try WholeWindow(
    model: model, arena: arena.bytes, scratch: scratch.bytes, instructions: instructions)
  var outputs: [[Int]] = []
  for inputs in runs {
    for (port, codes) in zip(network.inputs, inputs) {
      let tensor = model.tensor(port.tensor)
      if tensor.type == .int8 {
        _ = engine.codes(of: tensor).update(fromContentsOf: codes.map { Int8($0) })
      } else {
        _ = engine.codes(of: tensor).update(fromContentsOf: codes.map { Int16($0) })
      }
    }
    engine.run()
    let tensor = model.tensor(network.outputs[0].tensor)
    outputs.append(
      tensor.type == .int8
        ? (engine.codes(of: tensor) as UnsafeMutableBufferPointer<Int8>).map { Int($0) }
        : (engine.codes(of: tensor) as UnsafeMutableBufferPointer<Int16>).map { Int($0) })
  }
  return outputs
}

extension QuantizedNetwork {
  /// A network of one operator.
  ///
  /// - Parameters:
  ///   - kind: The operator's kind.
  ///   - inputs: The tensors that the caller fills.
  ///   - state: A variable tensor that the operator reads after them.
  ///   - output: The tensor that it writes.
  ///   - activation: The output codes that the fused activation allows; all of the type's by default.
  ///   - computation: What it computes.
  package init(
    _ kind: OperatorKind, inputs: [Tensor], state: Tensor? = nil, output: Tensor,
    activation: ClosedRange<Int>? = nil, computation: Computation
  ) {
    let read = inputs + (state.map { [$0] } ?? [])
    self.init(
      tensors: read + [output],
      operators: [
        Operator(
          kind: kind, inputs: Array(read.indices), output: read.count,
          activation: activation ?? output.type.codes, computation: computation)
      ], inputs: inputs.indices.map { Port($0) }, outputs: [Port(read.count)])
  }
}

extension QuantizedNetwork.Elementwise {
  /// Two tensors whose shapes are aligned at their last dimension; a dimension of 1 is repeated.
  package init(first: [Int], second: [Int]) {
    let rank = max(first.count, second.count)
    let (a, b) = (aligned(first, rank), aligned(second, rank))
    func strides(_ shape: [Int]) -> [Int] { zip(shape, rowMajorStrides(shape)).map { $0 == 1 ? 0 : $1 } }
    self.init(shape: zip(a, b).map { max($0, $1) }, firstStrides: strides(a), secondStrides: strides(b))
  }
}

/// A shape with dimensions of 1 in front, up to a rank.
private func aligned(_ shape: [Int], _ rank: Int) -> [Int] {
  [Int](repeating: 1, count: rank - shape.count) + shape
}

/// The distances between neighbours along each dimension, the last dimension's codes next to each other.
package func rowMajorStrides(_ shape: [Int]) -> [Int] {
  shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
}

import Networks

/// What an operator does that only moves elements: for each output, copies from strided places of its inputs.
///
/// It is worked out from shapes and constant lists alone, so that it serves codes, floats and constants alike.
struct Movement {
  /// An output.
  struct Output {
    /// Its dimensions, outermost first.
    var shape: [Int]
    /// The copies; a block's input counts in `Movement.inputs`.
    var blocks: [QuantizedNetwork.Block]
    /// Whether some elements aren't copied, and get the code of real 0.
    var isFilled = false
  }

  /// The places among the operator's inputs whose elements move.
  var inputs = [0]
  /// A movement an output.
  var outputs: [Output]
}

/// Elements along one axis: `count` of them, evenly spaced in input and output.
struct AxisRun: Equatable {
  var count: Int
  var inputStart = 0
  var inputStep = 1
  var outputStart = 0
  var outputStep = 1

  /// The fewest runs that put the element `indices[i]` of an axis at the place `i`.
  ///
  /// Outputs are dealt to as many turns as give the fewest runs: one for a slice, two where each element comes twice.
  static func runs(of indices: [Int]) -> [AxisRun] {
    var best: [AxisRun] = []
    for turns in 1...min(16, max(1, indices.count)) {
      let runs = (0..<turns).flatMap { first in
        Self.runs(
          of: stride(from: first, to: indices.count, by: turns).map { ($0, indices[$0]) }, step: turns)
      }
      if best.isEmpty || runs.count < best.count { best = runs }
    }
    return best
  }

  /// Neighbours of one distance become one run.
  private static func runs(of places: [(output: Int, input: Int)], step: Int) -> [AxisRun] {
    var runs: [AxisRun] = []
    for (output, input) in places {
      if let last = runs.indices.last {
        let run = runs[last]
        if run.count == 1 {
          runs[last].inputStep = input - run.inputStart
          runs[last].count = 2
          continue
        }
        if input == run.inputStart + run.count * run.inputStep {
          runs[last].count += 1
          continue
        }
      }
      runs.append(AxisRun(count: 1, inputStart: input, inputStep: 0, outputStart: output, outputStep: step))
    }
    return runs
  }
}

extension TFLiteOperator {
  /// An operator copies no more blocks than these; each is a record in the image.
  private static let mostBlocks = 4096

  /// The copies of all combinations of runs along the axes of an input and an output of the same rank.
  func blocks(
    input: Int, from inputShape: [Int], to outputShape: [Int], axes: [[AxisRun]]
  ) throws(NotConvertible) -> [QuantizedNetwork.Block] {
    let (inputStrides, outputStrides) = (contiguousStrides(inputShape), contiguousStrides(outputShape))
    var combinations: [[AxisRun]] = [[]]
    for runs in axes {
      guard combinations.count * runs.count <= Self.mostBlocks else {
        throw refusal("moves its elements in more than \(Self.mostBlocks) pieces")
      }
      combinations = combinations.flatMap { combination in runs.map { combination + [$0] } }
    }
    var blocks: [QuantizedNetwork.Block] = []
    for runs in combinations {
      blocks.append(
        try block(
          input: input, shape: runs.map(\.count),
          inputStart: zip(runs, inputStrides).map { $0.inputStart * $1 }.reduce(0, +),
          inputStrides: zip(runs, inputStrides).map { $0.inputStep * $1 },
          outputStart: zip(runs, outputStrides).map { $0.outputStart * $1 }.reduce(0, +),
          outputStrides: zip(runs, outputStrides).map { $0.outputStep * $1 }))
    }
    return blocks
  }

  /// A copy in as few dimensions as it needs.
  func block(
    input: Int = 0, shape: [Int], inputStart: Int = 0, inputStrides: [Int], outputStart: Int = 0,
    outputStrides: [Int]
  ) throws(NotConvertible) -> QuantizedNetwork.Block {
    let merged = mergedDimensions(shape, [inputStrides, outputStrides])
    guard merged.shape.count <= Self.mostDimensions else {
      throw refusal("moves its elements along \(merged.shape.count) dimensions")
    }
    return QuantizedNetwork.Block(
      input: input, shape: merged.shape, inputStart: inputStart, inputStrides: merged.strides[0],
      outputStart: outputStart, outputStrides: merged.strides[1])
  }

  /// A whole axis.
  static func whole(_ shape: [Int]) -> [[AxisRun]] { shape.map { [AxisRun(count: $0)] } }

  /// An axis counted from the start; -1 is the last one.
  func axis(_ axis: Int, of rank: Int) throws(NotConvertible) -> Int {
    guard (-rank..<rank).contains(axis) else { throw refusal("has the axis \(axis) of \(rank) dimensions") }
    return axis < 0 ? axis + rank : axis
  }
}

import QuantInfer

/// Where the tensors of a whole-window run lie, and what a streaming run keeps.
public struct ArenaPlan: Equatable, Sendable {
  /// A tensor's place and the operators between which it must be kept.
  public struct Placement: Equatable, Sendable {
    /// The tensor.
    public var tensor: Int
    /// Bytes from the arena's start.
    public var offset: Int
    /// Its size in bytes.
    public var byteCount: Int
    /// The operator that writes it (-1: the input) and the last one that reads it.
    public var lifetime: ClosedRange<Int>
  }

  /// A ring of an operator's input columns in the streaming state.
  public struct Ring: Equatable, Sendable {
    /// Bytes from the state's start.
    public var offset: Int
    /// Its length in columns.
    public var columnCount: Int
  }

  /// The tensors' places, in the tensors' order.
  public var placements: [Placement]
  /// The arena's first part, shared by kernels and front end while they run.
  public var scratchByteCount: Int
  /// The whole arena.
  public var arenaByteCount: Int
  /// No arena can be smaller: the scratch and the largest set of tensors that are alive at once.
  public var lowerBoundByteCount: Int
  /// A ring an operator; nil where the network can't stream.
  public var rings: [Ring]?
  /// The streaming state's size; 0 where the network can't stream.
  public var stateByteCount: Int

  /// Plans a network's memory: largest tensors first, each at the lowest place that is free for its lifetime.
  public init(_ network: QuantizedNetwork, frontEnd: FrontEndTables?) {
    let frontEndScratch =
      frontEnd.map {
        FrontEndPlan.scratchByteCount(
          windowSamples: $0.settings.windowSamples, binCount: $0.settings.binCount)
      } ?? 0
    let patches = network.operators.map { operation in
      operation.kind == .convolution ? operation.weights.count / operation.biases.count : 0
    }
    let scratch = Self.aligned(max(frontEndScratch, patches.max() ?? 0))
    scratchByteCount = scratch
    var placements = network.tensors.indices.map { index in
      Placement(
        tensor: index, offset: scratch, byteCount: network.tensors[index].count,
        lifetime: Self.lifetime(of: index, in: network))
    }
    var placed: [Int] = []
    let order = placements.indices.sorted {
      (placements[$1].byteCount, $0) < (placements[$0].byteCount, $1)
    }
    for index in order {
      let rivals = placed.map { placements[$0] }
        .filter { $0.lifetime.overlaps(placements[index].lifetime) }
        .sorted { $0.offset < $1.offset }
      for rival in rivals where placements[index].offset + placements[index].byteCount > rival.offset {
        placements[index].offset = max(placements[index].offset, rival.offset + rival.byteCount)
      }
      placed.append(index)
    }
    self.placements = placements
    arenaByteCount = Self.aligned(placements.map { $0.offset + $0.byteCount }.max() ?? scratch)
    let live = network.operators.indices.map { step in
      placements.filter { $0.lifetime.contains(step) }.reduce(0) { $0 + $1.byteCount }
    }
    lowerBoundByteCount = Self.aligned(scratch + (live.max() ?? 0))
    (rings, stateByteCount) = Self.rings(network, frontEnd: frontEnd)
  }

  private static func lifetime(of tensor: Int, in network: QuantizedNetwork) -> ClosedRange<Int> {
    let writer = network.operators.firstIndex { $0.output == tensor } ?? -1
    let reader = network.operators.lastIndex { $0.input == tensor } ?? writer
    return writer...max(writer, tensor == network.output ? network.operators.count - 1 : reader)
  }

  /// The rings of a chain of unpadded convolutions of stride 1 along time that ends in a dense operator.
  private static func rings(
    _ network: QuantizedNetwork, frontEnd: FrontEndTables?
  ) -> (rings: [Ring]?, stateByteCount: Int) {
    guard let frontEnd, let last = network.operators.last, last.kind == .fullyConnected else {
      return (nil, 0)
    }
    let convolutions = network.operators.dropLast()
    let canStream = convolutions.allSatisfy {
      $0.kind == .convolution && $0.time.stride == 1 && $0.time.paddingBefore == 0
        && $0.time.paddingAfter == 0
    }
    guard canStream else { return (nil, 0) }
    var offset =
      ModelFormat.State.frontEndByteCount(windowSamples: frontEnd.settings.windowSamples)
      + ModelFormat.State.cursorByteCount * network.operators.count
    var rings: [Ring] = []
    for operation in network.operators {
      let shape = network.tensors[operation.input].shape
      let columns = operation.kind == .convolution ? operation.time.reach : shape[0]
      rings.append(Ring(offset: offset, columnCount: columns))
      offset += columns * shape[1] * shape[2]
    }
    return (rings, aligned(offset))
  }

  private static func aligned(_ byteCount: Int) -> Int {
    (byteCount + ModelFormat.alignment - 1) / ModelFormat.alignment * ModelFormat.alignment
  }
}

import QuantInfer
import Support

/// Where the tensors of a whole-window run lie.
package struct ArenaPlan: Equatable, Sendable {
  /// A tensor's place and the operators between which it must be kept.
  package struct Placement: Equatable, Sendable {
    /// The tensor.
    package var tensor: Int
    /// Bytes from the arena's start.
    package var offset: Int
    /// Its size in bytes.
    package var byteCount: Int
    /// The operator that writes it (-1: the caller) and the last one that reads it.
    package var lifetime: ClosedRange<Int>

    /// The bytes that it takes.
    package var bytes: Range<Int> { offset..<offset + byteCount }
  }

  /// The computed tensors' places, in the tensors' order.
  package var placements: [Placement]
  /// The whole arena.
  package var arenaByteCount: Int
  /// The largest set of tensors that are alive at once: the least arena where no output shares bytes with an input.
  package var liveByteCount: Int
  /// The same where each operator's output shares with its inputs what it can: no arena can be smaller.
  package var lowerBoundByteCount: Int

  /// Plans a model's memory: each tensor in turn at the lowest place that is free for its lifetime, in the best of
  /// several orders.
  ///
  /// An output may lie over an input that is read for the last time, as far as `Model.lead` allows.
  ///
  /// - Complexity: O(n^2) in the number of tensors.
  package init(_ model: Model) {
    let conflicts = Conflicts(model)
    let tensors = Array(conflicts.placements.indices)
    var orders = [
      tensors.sorted { conflicts.size($1) < conflicts.size($0) },
      tensors.sorted {
        conflicts.placements[$0].lifetime.lowerBound < conflicts.placements[$1].lifetime.lowerBound
      },
      tensors.sorted {
        conflicts.placements[$0].lifetime.lowerBound > conflicts.placements[$1].lifetime.lowerBound
      },
    ]
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<(tensors.count > 3 ? 200_000 / (tensors.count * tensors.count) : 0) {
      orders.append(tensors.shuffled(using: &generator))
    }
    var best = conflicts.placed(in: orders[0])
    (liveByteCount, lowerBoundByteCount) = conflicts.bounds(operatorCount: model.operatorCount)
    for order in orders.dropFirst().prefix(1000) where best.end > lowerBoundByteCount {
      let candidate = conflicts.placed(in: order)
      if candidate.end < best.end { best = candidate }
    }
    placements = best.placements
    arenaByteCount = Self.aligned(best.end)
  }

  /// The plan that a model already has.
  package init(planned model: Model) {
    let conflicts = Conflicts(model)
    placements = conflicts.placements.map {
      var placement = $0
      placement.offset = model.tensor($0.tensor).byteOffset
      return placement
    }
    arenaByteCount = model.arenaByteCount
    (liveByteCount, lowerBoundByteCount) = conflicts.bounds(operatorCount: model.operatorCount)
  }

  static func aligned(_ byteCount: Int) -> Int {
    (byteCount + ModelFormat.alignment - 1) / ModelFormat.alignment * ModelFormat.alignment
  }
}

/// Which tensors may share memory.
private struct Conflicts {
  /// All computed and variable tensors, not yet placed.
  var placements: [ArenaPlan.Placement] = []
  /// For an output (second) that may lie over an input (first): how many bytes before it must start.
  var leads: [Pair: Int] = [:]

  struct Pair: Hashable {
    var input: Int
    var output: Int
  }

  init(_ model: Model) {
    let last = model.operatorCount - 1
    var lifetimes = [ClosedRange<Int>?](repeating: nil, count: model.tensorCount)
    func touch(_ tensor: Int, at step: Int) {
      let known = lifetimes[tensor] ?? step...step
      lifetimes[tensor] = min(known.lowerBound, step)...max(known.upperBound, step)
    }
    for port in 0..<model.inputCount { touch(model.inputPort(port).tensorIndex, at: -1) }
    for step in 0..<model.operatorCount {
      let plan = model.operatorPlan(step)
      for input in 0..<plan.inputCount { touch(plan.inputIndex(input), at: step) }
      touch(plan.outputIndex, at: step)
    }
    for port in 0..<model.outputCount { touch(model.outputPort(port).tensorIndex, at: last + 1) }
    for tensor in 0..<model.tensorCount {
      let storage = model.tensor(tensor).storage
      guard storage != .constant else { continue }
      let lifetime = storage == .variable ? -1...last + 1 : lifetimes[tensor] ?? -1 ... -1
      placements.append(
        .init(tensor: tensor, offset: 0, byteCount: model.tensor(tensor).byteCount, lifetime: lifetime))
    }
    let places = Dictionary(uniqueKeysWithValues: placements.enumerated().map { ($1.tensor, $0) })
    for step in 0..<model.operatorCount {
      let plan = model.operatorPlan(step)
      guard let output = places[plan.outputIndex], placements[output].lifetime.lowerBound == step else {
        continue
      }
      var forbidden: Set<Int> = []
      for input in 0..<plan.inputCount {
        guard let place = places[plan.inputIndex(input)] else { continue }
        let pair = Pair(input: place, output: output)
        if placements[place].lifetime.upperBound == step, let lead = model.lead(plan, input: input),
          !forbidden.contains(place)
        {
          leads[pair] = max(lead, leads[pair] ?? lead)
        } else {
          forbidden.insert(place)
          leads[pair] = nil
        }
      }
    }
  }

  func size(_ index: Int) -> Int { placements[index].byteCount }

  /// Places the tensors in an order.
  ///
  /// Returns them and where the last byte ends.
  func placed(in order: [Int]) -> (placements: [ArenaPlan.Placement], end: Int) {
    var result = placements
    var placed: [Int] = []
    var end = 0
    for index in order {
      // Each rival allows places up to one and from another one; the lowest place allowed is 0 or one of the latter.
      var limits: [(upTo: Int, from: Int)] = []
      for rival in placed where placements[rival].lifetime.overlaps(placements[index].lifetime) {
        let other = result[rival]
        var (upTo, from) = (other.offset - size(index), other.offset + other.byteCount)
        if let lead = leads[Pair(input: rival, output: index)] { upTo = max(upTo, other.offset - lead) }
        if let lead = leads[Pair(input: index, output: rival)] { from = min(from, other.offset + lead) }
        limits.append((upTo, ArenaPlan.aligned(max(0, from))))
      }
      let candidates = [0] + limits.map(\.from).sorted()
      let offset = candidates.first { place in limits.allSatisfy { place <= $0.upTo || place >= $0.from } }
      result[index].offset = offset ?? ArenaPlan.aligned(end)
      end = max(end, result[index].offset + size(index))
      placed.append(index)
    }
    return (result, end)
  }

  /// The largest set alive at once, without and with sharing between an operator's inputs and output.
  func bounds(operatorCount: Int) -> (live: Int, shared: Int) {
    var (live, shared) = (0, 0)
    for step in -1...operatorCount {
      let alive = placements.indices.filter { placements[$0].lifetime.contains(step) }
      let total = alive.reduce(0) { $0 + size($1) }
      // An output over an input saves at most the bytes that the two have in common.
      let saved = leads.compactMap { pair, lead -> Int? in
        guard alive.contains(pair.input), alive.contains(pair.output),
          placements[pair.output].lifetime.lowerBound == step
        else { return nil }
        let union = max(size(pair.output), lead + size(pair.input), size(pair.input))
        return max(0, size(pair.input) + size(pair.output) - union)
      }
      live = max(live, total)
      shared = max(shared, total - saved.reduce(0, +))
    }
    return (ArenaPlan.aligned(live), ArenaPlan.aligned(shared))
  }
}

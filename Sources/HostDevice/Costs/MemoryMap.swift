import ModelFiles
import QuantInfer

/// What lies where in a device's flash and RAM while a model streams.
package struct MemoryMap: Encodable, Sendable {
  /// Neighbouring bytes with one purpose.
  package struct Part: Encodable, Equatable, Sendable {
    /// What they hold.
    package var name: String
    /// The first byte's place in its region.
    package var offset: Int
    /// Their number.
    package var bytes: Int
    /// The first and the last operator of a whole-window run while which they hold it; null where they always do.
    package var operators: [Int]?

    /// The places of the bytes.
    var range: Range<Int> { offset..<offset + bytes }
  }

  /// Memory that is reserved as a whole.
  package struct Region: Encodable, Equatable, Sendable {
    /// What it is.
    package var name: String
    /// Where it is, and for how long.
    package var place: String
    /// Its size.
    package var bytes: Int
    /// Its parts by their places; those of an arena may share bytes at different times.
    package var parts: [Part]
  }

  /// The regions.
  package var regions: [Region]

  /// The memory of a model that streams.
  ///
  /// - Parameters:
  ///   - loaded: The model.
  ///   - layout: What the monitor keeps; nil for a pipeline alone.
  package init(_ loaded: LoadedModel, _ layout: Monitor.StateLayout?) {
    let model = loaded.model
    let summary = ModelSummary(loaded)
    let names = summary.operations.operators.enumerated().map { "\($0) \($1.name)" }
    func whole(_ name: String, _ place: String, _ bytes: Int) -> Region {
      Region(name: name, place: place, bytes: bytes, parts: [Part(name: name, offset: 0, bytes: bytes)])
    }
    regions = [
      Region(
        name: "model image", place: "flash", bytes: model.byteCount,
        parts: model.imageParts(operatorNames: names)),
      Region(
        name: "streaming state", place: "RAM, kept", bytes: model.stateByteCount,
        parts: model.stateParts(operatorNames: names)),
    ]
    if let patch = loaded.patch {
      regions.append(whole("patch, two slots", "flash", 2 * patch.byteCount))
      regions.append(whole("patched layer's constants", "RAM, kept", patch.bufferByteCount))
    }
    for part in layout?.parts.dropFirst() ?? [] { regions.append(whole(part.name, "RAM, kept", part.bytes)) }
    regions.append(whole("scratch", "RAM, free between calls", model.streamingScratchByteCount))
    regions.append(
      Region(
        name: "arena", place: "RAM, of a whole-window run instead of the rings", bytes: model.arenaByteCount,
        parts: summary.memory.arena.map {
          Part(name: "tensor \($0.tensor)", offset: $0.offset, bytes: $0.bytes, operators: $0.operators)
        }))
    regions.removeAll { $0.bytes == 0 }
  }

  /// The bytes that a device keeps between samples.
  package var keptByteCount: Int {
    regions.filter { $0.place == "RAM, kept" }.reduce(0) { $0 + $1.bytes }
  }
}

extension Monitor.StateLayout {
  /// The parts in the order of their places, the pipeline's state first.
  var parts: [MemoryMap.Part] {
    [
      ("streaming state", pipeline), ("network of beats", beats), ("schedule of decisions", words),
      ("beat detector", detector),
      ("signal watch", quality), ("announcer", announcer), ("rhythm watch", rhythm),
      ("beats' intervals", prior), ("samples of a sleeping network", samples),
    ].map { .init(name: $0, offset: $1.lowerBound, bytes: $1.count) }
  }

  /// The same, the pipeline's state by what lies in it.
  package func parts(of model: Model, operatorNames: [String]) -> [MemoryMap.Part] {
    model.stateParts(operatorNames: operatorNames) + parts.dropFirst().filter { $0.bytes > 0 }
  }
}

extension Model {
  /// The image's parts in the order of their places, without gaps.
  package func imageParts(operatorNames: [String]) -> [MemoryMap.Part] {
    func word(_ place: Int) -> Int {
      (0..<4).reduce(0) { $0 | Int(byte(at: place + $1)) << (8 * $1) }
    }
    typealias Header = ModelFormat.Header
    typealias Field = ModelFormat.Network
    let sections = word(Header.sections)
    // The first section's record is that of the network, as the exporter writes it.
    let network = word(sections + ModelFormat.Section.content)
    var parts = [
      MemoryMap.Part(name: "header", offset: 0, bytes: Header.byteCount),
      .init(
        name: "sections", offset: sections, bytes: word(Header.sectionCount) * ModelFormat.Section.byteCount),
      .init(name: "network", offset: network, bytes: Field.byteCount),
      .init(
        name: "tensors", offset: word(network + Field.tensors),
        bytes: tensorCount * ModelFormat.Tensor.byteCount),
      .init(
        name: "operators", offset: word(network + Field.operators),
        bytes: operatorCount * ModelFormat.Operator.byteCount),
      .init(
        name: "ports", offset: word(network + Field.ports),
        bytes: (inputCount + outputCount) * ModelFormat.Port.byteCount),
    ]
    for kind in [SectionKind.classNames, .provenance, .task] {
      parts.append(.init(name: "texts", offset: section(kind).byteOffset, bytes: section(kind).byteCount))
    }
    if frontEnd != nil {
      parts.append(
        .init(
          name: "front end", offset: word(network + Field.frontEnd), bytes: ModelFormat.FrontEnd.byteCount))
    }
    for (index, name) in operatorNames.enumerated() {
      guard let weights = weightBytes(ofOperator: index) else { continue }
      parts.append(.init(name: "weights of \(name)", offset: weights.lowerBound, bytes: weights.count))
    }
    return parts.filled(to: byteCount, with: "biases, multipliers, tables")
  }

  /// The streaming state's parts in the order of their places, without gaps.
  package func stateParts(operatorNames: [String]) -> [MemoryMap.Part] {
    let leadBytes = ModelFormat.State.frontEndByteCount(windowSamples: frontEnd?.windowSamples ?? 0)
    var parts = (0..<leadCount).flatMap { lead in
      let name = leadCount == 1 ? "" : " of lead \(lead + 1)"
      return [
        MemoryMap.Part(name: "front end's words" + name, offset: lead * leadBytes, bytes: 16),
        .init(name: "samples" + name, offset: lead * leadBytes + 16, bytes: leadBytes - 16),
      ]
    }
    for (index, name) in operatorNames.enumerated() {
      let plan = operatorPlan(index)
      guard plan.ringColumnCount > 0 else { continue }
      parts.append(
        .init(
          name: "columns of \(name)", offset: plan.ringOffset,
          bytes: plan.ringColumnCount * tensor(plan.inputIndex(0)).columnByteCount))
      if plan.hasRunningSums {
        let ringEnd = plan.ringOffset + plan.ringColumnCount * tensor(plan.inputIndex(0)).columnByteCount
        // Only the last ring has sums behind it.
        parts.append(
          .init(name: "running sums of \(name)", offset: ringEnd, bytes: stateByteCount - ringEnd))
      }
    }
    return parts.filled(to: stateByteCount, with: "columns' places")
  }
}

extension [MemoryMap.Part] {
  /// The parts in order, cut to a number of bytes, with others in their gaps; padding of less than 4 bytes goes with
  /// what stands before it.
  fileprivate func filled(to byteCount: Int, with filling: String) -> [MemoryMap.Part] {
    var result: [MemoryMap.Part] = []
    var end = 0
    func fill(to place: Int) {
      if place - end >= 4 || (result.isEmpty && place > end) {
        result.append(.init(name: filling, offset: end, bytes: place - end))
      } else if place > end {
        result[result.count - 1].bytes += place - end
      }
      end = Swift.max(end, place)
    }
    for part in sorted(by: { ($0.offset, $0.bytes) < ($1.offset, $1.bytes) }) {
      fill(to: Swift.min(part.offset, byteCount))
      let last = Swift.min(part.offset + part.bytes, byteCount)
      guard last > end else { continue }
      result.append(.init(name: part.name, offset: end, bytes: last - end))
      end = last
    }
    fill(to: byteCount)
    return result
  }
}

extension [MemoryMap.Part] {
  /// The part in which a byte lies, and the place of its name among the parts' names.
  package func place(ofByte byte: Int) -> (order: Int, name: String)? {
    guard let part = first(where: { $0.range.contains(byte) }) else { return nil }
    return (firstIndex { $0.name == part.name } ?? 0, part.name)
  }
}

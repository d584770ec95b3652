import Networks
import QuantInfer
import Support

/// Writes an image: little-endian numbers, records and constants.
struct ImageWriter {
  var bytes: [UInt8]
  private var sectionsPlace = 0
  private var sectionCount = 0
  /// Where each network's records lie; the last one is being written.
  private var networks: [Places] = []

  private struct Places {
    var record: Int
    var tensors = 0
    var operators = 0
  }

  /// Begins an image, or goes on with one whose header's bytes are there: with the records of a network and of sections.
  init(
    bytes: [UInt8] = [UInt8](repeating: 0, count: ModelFormat.Header.byteCount), networkCount: Int = 1
  ) {
    self.bytes = bytes
    beginNetwork()
    sectionCount = SectionKind.written.count + networkCount - 1
    sectionsPlace = reserve(sectionCount * ModelFormat.Section.byteCount)
  }

  private mutating func beginNetwork() {
    networks.append(Places(record: reserve(ModelFormat.Network.byteCount)))
    put(network: UInt16(1), at: ModelFormat.Network.leadCount)
  }

  /// Begins the second network's record, behind all of the first one.
  mutating func beginSecondNetwork() { beginNetwork() }

  /// Writes all of a network, every tensor at a place of its own.
  mutating func write(
    _ network: QuantizedNetwork, frontEnd: FrontEndTables?, streaming: StreamingPlan?
  ) throws(InvalidNetwork) {
    try checkLimits(network)
    let tensorsPlace = reserve(network.tensors.count * ModelFormat.Tensor.byteCount)
    let operatorsPlace = reserve(network.operators.count * ModelFormat.Operator.byteCount)
    networks[networks.count - 1].tensors = tensorsPlace
    networks[networks.count - 1].operators = operatorsPlace
    let ports = reserve((network.inputs.count + network.outputs.count) * ModelFormat.Port.byteCount)
    let arena = putTensors(network, at: tensorsPlace)
    for (index, port) in (network.inputs + network.outputs).enumerated() {
      put(port, at: ports + index * ModelFormat.Port.byteCount)
    }
    for (index, operation) in network.operators.enumerated() {
      let place = operatorsPlace + index * ModelFormat.Operator.byteCount
      put(operation, of: network, at: place)
      guard let rings = streaming?.rings, index < rings.count else { continue }
      put(UInt32(rings[index].offset), at: place + ModelFormat.Operator.ring)
      put(UInt16(rings[index].columnCount), at: place + ModelFormat.Operator.ringColumnCount)
      put(UInt16(rings[index].hasRunningSums ? 1 : 0), at: place + ModelFormat.Operator.hasRunningSums)
    }
    typealias Field = ModelFormat.Network
    if let frontEnd {
      put(network: UInt32(append(frontEnd)), at: Field.frontEnd)
      put(network: UInt16(frontEnd.settings.leadCount), at: Field.leadCount)
    }
    put(network: UInt32(arena), at: Field.arenaByteCount)
    put(network: UInt32(scratchByteCount(network, frontEnd: frontEnd)), at: Field.scratchByteCount)
    let classCount = network.outputs.first.map { network.tensors[$0.tensor].count } ?? 0
    let state = streaming?.stateByteCount ?? frontEnd?.beatStateByteCount(classCount: classCount) ?? 0
    put(network: UInt32(state), at: Field.stateByteCount)
    put(network: UInt32(tensorsPlace), at: Field.tensors)
    put(network: UInt32(network.tensors.count), at: Field.tensorCount)
    put(network: UInt32(operatorsPlace), at: Field.operators)
    put(network: UInt32(network.operators.count), at: Field.operatorCount)
    put(network: UInt32(ports), at: Field.ports)
    put(network: UInt16(network.inputs.count), at: Field.portCounts)
    put(network: UInt16(network.outputs.count), at: Field.portCounts + 2)
  }

  /// Finishes with texts.
  mutating func finish(_ classNames: [String], _ provenance: Provenance, task: String) {
    finish(
      classNames: Array(classNames.joined(separator: "\n").utf8),
      provenance: Array(provenance.lines.map { "\($0.key)=\($0.value)" }.joined(separator: "\n").utf8),
      task: Array(task.utf8))
  }

  /// Puts a field of the network's record.
  mutating func put(network number: some FixedWidthInteger, at field: Int) {
    put(number, at: networks[networks.count - 1].record + field)
  }

  /// Writes the texts, the sections' records and the header, behind all else.
  mutating func finish(classNames: [UInt8], provenance: [UInt8], task: [UInt8]) {
    typealias Field = ModelFormat.Section
    let second = SectionKind.written.count..<sectionCount
    for (index, kind) in (SectionKind.written + second.map { _ in .network }).enumerated() {
      let place = sectionsPlace + index * Field.byteCount
      let network = second.contains(index) ? 1 : 0
      let (content, count) =
        switch kind {
        case .network: (networks[network].record, ModelFormat.Network.byteCount)
        case .classNames: (append(classNames), classNames.count)
        case .provenance: (append(provenance), provenance.count)
        case .task: (append(task), task.count)
        }
      put(kind.rawValue, at: place + Field.kind)
      put(UInt8(network), at: place + Field.network)
      put(UInt8(kind == .network ? 1 : 0), at: place + Field.isRequired)
      put(UInt32(count == 0 ? 0 : content), at: place + Field.content)
      put(UInt32(count), at: place + Field.contentByteCount)
    }
    pad()
    typealias Header = ModelFormat.Header
    put(ModelFormat.magic, at: Header.magic)
    put(UInt32(ModelFormat.version), at: Header.version)
    put(UInt32(bytes.count), at: Header.imageByteCount)
    put(UInt32(sectionsPlace), at: Header.sections)
    put(UInt32(sectionCount), at: Header.sectionCount)
    seal()
  }

  /// The image as the runtime takes it.
  func loaded(_ network: QuantizedNetwork) throws(InvalidNetwork) -> LoadedModel {
    do throws(ModelError) {
      return try LoadedModel(image: bytes)
    } catch {
      throw InvalidNetwork("\(error.kind.explanation) (\(name(ofPlace: error.byteOffset, in: network)))")
    }
  }

  /// Moves a network's tensors to their planned places.
  mutating func put(_ plan: ArenaPlan, ofNetwork index: Int) {
    let places = networks[index]
    for placement in plan.placements {
      put(
        UInt32(placement.offset),
        at: places.tensors + placement.tensor * ModelFormat.Tensor.byteCount + ModelFormat.Tensor.place)
    }
    put(UInt32(plan.arenaByteCount), at: places.record + ModelFormat.Network.arenaByteCount)
    seal()
  }

  /// The operator or tensor whose record a place lies in, for errors.
  func name(ofPlace place: Int, in network: QuantizedNetwork) -> String {
    let (tensorsPlace, operatorsPlace) = (networks[0].tensors, networks[0].operators)
    let operators = operatorsPlace..<operatorsPlace + network.operators.count * ModelFormat.Operator.byteCount
    if operators.contains(place) {
      let index = (place - operatorsPlace) / ModelFormat.Operator.byteCount
      return "operator \(network.operators[index].sourceIndex), \(network.operators[index].kind.name)"
    }
    let tensors = tensorsPlace..<operatorsPlace
    if tensors.contains(place) {
      return "tensor \(network.tensors[(place - tensorsPlace) / ModelFormat.Tensor.byteCount].sourceIndex)"
    }
    let parameters = network.operators.indices.last { index in
      word(at: operatorsPlace + index * ModelFormat.Operator.byteCount + ModelFormat.Operator.parameters)
        <= place
    }
    return parameters.map { "constants of operator \(network.operators[$0].sourceIndex)" } ?? "byte \(place)"
  }

  private func word(at place: Int) -> Int {
    (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
  }

  private func checkLimits(_ network: QuantizedNetwork) throws(InvalidNetwork) {
    let limit = Int(UInt16.max)
    for operation in network.operators {
      let numbers = [operation.window?.time, operation.window?.frequency].compactMap(\.self).flatMap {
        [$0.kernel, $0.stride, $0.dilation, $0.paddingBefore, $0.paddingAfter]
      }
      guard numbers.allSatisfy({ (0...limit).contains($0) }) else {
        throw InvalidNetwork("a kernel, stride, dilation or padding is beyond an image's limit of 65,535")
      }
    }
    for operation in network.operators {
      guard (operation.packedWeights(of: network)?.groupChannels ?? 0) <= limit else {
        throw InvalidNetwork("a convolution has more than 65,535 input channels in a group")
      }
    }
    guard network.tensors.count <= limit, network.operators.count < ModelFormat.Tensor.firstInput,
      network.inputs.count < ModelFormat.Tensor.firstInput,
      network.tensors.allSatisfy({ $0.shape.count <= ModelFormat.greatestRank })
    else {
      throw InvalidNetwork(
        "there are more than 65,535 tensors or 32,767 operators, or a tensor has more than six dimensions")
    }
    let total = network.tensors.reduce(0) { $0 + $1.byteCount }
    guard total < Int(Int32.max) else { throw InvalidNetwork("the tensors need more than 2 GB") }
  }

  /// Room for two cells of every convolution, for the inputs of small fully connected operators, and for the front end.
  private func scratchByteCount(_ network: QuantizedNetwork, frontEnd: FrontEndTables?) -> Int {
    let kernels = network.operators.map { operation in
      if case .lstm(let lstm) = operation.computation {
        return ModelFormat.LSTM.scratchByteCount(
          inputs: lstm.inputWeights.codes.count / max(1, 4 * lstm.unitCount), units: lstm.unitCount)
      }
      guard let packed = operation.packedWeights(of: network), packed.layout == .blocks else { return 0 }
      let row = 8 * ((packed.inputsPerOutput + 3) / 4)
      guard operation.kind == .fullyConnected else { return 2 * row }
      // Without it the operator takes more instructions, by less the fewer outputs it has; of a beat, fewer.
      if frontEnd?.settings.beats != nil { return 0 }
      return network.tensors[operation.output].shape.last ?? 0 >= 8 && row <= 512 ? row : 0
    }
    return ArenaPlan.aligned(max(16, frontEnd?.scratchByteCount ?? 0, kernels.max() ?? 0))
  }

  /// The tensors' records and constants.
  ///
  /// Returns the size of an arena in which nothing is shared.
  private mutating func putTensors(_ network: QuantizedNetwork, at tensorsPlace: Int) -> Int {
    typealias Field = ModelFormat.Tensor
    var arena = 0
    let writers = TensorWriters(
      inputs: network.inputs.map(\.tensor), outputs: network.operators.map(\.output))
    for (index, tensor) in network.tensors.enumerated() {
      let place = tensorsPlace + index * Field.byteCount
      let storage: TensorStorage =
        tensor.constant != nil ? .constant : tensor.isVariable ? .variable : .computed
      put(tensor.type.rawValue, at: place + Field.elementType)
      put(UInt8(tensor.shape.count), at: place + Field.rank)
      put(storage.rawValue, at: place + Field.storage)
      put(UInt16(tensor.sourceIndex), at: place + Field.sourceIndex)
      put(writers[index], at: place + Field.writer)
      for axis in 0..<ModelFormat.greatestRank {
        put(UInt32(axis < tensor.shape.count ? tensor.shape[axis] : 1), at: place + Field.shape + 4 * axis)
      }
      put(Int32(tensor.zeroPoint), at: place + Field.zeroPoint)
      put(tensor.scale.bitPattern, at: place + Field.scaleBits)
      if let codes = tensor.constant {
        let start = tensor.type == .int8 ? append(codes.map(Int8.init(truncatingIfNeeded:))) : append(codes)
        put(UInt32(start), at: place + Field.place)
      } else {
        put(UInt32(arena), at: place + Field.place)
        arena += ArenaPlan.aligned(tensor.byteCount)
      }
    }
    return arena
  }

  private mutating func put(_ port: QuantizedNetwork.Port, at place: Int) {
    typealias Field = ModelFormat.Port
    put(UInt16(port.tensor), at: place + Field.tensor)
    put((port.boundary?.kind ?? .codes).rawValue, at: place + Field.border)
    put(UInt16(port.boundary?.operatorIndex ?? 0), at: place + Field.operatorIndex)
    put(UInt16(port.boundary?.tensorIndex ?? 0), at: place + Field.tensorIndex)
  }
}

extension ImageWriter {
  mutating func put<Number: FixedWidthInteger>(_ number: Number, at place: Int) {
    withUnsafeBytes(of: number.littleEndian) { bytes.replaceSubrange(place..<place + $0.count, with: $0) }
  }

  /// Six numbers; where there are fewer, others stand in front.
  mutating func put(six numbers: [Int], padding: Int, at place: Int) {
    let all = [Int](repeating: padding, count: ModelFormat.greatestRank - numbers.count) + numbers
    for (index, number) in all.enumerated() { put(Int32(truncatingIfNeeded: number), at: place + 4 * index) }
  }

  mutating func put(_ multiplier: FixedPointMultiplier, at place: Int) {
    put(multiplier.multiplierQ31, at: place)
    put(Int32(multiplier.leftShift), at: place + 4)
  }

  mutating func pad() {
    while bytes.count % ModelFormat.alignment != 0 { bytes.append(0) }
  }

  /// Room for records, at a multiple of the alignment.
  ///
  /// Returns its place.
  mutating func reserve(_ byteCount: Int) -> Int {
    pad()
    bytes += [UInt8](repeating: 0, count: byteCount)
    return bytes.count - byteCount
  }

  /// A table of constants, at a multiple of the alignment.
  ///
  /// Returns its place.
  mutating func append<Number: FixedWidthInteger>(_ numbers: [Number]) -> Int {
    pad()
    let place = bytes.count
    for number in numbers { withUnsafeBytes(of: number.littleEndian) { bytes += $0 } }
    return place
  }

  /// Puts the digest of all else, then the checksum of all else.
  mutating func seal() {
    typealias Header = ModelFormat.Header
    let digest = Header.digest..<Header.digest + Header.digestByteCount
    bytes.replaceSubrange(digest, with: repeatElement(0, count: digest.count))
    put(UInt32(0), at: Header.checksum)
    bytes.replaceSubrange(digest, with: SHA256.digest(bytes))
    put(bytes.withUnsafeBytes { ModelFormat.checksum(of: $0) }, at: Header.checksum)
  }
}

/// Who fills each tensor first, as its record says: see `ModelFormat.Tensor.writer`.
struct TensorWriters {
  private var numbers: [Int: UInt16] = [:]

  /// - Parameters:
  ///   - inputs: The tensors of the network's inputs.
  ///   - outputs: The tensors that the operators write, in order.
  init(inputs: [Int], outputs: [Int]) {
    for (index, tensor) in inputs.enumerated() where numbers[tensor] == nil {
      numbers[tensor] = UInt16(ModelFormat.Tensor.firstInput + index)
    }
    for (index, tensor) in outputs.enumerated() where numbers[tensor] == nil {
      numbers[tensor] = UInt16(index)
    }
  }

  /// A tensor's writer; the greatest number of an input where there is none.
  subscript(tensor: Int) -> UInt16 { numbers[tensor] ?? .max }
}

extension SectionKind {
  /// The sections that the exporter writes.
  static let written: [SectionKind] = [.network, .classNames, .provenance, .task]
}

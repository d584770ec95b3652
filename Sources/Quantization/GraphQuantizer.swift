import Networks
import QuantInfer

/// Brings a float graph to integers, operator by operator.
struct GraphQuantizer {
  /// The codes of a tensor whose codes are given.
  typealias Codes = (scale: Float, zeroPoint: Int)

  let graph: FloatGraph
  let options: QuantizationOptions
  private let observation: Observation
  private let hasWindows: Bool
  private let shared: SharedCodes
  private let moments: [Int: InputMoments]
  private let awareness: QuantizationAwareness?
  /// The integers so far.
  private(set) var network = QuantizedNetwork(tensors: [], operators: [], inputs: [], outputs: [])
  /// For the graph's tensors those in integers.
  private var places: [Int: Int] = [:]
  private var requantized: [Requantization: Int] = [:]
  private var measured: [Measurement: Codes] = [:]

  private struct Measurement: Hashable {
    var tensor: Int
    var type: ElementType
  }

  private struct Requantization: Hashable {
    var tensor: Int
    var type: ElementType
    var scale: Float
    var zeroPoint: Int
  }

  /// Runs the graph on the calibration windows; where it is known which values matter, on these alone.
  ///
  /// - Throws: `InvalidNetwork` where the graph is none, or gives numbers that aren't finite.
  init(
    _ graph: FloatGraph, calibrationWindows: [[Float]], awareness: QuantizationAwareness?,
    options: QuantizationOptions, relevance: Relevance? = nil, mostValues: Int = 1 << 23
  ) throws(InvalidNetwork) {
    let execution = try FloatExecution(graph)
    var observation = Observation(
      of: graph, relevance, windowCount: calibrationWindows.count, mostValues: mostValues)
    let needsInputs = options.correctsBiases || options.rounding == .adaptive
    var moments: [Int: InputMoments] = [:]
    for (index, operation) in graph.operators.enumerated() where needsInputs {
      moments[index] = SumShape(operation, in: graph).map {
        InputMoments(
          $0, hasProducts: options.rounding == .adaptive, mattering: relevance?.tensors[operation.output])
      }
    }
    for (index, window) in calibrationWindows.enumerated() {
      let values = execution.values(ofWindow: window)
      observation.add(values)
      // Products of inputs cost far more than ranges, and settle after fewer windows.
      guard needsInputs, index < InputMoments.mostWindows else { continue }
      for (place, operation) in graph.operators.enumerated() {
        moments[place]?.add(values[operation.inputs[0]])
      }
    }
    for (index, operation) in graph.operators.enumerated() {
      guard observation.values(of: operation.output).allSatisfy(\.isFinite) else {
        throw InvalidNetwork("layer \(index) gives numbers that aren't finite on the calibration windows")
      }
    }
    (self.graph, self.options, self.observation) = (graph, options, observation)
    hasWindows = !calibrationWindows.isEmpty
    (self.moments, self.awareness, shared) = (moments, awareness, SharedCodes(of: graph))
  }

  /// The graph in integers.
  ///
  /// - Parameters:
  ///   - given: The first input's codes; nil where all inputs' ranges are measured.
  ///   - outputCodes: The first output's codes; nil where they are measured.
  /// - Returns: The network in integers.
  /// - Throws: `InvalidNetwork` where an operator can't be in integers of the wanted width.
  mutating func run(given: Codes?, outputCodes: Codes? = nil) throws(InvalidNetwork) -> QuantizedNetwork {
    if let outputCodes, let output = graph.outputs.first {
      measured[Measurement(tensor: shared.leader(of: output), type: .int8)] = outputCodes
    }
    for input in graph.inputs {
      let type = given == nil ? self.type(ofLayer: 0) : .int8
      var codes = given ?? (1, 0)
      if given == nil { codes = try self.codes(of: input, type) }
      network.tensors.append(tensor(input, type, codes))
      network.tensors[network.tensors.count - 1].sourceIndex = input
      places[input] = network.tensors.count - 1
      network.inputs.append(.init(network.tensors.count - 1))
    }
    var layer = 0
    for (index, operation) in graph.operators.enumerated() {
      do throws(InvalidNetwork) {
        if operation.weights != nil {
          try appendSums(operation, index: index, layer: layer)
          layer += 1
        } else {
          try append(operation, index: index)
        }
      } catch {
        throw InvalidNetwork("operator \(index) (\(operation.kind)): \(error.description)")
      }
    }
    network.outputs = graph.outputs.map { .init(places[$0] ?? 0) }
    return network
  }

  private func type(ofLayer layer: Int) -> ElementType {
    options.activationBits(ofLayer: layer) == 16 ? .int16 : .int8
  }

  // MARK: Codes

  /// The measured codes of a tensor, which those share that have the same.
  private mutating func codes(of tensor: Int, _ type: ElementType) throws(InvalidNetwork) -> Codes {
    if let given = graph.tensors[tensor].codes, given.type == type { return (given.scale, given.zeroPoint) }
    let key = Measurement(tensor: shared.leader(of: tensor), type: type)
    if let known = measured[key] { return known }
    if type == .int8, let trained = trainedCodes(ofLeader: key.tensor) { return trained }
    let codes = try measure(key.tensor, type)
    measured[key] = codes
    return codes
  }

  /// The codes that a network was trained for: layers' outputs are the first tensors behind the input.
  private func trainedCodes(ofLeader leader: Int) -> Codes? {
    guard let awareness, !options.equalizesLayers else { return nil }
    let layer = awareness.outputs.indices.first { shared.leader(of: $0 + 1) == leader }
    return layer.map { (awareness.outputs[$0].scale, awareness.outputs[$0].zeroPoint) }
  }

  private func measure(_ leader: Int, _ type: ElementType) throws(InvalidNetwork) -> Codes {
    let members = graph.tensors.indices.filter { shared.leader(of: $0) == leader }
    let given = members.lazy.compactMap { graph.tensors[$0].codes }.first
    if let given, given.type == type { return (given.scale, given.zeroPoint) }
    guard hasWindows else { throw InvalidNetwork("has no codes in the model: give --samples") }
    let computed = Set(graph.operators.filter { !$0.keepsCodes }.map(\.output) + graph.inputs)
    let roots = members.filter(computed.contains)
    var values = (roots.isEmpty ? members : roots).flatMap { observation.values(of: $0) }
    for operation in graph.operators
    where operation.keepsCodes && shared.leader(of: operation.output) == leader {
      values += operation.inputs.flatMap { graph.tensors[$0].constant ?? [] }
      if case .rearrangement(_, let fill?) = operation.computation { values.append(fill) }
    }
    var range = ActivationRange(of: values, method: options.calibration, type: type)
    if members.count == 1, let changing = graph.changingRange(ofTensor: members[0]) {
      range.lowest = max(range.lowest, min(0, changing.lowerBound))
      range.highest = min(range.highest, max(0, changing.upperBound))
    }
    return range.quantization(type)
  }

  func tensor(_ index: Int, _ type: ElementType, _ codes: Codes) -> QuantizedNetwork.Tensor {
    .init(
      name: graph.tensors[index].name, shape: graph.tensors[index].shape, type: type, scale: codes.scale,
      zeroPoint: codes.zeroPoint)
  }

  // MARK: Operators

  /// A convolution or fully connected operator.
  private mutating func appendSums(
    _ operation: FloatGraph.Operator, index: Int, layer: Int
  ) throws(InvalidNetwork) {
    guard let weights = operation.weights, let shape = SumShape(operation, in: graph) else { return }
    let type = type(ofLayer: layer)
    let input = try place(of: operation.inputs[0], as: type)
    let output = appendTensor(operation.output, type, try codes(of: operation.output, type))
    let rounded = RoundedWeights(weights, shape, layer: layer, options, moments: moments[index])
    var packed = rounded.packed(from: network.tensors[input], to: network.tensors[output])
    let target = network.tensors[output]
    if graph.hasCodes, type == .int8 {
      packed.undoRoundingTwice(
        from: network.tensors[input], to: target, limits: target.codes(in: operation.limits))
    }
    let computation: QuantizedNetwork.Computation =
      switch operation.computation {
      case .convolution(let window, _): .convolution(window, packed)
      case .depthwiseConvolution(let window, _): .depthwiseConvolution(window, packed)
      default: .fullyConnected(packed)
      }
    append(operation, index: index, [input], output, computation)
  }

  /// An operator without weights.
  private mutating func append(_ operation: FloatGraph.Operator, index: Int) throws(InvalidNetwork) {
    let first = operation.inputs.first { graph.tensors[$0].constant == nil } ?? operation.inputs[0]
    let type = places[first].map { network.tensors[$0].type } ?? .int8
    let target = try codes(of: operation.output, type)
    var inputs: [Int] = []
    for input in operation.inputs {
      inputs.append(
        operation.keepsCodes ? try place(of: input, as: type, target) : try place(of: input, as: type))
    }
    let sources = inputs.map { network.tensors[$0] }
    let output = appendTensor(operation.output, type, fixedCodes(operation, type) ?? target)
    let result = network.tensors[output]
    let computation: QuantizedNetwork.Computation =
      switch operation.computation {
      case .averagePool(let window): .averagePool(window)
      case .maximumPool(let window): .maximumPool(window)
      case .reshape: .reshape
      case .rearrangement(let blocks, let fill): .rearrangement(blocks, fill: fill.map { result.code($0) })
      case .elementwise(let elementwise):
        .elementwise(try elementwise.quantized(operation.kind, sources[0], sources[1], result))
      case .mean(let mean): .mean(try mean.quantized(sources[0], result))
      case .batchProduct(let product):
        .batchProduct(try product.quantized(sources[0], sources[1], result))
      case .softmax(let beta): .softmax(try .init(of: sources[0], beta: beta))
      case .function(let function): try function.quantized(sources[0], result)
      case .convolution, .depthwiseConvolution, .fullyConnected:
        throw InvalidNetwork("has no weights")
      }
    append(operation, index: index, inputs, output, computation)
    if fixedCodes(operation, type) != nil, graph.tensors[operation.output].codes != nil {
      places[operation.output] = try place(of: operation.output, as: type, target)
    }
  }

  /// The codes that an operator's kernel has by itself.
  private func fixedCodes(_ operation: FloatGraph.Operator, _ type: ElementType) -> Codes? {
    switch (operation.computation, type) {
    case (.softmax, .int8): (1 / 256, -128)
    case (.softmax, .int16), (.function(.logistic), .int16), (.function(.tanh), .int16): (1 / 32_768, 0)
    default: nil
    }
  }

  private mutating func appendTensor(_ index: Int, _ type: ElementType, _ codes: Codes) -> Int {
    network.tensors.append(tensor(index, type, codes))
    network.tensors[network.tensors.count - 1].sourceIndex = index
    places[index] = network.tensors.count - 1
    return network.tensors.count - 1
  }

  private mutating func append(
    _ operation: FloatGraph.Operator, index: Int, _ inputs: [Int], _ output: Int,
    _ computation: QuantizedNetwork.Computation
  ) {
    var quantized = QuantizedNetwork.Operator(
      kind: operation.kind, inputs: inputs, output: output,
      activation: network.tensors[output].codes(in: operation.limits), computation: computation)
    quantized.sourceIndex = index
    network.operators.append(quantized)
  }

  // MARK: Other codes

  /// A tensor in integers of a type, in certain codes where they are given; a constant becomes integers here.
  private mutating func place(
    of index: Int, as type: ElementType, _ codes: Codes? = nil
  ) throws(InvalidNetwork) -> Int {
    guard let place = places[index], graph.tensors[index].constant == nil else {
      let values = graph.tensors[index].constant ?? []
      let measured = ActivationRange(of: values, method: .minmax, type: type).quantization(type)
      var constant = tensor(index, type, codes ?? measured)
      constant.constant = values.map { Int16(constant.code($0)) }
      constant.sourceIndex = index
      network.tensors.append(constant)
      return network.tensors.count - 1
    }
    let source = network.tensors[place]
    if source.type == type, codes.map({ $0 == (source.scale, source.zeroPoint) }) ?? true { return place }
    var wanted = codes ?? (0, 0)
    if codes == nil {
      wanted = type == .int16 ? (source.scale / 128, 0) : try self.codes(of: index, type)
    }
    let key = Requantization(tensor: place, type: type, scale: wanted.scale, zeroPoint: wanted.zeroPoint)
    if let done = requantized[key] { return done }
    var target = QuantizedNetwork.Tensor(
      name: "\(source.name), \(type == .int16 ? "int16" : "int8")", shape: source.shape, type: type,
      scale: wanted.scale, zeroPoint: wanted.zeroPoint)
    target.sourceIndex = source.sourceIndex
    network.tensors.append(target)
    let computation: QuantizedNetwork.Computation
    if source.type == .int8 {
      // To 128 times finer steps of int16, so that nothing is lost, or to the nearest codes.
      computation = .lookup((-128...127).map { Int16(target.code(source.real($0))) })
    } else {
      let factor = FixedPointMultiplier(real: Double(source.scale) / Double(target.scale))
      computation = .rescaling(.init(multiplier: factor, negativeMultiplier: factor))
    }
    network.operators.append(
      .init(
        kind: .quantize, inputs: [place], output: network.tensors.count - 1, activation: type.codes,
        computation: computation))
    requantized[key] = network.tensors.count - 1
    return network.tensors.count - 1
  }
}

extension FloatGraph {
  /// The values of a tensor that matter to the functions that alone read it; nil where others read it.
  package func changingRange(ofTensor tensor: Int) -> ClosedRange<Float>? {
    guard !outputs.contains(tensor) else { return nil }
    var range: ClosedRange<Float>?
    for operation in operators where operation.inputs.contains(tensor) {
      guard case .function(let function) = operation.computation else { return nil }
      let other = function.changingRange
      range =
        range.map { min($0.lowerBound, other.lowerBound)...max($0.upperBound, other.upperBound) } ?? other
    }
    return range
  }
}

extension FloatGraph.Operator {
  /// What the output is limited to: by the fused activation, or by being a limit itself.
  fileprivate var limits: ClosedRange<Float> {
    if case .function(.clamp(let range)) = computation { range } else { activation }
  }
}

extension QuantizedNetwork.Tensor {
  /// The codes of real numbers in a range.
  fileprivate func codes(in range: ClosedRange<Float>) -> ClosedRange<Int> {
    let least = range.lowerBound == -.infinity ? type.codes.lowerBound : code(range.lowerBound)
    let greatest = range.upperBound == .infinity ? type.codes.upperBound : code(range.upperBound)
    return least...max(least, greatest)
  }
}

extension RoundedWeights {
  /// The weights with biases on the grid of the products, and what turns sums into codes.
  fileprivate func packed(
    from source: QuantizedNetwork.Tensor, to target: QuantizedNetwork.Tensor
  ) -> QuantizedNetwork.Weights {
    let limit = source.type == .int16 ? 0x1p38 : 0x1p30
    let codes = zip(biases, scales).map { bias, scale in
      let code = (bias / (Double(source.scale) * Double(scale))).rounded()
      return Int64(max(-limit, min(limit, code)))
    }
    var packed = QuantizedNetwork.Weights(
      codes: self.codes, biases: codes, scales: scales, inputScale: source.scale, outputScale: target.scale)
    packed.bits = bits
    packed.accumulatorBits = source.type == .int16 ? 64 : 32
    return packed
  }
}

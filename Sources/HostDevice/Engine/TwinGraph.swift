import ModelFiles
import Networks
import QuantInfer

/// An image and its float twin, operator by operator: any operator can be run in integers by the runtime or in float.
///
/// An instance owns its memory and serves one thread at a time.
package final class TwinGraph {
  /// A pair of operators that compute the same.
  package struct Layer {
    /// The operator in the image.
    var integer: Int
    /// The operator in the float graph.
    package var float: Int
    /// What reports call it.
    package var name: String
  }

  package let loaded: LoadedModel
  /// Runs the float graph.
  package let float: FloatExecution
  /// The pairs, in order.
  package let layers: [Layer]
  /// For each of the image's tensors the float tensor that it stands for.
  private let twins: [Int: Int]
  private var engine: RunningEngine

  /// Pairs operators.
  ///
  /// - Throws: `NotConvertible` where the float graph has other operators, or other shapes.
  package init(_ loaded: LoadedModel, _ graph: FloatGraph) throws(NotConvertible) {
    self.loaded = loaded
    let (graph, pairing) = try Self.matched(loaded, graph)
    (twins, layers) = (pairing.twins, pairing.layers)
    do throws(InvalidNetwork) {
      float = try FloatExecution(graph.equalized(like: loaded, layers: layers))
    } catch {
      throw NotConvertible(problem: "the float twin's \(error.description)")
    }
    engine = RunningEngine(loaded)
  }

  private typealias Pairing = (twins: [Int: Int], layers: [Layer])

  /// The float graph as it is, or with chains of functions as one each, whichever the image has.
  private static func matched(
    _ loaded: LoadedModel, _ graph: FloatGraph
  ) throws(NotConvertible) -> (FloatGraph, Pairing) {
    do throws(NotConvertible) {
      return (graph, try paired(loaded, graph))
    } catch {
      let composed = graph.composed()
      guard composed != graph, let pairing = try? paired(loaded, composed) else { throw error }
      return (composed, pairing)
    }
  }

  /// The image's operators beside those of the float graph that compute the same, in order.
  private static func paired(
    _ loaded: LoadedModel, _ graph: FloatGraph
  ) throws(NotConvertible) -> Pairing {
    let model = loaded.model
    guard model.inputCount == 1, model.outputCount == 1 else {
      throw NotConvertible(problem: "the model hasn't just one input and one output")
    }
    var twins = [model.inputPort(0).tensorIndex: graph.inputs[0]]
    var layers: [Layer] = []
    var next = 0
    for index in 0..<model.operatorCount {
      let plan = model.operatorPlan(index)
      let sources = (0..<plan.inputCount).map(plan.inputIndex).filter {
        model.tensor($0).storage == .computed
      }
      let known = sources.compactMap { twins[$0] }
      guard let kind = plan.kind, let twin = known.first, known.count == sources.count else {
        throw NotConvertible(operatorIndex: index, problem: "reads what has no float twin")
      }
      while next < graph.operators.count, kind != .reshape, graph.operators[next].kind == .reshape {
        next += 1
      }
      let operation = next < graph.operators.count ? graph.operators[next] : nil
      let isPair = operation.map { operation in
        (operation.kind == kind || Set([operation.kind, kind]) == [.mean, .averagePool])
          && graph.tensors[operation.output].count == model.tensor(plan.outputIndex).count
          && zip(operation.inputs.filter { graph.tensors[$0].constant == nil }, known).allSatisfy {
            graph.tensors[$0].count == graph.tensors[$1].count
          }
      }
      if kind == .quantize || kind == .reshape,
        isPair != true || kind == .reshape || !(operation?.inputs.contains(twin) ?? false)
      {
        // The same values in other codes, or under another name.
        twins[plan.outputIndex] = twin
        if kind == .reshape, let operation, operation.kind == .reshape {
          twins[plan.outputIndex] = operation.output
          next += 1
        }
        continue
      }
      guard isPair == true, let operation else {
        throw NotConvertible(
          operatorIndex: index, operatorName: kind.name,
          problem: "isn't in the float twin at the same place and with the same shape")
      }
      let name = graph.tensors[operation.output].name
      layers.append(
        Layer(
          integer: index, float: next, name: name.isEmpty || name.count > 24 ? "\(kind.name) \(index)" : name)
      )
      twins[plan.outputIndex] = operation.output
      next += 1
    }
    guard !layers.isEmpty, graph.operators[next...].allSatisfy({ $0.kind == .reshape }) else {
      throw NotConvertible(problem: "the float twin has more operators")
    }
    return (twins, layers)
  }

  /// The values of all of the image's tensors after a run: real numbers, and codes where integers computed them.
  package struct Run {
    /// Real numbers, by the image's tensor.
    package var reals: [Int: [Float]]
    /// Codes, by the image's tensor.
    package var codes: [Int: [Int16]]
  }

  /// Runs the network with some layers in float and the others in integers.
  ///
  /// Where an integer layer follows a float one, it reads the nearest codes.
  ///
  /// - Parameters:
  ///   - input: The input in float; codes' real numbers where `codes` are given.
  ///   - codes: The input in codes.
  ///   - isFloat: Whether layer `n` runs in float.
  /// - Returns: All tensors.
  package func run(_ input: [Float], codes: [Int16]?, isFloat: (Int) -> Bool) -> Run {
    let model = loaded.model
    let place = model.inputPort(0).tensorIndex
    var run = Run(reals: [place: input], codes: codes.map { [place: $0] } ?? [:])
    var floats: [Int: [Float]] = [:]
    var next = 0
    for index in 0..<model.operatorCount {
      let plan = model.operatorPlan(index)
      let source = plan.inputIndex(0)
      let isPair = next < layers.count && layers[next].integer == index
      let layer = next
      if isPair { next += 1 }
      if isPair, isFloat(layer) {
        let output = float.output(ofOperator: layers[layer].float, inputs(of: index) { run.reals[$0] ?? [] })
        run.reals[plan.outputIndex] = output
        floats[plan.outputIndex] = output
      } else if !isPair, run.codes[source] == nil, let reals = floats[source] {
        // Nothing needs codes between two float layers.
        run.reals[plan.outputIndex] = reals
        floats[plan.outputIndex] = reals
      } else {
        let codes = inputs(of: index) { tensor in
          run.codes[tensor] ?? (run.reals[tensor] ?? []).map { model.tensor(tensor).code(of: $0) }
        }
        let output = compute(index, codes)
        run.codes[plan.outputIndex] = output
        run.reals[plan.outputIndex] = output.map { model.tensor(plan.outputIndex).real(of: $0) }
      }
    }
    return run
  }

  /// An operator's inputs, of the image's tensors; nil for those that are constant.
  package func inputs<Values>(of index: Int, _ values: (Int) -> Values) -> [Values?] {
    let plan = loaded.model.operatorPlan(index)
    return (0..<plan.inputCount).map { place in
      let tensor = plan.inputIndex(place)
      return loaded.model.tensor(tensor).storage == .computed ? values(tensor) : nil
    }
  }

  /// An operator's output codes for input codes, by the runtime.
  func compute(_ index: Int, _ inputs: [[Int16]?]) -> [Int16] {
    let plan = loaded.model.operatorPlan(index)
    for (place, codes) in inputs.enumerated() {
      if let codes { engine.window.fill(loaded.model.tensor(plan.inputIndex(place)), codes) }
    }
    engine.window.runOperator(index)
    return engine.window.codes(loaded.model.tensor(plan.outputIndex))
  }

  /// The image's tensor that holds a layer's output.
  package func output(of layer: Int) -> Int { loaded.model.operatorPlan(layers[layer].integer).outputIndex }
  /// A layer's inputs, of the image's tensors; nil for those that are constant.
  package func inputs<Values>(of layer: Layer, _ values: (Int) -> Values) -> [Values?] {
    inputs(of: layer.integer, values)
  }
  /// The float graph.
  package var graph: FloatGraph { float.graph }
  /// The float tensor that holds a layer's output.
  package func floatOutput(of layer: Int) -> Int { graph.operators[layers[layer].float].output }
}

extension WholeWindow {
  /// Fills a tensor.
  package borrowing func fill(_ tensor: Tensor, _ codes: some Collection<Int16>) {
    switch tensor.type {
    case .int8:
      let place: UnsafeMutableBufferPointer<Int8> = self.codes(of: tensor)
      for (index, code) in codes.enumerated() { place[index] = Int8(truncatingIfNeeded: code) }
    case .int16:
      _ = (self.codes(of: tensor) as UnsafeMutableBufferPointer<Int16>).update(fromContentsOf: codes)
    }
  }

  /// A tensor's codes, of whichever type.
  package borrowing func codes(_ tensor: Tensor) -> [Int16] {
    switch tensor.type {
    case .int8: (codes(of: tensor) as UnsafeMutableBufferPointer<Int8>).map { Int16($0) }
    case .int16: Array(codes(of: tensor) as UnsafeMutableBufferPointer<Int16>)
    }
  }
}

extension Tensor {
  /// The real number of a step between two codes.
  package var step: Float { Float(bitPattern: scaleBits) }
  /// A code's real number.
  package func real(of code: Int16) -> Float { step * Float(Int32(code) - zeroPoint) }
  /// The code nearest to a real number, ties away from zero; the lowest for NaN.
  package func code(of real: Float) -> Int16 {
    let code = (real / step).rounded(.toNearestOrAwayFromZero) + Float(zeroPoint)
    guard !code.isNaN else { return Int16(type.codes.lowerBound) }
    return Int16(max(Float(type.codes.lowerBound), min(Float(type.codes.upperBound), code)))
  }
}

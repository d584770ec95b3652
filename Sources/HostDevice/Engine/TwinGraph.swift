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
    do throws(InvalidNetwork) {
      float = try FloatExecution(graph)
    } catch {
      throw NotConvertible(problem: "the float twin's \(error.description)")
    }
    let model = loaded.model
    guard model.inputCount == 1, model.outputCount == 1 else {
      throw NotConvertible(problem: "the model hasn't just one input and one output")
    }
    var twins = [model.inputPort(0).tensorIndex: 0]
    var layers: [Layer] = []
    var next = 0
    for index in 0..<model.operatorCount {
      let plan = model.operatorPlan(index)
      let source = plan.inputIndex(0)
      guard let kind = plan.kind, let twin = twins[source] else {
        throw NotConvertible(operatorIndex: index, problem: "reads what has no float twin")
      }
      if kind == .quantize || kind == .reshape {
        // The same values in other codes, or under another name.
        twins[plan.outputIndex] = twin
        if kind == .reshape, next < graph.operators.count, graph.operators[next].kind == .reshape {
          twins[plan.outputIndex] = graph.operators[next].output
          next += 1
        }
        continue
      }
      while next < graph.operators.count, graph.operators[next].kind == .reshape { next += 1 }
      guard next < graph.operators.count, graph.operators[next].kind == kind,
        graph.tensors[graph.operators[next].output].count == model.tensor(plan.outputIndex).count,
        graph.tensors[graph.operators[next].inputs[0]].count == graph.tensors[twin].count
      else {
        throw NotConvertible(
          operatorIndex: index, operatorName: kind.name,
          problem: "isn't in the float twin at the same place and with the same shape")
      }
      let output = graph.operators[next].output
      let name = graph.tensors[output].name
      layers.append(
        Layer(
          integer: index, float: next, name: name.isEmpty || name.count > 24 ? "\(kind.name) \(index)" : name)
      )
      twins[plan.outputIndex] = output
      next += 1
    }
    guard !layers.isEmpty, next == graph.operators.count else {
      throw NotConvertible(problem: "the float twin has more operators")
    }
    (self.twins, self.layers) = (twins, layers)
    engine = RunningEngine(loaded)
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
        let output = float.output(ofOperator: layers[layer].float, run.reals[source] ?? [])
        run.reals[plan.outputIndex] = output
        floats[plan.outputIndex] = output
      } else if !isPair, run.codes[source] == nil, let reals = floats[source] {
        // Nothing needs codes between two float layers.
        run.reals[plan.outputIndex] = reals
        floats[plan.outputIndex] = reals
      } else {
        let tensor = model.tensor(source)
        let codes = run.codes[source] ?? (run.reals[source] ?? []).map { tensor.code(of: $0) }
        let output = compute(index, codes)
        run.codes[plan.outputIndex] = output
        run.reals[plan.outputIndex] = output.map { model.tensor(plan.outputIndex).real(of: $0) }
      }
    }
    return run
  }

  /// An operator's output codes for input codes, by the runtime.
  func compute(_ index: Int, _ input: [Int16]) -> [Int16] {
    let plan = loaded.model.operatorPlan(index)
    engine.window.fill(loaded.model.tensor(plan.inputIndex(0)), input)
    engine.window.runOperator(index)
    return engine.window.codes(loaded.model.tensor(plan.outputIndex))
  }

  /// The image's tensor that holds a layer's output.
  package func output(of layer: Int) -> Int { loaded.model.operatorPlan(layers[layer].integer).outputIndex }
  /// The image's tensor that a layer reads.
  package func input(of layer: Int) -> Int { loaded.model.operatorPlan(layers[layer].integer).inputIndex(0) }
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

import QuantInfer

/// A float network as a graph of operators over whole windows: batch normalization is folded into its weights.
///
/// `FloatExecution` runs it. It is the twin that an integer network's layers are compared with, one by one.
package struct FloatGraph: Equatable, Sendable {
  /// A tensor: what it is called and its dimensions, outermost first.
  package struct Tensor: Equatable, Sendable {
    /// A name for tables.
    package var name: String
    /// The dimensions.
    package var shape: [Int]
    /// A constant's values; nil for a tensor that is given or computed.
    package var constant: [Float]?
    /// The codes that the source model says it has in integers; nil where it says nothing.
    package var codes: Codes?

    /// Creates a tensor's description.
    package init(name: String, shape: [Int], constant: [Float]? = nil) {
      (self.name, self.shape, self.constant) = (name, shape, constant)
    }

    /// The number of values.
    package var count: Int { shape.reduce(1, *) }
    /// The length of the last dimension.
    package var channelCount: Int { shape.last ?? 1 }
  }

  /// How a tensor's codes stand for real numbers.
  package struct Codes: Equatable, Sendable {
    /// The codes' type.
    package var type: ElementType
    /// Real = scale * (code - zeroPoint).
    package var scale: Float
    /// The code of real 0.
    package var zeroPoint: Int

    /// Creates codes.
    package init(type: ElementType, scale: Float, zeroPoint: Int) {
      (self.type, self.scale, self.zeroPoint) = (type, scale, zeroPoint)
    }
  }

  /// Weights in the order of `QuantizedNetwork.Computation`, and a bias an output channel.
  package struct Weights: Equatable, Sendable {
    /// A scale an output channel, of which the weights are whole multiples; nil where the source model has no codes.
    package var scales: [Float]?
    /// The weights.
    package var values: [Float]
    /// The biases.
    package var biases: [Float]

    /// Creates weights.
    package init(values: [Float], biases: [Float]) {
      self.values = values
      self.biases = biases
    }
  }

  /// What an operator computes.
  package enum Computation: Equatable, Sendable {
    /// CONV_2D.
    case convolution(QuantizedNetwork.Window, Weights)
    /// DEPTHWISE_CONV_2D.
    case depthwiseConvolution(QuantizedNetwork.Window, Weights)
    /// FULLY_CONNECTED.
    case fullyConnected(Weights)
    /// AVERAGE_POOL_2D, over the cells that are there.
    case averagePool(QuantizedNetwork.Window)
    /// MAX_POOL_2D.
    case maximumPool(QuantizedNetwork.Window)
    /// SOFTMAX along the last dimension.
    case softmax(beta: Float)
    /// RESHAPE.
    case reshape
    /// ADD, SUB, MUL, MAXIMUM, MINIMUM: the operator's kind says which; the multipliers are not used.
    case elementwise(QuantizedNetwork.Elementwise)
    /// PAD, TRANSPOSE, STRIDED_SLICE, CONCATENATION: copies between strided places, after the fill where there is one.
    case rearrangement([QuantizedNetwork.Block], fill: Float?)
    /// MEAN; the multiplier is not used.
    case mean(QuantizedNetwork.Mean)
    /// BATCH_MATMUL; the multiplier is not used.
    case batchProduct(QuantizedNetwork.BatchProduct)
    /// A function of each value alone.
    case function(FloatFunction)
  }

  /// An operator.
  package struct Operator: Equatable, Sendable {
    /// What it is called.
    package var kind: OperatorKind
    /// The tensors that it reads; its weights aren't among them.
    package var inputs: [Int]
    /// The tensor that it writes.
    package var output: Int
    /// What the fused activation allows.
    package var activation: ClosedRange<Float>
    /// What it computes.
    package var computation: Computation

    /// Creates an operator.
    package init(
      kind: OperatorKind, inputs: [Int], output: Int, activation: ClosedRange<Float> = FloatGraph.everything,
      computation: Computation
    ) {
      (self.kind, self.inputs, self.output) = (kind, inputs, output)
      (self.activation, self.computation) = (activation, computation)
    }

    /// The weights and biases; nil for an operator without.
    package var weights: Weights? {
      switch computation {
      case .convolution(_, let weights), .depthwiseConvolution(_, let weights), .fullyConnected(let weights):
        weights
      case .averagePool, .maximumPool, .softmax, .reshape, .elementwise, .rearrangement, .mean, .batchProduct,
        .function:
        nil
      }
    }
  }

  /// What an operator without a fused activation allows.
  package static let everything = -Float.infinity...Float.infinity

  /// The tensors.
  package var tensors: [Tensor]
  /// The operators in order.
  package var operators: [Operator]
  /// The tensors that are given: a window is their values, one tensor after the other.
  package var inputs: [Int]
  /// The tensors that are the results, where they aren't what the last operator writes.
  private var chosenOutputs: [Int]?

  /// Creates a graph.
  ///
  /// - Parameters:
  ///   - tensors: The tensors.
  ///   - operators: The operators in order.
  ///   - inputs: The tensors that are given.
  ///   - outputs: The results; nil for what the last operator writes.
  package init(tensors: [Tensor], operators: [Operator], inputs: [Int] = [0], outputs: [Int]? = nil) {
    (self.tensors, self.operators) = (tensors, operators)
    (self.inputs, chosenOutputs) = (inputs, outputs)
  }

  /// The tensors that are the results.
  package var outputs: [Int] { chosenOutputs ?? operators.last.map { [$0.output] } ?? [] }

  /// Whether the source model gives some tensors codes.
  package var hasCodes: Bool { tensors.contains { $0.codes != nil } }

  /// The number of values of a window: of all inputs.
  package var windowCount: Int { inputs.reduce(0) { $0 + tensors[$1].count } }

  /// Checks that every operator reads what is there by then, and that all parameters are finite.
  ///
  /// - Throws: `InvalidNetwork` where that isn't so.
  package func validate() throws(InvalidNetwork) {
    guard !operators.isEmpty, inputs.allSatisfy(tensors.indices.contains), Set(inputs).count == inputs.count
    else { throw InvalidNetwork("\(operators.count) operators have \(tensors.count) tensors") }
    var isThere = tensors.map { $0.constant != nil }
    for (index, tensor) in tensors.enumerated() {
      guard let constant = tensor.constant else { continue }
      guard constant.count == tensor.count, constant.allSatisfy(\.isFinite) else {
        throw InvalidNetwork("constant \(index) has a value that isn't finite, or not one for each place")
      }
    }
    for input in inputs { isThere[input] = true }
    for (index, operation) in operators.enumerated() {
      guard !operation.inputs.isEmpty, tensors.indices.contains(operation.output),
        operation.inputs.allSatisfy({ tensors.indices.contains($0) && isThere[$0] }),
        !isThere[operation.output]
      else { throw InvalidNetwork("layer \(index) reads what no earlier one writes") }
      isThere[operation.output] = true
      if let weights = operation.weights {
        guard weights.values.allSatisfy(\.isFinite), weights.biases.allSatisfy(\.isFinite) else {
          throw InvalidNetwork("layer \(index) has a parameter that isn't finite")
        }
      }
    }
    guard outputs.allSatisfy({ tensors.indices.contains($0) && isThere[$0] }) else {
      throw InvalidNetwork("no operator writes the result")
    }
  }
}

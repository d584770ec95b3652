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

    /// Creates a tensor's description.
    package init(name: String, shape: [Int]) {
      self.name = name
      self.shape = shape
    }

    /// The number of values.
    package var count: Int { shape.reduce(1, *) }
    /// The length of the last dimension.
    package var channelCount: Int { shape.last ?? 1 }
  }

  /// Weights in the order of `QuantizedNetwork.Computation`, and a bias an output channel.
  package struct Weights: Equatable, Sendable {
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
      case .averagePool, .maximumPool, .softmax, .reshape: nil
      }
    }
  }

  /// What an operator without a fused activation allows.
  package static let everything = -Float.infinity...Float.infinity

  /// The tensors; the first one is the input.
  package var tensors: [Tensor]
  /// The operators in order, operator `n` writing tensor `n + 1`; the last one writes the output.
  package var operators: [Operator]

  /// Creates a graph.
  package init(tensors: [Tensor], operators: [Operator]) {
    (self.tensors, self.operators) = (tensors, operators)
  }

  /// Checks that every operator reads what is there by then, and that all parameters are finite.
  ///
  /// - Throws: `InvalidNetwork` where that isn't so.
  package func validate() throws(InvalidNetwork) {
    guard !operators.isEmpty, tensors.count == operators.count + 1 else {
      throw InvalidNetwork("\(operators.count) operators have \(tensors.count) tensors")
    }
    for (index, operation) in operators.enumerated() {
      guard !operation.inputs.isEmpty, operation.inputs.allSatisfy((0...index).contains),
        operation.output == index + 1
      else { throw InvalidNetwork("layer \(index) reads what no earlier one writes") }
      if let weights = operation.weights {
        guard weights.values.allSatisfy(\.isFinite), weights.biases.allSatisfy(\.isFinite) else {
          throw InvalidNetwork("layer \(index) has a parameter that isn't finite")
        }
      }
    }
  }
}

import QuantInfer

/// A network in integers, before its places in memory are planned.
///
/// Shapes list the outermost dimension first. An ECG network's are `[1, time, frequency, channel]`; this project's
/// own networks have one frequency row and the spectrogram's bins as channels.
package struct QuantizedNetwork: Equatable, Sendable {
  /// The tensors.
  package var tensors: [Tensor]
  /// The operators in order of execution.
  package var operators: [Operator]
  /// What the caller fills.
  package var inputs: [Port]
  /// What the caller reads.
  package var outputs: [Port]

  /// Creates a network.
  package init(tensors: [Tensor], operators: [Operator], inputs: [Port], outputs: [Port]) {
    (self.tensors, self.operators, self.inputs, self.outputs) = (tensors, operators, inputs, outputs)
  }

  /// Creates a network of one input and one output.
  package init(tensors: [Tensor], operators: [Operator], input: Int, output: Int) {
    self.init(tensors: tensors, operators: operators, inputs: [Port(input)], outputs: [Port(output)])
  }
}

extension QuantizedNetwork {
  /// A tensor: its shape and how its codes stand for real numbers.
  package struct Tensor: Equatable, Sendable {
    /// A name for tables.
    package var name: String
    /// The dimensions, outermost first: at most six.
    package var shape: [Int]
    /// The codes' type.
    package var type: ElementType
    /// Real = scale * (code - zeroPoint).
    package var scale: Float
    /// The code of real 0.
    package var zeroPoint: Int
    /// A constant's codes; nil for a tensor that is computed.
    package var constant: [Int16]?
    /// Whether it keeps its codes between runs; a new run of samples starts with the zero point everywhere.
    package var isVariable = false
    /// Its index in the model that the network was imported from.
    package var sourceIndex = 0

    /// Creates a tensor's description.
    package init(
      name: String, shape: [Int], type: ElementType = .int8, scale: Float, zeroPoint: Int
    ) {
      (self.name, self.shape, self.type) = (name, shape, type)
      (self.scale, self.zeroPoint) = (scale, zeroPoint)
    }

    /// The number of codes.
    package var count: Int { shape.reduce(1, *) }
    /// The size in bytes.
    package var byteCount: Int { count * type.byteCount }
    /// A code's real number.
    package func real(_ code: Int) -> Float { scale * Float(code - zeroPoint) }
    /// The code nearest to a real number, ties away from zero.
    package func code(_ real: Float) -> Int {
      let code = (real / scale).rounded() + Float(zeroPoint)
      return Int(max(Float(type.codes.lowerBound), min(Float(type.codes.upperBound), code)))
    }
  }

  /// A tensor at the network's border.
  package struct Port: Equatable, Sendable {
    /// The tensor.
    package var tensor: Int
    /// What stands between the caller's values and the codes; nil where they are the same.
    package var boundary: Boundary?

    /// Creates a port.
    package init(_ tensor: Int, _ boundary: Boundary? = nil) {
      (self.tensor, self.boundary) = (tensor, boundary)
    }
  }

  /// What the source model has between the caller's tensor and the network's first or last codes.
  package struct Boundary: Equatable, Sendable {
    /// What the caller's values are.
    package var kind: PortBorder
    /// The index in the source model of the operator there.
    package var operatorIndex: Int
    /// The index in the source model of the tensor that it writes.
    package var tensorIndex: Int

    /// Creates a boundary.
    package init(_ kind: PortBorder, operatorIndex: Int, tensorIndex: Int) {
      (self.kind, self.operatorIndex, self.tensorIndex) = (kind, operatorIndex, tensorIndex)
    }
  }

  /// An operator.
  package struct Operator: Equatable, Sendable {
    /// What it is called.
    package var kind: OperatorKind
    /// The tensors that it reads; its weights aren't among them.
    package var inputs: [Int]
    /// The tensor that it writes.
    package var output: Int
    /// The output codes that the fused activation allows.
    package var activation: ClosedRange<Int>
    /// What it computes.
    package var computation: Computation
    /// Its index in the model that the network was imported from.
    package var sourceIndex = 0

    /// Creates an operator.
    package init(
      kind: OperatorKind, inputs: [Int], output: Int, activation: ClosedRange<Int>, computation: Computation
    ) {
      (self.kind, self.inputs, self.output) = (kind, inputs, output)
      (self.activation, self.computation) = (activation, computation)
    }

    /// Creates a CONV_2D.
    package static func convolution(
      from input: Int, to output: Int, window: Window, weights: Weights,
      activation: ClosedRange<Int> = -128...127
    ) -> Operator {
      Operator(
        kind: .convolution, inputs: [input], output: output, activation: activation,
        computation: .convolution(window, weights))
    }

    /// Creates a FULLY_CONNECTED.
    package static func fullyConnected(
      from input: Int, to output: Int, weights: Weights, activation: ClosedRange<Int> = -128...127
    ) -> Operator {
      Operator(
        kind: .fullyConnected, inputs: [input], output: output, activation: activation,
        computation: .fullyConnected(weights))
    }
  }

  /// What an operator computes, with all its constants.
  package enum Computation: Equatable, Sendable {
    /// CONV_2D over `[batch, time, frequency, channel]`.
    ///
    /// Weights `[output channel, kernel time, kernel frequency, input channel of the group]`.
    case convolution(Window, Weights)
    /// DEPTHWISE_CONV_2D: output channel o reads input channel o / multiplier.
    ///
    /// Weights `[kernel time, kernel frequency, output channel]`.
    case depthwiseConvolution(Window, Weights)
    /// FULLY_CONNECTED over rows of as many codes as the weights' second dimension.
    ///
    /// Weights `[output channel, input]`.
    case fullyConnected(Weights)
    /// AVERAGE_POOL_2D: the codes' mean, half away from zero; padding doesn't count.
    case averagePool(Window)
    /// MAX_POOL_2D.
    case maximumPool(Window)
    /// ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, PRELU, SQUARED_DIFFERENCE.
    case elementwise(Elementwise)
    /// RESHAPE: the same codes in the same order.
    case reshape
    /// PAD, TRANSPOSE, CONCATENATION, SPLIT, TILE and all else that moves codes: copies between strided places.
    ///
    /// Where there is a fill, all of the output gets it first.
    case rearrangement([Block], fill: Int?)
    /// MEAN.
    case mean(Mean)
    /// SUM, REDUCE_MAX and REDUCE_MIN; the multiplier is SUM's.
    case reduction(Mean)
    /// BATCH_MATMUL.
    case batchProduct(BatchProduct)
    /// LOGISTIC, RELU, QUANTIZE, ABS, ELU and other functions of int8 codes: the output for each of -128...127.
    case lookup([Int16])
    /// RELU, RELU6, LEAKY_RELU, QUANTIZE, ABS, RSQRT of int16 codes.
    case rescaling(Rescaling)
    /// LOGISTIC and TANH of int16 codes.
    case sigmoid(Sigmoid)
    /// SOFTMAX along the last dimension.
    case softmax(Softmax)
    /// LOG_SOFTMAX along the last dimension.
    case logSoftmax(LogSoftmax)
    /// RESIZE_BILINEAR.
    case resize(Resize)
    /// SVDF; its inputs are the new codes and the state, a variable tensor.
    case svdf(SVDF)
    /// UNIDIRECTIONAL_SEQUENCE_LSTM over the rows of one window; it begins each run at real 0.
    case lstm(LSTM)
  }
}

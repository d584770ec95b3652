import QuantInfer

// What operators compute with: windows, weights, walks through tensors, tables.

extension QuantizedNetwork {
  /// An operator's steps along a dimension.
  package struct Step: Equatable, Sendable {
    /// The number of taps.
    package var kernel: Int
    /// The distance between outputs.
    package var stride: Int
    /// The distance between taps.
    package var dilation: Int
    /// The zeros before the first input.
    package var paddingBefore: Int
    /// The zeros after the last input.
    package var paddingAfter: Int

    /// Creates steps; without arguments they leave the dimension as it is.
    package init(
      kernel: Int = 1, stride: Int = 1, dilation: Int = 1, paddingBefore: Int = 0, paddingAfter: Int = 0
    ) {
      (self.kernel, self.stride, self.dilation) = (kernel, stride, dilation)
      (self.paddingBefore, self.paddingAfter) = (paddingBefore, paddingAfter)
    }

    /// The number of inputs from the first tap to the last one.
    package var reach: Int { (kernel - 1) * dilation + 1 }
  }

  /// A window that moves along time (TensorFlow Lite's height) and frequency (its width).
  package struct Window: Equatable, Sendable {
    /// Along time.
    package var time: Step
    /// Along frequency.
    package var frequency: Step

    /// Creates a window; without arguments it is one cell.
    package init(time: Step = Step(), frequency: Step = Step()) {
      (self.time, self.frequency) = (time, frequency)
    }
  }

  /// Weights and what turns their sums into codes, a value an output channel.
  package struct Weights: Equatable, Sendable {
    /// In the computation's order; -8...7 where `bits` is 4.
    package var codes: [Int8]
    /// 8, or 4 for weights that lie two to a byte.
    package var bits = 8
    /// The code of real 0: not 0 for legacy fully connected operators only.
    package var zeroPoint = 0
    /// On the grid of input scale times weight scale.
    package var biases: [Int64]
    /// Real weight = scale * code; nil where they aren't known.
    package var scales: [Float]?
    /// From the sum to output codes.
    package var multipliers: [FixedPointMultiplier]
    /// 32; or 64 for int16 activations with a 64-bit bias, which round once with a 16-bit multiplier.
    package var accumulatorBits = 32

    /// Creates weights.
    package init(codes: [Int8], biases: [Int64], multipliers: [FixedPointMultiplier]) {
      (self.codes, self.biases, self.multipliers) = (codes, biases, multipliers)
    }

    /// Creates weights of known scales.
    package init(
      codes: [Int8], biases: [Int64], scales: [Float], inputScale: Float, outputScale: Float
    ) {
      self.init(
        codes: codes, biases: biases,
        multipliers: scales.map {
          FixedPointMultiplier(real: Double(inputScale) * Double($0) / Double(outputScale))
        })
      self.scales = scales
    }
  }

  /// Two tensors, element by element.
  package struct Elementwise: Equatable, Sendable {
    /// The output's dimensions, neighbours merged where possible: at most six.
    package var shape: [Int]
    /// For each dimension, the distance between the first input's elements; 0 where it is repeated.
    package var firstStrides: [Int]
    /// The same for the second input.
    package var secondStrides: [Int]
    /// Left shift of the inputs of ADD and SUB: 20, or 15 for int16; 0 otherwise.
    package var leftShift = 0
    /// For ADD and SUB.
    package var firstMultiplier = FixedPointMultiplier(multiplierQ31: 0, leftShift: 0)
    /// For ADD and SUB.
    package var secondMultiplier = FixedPointMultiplier(multiplierQ31: 0, leftShift: 0)
    /// For ADD, SUB and MUL.
    package var outputMultiplier = FixedPointMultiplier(multiplierQ31: 0, leftShift: 0)

    /// Creates a MAXIMUM or MINIMUM, or what the others begin with.
    package init(shape: [Int], firstStrides: [Int], secondStrides: [Int]) {
      (self.shape, self.firstStrides, self.secondStrides) = (shape, firstStrides, secondStrides)
    }
  }

  /// A copy between strided places; everything is counted in elements.
  package struct Block: Equatable, Sendable {
    /// Which of the operator's inputs.
    package var input: Int
    /// The number of elements along each dimension: at most six.
    package var shape: [Int]
    /// The first element's place in the input.
    package var inputStart: Int
    /// The distance between elements of the input; negative for a reversed slice.
    package var inputStrides: [Int]
    /// The first element's place in the output.
    package var outputStart: Int
    /// The distance between elements of the output.
    package var outputStrides: [Int]

    /// Creates a block.
    package init(
      input: Int, shape: [Int], inputStart: Int, inputStrides: [Int], outputStart: Int, outputStrides: [Int]
    ) {
      (self.input, self.shape) = (input, shape)
      (self.inputStart, self.inputStrides) = (inputStart, inputStrides)
      (self.outputStart, self.outputStrides) = (outputStart, outputStrides)
    }
  }

  /// A mean over some dimensions.
  package struct Mean: Equatable, Sendable {
    /// The output's dimensions: those kept, at most six.
    package var shape: [Int]
    /// The distance between their elements in the input.
    package var strides: [Int]
    /// The dimensions that are summed up, at most six.
    package var reducedShape: [Int]
    /// The distance between their elements in the input.
    package var reducedStrides: [Int]
    /// From the sum, less the input's zero points, to output codes.
    package var multiplier: FixedPointMultiplier

    /// Creates a mean.
    package init(
      shape: [Int], strides: [Int], reducedShape: [Int], reducedStrides: [Int],
      multiplier: FixedPointMultiplier
    ) {
      (self.shape, self.strides) = (shape, strides)
      (self.reducedShape, self.reducedStrides) = (reducedShape, reducedStrides)
      self.multiplier = multiplier
    }
  }

  /// Products of matrices in batches: for each output element a sum along the depth.
  package struct BatchProduct: Equatable, Sendable {
    /// The output's dimensions, at most six.
    package var shape: [Int]
    /// For each of them, the distance between the first input's elements; 0 where it repeats one.
    package var firstStrides: [Int]
    /// The same for the second input.
    package var secondStrides: [Int]
    /// The number of products in a sum.
    package var depth: Int
    /// The distance between the first input's elements along the depth.
    package var firstStep: Int
    /// The same for the second input.
    package var secondStep: Int
    /// From the sum to output codes.
    package var multiplier: FixedPointMultiplier

    /// Creates products.
    package init(
      shape: [Int], firstStrides: [Int], secondStrides: [Int], depth: Int, firstStep: Int, secondStep: Int,
      multiplier: FixedPointMultiplier
    ) {
      (self.shape, self.firstStrides, self.secondStrides) = (shape, firstStrides, secondStrides)
      (self.depth, self.firstStep, self.secondStep) = (depth, firstStep, secondStep)
      self.multiplier = multiplier
    }
  }

  /// Codes, less the input's zero point, times one factor from 0 up and another below 0.
  package struct Rescaling: Equatable, Sendable {
    /// For codes from the zero point up.
    package var multiplier: FixedPointMultiplier
    /// For codes below the zero point.
    package var negativeMultiplier: FixedPointMultiplier

    /// Creates a rescaling; RELU6 of int16, which only clamps, has the factor 1 (2^30 shifted left by 1).
    package init(multiplier: FixedPointMultiplier, negativeMultiplier: FixedPointMultiplier) {
      (self.multiplier, self.negativeMultiplier) = (multiplier, negativeMultiplier)
    }
  }

  /// LOGISTIC and TANH of int16 codes by interpolation in a table.
  package struct Sigmoid: Equatable, Sendable {
    /// The logistic function's upper half: 256 values in Q16 for arguments 0 to 10.7.
    package var tableQ16: [UInt16]
    /// From codes to 512ths (LOGISTIC) or 256ths (TANH) of the table's steps, before the shift.
    package var multiplier: Int
    /// The right shift after the multiplication, which rounds half up: 0...31.
    package var shift: Int

    /// Creates the constants.
    package init(tableQ16: [UInt16], multiplier: Int, shift: Int) {
      (self.tableQ16, self.multiplier, self.shift) = (tableQ16, multiplier, shift)
    }
  }

  /// SOFTMAX's constants.
  package struct Softmax: Equatable, Sendable {
    /// The number of elements that share a sum.
    package var depth: Int
    /// From differences of codes to Q5.26, or for int16 to the table's steps.
    package var multiplier: FixedPointMultiplier
    /// Differences below this one count as 0 (int8 only).
    package var leastDifference: Int
    /// For int16: exp(x) for x in -10...0, 513 values in Q15.
    package var exponentialsQ15: [Int16]
    /// For int16: 1 / (1 + x) for x in 0...1, 513 values in Q15.
    package var reciprocalsQ15: [Int16]

    /// Creates the constants; int8 has no tables.
    package init(
      depth: Int, multiplier: FixedPointMultiplier, leastDifference: Int, exponentialsQ15: [Int16] = [],
      reciprocalsQ15: [Int16] = []
    ) {
      (self.depth, self.multiplier, self.leastDifference) = (depth, multiplier, leastDifference)
      (self.exponentialsQ15, self.reciprocalsQ15) = (exponentialsQ15, reciprocalsQ15)
    }
  }

  /// LOG_SOFTMAX's constants.
  package struct LogSoftmax: Equatable, Sendable {
    /// The number of elements that share a sum.
    package var depth: Int
    /// From differences of codes to Q5.26.
    package var multiplier: FixedPointMultiplier
    /// Differences below this one count as 0.
    package var leastDifference: Int
    /// From Q5.26 back to differences of codes.
    package var reverseMultiplier: FixedPointMultiplier

    /// Creates the constants.
    package init(
      depth: Int, multiplier: FixedPointMultiplier, leastDifference: Int,
      reverseMultiplier: FixedPointMultiplier
    ) {
      (self.depth, self.multiplier) = (depth, multiplier)
      (self.leastDifference, self.reverseMultiplier) = (leastDifference, reverseMultiplier)
    }
  }

  /// RESIZE_BILINEAR's constants: input cells for an output cell, Q10.
  package struct Resize: Equatable, Sendable {
    /// Along the height, the last dimension but two.
    package var heightScaleQ10: Int
    /// Along the width, the last dimension but one.
    package var widthScaleQ10: Int
    /// Whether places are those of the cells' centres.
    package var hasHalfPixelCenters: Bool

    /// Creates the constants.
    package init(heightScaleQ10: Int, widthScaleQ10: Int, hasHalfPixelCenters: Bool) {
      (self.heightScaleQ10, self.widthScaleQ10) = (heightScaleQ10, widthScaleQ10)
      self.hasHalfPixelCenters = hasHalfPixelCenters
    }
  }

  /// A singular value decomposition filter: a feature filter, then a filter over its last results.
  package struct SVDF: Equatable, Sendable {
    /// `[filter, input]`.
    package var featureWeights: [Int8]
    /// `[filter, memory]`, int16 or int8 codes: the state's type.
    package var timeWeights: [Int16]
    /// A bias a unit.
    package var biases: [Int32]
    /// The number of filters that add up to a unit.
    package var rank: Int
    /// From a feature's sum to the state's codes.
    package var featureMultiplier: FixedPointMultiplier
    /// From a unit's sum to output codes.
    package var outputMultiplier: FixedPointMultiplier

    /// Creates a filter.
    package init(
      featureWeights: [Int8], timeWeights: [Int16], biases: [Int32], rank: Int,
      featureMultiplier: FixedPointMultiplier, outputMultiplier: FixedPointMultiplier
    ) {
      (self.featureWeights, self.timeWeights, self.biases) = (featureWeights, timeWeights, biases)
      (self.rank, self.featureMultiplier, self.outputMultiplier) =
        (rank, featureMultiplier, outputMultiplier)
    }
  }

  /// A long short-term memory: four gates of the newest input and the output before, and a cell that goes on.
  ///
  /// The gates' channels are those of the input gate, the forget gate, the cell gate and the output gate, each as many as
  /// there are units; their sums become codes in Q3.12.
  package struct LSTM: Equatable, Sendable {
    /// Weights `[gate, unit, input]`.
    package var inputWeights: Weights
    /// Weights `[gate, unit, unit]`, of the output of the step before.
    package var recurrentWeights: Weights
    /// TANH of the cell's codes.
    package var cellSigmoid: Sigmoid
    /// The greatest magnitude of the cell's codes; 32,768 lets them all be.
    package var cellLimit: Int
    /// From products in Q30 to the cell's codes.
    package var cellMultiplier: FixedPointMultiplier
    /// From products in Q30 to output codes.
    package var outputMultiplier: FixedPointMultiplier

    /// Creates a memory.
    package init(
      inputWeights: Weights, recurrentWeights: Weights, cellSigmoid: Sigmoid, cellLimit: Int,
      cellMultiplier: FixedPointMultiplier, outputMultiplier: FixedPointMultiplier
    ) {
      (self.inputWeights, self.recurrentWeights) = (inputWeights, recurrentWeights)
      (self.cellSigmoid, self.cellLimit) = (cellSigmoid, cellLimit)
      (self.cellMultiplier, self.outputMultiplier) = (cellMultiplier, outputMultiplier)
    }

    /// The number of units.
    package var unitCount: Int { inputWeights.biases.count / 4 }
  }
}

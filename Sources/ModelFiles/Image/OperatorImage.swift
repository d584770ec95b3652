import Networks
import QuantInfer

extension ImageWriter {
  /// An operator's record and constants.
  mutating func put(
    _ operation: QuantizedNetwork.Operator, of network: QuantizedNetwork, at place: Int
  ) {
    typealias Field = ModelFormat.Operator
    put(operation.kind.rawValue, at: place + Field.kind)
    put(UInt16(operation.sourceIndex), at: place + Field.sourceIndex)
    put(UInt16(operation.inputs.count), at: place + Field.inputCount)
    put(UInt16(operation.output), at: place + Field.output)
    put(UInt32(append(operation.inputs.map { UInt16($0) })), at: place + Field.inputs)
    put(Int16(clamping: operation.activation.lowerBound), at: place + Field.activation)
    put(Int16(clamping: operation.activation.upperBound), at: place + Field.activation + 2)
    let output = network.tensors[operation.output]
    let parameters: Int
    switch operation.computation {
    case .convolution(let window, let weights), .depthwiseConvolution(let window, let weights):
      parameters = append(weights, window: window, of: operation, in: network)
    case .fullyConnected(let weights):
      parameters = append(weights, window: .init(), of: operation, in: network)
    case .averagePool(let window), .maximumPool(let window):
      parameters = reserve(ModelFormat.Window.byteCount)
      put(window, at: parameters)
    case .elementwise(let elementwise): parameters = append(elementwise)
    case .reshape: parameters = reserve(0)
    case .rearrangement(let blocks, let fill): parameters = append(blocks, fill: fill)
    case .mean(let mean), .reduction(let mean): parameters = append(mean)
    case .batchProduct(let product): parameters = append(product)
    case .lookup(let table):
      let codes = output.type == .int8 ? append(table.map(Int8.init(truncatingIfNeeded:))) : append(table)
      parameters = reserve(ModelFormat.Lookup.byteCount)
      put(UInt32(codes), at: parameters + ModelFormat.Lookup.table)
    case .rescaling(let rescaling):
      parameters = reserve(ModelFormat.Rescaling.byteCount)
      put(rescaling.multiplier, at: parameters + ModelFormat.Rescaling.multipliers)
      put(rescaling.negativeMultiplier, at: parameters + ModelFormat.Rescaling.multipliers + 8)
    case .sigmoid(let sigmoid):
      let table = append(sigmoid.tableQ16)
      parameters = reserve(ModelFormat.Sigmoid.byteCount)
      put(UInt32(table), at: parameters + ModelFormat.Sigmoid.table)
      put(Int32(truncatingIfNeeded: sigmoid.multiplier), at: parameters + ModelFormat.Sigmoid.multiplier)
      put(UInt32(truncatingIfNeeded: sigmoid.shift), at: parameters + ModelFormat.Sigmoid.shift)
    case .softmax(let softmax): parameters = append(softmax)
    case .logSoftmax(let softmax):
      typealias Field = ModelFormat.LogSoftmax
      parameters = reserve(Field.byteCount)
      put(UInt32(truncatingIfNeeded: softmax.depth), at: parameters + Field.depth)
      put(softmax.multiplier, at: parameters + Field.multiplier)
      put(Int32(truncatingIfNeeded: softmax.leastDifference), at: parameters + Field.leastDifference)
      put(softmax.reverseMultiplier, at: parameters + Field.reverseMultiplier)
    case .resize(let resize):
      typealias Field = ModelFormat.Resize
      parameters = reserve(Field.byteCount)
      put(Int32(truncatingIfNeeded: resize.heightScaleQ10), at: parameters + Field.heightScaleQ10)
      put(Int32(truncatingIfNeeded: resize.widthScaleQ10), at: parameters + Field.widthScaleQ10)
      put(UInt32(resize.hasHalfPixelCenters ? 1 : 0), at: parameters + Field.hasHalfPixelCenters)
    case .svdf(let svdf): parameters = append(svdf, state: network.tensors[operation.inputs[1]])
    case .lstm(let lstm):
      parameters = append(lstm, input: network.tensors[operation.inputs[0]], output: output)
    }
    put(UInt32(parameters), at: place + Field.parameters)
  }

  private mutating func put(_ window: QuantizedNetwork.Window, at place: Int) {
    let steps = [
      (window.time.kernel, window.frequency.kernel), (window.time.stride, window.frequency.stride),
      (window.time.dilation, window.frequency.dilation),
      (window.time.paddingBefore, window.frequency.paddingBefore),
      (window.time.paddingAfter, window.frequency.paddingAfter),
    ]
    for (index, step) in steps.enumerated() {
      put(UInt16(step.0), at: place + 4 * index)
      put(UInt16(step.1), at: place + 4 * index + 2)
    }
  }

  private mutating func append(
    _ weights: QuantizedNetwork.Weights, window: QuantizedNetwork.Window,
    of operation: QuantizedNetwork.Operator, in network: QuantizedNetwork
  ) -> Int {
    guard let packed = operation.packedWeights(of: network) else { return 0 }
    let codes = append(packed.bytes)
    let appended = append(packed, weights, of: network.tensors[operation.inputs[0]], codes: codes)
    let place = reserve(ModelFormat.Weights.byteCount)
    put(window, at: place)
    put(appended, at: place)
    return place
  }

  /// Weights whose record is still to be written.
  private struct AppendedWeights {
    let weights: QuantizedNetwork.Weights
    let packed: PackedWeights
    let mayWrap: Bool
    /// Where codes, biases, multipliers and shifts lie.
    let places: [Int]
  }

  /// Appends what turns the sums of an input's weights into codes.
  private mutating func append(
    _ packed: PackedWeights, _ weights: QuantizedNetwork.Weights, of input: QuantizedNetwork.Tensor,
    codes: Int
  ) -> AppendedWeights {
    // A kernel may read a whole block of four channels where fewer are left.
    let filler = 3
    func filled<Number: FixedWidthInteger>(_ numbers: [Number]) -> [Number] {
      numbers + [Number](repeating: 0, count: filler)
    }
    let folded = packed.foldedBiases(inputZeroPoint: input.zeroPoint, weights)
    let biases =
      weights.accumulatorBits == 64
      ? append(filled(folded)) : append(filled(folded.map { Int32(truncatingIfNeeded: $0) }))
    let multipliers = append(filled(weights.multipliers.map(\.multiplierQ31)))
    let shifts = append(filled(weights.multipliers.map(\.leftShift)))
    return AppendedWeights(
      weights: weights, packed: packed, mayWrap: packed.mayWrap(folded, weights, inputType: input.type),
      places: [codes, biases, multipliers, shifts])
  }

  private mutating func put(_ appended: AppendedWeights, at place: Int) {
    typealias Field = ModelFormat.Weights
    for (field, constants) in zip(
      [Field.weights, Field.biases, Field.multipliers, Field.shifts], appended.places)
    {
      put(UInt32(constants), at: place + field)
    }
    put(UInt8(appended.weights.bits), at: place + Field.weightBits)
    put(UInt8(appended.weights.accumulatorBits), at: place + Field.accumulatorBits)
    put(UInt8(appended.mayWrap ? 1 : 0), at: place + Field.mayWrap)
    put(appended.packed.layout.rawValue, at: place + Field.layout)
    put(UInt16(clamping: appended.packed.groupChannels), at: place + Field.groupChannelCount)
    put(Int16(appended.weights.zeroPoint), at: place + Field.zeroPoint)
  }

  private mutating func append(
    _ lstm: QuantizedNetwork.LSTM, input: QuantizedNetwork.Tensor, output: QuantizedNetwork.Tensor
  ) -> Int {
    typealias Field = ModelFormat.LSTM
    let (ofInputs, ofOutputs) = (
      PackedWeights(rows: lstm.inputWeights), PackedWeights(rows: lstm.recurrentWeights)
    )
    // The codes one behind the other, see `Model.weightBytes(ofOperator:)`.
    let codes = (append(ofInputs.bytes), append(ofOutputs.bytes))
    let inputs = append(ofInputs, lstm.inputWeights, of: input, codes: codes.0)
    let recurrence = append(ofOutputs, lstm.recurrentWeights, of: output, codes: codes.1)
    let table = append(lstm.cellSigmoid.tableQ16)
    let place = reserve(Field.byteCount)
    for (weights, start) in [(inputs, place), (recurrence, place + Field.recurrence)] {
      put(QuantizedNetwork.Window(), at: start)
      put(weights, at: start)
    }
    put(UInt32(table), at: place + Field.table)
    put(Int32(truncatingIfNeeded: lstm.cellSigmoid.multiplier), at: place + Field.cellMultiplier)
    put(UInt32(truncatingIfNeeded: lstm.cellSigmoid.shift), at: place + Field.cellShift)
    put(Int32(truncatingIfNeeded: lstm.cellLimit), at: place + Field.cellLimit)
    put(lstm.cellMultiplier, at: place + Field.multipliers)
    put(lstm.outputMultiplier, at: place + Field.multipliers + 8)
    return place
  }

  private mutating func append(_ elementwise: QuantizedNetwork.Elementwise) -> Int {
    typealias Field = ModelFormat.Elementwise
    let place = reserve(Field.byteCount)
    put(six: elementwise.shape, padding: 1, at: place + Field.shape)
    put(six: elementwise.firstStrides, padding: 0, at: place + Field.firstStrides)
    put(six: elementwise.secondStrides, padding: 0, at: place + Field.secondStrides)
    put(elementwise.firstMultiplier, at: place + Field.multipliers)
    put(elementwise.secondMultiplier, at: place + Field.multipliers + 8)
    put(elementwise.outputMultiplier, at: place + Field.multipliers + 16)
    put(UInt32(elementwise.leftShift), at: place + Field.leftShift)
    return place
  }

  private mutating func append(_ blocks: [QuantizedNetwork.Block], fill: Int?) -> Int {
    typealias Field = ModelFormat.Rearrangement
    typealias BlockField = ModelFormat.Block
    let records = reserve(blocks.count * BlockField.byteCount)
    for (index, block) in blocks.enumerated() {
      let place = records + index * BlockField.byteCount
      put(UInt32(block.input), at: place + BlockField.input)
      put(six: block.shape, padding: 1, at: place + BlockField.shape)
      put(Int32(truncatingIfNeeded: block.inputStart), at: place + BlockField.inputStart)
      put(six: block.inputStrides, padding: 0, at: place + BlockField.inputStrides)
      put(Int32(truncatingIfNeeded: block.outputStart), at: place + BlockField.outputStart)
      put(six: block.outputStrides, padding: 0, at: place + BlockField.outputStrides)
    }
    let place = reserve(Field.byteCount)
    put(UInt16(clamping: blocks.count), at: place + Field.blockCount)
    put(UInt16(fill == nil ? 0 : 1), at: place + Field.hasFill)
    put(Int32(truncatingIfNeeded: fill ?? 0), at: place + Field.fill)
    put(UInt32(records), at: place + Field.blocks)
    return place
  }

  private mutating func append(_ mean: QuantizedNetwork.Mean) -> Int {
    typealias Field = ModelFormat.Mean
    let place = reserve(Field.byteCount)
    put(six: mean.shape, padding: 1, at: place + Field.shape)
    put(six: mean.strides, padding: 0, at: place + Field.strides)
    put(six: mean.reducedShape, padding: 1, at: place + Field.reducedShape)
    put(six: mean.reducedStrides, padding: 0, at: place + Field.reducedStrides)
    put(mean.multiplier, at: place + Field.multiplier)
    return place
  }

  private mutating func append(_ product: QuantizedNetwork.BatchProduct) -> Int {
    typealias Field = ModelFormat.BatchProduct
    let place = reserve(Field.byteCount)
    put(six: product.shape, padding: 1, at: place + Field.shape)
    put(six: product.firstStrides, padding: 0, at: place + Field.firstStrides)
    put(six: product.secondStrides, padding: 0, at: place + Field.secondStrides)
    put(six: [product.depth], padding: 1, at: place + Field.depth)
    put(six: [product.firstStep], padding: 0, at: place + Field.firstDepthStrides)
    put(six: [product.secondStep], padding: 0, at: place + Field.secondDepthStrides)
    put(product.multiplier, at: place + Field.multiplier)
    return place
  }

  private mutating func append(_ softmax: QuantizedNetwork.Softmax) -> Int {
    typealias Field = ModelFormat.Softmax
    let hasTables = !softmax.exponentialsQ15.isEmpty
    let exponentials = hasTables ? append(softmax.exponentialsQ15 + [0]) : 0
    let reciprocals = hasTables ? append(softmax.reciprocalsQ15 + [0]) : 0
    let place = reserve(Field.byteCount)
    put(UInt32(truncatingIfNeeded: softmax.depth), at: place + Field.depth)
    put(softmax.multiplier, at: place + Field.multiplier)
    put(Int32(truncatingIfNeeded: softmax.leastDifference), at: place + Field.leastDifference)
    put(UInt32(exponentials), at: place + Field.tables)
    put(UInt32(reciprocals), at: place + Field.tables + 4)
    return place
  }

  private mutating func append(_ svdf: QuantizedNetwork.SVDF, state: QuantizedNetwork.Tensor) -> Int {
    typealias Field = ModelFormat.SVDF
    let features = append(svdf.featureWeights)
    let times =
      state.type == .int8
      ? append(svdf.timeWeights.map(Int8.init(truncatingIfNeeded:))) : append(svdf.timeWeights)
    let biases = append(svdf.biases)
    let place = reserve(Field.byteCount)
    put(UInt32(truncatingIfNeeded: svdf.rank), at: place + Field.rank)
    put(UInt32(features), at: place + Field.featureWeights)
    put(UInt32(times), at: place + Field.timeWeights)
    put(UInt32(biases), at: place + Field.biases)
    put(svdf.featureMultiplier, at: place + Field.multipliers)
    put(svdf.outputMultiplier, at: place + Field.multipliers + 8)
    return place
  }
}

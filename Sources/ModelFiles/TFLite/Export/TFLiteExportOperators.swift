import Networks
import QuantInfer

// What there is to try of each kind of operator; `TFLiteExport.Written.isExact` tells which way is right.

extension TFLiteExport.Written {
  /// The ways in which the schema could say this operator.
  ///
  /// - Throws: `NotConvertible` without an operator, where there is no such way.
  func ways() throws(NotConvertible) -> [TFLiteExport.Way] {
    switch operation.computation {
    case .convolution(let window, let weights):
      return try waysOfWeights(window, weights, options: .conv2D)
    case .depthwiseConvolution(let window, let weights):
      return try waysOfWeights(window, weights, options: .depthwiseConv2D)
    case .fullyConnected(let weights): return try waysOfWeights(nil, weights, options: .fullyConnected)
    case .averagePool(let window), .maximumPool(let window): return try waysOfPool(window)
    case .elementwise: return [try wayOfPair()]
    case .reshape: return [wayOfReshape]
    case .rearrangement(let blocks, let fill): return waysOfMovement(blocks, fill: fill)
    case .mean, .reduction: return waysOfReduction
    case .batchProduct:
      return [(false, false), (false, true), (true, false), (true, true)].map {
        first, second -> TFLiteExport.Way in
        var options = TFLiteOptions(.batchMatMul)
        (options.transposesFirst, options.transposesSecond) = (first, second)
        return way(options)
      }
    case .lookup(let table): return waysOfTable(table)
    case .rescaling(let rescaling): return waysOfRescaling(rescaling)
    case .sigmoid: return [way(nil)]
    case .softmax(let softmax): return waysOfSoftmax(softmax)
    case .logSoftmax: return [way(nil)]
    case .resize(let resize): return waysOfResize(resize)
    case .svdf(let svdf): return try waysOfSVDF(svdf)
    case .lstm(let lstm): return [wayOfLSTM(lstm)]
    }
  }

  /// ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, PRELU and SQUARED_DIFFERENCE.
  private func wayOfPair() throws(NotConvertible) -> TFLiteExport.Way {
    let options: [OperatorKind: TFLiteOptions.Kind] = [
      .add: .add, .subtract: .sub, .multiply: .mul, .divide: .div, .maximum: .maximumMinimum,
      .minimum: .maximumMinimum,
    ]
    guard let kind = options[operation.kind] else {
      // PRELU's slopes are int8 in the file, whatever its codes are.
      guard operation.kind == .prelu, let slopes = inputs[1].constant, inputs[1].type == .int16 else {
        return way(nil)
      }
      let described = inputs[1]
      return { export, inputs, output in
        let constant = export.add(
          name: "slopes", shape: described.shape, type: .int8,
          bytes: slopes.map { UInt8(truncatingIfNeeded: $0) }, scales: [described.scale],
          zeroPoint: described.zeroPoint)
        export.add(.prelu, nil, [inputs[0], constant], to: output)
      }
    }
    var chosen = TFLiteOptions(kind)
    if operation.kind != .maximum, operation.kind != .minimum { chosen.activation = try activation() }
    return way(chosen)
  }

  private var wayOfReshape: TFLiteExport.Way {
    let shape = output.shape
    return { export, inputs, output in export.addReshape(inputs[0], to: output, shape) }
  }

  /// MEAN, SUM, REDUCE_MAX and REDUCE_MIN over each set of dimensions, with and without keeping them.
  private var waysOfReduction: [TFLiteExport.Way] {
    let kind = TFLiteOperatorKind(rawValue: Int32(operation.kind.rawValue))
    let rank = input.shape.count
    return (1..<1 << rank).flatMap { set -> [TFLiteExport.Way] in
      let axes = (0..<rank).filter { set >> $0 & 1 == 1 }
      let kept = input.shape.indices.filter { !axes.contains($0) }.map { input.shape[$0] }
      guard kept.reduce(1, *) == output.count else { return [] }
      return [
        { export, inputs, output in
          var options = TFLiteOptions(.reducer)
          options.keepsDimensions = export.model.graph.tensors[Int(output)].shape.count == rank
          let list = export.add(axes, named: "axes")
          export.add(kind, options, [inputs[0], list], to: output)
        }
      ]
    }
  }

  /// A function of int8 codes: of its own kind, or any other that gives the same codes.
  private func waysOfTable(_ table: [Int16]) -> [TFLiteExport.Way] {
    var kinds: [OperatorKind] = [
      .quantize, .relu, .relu6, .logistic, .tanh, .hardSwish, .elu, .absolute, .negate, .exponential,
      .logarithm,
      .squareRoot, .reciprocalSquareRoot,
    ]
    if let own = kinds.firstIndex(of: operation.kind) { kinds.insert(kinds.remove(at: own), at: 0) }
    let functions = kinds.map { kind -> TFLiteExport.Way in
      { export, inputs, output in
        export.add(
          TFLiteOperatorKind(rawValue: Int32(kind.rawValue)),
          kind == .quantize ? TFLiteOptions(.quantize) : nil, inputs, to: output)
      }
    }
    return functions + slopes(below: table).map(wayOfLeakyRelu)
  }

  private func wayOfLeakyRelu(_ slope: Float) -> TFLiteExport.Way {
    { export, inputs, output in
      var options = TFLiteOptions(.leakyRelu)
      options.alpha = slope
      export.add(.leakyRelu, options, inputs, to: output)
    }
  }

  /// Slopes with which a leaky activation would give a table's codes below 0.
  private func slopes(below table: [Int16]) -> [Float] {
    var (least, greatest) = (-Double.infinity, Double.infinity)
    for code in -128..<min(128, input.zeroPoint) {
      let (x, y) = (code - input.zeroPoint, Int(table[code + 128]) - output.zeroPoint)
      guard output.type.codes.lowerBound < Int(table[code + 128]),
        Int(table[code + 128]) < output.type.codes.upperBound
      else { continue }
      let ratio = Double(output.scale) / Double(input.scale) / Double(x)
      let ends = [(Double(y) - 0.5) * ratio, (Double(y) + 0.5) * ratio].sorted()
      (least, greatest) = (max(least, ends[0]), min(greatest, ends[1]))
    }
    guard least.isFinite, greatest.isFinite else { return [0.01] }
    return [0.5, 0.25, 0.75].map { Float(least + $0 * (greatest - least)) }
  }

  /// RELU, RELU6, LEAKY_RELU, QUANTIZE, ABS and RSQRT of int16 codes.
  private func waysOfRescaling(_ rescaling: QuantizedNetwork.Rescaling) -> [TFLiteExport.Way] {
    let kinds: [TFLiteOperatorKind] = [.relu, .relu6, .quantize, .abs, .rsqrt]
    let slope = Float(rescaling.negativeMultiplier.real * Double(output.scale) / Double(input.scale))
    let own = kinds.filter { $0.rawValue == Int32(operation.kind.rawValue) }
    let ways = own.map { kind -> TFLiteExport.Way in
      { export, inputs, output in
        export.add(kind, kind == .quantize ? TFLiteOptions(.quantize) : nil, inputs, to: output)
      }
    }
    return ways + [slope, slope.nextUp, slope.nextDown].map(wayOfLeakyRelu)
  }

  private func waysOfSoftmax(_ softmax: QuantizedNetwork.Softmax) -> [TFLiteExport.Way] {
    // The factor is on the grid of Q5.26, or of the table's steps.
    let unit = QuantizedNetwork.Softmax.constants(
      depth: softmax.depth, factor: Double(input.scale), input.type)
    let fitted = unit.map { Float(softmax.multiplier.real / $0.multiplier.real) } ?? 1
    return [1, fitted, fitted.nextUp, fitted.nextDown].map { beta -> TFLiteExport.Way in
      var options = TFLiteOptions(.softmax)
      options.beta = beta
      return way(options)
    }
  }

  private func waysOfResize(_ resize: QuantizedNetwork.Resize) -> [TFLiteExport.Way] {
    let sizes = Array(output.shape.dropFirst().prefix(2))
    return [false, true].map { corners -> TFLiteExport.Way in
      { export, inputs, output in
        var options = TFLiteOptions(.resizeBilinear)
        (options.alignsCorners, options.hasHalfPixelCenters) = (corners, resize.hasHalfPixelCenters)
        let list = export.add(sizes, named: "sizes")
        export.add(.resizeBilinear, options, [inputs[0], list], to: output)
      }
    }
  }

  private func waysOfSVDF(_ svdf: QuantizedNetwork.SVDF) throws(NotConvertible) -> [TFLiteExport.Way] {
    let (input, state, result) = (inputs[0], inputs[1], output)
    let filters = svdf.rank * svdf.biases.count
    /// The single-precision scales nearest to what a multiplier asks for.
    func scales(_ multiplier: FixedPointMultiplier, from: Float, to: Float) -> [Float] {
      let nearest = Float(multiplier.real * Double(to) / Double(from))
      return [nearest, nearest.nextUp, nearest.nextDown]
    }
    return scales(svdf.featureMultiplier, from: input.scale, to: state.scale).flatMap { feature in
      scales(svdf.outputMultiplier, from: state.scale, to: result.scale).map { time -> TFLiteExport.Way in
        { export, inputs, output in
          let features = export.add(
            name: "features", shape: [filters, svdf.featureWeights.count / filters], type: .int8,
            bytes: svdf.featureWeights.map(UInt8.init(bitPattern:)), scales: [feature])
          let isInt8 = state.type == .int8
          let times = export.add(
            name: "times", shape: [filters, svdf.timeWeights.count / filters], type: isInt8 ? .int8 : .int16,
            bytes: isInt8
              ? svdf.timeWeights.map { UInt8(truncatingIfNeeded: $0) }
              : TFLiteExport.littleEndian(svdf.timeWeights), scales: [time])
          let biases = export.add(
            name: "biases", shape: [svdf.biases.count], type: .int32,
            bytes: TFLiteExport.littleEndian(svdf.biases), scales: [state.scale * time])
          var options = TFLiteOptions(.svdf)
          options.rank = Int32(svdf.rank)
          export.add(.svdf, options, [inputs[0], features, times, biases, inputs[1]], to: output)
        }
      }
    }
  }
}

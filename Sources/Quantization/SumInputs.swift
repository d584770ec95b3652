import Networks

/// What the sums of an operator with weights read: CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED.
///
/// Output channels come in groups that read the same inputs; a depthwise convolution's groups are its input channels.
struct SumShape {
  /// The number of groups.
  let groups: Int
  /// The number of output channels.
  let outputs: Int
  /// A sum's number of inputs, `[kernel time, kernel frequency, channel of the group]`.
  let inputs: Int
  private let isDepthwise: Bool
  private let window: QuantizedNetwork.Window
  /// `[batch, time, frequency, channel]`.
  private let source: [Int]
  private let target: [Int]

  /// Describes an operator of a valid graph; nil for one without weights.
  init?(_ operation: FloatGraph.Operator, in graph: FloatGraph) {
    guard let weights = operation.weights else { return nil }
    outputs = weights.biases.count
    let (source, target) = (graph.tensors[operation.inputs[0]], graph.tensors[operation.output])
    switch operation.computation {
    case .convolution(let window, _):
      (self.window, self.source, self.target, isDepthwise) = (window, source.shape, target.shape, false)
      inputs = weights.values.count / outputs
      groups = source.channelCount / (inputs / (window.time.kernel * window.frequency.kernel))
    case .depthwiseConvolution(let window, _):
      (self.window, self.source, self.target, isDepthwise) = (window, source.shape, target.shape, true)
      inputs = window.time.kernel * window.frequency.kernel
      groups = source.channelCount
    default:
      inputs = weights.values.count / outputs
      let rows = source.count / inputs
      (window, isDepthwise, groups) = (.init(), false, 1)
      (self.source, self.target) = ([1, rows, 1, inputs], [1, rows, 1, outputs])
    }
  }

  /// The group that an output channel belongs to.
  func group(of output: Int) -> Int { output / (outputs / groups) }

  /// The places of an output channel's weights in the operator's order.
  func places(of output: Int) -> [Int] {
    isDepthwise ? (0..<inputs).map { $0 * outputs + output } : Array(output * inputs..<(output + 1) * inputs)
  }

  /// The channel of the operator's input that each of a group's inputs is.
  func channels(ofGroup group: Int) -> [Int] {
    if isDepthwise { return [Int](repeating: group, count: inputs) }
    let taps = window.time.kernel * window.frequency.kernel
    let channels = inputs / taps
    return (0..<inputs).map { group * channels + $0 % channels }
  }

  /// The places of the operator's input that an output value is made of.
  func sources(of index: Int) -> [Int] {
    let (output, cell) = (index % outputs, index / outputs)
    let (column, row, batch) = (cell % target[2], cell / target[2] % target[1], cell / target[2] / target[1])
    let taps = window.time.kernel * window.frequency.kernel
    let channels = isDepthwise ? 1 : inputs / taps
    let first = group(of: output) * channels
    return window.time.taps(of: row, inputs: source[1]).flatMap { y in
      window.frequency.taps(of: column, inputs: source[2]).flatMap { x in
        let start = ((batch * source[1] + y.input) * source[2] + x.input) * source[3] + first
        return start..<start + channels
      }
    }
  }

  /// Calls `body` with the inputs of every output cell of a group; zeros outside the tensor.
  ///
  /// Cells of which no value matters are left out, where that is known.
  func forEachSum(of values: [Float], group: Int, mattering output: [Bool]? = nil, _ body: ([Float]) -> Void)
  {
    let taps = window.time.kernel * window.frequency.kernel
    let channels = isDepthwise ? 1 : inputs / taps
    let horizontal = (0..<target[2]).map { window.frequency.taps(of: $0, inputs: source[2]) }
    var sum = [Float](repeating: 0, count: inputs)
    for batch in 0..<source[0] {
      for row in 0..<target[1] {
        let vertical = window.time.taps(of: row, inputs: source[1])
        for column in 0..<target[2] {
          let cell = (batch * target[1] + row) * target[2] + column
          if let output, !output[cell * outputs..<(cell + 1) * outputs].contains(true) { continue }
          if vertical.count * horizontal[column].count < taps {
            for index in sum.indices { sum[index] = 0 }
          }
          for y in vertical {
            for x in horizontal[column] {
              let cell = (batch * source[1] + y.input) * source[2] + x.input
              let (from, to) = (
                cell * source[3] + group * channels, (y.tap * window.frequency.kernel + x.tap) * channels
              )
              for channel in 0..<channels { sum[to + channel] = values[from + channel] }
            }
          }
          body(sum)
        }
      }
    }
  }
}

/// The inputs of an operator's sums on the calibration windows: their means, and the means of their products.
struct InputMoments {
  /// Windows beyond these are left out.
  static let mostWindows = 256

  private let shape: SumShape
  /// Which of the operator's output values matter; nil for all.
  private let mattering: [Bool]?
  private var count = 0.0
  /// `[group, input]`.
  private var sums: [[Double]]
  /// `[group, input, input]`; empty where nobody asks.
  private var products: [[Float]]

  init(_ shape: SumShape, hasProducts: Bool, mattering: [Bool]?) {
    (self.shape, self.mattering) = (shape, mattering)
    sums = Array(repeating: [Double](repeating: 0, count: shape.inputs), count: shape.groups)
    products =
      hasProducts
      ? Array(repeating: [Float](repeating: 0, count: shape.inputs * shape.inputs), count: shape.groups) : []
  }

  /// Adds all outputs' inputs of a window's values of the operator's input.
  mutating func add(_ values: [Float]) {
    for group in 0..<shape.groups {
      var (cells, sum) = (0.0, sums[group])
      var product = products.isEmpty ? [] : products[group]
      if !products.isEmpty { products[group] = [] }
      shape.forEachSum(of: values, group: group, mattering: mattering) { inputs in
        cells += 1
        for index in inputs.indices { sum[index] += Double(inputs[index]) }
        guard !product.isEmpty else { return }
        inputs.withUnsafeBufferPointer { inputs in
          product.withUnsafeMutableBufferPointer { products in
            for row in inputs.indices where inputs[row] != 0 {
              let (factor, start) = (inputs[row], row * inputs.count)
              for column in inputs.indices { products[start + column] += factor * inputs[column] }
            }
          }
        }
      }
      sums[group] = sum
      if !products.isEmpty { products[group] = product }
      if group == 0 { count += cells }
    }
  }

  /// The means of the inputs of an output channel's sum.
  func means(of output: Int) -> [Double] { sums[shape.group(of: output)].map { $0 / max(1, count) } }

  /// Chooses between the codes below and above each weight, so that the squared error of the sum falls with each step.
  ///
  /// - Parameters:
  ///   - weights: A channel's weights in steps of its scale.
  ///   - codes: The nearest codes to start from; on return, the chosen ones.
  ///   - output: The output channel.
  ///   - limit: The greatest magnitude of a code.
  func choose(_ weights: [Double], _ codes: inout [Double], output: Int, limit: Double) {
    let size = weights.count
    let products = products[shape.group(of: output)]
    // Half the squared error's slope along each code.
    var slopes = [Double](repeating: 0, count: size)
    func move(_ index: Int, by step: Double) {
      for other in 0..<size { slopes[other] += step * Double(products[index * size + other]) }
    }
    for index in 0..<size { move(index, by: codes[index] - weights[index]) }
    for _ in 0..<20 {
      var hasMoved = false
      for index in 0..<size {
        let other =
          codes[index] > weights[index] ? weights[index].rounded(.down) : weights[index].rounded(.up)
        let step = other - codes[index]
        guard step != 0, abs(other) <= limit else { continue }
        let change = 2 * step * slopes[index] + step * step * Double(products[index * size + index])
        guard change < 0 else { continue }
        codes[index] = other
        move(index, by: step)
        hasMoved = true
      }
      if !hasMoved { break }
    }
  }
}

/// CONV_2D and FULLY_CONNECTED, as matrix products in segments.
struct FloatConvolution: FloatKernel {
  private let input: CellGrid
  private let output: CellGrid
  private let groupCount: Int
  private let groupOutputs: Int
  private let kernelWidth: Int
  /// For each group `[kernel time, kernel frequency, channel of the group, padded output of the group]`.
  private let weights: [[Float]]
  /// For each group `[padded output of the group]`.
  private let biases: [[Float]]
  /// For each output row the taps that lie inside: the tap's and the input row's number.
  private let vertical: [[(tap: Int, input: Int)]]
  /// The products of an output row, by the columns whose taps inside are the same.
  private let products: [Product]

  /// The columns that share their taps along frequency.
  private struct Product {
    var contraction: Contraction
    var firstColumn: Int
    var firstTap: Int
    /// The input column of the first column's first tap.
    var firstInput: Int
  }

  /// Prepares a convolution; nil where weights and shapes don't fit together.
  init?(
    _ window: QuantizedNetwork.Window, _ weights: FloatGraph.Weights, from source: [Int], to target: [Int]
  ) {
    guard let grids = CellGrid.pair(source, target, window) else { return nil }
    let (input, output, window) = grids
    let taps = window.time.kernel * window.frequency.kernel
    let channels = weights.values.count / max(1, output.channels * taps)
    guard channels > 0, weights.values.count == output.channels * taps * channels,
      weights.biases.count == output.channels, input.channels.isMultiple(of: channels),
      output.channels.isMultiple(of: input.channels / channels)
    else { return nil }
    (self.input, self.output, kernelWidth) = (input, output, window.frequency.kernel)
    groupCount = input.channels / channels
    groupOutputs = output.channels / groupCount
    let (perOutput, width) = (taps * channels, Contraction.padded(groupOutputs))
    let outputs = groupOutputs
    self.weights = (0..<groupCount).map { group in
      var packed = [Float](repeating: 0, count: perOutput * width)
      for output in 0..<outputs {
        let first = (group * outputs + output) * perOutput
        for index in 0..<perOutput { packed[index * width + output] = weights.values[first + index] }
      }
      return packed
    }
    biases = (0..<groupCount).map { group in
      weights.biases[group * outputs..<(group + 1) * outputs]
        + [Float](repeating: 0, count: width - outputs)
    }
    vertical = (0..<output.rows).map { window.time.taps(of: $0, inputs: input.rows) }
    // Whole blocks of outputs go to their place at once, others by way of a row of padded ones.
    let rowStride = width == groupOutputs ? output.channels : width
    var products: [Product] = []
    for column in 0..<output.columns {
      let inside = window.frequency.taps(of: column, inputs: input.columns)
      guard let first = inside.first else { continue }
      if let last = products.indices.last, products[last].firstTap == first.tap,
        products[last].contraction.segments == inside.count,
        products[last].firstColumn + products[last].contraction.rows == column
      {
        products[last].contraction.rows += 1
        continue
      }
      products.append(
        Product(
          contraction: Contraction(
            rows: 1, segments: inside.count, depth: channels, columns: width,
            aRowStride: window.frequency.stride * input.channels,
            aSegmentStride: window.frequency.dilation * input.channels, aDepthStride: 1,
            bSegmentStride: channels * width, bDepthStride: width, cRowStride: rowStride),
          firstColumn: column, firstTap: first.tap, firstInput: first.input))
    }
    self.products = products
  }

  /// Prepares a fully connected operator, which is a convolution of one tap over rows of as many channels as there are
  /// inputs; nil where weights and shapes don't fit together.
  init?(_ weights: FloatGraph.Weights, from source: FloatGraph.Tensor, to target: FloatGraph.Tensor) {
    let outputs = weights.biases.count
    guard outputs > 0, weights.values.count.isMultiple(of: outputs), !weights.values.isEmpty else {
      return nil
    }
    let (inputs, rows) = (weights.values.count / outputs, target.count / outputs)
    guard source.count == rows * inputs, target.count == rows * outputs else { return nil }
    self.init(.init(), weights, from: [1, 1, rows, inputs], to: [1, 1, rows, outputs])
  }

  func compute(_ inputs: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>) {
    let (width, outputs) = (biases[0].count, groupOutputs)
    guard width != outputs else { return compute(inputs[0], rows: { target + $0 * output.channels }) }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: output.columns * width) { padded in
      guard let row = padded.baseAddress else { return }
      compute(inputs[0], rows: { _ in row }) { group, cell in
        for column in 0..<output.columns {
          (target + (cell + column) * output.channels + group * outputs)
            .update(from: row + column * width, count: outputs)
        }
      }
    }
  }

  /// Computes row after row.
  ///
  /// - Parameters:
  ///   - source: The input.
  ///   - rows: The place for the row that begins at an output cell.
  ///   - finish: Called after each row, with its group and first cell.
  private func compute(
    _ source: UnsafePointer<Float>, rows: (_ cell: Int) -> UnsafeMutablePointer<Float>,
    finish: ((_ group: Int, _ cell: Int) -> Void)? = nil
  ) {
    let width = biases[0].count
    let rowStride = finish == nil ? output.channels : width
    let groupChannels = input.channels / groupCount
    for batch in 0..<input.batches {
      for row in 0..<output.rows {
        for group in 0..<groupCount {
          let cell = (batch * output.rows + row) * output.columns
          let place = rows(cell) + (finish == nil ? group * groupOutputs : 0)
          biases[group].withUnsafeBufferPointer { biases in
            guard let first = biases.baseAddress else { return }
            for column in 0..<output.columns {
              (place + column * rowStride).update(from: first, count: width)
            }
          }
          weights[group].withUnsafeBufferPointer { weights in
            guard let weights = weights.baseAddress else { return }
            for (tap, y) in vertical[row] {
              for product in products {
                let from = (batch * input.rows + y) * input.columns + product.firstInput
                product.contraction.accumulate(
                  source + (from * input.channels + group * groupChannels),
                  weights + (tap * kernelWidth + product.firstTap) * groupChannels * width,
                  into: place + product.firstColumn * rowStride)
              }
            }
          }
          finish?(group, cell)
        }
      }
    }
  }
}

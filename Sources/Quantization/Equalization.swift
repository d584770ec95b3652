import Networks
import QuantInfer

extension FloatGraph {
  /// The same function with channels that share codes better: cross-layer equalization (arXiv:1906.04721).
  ///
  /// A channel between two operators with weights, with nothing between them that a factor can't pass, is divided by a
  /// factor in the first and multiplied by it in the second: so that its greatest weights are as large in both; or, where
  /// the channels' greatest values are known, so that the values' span and the second's weights share the difference, as
  /// with a scale a channel the first's weights are as exact as before (arXiv:2211.10438).
  ///
  /// - Parameter peaks: For tensors the greatest magnitude of each channel; none for weights alone.
  /// - Returns: The graph with other weights.
  /// - Throws: `InvalidNetwork` where the graph is none.
  package func equalized(peaks: [Int: [Float]] = [:]) throws(InvalidNetwork) -> FloatGraph {
    try validate()
    var weights = operators.map(\.weights)
    let pairs = operators.indices.compactMap { first in
      follower(of: first).flatMap { ChannelPair(first, $0, in: self) }
    }
    if peaks.isEmpty {
      for _ in 0..<20 { for pair in pairs { pair.equalize(&weights) } }
    } else {
      for pair in pairs {
        guard let peaks = peaks[operators[pair.first].output] else { continue }
        pair.equalize(&weights, peaks: peaks)
      }
    }
    var graph = self
    for (index, weights) in weights.enumerated() {
      if let weights { graph.changeWeights(ofLayer: index) { $0 = weights } }
    }
    return graph
  }

  /// For every computed tensor the greatest magnitude of each channel on some windows.
  package func channelPeaks(on windows: [[Float]]) throws(InvalidNetwork) -> [Int: [Float]] {
    let execution = try FloatExecution(self)
    var peaks: [Int: [Float]] = [:]
    for operation in operators where operation.weights != nil {
      peaks[operation.output] = [Float](repeating: 0, count: tensors[operation.output].channelCount)
    }
    for window in windows {
      let values = execution.values(ofWindow: window)
      for (tensor, channels) in peaks {
        var channels = channels
        for (place, value) in values[tensor].enumerated() {
          channels[place % channels.count] = max(channels[place % channels.count], abs(value))
        }
        peaks[tensor] = channels
      }
    }
    return peaks
  }

  /// The operator with weights that alone reads what another one writes, by way of nothing but means, pools and
  /// padding with zeros; nil where there is none.
  private func follower(of index: Int) -> Int? {
    guard operators[index].weights != nil, operators[index].isHomogeneous else { return nil }
    var tensor = operators[index].output
    while true {
      let readers = operators.indices.filter { operators[$0].inputs.contains(tensor) }
      guard readers.count == 1, !outputs.contains(tensor), operators[readers[0]].inputs.count == 1 else {
        return nil
      }
      let reader = operators[readers[0]]
      if reader.weights != nil { return readers[0] }
      switch reader.computation {
      case .averagePool, .maximumPool, .function(.leakyRelu), .function(.clamp(0...Float.infinity)): break
      case .mean where tensors[reader.output].count == tensors[tensor].channelCount: break
      default: return nil
      }
      guard reader.isHomogeneous else { return nil }
      tensor = reader.output
    }
  }
}

extension FloatGraph.Operator {
  /// Whether a positive factor passes the fused activation.
  fileprivate var isHomogeneous: Bool {
    activation == FloatGraph.everything || activation == 0...Float.infinity
  }
}

/// Two operators with weights and the channels between them.
private struct ChannelPair {
  let first: Int
  private let second: Int
  private let firstShape: SumShape
  /// For each channel the places of the second's weights that read it.
  private let readers: [[Int]]
  /// Whether the second's weights of a channel have a scale of their own.
  private let isDepthwise: Bool

  init?(_ first: Int, _ second: Int, in graph: FloatGraph) {
    guard let firstShape = SumShape(graph.operators[first], in: graph),
      let secondShape = SumShape(graph.operators[second], in: graph)
    else { return nil }
    let channels = firstShape.outputs
    var readers = [[Int]](repeating: [], count: channels)
    let isDense = graph.operators[second].kind == .fullyConnected
    guard
      isDense
        ? secondShape.inputs.isMultiple(of: channels)
        : graph.tensors[graph.operators[second].inputs[0]].channelCount == channels
    else { return nil }
    for output in 0..<secondShape.outputs {
      let read = secondShape.channels(ofGroup: secondShape.group(of: output))
      for (place, channel) in zip(secondShape.places(of: output), read) {
        readers[isDense ? channel % channels : channel].append(place)
      }
    }
    (self.first, self.second, self.firstShape, self.readers) = (first, second, firstShape, readers)
    isDepthwise = graph.operators[second].kind == .depthwiseConvolution
  }

  /// Makes the greatest weights of each channel as large in both.
  func equalize(_ weights: inout [FloatGraph.Weights?]) {
    for channel in readers.indices {
      let a = greatest(weights[first], firstShape.places(of: channel))
      let b = greatest(weights[second], readers[channel])
      // A channel that nothing feeds or reads stays as it is.
      guard a > 0, b > 0 else { continue }
      divide(&weights, channel, by: (a / b).squareRoot())
    }
  }

  /// Brings the channels' spans nearer to each other: all the way where the second has a scale a channel.
  func equalize(_ weights: inout [FloatGraph.Weights?], peaks: [Float]) {
    guard peaks.count == readers.count, let highest = peaks.max(), highest > 0 else { return }
    let loads = readers.map { greatest(weights[second], $0) }
    guard let heaviest = loads.max(), heaviest > 0 else { return }
    for channel in readers.indices {
      let (peak, load) = (peaks[channel] / highest, loads[channel] / heaviest)
      guard peak > 0, load > 0 else { continue }
      let factor = isDepthwise ? peak : (peak / load).squareRoot()
      divide(&weights, channel, by: min(max(factor, 1e-3), 1e3))
    }
  }

  private func greatest(_ weights: FloatGraph.Weights?, _ places: [Int]) -> Float {
    places.reduce(0) { max($0, abs(weights?.values[$1] ?? 0)) }
  }

  private func divide(_ weights: inout [FloatGraph.Weights?], _ channel: Int, by factor: Float) {
    guard factor.isNormal else { return }
    for place in firstShape.places(of: channel) { weights[first]?.values[place] /= factor }
    weights[first]?.biases[channel] /= factor
    for place in readers[channel] { weights[second]?.values[place] *= factor }
  }
}

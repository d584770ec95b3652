import Dispatch
import Foundation
import Networks

/// A network with gradients for one batch at a time.
package final class TrainableNetwork: Trainable {
  /// The layers' sizes.
  package let shapes: [LayerShape]
  /// All parameters in the layers' order: weights, then biases, or scales and shifts.
  package var parameters: [Float]
  /// The loss's gradient by the parameters, once `computeGradient` has run.
  package private(set) var gradient: [Float]
  /// Weights shrink; biases, scales and shifts don't.
  package let decays: [Bool]
  /// The batch's inputs `[window, time, channel]`, to be filled by the caller.
  package let inputs: UnsafeMutableBufferPointer<Float>
  /// The batch's classes `[window]`, to be filled by the caller.
  package let labels: UnsafeMutableBufferPointer<Int>

  let batchSize: Int
  private let threads: Int
  private let layers: [any BatchLayer]
  /// For each layer the sums that add what it reads.
  private let sums: [[WeightlessLayer]]
  private let labelSmoothing: Float
  private let logitOffsets: [Float]
  private let codes: NetworkCodes?
  private let shardLosses: UnsafeMutablePointer<Double>

  /// The number of parts that a batch is cut into, however many threads there are.
  static let shardCount = 8

  /// Creates a network from a checkpoint's layers, to be trained for integers where `codes` says which.
  ///
  /// The loss sees the logits less `logitOffsets`, one a class; all 0 where there are none.
  ///
  /// - Throws: `InvalidNetwork` where the specification can't be built, the layers don't fit it, or a batch
  ///   needs more than 4 GiB.
  package init(
    specification: NetworkSpecification, layers states: [Checkpoint.Layer], codes: NetworkCodes? = nil,
    batchSize: Int, labelSmoothing: Double, logitOffsets: [Float] = [], threads: Int
  ) throws(InvalidNetwork) {
    let shapes = try specification.layerShapes()
    _ = try FloatGraph(specification: specification, layers: states)
    // A layer keeps its products, outputs and gradients; padded, its channels are up to eightfold.
    let batchCount = batchSize * (shapes[0].inputCount + 24 * shapes.map(\.outputCount).reduce(0, +))
    guard batchCount <= 1 << 30 else {
      throw InvalidNetwork("a batch of \(batchSize) windows needs more than 4 GiB; choose a smaller one")
    }
    self.shapes = shapes
    self.codes = codes
    self.batchSize = batchSize
    self.threads = min(max(threads, 1), Self.shardCount)
    self.labelSmoothing = Float(labelSmoothing)
    let classCount = shapes[shapes.count - 1].outputChannels
    self.logitOffsets = logitOffsets.isEmpty ? [Float](repeating: 0, count: classCount) : logitOffsets
    guard self.logitOffsets.count == classCount else {
      throw InvalidNetwork("\(logitOffsets.count) offsets are given for \(classCount) logits")
    }
    decays = shapes.flatMap { shape in
      [Bool](repeating: true, count: shape.weightCount)
        + [Bool](repeating: false, count: shape.parameterCount - shape.weightCount)
    }
    parameters = states.flatMap(\.parameters)
    gradient = [Float](repeating: 0, count: parameters.count)
    inputs = .allocate(capacity: batchSize * shapes[0].inputCount)
    inputs.initialize(repeating: 0)
    labels = .allocate(capacity: batchSize)
    labels.initialize(repeating: 0)
    shardLosses = .allocate(capacity: Self.shardCount)
    shardLosses.initialize(repeating: 0, count: Self.shardCount)
    var inputWidth = shapes[0].inputChannels
    var layers: [any BatchLayer] = []
    var sums = [[WeightlessLayer]](repeating: [], count: shapes.count)
    for (index, (shape, state)) in zip(shapes, states).enumerated() {
      if shape.hasWeights {
        let layer = TrainableLayer(
          shape: shape, codes: codes?.layers[index], inputWidth: inputWidth, batchSize: batchSize,
          shardCount: Self.shardCount)
        if let normalization = state.normalization {
          layer.runningMean.replaceSubrange(0..<shape.outputChannels, with: normalization.mean)
          layer.runningVariance.replaceSubrange(0..<shape.outputChannels, with: normalization.variance)
        }
        layers.append(layer)
      } else {
        var other: WeightlessLayer.Other?
        if case .sum(let count, let first) = shape.kind {
          let place = index - count
          other = .init(
            values: UnsafePointer(place > 0 ? layers[place - 1].output : inputs.baseAddress!),
            columns: shapes[place].inputColumns,
            width: place > 0 ? layers[place - 1].width : shapes[0].inputChannels, first: first,
            scale: codes?.layers[place].inputScale ?? 1)
        }
        let layer = WeightlessLayer(
          shape: shape, codes: codes?.layers[index], inputWidth: inputWidth, other: other,
          batchSize: batchSize)
        if case .sum(let count, _) = shape.kind { sums[index - count].append(layer) }
        layers.append(layer)
      }
      inputWidth = layers[index].width
    }
    (self.layers, self.sums) = (layers, sums)
  }

  deinit {
    inputs.deallocate()
    labels.deallocate()
    shardLosses.deallocate()
  }

  /// The layers' parameters and running statistics as they are now.
  package var states: [Checkpoint.Layer] {
    var first = 0
    return layers.map { layer in
      defer { first += layer.shape.parameterCount }
      return layer.state(parameters[first..<first + layer.shape.parameterCount])
    }
  }

  /// Runs `body` for every shard, with its number and its windows, on all threads.
  package func forEachShard(_ body: (_ shard: Int, _ windows: Range<Int>) -> Void) {
    withoutActuallyEscaping(body) { body in
      // The shards share nothing that they write, and all of them end before this call does.
      nonisolated(unsafe) let body = body
      let (threads, batchSize) = (threads, batchSize)
      DispatchQueue.concurrentPerform(iterations: threads) { thread in
        for shard in stride(from: thread, to: Self.shardCount, by: threads) {
          body(shard, shard * batchSize / Self.shardCount..<(shard + 1) * batchSize / Self.shardCount)
        }
      }
    }
  }

  /// Computes the loss's gradient for the batch, and moves the running statistics.
  ///
  /// - Returns: The loss: the cross-entropy's mean over the batch.
  package func computeGradient() -> Double {
    if let codes {
      let inputCount = shapes[0].inputCount
      forEachShard { _, windows in
        for index in windows.lowerBound * inputCount..<windows.upperBound * inputCount {
          inputs[index] = codes.code(inputs[index])
        }
      }
    }
    var input = UnsafePointer(inputs.baseAddress!)
    var parameterRanges: [Range<Int>] = []
    for layer in layers {
      let first = parameterRanges.last?.upperBound ?? 0
      parameterRanges.append(first..<first + layer.shape.parameterCount)
      layer.prepare(parameters[first..<first + layer.shape.parameterCount])
      forEachShard { layer.computeProducts(shard: $0, windows: $1, input: input) }
      layer.finishProducts()
      forEachShard { layer.computeOutputs(windows: $1) }
      input = UnsafePointer(layer.output)
    }
    forEachShard { shard, windows in shardLosses[shard] = computeLoss(windows) }
    for index in layers.indices.reversed() {
      let layer = layers[index]
      let previous = index > 0 ? layers[index - 1] : nil
      let input = UnsafePointer(previous?.output ?? inputs.baseAddress!)
      forEachShard { layer.computeSlopes(shard: $0, windows: $1) }
      layer.finishSlopes(&gradient[parameterRanges[index]])
      forEachShard { shard, windows in
        layer.computeGradients(
          shard: shard, windows: windows, input: input, inputGradient: previous?.gradient)
        guard let previous else { return }
        for sum in sums[index] { sum.addGradient(windows: windows, toOther: previous.gradient) }
      }
      layer.finishGradients(&gradient[parameterRanges[index]])
    }
    return (0..<Self.shardCount).reduce(0) { $0 + shardLosses[$1] } / Double(batchSize)
  }

  /// The last layer's codes less their zero point for the batch, `[window, class]`, where it is trained for integers.
  package var logitCodes: [[Int]] {
    let layer = layers[layers.count - 1]
    return (0..<batchSize).map { window in
      (0..<layer.shape.outputChannels).map { Int(layer.output[window * layer.width + $0]) }
    }
  }

  /// Writes the loss's gradient by the logits; returns the windows' summed cross-entropy with the smoothed
  /// labels.
  private func computeLoss(_ windows: Range<Int>) -> Double {
    let layer = layers[layers.count - 1]
    let classCount = layer.shape.outputChannels
    let offTarget = labelSmoothing / Float(classCount)
    let onTarget = 1 - labelSmoothing + offTarget
    let unit = codes?.layers.last?.outputScale ?? 1
    var loss = 0.0
    for window in windows {
      let logits = layer.output + window * layer.width
      let slopes = layer.gradient + window * layer.width
      func logit(_ index: Int) -> Float { unit * logits[index] - logitOffsets[index] }
      var largest = -Float.infinity
      for index in 0..<classCount { largest = max(largest, logit(index)) }
      var sum: Float = 0
      for index in 0..<classCount {
        slopes[index] = exp(logit(index) - largest)
        sum += slopes[index]
      }
      let logSum = log(sum)
      for index in 0..<classCount {
        let target = index == labels[window] ? onTarget : offTarget
        loss -= Double(target * (logit(index) - largest - logSum))
        slopes[index] = (slopes[index] / sum - target) / Float(batchSize)
      }
    }
    return loss
  }
}

extension Checkpoint.Layer {
  /// The parameters that are trained: weights, then biases, or scales and shifts.
  fileprivate var parameters: [Float] {
    weights + biases + (normalization.map { $0.scale + $0.shift } ?? [])
  }
}

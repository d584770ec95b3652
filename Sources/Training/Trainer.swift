import Foundation
import Networks
import Support
import Tasks

/// Why a network can't be trained, in a few words.
package struct TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong.
  package var description: String

  /// Creates an error.
  package init(_ description: String) {
    self.description = description
  }
}

extension Checkpoint {
  /// A network of a task before its first training step; see the other `untrained`.
  ///
  /// - Throws: `TrainingError` where the parts can't be, or don't fit together.
  package static func untrained(
    of task: TaskDefinition, specification: NetworkSpecification, split: TaskSplit, training: TrainingOptions,
    couplingHz: Double? = nil, beats: BeatSettings? = nil
  ) throws(TrainingError) -> Checkpoint {
    var settings =
      beats.map { SpectrogramSettings(beats: $0, sampleRateHz: task.frontEnd.sampleRateHz) }
      ?? task.frontEnd
    settings.couplingHz = couplingHz
    return try untrained(
      settings: settings, specification: specification,
      decisionDelaySeconds: task.isByClock ? 0 : 0.7, classNames: task.classNames, task: task.name,
      ownTask: task.needsTelling ? task : nil, split: split.rawValue, training: training)
  }

  /// A network of beats that goes beside one of columns, before its first training step: it decides when that does, about every
  /// beat, and is trained with its own usual options on the same leads.
  ///
  /// - Throws: `TrainingError` where the parts can't be, or don't fit together.
  package static func untrainedBeats(
    beside columns: Checkpoint, of task: TaskDefinition, hidden: Int, offsets: [String: Double] = [:]
  ) throws(TrainingError) -> Checkpoint {
    var beats = BeatSettings.standard
    beats.knownDistance = 0
    var settings = SpectrogramSettings(
      beats: beats, sampleRateHz: columns.settings.sampleRateHz, hopSamples: columns.settings.hopSamples)
    settings.couplingHz = columns.settings.couplingHz
    var training = TrainingOptions.beats
    (training.seed, training.leads) = (columns.training.seed, columns.training.leads)
    training.logitOffsets = offsets.isEmpty ? nil : offsets
    return try untrained(
      settings: settings,
      specification: .beats(beats, hidden: hidden, classCount: columns.classNames.count),
      decisionDelaySeconds: columns.decisionDelaySeconds, classNames: columns.classNames,
      task: columns.task, ownTask: columns.ownTask, split: columns.split, training: training)
  }

  /// A network before its first training step, its weights drawn from the options' seed.
  ///
  /// - Throws: `TrainingError` where the parts can't be, or don't fit together.
  package static func untrained(
    settings: SpectrogramSettings, specification: NetworkSpecification, decisionDelaySeconds: Double = 0.7,
    classNames: [String], task: String, ownTask: TaskDefinition? = nil, split: String,
    training: TrainingOptions
  ) throws(TrainingError) -> Checkpoint {
    if let problem = settings.problem ?? training.problem { throw TrainingError(problem) }
    let shapes: [LayerShape]
    do {
      shapes = try specification.layerShapes()
    } catch {
      throw TrainingError(error.description)
    }
    guard specification.inputChannels == settings.columnCodeCount else {
      throw TrainingError(
        "the network takes \(specification.inputChannels) bins of a spectrogram of \(settings.columnCodeCount)"
      )
    }
    guard shapes[shapes.count - 1].outputChannels == classNames.count else {
      throw TrainingError(
        "the network has \(shapes[shapes.count - 1].outputChannels) logits for \(classNames.count) classes")
    }
    guard (0...60).contains(decisionDelaySeconds) else {
      throw TrainingError("the decision's delay of \(decisionDelaySeconds) s is not in 0 ... 60")
    }
    if let hop = ownTask?.hopColumns, hop % specification.columnsPerDecision != 0 {
      let step = specification.columnsPerDecision
      throw TrainingError(
        "the network's strides let it decide every \(step) columns, but the task's windows come every \(hop); "
          + "choose strides whose product divides \(hop), or another hopSeconds")
    }
    if ownTask?.isByClock == true, let layer = shapes.firstIndex(where: { $0.unreadColumns > 0 }) {
      let shape = shapes[layer]
      throw TrainingError(
        "layer \(layer) leaves the last \(shape.unreadColumns) of its \(shape.inputColumns) columns unread, and a "
          + "stream would decide later than it was trained for; choose "
          + (shape.dilationColumns == 1
            ? "a kernel of \(shape.kernelColumns + shape.unreadColumns)" : "another kernel or dilation"))
    }
    var generator = SeededGenerator(seed: training.seed).split(-1)
    let layers = shapes.map { shape in
      guard shape.hasWeights else { return Layer(weights: [], biases: [], normalization: nil) }
      let bound = 1 / Double(shape.weightCount / shape.outputChannels).squareRoot()
      func random(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float(generator.next(in: -bound...bound)) }
      }
      func repeating(_ value: Float) -> [Float] { [Float](repeating: value, count: shape.outputChannels) }
      return Layer(
        weights: random(shape.weightCount), biases: shape.isDense ? random(shape.outputChannels) : [],
        normalization: !shape.isNormalized
          ? nil
          : BatchNormalization(
            scale: repeating(1), shift: repeating(0), mean: repeating(0), variance: repeating(1)))
    }
    let zeros = [Float](repeating: 0, count: shapes.map(\.parameterCount).reduce(0, +))
    var checkpoint = Checkpoint(
      settings: settings, specification: specification, decisionDelaySeconds: decisionDelaySeconds,
      classNames: classNames, task: task, split: split, training: training, completedSteps: 0, layers: layers,
      optimizer: OptimizerState(gradientMean: zeros, gradientSquare: zeros))
    checkpoint.ownTask = ownTask
    checkpoint.raiseLogits(by: training.logitOffsets(of: classNames))
    return checkpoint
  }

  /// Raises the logits by an offset a class: before the first step, so that the loss, which sees them less their offsets,
  /// begins as without.
  package mutating func raiseLogits(by offsets: [Float]) {
    guard let last = layers.indices.last else { return }
    for (index, offset) in offsets.enumerated() {
      if layers[last].normalization != nil {
        layers[last].normalization?.shift[index] += offset
      } else {
        layers[last].biases[index] += offset
      }
    }
  }
}

/// Trains a network from a checkpoint on, to its options' last step.
///
/// Where a training is interrupted doesn't matter, nor on how many threads it runs: the same checkpoint and the
/// same signals always end in the same bits.
package final class Trainer {
  /// The number of beats too near their record's ends for a window.
  package let leftOutBeatCount: Int

  private let start: Checkpoint
  private let sampler: Sampler
  private let network: TrainableNetwork
  private var optimizer: AdamW

  /// What is drawn.
  private enum Sampler {
    case windows(WindowSampler, scratches: [WindowSampler.Scratch])
    case beats(BeatSampler)

    /// Writes the inputs of the window with a number, for one shard at a time, and returns its class.
    func drawWindow(_ number: Int, shard: Int, into inputs: UnsafeMutablePointer<Float>) -> Int {
      switch self {
      case .windows(let sampler, let scratches):
        sampler.drawWindow(number, with: scratches[shard], into: inputs)
      case .beats(let sampler): sampler.drawWindow(number, into: inputs)
      }
    }
  }

  /// Prepares to train, on at most `threads` threads.
  ///
  /// - Parameters:
  ///   - checkpoint: The training's state.
  ///   - signals: What to train on.
  ///   - noises: Recorded noise to add, in microvolts at the signals' rate.
  ///   - codes: The integers to train for, where the checkpoint has a plan for them.
  ///   - threads: The number of threads.
  /// - Throws: `TrainingError` where the signals have no beat to train on or the checkpoint is invalid.
  package init(
    _ checkpoint: Checkpoint, signals: [LabelledSignal], noises: [[Float]] = [], codes: NetworkCodes? = nil,
    threads: Int = 1
  ) throws(TrainingError) {
    let classes = checkpoint.classNames.indices
    guard signals.allSatisfy({ $0.beats.allSatisfy { classes.contains($0.classIndex) } }) else {
      throw TrainingError("a beat's class is not among the network's \(classes.count)")
    }
    let leadCount = checkpoint.settings.leadCount
    if let signal = signals.first(where: { $0.furtherLeads.count + 1 != leadCount }) {
      throw TrainingError(
        "the network takes \(leadCount) leads, and the record \(signal.record) has \(signal.furtherLeads.count + 1)"
      )
    }
    var checkpoint = checkpoint
    let nothing = TrainingError("there is no beat with a whole window to train on")
    if checkpoint.settings.beats != nil {
      guard
        let beats = BeatSampler(
          signals, classCount: checkpoint.classNames.count, window: checkpoint.window,
          options: checkpoint.training)
      else { throw nothing }
      (sampler, leftOutBeatCount) = (.beats(beats), beats.leftOutCount)
      checkpoint.settings = beats.settings
    } else {
      guard
        let windows = WindowSampler(
          signals, noises: noises, classNames: checkpoint.classNames, window: checkpoint.window,
          options: checkpoint.training)
      else { throw nothing }
      leftOutBeatCount = windows.leftOutCount
      sampler = .windows(
        windows,
        scratches: (0..<TrainableNetwork.shardCount).map { _ in WindowSampler.Scratch(checkpoint.window) })
    }
    do {
      network = try TrainableNetwork(
        specification: checkpoint.specification, layers: checkpoint.layers, codes: codes,
        batchSize: checkpoint.training.batchSize, labelSmoothing: checkpoint.training.labelSmoothing,
        logitOffsets: checkpoint.training.logitOffsets(of: checkpoint.classNames), threads: threads)
    } catch {
      throw TrainingError(error.description)
    }
    guard (checkpoint.awareness == nil) == (codes == nil) else {
      throw TrainingError("the checkpoint's plan for integers and the integers must come together")
    }
    guard let state = checkpoint.optimizer, state.gradientMean.count == network.parameters.count,
      state.gradientSquare.count == network.parameters.count
    else { throw TrainingError("the checkpoint's training is over, or its optimizer's state doesn't fit") }
    start = checkpoint
    optimizer = AdamW(state: state, completedSteps: checkpoint.completedSteps)
  }

  /// The training's state now; once the last step is done, without the optimizer's.
  package var checkpoint: Checkpoint {
    var checkpoint = start
    checkpoint.layers = network.states
    checkpoint.completedSteps = optimizer.completedSteps
    checkpoint.optimizer = optimizer.completedSteps < start.training.totalSteps ? optimizer.state : nil
    return checkpoint
  }

  /// Trains for one step.
  ///
  /// - Returns: The batch's loss.
  /// - Throws: `TrainingError` where the loss is no longer finite.
  package func step() throws(TrainingError) -> Double {
    let (options, step) = (start.training, optimizer.completedSteps)
    return try optimizer.step(
      network, learningRate: options.learningRate(atStep: step), decay: options.weightDecay
    ) {
      let inputCount = network.shapes[0].inputCount
      network.forEachShard { shard, windows in
        for window in windows {
          network.labels[window] = sampler.drawWindow(
            step * options.batchSize + window, shard: shard,
            into: network.inputs.baseAddress! + window * inputCount)
        }
      }
      return network.computeGradient()
    }
  }

  /// Trains to the last step; `save` gets the state after every epoch but the last.
  ///
  /// - Returns: The finished checkpoint.
  /// - Throws: `TrainingError` where the loss is no longer finite, and what `save` throws.
  package func run(
    progress: ProgressHandler? = nil, save: ((Checkpoint) throws -> Void)? = nil
  ) throws -> Checkpoint {
    let options = start.training
    var smoothedLoss: Double?
    while optimizer.completedSteps < options.totalSteps {
      let loss = try step()
      let completedSteps = optimizer.completedSteps
      smoothedLoss = smoothedLoss.map { $0 + 0.05 * (loss - $0) } ?? loss
      if completedSteps % options.stepsPerEpoch == 0, completedSteps < options.totalSteps {
        try save?(checkpoint)
      }
      progress?(
        TaskProgress(
          completed: completedSteps, total: options.totalSteps,
          detail: String(format: "loss %.3f", smoothedLoss ?? loss)))
    }
    return checkpoint
  }
}

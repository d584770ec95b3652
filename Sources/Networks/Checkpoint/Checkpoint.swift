import Foundation
import Tasks

/// A trained network, or one still in training, with everything that its use depends on.
///
/// On disk it is a safetensors file: tensors `layers.N.weights` and so on, and in its metadata strings the
/// rest, structures as JSON. Equal checkpoints give equal bytes.
package struct Checkpoint: Equatable, Sendable {
  /// How samples become the network's input.
  package var settings: SpectrogramSettings
  /// The network's structure.
  package var specification: NetworkSpecification
  /// How long after a beat its decision is taken, in seconds.
  package var decisionDelaySeconds: Double
  /// The classes' names, in the order of the logits.
  package var classNames: [String]
  /// The task's name.
  package var task: String
  /// The task itself, where its name alone doesn't tell: of the user's own, and of those by the clock.
  package var ownTask: TaskDefinition?
  /// The name of the split into training and test beats.
  package var split: String
  /// How it is trained, the seed included.
  package var training: TrainingOptions
  /// How it shall be quantized, where it is trained for that; nil otherwise.
  package var awareness: QuantizationAwareness?
  /// The training steps done.
  package var completedSteps: Int
  /// The layers, in the specification's order.
  package var layers: [Layer]
  /// The optimizer's state while training is under way; nil once it is done.
  package var optimizer: OptimizerState?
  /// A list, as a structure can't hold itself.
  private var besides: [Checkpoint] = []

  /// One layer's parameters, with batch normalization kept apart.
  package struct Layer: Equatable, Sendable {
    /// The weights, `[output channel, kernel column, input channel]`, kernel column 0 the oldest.
    ///
    /// A dense layer's are `[output, time, channel]`: a kernel that covers all the time there is. A depthwise
    /// convolution's are `[channel, kernel column]`; a pool and a sum have none.
    package var weights: [Float]
    /// A dense layer's biases, `[output]`; a convolution's are its normalization's shifts.
    package var biases: [Float]
    /// A convolution's batch normalization; nil for other layers.
    package var normalization: BatchNormalization?

    /// Creates a layer.
    package init(weights: [Float], biases: [Float], normalization: BatchNormalization?) {
      self.weights = weights
      self.biases = biases
      self.normalization = normalization
    }
  }

  /// AdamW's state, over all parameters in the layers' order: weights, then biases or scales and shifts.
  package struct OptimizerState: Equatable, Sendable {
    /// The running mean of the gradient.
    package var gradientMean: [Float]
    /// The running mean of the gradient's square.
    package var gradientSquare: [Float]

    /// Creates a state.
    package init(gradientMean: [Float], gradientSquare: [Float]) {
      self.gradientMean = gradientMean
      self.gradientSquare = gradientSquare
    }
  }

  /// Creates a checkpoint.
  package init(
    settings: SpectrogramSettings, specification: NetworkSpecification, decisionDelaySeconds: Double,
    classNames: [String], task: String, split: String, training: TrainingOptions, completedSteps: Int,
    layers: [Layer],
    optimizer: OptimizerState? = nil
  ) {
    self.settings = settings
    self.specification = specification
    self.decisionDelaySeconds = decisionDelaySeconds
    self.classNames = classNames
    self.task = task
    self.split = split
    self.training = training
    self.completedSteps = completedSteps
    self.layers = layers
    self.optimizer = optimizer
  }

  /// The network of beats beside this one of columns, whose logits are added to its own; nil for a network by itself.
  package var beatNetwork: Checkpoint? {
    get { besides.first }
    set { besides = newValue.map { [$0] } ?? [] }
  }

  /// The number of layers with weights, whose widths in integers can be chosen.
  package var weightedLayerCount: Int { layers.count { !$0.weights.isEmpty } }

  /// The task; nil where it is none that this program knows.
  package var definition: TaskDefinition? { ownTask ?? TaskDefinition(named: task) }

  /// The windows that the network decides over.
  package var window: BeatWindow {
    BeatWindow(
      settings: settings, columnCount: specification.inputColumns, delaySeconds: decisionDelaySeconds,
      isByClock: ownTask?.isByClock ?? false)
  }
}

/// A convolution's batch normalization: `scale (x - mean) / sqrt(variance + epsilon) + shift` a channel.
package struct BatchNormalization: Equatable, Sendable {
  /// The learnt scales, `[channel]`.
  package var scale: [Float]
  /// The learnt shifts, `[channel]`.
  package var shift: [Float]
  /// The running means, `[channel]`.
  package var mean: [Float]
  /// The running variances, `[channel]`.
  package var variance: [Float]

  /// What keeps the division defined where a channel doesn't vary.
  package static let epsilon: Float = 1e-5

  /// Creates a normalization.
  package init(scale: [Float], shift: [Float], mean: [Float], variance: [Float]) {
    self.scale = scale
    self.shift = shift
    self.mean = mean
    self.variance = variance
  }
}

import Foundation
import Tasks

/// How a network is trained; together with the data it decides every bit of the result.
package struct TrainingOptions: Codable, Equatable, Sendable {
  /// The seed of the initial weights, the beats drawn and their augmentation.
  package var seed: UInt64 = 1
  /// The number of epochs: units of progress, checkpoints and the learning rate's cycle.
  package var epochs: Int = 10
  /// The number of windows drawn in an epoch.
  package var windowsPerEpoch: Int = 20_480
  /// The number of windows of a step.
  package var batchSize: Int = 256
  /// The learning rate at the cycle's peak.
  package var peakLearningRate: Double = 3e-3
  /// AdamW's decay of the weights, as a fraction of the learning rate.
  package var weightDecay: Double = 0.01
  /// The part of a label that is spread over all classes.
  package var labelSmoothing: Double = 0.05
  /// A class is drawn with a probability in proportion to its number of beats to this power: 1 draws beats as
  /// they come, 0 all classes equally often.
  package var samplingExponent: Double = 0.7
  /// By how much the classes' logits are above what the beats drawn would make them, by the classes' names; nil for none.
  ///
  /// The loss sees the logits less these (arXiv:2007.07314). Windows are drawn evenly so that rare classes are learnt, but
  /// a decision for a class that was drawn too often is wrong too often.
  package var logitOffsets: [String: Double]?
  /// The leads that the training signals are of.
  package var leads: TrainingLeads = .all
  /// How the windows are changed.
  package var augmentation = Augmentation()

  /// The options for a split by patient.
  package init() {}

  /// The options of this project's ECG models; docs/guides/Training.md and the models' cards say how they were chosen.
  ///
  /// Between patients, what makes other patients of the training's helps; at random within the same patients, more
  /// epochs do, and other leads don't.
  package init(split: TaskSplit) {
    switch split {
    case .intra: (epochs, leads) = (40, .main)
    case .inter, .fold, .all:
      epochs = 20
      logitOffsets = ["S": -1, "F": 1]
      augmentation.leadMixing = 0.5
      augmentation.stretch = 0.15
      augmentation.premature = 0.15
      augmentation.ectopy = 0.3
      augmentation.irregular = 0.1
      augmentation.mainsMicrovolts = 150
      augmentation.muscleMicrovolts = 40
      augmentation.wanderMicrovolts = 300
    }
  }

  /// How many windows of a network that shall do without a lead lack one.
  package static let leadLossOfGoingOn = 0.3

  /// The options of a task: for beats as those of its split, for windows what other patients and devices may change.
  package init(task: TaskDefinition, split: TaskSplit) {
    self.init(split: split)
    if task.isByClock {
      self.init()
      setWindows(of: task)
    }
    if !task.furtherLeads.isEmpty { augmentation.leadMixing = 0 }
    if task.lostLead == .goOn { augmentation.leadLoss = Self.leadLossOfGoingOn }
  }

  private mutating func setWindows(of task: TaskDefinition) {
    (epochs, windowsPerEpoch) = (12, 8_192)
    samplingExponent = 0.5
    augmentation.shiftSeconds = min(1, (task.hopSeconds ?? 0) / 2)
    augmentation.stretch = 0.1
    augmentation.mainsMicrovolts = 50
    augmentation.muscleMicrovolts = 40
    augmentation.wanderMicrovolts = 300
    if task.frontEnd.isRawSamples { augmentation.inversion = 0.5 }
  }

  /// The options of a network of beats: small, and soon learnt.
  package static let beats: TrainingOptions = {
    var options = TrainingOptions()
    (options.epochs, options.windowsPerEpoch, options.samplingExponent) = (12, 51_200, 0.5)
    (options.weightDecay, options.augmentation.leadMixing) = (0.03, 0.5)
    return options
  }()

  /// The number of steps of an epoch.
  package var stepsPerEpoch: Int { (windowsPerEpoch + batchSize - 1) / batchSize }

  /// The number of steps in all.
  package var totalSteps: Int { epochs * stepsPerEpoch }

  /// What is wrong with the options, in a few words; nil where nothing is.
  package var problem: String? {
    if !(1...100_000).contains(epochs) { return "\(epochs) epochs are not in 1 ... 100,000" }
    if !(1...100_000_000).contains(windowsPerEpoch) {
      return "\(windowsPerEpoch) windows an epoch are not in 1 ... 100,000,000"
    }
    if !(2...65_536).contains(batchSize) { return "a batch of \(batchSize) is not in 2 ... 65,536" }
    if !(peakLearningRate > 0 && peakLearningRate <= 10) {
      return "the learning rate \(peakLearningRate) is not in 0 ... 10"
    }
    let fractions = [
      ("weight decay", weightDecay), ("label smoothing", labelSmoothing),
      ("sampling exponent", samplingExponent),
    ]
    for (name, value) in fractions where !(0...1).contains(value) {
      return "the \(name) \(value) is not in 0 ... 1"
    }
    for (name, offset) in logitOffsets ?? [:] where !(-10...10).contains(offset) {
      return "the offset \(offset) of \(name)'s logit is not in -10 ... 10"
    }
    return augmentation.problem
  }

  /// The offsets of some classes' logits; those of other names are of another task.
  package func logitOffsets(of classNames: [String]) -> [Float] {
    classNames.map { Float(logitOffsets?[$0] ?? 0) }
  }

  /// The learning rate at a step, counted from 0: one cycle that rises for three tenths of the steps from a
  /// 25th of the peak, then falls to nearly nothing, both along half a cosine.
  package func learningRate(atStep step: Int) -> Double {
    let progress = (Double(step) + 0.5) / Double(totalSteps)
    let rise = 0.3
    let (from, to, fraction) =
      progress < rise
      ? (peakLearningRate / 25, peakLearningRate, progress / rise)
      : (peakLearningRate, peakLearningRate / 250_000, (progress - rise) / (1 - rise))
    return to + (from - to) * (1 + cos(.pi * fraction)) / 2
  }
}

extension TrainingOptions {
  /// Reads options; version 0.1's checkpoints have the augmentation's among them, and not all of these.
  package init(from decoder: any Decoder) throws {
    self.init()
    let container = try decoder.container(keyedBy: CodingKeys.self)
    seed = try container.decode(UInt64.self, forKey: .seed)
    epochs = try container.decode(Int.self, forKey: .epochs)
    windowsPerEpoch = try container.decode(Int.self, forKey: .windowsPerEpoch)
    batchSize = try container.decode(Int.self, forKey: .batchSize)
    peakLearningRate = try container.decode(Double.self, forKey: .peakLearningRate)
    weightDecay = try container.decode(Double.self, forKey: .weightDecay)
    labelSmoothing = try container.decode(Double.self, forKey: .labelSmoothing)
    samplingExponent = try container.decode(Double.self, forKey: .samplingExponent)
    logitOffsets = try container.decodeIfPresent([String: Double].self, forKey: .logitOffsets)
    leads = try container.decode(TrainingLeads.self, forKey: .leads)
    augmentation =
      try container.decodeIfPresent(Augmentation.self, forKey: .augmentation)
      ?? Augmentation(from: decoder)
  }
}

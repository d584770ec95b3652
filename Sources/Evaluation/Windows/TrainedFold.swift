import Foundation
import HostDevice
import ModelFiles
import Networks
import Quantization
import Support
import Tasks
import Training

/// A network that was trained on all folds of patients but one.
package struct TrainedFold: Sendable {
  /// The seed of its training, and the fold that it has not seen, from 0.
  package var seed: UInt64
  package var fold: Int
  /// The network.
  package var checkpoint: Checkpoint
  /// What it was trained on.
  package var training: [LabelledSignal]
  /// The main leads of the records that it has not seen.
  package var held: [LabelledSignal]

  /// What to train, and on what.
  package struct Plan: Sendable {
    /// The signals, other leads included.
    package var signals: [LabelledSignal]
    /// The records' leads to decide about, one a record.
    package var mainLeads: [LabelledSignal]
    /// Recorded noise for augmentation.
    package var noises: [[Float]]
    /// Each record's fold, from 0.
    package var foldOfRecord: [String: Int]
    /// The number of folds.
    package var folds: Int
    /// The seeds.
    package var seeds: [UInt64]
    /// A folder that keeps the networks, so that a run that was stopped goes on; nil for none.
    package var keep: String?
    /// What a network of beats' logits are multiplied by, beside one of columns.
    package var beatShare: Float = 1

    /// Creates a plan that keeps nothing.
    package init(
      signals: [LabelledSignal], mainLeads: [LabelledSignal], noises: [[Float]] = [],
      foldOfRecord: [String: Int], folds: Int, seeds: [UInt64]
    ) {
      (self.signals, self.mainLeads, self.noises) = (signals, mainLeads, noises)
      (self.foldOfRecord, self.folds, self.seeds) = (foldOfRecord, folds, seeds)
    }
  }

  /// Trains on all folds but one; all folds, for every seed.
  ///
  /// - Parameters:
  ///   - plan: What to train, and on what.
  ///   - untrained: Makes the network before its first step for a seed.
  ///   - threads: The number of trainings side by side.
  ///   - progress: Told of each training.
  /// - Returns: The networks, seed by seed.
  /// - Throws: `TrainingError` where a training can't be; `FileError` where one can't be kept.
  package static func all(
    _ plan: Plan, untrained: @escaping @Sendable (UInt64) throws -> Checkpoint, threads: Int,
    progress: @escaping ProgressHandler
  ) throws -> [TrainedFold] {
    let jobs = plan.seeds.flatMap { seed in (0..<plan.folds).map { (seed: seed, fold: $0) } }
    return try jobs.concurrentMap(threads: threads, progress: progress) { job in
      try TrainedFold(of: plan, untrained: untrained(job.seed), fold: job.fold)
    }
  }

  /// Trains on all folds but one.
  ///
  /// - Throws: As `all` does.
  package init(of plan: Plan, untrained start: Checkpoint, fold: Int) throws {
    training = plan.signals.filter { plan.foldOfRecord[$0.record] != fold }
    held = plan.mainLeads.filter { plan.foldOfRecord[$0.record] == fold }
    (seed, self.fold) = (start.training.seed, fold)
    checkpoint = try Self.trained(start, on: training, plan, fold: fold)
  }

  private static func trained(
    _ start: Checkpoint, on training: [LabelledSignal], _ plan: Plan, fold: Int
  ) throws -> Checkpoint {
    if let beats = start.beatNetwork {
      var columns = start
      columns.beatNetwork = nil
      return try trained(columns, on: training, plan, fold: fold)
        .joined(with: trained(beats, on: training, plan, fold: fold), share: plan.beatShare)
    }
    guard let keep = plan.keep else {
      return try Trainer(start, signals: training, noises: plan.noises).run()
    }
    // The file's name follows from all that decides the network's bits.
    let name = TrainingPart(of: start, signals: training, noises: plan.noises, output: "").fingerprint
    let path = "\(keep)/fold-\(fold + 1)-seed-\(start.training.seed)-\(name).safetensors"
    if FileManager.default.fileExists(atPath: path) { return try Checkpoint.read(path) }
    let part = TrainingPart(of: start, signals: training, noises: plan.noises, output: path)
    let checkpoint = try part.trainer(threads: 1).run(save: part.save)
    try checkpoint.write(to: path)
    part.remove()
    return checkpoint
  }

  /// The float network's decisions about the records that it has not seen.
  ///
  /// - Throws: `InvalidNetwork` where the network can't be.
  func decisions() throws(InvalidNetwork) -> [[BeatDecision]] {
    let network = try FloatGraph(checkpoint)
    let beats = try FloatBeatNetwork(beside: checkpoint)
    return try held.map { signal throws(InvalidNetwork) in
      try EvaluationWindows([signal], window: checkpoint.window, beside: beats).decisions(of: network)
    }
  }

  /// The device of the network as `exporter quantize` makes it, its logits raised by offsets.
  ///
  /// - Throws: `InvalidNetwork` where a device can't hold the network.
  func device(raisedBy offsets: [Float] = []) throws -> FixedPointDecisions {
    try FixedPointDecisions(LoadedModel(image: image(raisedBy: offsets).bytes))
  }

  /// Its image, as `exporter quantize` makes it.
  ///
  /// - Throws: `InvalidNetwork` where an image can't hold the network.
  func image(raisedBy offsets: [Float] = []) throws(InvalidNetwork) -> ModelImage {
    var raised = checkpoint
    raised.raiseLogits(by: offsets)
    return try ModelImage.quantized(
      raised, calibratedOn: training, converter: AnalogConverter(bits: 12, rangeMillivolts: 10),
      windows: QuantizedNetwork.standardCalibrationWindows, seed: 1, options: QuantizationOptions())
  }
}

extension TaskDefinition {
  /// How its training records are dealt into folds of patients: those of the task, or so many.
  package func dividedForFolds(_ count: Int?) -> (task: TaskDefinition, split: TaskSplit, folds: Int) {
    guard case .folds(let own) = division else { return (self, .inter, count ?? 5) }
    var task = self
    task.division = .folds(count ?? own)
    return (task, .all, count ?? own)
  }
}

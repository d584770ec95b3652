import Foundation
import HostDevice
import Metrics
import ModelFiles
import Networks
import Quantization
import Support
import Training

/// A network that learns whether a cohort's patients respond, from given weights on.
///
/// Every beat gets a logit for no and one for yes. Yes less no is the beat's margin; the mean margin of a patient's
/// beats is the patient's score, in log odds. So the network runs on a device as a decision a beat, averaged.
package final class NetworkLearner: Sendable {
  /// The classes, in the order of the logits.
  package static let classNames = ["no", "yes"]
  /// The task's name in checkpoints and images.
  package static let task = "response"

  /// The network before it learns, with two classes.
  package let start: Checkpoint
  /// The number of first layers that don't learn.
  package let frozenLayers: Int
  private let cohort: TransferCohort
  private let options: TransferOptions
  /// What the start came from, for errors.
  private let file: String
  /// The network from the first layer that learns on.
  private let tail: NetworkSpecification
  private let tailShapes: [LayerShape]
  /// What the first layer that learns reads, `[patient][beat, time, channel]`.
  private let tailInputs: [[Float]]
  /// What the last layer reads, the mean of each patient's beats; nil where nothing begins with a fitted last layer.
  private let headInputs: [[Double]]?
  private let fits = Memo<FitKey, [Checkpoint.Layer]>()

  private struct FitKey: Hashable {
    var training: [Int]
    var seed: UInt64
  }

  /// Prepares to learn.
  ///
  /// What the frozen layers make of the patients' beats is computed here, once.
  ///
  /// - Parameters:
  ///   - start: A network of any classes; its last layer is replaced.
  ///   - file: Its file, for errors.
  ///   - cohort: The patients, seen through the network's window.
  ///   - options: How it learns.
  ///   - fitsHeadFirst: Whether the last layer begins as `HeadFit` has it, as suits layers that have learnt before;
  ///     otherwise it begins with the start's own weights.
  ///   - threads: The number of threads.
  /// - Throws: `FileError`, malformed, where the network hasn't as many layers as are to be frozen, or can't run.
  package init(
    from start: Checkpoint, file: String, cohort: TransferCohort, options: TransferOptions,
    fitsHeadFirst: Bool, threads: Int = 1
  ) throws(FileError) {
    let last = start.specification.layers.count - 1
    let frozen = options.frozenLayers ?? last
    guard frozen <= last else {
      throw .malformed(
        file, "has \(last + 1) layers, of which \(frozen) can't be frozen", remedy: "freeze at most \(last)")
    }
    if let sum = start.specification.sum(across: frozen) {
      throw .malformed(
        file, "has a sum in layer \(sum.layer) of what is frozen and what learns",
        remedy: "freeze at most \(sum.first) layers, or at least \(sum.layer + 1)")
    }
    guard start.window == cohort.window else {
      throw .malformed(file, "has another window than the cohort was read for", remedy: "read it again")
    }
    do throws(InvalidNetwork) {
      let start = try start.respecified(as: Self.classNames, task: Self.task)
      let shapes = try start.specification.layerShapes()
      (self.start, self.cohort, self.options, self.file, frozenLayers) = (
        start, cohort, options, file, frozen
      )
      tailShapes = Array(shapes[frozen...])
      tail = NetworkSpecification(
        inputColumns: shapes[frozen].inputColumns, inputChannels: shapes[frozen].inputChannels,
        layers: Array(start.specification.layers[frozen...]))
      let size = shapes[0].inputCount
      let headSize = shapes[last].inputCount
      let needsHead = fitsHeadFirst || frozen == last
      let network = try FloatGraph(start)
      let seen = try cohort.windows.concurrentMap(threads: threads, progress: { _ in }) {
        windows throws(InvalidNetwork) in
        let execution = try FloatExecution(network)
        var (inputs, mean) = ([Float](), [Double](repeating: 0, count: needsHead ? headSize : 0))
        let count = windows.count / size
        for beat in 0..<count {
          let window = Array(windows[beat * size..<(beat + 1) * size])
          guard frozen > 0 || needsHead else {
            inputs += window
            continue
          }
          let values = execution.values(ofWindow: window)
          if frozen < last { inputs += values[frozen] }
          if needsHead {
            for (index, value) in values[last].enumerated() {
              mean[index] += Double(value) / Double(count)
            }
          }
        }
        return (inputs: inputs, mean: mean)
      }
      tailInputs = seen.map(\.inputs)
      headInputs = needsHead ? seen.map(\.mean) : nil
    } catch {
      throw .malformed(file, error.description, remedy: "start from a network that this program has trained")
    }
  }

  // MARK: Learning

  /// The layers after learning from some patients; those without a beat teach nothing.
  ///
  /// The same patients and seed always give the same bits; they are learnt from once, and kept.
  ///
  /// - Throws: `FileError`, malformed, where learning diverges.
  package func layers(training: [Int], seed: UInt64) throws(FileError) -> [Checkpoint.Layer] {
    try fits.value(of: FitKey(training: training, seed: seed)) { () throws(FileError) in
      let patients = training.filter { !cohort.windows[$0].isEmpty }
      let head = headInputs.flatMap { inputs in
        HeadFit(inputs: patients.map { inputs[$0] }, labels: patients.map { cohort.labels[$0] }, seed: seed)
      }
      var layers = start.layers
      if headInputs != nil {
        layers[layers.count - 1] = Checkpoint.Layer(head, inputCount: tailShapes.last?.inputCount ?? 0)
      }
      guard frozenLayers < layers.count - 1, !patients.isEmpty else { return layers }
      let tail = try learnt(Array(layers[frozenLayers...]), from: patients, seed: seed)
      return layers.prefix(frozenLayers) + tail
    }
  }

  /// The tail's layers after some steps of AdamW on the beats' cross-entropy; each patient is drawn equally often.
  private func learnt(
    _ layers: [Checkpoint.Layer], from patients: [Int], seed: UInt64
  ) throws(FileError) -> [Checkpoint.Layer] {
    let network: TrainableNetwork
    do {
      network = try TrainableNetwork(
        specification: tail, layers: layers, batchSize: options.batchSize, labelSmoothing: 0, threads: 1)
    } catch {
      throw .malformed(file, error.description, remedy: "choose a smaller batch or another network")
    }
    var optimizer = AdamW(network)
    let rates = layerRates
    let size = tailShapes[0].inputCount
    var generator = SeededGenerator(seed: seed)
    var order: [Int] = []
    for step in 0..<options.steps {
      let before = network.parameters
      let progress = (Double(step) + 0.5) / Double(options.steps)
      let rate = options.learningRate * (1 + cos(.pi * progress)) / 2
      do throws(TrainingError) {
        _ = try optimizer.step(network, learningRate: rate, decay: options.weightDecay) {
          for place in 0..<options.batchSize {
            if order.isEmpty { order = patients.shuffled(using: &generator) }
            let patient = order.removeLast()
            let beat = generator.nextIndex(below: tailInputs[patient].count / size)
            let first = network.inputs.baseAddress! + place * size
            tailInputs[patient].withUnsafeBufferPointer { inputs in
              first.update(from: inputs.baseAddress! + beat * size, count: size)
            }
            network.labels[place] = cohort.labels[patient] ? 1 : 0
          }
          return network.computeGradient()
        }
      } catch {
        throw .malformed(file, "diverges at step \(step)", remedy: "choose a lower learning rate")
      }
      var place = 0
      for (shape, rate) in zip(tailShapes, rates) {
        for index in place..<place + shape.parameterCount where rate != 1 {
          network.parameters[index] = before[index] + rate * (network.parameters[index] - before[index])
        }
        place += shape.parameterCount
      }
    }
    let states = network.states
    guard (try? FloatGraph(specification: tail, layers: states)) != nil else {
      throw .malformed(file, "diverges", remedy: "choose a lower learning rate")
    }
    return states
  }

  /// The learning layers' rates as multiples.
  private var layerRates: [Float] {
    let given = options.layerRates.suffix(tailShapes.count).map { Float($0) }
    return Array(repeating: given.first ?? 1, count: tailShapes.count - given.count) + given
  }

  // MARK: Deciding

  /// Patients' scores by a network of some layers, in float: the mean margins; nil for one without a whole window.
  func margins(of layers: [Checkpoint.Layer], patients: [Int]) throws(FileError) -> [Double?] {
    if let headInputs, frozenLayers == layers.count - 1 {
      // The mean margin is the margin of the mean.
      let head = layers[frozenLayers].folded
      let half = head.values.count / 2
      return patients.map { patient in
        guard !cohort.windows[patient].isEmpty else { return nil }
        let inputs = headInputs[patient]
        return inputs.indices.reduce(Double(head.biases[1] - head.biases[0])) { sum, index in
          sum + Double(head.values[half + index] - head.values[index]) * inputs[index]
        }
      }
    }
    let execution: FloatExecution
    do {
      execution = try FloatExecution(
        FloatGraph(specification: tail, layers: Array(layers[frozenLayers...])))
    } catch {
      throw .malformed(file, error.description, remedy: "start from another network")
    }
    let size = tailShapes[0].inputCount
    return patients.map { patient in
      let count = tailInputs[patient].count / size
      let logits = execution.logits(ofWindows: tailInputs[patient], count: count)
      return Self.meanMargin(stride(from: 0, to: logits.count, by: 2).map { logits[$0 + 1] - logits[$0] })
    }
  }

  /// Patients' scores by the int8 twin, which the real runtime computes sample by sample.
  func margins(of model: LoadedModel, patients: [Int]) throws(FileError) -> [Double?] {
    do {
      let device = try FixedPointDecisions(model)
      return try patients.map { patient in
        // A patient's score is the network's, as in float, whatever the device would announce.
        let decisions = try cohort.signals[patient].flatMap {
          try device.decisions(about: $0, includesSilent: true)
        }
        return Self.meanMargin(decisions.map { $0.logits[1] - $0.logits[0] })
      }
    } catch {
      throw .malformed(file, "can't run in integers: \(error)", remedy: "start from another network")
    }
  }

  private static func meanMargin(_ margins: [Float]) -> Double? {
    margins.isEmpty ? nil : margins.reduce(0.0) { $0 + Double($1) } / Double(margins.count)
  }

  /// The network of some layers in integers, its ranges measured on some patients' beats.
  ///
  /// - Parameters:
  ///   - layers: The layers.
  ///   - patients: The patients, whom the network has learnt from.
  ///   - provenance: More to say in the image's provenance.
  /// - Returns: The image.
  /// - Throws: `FileError`, malformed, where an image can't hold the network.
  package func image(
    of layers: [Checkpoint.Layer], calibratedOn patients: [Int], provenance: Provenance = [:]
  ) throws(FileError) -> ModelImage {
    var trained = start
    trained.layers = layers
    do {
      let network = try QuantizedNetwork.quantized(
        FloatGraph(trained), settings: trained.settings,
        calibrationWindows: calibrationWindows(of: patients))
      return try ModelImage.make(
        of: network, trained: trained, converter: cohort.converter,
        provenance: Provenance(trained, converter: cohort.converter) + .exporter + provenance)
    } catch {
      throw .malformed(file, error.description, remedy: "start from a network that the device can hold")
    }
  }

  /// Windows of each patient in turn, 512 at most.
  private func calibrationWindows(of patients: [Int]) -> [[Float]] {
    let size = cohort.window.columnCount * cohort.window.settings.binCount
    let longest = patients.map { cohort.windows[$0].count / size }.max() ?? 0
    let inTurn = (0..<longest).lazy.flatMap { turn in
      patients.filter { turn < self.cohort.windows[$0].count / size }.map { (patient: $0, beat: turn) }
    }
    return inTurn.prefix(512).map { patient, beat in
      Array(cohort.windows[patient][beat * size..<(beat + 1) * size])
    }
  }
}

// MARK: Methods of a study

extension NetworkLearner {
  /// The float network as a method; its threshold is chosen within the training patients.
  package func method(_ name: String, innerFolds: Int = 5) -> StudyMethod {
    StudyMethod(name, threshold: .youden(innerFolds: innerFolds)) {
      [self] training, test, seed throws(FileError) in
      try margins(of: layers(training: training, seed: seed), patients: test).map {
        $0.map(LogisticFit.probability)
      }
    }
  }

  /// The same network in integers as a method: each fold's network is quantized, with ranges from its training patients.
  package func int8Method(_ name: String, innerFolds: Int = 5) -> StudyMethod {
    StudyMethod(name, threshold: .youden(innerFolds: innerFolds)) {
      [self] training, test, seed throws(FileError) in
      let image = try image(of: layers(training: training, seed: seed), calibratedOn: training)
      return try margins(of: loaded(image), patients: test).map { $0.map(LogisticFit.probability) }
    }
  }

  func loaded(_ image: ModelImage) throws(FileError) -> LoadedModel {
    do {
      return try LoadedModel(image: image.bytes)
    } catch {
      throw .malformed(file, "gives an image that isn't valid: \(error.kind)", remedy: "report this")
    }
  }
}

extension Checkpoint {
  /// The same network for other classes: its last layer is nought.
  func respecified(as classNames: [String], task: String) throws(InvalidNetwork) -> Checkpoint {
    var result = self
    result.specification.layers[specification.layers.count - 1] = .dense(outputCount: classNames.count)
    (result.classNames, result.task, result.split) = (classNames, task, "patients")
    result.ownTask = nil
    (result.completedSteps, result.optimizer) = (training.totalSteps, nil)
    let shapes = try result.specification.layerShapes()
    guard self.classNames != classNames || self.task != task else { return result }
    let head = shapes[shapes.count - 1]
    result.layers[shapes.count - 1] = Layer(
      weights: Array(repeating: 0, count: head.weightCount),
      biases: Array(repeating: 0, count: classNames.count), normalization: nil)
    return result
  }

  /// A network of the same structure with random weights, for yes and no.
  ///
  /// - Throws: `FileError`, which a valid checkpoint rules out.
  func untrainedTwin(seed: UInt64, file: String) throws(FileError) -> Checkpoint {
    var specification = specification
    specification.layers[specification.layers.count - 1] = .dense(
      outputCount: NetworkLearner.classNames.count)
    var training = training
    training.seed = seed
    do {
      return try .untrained(
        settings: settings, specification: specification, decisionDelaySeconds: decisionDelaySeconds,
        classNames: NetworkLearner.classNames, task: NetworkLearner.task, split: "patients",
        training: training)
    } catch {
      throw .malformed(file, error.description, remedy: "start from a network that this program has trained")
    }
  }
}

extension Checkpoint.Layer {
  /// A last layer whose margin is a fit's; nought where there is none.
  fileprivate init(_ fit: HeadFit?, inputCount: Int) {
    let half = fit?.weights.map { Float($0 / 2) } ?? Array(repeating: 0, count: inputCount)
    let bias = Float((fit?.bias ?? 0) / 2)
    self.init(weights: half.map { -$0 } + half, biases: [-bias, bias], normalization: nil)
  }
}

/// Values that are computed once a key, by whichever thread is first to ask.
private final class Memo<Key: Hashable & Sendable, Value: Sendable>: @unchecked Sendable {
  private var values: [Key: Value] = [:]
  private let lock = NSLock()

  func value<Failure: Error>(of key: Key, _ compute: () throws(Failure) -> Value) throws(Failure) -> Value {
    if let value = lock.withLock({ values[key] }) { return value }
    let value = try compute()
    lock.withLock { values[key] = value }
    return value
  }
}

import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Support
import Training

/// How a model's head is fitted to one patient; together with the beats it decides every bit of the patch.
package struct PersonalizationOptions: Codable, Equatable, Sendable {
  /// The seed of the beats drawn.
  package var seed: UInt64 = 1
  /// The number of steps.
  package var steps = 150
  /// The number of beats of a step.
  package var batchSize = 256
  /// The learning rate at the first step; it falls to nothing along half a cosine.
  package var learningRate = 3e-3
  /// A class is drawn as often as among the patient's own beats in this share of the draws, else as in training.
  package var ownShare = 0.5
  /// With so many own beats of a class half of those drawn of it are own ones; the others are training beats.
  package var priorBeats = 30.0
  /// An own class is drawn in proportion to its number of beats to this power.
  package var ownExponent = 0.5
  /// The same for the training beats.
  package var replayExponent = 0.7
  /// The number of columns that share a change.
  package var span = 3
  /// The number of column phases at which the patient's own beats are looked at, up to the hop.
  package var phases = 8

  /// This project's choice; see docs/guides/Personalization.md.
  package init() {}

  /// What is wrong with the options, in a few words; nil where nothing is.
  package var problem: String? {
    if !(1...100_000).contains(steps) { return "\(steps) steps are not in 1 ... 100,000" }
    if !(2...65_536).contains(batchSize) { return "a batch of \(batchSize) is not in 2 ... 65,536" }
    if !(learningRate > 0 && learningRate <= 10) {
      return "the learning rate \(learningRate) is not in 0 ... 10"
    }
    for (name, value) in [
      ("own share", ownShare), ("own exponent", ownExponent), ("replay exponent", replayExponent),
    ] where !(0...1).contains(value) { return "the \(name) \(value) is not in 0 ... 1" }
    if !(0...1_000_000).contains(priorBeats) { return "\(priorBeats) prior beats are not in 0 ... 1,000,000" }
    if !(1...65_535).contains(span) { return "a span of \(span) columns is not in 1 ... 65,535" }
    if !(1...512).contains(phases) { return "\(phases) phases are not in 1 ... 512" }
    return nil
  }
}

/// Fits a model's head to patients: their own beats together with beats of the training.
///
/// The operators before the head are frozen, so their codes are computed once, in integers. The head starts from the
/// image's own weights. What is learnt is what a patch can hold: for each output a bias, and for each channel a change
/// that some columns share.
package struct Personalization: Sendable {
  /// The options.
  package let options: PersonalizationOptions
  private let model: LoadedModel
  private let head: Int
  private let shipped: DenseConstants
  private let grouping: PatchGrouping
  private let inputScale: Float
  private let inputZeroPoint: Int
  /// A weight's real size of one code, a channel.
  private let weightScales: [Float]
  private let replay: Examples

  /// Prepares to fit.
  ///
  /// - Parameters:
  ///   - model: The model as shipped.
  ///   - replay: Beats that it was trained on.
  ///   - options: How.
  /// - Throws: `InvalidNetwork` where the model's last operator can't be patched.
  package init(
    _ model: LoadedModel, replay: [HeadInputs.Beat], options: PersonalizationOptions = .init()
  ) throws(InvalidNetwork) {
    guard model.patch == nil, let head = model.head, let shipped = model.denseConstants(ofOperator: head)
    else { throw InvalidNetwork("the model's last operator is none that a patch can change") }
    if let problem = options.problem { throw InvalidNetwork(problem) }
    let plan = model.model.operatorPlan(head)
    let (input, output) = (model.model.tensor(plan.inputIndex(0)), model.model.tensor(plan.outputIndex))
    self.model = model
    self.head = head
    self.shipped = shipped
    self.options = options
    grouping = PatchGrouping(
      inputsPerOutput: input.count, columnCount: input.columnCount, span: options.span)
    inputScale = Float(bitPattern: input.scaleBits)
    inputZeroPoint = Int(input.zeroPoint)
    let outputScale = Float(bitPattern: output.scaleBits)
    let inputScale = inputScale
    weightScales = shipped.biases.indices.map { channel in
      guard let multiplier = plan.weights?.multiplier(channel) else { return 0 }
      return Float(multiplier.multiplierQ31) * Float(exp2(Double(multiplier.leftShift) - 31)) * outputScale
        / inputScale
    }
    guard weightScales.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw InvalidNetwork("the model's last operator has an output without weights")
    }
    self.replay = Examples(classCount: shipped.biases.count)
    self.replay.append(replay, of: self)
  }

  /// The patch for a patient.
  ///
  /// - Parameters:
  ///   - own: The patient's labelled beats, at one or several phases.
  ///   - sequenceNumber: Counts a device's patches up.
  /// - Returns: The patch.
  /// - Throws: `InvalidNetwork` where there is no beat to learn from or the device would refuse the patch.
  package func patch(own: [HeadInputs.Beat], sequenceNumber: UInt32 = 1) throws(InvalidNetwork) -> PatchImage
  {
    guard !own.isEmpty else { throw InvalidNetwork("the patient has no labelled beat with a whole window") }
    let examples = Examples(classCount: shipped.biases.count)
    examples.append(own, of: self)
    let parameters = try learn(from: examples)
    let groups = grouping.groupsPerOutput
    let channels = shipped.biases.indices
    let changes = PatchChanges(
      nearestTo: channels.flatMap { channel in
        (0..<groups).map { parameters[channel * (groups + 1) + $0] / weightScales[channel] }
      }, grouping: grouping)
    let biases = channels.map { channel in
      bias(channel, change: parameters[channel * (groups + 1) + groups], changes: changes)
    }
    do throws(PatchError) {
      return try PatchImage(
        model, operatorIndex: head, changes: changes, biases: biases, sequenceNumber: sequenceNumber)
    } catch {
      throw InvalidNetwork(error.explanation)
    }
  }

  /// A new bias with the input's zero point times the new weights folded in.
  private func bias(_ channel: Int, change: Float, changes: PatchChanges) -> Int32 {
    let inputs = grouping.inputsPerOutput
    var bias = Double(shipped.biases[channel]) + Double(change / weightScales[channel] / inputScale)
    for input in 0..<inputs {
      let old = Int(shipped.codes[channel * inputs + input])
      let new = min(max(old + changes.change(channel: channel, input: input), -127), 127)
      bias -= Double(inputZeroPoint * (new - old))
    }
    return Int32(max(-0x4000_0000, min(0x4000_0000, bias.rounded())))
  }

  /// Softmax regression by AdamW from the shipped head on.
  ///
  /// Returns the learnt change of each group's weights and of the bias: `[output channel, group and then bias]`.
  private func learn(from own: Examples) throws(InvalidNetwork) -> [Float] {
    let draws = Draws(own: own, replay: replay, options: options)
    var generator = SeededGenerator(seed: options.seed)
    let changes = HeadChanges(classCount: shipped.biases.count, width: grouping.groupsPerOutput + 1)
    var optimizer = AdamW(changes)
    do throws(TrainingError) {
      for step in 0..<options.steps {
        let rate = options.learningRate / 2 * (1 + cos(.pi * Double(step) / Double(options.steps)))
        _ = try optimizer.step(changes, learningRate: rate) {
          changes.computeGradient(batchSize: options.batchSize) { draws.next(&generator) }
        }
      }
    } catch {
      throw InvalidNetwork(error.description)
    }
    return changes.parameters
  }

  /// A softmax regression on beats' features, beginning with the shipped head's logits.
  private final class HeadChanges: Trainable {
    var parameters: [Float]
    private(set) var gradient: [Float]
    let decays: [Bool]
    private let classCount: Int

    init(classCount: Int, width: Int) {
      self.classCount = classCount
      parameters = [Float](repeating: 0, count: classCount * width)
      (gradient, decays) = (parameters, parameters.map { _ in false })
    }

    /// Computes the gradient for a batch of beats; returns their mean cross-entropy.
    func computeGradient(batchSize: Int, drawing draw: () -> (examples: Examples, example: Int)) -> Double {
      let (parameters, width) = (parameters, parameters.count / classCount)
      var gradient = [Float](repeating: 0, count: parameters.count)
      var slopes = [Float](repeating: 0, count: classCount)
      var loss = 0.0
      for _ in 0..<batchSize {
        let (examples, example) = draw()
        examples.features(example) { features in
          for output in 0..<classCount {
            var logit = examples.logits[example * classCount + output]
            for index in 0..<width { logit += parameters[output * width + index] * features[index] }
            slopes[output] = logit
          }
          let (largest, own) = (slopes.max() ?? 0, slopes[examples.classes[example]])
          var sum: Float = 0
          for output in 0..<classCount {
            slopes[output] = exp(slopes[output] - largest)
            sum += slopes[output]
          }
          loss += Double(largest + log(sum) - own) / Double(batchSize)
          for output in 0..<classCount {
            let target: Float = output == examples.classes[example] ? 1 : 0
            let slope = (slopes[output] / sum - target) / Float(batchSize)
            for index in 0..<width { gradient[output * width + index] += slope * features[index] }
          }
        }
      }
      self.gradient = gradient
      return loss
    }
  }

  /// Which beats a step is of: a class first, then one of its own beats or of its training beats.
  ///
  /// The fewer own beats a class has, the more training beats stand in for those to come: a class that the first minutes
  /// show twice is not learnt from these two alone, and one that they don't show is drawn from training.
  private struct Draws {
    private let own: Examples
    private let replay: Examples
    /// The classes' probabilities, summed up.
    private let classes: [Double]
    /// A class's probability of an own beat.
    private let ownChances: [Double]

    init(own: Examples, replay: Examples, options: PersonalizationOptions) {
      (self.own, self.replay) = (own, replay)
      let ownShares = own.shares(exponent: options.ownExponent)
      let replayShares = replay.shares(exponent: options.replayExponent)
      let hasReplay = replayShares.contains { $0 > 0 }
      let ownShare = hasReplay ? options.ownShare : 1
      var sum = 0.0
      classes = zip(ownShares, replayShares).map { ownPart, replayPart in
        sum += ownShare * ownPart + (1 - ownShare) * replayPart
        return sum
      }
      ownChances = ownShares.indices.map { index in
        guard own.has(index) else { return 0 }
        guard replay.has(index) else { return 1 }
        let count = Double(own.beatCount(index))
        return count / (count + options.priorBeats)
      }
    }

    func next(_ generator: inout SeededGenerator) -> (examples: Examples, example: Int) {
      let chance = generator.nextUniform()
      let drawn = classes.firstIndex { chance < $0 }
      let classIndex = drawn ?? classes.indices.last { own.has($0) || replay.has($0) } ?? 0
      let examples = generator.nextUniform() < ownChances[classIndex] ? own : replay
      return (examples, examples.draw(classIndex, &generator))
    }
  }

  /// Beats as the regression sees them.
  private final class Examples: @unchecked Sendable {
    /// The shipped head's logits, `[beat, class]`.
    private(set) var logits: [Float] = []
    private(set) var classes: [Int] = []
    /// The sum of each group's inputs, then 1 for the bias: `[beat, group and then bias]`.
    private var features: [Float] = []
    private var byClass: [[Int]]
    private var samples: [Int] = []

    init(classCount: Int) { byClass = Array(repeating: [], count: classCount) }

    /// Adds beats whose class the model has.
    func append(_ beats: [HeadInputs.Beat], of personalization: Personalization) {
      let grouping = personalization.grouping
      let (inputs, width) = (grouping.inputsPerOutput, grouping.groupsPerOutput + 1)
      let zeroPoint = personalization.inputZeroPoint
      let groups = (0..<inputs).map { grouping.group(ofInput: $0) }
      for beat in beats where byClass.indices.contains(beat.classIndex) && beat.codes.count == inputs {
        var row = [Float](repeating: 0, count: width)
        for input in 0..<inputs { row[groups[input]] += Float(Int(beat.codes[input]) - zeroPoint) }
        for group in 0..<width - 1 { row[group] *= personalization.inputScale }
        row[width - 1] = 1
        for channel in byClass.indices {
          var sum = Int(personalization.shipped.biases[channel])
          for input in 0..<inputs {
            sum += Int(personalization.shipped.codes[channel * inputs + input]) * Int(beat.codes[input])
          }
          logits.append(Float(sum) * personalization.weightScales[channel] * personalization.inputScale)
        }
        byClass[beat.classIndex].append(classes.count)
        classes.append(beat.classIndex)
        samples.append(beat.sample)
        features += row
      }
    }

    /// How often each class is drawn.
    func shares(exponent: Double) -> [Double] {
      let weights = byClass.map { $0.isEmpty ? 0 : pow(Double($0.count), exponent) }
      let total = weights.reduce(0, +)
      return weights.map { total > 0 ? $0 / total : 0 }
    }

    func has(_ classIndex: Int) -> Bool { !byClass[classIndex].isEmpty }

    /// The number of a class's beats, each counted once whatever the phases it was seen at.
    func beatCount(_ classIndex: Int) -> Int { Set(byClass[classIndex].map { samples[$0] }).count }

    /// A beat's number.
    func draw(_ classIndex: Int, _ generator: inout SeededGenerator) -> Int {
      byClass[classIndex][generator.nextIndex(below: byClass[classIndex].count)]
    }

    func features(_ example: Int, _ body: (UnsafeBufferPointer<Float>) -> Void) {
      let width = features.count / classes.count
      features.withUnsafeBufferPointer {
        body(UnsafeBufferPointer(rebasing: $0[example * width..<(example + 1) * width]))
      }
    }
  }
}

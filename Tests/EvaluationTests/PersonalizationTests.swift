import Evaluation
import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Support
import Testing
import TestSupport

/// Beats of made-up codes whose class the shipped model can't know: what was put into them is the truth.
@Suite struct PersonalizationTests {
  private let shipped: LoadedModel
  private let inputs: HeadInputs
  private let own: [HeadInputs.Beat]
  private let unseen: [HeadInputs.Beat]
  private let replay: [HeadInputs.Beat]

  init() throws {
    shipped = try LoadedModel(file: ProjectFiles.model)
    inputs = try HeadInputs(shipped)
    var random = SeededGenerator(seed: 96)
    // A beat of class k has more of the channels k, k + 4, ... than of the others.
    func beats(_ count: Int, classCount: Int, _ random: inout SeededGenerator) -> [HeadInputs.Beat] {
      (0..<count).map { number in
        let classIndex = number % classCount
        let codes = (0..<696).map { input in
          Int8(-128 + random.nextIndex(below: 60) + (input % 24 % 4 == classIndex ? 40 : 0))
        }
        return HeadInputs.Beat(sample: number, classIndex: classIndex, codes: codes)
      }
    }
    own = beats(120, classCount: 4, &random)
    unseen = beats(200, classCount: 4, &random)
    replay = beats(80, classCount: 3, &random)
  }

  private func accuracy(_ model: LoadedModel, _ beats: [HeadInputs.Beat]) throws -> Double {
    let right = zip(beats, logits(of: model, beats)).count { beat, logits in
      logits.firstIndex(of: logits.max() ?? 0) == beat.classIndex
    }
    return Double(right) / Double(beats.count)
  }

  /// The head's outputs for its inputs, by the runtime.
  private func logits(of model: LoadedModel, _ beats: [HeadInputs.Beat]) -> [[Float]] {
    var engine = RunningEngine(model)
    let head = model.model.operatorCount - 1
    let input = model.model.tensor(model.model.operatorPlan(head).inputIndex(0))
    return beats.map { beat in
      let codes: UnsafeMutableBufferPointer<Int8> = engine.window.codes(of: input)
      _ = codes.update(fromContentsOf: beat.codes)
      engine.window.runOperator(head)
      return engine.window.output.map { Float(model.logit($0)) }
    }
  }

  @Test func aPatchOf620BytesLearnsAPatientsBeats() throws {
    let patch = try Personalization(shipped, replay: replay).patch(own: own)
    let patched = try shipped.applying(patch: patch.bytes)
    // 32 of the header, 20 of biases and steps, 4 x 10 x 24 changes of four bits.
    #expect(patch.bytes.count == 620)
    #expect(try accuracy(shipped, unseen) < 0.6)
    #expect(try accuracy(patched, unseen) > 0.95)
  }

  /// Ten of thirty beats of class 0 are labelled 1; training knows better what class 1 is.
  @Test func wrongLabelsDontOutweighTraining() throws {
    var labelled = own.filter { $0.classIndex == 0 }
    for index in 0..<10 { labelled[index].classIndex = 1 }
    let others = unseen.filter { $0.classIndex == 0 }
    func accuracy(priorBeats: Double) throws -> Double {
      var options = PersonalizationOptions()
      options.priorBeats = priorBeats
      let patch = try Personalization(shipped, replay: replay, options: options).patch(own: labelled)
      return try self.accuracy(shipped.applying(patch: patch.bytes), others)
    }
    #expect(try accuracy(priorBeats: 30) > 0.9)
    #expect(try accuracy(priorBeats: 0) < 0.8)
  }

  @Test func theSameBeatsAndSeedGiveTheSameBits() throws {
    func patch(seed: UInt64) throws -> PatchImage {
      var options = PersonalizationOptions()
      (options.seed, options.steps) = (seed, 20)
      return try Personalization(shipped, replay: replay, options: options).patch(own: own)
    }
    #expect(try patch(seed: 1) == patch(seed: 1))
    #expect(try patch(seed: 1) != patch(seed: 2))
  }

  @Test func beatsOfOtherClassesAndSizesAreNotLearntFrom() throws {
    let foreign = [
      HeadInputs.Beat(sample: 1, classIndex: 4, codes: own[0].codes),
      HeadInputs.Beat(sample: 2, classIndex: -1, codes: own[0].codes),
      HeadInputs.Beat(sample: 3, classIndex: 0, codes: Array(own[0].codes.dropLast())),
    ]
    let personalization = try Personalization(shipped, replay: replay)
    #expect(try personalization.patch(own: foreign + own) == personalization.patch(own: own))
  }

  @Test func withoutABeatThereIsNothingToLearn() throws {
    let personalization = try Personalization(shipped, replay: replay)
    #expect(throws: InvalidNetwork.self) { _ = try personalization.patch(own: []) }
    let patched = try shipped.applying(patch: personalization.patch(own: own).bytes)
    #expect(throws: InvalidNetwork.self) { _ = try Personalization(patched, replay: replay) }
  }

  /// The float head is computed here by its definition.
  @Test func thePatchedTwinHasThePatchedWeights() throws {
    let checkpoint = try Checkpoint.read(ProjectFiles.checkpoint)
    let patch = try Personalization(shipped, replay: replay).patch(own: own)
    let patched = try shipped.applying(patch: patch.bytes)
    let twin = try #require(patched.patchedTwin(TwinNetwork(checkpoint), shipped: shipped))
    let head = try #require(twin.graph.operators.last?.weights)
    let input = shipped.model.tensor(
      shipped.model.operatorPlan(shipped.model.operatorCount - 1).inputIndex(0))
    for (beat, logits) in zip(unseen, logits(of: patched, unseen)) {
      for output in 0..<4 {
        var logit = Double(head.biases[output])
        for place in 0..<696 {
          let real = Float(bitPattern: input.scaleBits) * Float(Int32(beat.codes[place]) - input.zeroPoint)
          logit += Double(real * head.values[output * 696 + place])
        }
        // Logits beyond the output's codes saturate; the others keep the rounding of 696 weights and the output.
        let step = Double(Float(bitPattern: shipped.model.output.scaleBits))
        let range = (shipped.logit(-128) + step)...(shipped.logit(127) - step)
        if range.contains(logit) { #expect(abs(logit - Double(logits[output])) < 8 * step) }
      }
    }
  }

  @Test func aSoftmaxBehindTheHeadChangesNothingOfWhatIsLearnt() throws {
    let network = try shipped.network()
    let logits = network.outputs[0].tensor
    func behind(
      _ kind: OperatorKind, _ computation: QuantizedNetwork.Computation
    ) throws -> LoadedModel {
      var longer = network
      var tensor = network.tensors[logits]
      (tensor.scale, tensor.zeroPoint) = (1 / 256, -128)
      longer.tensors.append(tensor)
      longer.operators.append(
        .init(
          kind: kind, inputs: [logits], output: longer.tensors.count - 1, activation: -128...127,
          computation: computation))
      longer.outputs = [.init(longer.tensors.count - 1)]
      return try LoadedModel(image: ModelImage(longer, frontEnd: nil).bytes)
    }
    let softmax = try #require(
      QuantizedNetwork.Softmax.constants(
        depth: 4, factor: Double(network.tensors[logits].scale), ElementType.int8))
    let model = try behind(.softmax, .softmax(softmax))
    let head = try #require(shipped.head)
    #expect(model.head == head && head == network.operators.count - 1)
    let patched = try [model, shipped].map { model in
      try model.applying(patch: Personalization(model, replay: replay).patch(own: own).bytes)
    }
    #expect(patched[0].denseConstants(ofOperator: head) == patched[1].denseConstants(ofOperator: head))
    // A function that isn't one of the order of classes has no head before it.
    #expect(try behind(.relu, .lookup((-128...127).map { Int16($0) })).head == nil)
  }
}

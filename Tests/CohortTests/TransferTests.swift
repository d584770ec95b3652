import Cohort
import Foundation
import HostDevice
import Metrics
import ModelFiles
import Networks
import PhysioNet
import Support
import Tasks
import Testing
import TestSupport

/// The shipped network whose classes transfer.
let beatsFile = ProjectFiles.path("Models/ecg-beats-intra/ecg-beats-intra.safetensors")
let converter = AnalogConverter(bits: 12, rangeMillivolts: 10)

/// A synthetic cohort as the network sees it.
func transferCohort(_ synthetic: SyntheticCohort, source: Checkpoint, beats: Int = 6) throws -> TransferCohort
{
  try TransferCohort.synthesized(
    synthetic, lead: "V6",
    view: .init(window: source.window, converter: converter, beatsPerPatient: beats), threads: 2)
}

func options(freeze: Int?, rates: [Double] = [], steps: Int = 20) -> TransferOptions {
  var options = TransferOptions()
  (options.frozenLayers, options.layerRates, options.steps) = (freeze, rates, steps)
  return options
}

/// Outside truth: hand calculations, the generator's oracle, and what the same weights must say on both paths.
@Suite struct TransferTests {
  private let source: Checkpoint

  init() throws { source = try Checkpoint.read(beatsFile) }

  private func learner(
    _ cohort: TransferCohort, _ options: TransferOptions, threads: Int = 1
  ) throws -> NetworkLearner {
    try NetworkLearner(
      from: source, file: "beats", cohort: cohort, options: options, fitsHeadFirst: true, threads: threads)
  }

  // MARK: The last layer

  @Test func theLastLayerIsTheRidgeOptimum() throws {
    // Three of four patients respond at 1, one of four at -1; the inputs have mean 0 and mean square 1. By symmetry the
    // gradient vanishes where penalty * weight = 8 (0.75 - p(1)).
    let inputs = [[1.0], [1], [1], [1], [-1], [-1], [-1], [-1]]
    let labels = [true, true, true, false, true, false, false, false]
    let fit = try #require(HeadFit(inputs: inputs, labels: labels, seed: 1))
    let probability = 1 / (1 + exp(-fit.weights[0]))
    #expect(abs(fit.penalty * fit.weights[0] - 8 * (0.75 - probability)) < 1e-3)
    #expect(abs(fit.bias) < 1e-4)
    #expect(HeadFit(inputs: inputs, labels: labels.map { _ in true }, seed: 1) == nil)
  }

  /// Where inputs go together the gradient vanishes all the same: penalty * weight = sum of (label - p) times the input, for
  /// each input, less its mean and by the scale of a mean square distance of 1.
  @Test func theLastLayerIsTheRidgeOptimumOfInputsThatGoTogether() throws {
    var generator = SeededGenerator(seed: 5)
    let inputs = (0..<40).map { _ -> [Double] in
      let (a, b, c) = (generator.nextGaussian(), generator.nextGaussian(), generator.nextGaussian())
      return [a, a + b, b - c]
    }
    let labels = inputs.map { $0[0] + $0[1] + generator.nextGaussian() > 0 }
    let fit = try #require(HeadFit(inputs: inputs, labels: labels, seed: 1))
    let means = (0..<3).map { input in inputs.reduce(0) { $0 + $1[input] } / 40 }
    let square = inputs.reduce(0) { sum, row in
      sum + zip(row, means).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    let scale = (40 / square).squareRoot()
    let rest = zip(inputs, labels).map { row, label in
      (label ? 1 : 0) - 1 / (1 + exp(-zip(row, fit.weights).reduce(fit.bias) { $0 + $1.0 * $1.1 }))
    }
    for input in 0..<3 {
      let gradient = zip(inputs, rest).reduce(0) { $0 + scale * ($1.0[input] - means[input]) * $1.1 }
      #expect(abs(gradient - fit.penalty * fit.weights[input] / scale) < 1e-2, "input \(input)")
    }
    #expect(abs(rest.reduce(0, +)) < 1e-3)
  }

  @Test func theLastLayerFindsADirectionAmongManyMoreInputsThanPatients() throws {
    var generator = SeededGenerator(seed: 3)
    func draw(_ count: Int) -> (inputs: [[Double]], labels: [Bool]) {
      let labels = (0..<count).map { $0 % 2 == 0 }
      return (
        labels.map { label in
          (0..<300).map { (label && $0 < 30 ? 1 : 0) + 1000 + generator.nextGaussian() }
        }, labels
      )
    }
    let (inputs, labels) = draw(60)
    let fit = try #require(HeadFit(inputs: inputs, labels: labels, seed: 1))
    let (others, truth) = draw(200)
    let scores = others.map { row in zip(row, fit.weights).reduce(fit.bias) { $0 + $1.0 * $1.1 } }
    #expect(try #require(ROC(scores: scores, labels: truth)).area > 0.95)
    // An offset of all inputs is no evidence.
    #expect(abs(scores.reduce(0, +) / 200) < 2)
  }

  @Test func beatsAreThinnedToTheNumberThatIsAskedFor() throws {
    let synthetic = SyntheticCohort(patientCount: 3, arm: .published, seed: 1)
    let whole = try transferCohort(synthetic, source: source, beats: 1000)
    #expect(whole.signals.allSatisfy { $0[0].beats.count > 5 })
    for (all, kept) in zip(whole.signals, try transferCohort(synthetic, source: source, beats: 5).signals) {
      #expect(kept[0].beats.count == 5)
      // Number i of n is kept where 5 i / n steps up: the last of each fifth.
      let beats = all[0].beats.map(\.sample)
      let expected = (1...5).map { beats[(beats.count * $0 + 4) / 5 - 1] }
      #expect(kept[0].beats.map(\.sample) == expected)
    }
  }

  // MARK: What learns, and from whom

  @Test func frozenLayersKeepTheirBitsAndOthersDont() throws {
    let cohort = try transferCohort(
      SyntheticCohort(patientCount: 24, arm: .published, seed: 1), source: source)
    let all = Array(0..<24)
    let head = try learner(cohort, options(freeze: nil)).layers(training: all, seed: 1)
    #expect(Array(head[..<3]) == Array(source.layers[..<3]))
    #expect(head[3].weights.contains { $0 != 0 })
    let two = try learner(cohort, options(freeze: 2)).layers(training: all, seed: 1)
    #expect(Array(two[..<2]) == Array(source.layers[..<2]))
    #expect(two[2].weights != source.layers[2].weights && two[3].weights != head[3].weights)
    // A rate of 0 keeps a layer's parameters as freezing does.
    let rated = try learner(cohort, options(freeze: 2, rates: [0, 1])).layers(training: all, seed: 1)
    #expect(rated[2].weights == source.layers[2].weights)
    #expect(rated[2].normalization?.scale == source.layers[2].normalization?.scale)
    #expect(rated[3].weights != head[3].weights)
    #expect(throws: FileError.self) { try learner(cohort, options(freeze: 4)) }
  }

  @Test(arguments: [Int?.none, 2])
  func patientsWhoAreNotLearntFromChangeNothing(freeze: Int?) throws {
    // A longer cohort starts with the same patients.
    let few = try transferCohort(SyntheticCohort(patientCount: 20, arm: .published, seed: 4), source: source)
    let many = try transferCohort(SyntheticCohort(patientCount: 30, arm: .published, seed: 4), source: source)
    let one = try learner(few, options(freeze: freeze)).layers(training: Array(0..<20), seed: 7)
    let other = try learner(many, options(freeze: freeze), threads: 2).layers(
      training: Array(0..<20), seed: 7)
    #expect(one == other)
    #expect(one != (try learner(few, options(freeze: freeze)).layers(training: Array(0..<19), seed: 7)))
  }

  // MARK: The model

  @Test func theDeviceDecidesAsTheThresholdSays() throws {
    let cohort = try transferCohort(
      SyntheticCohort(patientCount: 24, arm: .published, seed: 2), source: source)
    let learner = try learner(cohort, options(freeze: 2))
    func model(_ threshold: Double) throws -> CohortModel {
      try CohortModel.learnt(
        by: learner, cohort: cohort, threshold: threshold, seed: 1, isSynthetic: true)
    }
    let (even, strict) = (try model(0.5), try model(0.8))
    // By hand: the margin falls by the log odds of 0.8, which are ln 4.
    let biases = zip(even.checkpoint.layers[3].biases, strict.checkpoint.layers[3].biases).map { $0 - $1 }
    #expect(abs((biases[1] - biases[0]) - Float(log(4.0))) < 1e-5)
    #expect(even.checkpoint.layers[3].weights == strict.checkpoint.layers[3].weights)

    // The checkpoint reads back, and the image is its twin and decides as it does.
    let read = try Checkpoint(decoding: strict.checkpoint.encoded(), file: "x")
    #expect(read == strict.checkpoint)
    let loaded = try LoadedModel(image: strict.image.bytes)
    #expect(loaded.isTwin(of: read) && loaded.classNames == ["no", "yes"])
    #expect(loaded.provenance[.decisionThreshold] == "0.800000")
    #expect(loaded.provenance[.data] == "synthetic")
    let device = try FixedPointDecisions(loaded)
    var (agreeing, decided) = (0, 0)
    for patient in 0..<24 {
      let float = try EvaluationWindows(cohort.signals[patient], window: cohort.window).decisions(
        of: FloatGraph(read))
      let fixed = try cohort.signals[patient].flatMap { try device.decisions(about: $0) }
      #expect(float.count == fixed.count && float.count == cohort.beatCounts[patient])
      decided += float.count
      agreeing += zip(float, fixed).count { $0.predictedClass == $1.predictedClass }
    }
    #expect(decided > 80 && Double(agreeing) > 0.97 * Double(decided))
  }

  // MARK: Leakage

  /// Whether scores beat the oracle's by more than chance: 95 % of draws of patients.
  private func alarm(_ scores: [Double], oracle: [Double], labels: [Bool]) throws -> Bool {
    let difference = try #require(
      PairedDifference.area(first: scores, second: oracle, labels: labels, replicates: 500, seed: 1))
    return try #require(difference.interval).lower > 0
  }

  // claim: oracle
  /// A network that beats the oracle on a large cohort reads an artefact of the generator, or its test patients.
  ///
  /// `QUANTINFER_LEAKAGE_PATIENTS` sets a larger cohort.
  @Test(arguments: SyntheticArm.allCases)
  func noNetworkBeatsTheOracle(arm: SyntheticArm) throws {
    let wish = ProcessInfo.processInfo.environment["QUANTINFER_LEAKAGE_PATIENTS"].flatMap { Int($0) }
    let synthetic = SyntheticCohort(patientCount: wish ?? 300, arm: arm, seed: 21)
    let cohort = try transferCohort(synthetic, source: source)
    let oracle = synthetic.patients.map(\.oracleLogOdds)
    let labels = cohort.labels
    let methods = try TransferMethods(
      from: source, file: "beats", cohort: cohort, options: options(freeze: 2, steps: 50), seed: 1)
    let study = CohortStudy(labels: labels, folds: Folds.stratified(labels, count: 2, seed: 1), seed: 1)
    for method in methods.networks(withInt8: true) + methods.baselines {
      // The threshold plays no part in the area.
      let plain = StudyMethod(method.name, threshold: .fixed(0.5), predict: method.predict)
      let outcome = try study.run(plain, threads: 2)
      let scores = outcome.probabilities[0].map { $0 ?? 0.5 }
      let area = try #require(ROC(scores: scores, labels: labels)).area
      print("\(arm.rawValue), \(method.name): AUC \(Numbers.decimal(area, places: 3))")
      #expect(!(try alarm(scores, oracle: oracle, labels: labels)), "\(method.name) has \(area)")
      if method.name == TransferMethods.Name.transfer { #expect(area > 0.55) }
    }
    // The alarm is no dead one: it hears of one more patient in ten whose response has leaked.
    let leaky = oracle.indices.map { oracle[$0] + ($0 % 10 == 0 ? (labels[$0] ? 9 : -9) : 0) }
    #expect(try alarm(leaky, oracle: oracle, labels: labels))
  }

  // MARK: Words and intervals

  @Test func intervalsOfMeansAreStudents() throws {
    // 20 values of mean 0.5 and standard deviation 1: the half width is 2.093 / sqrt(20).
    let values = (0..<20).map { 0.5 + ($0 % 2 == 0 ? 1.0 : -1) * (19.0 / 20).squareRoot() }
    let plain = try #require(MeanInterval(values)?.interval)
    #expect(abs(plain.upper - 0.5 - 2.0930 / 20.0.squareRoot()) < 1e-3)
    // Nadeau and Bengio: the variance's 1 / n becomes 1 / n + overlap.
    let overlapping = try #require(MeanInterval(values, overlap: 0.45)?.interval)
    #expect(abs(overlapping.upper - 0.5 - 2.0930 * 0.5.squareRoot()) < 1e-3)
    #expect(MeanInterval([1])?.interval == nil && MeanInterval([]) == nil)
  }

  @Test func wordsFollowFromTheInterval() {
    func words(_ lower: Double, _ upper: Double) -> String {
      Wording.transfer((lower + upper) / 2, Interval(lower: lower, upper: upper), against: "x")
    }
    #expect(words(0.01, 0.1).hasPrefix("Transfer helps"))
    #expect(words(-0.1, -0.01).hasPrefix("Transfer harms"))
    #expect(words(-0.01, 0.1).hasPrefix("Transfer is not shown to help"))
    #expect(Wording.transfer(0.2, nil, against: "x").hasPrefix("Transfer is not shown to help"))
  }
}

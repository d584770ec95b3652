import Foundation
import Metrics

/// What a point costs and loses: the figures of one image, run on the records.
///
/// Fractions are of 1; what nothing defines is left out.
package struct PointFigures: Codable, Sendable {
  /// The point.
  package var point: ReportPoint
  /// The float network that it is compared with.
  package var source: String
  /// The image's CRC-32.
  package var imageChecksum: String
  /// How well it tells the classes apart.
  package var accuracy: AccuracyFigures
  /// Macro F1 less the float twin's, with the interval of draws of patients.
  package var macroF1Loss: DifferenceFigures
  /// How it follows its float twin.
  package var agreement: AgreementFigures
  /// What it takes of a device.
  package var cost: CostFigures
  /// Its layers.
  package var layers: [LayerFigures]
  /// What is wrong, in words, first cause first.
  package var findings: [String]
  /// The beats decided otherwise than in float: index among the source's beats and class.
  package var flips: [[Int]]

  /// Its macro F1.
  package var macroF1: Double { accuracy.macroF1 }
}

/// A difference and its interval.
package struct DifferenceFigures: Codable, Equatable, Sendable {
  /// The difference.
  package var value: Double
  /// 95 % of the draws of patients.
  package var interval: Interval?
  /// The two-sided probability of McNemar's exact test that neither network is right more often.
  package var pValue: Double?

  /// Creates a difference.
  package init(value: Double, interval: Interval? = nil, pValue: Double? = nil) {
    (self.value, self.interval, self.pValue) = (value, interval, pValue)
  }
}

/// How well a network tells beats apart.
package struct AccuracyFigures: Codable, Equatable, Sendable {
  /// A class.
  package struct Class: Codable, Equatable, Sendable {
    /// The class's name.
    package var name: String
    /// The beats of the class.
    package var beats: Int
    /// The share of them that was found.
    package var sensitivity: Double?
    /// The share of what was taken for the class that is.
    package var positivePredictivity: Double?
    /// Both together.
    package var f1: Double?
    /// 95 % of the draws of patients.
    package var f1Interval: Interval?
  }

  /// The share of right decisions.
  package var accuracy: Double
  /// Wilson's interval.
  package var accuracyInterval: Interval
  /// The mean F1.
  package var macroF1: Double
  /// 95 % of the draws of patients.
  package var macroF1Interval: Interval?
  /// The classes.
  package var classes: [Class]
  /// `[reference, decision]`.
  package var confusion: [[Int]]

  package init(patients: [ConfusionMatrix], classNames: [String], seed: UInt64) {
    let sum = patients.reduce(into: ConfusionMatrix(classNames: classNames)) { $0 += $1 }
    func interval(_ statistic: (ConfusionMatrix) -> Double?) -> Interval? {
      Interval.bootstrap(matrices: patients, replicates: 1000, seed: seed, statistic: statistic)
    }
    accuracy = sum.accuracy ?? 0
    accuracyInterval = .wilson(successes: sum.correct, trials: sum.total)
    macroF1 = sum.macroF1 ?? 0
    macroF1Interval = interval { $0.macroF1 }
    classes = classNames.indices.map { index in
      Class(
        name: classNames[index], beats: sum.referenceCount(ofClass: index),
        sensitivity: sum.sensitivity(ofClass: index),
        positivePredictivity: sum.positivePredictivity(ofClass: index), f1: sum.f1(ofClass: index),
        f1Interval: interval { $0.f1(ofClass: index) })
    }
    confusion = sum.counts
  }
}

/// How an integer network follows its float twin.
package struct AgreementFigures: Codable, Equatable, Sendable {
  /// Decisions about which the float network was so sure.
  package struct Confidence: Codable, Equatable, Sendable {
    /// The float network's greatest probability lies from here on.
    package var from: Double
    /// And below here, 1 included.
    package var to: Double
    /// The decisions.
    package var decisions: Int
    /// Those that changed.
    package var flips: Int
  }

  /// The decisions.
  package var decisions: Int
  /// The share of decisions for the same class.
  package var top1: Double
  /// The mean difference of two logits.
  package var meanLogitError: Double
  /// 99.9 % of the differences are at most so large.
  package var logitError999: Double
  /// The largest difference.
  package var maxLogitError: Double
  /// The changed decisions by how sure the float network was.
  package var byConfidence: [Confidence]

  static let confidenceSteps = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1]

  /// Compares logits `[decision, class]`.
  ///
  /// - Parameters:
  ///   - reference: The float network's.
  ///   - measured: The integer network's.
  ///   - classCount: The number of classes.
  ///   - areProbabilities: Whether the values are probabilities already, as behind a softmax.
  package init(reference: [Float], measured: [Float], classCount: Int, areProbabilities: Bool = false) {
    decisions = reference.count / max(1, classCount)
    var errors = zip(reference, measured).map { abs($0 - $1) }
    errors.sort()
    let sum = errors.reduce(0) { $0 + Double($1) }
    meanLogitError = errors.isEmpty ? 0 : sum / Double(errors.count)
    logitError999 = errors.isEmpty ? 0 : Double(errors[(errors.count - 1) * 999 / 1000])
    maxLogitError = Double(errors.last ?? 0)
    byConfidence = zip(Self.confidenceSteps, Self.confidenceSteps.dropFirst()).map {
      Confidence(from: $0, to: $1, decisions: 0, flips: 0)
    }
    var equal = 0
    for decision in 0..<decisions {
      let row = reference[decision * classCount..<(decision + 1) * classCount]
      let other = measured[decision * classCount..<(decision + 1) * classCount]
      let isEqual = Self.top(row) == Self.top(other)
      if isEqual { equal += 1 }
      let confidence = areProbabilities ? Double(row.max() ?? 0) : Self.confidence(row)
      let step = byConfidence.firstIndex { confidence < $0.to } ?? byConfidence.count - 1
      byConfidence[step].decisions += 1
      if !isEqual { byConfidence[step].flips += 1 }
    }
    top1 = decisions == 0 ? 1 : Double(equal) / Double(decisions)
  }

  /// The place of the largest value, the first of equal ones.
  package static func top(_ row: ArraySlice<Float>) -> Int {
    var best = row.startIndex
    for index in row.indices where row[index] > row[best] { best = index }
    return best - row.startIndex
  }

  /// The greatest probability that softmax makes of logits.
  private static func confidence(_ row: ArraySlice<Float>) -> Double {
    let greatest = Double(row.max() ?? 0)
    return 1 / row.reduce(0) { $0 + exp(Double($1) - greatest) }
  }
}

/// What an image takes of devices.
package struct CostFigures: Codable, Equatable, Sendable {
  /// A device.
  package struct Device: Codable, Equatable, Sendable {
    /// The profile's name.
    package var profile: String
    /// The cheaper way to run the network.
    package var mode: String
    /// Whether it can run there, at the unfavourable end of the estimates.
    package var passes: Bool
    /// The charge of everything between two decisions, in microcoulombs.
    package var chargePerDecisionMicrocoulombs: Double?
    /// How long the battery lasts with the network, in months.
    package var batteryMonths: Double?
    /// By how many months that is less than without the network.
    package var monthsLost: Double?

    /// Creates a device's figures.
    package init(
      profile: String, mode: String, passes: Bool, chargePerDecisionMicrocoulombs: Double? = nil,
      batteryMonths: Double? = nil, monthsLost: Double? = nil
    ) {
      (self.profile, self.mode, self.passes) = (profile, mode, passes)
      self.chargePerDecisionMicrocoulombs = chargePerDecisionMicrocoulombs
      (self.batteryMonths, self.monthsLost) = (batteryMonths, monthsLost)
    }
  }

  /// The image in flash, in bytes.
  package var flashBytes: Int
  /// The weights in it.
  package var weightBytes: Int
  /// State, arena and scratch of the cheaper way to run, in bytes.
  package var ramBytes: Int
  /// Whether it takes a column at a time.
  package var isStreaming: Bool
  /// Multiply-accumulates over a whole window.
  package var macsPerWindow: Int
  /// Multiply-accumulates from one decision to the next, at the pace of the report.
  package var macsPerDecision: Int
  /// The devices.
  package var devices: [Device]

  /// Creates the figures of an image that streams and takes the same multiplications for every decision.
  package init(flashBytes: Int, weightBytes: Int, ramBytes: Int, macs: Int, devices: [Device] = []) {
    (self.flashBytes, self.weightBytes, self.ramBytes) = (flashBytes, weightBytes, ramBytes)
    (isStreaming, macsPerWindow, macsPerDecision, self.devices) = (true, macs, macs, devices)
  }
}

/// A layer beside its float twin, on windows of the test records.
package struct LayerFigures: Codable, Equatable, Sendable {
  /// What happens to the network with one layer changed.
  package struct Sensitivity: Codable, Equatable, Sendable {
    /// The root mean square of the logits' differences from float.
    package var logitError: Double
    /// The share of decisions that are not the float network's.
    package var flips: Double
  }

  /// The layer's name.
  package var name: String
  /// What it computes.
  package var kind: String
  /// Signal over error in decibels, the errors of the layers before included; left out where nothing differs.
  package var snrDecibels: Double?
  /// The same for what this layer adds: both twins take the integer twin's input.
  package var ownSNRDecibels: Double?
  /// The cosine of the angle between both twins' outputs.
  package var cosine: Double?
  /// The mean error, in the layer's own unit.
  package var errorMean: Double
  /// The errors' standard deviation, in the layer's own unit.
  package var errorDeviation: Double
  /// The share of float values that the codes' range cuts off.
  package var saturatedShare: Double
  /// The codes from the least to the greatest that occurred.
  package var usedCodes: Int
  /// The codes that there are.
  package var codeCount: Int
  /// The least and the greatest float value.
  package var floatRange: [Double]
  /// The least and the greatest value that a code stands for.
  package var codeRange: [Double]
  /// The channel with the least signal over its own error.
  package var worstChannel: Int
  /// What it has, in decibels.
  package var worstChannelDecibels: Double?
  /// This layer alone in float, all others in integers.
  package var aloneFloat: Sensitivity?
  /// This layer alone in integers, all others in float.
  package var aloneInteger: Sensitivity?
  /// How its codes differ from float's; nil where it has none.
  package var differences: CodeDifferences?
  /// The same for what this layer adds: both twins take the integer twin's input.
  ///
  /// Where weights and scales are the same, as in a network that had its integers, it is rounding alone: single steps.
  package var ownDifferences: CodeDifferences?
  /// What is wrong with it, in words; nil where nothing is.
  package var finding: String?
}

import Foundation
import ModelFiles
import Networks
import Support

/// The model that has learnt from all of a cohort's patients, with its threshold inside.
///
/// The threshold is taken off the last layer's bias: yes has the larger mean logit exactly where the probability
/// reaches it, on every way that a model can be exported. The image's provenance tells the threshold, to turn margins
/// back into probabilities: their log odds are the margin plus those of the threshold.
package struct CohortModel: Sendable {
  /// The float network.
  package let checkpoint: Checkpoint
  /// The int8 twin.
  package let image: ModelImage

  /// Learns from all patients.
  ///
  /// - Parameters:
  ///   - learner: What learns.
  ///   - cohort: The patients.
  ///   - threshold: The probability from which on it is yes, between 0 and 1.
  ///   - seed: The seed.
  ///   - isSynthetic: Whether the image's provenance says so.
  /// - Returns: The model.
  /// - Throws: `FileError`, malformed, where learning diverges or an image can't hold the network.
  package static func learnt(
    by learner: NetworkLearner, cohort: TransferCohort, threshold: Double, seed: UInt64, isSynthetic: Bool
  ) throws(FileError) -> CohortModel {
    let all = Array(0..<cohort.count)
    var layers = try learner.layers(training: all, seed: seed)
    let half = Float(log(threshold / (1 - threshold)) / 2)
    let last = layers.count - 1
    layers[last].biases[0] += half
    layers[last].biases[1] -= half
    var trained = learner.start
    trained.layers = layers
    let image = try learner.image(
      of: layers, calibratedOn: all,
      provenance: [
        .decisionThreshold: Numbers.decimal(threshold, places: 6), .seed: "\(seed)",
        .cohortPatients: "\(cohort.count)", .data: isSynthetic ? "synthetic" : nil,
      ])
    return CohortModel(checkpoint: trained, image: image)
  }
}

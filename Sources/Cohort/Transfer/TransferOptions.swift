/// How a network learns from a cohort's patients; with the patients it decides every bit of the result.
package struct TransferOptions: Codable, Equatable, Sendable {
  /// The first layers that keep the weights they come with; nil for all but the last.
  package var frozenLayers: Int? = 2
  /// The learning rates of the layers that learn, first to last, as multiples of `learningRate`; where there are fewer
  /// than layers, the first of them counts for the layers before it too, and none at all is 1 everywhere.
  package var layerRates: [Double] = []
  /// The number of steps in which layers before the last learn.
  package var steps = 50
  /// The number of beats of a step, each of a patient of its own as long as there are enough.
  package var batchSize = 32
  /// The learning rate at the first step; it falls to nothing along half a cosine.
  package var learningRate = 1e-3
  /// AdamW's decay of the weights, as a fraction of the learning rate.
  package var weightDecay = 0.01
  /// The number of beats, spread over a patient's records, that are learnt from and decided about.
  package var beatsPerPatient = 32

  /// This project's choice; see docs/guides/Cohort.md.
  package init() {}

  /// What is wrong with the options, in a few words; nil where nothing is.
  package var problem: String? {
    if let frozenLayers, !(0...64).contains(frozenLayers) {
      return "\(frozenLayers) frozen layers are not in 0 ... 64"
    }
    if layerRates.count > 64 { return "there are more than 64 layer rates" }
    if let rate = layerRates.first(where: { !($0 >= 0 && $0 <= 100) }) {
      return "the layer rate \(rate) is not in 0 ... 100"
    }
    if !(1...100_000).contains(steps) { return "\(steps) steps are not in 1 ... 100,000" }
    if !(2...4096).contains(batchSize) { return "a batch of \(batchSize) is not in 2 ... 4,096" }
    if !(learningRate > 0 && learningRate <= 1) {
      return "the learning rate \(learningRate) is not in 0 ... 1"
    }
    if !(0...1).contains(weightDecay) { return "the weight decay \(weightDecay) is not in 0 ... 1" }
    if !(1...10_000).contains(beatsPerPatient) {
      return "\(beatsPerPatient) beats a patient are not in 1 ... 10,000"
    }
    return nil
  }
}

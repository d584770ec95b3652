/// What a model takes whose input are beats, beside its network: instructions on an emulated Cortex-M4.
///
/// Counted by `Firmware/boards.sh sensed MODEL`, where 32 points are looked at and blocks are of 64 samples; see
/// docs/notebook/Beats.md.
package enum BeatInstructions {
  /// A block of samples to the ring, a sample.
  package static let perSample = 4
  /// A look at what is due, after a block.
  package static let perBlock = 200
  /// A beat that is noted, found to be as the patient's usual one, and answered.
  package static let perBeat = 1_300
  /// In addition where the network is asked: points, template, figures, codes.
  package static let perAskedBeat = 2_300
}

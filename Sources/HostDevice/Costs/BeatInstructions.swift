/// What a model takes whose input are beats, beside its network: instructions on an emulated Cortex-M4, rounded up.
///
/// `Firmware/boards.sh sensed MODEL` counts blocks of 64 samples, and beats of 32 points. What is between them, noting a beat and
/// looking for what is due, is compiled into its callers there and is an estimate: 200 a block, 300 a beat.
package enum BeatInstructions {
  /// A sample to the ring, in blocks: 274 to 293 for 64 of them.
  package static let perSample = 5
  /// A look at what is due, after a block: an estimate.
  package static let perBlock = 200
  /// A beat that is found to be as the patient's usual one, and answered: 1,009, and 300 by estimate for noting and announcing it.
  package static let perBeat = 1_310
  /// In addition where the network is asked: points, template, figures, codes and the check of the state.
  ///
  /// With the network by
  /// the profile's figures, which are an operator's mean, it is more than the 8,013 that such a beat takes in all.
  package static let perAskedBeat = 2_300
}

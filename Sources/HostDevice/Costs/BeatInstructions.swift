/// What a model takes whose input are beats, beside its network's products: instructions on an emulated Cortex-M4, rounded up.
///
/// `Firmware/boards.sh sensed MODEL` counts them over whole runs, with beats and without: blocks of 112 samples, beats of 32
/// points, two fully connected operators.
package enum BeatInstructions {
  /// A sample to the ring, in blocks.
  package static let perSample = 2
  /// What is about a block, and a look at what is due: 558 with its samples.
  package static let perBlock = 340
  /// A beat that is found to be as the patient's usual one: 992, and 502 for noting, answering and announcing it.
  package static let perBeat = 1_500
  /// In addition where it teaches the template: 2,410 in all.
  package static let perTeaching = 1_420
  /// In addition where the network is asked: points, template, figures, codes, the check of the state, and two calls of
  /// operators; 7,562 in all with the products.
  package static let perAskedBeat = 5_000
}

/// How the windows drawn for training are changed, so that the network learns what doesn't make a beat's class.
///
package struct Augmentation: Codable, Equatable, Sendable {
  /// The gain varies by up to this many octaves either way.
  package var gainOctaves: Double = 1
  /// The beat's place in the window varies by up to this many seconds either way.
  package var shiftSeconds: Double = 0.024
  /// Time is stretched by up to this fraction either way: slower and faster hearts, wider and narrower complexes.
  package var stretch: Double = 0
  /// The share of windows that are mixtures of their record's leads, at an angle drawn, not one of the leads.
  package var leadMixing: Double = 0
  /// The share of normal beats in a regular rhythm that are made premature, and so supraventricular ectopic beats.
  package var premature: Double = 0
  /// The share of normal beats in a regular rhythm before which some earlier beats are made premature.
  package var ectopy: Double = 0
  /// The share of normal beats in a regular rhythm that get the intervals of atrial fibrillation.
  package var irregular: Double = 0
  /// The share of normal beats that are blended with a ventricular beat of their record, and so fusion beats.
  package var fusion: Double = 0
  /// The share of windows that are turned upside down, as by swapped electrodes; nil for none.
  ///
  /// A spectrogram's magnitudes don't see a signal's sign: this is for raw samples.
  package var inversion: Double?
  /// The share of windows, of several leads, of which one is lost: a line; nil for none.
  package var leadLoss: Double?
  /// The largest standard deviation of the white noise added, in microvolts.
  package var noiseMicrovolts: Double = 20
  /// The same of the noise of muscles: white noise's first difference, which is strongest above 20 Hz.
  package var muscleMicrovolts: Double = 0
  /// The same of the mains' sine of 50 or 60 Hz.
  package var mainsMicrovolts: Double = 0
  /// The same of the baseline's wander of 0.05 to 0.5 Hz, before the high-pass filter.
  package var wanderMicrovolts: Double = 0
  /// The same of recorded noise, after the high-pass filter; 0 where no recording is given.
  package var recordedMicrovolts: Double = 0

  /// The standard augmentation.
  package init() {}

  /// What is wrong with the options, in a few words; nil where nothing is.
  package var problem: String? {
    if !(0...8).contains(gainOctaves) { return "the gain's \(gainOctaves) octaves are not in 0 ... 8" }
    if !(0...1).contains(shiftSeconds) { return "the shift of \(shiftSeconds) s is not in 0 ... 1" }
    if !(0...0.5).contains(stretch) { return "the stretch of \(stretch) is not in 0 ... 0.5" }
    let shares = [
      ("mixed leads", leadMixing), ("premature beats", premature), ("ectopy", ectopy),
      ("irregular rhythm", irregular), ("fusion beats", fusion), ("inverted windows", inversion ?? 0),
      ("lost leads", leadLoss ?? 0),
    ]
    for (name, value) in shares where !(0...1).contains(value) {
      return "the share \(value) of \(name) is not in 0 ... 1"
    }
    if !(premature + irregular <= 1) {
      return "the shares of premature beats and irregular rhythm are more than 1 together"
    }
    let noises = [
      ("white noise", noiseMicrovolts), ("muscle noise", muscleMicrovolts), ("mains", mainsMicrovolts),
      ("wander", wanderMicrovolts), ("recorded noise", recordedMicrovolts),
    ]
    for (name, value) in noises where !(0...10_000).contains(value) {
      return "the \(name) of \(value) microvolts is not in 0 ... 10,000"
    }
    return nil
  }
}

extension Augmentation {
  /// Reads options; what a file doesn't name is as in `init()`, so that files from before an option stay readable.
  package init(from decoder: any Decoder) throws {
    self.init()
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func read(_ key: CodingKeys, _ place: WritableKeyPath<Augmentation, Double>) throws {
      if let value = try container.decodeIfPresent(Double.self, forKey: key) { self[keyPath: place] = value }
    }
    try read(.gainOctaves, \.gainOctaves)
    try read(.shiftSeconds, \.shiftSeconds)
    try read(.stretch, \.stretch)
    try read(.leadMixing, \.leadMixing)
    try read(.premature, \.premature)
    try read(.ectopy, \.ectopy)
    try read(.irregular, \.irregular)
    try read(.fusion, \.fusion)
    inversion = try container.decodeIfPresent(Double.self, forKey: .inversion)
    leadLoss = try container.decodeIfPresent(Double.self, forKey: .leadLoss)
    try read(.noiseMicrovolts, \.noiseMicrovolts)
    try read(.muscleMicrovolts, \.muscleMicrovolts)
    try read(.mainsMicrovolts, \.mainsMicrovolts)
    try read(.wanderMicrovolts, \.wanderMicrovolts)
    try read(.recordedMicrovolts, \.recordedMicrovolts)
  }
}

import ECG
import HostDevice
import ModelFiles
import QuantInfer
import Support

/// The samples that a board took by itself, as a record: the board's monitor ran over them, and the host's beside it.
struct BoardRecord {
  /// The samples in the board's counts; its name is the board's.
  let record: Record
  /// What the board said, beside what the host said to the same samples.
  let comparison: TargetResult

  /// Lets a board sample.
  ///
  /// - Parameters:
  ///   - seconds: For how long, or until its source ends.
  ///   - target: The board.
  ///   - options: The run's options.
  ///   - loaded: The model; it must have a front end.
  ///   - profile: The device, whose converter the board is taken to have.
  ///   - progress: Told how far it is.
  /// - Throws: `FileError` where the board can't be reached, has no samples, or the model can't run so.
  init(
    of seconds: Double, _ target: TargetAddress, _ options: StreamRun.Options, _ loaded: LoadedModel,
    _ profile: DeviceProfile, progress: ProgressHandler?
  ) throws(FileError) {
    // Minutes of samples are not to be lost for want of a folder.
    if let file = options.keptRecord { try Files.requireWritable(file + ".hea") }
    let timing: DecisionTiming
    switch options.deciding ?? Monitor.Pace(loaded) {
    case .detectedBeats: timing = .detectedBeats
    case .everyColumns(let count): timing = .everyColumns(count)
    case .givenBeats:
      throw .malformed(
        options.record, "samples by itself, where nobody has annotated beats", remedy: "leave out --decide")
    }
    try DeviceLoop.requirePossible(
      loaded, modelFile: options.model, profile: profile, timing: timing, announcing: options.announcing)
    let rateHz = Double(loaded.model.frontEnd?.sampleRateMillihertz ?? 0) / 1000
    let plan = TargetComparison.Plan(
      loaded: loaded, image: Array(try Files.read(options.model)), patch: try options.patchBytes(),
      options: Monitor.Options(
        timing, announcing: options.announcing, of: loaded, converter: profile.converter),
      timing: timing, source: .board(frames: Int((seconds * rateHz).rounded(.up))), sampleRateHz: rateHz,
      comparesLayers: options.comparesLayers)
    let (comparison, samples) = try TargetComparison.run(plan, on: target, progress: progress)
    self.comparison = comparison
    let leadCount = loaded.model.leadCount
    let signals = (0..<leadCount).map { lead in
      var specification = SignalSpecification()
      specification.name = leadCount == 1 ? "the board's" : "the board's \(lead + 1)"
      specification.gain = 1000 / Double(profile.converter.microvoltsPerCount)
      specification.adcResolutionBits = profile.converterBits
      return Signal(
        specification, sampleRateHz: rateHz,
        samples: stride(from: lead, to: samples.count, by: leadCount).map { Int32(samples[$0]) })
    }
    let name = comparison.board.name
    record = Record(
      name: name.isEmpty ? comparison.address : name, sampleRateHz: rateHz,
      sampleCount: samples.count / leadCount, signals: signals,
      comments: ["Sampled by the board itself, \(comparison.address)"])
    if let file = options.keptRecord { try record.write(file) }
  }

  /// Fails where the run that the page shows has other samples than the board took.
  ///
  /// - Throws: `FileError`, malformed: the board's counts are not of the profile's converter.
  func require(_ frames: [Int16]) throws(FileError) {
    let leadCount = record.signals.count
    let isSame = frames.indices.allSatisfy { index in
      record.signals[index % leadCount].samples[index / leadCount] == Int32(frames[index])
    }
    guard isSame, frames.count == leadCount * record.sampleCount else {
      throw .malformed(
        comparison.address, "sends counts that the profile's converter doesn't have",
        remedy: "give the profile of the board's converter with --profile")
    }
  }
}

extension StreamRun.Options {
  /// The patient's patch as it goes over the wire; empty without one.
  func patchBytes() throws(FileError) -> [UInt8] {
    guard let patch else { return [] }
    return Array(try Files.read(patch))
  }
}

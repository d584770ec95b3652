import ArgumentParser
import ECG
import Networks
import Support
import Tasks

/// The training's options as arguments, with the library's defaults.
struct TrainingArguments: ParsableArguments {
  private static let defaults = TrainingOptions(split: .inter)
  private static let intra = TrainingOptions(split: .intra)
  private static let windows = TrainingOptions(task: .vtvf, split: .all)

  @Option(
    help: ArgumentHelp(
      "The number of epochs. (default: \(defaults.epochs) for inter, \(intra.epochs) for intra, \(windows.epochs) by the clock)",
      valueName: "n"))
  var epochs: Int?
  @Option(
    help: ArgumentHelp(
      "The leads to train on: main or all. (default: \(defaults.leads) for inter, \(intra.leads) for intra)",
      valueName: "leads"))
  var leads: TrainingLeads?
  @Option(
    help: ArgumentHelp(
      "The windows drawn in an epoch. (default: \(defaults.windowsPerEpoch) for beats, \(windows.windowsPerEpoch) by the clock)",
      valueName: "n"))
  var windowsPerEpoch: Int?
  @Option(help: ArgumentHelp("The windows of a step.", valueName: "n"))
  var batchSize = defaults.batchSize
  @Option(help: ArgumentHelp("The learning rate at its peak.", valueName: "x"))
  var learningRate = defaults.peakLearningRate
  @Option(
    help: ArgumentHelp(
      "AdamW's weight decay. (default: \(defaults.weightDecay); \(TrainingOptions.beats.weightDecay) with --front-end beats)",
      valueName: "x"))
  var weightDecay: Double?
  @Option(help: ArgumentHelp("The part of a label spread over all classes.", valueName: "x"))
  var labelSmoothing = defaults.labelSmoothing
  @Option(
    help: ArgumentHelp(
      "1 draws beats as they come, 0 all classes equally often. (default: \(defaults.samplingExponent) for beats, \(windows.samplingExponent) by the clock)",
      valueName: "x"))
  var samplingExponent: Double?

  @Option(
    help: ArgumentHelp(
      "By how much classes' logits are raised, such as \(LogitOffsets(values: defaults.logitOffsets ?? [:])); or none."
        + " (default: \(LogitOffsets(values: defaults.logitOffsets ?? [:])) for inter, none for intra)",
      valueName: "class=x,class=x"))
  var logitOffsets: LogitOffsets?

  /// - Throws: `ValidationError` where an offset is of none of the classes.
  func check(classNames: [String]) throws {
    guard let names = logitOffsets?.values.keys.sorted() else { return }
    if let unknown = names.first(where: { !classNames.contains($0) }) {
      throw ValidationError(
        "--logit-offsets names \(unknown), none of the classes \(classNames.joined(separator: ", "))")
    }
  }

  /// The options for a task's split; the seed is the standard one.
  func values(
    task: TaskDefinition, split: TaskSplit, augmentation: AugmentationArguments? = nil, beats: Bool = false
  ) -> TrainingOptions {
    var values = beats ? .beats : TrainingOptions(task: task, split: split)
    if let epochs { values.epochs = epochs }
    if let leads { values.leads = leads }
    if let windowsPerEpoch { values.windowsPerEpoch = windowsPerEpoch }
    values.batchSize = batchSize
    values.peakLearningRate = learningRate
    values.weightDecay = weightDecay ?? values.weightDecay
    values.labelSmoothing = labelSmoothing
    if let samplingExponent { values.samplingExponent = samplingExponent }
    if let logitOffsets { values.logitOffsets = logitOffsets.values.isEmpty ? nil : logitOffsets.values }
    augmentation?.change(&values.augmentation)
    return values
  }

  /// What is given, as words of a command.
  var words: [String] {
    let usual = Self.defaults
    let given: [(name: String, value: String?)] = [
      ("epochs", epochs.map { "\($0)" }), ("leads", leads?.rawValue),
      ("windows-per-epoch", windowsPerEpoch.map { "\($0)" }),
      ("batch-size", batchSize == usual.batchSize ? nil : "\(batchSize)"),
      ("learning-rate", learningRate == usual.peakLearningRate ? nil : "\(learningRate)"),
      ("weight-decay", weightDecay.map { "\($0)" }),
      ("label-smoothing", labelSmoothing == usual.labelSmoothing ? nil : "\(labelSmoothing)"),
      ("sampling-exponent", samplingExponent.map { "\($0)" }),
      ("logit-offsets", logitOffsets.map { $0.values.isEmpty ? "none" : $0.exact }),
    ]
    return given.flatMap { name, value in value.map { ["--\(name)", $0] } ?? [] }
  }
}

/// How the windows are changed, as arguments; what isn't given stays as the split's default has it.
struct AugmentationArguments: ParsableArguments {
  private static let (inter, intra) = (TrainingOptions(split: .inter), TrainingOptions(split: .intra))

  /// A help text with the defaults.
  private static func text(_ abstract: String, _ place: KeyPath<Augmentation, Double>) -> ArgumentHelp {
    let (a, b) = (inter.augmentation[keyPath: place], intra.augmentation[keyPath: place])
    let defaults = a == b ? "\(a)" : "\(a) for inter, \(b) for intra"
    return ArgumentHelp("\(abstract) (default: \(defaults))", valueName: "x")
  }

  @Option(help: text("The gain varies by so many octaves either way.", \.gainOctaves))
  var gainOctaves: Double?
  @Option(help: text("The beat's place varies by so many seconds either way.", \.shiftSeconds))
  var shiftSeconds: Double?
  @Option(help: text("Time is stretched by up to this fraction either way.", \.stretch))
  var stretch: Double?
  @Option(help: text("The share of windows that mix a record's leads.", \.leadMixing))
  var leadMixing: Double?
  @Option(help: text("The share of normal beats made premature.", \.premature))
  var premature: Double?
  @Option(help: text("The share of normal beats with premature ones before them.", \.ectopy))
  var ectopy: Double?
  @Option(help: text("The share of normal beats made irregular, as in fibrillation.", \.irregular))
  var irregular: Double?
  @Option(help: text("The share of normal beats blended with ventricular ones.", \.fusion))
  var fusion: Double?
  @Option(
    help: ArgumentHelp(
      "The share of windows turned upside down. (default: 0.5 for raw samples, none else)", valueName: "x"))
  var inversion: Double?
  @Option(
    help: ArgumentHelp(
      "The share of windows of several leads that lack one. (default: \(TrainingOptions.leadLossOfGoingOn) where the task goes on without a lead, none else)",
      valueName: "x"))
  var leadLoss: Double?
  @Option(help: text("The largest deviation of white noise, in microvolts.", \.noiseMicrovolts))
  var noiseMicrovolts: Double?
  @Option(help: text("The largest deviation of muscles' noise, in microvolts.", \.muscleMicrovolts))
  var muscleMicrovolts: Double?
  @Option(help: text("The largest deviation of the mains' sine, in microvolts.", \.mainsMicrovolts))
  var mainsMicrovolts: Double?
  @Option(
    help: text("The largest deviation of the baseline's wander, in microvolts.", \.wanderMicrovolts))
  var wanderMicrovolts: Double?
  @Option(
    help: text("The largest deviation of the noise of --noise, in microvolts.", \.recordedMicrovolts))
  var recordedMicrovolts: Double?
  @Option(
    help: ArgumentHelp("Records of noise to add, with commas, such as NSTDB's bw,ma.", valueName: "records"))
  var noise: String?

  func validate() throws {
    guard (noise == nil) == ((recordedMicrovolts ?? 0) == 0) else {
      throw ValidationError("--noise and --recorded-microvolts go together")
    }
  }

  /// - Throws: `ValidationError` where an option is given that is about beats, for windows by the clock, or about one lead
  ///   or several, where the task has others.
  func check(task: TaskDefinition) throws {
    if leadLoss != nil, task.furtherLeads.isEmpty {
      throw ValidationError("--lead-loss is for tasks of several leads, and \(task.name) has one")
    }
    if leadMixing != nil, !task.furtherLeads.isEmpty {
      throw ValidationError(
        "--lead-mixing makes one lead of two, and \(task.name) takes \(task.furtherLeads.count + 1) as they are"
      )
    }
    guard task.isByClock else { return }
    for (name, value) in [
      ("premature", premature), ("ectopy", ectopy), ("irregular", irregular), ("fusion", fusion),
    ] where value != nil {
      throw ValidationError("--\(name) changes beats, and \(task.name) is a task of \(task.unit.rawValue)")
    }
  }

  /// - Throws: `ValidationError` where something is given that changes samples, and the network's input are beats.
  func check(beats: Bool) throws {
    guard beats else { return }
    let given: [(name: String, isGiven: Bool)] = [
      ("gain-octaves", gainOctaves != nil), ("shift-seconds", shiftSeconds != nil),
      ("stretch", stretch != nil),
      ("premature", premature != nil), ("ectopy", ectopy != nil), ("irregular", irregular != nil),
      ("fusion", fusion != nil), ("lead-loss", leadLoss != nil), ("inversion", inversion != nil),
      ("noise-microvolts", noiseMicrovolts != nil),
      ("muscle-microvolts", muscleMicrovolts != nil), ("mains-microvolts", mainsMicrovolts != nil),
      ("wander-microvolts", wanderMicrovolts != nil), ("recorded-microvolts", recordedMicrovolts != nil),
      ("noise", noise != nil),
    ]
    if let name = given.first(where: \.isGiven)?.name {
      throw ValidationError(
        "--\(name) changes windows of samples; of --lead-mixing alone --front-end beats takes a value")
    }
  }

  /// Puts what is given in its place.
  func change(_ values: inout Augmentation) {
    func put(_ value: Double?, _ place: WritableKeyPath<Augmentation, Double>) {
      if let value { values[keyPath: place] = value }
    }
    put(gainOctaves, \.gainOctaves)
    put(shiftSeconds, \.shiftSeconds)
    put(stretch, \.stretch)
    put(leadMixing, \.leadMixing)
    put(premature, \.premature)
    put(ectopy, \.ectopy)
    put(irregular, \.irregular)
    put(fusion, \.fusion)
    if let inversion { values.inversion = inversion == 0 ? nil : inversion }
    if let leadLoss { values.leadLoss = leadLoss == 0 ? nil : leadLoss }
    put(noiseMicrovolts, \.noiseMicrovolts)
    put(muscleMicrovolts, \.muscleMicrovolts)
    put(mainsMicrovolts, \.mainsMicrovolts)
    put(wanderMicrovolts, \.wanderMicrovolts)
    put(recordedMicrovolts, \.recordedMicrovolts)
  }

  /// The recorded noise, in microvolts, all leads.
  ///
  /// - Throws: `FileError` where a record is missing or broken.
  func noises(atRateHz rateHz: Double) throws(FileError) -> [[Float]] {
    var noises: [[Float]] = []
    for name in noise?.split(separator: ",").map(String.init) ?? [] {
      for signal in try ECG.Record.read(name).signals {
        noises.append(try signal.millivolts(atRateHz: rateHz).map { $0 * 1_000 })
      }
    }
    return noises
  }
}

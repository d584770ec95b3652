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
    help: ArgumentHelp("The seed of the weights, the beats drawn and their changes.", valueName: "seed"))
  var seed = defaults.seed
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

  /// The options for a task's split.
  func values(
    task: TaskDefinition, split: TaskSplit, augmentation: AugmentationArguments, beats: Bool = false
  ) -> TrainingOptions {
    var values = beats ? .beats : TrainingOptions(task: task, split: split)
    if let epochs { values.epochs = epochs }
    if let leads { values.leads = leads }
    values.seed = seed
    if let windowsPerEpoch { values.windowsPerEpoch = windowsPerEpoch }
    values.batchSize = batchSize
    values.peakLearningRate = learningRate
    values.weightDecay = weightDecay ?? values.weightDecay
    values.labelSmoothing = labelSmoothing
    if let samplingExponent { values.samplingExponent = samplingExponent }
    if let logitOffsets { values.logitOffsets = logitOffsets.values.isEmpty ? nil : logitOffsets.values }
    augmentation.change(&values.augmentation)
    return values
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

  /// - Throws: `ValidationError` where an option is given that is about beats, for windows by the clock.
  func check(task: TaskDefinition) throws {
    guard task.isByClock else { return }
    for (name, value) in [
      ("premature", premature), ("ectopy", ectopy), ("irregular", irregular), ("fusion", fusion),
    ] where value != nil {
      throw ValidationError("--\(name) changes beats, and \(task.name) is a task of \(task.unit.rawValue)")
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

/// The network's structure as arguments.
struct NetworkArguments: ParsableArguments {
  private static let defaults = NetworkSpecification.ecgBeats(classCount: 4)

  @Option(
    help: ArgumentHelp(
      "What the network looks at: columns of the task's front end, or each beat with the patient's usual one and the intervals.",
      valueName: "columns|beats"))
  var frontEnd = FrontEndChoice.columns
  @Option(
    help: ArgumentHelp(
      "Beats: how far one that is known without the network may be from the patient's usual beat, as a part of that; 0 for none. (default: \(BeatSettings.standard.knownDistance))",
      valueName: "x"))
  var knownDistance: Double?
  @Option(
    help: ArgumentHelp(
      "Beats: how early and how late a known one may come against the mean of eight intervals, in octaves. (default: \(-BeatSettings.standard.leastIntervalOctaves),\(BeatSettings.standard.mostIntervalOctaves))",
      valueName: "early,late"))
  var knownIntervals: String?
  @Option(
    help: ArgumentHelp(
      "The window's length, in columns of 62.5 ms. (default: \(defaults.inputColumns))", valueName: "n"))
  var columns: Int?
  @Option(help: ArgumentHelp("The channels of every convolution. (default: 24)", valueName: "n"))
  var channels: Int?
  @Option(
    help: ArgumentHelp("The convolutions' dilations, with commas. (default: 1,2,4)", valueName: "n,n"))
  var dilations: WholeNumbers?
  @Option(
    help: ArgumentHelp(
      "The outputs of a dense layer before the last one. (default: no such layer; 16 with --front-end beats)",
      valueName: "n"))
  var hidden: Int?

  @Option(
    help: ArgumentHelp(
      "The network's layers as a JSON file, instead of these options; see docs/guides/Tasks.md.",
      valueName: "file.json"))
  var architecture: String?

  /// Whether the structure isn't left to the defaults.
  var isGiven: Bool { isShaped || architecture != nil || frontEnd == .beats }

  /// What a beat becomes; nil for columns.
  var beats: BeatSettings? {
    guard frontEnd == .beats else { return nil }
    var beats = BeatSettings.standard
    beats.knownDistance = knownDistance ?? beats.knownDistance
    if let limits = Self.limits(knownIntervals) {
      (beats.leastIntervalOctaves, beats.mostIntervalOctaves) = (-limits.early, limits.late)
    }
    return beats
  }

  /// Two numbers with a comma between them; nil for anything else.
  private static func limits(_ text: String?) -> (early: Double, late: Double)? {
    let numbers = text?.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) } ?? []
    guard numbers.count == 2, let early = numbers[0], let late = numbers[1], (0...4).contains(early),
      (0...4).contains(late)
    else { return nil }
    return (early, late)
  }

  private var isShaped: Bool { columns != nil || channels != nil || dilations != nil || hidden != nil }

  func validate() throws {
    guard architecture == nil || !isShaped || (channels == nil && dilations == nil && hidden == nil) else {
      throw ValidationError("--architecture stands for --channels, --dilations and --hidden")
    }
    guard frontEnd == .beats || (knownDistance == nil && knownIntervals == nil) else {
      throw ValidationError("--known-distance and --known-intervals go with --front-end beats")
    }
    if let knownDistance, !(0...0.99).contains(knownDistance) {
      throw ValidationError("--known-distance must be in 0 ... 0.99")
    }
    guard knownIntervals == nil || Self.limits(knownIntervals) != nil else {
      throw ValidationError("--known-intervals must be two numbers of octaves, such as 0.15,0.25")
    }
    guard frontEnd == .columns || (columns ?? channels) == nil && dilations == nil && architecture == nil
    else {
      throw ValidationError("--front-end beats has --hidden alone, no columns and convolutions")
    }
  }

  /// The structure for a task.
  ///
  /// - Throws: `ValidationError` where the network can't be; `FileError` where its file is wrong.
  func specification(for task: TaskDefinition) throws -> NetworkSpecification {
    guard !task.isByClock || columns == nil else {
      throw ValidationError("--columns is for beats; a window's length is the task's, windowSeconds")
    }
    if let beats {
      guard !task.isByClock else {
        throw ValidationError(
          "--front-end beats is for tasks of beats, and \(task.name) decides by the clock")
      }
      return .beats(beats, hidden: hidden ?? 16, classCount: task.classNames.count)
    }
    if let architecture {
      return try NetworkSpecification(
        reading: architecture,
        inputColumns: columns ?? task.columnCount ?? Self.defaults.inputColumns,
        inputChannels: task.frontEnd.binCount, classCount: task.classNames.count)
    }
    var specification = shaped(classCount: task.classNames.count)
    if let columns = task.columnCount {
      specification.inputColumns = columns
      specification.inputChannels = task.frontEnd.binCount
      if !isShaped { specification = .usual(for: task) }
    } else {
      specification.inputChannels = task.frontEnd.binCount
    }
    do {
      _ = try specification.layerShapes()
    } catch {
      throw ValidationError(error.description)
    }
    return specification
  }

  /// The structure by the options.
  private func shaped(classCount: Int) -> NetworkSpecification {
    var layers = (dilations?.values ?? [1, 2, 4]).map {
      NetworkSpecification.Layer.convolution(
        outputChannels: channels ?? 24, kernelColumns: 3, dilationColumns: $0)
    }
    if let hidden { layers.append(.dense(outputCount: hidden)) }
    layers.append(.dense(outputCount: classCount))
    return NetworkSpecification(
      inputColumns: columns ?? Self.defaults.inputColumns, inputChannels: Self.defaults.inputChannels,
      layers: layers)
  }
}

/// Offsets of classes' logits, such as `S=-1,F=1`, or `none`.
struct LogitOffsets: ExpressibleByArgument, CustomStringConvertible {
  var values: [String: Double]

  init(values: [String: Double]) { self.values = values }

  init?(argument: String) {
    values = [:]
    if argument == "none" { return }
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let pair = part.split(separator: "=", omittingEmptySubsequences: false)
      guard pair.count == 2, !pair[0].isEmpty, let offset = Double(pair[1]), offset.isFinite,
        values.updateValue(offset, forKey: String(pair[0])) == nil
      else { return nil }
    }
  }

  /// The offsets to four places, as an argument.
  var exact: String {
    values.sorted { $0.key < $1.key }.map { "\($0.key)=\(Numbers.decimal($0.value, places: 4))" }
      .joined(separator: ",")
  }

  var description: String {
    values.isEmpty
      ? "none"
      : values.sorted { $0.key < $1.key }.map { "\($0.key)=\(Numbers.decimal($0.value, places: 1))" }
        .joined(separator: ",")
  }
}

/// Whole numbers with commas between them.
struct WholeNumbers: ExpressibleByArgument {
  var values: [Int]

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard !numbers.contains(nil) else { return nil }
    values = numbers.compactMap(\.self)
  }
}

/// What a network looks at.
enum FrontEndChoice: String, CaseIterable, ExpressibleByArgument {
  /// Columns of the task's front end.
  case columns
  /// Each beat.
  case beats
}

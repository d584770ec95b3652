import ArgumentParser
import Networks
import Support
import Tasks
import Training

/// The network's structure as arguments.
struct NetworkArguments: ParsableArguments {
  private static let defaults = NetworkSpecification.ecgBeats(classCount: 4)

  @Option(
    help: ArgumentHelp(
      "What the network looks at: columns of the task's front end, or each beat with the patient's usual one and the intervals; both are two networks, whose logits are added.",
      valueName: "columns|beats|both"))
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
      "Both: the hidden units of the network of beats. The other options are those of the columns' network. (default: \(Self.usualBeatHidden))",
      valueName: "n"))
  var beatHidden: Int?
  @Option(
    help: ArgumentHelp(
      "Both: what the logits of the network of beats are multiplied by. (default: \(Self.usualBeatShare))",
      valueName: "x"))
  var beatShare: Float?
  @Option(
    help: ArgumentHelp(
      "Both: by how much the logits of the network of beats are raised, before they are multiplied, such as S=0.5; or none. (default: none)",
      valueName: "class=x,class=x"))
  var beatOffsets: LogitOffsets?
  private static let (usualBeatHidden, usualBeatShare) = (16, Float(1))

  /// What the logits of a network of beats beside the columns' are multiplied by.
  var shareOfBeats: Float { beatShare ?? Self.usualBeatShare }

  /// The network of beats beside the columns' before its first step; nil for one network.
  ///
  /// - Throws: `TrainingError` where it can't be.
  func beatNetwork(beside columns: Checkpoint, of task: TaskDefinition) throws(TrainingError) -> Checkpoint? {
    guard frontEnd == .both else { return nil }
    return try .untrainedBeats(
      beside: columns, of: task, hidden: beatHidden ?? Self.usualBeatHidden,
      offsets: beatOffsets?.values ?? [:])
  }

  @Option(
    help: ArgumentHelp(
      "The network's layers as a JSON file, instead of these options; see docs/guides/Tasks.md.",
      valueName: "file.json"))
  var architecture: String?

  /// Whether the structure isn't left to the defaults.
  var isGiven: Bool { isShaped || architecture != nil || frontEnd != .columns }

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
    guard frontEnd == .both || (beatHidden == nil && beatShare == nil && beatOffsets == nil) else {
      throw ValidationError("--beat-hidden, --beat-share and --beat-offsets go with --front-end both")
    }
    if let beatHidden, !(1...256).contains(beatHidden) {
      throw ValidationError("--beat-hidden must be in 1 ... 256")
    }
    if let beatShare, !(0.01...100).contains(beatShare) {
      throw ValidationError("--beat-share must be in 0.01 ... 100")
    }
    guard frontEnd != .beats || (columns ?? channels) == nil && dilations == nil && architecture == nil
    else {
      throw ValidationError("--front-end beats has --hidden alone, no columns and convolutions")
    }
  }

  /// The structure for a task.
  ///
  /// - Throws: `ValidationError` where the network can't be; `FileError` where its file is wrong.
  func specification(for task: TaskDefinition) throws -> NetworkSpecification {
    guard !task.isByClock || frontEnd == .columns else {
      throw ValidationError(
        "--front-end \(frontEnd.rawValue) is for tasks of beats, and \(task.name) decides by the clock")
    }
    guard !task.isByClock || columns == nil else {
      throw ValidationError("--columns is for beats; a window's length is the task's, windowSeconds")
    }
    if let beats {
      return .beats(beats, hidden: hidden ?? 16, classCount: task.classNames.count)
    }
    if let architecture {
      return try NetworkSpecification(
        reading: architecture,
        inputColumns: columns ?? task.columnCount ?? Self.defaults.inputColumns,
        inputChannels: task.frontEnd.columnCodeCount, classCount: task.classNames.count)
    }
    var specification = shaped(classCount: task.classNames.count)
    if let columns = task.columnCount {
      specification.inputColumns = columns
      specification.inputChannels = task.frontEnd.columnCodeCount
      if !isShaped { specification = .usual(for: task) }
    } else {
      specification.inputChannels = task.frontEnd.columnCodeCount
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
    .ecgBeats(
      classCount: classCount, columns: columns ?? Self.defaults.inputColumns, channels: channels ?? 24,
      dilations: dilations?.values ?? [1, 2, 4], hidden: hidden)
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
      guard pair.count == 2, !pair[0].isEmpty, let offset = Double(pair[1]), abs(offset) <= 100,
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

extension FrontEndChoice: ExpressibleByArgument {}

import Networks
import Support
import Tasks
import Training

/// A network to try: what it looks at, how wide it is, and what its memory knows.
package struct DesignPoint: Codable, Equatable, Sendable {
  /// What the network looks at.
  package var frontEnd: FrontEndChoice
  /// The window's columns and the channels of every convolution; null for a network of beats alone.
  package var columns, channels: Int?
  /// The hidden units of the network of beats; null without one.
  package var hidden: Int?
  /// How far a beat that is known without the network may be from the usual one; null where none is.
  package var knownDistance: Double?

  /// All combinations of some values, those without a meaning for a front end left out.
  package static func all(
    frontEnds: [FrontEndChoice], columns: [Int], channels: [Int], hidden: [Int], knownDistances: [Double]
  ) -> [DesignPoint] {
    frontEnds.flatMap { frontEnd -> [DesignPoint] in
      let shapes: [(columns: Int?, channels: Int?)] =
        frontEnd == .beats
        ? [(nil, nil)] : columns.flatMap { columns in channels.map { (columns, $0) } }
      let widths: [Int?] = frontEnd == .columns ? [nil] : hidden
      let distances: [Double?] = frontEnd == .beats ? knownDistances : [nil]
      return shapes.flatMap { shape in
        widths.flatMap { hidden in
          distances.map {
            DesignPoint(
              frontEnd: frontEnd, columns: shape.columns, channels: shape.channels, hidden: hidden,
              knownDistance: $0)
          }
        }
      }
    }
  }

  /// The point in a few words.
  package var name: String {
    var parts = [frontEnd.rawValue]
    if let columns, let channels { parts.append("\(columns) x \(channels)") }
    if let hidden { parts.append("hidden \(hidden)") }
    if let knownDistance {
      parts.append(knownDistance == 0 ? "no memory" : "known \(Numbers.shortest(knownDistance))")
    }
    return parts.joined(separator: ", ")
  }

  /// The options of `exporter train` that make the network.
  package var words: [String] {
    var words = ["--front-end", frontEnd.rawValue]
    if let columns { words += ["--columns", "\(columns)"] }
    if let channels { words += ["--channels", "\(channels)"] }
    if let hidden { words += [frontEnd == .both ? "--beat-hidden" : "--hidden", "\(hidden)"] }
    if let knownDistance { words += ["--known-distance", Numbers.shortest(knownDistance)] }
    return words
  }

  /// The networks that are trained alike up to what goes beside them.
  var family: DesignPoint {
    guard frontEnd == .both else { return self }
    return DesignPoint(frontEnd: .columns, columns: columns, channels: channels)
  }

  /// The network before its first step.
  ///
  /// - Throws: `TrainingError` where it can't be.
  func untrained(
    of task: TaskDefinition, split: TaskSplit, training: TrainingOptions, couplingHz: Double?
  ) throws(TrainingError) -> Checkpoint {
    var beats: BeatSettings?
    if frontEnd == .beats {
      var settings = BeatSettings.standard
      settings.knownDistance = knownDistance ?? settings.knownDistance
      beats = settings
    }
    let classCount = task.classNames.count
    var specification =
      beats.map { NetworkSpecification.beats($0, hidden: hidden ?? 16, classCount: classCount) }
      ?? .ecgBeats(classCount: classCount, columns: columns ?? 43, channels: channels ?? 24)
    if beats == nil { specification.inputChannels = task.frontEnd.columnCodeCount }
    var start = try Checkpoint.untrained(
      of: task, specification: specification, split: split, training: training, couplingHz: couplingHz,
      beats: beats)
    if frontEnd == .both {
      start.beatNetwork = try .untrainedBeats(beside: start, of: task, hidden: hidden ?? 16)
    }
    return start
  }
}

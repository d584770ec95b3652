import ECG

/// EC57's beat-by-beat comparison: how often each class of beat was taken for each, was missed, or was none.
///
/// The matrix is that of WFDB's `bxb`. Its rows are the reference's classes `N`, `S`, `V`, `F` and `Q`, then `O`,
/// detections where there is no beat, and `X`, such detections where the reference calls both signals unreadable. Its
/// columns are the algorithm's classes, then `o`, missed beats.
package struct BeatByBeat: Equatable, Sendable {
  /// The rows' names: the reference's classes, then what is no beat.
  package static let rowNames = AAMIClass.allCases.map(\.rawValue) + ["O", "X"]
  /// The columns' names: the algorithm's classes, then missed beats.
  package static let columnNames = AAMIClass.allCases.map { $0.rawValue.lowercased() } + ["o"]

  /// The number of beats, `[row, column]`.
  package private(set) var counts = [[Int]](
    repeating: [Int](repeating: 0, count: columnNames.count), count: rowNames.count)

  private static let extraRow = AAMIClass.allCases.count
  private static let unreadableRow = extraRow + 1
  private static let missedColumn = AAMIClass.allCases.count

  /// Creates a comparison of no beats.
  package init() {}

  /// Counts a beat that was found.
  package mutating func add(_ reference: AAMIClass, decided: AAMIClass) {
    counts[reference.index][decided.index] += 1
  }

  /// Counts a beat that was not found.
  package mutating func addMissed(_ reference: AAMIClass) {
    counts[reference.index][Self.missedColumn] += 1
  }

  /// Counts a detection where there is no beat.
  package mutating func addExtra(_ decided: AAMIClass, isReadable: Bool) {
    counts[isReadable ? Self.extraRow : Self.unreadableRow][decided.index] += 1
  }

  /// Adds another record's counts, for gross figures.
  package static func += (sum: inout BeatByBeat, other: BeatByBeat) {
    for row in sum.counts.indices {
      for column in sum.counts[row].indices { sum.counts[row][column] += other.counts[row][column] }
    }
  }

  /// The detection of beats of any class.
  package var detection: Figures {
    let beats = counts[..<Self.extraRow]
    return Figures(
      truePositives: beats.reduce(0) { $0 + $1[..<Self.missedColumn].reduce(0, +) },
      falseNegatives: beats.reduce(0) { $0 + $1[Self.missedColumn] },
      falsePositives: counts[Self.extraRow...].joined().reduce(0, +), trueNegatives: nil)
  }

  /// The detection of ventricular ectopic beats (VEB).
  ///
  /// A fusion or an unclassifiable beat that was taken for one is not held against the algorithm.
  package var ventricular: Figures { figures(of: .ventricular, forgiving: [.fusion, .unknown]) }

  /// The detection of supraventricular ectopic beats (SVEB).
  ///
  /// An unclassifiable beat that was taken for one is not held against the algorithm.
  package var supraventricular: Figures { figures(of: .supraventricular, forgiving: [.unknown]) }

  /// The detection of one class; `forgiving` are the classes that may be taken for it.
  private func figures(of beatClass: AAMIClass, forgiving: Set<AAMIClass>) -> Figures {
    let own = beatClass.index
    let forgiven = Set(forgiving.map(\.index))
    let others = counts.indices.filter { $0 != own }
    return Figures(
      truePositives: counts[own][own],
      falseNegatives: counts[own].reduce(0, +) - counts[own][own],
      falsePositives: others.reduce(0) { $0 + (forgiven.contains($1) ? 0 : counts[$1][own]) },
      trueNegatives: others.reduce(0) { sum, row in
        sum + counts[row][..<Self.missedColumn].reduce(0, +) - counts[row][own]
      })
  }

  /// How well one kind of beat was told from all else.
  package struct Figures: Equatable, Sendable {
    /// The beats that were found.
    package var truePositives: Int
    /// The beats that were missed, or taken for another kind.
    package var falseNegatives: Int
    /// What was wrongly taken for such a beat.
    package var falsePositives: Int
    /// What was rightly not taken for such a beat; nil where nothing is counted so.
    package var trueNegatives: Int?

    /// Se: the share of the beats that were found; nil where there are none.
    package var sensitivity: Double? { Self.share(of: truePositives, and: falseNegatives) }

    /// +P: the share of those found that are such beats; nil where there are none.
    package var positivePredictivity: Double? { Self.share(of: truePositives, and: falsePositives) }

    /// FPR: the share of what is no such beat that was taken for one; nil where nothing is counted so.
    package var falsePositiveRate: Double? {
      trueNegatives.flatMap { Self.share(of: falsePositives, and: $0) }
    }

    private static func share(of count: Int, and rest: Int) -> Double? {
      count + rest > 0 ? Double(count) / Double(count + rest) : nil
    }
  }
}

extension AAMIClass {
  fileprivate var index: Int {
    switch self {
    case .normal: 0
    case .supraventricular: 1
    case .ventricular: 2
    case .fusion: 3
    case .unknown: 4
    }
  }
}

extension BeatByBeat: Encodable {
  private enum CodingKeys: String, CodingKey {
    case rows, columns, counts, qrs, veb, sveb
  }

  /// Writes the matrix, and the figures of beats, VEB and SVEB.
  ///
  /// - Throws: `EncodingError`, where the encoder does.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(Self.rowNames, forKey: .rows)
    try container.encode(Self.columnNames, forKey: .columns)
    try container.encode(counts, forKey: .counts)
    try container.encode(detection, forKey: .qrs)
    try container.encode(ventricular, forKey: .veb)
    try container.encode(supraventricular, forKey: .sveb)
  }
}

extension BeatByBeat.Figures: Encodable {
  private enum CodingKeys: String, CodingKey {
    case truePositives, falseNegatives, falsePositives, trueNegatives
    case sensitivity, positivePredictivity, falsePositiveRate
  }

  /// Writes counts and shares; a share that no beat defines is null.
  ///
  /// - Throws: `EncodingError`, where the encoder does.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(truePositives, forKey: .truePositives)
    try container.encode(falseNegatives, forKey: .falseNegatives)
    try container.encode(falsePositives, forKey: .falsePositives)
    try container.encode(sensitivity, forKey: .sensitivity)
    try container.encode(positivePredictivity, forKey: .positivePredictivity)
    guard let trueNegatives else { return }
    try container.encode(trueNegatives, forKey: .trueNegatives)
    try container.encode(falsePositiveRate, forKey: .falsePositiveRate)
  }
}

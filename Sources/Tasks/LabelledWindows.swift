import ECG
import Support

extension LabelledSignal {
  /// Labels the windows of a task by the clock: those that lie wholly in stretches of one class.
  ///
  /// Windows lie on the grid of a device that starts with the record: the first ends when the window is full, the others
  /// follow every `hopSeconds`.
  mutating func labelWindows(of task: TaskDefinition) {
    guard let columnCount = task.columnCount, let hopColumns = task.hopColumns else { return }
    let settings = task.frontEnd
    let length = settings.lastSample(ofColumn: columnCount - 1) + 1
    let step = hopColumns * settings.hopSamples
    beats = []
    for stretch in Self.joined(stretches) {
      guard let classIndex = stretch.classIndex else { continue }
      var start = (stretch.samples.lowerBound + step - 1) / step * step
      while start + length <= min(stretch.samples.upperBound, microvolts.count) {
        beats.append(Beat(sample: start + length - 1, classIndex: classIndex))
        start += step
      }
    }
  }

  /// The stretches with neighbours of one class as one.
  package static func joined(_ stretches: [Stretch]) -> [Stretch] {
    stretches.reduce(into: []) { result, next in
      if let last = result.last, last.classIndex == next.classIndex,
        last.samples.upperBound >= next.samples.lowerBound
      {
        result[result.count - 1].samples = last.samples.lowerBound..<next.samples.upperBound
      } else {
        result.append(next)
      }
    }
  }
}

extension TaskDefinition {
  /// The stretches of a record's rhythm annotations, in samples of the front end.
  ///
  /// A rhythm lasts until the next one; what comes before the first has no label.
  ///
  /// - Throws: `FileError`, malformed, which names a rhythm that the task neither has a class for nor skips.
  func stretches(
    in labels: Annotations, recordRateHz: Double, sampleCount: Int, file: String
  ) throws(FileError) -> [LabelledSignal.Stretch] {
    guard case .rhythms(let names, let skipped) = self.labels else { return [] }
    let changes = labels.resampled(from: recordRateHz, to: frontEnd.sampleRateHz).all
      .filter { $0.code == .rhythmChange && $0.text.hasPrefix("(") }
    var stretches: [LabelledSignal.Stretch] = []
    for (index, change) in changes.enumerated() {
      let end = min(index + 1 < changes.count ? changes[index + 1].sample : sampleCount, sampleCount)
      guard change.sample < end else { continue }
      let name = String(change.text.dropFirst().prefix { !$0.isWhitespace && $0 != "\0" })
      let classIndex = names.firstIndex { $0.contains(name) }
      guard classIndex != nil || skipped.contains(name) else {
        throw .malformed(
          file, at: "\(Numbers.decimal(Double(change.sample) / frontEnd.sampleRateHz, places: 1)) s",
          "has the rhythm \(name), which the task \(self.name) neither has a class for nor skips",
          remedy: "add it to labels.classes or labels.skip of your task")
      }
      stretches.append(.init(samples: change.sample..<end, classIndex: classIndex, label: name))
    }
    return stretches
  }

  /// The stretches that a manifest gives of a record.
  ///
  /// - Throws: `FileError`, malformed, where one lies beyond the record's end.
  func stretches(
    of rows: [TaskManifest.Stretch], sampleCount: Int, file: String
  ) throws(FileError) -> [LabelledSignal.Stretch] {
    let rate = frontEnd.sampleRateHz
    var stretches: [LabelledSignal.Stretch] = []
    for row in rows {
      let start = Int(((row.startSeconds ?? 0) * rate).rounded())
      let end = row.endSeconds.map { Int(($0 * rate).rounded()) } ?? sampleCount
      // An end that was rounded may lie a sample beyond.
      guard start < sampleCount, end <= sampleCount + Int(rate / 10) else {
        throw .malformed(
          file, at: "line \(row.line), column end",
          "lies beyond the record's \(Numbers.decimal(Double(sampleCount) / rate, places: 2)) s",
          remedy: "give seconds from the record's start")
      }
      let label = row.classIndex.map { classNames[$0] } ?? "skipped"
      stretches.append(
        .init(samples: start..<max(start, min(end, sampleCount)), classIndex: row.classIndex, label: label))
    }
    return stretches.sorted { $0.samples.lowerBound < $1.samples.lowerBound }
  }
}

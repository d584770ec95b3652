import Support

/// Where the rows of a CSV recording lie in time: what its times, or its numbers of samples, make of gaps.
struct CSVTimes {
  /// The sample of each row, growing.
  let samples: [Int]
  /// The rate; nil where the rows only have numbers.
  let sampleRateHz: Double?

  /// What is wrong with the times, and at which row.
  struct Problem: Error {
    var row: Int?
    var text: String
    var remedy: String
    /// Whether a row comes too early for the others' rate, though it comes after the last one.
    var isUnevenness = false
  }

  /// Rows that follow one another without times.
  init(rowCount: Int) { (samples, sampleRateHz) = (Array(0..<rowCount), nil) }

  /// Takes the numbers of samples, not a number where one is missing.
  init(numbers: [Double]) throws(Problem) {
    let known = numbers.filter { !$0.isNaN }
    let steps = zip(known, known.dropFirst()).map { $1 - $0 }.sorted()
    let step = steps.first ?? 1
    guard step >= 1 else {
      throw Problem(text: "has numbers of samples that do not grow", remedy: "order the rows by number")
    }
    try self.init(numbers, of: "number", step: step, resolution: 0, sampleRateHz: nil)
  }

  /// Takes times in seconds, not a number where one is missing.
  ///
  /// - Parameters:
  ///   - seconds: The times.
  ///   - stated: The rate that was stated beside them.
  /// - Throws: `Problem` where they don't grow, or leave the rate open.
  init(seconds: [Double], stated: Double?) throws(Problem) {
    let known = seconds.filter { !$0.isNaN }
    guard known.count > 1 else {
      throw Problem(text: "has one row only, so its sampling rate is unknown", remedy: "give more samples")
    }
    let steps = zip(known, known.dropFirst()).map { $1 - $0 }
    let middle = steps.sorted()[(steps.count - 1) / 2]
    guard middle > 0, middle.isFinite else {
      guard middle == 0, let stated else {
        throw Problem(
          text: middle == 0 ? "has several rows for most of its times" : "has times that do not grow",
          remedy: middle == 0 ? "give finer times, or the rate by --sample-rate" : "order the rows by time")
      }
      let coarse = steps.filter { $0 > 0 }.min() ?? 0
      try self.init(seconds, of: "time", step: 1 / stated, resolution: coarse, sampleRateHz: stated)
      return
    }
    // What is longer is a gap.
    let regular = steps.filter { $0 >= 0 && $0 <= 1.5 * middle }
    let span = regular.reduce(0, +)
    let step = span / Double(regular.count)
    let resolution = Self.resolution(of: known)
    let runs = Double(1 + steps.count - regular.count)
    let rate = 1 / step
    guard rate.isFinite else {
      throw Problem(text: "has times too close for a sampling rate", remedy: "give the time in seconds")
    }
    let whole = rate.rounded()
    let isWhole = whole > 0 && abs(Double(regular.count) / whole - span) <= resolution * runs
    do throws(Problem) {
      try self.init(
        seconds, of: "time", step: isWhole ? 1 / whole : step, resolution: resolution,
        sampleRateHz: isWhole ? whole : rate)
    } catch {
      // Where the rate changes, the mean of both rates fits no row, and the first of all is blamed.
      throw error.isUnevenness ? Self.changeOfRate(in: seconds, gapsFrom: 1.5 * middle) ?? error : error
    }
  }

  /// The row from which rows come at another rate, told as the problem; nil where no row stands out.
  private static func changeOfRate(in seconds: [Double], gapsFrom longest: Double) -> Problem? {
    let width = min(100, seconds.count / 4)
    guard width >= 4, !seconds.contains(where: \.isNaN) else { return nil }
    // The sums and numbers of the steps up to each row, gaps left out.
    var (sums, counts) = ([0.0], [0])
    for (time, next) in zip(seconds, seconds.dropFirst()) {
      let isStep = (0..<longest).contains(next - time)
      sums.append(sums[sums.count - 1] + (isStep ? next - time : 0))
      counts.append(counts[counts.count - 1] + (isStep ? 1 : 0))
    }
    func mean(_ rows: Range<Int>) -> Double {
      let count = counts[rows.upperBound] - counts[rows.lowerBound]
      return count * 2 < width ? .nan : (sums[rows.upperBound] - sums[rows.lowerBound]) / Double(count)
    }
    var change: (row: Int, before: Double, after: Double, ratio: Double)?
    for row in width..<seconds.count - width {
      let (before, after) = (mean(row - width..<row), mean(row..<row + width))
      let ratio = max(before, after) / min(before, after)
      if ratio > change?.ratio ?? 1.02, ratio.isFinite { change = (row, before, after, ratio) }
    }
    return change.map {
      Problem(
        row: $0.row,
        text:
          "from here on its rows come at \(Numbers.decimal($0.before / $0.after, places: 3)) times the rate before",
        remedy: "give the rows of each rate a file of their own")
    }
  }

  /// Counts steps from row to row; what comes later than its step by half of one makes a gap.
  private init(
    _ times: [Double], of what: String, step: Double, resolution: Double, sampleRateHz: Double?
  ) throws(Problem) {
    var samples: [Int] = []
    samples.reserveCapacity(times.count)
    var (sample, anchorSample) = (-1, 0)
    var anchor = times.first { !$0.isNaN } ?? 0
    anchor -= Double(times.firstIndex { !$0.isNaN } ?? 0) * step
    // Where a step isn't a whole number of the times' last place, rounding moves them by up to one.
    let places = resolution > 0 ? step / resolution : 1
    let isExact = places >= 0.5 && abs(places - places.rounded()) < 1e-6
    let tolerance = max(0.5 * step, isExact ? 0 : resolution) * (1 + 1e-6)
    for (row, time) in times.enumerated() {
      sample += 1
      if !time.isNaN {
        let late = time - anchor - Double(sample - anchorSample) * step
        guard late >= -tolerance else {
          let grows = row == 0 || time > times[row - 1]
          throw Problem(
            row: row, text: "its \(what) \(grows ? "is not evenly spaced" : "does not grow")",
            remedy: "order the rows by \(what), in even steps", isUnevenness: grows)
        }
        if late > tolerance {
          let missing = (late / step).rounded()
          guard missing < Double(CSVTable.sampleLimit) else {
            throw Problem(
              row: row, text: "comes after a gap of \(Numbers.decimal(missing, places: 0)) samples",
              remedy: "correct the \(what)")
          }
          sample += Int(missing)
          (anchor, anchorSample) = (time, sample)
        }
      }
      samples.append(sample)
    }
    (self.samples, self.sampleRateHz) = (samples, sampleRateHz)
  }

  /// One unit of the last decimal place that times are given to.
  private static func resolution(of times: [Double]) -> Double {
    var unit = 1.0
    for time in times.prefix(1000) {
      let time = time - times[0]
      while unit > 1e-9, abs((time / unit).rounded() * unit - time) > 1e-3 * unit { unit /= 10 }
    }
    return unit
  }
}

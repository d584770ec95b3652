import Foundation
import Support

/// Makes a record of a table: finds the column of times, and tells what each other column is.
struct CSVReading {
  private let table: CSVTable
  private let options: CSVOptions
  private var titles: [CSVTitle]
  private var notes: [FileNote]

  init(_ table: CSVTable, _ options: CSVOptions) {
    (self.table, self.options, notes) = (table, options, table.notes)
    titles = table.titles.indices.map {
      CSVTitle(table.titles[$0], unit: table.units.isEmpty ? nil : table.units[$0])
    }
    if !table.hasTitles { nameColumns() }
  }

  /// Reads the record.
  ///
  /// - Throws: `FileError`, malformed, with what is wrong about the times or a column.
  func record(name: String) throws(FileError) -> Record {
    var reading = self
    let leads = try reading.leadColumns()
    let times = try reading.times()
    guard let rate = try reading.rate(times) else {
      throw .malformed(
        table.file, at: "line 1", "has no time column, so its sampling rate is unknown",
        remedy: "state the sampling rate with --sample-rate")
    }
    let count = (times.samples.last ?? -1) + 1
    guard count <= CSVTable.sampleLimit / max(1, leads.count) else {
      throw .malformed(
        table.file, "reaches over \(Numbers.integer(count)) samples, most of them gaps",
        remedy: "correct the time column")
    }
    var signals: [Signal] = []
    for column in leads {
      signals.append(
        try CSVLead(table, column, reading.titles[column], options).signal(times, sampleRateHz: rate))
    }
    guard signals.contains(where: { $0.millivoltsPerUnit != nil }) else {
      throw .malformed(
        table.file, at: "line 1", "column \(table.titles[leads[0]]) is in an unknown unit",
        remedy: "use one of [mV], [uV], [V] and [ADC]")
    }
    var record = Record(name: name, sampleRateHz: rate, sampleCount: count, signals: signals)
    record.notes = reading.notes
    return record
  }

  private mutating func note(_ text: String) { notes.append(FileNote(table.file, text)) }

  // MARK: Columns

  /// Names the columns of a table without titles: a first one that grows evenly is the time.
  private mutating func nameColumns() {
    guard titles.count > 1 else { return }
    let first = table.columns[0]
    let steps = zip(first, first.dropFirst()).map { $1 - $0 }
    let isTime = table.holdsMoments[0] || !steps.isEmpty && steps.allSatisfy { $0 > 0 }
    guard isTime else { return }
    let isNumber = !table.holdsMoments[0] && steps.allSatisfy { $0 == steps[0].rounded() && $0 == 1 }
    titles[0] = CSVTitle(isNumber ? "sample" : "time")
    note("its first column grows and was taken as the \(isNumber ? "samples' numbers" : "time")")
    for column in titles.indices.dropFirst() {
      titles[column] = CSVTitle(titles.count == 2 ? "ECG" : "lead \(column)")
    }
  }

  /// The columns that are leads.
  private mutating func leadColumns() throws(FileError) -> [Int] {
    var leads: [Int] = []
    for column in titles.indices {
      switch titles[column].role {
      case .time: continue
      case .sampleNumber where titles.count > 1 && grows(column): continue
      default:
        if table.holdsText[column] {
          note("column \(table.titles[column]) holds texts and was left out")
        } else if table.holdsMoments[column] {
          titles[column] = CSVTitle("time")
        } else {
          leads.append(column)
        }
      }
    }
    guard !leads.isEmpty else { throw noLead() }
    for (place, column) in leads.enumerated() {
      let name = titles[column].name
      guard !leads[..<place].contains(where: { titles[$0].name == name }) else {
        throw table.titleError("has two columns for lead \(name)")
      }
    }
    return leads
  }

  /// What there is in place of a lead.
  private func noLead() -> FileError {
    let texts = titles.indices.filter {
      if case .time = titles[$0].role { false } else { table.holdsText[$0] }
    }
    guard let column = texts.first, let first = table.firstTexts[column] else {
      return table.titleError("has no column of a lead")
    }
    return .malformed(
      table.file, at: "line \(first.line)",
      "has \(first.text.quotedStart) for \(table.titles[column]), which is no number",
      remedy: "write numbers as 1234.5, and name a column for each lead")
  }

  private func grows(_ column: Int) -> Bool {
    let known = table.columns[column].filter { !$0.isNaN }
    return table.isWhole(column) && zip(known, known.dropFirst()).allSatisfy { $0 < $1 }
  }

  // MARK: Times

  private mutating func times() throws(FileError) -> CSVTimes {
    do throws(CSVTimes.Problem) {
      if let column = try timeColumn() {
        let continued = pastMidnights(column)
        return try times(in: continued)
      }
      let numbers = titles.indices.first { titles[$0].role == .sampleNumber && grows($0) }
      return try numbers.map { column throws(CSVTimes.Problem) in
        try CSVTimes(numbers: table.columns[column])
      } ?? CSVTimes(rowCount: table.rowCount)
    } catch {
      throw FileError.malformed(
        table.file, at: error.row.map { "line \(table.lines[$0])" }, error.text, remedy: error.remedy)
    }
  }

  /// The times in seconds or in units that aren't stated; nil without such a column.
  private func timeColumn() throws(CSVTimes.Problem) -> (
    seconds: [Double], isStated: Bool, isTimeOfDay: Bool
  )? {
    let columns = titles.indices.filter { index in
      if case .time = titles[index].role { !table.holdsText[index] } else { false }
    }
    guard let first = columns.first else { return nil }
    let days = columns.filter { table.holdsMoments[$0] && isDay($0) }
    let finer = columns.filter { !days.contains($0) }
    guard finer.count <= 1 else {
      throw CSVTimes.Problem(text: "has two time columns", remedy: "name only one of them time")
    }
    let column = finer.first ?? first
    guard case .time(let seconds) = titles[column].role else { return nil }
    if table.holdsMoments[column] {
      // A day in a column of its own.
      let day = column == days.first ? nil : days.first
      return (
        zip(table.columns[column], day.map { table.columns[$0] } ?? table.columns[column].map { _ in 0 })
          .map { $0 + $1 }, true,
        day == nil && table.columns[column].allSatisfy { $0.isNaN || (0..<86_400).contains($0) }
      )
    }
    return (table.columns[column].map { $0 * (seconds ?? 1) }, seconds != nil, false)
  }

  /// A time of day goes on after midnight: where it steps back by nearly a day, the next day begins.
  private mutating func pastMidnights(_ column: (seconds: [Double], isStated: Bool, isTimeOfDay: Bool))
    -> (seconds: [Double], isStated: Bool)
  {
    guard column.isTimeOfDay else { return (column.seconds, column.isStated) }
    var (seconds, day, rows, last) = (column.seconds, 0.0, [Int](), -Double.infinity)
    for (row, time) in column.seconds.enumerated() where !time.isNaN {
      if last - time > 23 * 3600 {
        day += 86_400
        rows.append(row)
      }
      seconds[row] = time + day
      last = time
    }
    if let first = rows.first {
      note(
        "its time of day passes midnight\(rows.count > 1 ? " \(rows.count) times, first" : "") at line "
          + "\(table.lines[first]): the next day was taken to begin there")
    }
    return (seconds, column.isStated)
  }

  private func isDay(_ column: Int) -> Bool {
    table.columns[column].allSatisfy {
      $0.isNaN || $0 > 86_400 && $0.truncatingRemainder(dividingBy: 86_400) == 0
    }
  }

  private mutating func times(in column: (seconds: [Double], isStated: Bool)) throws(CSVTimes.Problem)
    -> CSVTimes
  {
    let stated = options.sampleRateHz
    let asSeconds = try CSVTimes(seconds: column.seconds, stated: stated)
    guard !column.isStated, column.seconds.allSatisfy({ $0.isNaN || $0 == $0.rounded() }),
      let rate = asSeconds.sampleRateHz, rate <= 1
    else { return asSeconds }
    // Whole numbers a second or more apart are something finer.
    if let stated {
      if rate == 1, stated != 1 {
        note("its time counts 0, 1, 2 and was taken as the samples' numbers")
        return try CSVTimes(numbers: column.seconds)
      }
    } else if rate == 1 {
      throw CSVTimes.Problem(
        text: "has a time that counts 0, 1, 2",
        remedy: "state the rate with --sample-rate where these are samples, or the unit as in time [ms]")
    }
    for (unit, seconds) in [("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)] {
      let finer = rate / seconds
      guard stated.map({ abs(finer - $0) <= 1e-3 * $0 }) ?? (20...50_000).contains(finer) else { continue }
      note("states no unit of its time: \(unit) were assumed, which makes \(Numbers.shortest(finer)) Hz")
      return try CSVTimes(seconds: column.seconds.map { $0 * seconds }, stated: stated)
    }
    return asSeconds
  }

  /// The rate that was stated or that the times have.
  private func rate(_ times: CSVTimes) throws(FileError) -> Double? {
    guard let measured = times.sampleRateHz, let stated = options.sampleRateHz else {
      return options.sampleRateHz ?? times.sampleRateHz
    }
    guard abs(stated - measured) <= 1e-3 * stated else {
      throw .malformed(
        table.file,
        "has a time column of \(Numbers.shortest(measured)) Hz, not the \(Numbers.shortest(stated)) Hz stated",
        remedy: "leave out --sample-rate or correct it")
    }
    return stated
  }
}

/// A column of a CSV recording that becomes a signal.
private struct CSVLead {
  /// ADC units a millivolt of a signal that was given in volts; fewer where they would not fit.
  static let unitsPerMillivolt = 1e6
  /// Beyond this whole numbers without a unit are counts, not millivolts.
  static let greatestMillivolts = 20.0

  private let table: CSVTable
  private let column: Int
  private var specification = SignalSpecification()
  /// ADC units for each unit of the column.
  private var scale = 1.0

  init(_ table: CSVTable, _ column: Int, _ title: CSVTitle, _ options: CSVOptions) {
    (self.table, self.column) = (table, column)
    specification.format = .twosComplement32
    specification.adcResolutionBits = 32
    specification.name = title.name
    let greatest = table.columns[column].reduce(0) { $1.isNaN ? $0 : max($0, abs($1)) }
    switch title.role {
    case .voltage(let millivolts): takeVoltage(millivolts, greatest)
    case .counts: takeCounts(options, isAssumed: false)
    case .other(let unit):
      takeVoltage(1, greatest)
      specification.units = unit.split(whereSeparator: \.isWhitespace).joined(separator: "_")
    case .unstated, .time, .sampleNumber:
      if options.statesCounts {
        takeCounts(options, isAssumed: false)
      } else if table.isWhole(column), greatest > Self.greatestMillivolts {
        takeCounts(options, isAssumed: true)
      } else {
        takeVoltage(1, greatest)
        note("states no unit: millivolts were assumed; a title such as \(title.name) [mV] states them")
      }
    }
    specification.adcZero = specification.baseline
  }

  private mutating func note(_ text: String) {
    specification.notes.append(FileNote(table.file, at: "column \(table.titles[column])", text))
  }

  private mutating func takeVoltage(_ millivolts: Double, _ greatest: Double) {
    var units = Self.unitsPerMillivolt
    while greatest * millivolts * units > 2e9, units > 1e-3 { units /= 10 }
    specification.gain = units
    scale = millivolts * units
  }

  private mutating func takeCounts(_ options: CSVOptions, isAssumed: Bool) {
    let gain = options.gain ?? 200
    let baseline = options.baseline ?? 0
    (specification.gain, specification.baseline) = (gain, baseline)
    guard isAssumed || options.gain == nil || options.baseline == nil else { return }
    let values = table.columns[column].filter { !$0.isNaN }
    let range = [values.min() ?? 0, values.max() ?? 0].map {
      Numbers.decimal(($0 - Double(baseline)) / gain, places: 2)
    }
    note(
      (isAssumed
        ? "states no unit; its whole numbers were taken as an ADC's counts, " : "its counts were taken as ")
        + "\(Numbers.shortest(gain)) a millivolt about \(baseline), from \(range[0]) to \(range[1]) mV; "
        + "--gain and --baseline state them")
  }

  /// The signal, with what is missing as invalid samples.
  func signal(_ times: CSVTimes, sampleRateHz: Double) throws(FileError) -> Signal {
    let values = table.columns[column]
    var samples = [Int32](repeating: Signal.invalidSample, count: (times.samples.last ?? -1) + 1)
    for (row, value) in values.enumerated() where !value.isNaN {
      let scaled = (value * scale).rounded()
      guard scaled > Double(Int32.min), scaled <= Double(Int32.max) else {
        throw table.error(row: row, "\(value) in column \(specification.name) is out of range")
      }
      guard scale != 1 || scaled == value else {
        throw table.error(row: row, "\(value) in column \(specification.name) is no whole ADC count")
      }
      samples[times.samples[row]] = Int32(scaled)
    }
    var specification = specification
    specification.initialValue = Int(samples.first { $0 != Signal.invalidSample } ?? 0)
    var signal = Signal(specification, sampleRateHz: sampleRateHz, samples: samples)
    if let gaps = gapNote(signal, times) { signal.notes.append(gaps) }
    return signal
  }

  /// Where samples are missing; nil where none is.
  private func gapNote(_ signal: Signal, _ times: CSVTimes) -> FileNote? {
    let gaps = signal.invalidStretches(ofAtLeast: 1)
    guard let first = gaps.first else { return nil }
    let row = times.samples.firstIndex { $0 >= first.lowerBound } ?? times.samples.count - 1
    let count = gaps.reduce(0) { $0 + $1.count }
    return FileNote(
      table.file, at: "line \(table.lines[row])",
      "\(Numbers.integer(count)) sample\(count == 1 ? " is" : "s are") missing in lead \(signal.name), in "
        + "\(Numbers.integer(gaps.count)) gap\(gaps.count == 1 ? "" : "s"), from this line on: lost contact")
  }
}

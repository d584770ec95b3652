import Foundation
import Support

/// What would make a failing judgement pass, found by judging again with the change made.
struct FeasibilityAdvice {
  private let network: NetworkCounts
  private let device: JudgedDevice
  private let schedule: Feasibility.Schedule
  /// The requirements that slower decisions relieve.
  private static let rated: Set<Feasibility.Criterion.Name> = [
    .dutyCycle, .averageCurrent, .chargePerDecision, .monthsLost,
  ]
  private static let charges: Set<Feasibility.Criterion.Name> = [
    .averageCurrent, .chargePerDecision, .monthsLost,
  ]
  private static let slowest = 365 * 86_400.0

  init(_ network: NetworkCounts, on device: JudgedDevice, schedule: Feasibility.Schedule) {
    (self.network, self.device, self.schedule) = (network, device, schedule)
  }

  func suggestions(
    for judgement: Feasibility.Judgement, beside others: [Feasibility.Judgement]
  ) -> [Feasibility.Suggestion] {
    let failing = Set(judgement.failing.map(\.name))
    return others.compactMap { instead(of: judgement, $0) }
      + [
        fewerAskedBeats(judgement, failing), slowerDecisions(judgement, failing),
        smallerModel(judgement, failing),
        fasterClock(judgement, failing), frugalProcessor(judgement),
      ].compactMap(\.self) + memory(judgement)
  }

  private func ordered(_ names: Set<Feasibility.Criterion.Name>, _ judgement: Feasibility.Judgement)
    -> [Feasibility.Criterion.Name]
  {
    judgement.criteria.map(\.name).filter(names.contains)
  }

  /// The other way of running the network, where it passes something that fails here and fails nothing new.
  private func instead(
    of judgement: Feasibility.Judgement, _ other: Feasibility.Judgement
  ) -> Feasibility.Suggestion? {
    let failing = Set(judgement.failing.map(\.name))
    let remaining = Set(other.failing.map(\.name))
    let passed = ordered(failing.subtracting(remaining), judgement)
    guard !passed.isEmpty, remaining.isSubset(of: failing) else { return nil }
    let details = passed.compactMap { name -> String? in
      guard let now = judgement.criterion(name), let then = other.criterion(name),
        // What reads the same is a tie, and no remedy.
        then.text(then.estimate.high) != now.text(now.estimate.high)
      else { return nil }
      return "\(name.words) \(then.text(then.estimate.high)) instead of \(now.text(now.estimate.high))"
    }
    guard !details.isEmpty else { return nil }
    return Feasibility.Suggestion(
      change: other.mode == .streaming ? .streaming : .wholeWindow, passes: passed, value: nil,
      text:
        "\(other.mode.words) instead of \(judgement.mode.words): at most \(details.joined(separator: ", "))")
  }

  /// Of a network that is asked about part of the beats, a smaller part: how often beats come is the heart's matter.
  private func fewerAskedBeats(
    _ judgement: Feasibility.Judgement, _ failing: Set<Feasibility.Criterion.Name>
  ) -> Feasibility.Suggestion? {
    let targets = failing.intersection(Self.rated)
    guard network.frontEnd?.takesBeats == true, !targets.isEmpty else { return nil }
    let share = schedule.networkShare ?? 1
    func passes(_ share: Double) -> Bool {
      var fewer = schedule
      fewer.networkShare = share
      let then = Feasibility.Judgement(network, on: device, mode: judgement.mode, schedule: fewer)
      return !then.failing.contains { targets.contains($0.name) }
    }
    guard passes(0) else { return nil }
    // In steps of a hundredth of the beats, on the passing side.
    let hundredths = (0..<100).last { Double($0) / 100 < share && passes(Double($0) / 100) } ?? 0
    return Feasibility.Suggestion(
      change: .fewerAskedBeats, passes: ordered(targets, judgement), value: Double(hundredths) / 100,
      text:
        "a network that is asked about at most \(hundredths) % of the beats instead of \(Numbers.percent(share))"
    )
  }

  private func slowerDecisions(
    _ judgement: Feasibility.Judgement, _ failing: Set<Feasibility.Criterion.Name>
  ) -> Feasibility.Suggestion? {
    guard network.frontEnd?.takesBeats != true else { return nil }
    // A streaming decision's time is the hop's matter, a whole window's the interval's.
    let relieved = judgement.mode == .streaming ? Self.rated : Self.rated.union([.decisionTime])
    let targets = failing.intersection(relieved)
    guard !targets.isEmpty else { return nil }
    func passes(_ seconds: Double) -> Bool {
      let then = Feasibility.Judgement(
        network, on: device, mode: judgement.mode, schedule: .every(seconds: seconds))
      return !then.failing.contains { relieved.contains($0.name) }
    }
    guard passes(Self.slowest) else { return nil }
    let seconds = Self.least(from: schedule.meanIntervalSeconds, to: Self.slowest, where: passes)
    return Feasibility.Suggestion(
      change: .slowerDecisions, passes: ordered(targets, judgement), value: seconds,
      text: "a decision every \(Self.interval(seconds)) instead of every "
        + Self.interval(schedule.meanIntervalSeconds)
        + (schedule.findsBeats ? ", at a beat of the device's own sensing" : ""))
  }

  private func smallerModel(
    _ judgement: Feasibility.Judgement, _ failing: Set<Feasibility.Criterion.Name>
  ) -> Feasibility.Suggestion? {
    let targets = failing.intersection(Self.rated.union([.columnTime, .decisionTime]))
    guard !targets.isEmpty else { return nil }
    func judged(_ scale: Double) -> Feasibility.Judgement {
      var smaller = network
      smaller.scale = scale
      return Feasibility.Judgement(smaller, on: device, mode: judgement.mode, schedule: schedule)
    }
    func passes(_ scale: Double) -> Bool { !judged(scale).failing.contains { targets.contains($0.name) } }
    guard passes(0) else { return nil }
    // Found as the least reduction, so that rounding stays on the passing side.
    let reduction = Self.least(from: 1, to: 1e6) { passes(1 / $0) }
    guard passes(1 / reduction) else { return nil }
    return Feasibility.Suggestion(
      change: .smallerModel, passes: ordered(targets, judgement), value: 1 / reduction,
      text: "a network of at most \(Estimate.significant(100 / reduction)) % of this one's work")
  }

  private func fasterClock(
    _ judgement: Feasibility.Judgement, _ failing: Set<Feasibility.Criterion.Name>
  ) -> Feasibility.Suggestion? {
    let targets = failing.intersection([.columnTime, .decisionTime, .dutyCycle])
    let needed = targets.compactMap { name -> Double? in
      guard let criterion = judgement.criterion(name), let budget = criterion.budget else { return nil }
      return criterion.estimate.high / budget * device.processor.clockMegahertz.estimate.low
    }.max()
    guard let needed else { return nil }
    let megahertz = Self.roundedUp(needed)
    return Feasibility.Suggestion(
      change: .fasterClock, passes: ordered(targets, judgement), value: megahertz,
      text: "a clock of at least \(Estimate.significant(megahertz)) MHz")
  }

  /// The current at which this work would pass, and what is left of it without any network.
  private func frugalProcessor(_ judgement: Feasibility.Judgement) -> Feasibility.Suggestion? {
    guard let current = judgement.criterion(.averageCurrent), current.outcome == .fail,
      let budget = current.budget, let active = device.processor.activeMicroampsPerMegahertz?.estimate.high
    else { return nil }
    let passing = active * budget / current.estimate.high
    var none = network
    none.scale = 0
    let withoutNetwork = Feasibility.Judgement(none, on: device, mode: judgement.mode, schedule: schedule)
    // A network of beats is not all that a decision takes; blocks of samples are a task of their own.
    let rest =
      network.frontEnd?.takesBeats == true
      ? withoutNetwork.tasks.filter { $0.name == "column" }.compactMap(\.microamps).sum.high
      : withoutNetwork.criterion(.averageCurrent)?.estimate.high
    var text =
      "a processor of at most \(Estimate.significant(passing)) instead of \(Estimate.significant(active)) uA/MHz"
    if let frontEnd = network.frontEnd, let rest {
      text +=
        "; samples\(frontEnd.windowSamples > 1 ? " and spectrogram" : "") alone take \(current.text(rest)) here"
    }
    return Feasibility.Suggestion(
      change: .frugalProcessor,
      passes: judgement.failing.map(\.name).filter { Self.charges.contains($0) }, value: passing, text: text)
  }

  private func memory(_ judgement: Feasibility.Judgement) -> [Feasibility.Suggestion] {
    judgement.failing.filter { $0.unit == "B" }.flatMap { criterion -> [Feasibility.Suggestion] in
      guard let budget = criterion.budget else { return [] }
      let isRAM = criterion.name == .ram
      let share = (isRAM ? device.limits.ramShare : device.limits.flashShare).value
      let needed = (criterion.estimate.high / share).rounded(.up)
      var suggestions = [
        Feasibility.Suggestion(
          change: .largerMemory, passes: [criterion.name], value: needed,
          text: "a part with at least \(Numbers.decimal(needed, places: 0)) B of \(criterion.name.words)")
      ]
      let ofNetwork = ["streaming state", "arena", "columns of the next window", "scratch", "model image"]
      let networks = (isRAM ? judgement.ram : judgement.flash).filter { ofNetwork.contains($0.item) }
        .map(\.bytes.high).reduce(0, +)
      let excess = criterion.estimate.high - budget
      if excess < networks {
        suggestions.insert(
          Feasibility.Suggestion(
            change: .smallerImage, passes: [criterion.name], value: excess,
            text: "a network whose \(isRAM ? "working memory" : "image") is "
              + "\(Numbers.decimal(networks - excess, places: 0)) instead of "
              + "\(Numbers.decimal(networks, places: 0)) B"), at: 0)
      }
      return suggestions
    }
  }

  /// The least number in a range for which something holds that holds from there on, rounded up to two digits.
  private static func least(from lower: Double, to upper: Double, where holds: (Double) -> Bool) -> Double {
    guard !holds(lower) else { return lower }
    var (lower, upper) = (lower, upper)
    while upper / lower > 1.0001 {
      let middle = (lower * upper).squareRoot()
      if holds(middle) { upper = middle } else { lower = middle }
    }
    return roundedUp(upper)
  }

  /// A number rounded up to two digits.
  static func roundedUp(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return value }
    let unit = pow(10, (log10(value)).rounded(.down) - 1)
    return (value / unit - 1e-9).rounded(.up) * unit
  }

  /// A time in the unit that suits it.
  static func interval(_ seconds: Double) -> String {
    switch seconds {
    case ..<60: "\(Estimate.significant(seconds)) s"
    case ..<129_600: Numbers.duration(seconds: seconds)
    default: "\(Estimate.significant(seconds / 86_400)) days"
    }
  }
}

extension Feasibility.Criterion.Name {
  /// The requirement in words.
  package var words: String {
    switch self {
    case .ram: "RAM"
    case .flash: "flash"
    case .columnTime: "time of a column"
    case .decisionTime: "time of a decision"
    case .dutyCycle: "duty cycle"
    case .averageCurrent: "average current"
    case .chargePerDecision: "charge a decision"
    case .monthsLost: "battery lost"
    }
  }
}

extension Feasibility.Criterion {
  /// A number of this requirement as text, with its unit.
  package func text(_ value: Double) -> String {
    switch unit {
    case "B": Int(exactly: value.rounded()).map { Numbers.bytes($0) } ?? Numbers.decimal(value, places: 0)
    case "1": Estimate.significant(100 * value) + " %"
    default: Estimate.significant(value) + " " + unit
    }
  }

  /// The estimate and its range as text.
  package var estimateText: String {
    guard estimate.low != estimate.high else { return text(estimate.value) }
    switch unit {
    case "B": return "\(text(estimate.value)) (\(text(estimate.low)) to \(text(estimate.high)))"
    case "1": return (estimate * 100).text + " %"
    default: return "\(estimate.text) \(unit)"
    }
  }
}

import HostDevice
import Metrics
import Networks
import Quantization
import Support
import Tasks

/// What an engineer would ship of a sweep's points, by a rule that is written down.
///
/// A point has to be no worse than float in each class that the task calls critical, to decide as float does on enough
/// beats, and to fit what a device gives it. What fits costs nothing more, so the simplest of these is shipped. A point
/// that scores better than float is not preferred for it: that is chance, or a class too rare to tell.
package struct Recommendation: Codable, Equatable, Sendable {
  /// What a point has to hold.
  package struct Rule: Codable, Equatable, Sendable {
    /// The classes in which a point must not be worse than float.
    package var criticalClasses: [String]
    /// An F1 this much below float's is a loss that matters; of 1.
    package var margin = 0.01
    /// The least share of decisions that have to be float's.
    package var agreementFloor = 0.98
    /// What the image may take.
    package var budget = PrecisionSearch.Budget()

    /// A rule with the usual limits.
    package init(criticalClasses: [String]) { self.criticalClasses = criticalClasses }

    /// Whether 95 % of the draws of patients lose less than the margin; without an interval, the difference itself counts.
    package func isHarmless(_ difference: DifferenceFigures) -> Bool {
      (difference.interval?.lower ?? difference.value) > -margin
    }
  }

  /// A point as the rule sees it.
  package struct Candidate: Codable, Equatable, Sendable {
    /// Its name.
    package var name: String
    /// What of it is not as `exporter quantize` has it without options.
    package var departures: [String]
    /// F1 less float's, a critical class each.
    package var criticalLosses: [DifferenceFigures]
    /// The share of decisions that are float's.
    package var agreement: Double
    /// What it takes.
    package var cost: CostFigures

    /// Creates a candidate.
    package init(
      name: String, departures: [String], criticalLosses: [DifferenceFigures], agreement: Double,
      cost: CostFigures
    ) {
      (self.name, self.departures, self.criticalLosses) = (name, departures, criticalLosses)
      (self.agreement, self.cost) = (agreement, cost)
    }

    /// The profiles that carry it.
    fileprivate var carriers: Int { cost.devices.count(where: \.passes) }
    fileprivate var charge: Double? { cost.devices.compactMap(\.chargePerDecisionMicrocoulombs).first }
  }

  /// The rule.
  package var rule: Rule
  /// The point to ship; nil where none holds the rule.
  package var point: String?
  /// Why this one.
  package var reason: String
  /// The next one in the order; nil where no other holds the rule.
  package var runnerUp: String?
  /// What another answer would take, a sentence each.
  package var alternatives: [String]
  /// The points that were held against the rule, in the sweep's order.
  package var candidates: [Candidate]

  /// Chooses.
  ///
  /// - Parameters:
  ///   - candidates: The points, in the sweep's order.
  ///   - rule: What they have to hold.
  package init(among candidates: [Candidate], by rule: Rule) {
    self.rule = rule
    self.candidates = candidates
    let sound = candidates.filter { rule.reasons(against: $0).isEmpty }
    let mostCarriers = sound.map(\.carriers).max() ?? 0
    // Equal ones keep the sweep's order.
    let ranked = sound.enumerated().sorted { a, b in
      (-a.element.carriers, a.element.departures.count, -a.element.agreement, a.offset)
        < (-b.element.carriers, b.element.departures.count, -b.element.agreement, b.offset)
    }.map(\.element)
    guard let first = ranked.first else {
      (point, runnerUp) = (nil, nil)
      reason = "no point holds the rule"
      alternatives = rule.nearest(candidates).map { ["Nearest is \($0)."] } ?? []
      return
    }
    point = first.name
    let rest = Array(ranked.dropFirst())
    runnerUp = rest.first?.name
    reason =
      first.departures.isEmpty
      ? "it holds the rule with the settings that `exporter quantize` has by itself"
      : "it holds the rule with the fewest settings beside the usual ones: \(first.departures.joined(separator: ", "))"
    let isCarried = mostCarriers > 0 && sound.contains { $0.carriers < mostCarriers }
    if isCarried {
      reason +=
        "; it is one of those that most profiles carry (\(mostCarriers) of \(first.cost.devices.count))"
    }
    alternatives = [rest.first.map { Self.place(of: $0, behind: first) }].compactMap(\.self)
    alternatives += Self.savings(rest, beside: first)
    if let nearest = rule.nearest(candidates.filter { $0.cost.flashBytes < first.cost.flashBytes }) {
      alternatives.append("Of the smaller ones that don't hold the rule, nearest is \(nearest).")
    }
  }

  /// Why the runner-up is second.
  private static func place(of second: Candidate, behind first: Candidate) -> String {
    let why =
      if second.carriers < first.carriers {
        "\(second.carriers) of \(first.cost.devices.count) profiles carry it, not \(first.carriers)"
      } else if second.departures.count > first.departures.count {
        "it holds the rule too, and departs further from the usual settings: "
          + second.departures.joined(separator: ", ")
      } else if second.agreement < first.agreement {
        "it is as simple, and decides as float on \(Numbers.percent(second.agreement, places: 2)) of the beats, not "
          + Numbers.percent(first.agreement, places: 2)
      } else {
        "nothing tells it from the first but its place in the sweep"
      }
    return "The runner-up is \"\(second.name)\": \(why)."
  }

  /// Which sound point a budget would make the answer, one for each quantity.
  private static func savings(_ others: [Candidate], beside first: Candidate) -> [String] {
    func sentence(_ quantity: String, _ value: (Candidate) -> Double?, _ text: (Double) -> String) -> String?
    {
      guard let own = value(first),
        let other = others.first(where: { value($0).map { $0 < own * 0.995 } ?? false }),
        let least = value(other)
      else { return nil }
      return
        "With a budget of less than \(text(own)) of \(quantity) it would be \"\(other.name)\", with \(text(least))."
    }
    return [
      sentence("flash", { Double($0.cost.flashBytes) }, { Numbers.bytes(Int($0)) }),
      sentence("RAM", { Double($0.cost.ramBytes) }, { Numbers.bytes(Int($0)) }),
      sentence("charge a decision", \.charge, { Numbers.decimal($0, places: 2) + " uC" }),
    ].compactMap(\.self)
  }
}

extension Recommendation.Rule {
  /// What a candidate doesn't hold, a phrase each.
  package func reasons(against candidate: Recommendation.Candidate) -> [String] {
    var reasons: [String] = []
    for (name, loss) in zip(criticalClasses, candidate.criticalLosses) where !isHarmless(loss) {
      reasons.append(
        "\(name) may lose \(Numbers.decimal(100 * worst(loss), places: 2)) points of F1, beyond the margin of "
          + Numbers.decimal(100 * margin, places: 2))
    }
    if candidate.agreement < agreementFloor {
      reasons.append(
        "it decides as float on \(Numbers.percent(candidate.agreement, places: 2)) of the beats, below the floor of "
          + Numbers.percent(agreementFloor, places: 2))
    }
    func over(_ quantity: String, _ value: Double?, _ limit: Double?, _ text: (Double) -> String) {
      guard let value, let limit, value > limit else { return }
      reasons.append("it takes \(text(value)) of \(quantity), beyond the budget of \(text(limit))")
    }
    func bytes(_ value: Double) -> String { Numbers.bytes(Int(value)) }
    over("flash", Double(candidate.cost.flashBytes), budget.flashBytes.map(Double.init), bytes)
    over("RAM", Double(candidate.cost.ramBytes), budget.ramBytes.map(Double.init), bytes)
    over("charge a decision", candidate.charge, budget.chargeMicrocoulombs) {
      Numbers.decimal($0, places: 2) + " uC"
    }
    return reasons
  }

  /// What a class may lose, at the unfavourable end.
  private func worst(_ loss: DifferenceFigures) -> Double { -(loss.interval?.lower ?? loss.value) }

  /// The candidate with the fewest reasons against it, of equal ones the least loss, with these reasons in words.
  fileprivate func nearest(_ candidates: [Recommendation.Candidate]) -> String? {
    func key(_ candidate: Recommendation.Candidate) -> (Int, Double) {
      (reasons(against: candidate).count, candidate.criticalLosses.map(worst).max() ?? 0)
    }
    let nearest = candidates.filter { !reasons(against: $0).isEmpty }.min { key($0) < key($1) }
    return nearest.map { "\"\($0.name)\": \(reasons(against: $0).joined(separator: "; "))" }
  }
}

extension ReportPoint {
  /// What of the point's making is not as `exporter quantize` has it without options, a phrase each.
  var departures: [String] {
    let usual = QuantizationOptions()
    let own = quantization
    func widths(_ bits: [Int], _ usual: Int, _ what: String) -> [String] {
      guard Set(bits) != [usual] else { return [] }
      let isMixed = Set(bits).count > 1
      return ["int\(Set(bits).sorted().map(String.init).joined(separator: " and int")) \(what)"]
        + (isMixed ? ["widths that differ by layer"] : [])
    }
    return (isQAT ? ["training for the integers"] : []) + widths(own.weightBits, 8, "weights")
      + widths(own.activationBits, 8, "activations")
      + (own.granularity == usual.granularity ? [] : ["scales by \(own.granularity.rawValue)"])
      + (own.calibration == usual.calibration ? [] : ["calibration by \(own.calibration.rawValue)"])
      + (calibrationWindows == 1024 ? [] : ["\(calibrationWindows) calibration windows"])
      + (own.rounding == usual.rounding ? [] : ["\(own.rounding.rawValue) rounding"])
      + (own.equalizesLayers ? ["equalized layers"] : []) + (own.correctsBiases ? ["corrected biases"] : [])
  }
}

extension QuantizationReport {
  /// Holds the points that a device could be built with, those of the network's own front end and signal, against a rule.
  ///
  /// All are compared with the float network itself: a network that was trained for its integers too.
  package func recommendation(by rule: Recommendation.Rule) -> Recommendation {
    let float = sources.first?.decisions.flatMap(Digits.classes) ?? []
    let labels = labels.flatMap { Digits.classes($0.classes) }
    let patients = self.labels.flatMap { record in record.classes.map { _ in record.patient } }
    let choices = points.filter { $0.point.frontEnd == FrontEndVariant() && $0.point.shape == nil }
    return Recommendation(
      among: choices.map { point in
        let both = zip(float, decisions(of: point)).enumerated().compactMap { beat, pair in
          pair.0.flatMap { float in pair.1.map { (beat: beat, float: float, integer: $0) } }
        }
        let matrices = PatientMatrices(
          both.map { ($0.beat, $0.float) }, both.map { ($0.beat, $0.integer) },
          labels: labels.map { $0 ?? 0 },
          patients: patients, classNames: classNames)
        return Recommendation.Candidate(
          name: point.point.name, departures: point.point.departures,
          criticalLosses: rule.criticalClasses.compactMap { name in
            classNames.firstIndex(of: name).map { index in
              matrices.difference(seed: seed) { $0.f1(ofClass: index) }
            }
          },
          agreement: both.isEmpty ? 1 : Double(both.count { $0.float == $0.integer }) / Double(both.count),
          cost: point.cost)
      }, by: rule)
  }
}

import Support

extension QuantizationReport {
  /// Whether 95 % of the draws of patients lose less macro F1 than the margin.
  func isHarmless(_ point: PointFigures) -> Bool { rule.isHarmless(point.macroF1Loss) }

  private var rule: Recommendation.Rule { recommendation?.rule ?? Recommendation.Rule(criticalClasses: []) }

  private var margin: String {
    rule.margin == 0.01 ? "1 point" : "\(Numbers.decimal(100 * rule.margin, places: 2)) points"
  }

  /// The point that the report recommends.
  package var recommended: PointFigures? { recommendation?.point.flatMap(point) }

  /// What a page opens with: a pass where there is a point to recommend and a profile that carries it, or none was asked.
  package var outcome: Outcome? {
    guard let recommended else { return .fail }
    let devices = recommended.cost.devices
    return devices.isEmpty || devices.contains(where: \.passes) ? .pass : nil
  }

  /// The point that `exporter quantize` makes; the first where the sweep has none.
  package var base: PointFigures? { point(ReportPoint.baseName) ?? points.first }

  /// Makes the sentences.
  package mutating func sumUp() {
    summary = [
      overall, shipping, otherAnswers, confidence, weights, calibration, sensitivity, wrong, frontEnd,
      converter,
      shapes,
      found,
    ].compactMap(\.self)
  }

  package static func points(_ value: Double) -> String {
    (value > 0 ? "+" : "") + Numbers.decimal(100 * value, places: 2)
  }

  /// A difference with its interval: `-0.01 points (-0.26 to +0.20)`.
  package static func text(_ difference: DifferenceFigures) -> String {
    points(difference.value) + " points"
      + (difference.interval.map { " (\($0.text(points)))" } ?? "")
  }

  private var overall: String? {
    guard let float = sources.first, let base else { return nil }
    let harmless = points.count(where: isHarmless)
    return
      "On \(Numbers.integer(float.beats)) beats of \(labels.count) record\(labels.count == 1 ? "" : "s") the float "
      + "network reaches a macro F1 of \(Numbers.percent(float.accuracy.macroF1)), and \"\(base.point.name)\" "
      + "\(Numbers.percent(base.macroF1)): \(Self.text(base.macroF1Loss)). Of \(points.count) points run, \(harmless) "
      + "lose less than \(margin) of macro F1 with 95 % certainty."
      + (includesTrainingBeats ? " Some of these beats are the network's training beats." : "")
  }

  /// The rule in a sentence.
  private var ruleInWords: String {
    let names = rule.criticalClasses
    let classes =
      names.count == 1 ? "the class \(names[0])" : "each of the classes \(names.joined(separator: " and "))"
    return
      "The rule: "
      + (names.isEmpty
        ? "" : "in \(classes) 95 % of the draws of patients lose less than \(margin) of F1 against float; ")
      + "at least \(Numbers.percent(rule.agreementFloor)) of the decisions are float's"
      + (rule.budget.isAny ? "; it is within the budget" : "")
      + "; of these, what most profiles carry, and then the simplest. A gain over float is no reason."
  }

  private var shipping: String? {
    guard let recommendation else { return nil }
    guard let best = recommended else {
      return
        "Ship none of them before the findings below are dealt with: \(recommendation.reason). \(ruleInWords)"
    }
    let devices = best.cost.devices
    let passing = devices.filter(\.passes).map(\.profile)
    let device = devices.first { $0.passes && $0.batteryMonths != nil }
    let charge = devices.compactMap(\.chargePerDecisionMicrocoulombs).first
    return "Ship \"\(best.point.name)\": \(recommendation.reason). It takes "
      + "\(Numbers.bytes(best.cost.flashBytes)) of flash and \(Numbers.bytes(best.cost.ramBytes)) of RAM"
      + (charge.map { ", \(Numbers.decimal($0, places: 2)) uC a decision" } ?? "")
      + (device.map {
        "; on the profile \($0.profile) the battery lasts "
          + "\(Numbers.decimal($0.batteryMonths ?? 0, places: 1)) months with the network, "
          + "\(Numbers.decimal($0.monthsLost ?? 0, places: 2)) less than without it"
      } ?? "")
      + (devices.isEmpty
        ? ""
        : passing.isEmpty
          ? "; none of the profiles can carry it (`device-sim verdict` tells why)"
          : "; it fits the profile\(passing.count == 1 ? "" : "s") \(passing.joined(separator: ", "))")
      + ". It was chosen on these same records: other records will be a little less kind to it."
  }

  private var otherAnswers: String? {
    guard let recommendation, recommendation.point != nil else { return recommendation?.alternatives.first }
    return ([ruleInWords] + recommendation.alternatives).joined(separator: " ")
  }

  private var confidence: String? {
    guard let base else { return nil }
    let flips = base.agreement.byConfidence.reduce(0) { $0 + $1.flips }
    guard flips > 0 else { return "\"\(base.point.name)\" decides every beat as float does." }
    let unsure = base.agreement.byConfidence.filter { $0.to <= 0.6 }.reduce(0) { $0 + $1.flips }
    return
      "\"\(base.point.name)\" decides as float on \(Numbers.percent(base.agreement.top1)) of the beats. Of "
      + "\(Numbers.integer(flips)) changed decisions the float network was less than 60 % sure about "
      + "\(Numbers.integer(unsure)) (\(Numbers.percent(Double(unsure) / Double(flips), places: 0)))."
  }

  /// The points of a group, as a list of their losses.
  private func losses(_ names: [String]) -> String? {
    let all = names.compactMap { point($0) }.map {
      "\"\($0.point.name)\" \(Self.points($0.macroF1Loss.value))"
        + (isHarmless($0) ? "" : " (not shown to be harmless)")
    }
    return all.isEmpty ? nil : all.joined(separator: ", ")
  }

  private var weights: String? {
    losses(["int8 per tensor", "int4 per channel", "int4 per tensor", "int4, adaptive rounding"]).map {
      "What fewer bits and scales of weights cost, in points of macro F1: \($0)."
    }
  }

  private var calibration: String? {
    let group = points.filter { $0.point.group == "calibration" }
    guard let worst = group.min(by: { $0.agreement.top1 < $1.agreement.top1 }) else { return nil }
    return "Of the ways to calibrate, \"\(worst.point.name)\" follows float least, on "
      + "\(Numbers.percent(worst.agreement.top1)) of the beats."
  }

  private var sensitivity: String? {
    guard let base else { return nil }
    let layers = base.layers.filter { $0.aloneInteger != nil }
    func error(_ layer: LayerFigures) -> Double { layer.aloneInteger?.logitError ?? 0 }
    guard let worst = layers.max(by: { error($0) < error($1) }) else { return nil }
    return
      "In \"\(base.point.name)\" the layer that costs most is \(worst.name): alone in integers it moves the logits "
      + "by \(Numbers.decimal(error(worst), places: 4)) in the root mean square; alone in float it leaves "
      + "\(Numbers.decimal(worst.aloneFloat?.logitError ?? 0, places: 4))."
  }

  private var wrong: String? {
    let ill = points.filter { !$0.findings.isEmpty }
    guard let first = ill.first else {
      return "In no point does a layer add more error than its codes must."
    }
    return
      "A layer goes wrong in \(ill.count) of \(points.count) points. In \"\(first.point.name)\" the first is this: "
      + "\(first.findings[0])."
  }

  private var frontEnd: String? {
    let ill = frontEnds.compactMap { figures in
      figures.levels.compactMap(\.finding).first.map { (figures.variant, $0) }
    }
    // Of several leads the one that keeps least.
    guard let own = frontEnds.first(where: { $0.variant == FrontEndVariant() }),
      let weakest = own.levels.last?.peakDecibels,
      let (last, transform) = own.levels.filter({ abs($0.peakDecibels - weakest) < 0.01 }).compactMap({
        level in
        level.stages.first { $0.name == "transform" }.map { (level, $0) }
      }).min(by: { $0.1.snrDecibels ?? .infinity < $1.1.snrDecibels ?? .infinity })
    else { return nil }
    let state =
      "The front end's FFT keeps \(transform.snrDecibels.map { Numbers.decimal($0, places: 0) } ?? "all") dB at "
      + "\(Numbers.decimal(last.peakDecibels, places: 0)) dBFS."
    guard let finding = ill.first(where: { $0.0.scaling == .fixed }) else { return state }
    return state + " With fixed scaling, " + finding.1 + "."
  }

  private var converter: String? {
    let group = points.filter { $0.point.group == "converter" && $0.point.frontEnd.gainErrorPercent == 0 }
    let harmless = group.filter(isHarmless).map(\.point.frontEnd.converterBits)
    guard !group.isEmpty else { return nil }
    guard let least = harmless.min() else {
      return "No other converter keeps the accuracy that 12 bits have."
    }
    return "The converter can have \(least) bits over 10 mV without a loss that matters."
  }

  private var shapes: String? {
    let group = points.filter { $0.point.shape != nil }
    guard !group.isEmpty, let float = sources.first else { return nil }
    let list = group.map { point in
      "\"\(point.point.name)\" \(Numbers.percent(point.macroF1)) at \(Numbers.integer(point.cost.macsPerDecision)) MAC a "
        + "decision"
    }
    return "Networks trained anew for other spectrograms reach, beside the float network's "
      + "\(Numbers.percent(float.accuracy.macroF1)): \(list.joined(separator: ", "))."
  }

  private var found: String? {
    guard let search else { return nil }
    guard let name = search.point, let point = point(name) else {
      return "Nothing that was tried fits the budget: even int4 weights and int8 activations take more."
    }
    return
      "Within the budget, the search kept \(Self.bits(point.point)): \(Self.text(point.macroF1Loss)) of macro F1, "
      + "checked by a run."
  }

  /// A point's widths, layer by layer: `weights 8, 4, 8, 8 and activations 8`.
  package static func bits(_ point: ReportPoint) -> String {
    func list(_ bits: [Int]) -> String {
      Set(bits).count == 1 ? "\(bits[0])" : bits.map(String.init).joined(separator: ", ")
    }
    return "weights of \(list(point.quantization.weightBits)) and activations of "
      + "\(list(point.quantization.activationBits)) bits"
  }
}

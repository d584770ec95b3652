import Metrics
import Tasks

/// What decisions are compared with.
package enum DecisionReference {
  /// Annotated beats.
  case beats([(sample: Int, classIndex: Int)])
  /// Labelled stretches, for windows by the clock.
  case stretches([LabelledSignal.Stretch])
}

/// Decisions beside a record's labels: a beat within 150 ms is the one that a decision is about; a window has a class where
/// it lies wholly in stretches of it.
struct AnnotatedDecisions {
  /// The class of each decision's beat; nil where no annotated one is near.
  var classes: [Int?]
  /// The annotated beats that no decision was about.
  var missedBeats: Int
  /// The decisions about no annotated beat.
  var extraDecisions: Int

  /// What has a class.
  let unit: String

  init(
    _ reference: DecisionReference, _ decisions: [DeviceDecision], windowSamples: Int, sampleRateHz: Double
  ) {
    switch reference {
    case .beats(let beats): self.init(beats, decisions, sampleRateHz: sampleRateHz)
    case .stretches(let stretches):
      self.init(LabelledSignal.joined(stretches), decisions, windowSamples: windowSamples)
    }
  }

  private init(_ joined: [LabelledSignal.Stretch], _ decisions: [DeviceDecision], windowSamples: Int) {
    unit = "windows"
    classes = decisions.map { decision in
      let (first, end) = (decision.sample - windowSamples + 1, decision.sample + 1)
      let whole = joined.first { $0.samples.lowerBound <= first && end <= $0.samples.upperBound }
      return whole?.classIndex
    }
    (missedBeats, extraDecisions) = (0, classes.count { $0 == nil })
  }

  private init(
    _ reference: [(sample: Int, classIndex: Int)], _ decisions: [DeviceDecision], sampleRateHz: Double
  ) {
    unit = "beats"
    let matching = BeatMatching(
      reference: reference.map(\.sample), detected: decisions.compactMap(\.beatSample),
      sampleRateHz: sampleRateHz)
    let truths = Dictionary(reference.map { ($0.sample, $0.classIndex) }) { first, _ in first }
    var places: [Int: Int] = [:]
    for (place, decision) in decisions.enumerated() {
      if let beat = decision.beatSample, places[beat] == nil { places[beat] = place }
    }
    classes = decisions.map { _ in nil }
    for match in matching.matches {
      guard let place = places[match.detected] else { continue }
      classes[place] = truths[match.reference]
    }
    (missedBeats, extraDecisions) = (matching.missed.count, matching.extra.count)
  }
}

extension StreamResult.Accuracy {
  /// Scores the decisions whose beat is annotated.
  init(_ annotated: AnnotatedDecisions, _ decisions: [DeviceDecision], classNames: [String]) {
    unit = annotated.unit
    fixed = ConfusionMatrix(classNames: classNames)
    float =
      decisions.contains { ($0.beatSample != nil || annotated.unit == "windows") && $0.floatClass != nil }
      ? ConfusionMatrix(classNames: classNames) : nil
    announced = ConfusionMatrix(classNames: classNames)
    withoutResult = Dictionary(classNames.map { ($0, 0) }) { first, _ in first }
    asleep = withoutResult
    for (truth, decision) in zip(annotated.classes, decisions) {
      guard let truth else { continue }
      fixed.add(reference: truth, prediction: decision.fixedClass)
      if let floatClass = decision.floatClass { float?.add(reference: truth, prediction: floatClass) }
      switch decision.announcement {
      case .result(let classIndex, _): announced.add(reference: truth, prediction: classIndex)
      case .noResult: withoutResult[classNames[truth], default: 0] += 1
      case .asleep: asleep[classNames[truth], default: 0] += 1
      }
    }
    (missedBeats, extraDecisions) = (annotated.missedBeats, annotated.extraDecisions)
  }
}

import Evaluation
import Foundation
import HostDevice
import Metrics
import ModelFiles
import Networks
import QuantInfer
import Support

/// What a streaming run gave: the content of `device-sim stream --json`.
package struct StreamResult: Encodable, Sendable {
  /// The spectrogram against FFTW in double precision.
  package struct Spectrogram: Encodable, Sendable {
    /// Signal to error of the kept bins' real and imaginary parts, in decibels.
    package var snrDecibels: Double?
    /// The largest difference of a code from the twin's rounded level.
    package var maxAbsoluteStepError: Double
    /// The fraction of codes within one step.
    package var withinOneStep: Double?
  }

  /// A decision's classes against the record's annotations, or a task's labels.
  package struct Accuracy: Encodable, Sendable {
    /// What has a class: `beats` or `windows`.
    package var unit: String
    /// The device's decisions by the annotated beat within 150 ms, or by the label that holds the whole window.
    package var fixed: ConfusionMatrix
    /// The twin's.
    package var float: ConfusionMatrix?
    /// What was announced at the device's decisions, where there was a result.
    package var announced: ConfusionMatrix
    /// The matched beats of each class at which there was no result.
    package var withoutResult: [String: Int]
    /// The matched beats of each class for which the network slept.
    package var asleep: [String: Int]
    /// The annotated beats of the model's classes that no decision was about.
    package var missedBeats: Int
    /// The decisions about no annotated beat of the model's classes: a beat of another class, or none; or about a window
    /// that no label holds whole.
    package var extraDecisions: Int
  }

  /// What the device announced.
  package struct Announcements: Encodable, Sendable {
    /// Decisions and time without a result.
    package struct Silence: Encodable, Sendable {
      /// The decisions.
      package var decisions: Int
      /// The time, in seconds: also between decisions.
      package var seconds: Double
    }

    /// What a sleeping network did.
    package struct Sleep: Encodable, Sendable {
      /// The decisions for which it woke.
      package var awakeDecisions: Int
      /// Their fraction of all.
      package var wakeFraction: Double?
      /// The columns that were computed.
      package var columns: Int
      /// The most that were computed at once.
      package var greatestBurstColumns: Int
      /// The memory in which samples wait, in bytes.
      package var ringBytes: Int
      /// The decisions whose logits differ from those of a network that never sleeps.
      package var inexactDecisions: Int
    }

    /// The policy.
    package var policy: Announcing
    /// The peak-to-peak value that a flat line keeps within, in counts.
    package var flatCounts: Int
    /// How long it does.
    package var flatSeconds: Double
    /// The time at the converter's ends that is too long.
    package var saturatedSeconds: Double
    /// Within what time.
    package var saturationSpanSeconds: Double
    /// The good signal after which there can be a result again.
    package var refillSeconds: Double
    /// The monitor's memory beside the pipeline's and the detector's states, in bytes.
    package var stateBytes: Int
    /// The decisions with a result.
    package var results: Int
    /// The decisions for which the network slept.
    package var asleep: Int
    /// The results of each class.
    package var resultsByClass: [String: Int]
    /// The decisions without a result, by reason.
    package var noResult: [String: Silence]
    /// The time without a result.
    package var noResultSeconds: Double
    /// How often the raw decision's class changed from one to the next.
    package var rawChanges: Int
    /// How often the announced class changed from one result to the next.
    package var announcedChanges: Int
    /// The sleep; null where the network never sleeps.
    package var sleep: Sleep?
  }

  /// How long after their beats decisions came.
  package struct Delay: Encodable, Sendable {
    /// What the network was trained with.
    package var trained: DecisionDelay
    /// What it was in this run; null without a decision.
    package var observed: DecisionDelay?
    /// The decisions that came later than trained: their beat was found too late.
    package var lateDecisions: Int
  }

  /// One decision.
  package struct Decision: Encodable, Sendable {
    /// When, in seconds from the record's start.
    package var timeSeconds: Double
    /// The beat's time; null where decisions come by the clock.
    package var beatSeconds: Double?
    /// The device's class.
    package var fixed: String
    /// The twin's class.
    package var float: String?
    /// The class that the record's annotations give the beat; null where they name none of the model's within 150 ms.
    package var annotated: String?
    /// The class that was announced; null without a result and in sleep.
    package var announced: String?
    /// Why there was no result, or `asleep`; null with a result.
    package var noResult: String?
    /// Why the network ran; null where it didn't, or where it runs at every decision.
    package var asked: AskingReason?
    /// The device's logits.
    package var fixedLogits: [Float]
    /// The twin's logits.
    package var floatLogits: [Float]?
  }

  /// The program's version.
  package var version = Release.version
  /// What was assumed of the record and its annotations, and what about them isn't plausible.
  package var notes: [FileNote]
  /// The record's name.
  package var record: String
  /// SHA-256 of the record's files, one after the other; null for standard input.
  package var recordDigest: String?
  /// The lead's name.
  package var lead: String
  /// The samples at the model's rate.
  package var samples: Int
  /// The model's rate.
  package var sampleRateHz: Double
  /// The record's rate.
  package var sourceRateHz: Double
  /// The converter's rate, from which the device decimated; null where that is the model's.
  package var converterRateHz: Double?
  /// The recording's length.
  package var durationSeconds: Double
  /// The samples beyond the converter's range.
  package var saturatedSamples: Int
  /// The record's samples marked invalid.
  package var invalidSamples: Int
  /// What befell the signal before the converter; null where nothing did.
  ///
  /// Of several leads what befell the first that is disturbed, with the samples that any lead lost.
  package var disturbances: AppliedDisturbances?
  /// The same of each of several leads that something befell; null for one lead.
  package var disturbancesByLead: [String: AppliedDisturbances]?
  /// The profile with all its figures.
  package var profile: DeviceProfile
  /// Whether the model can live on the profile's device; null where the profile has no processor, or nobody asked.
  package var verdict: Feasibility?
  /// The model's file name.
  package var model: String
  /// The image's CRC-32, in hexadecimal.
  package var modelChecksum: String
  /// SHA-256 of the model's file, in hexadecimal.
  package var modelDigest: String?
  /// The patient's patch; null for the model as shipped.
  package var patch: PatchSummary?
  /// The classes' names.
  package var classNames: [String]
  /// The image's provenance.
  package var provenance: [String: String]
  /// The number of columns.
  package var columns: Int
  /// The number of decisions.
  package var decisions: Int
  /// The beats too near the record's ends for a decision.
  package var leftOutBeats: Int
  /// How long after their beats decisions came; null where they come by the clock.
  package var decisionDelay: Delay?
  /// What the device's own amplifier sensed; null where it finds its beats or is given the annotated ones.
  package var sensed: Sensing.Sensed?
  /// The decisions of each class.
  package var decisionsByClass: [String: Int]
  /// What was announced.
  package var announcements: Announcements
  /// When the network ran, and why; null where it runs at every decision, or decides by the clock.
  package var network: NetworkRuns?
  /// Against the float twin; null without one.
  package var agreement: Agreement?
  /// Against FFTW in double precision; null without a twin.
  package var spectrogram: Spectrogram?
  /// Against the record's annotations; null where it has none.
  package var accuracy: Accuracy?
  /// What was announced beside the labelled episodes, a score a class that matters; null where there are none.
  package var episodes: [EpisodeScore]?
  /// Memory.
  package var memory: ModelSummary.Memory
  /// What lies where.
  package var memoryMap: MemoryMap
  /// Operations.
  package var operations: ModelSummary.Operations
  /// The recording's length over the loop's processor time on one core of this host, twin included where there is
  /// one.
  package var realTimeFactor: Double
  /// What a board did beside the host; null where none was asked for.
  package var target: TargetResult?
  /// The decisions.
  package var decisionList: [Decision]

  /// Gathers a finished run's figures.
  package init(
    _ loop: DeviceLoop, _ loaded: LoadedModel, modelName: String, acquisition: Acquisition, hasTwin: Bool,
    windowSamples: Int, reference: DecisionReference?, isJudged: Bool = true
  ) {
    record = acquisition.recordName
    lead = acquisition.leadName
    notes = acquisition.notes
    samples = acquisition.samples.count
    sampleRateHz = acquisition.sampleRateHz
    (sourceRateHz, converterRateHz) = (acquisition.sourceRateHz, acquisition.converterRateHz)
    durationSeconds = acquisition.durationSeconds
    saturatedSamples = acquisition.saturatedCount
    invalidSamples = acquisition.invalidCount
    profile = acquisition.profile
    model = modelName
    classNames = loaded.classNames
    columns = loop.columns.count / loaded.model.input.columnByteCount
    decisions = loop.decisions.count
    leftOutBeats = loop.leftOutBeatCount
    decisionDelay = Delay(loop, loaded)
    decisionsByClass = [:]
    for name in classNames { decisionsByClass[name] = 0 }
    for decision in loop.decisions { decisionsByClass[classNames[decision.fixedClass], default: 0] += 1 }
    if isJudged {
      verdict = Feasibility(
        loaded, on: acquisition.profile, schedule: Feasibility.Schedule(of: loop, loaded, acquisition))
    }
    announcements = Announcements(loop, classNames: loaded.classNames, acquisition)
    agreement = hasTwin ? loop.agreement : nil
    spectrogram =
      hasTwin && loop.hasSpectrogram
      ? Spectrogram(
        snrDecibels: loop.spectrum.decibels, maxAbsoluteStepError: loop.codes.maxAbsoluteStepError,
        withinOneStep: loop.codes.withinOneStep) : nil
    let truths = reference.map {
      AnnotatedDecisions(
        $0, loop.decisions, windowSamples: windowSamples, sampleRateHz: acquisition.sampleRateHz)
    }
    accuracy = truths.map { Accuracy($0, loop.decisions, classNames: loaded.classNames) }
    let summary = ModelSummary(loaded)
    memory = summary.memory
    memoryMap = MemoryMap(loaded, loop.layout)
    operations = summary.operations
    provenance = summary.provenance
    disturbances = acquisition.disturbances
    disturbances?.count(
      loop.decisions, windowSamples: windowSamples, rateHz: acquisition.sampleRateHz,
      sampleCount: acquisition.samples.count)
    modelChecksum = summary.checksum
    patch = loaded.patch
    realTimeFactor = acquisition.durationSeconds / max(loop.loopSeconds, 1e-9)
    let rate = acquisition.sampleRateHz
    let names = loaded.classNames
    decisionList = loop.decisions.enumerated().map { index, decision in
      Decision(
        timeSeconds: Double(decision.sample) / rate,
        beatSeconds: decision.beatSample.map { Double($0) / rate },
        fixed: names[decision.fixedClass], float: decision.floatClass.map { names[$0] },
        annotated: truths?.classes[index].map { names[$0] },
        announced: decision.announcedClass.map { names[$0] }, noResult: decision.announcement.silence,
        asked: decision.asked, fixedLogits: decision.fixedLogits, floatLogits: decision.floatLogits)
    }
    network = loop.networkWatch == nil ? nil : NetworkRuns(decisionList, of: loaded)
  }
}

extension StreamResult.Delay {
  /// The delays of a run's decisions; nil where they come by the clock.
  fileprivate init?(_ loop: DeviceLoop, _ loaded: LoadedModel) {
    guard loop.timing.isAboutBeats, let trained = DecisionDelay(loaded) else { return nil }
    let ages = loop.decisions.compactMap { decision in decision.beatSample.map { decision.sample - $0 } }
    self.trained = trained
    if let least = ages.min(), let greatest = ages.max() {
      observed = DecisionDelay(
        leastSamples: least, greatestSamples: greatest, sampleRateHz: trained.sampleRateHz)
    }
    lateDecisions = ages.count { $0 > trained.greatestSamples }
  }

  /// The delay in words.
  package var text: String {
    guard lateDecisions > 0, let observed else { return "\(trained.text) after the beat, as trained" }
    return "\(observed.text) after the beat: \(Numbers.integer(lateDecisions)) "
      + "\(lateDecisions == 1 ? "decision" : "decisions") later than the trained \(trained.text), "
      + "as the beat was found so late"
  }
}

extension StreamResult.Announcements {
  init(_ loop: DeviceLoop, classNames: [String], _ acquisition: Acquisition) {
    let rate = acquisition.sampleRateHz
    let limits = loop.options.quality
    policy = loop.announcing
    flatCounts = Int(limits.flatCounts)
    flatSeconds = Double(limits.flatSamples) / rate
    saturatedSeconds = Double(limits.saturatedSamples) / rate
    saturationSpanSeconds = Double(limits.saturationSpanSamples) / rate
    refillSeconds = Double(limits.refillSamples) / rate
    stateBytes = loop.announcingByteCount
    let announced = loop.decisions.compactMap(\.announcedClass)
    results = announced.count
    asleep = loop.decisions.count { $0.announcement == .asleep }
    resultsByClass = Dictionary(uniqueKeysWithValues: Set(classNames).map { ($0, 0) })
    for classIndex in announced { resultsByClass[classNames[classIndex], default: 0] += 1 }
    noResult = [:]
    for reason in NoResult.all {
      noResult[reason.key] = Silence(
        decisions: loop.silence.decisionCount(reason),
        seconds: Double(loop.silence.sampleCount(reason)) / rate)
    }
    noResultSeconds = Double(loop.silence.sampleCount) / rate
    func changes(_ classes: [Int]) -> Int { zip(classes, classes.dropFirst()).count { $0 != $1 } }
    rawChanges = changes(loop.decisions.map(\.fixedClass))
    announcedChanges = changes(announced)
    sleep = loop.sleep.map { sleep in
      Sleep(
        awakeDecisions: sleep.awakeDecisions,
        wakeFraction: sleep.decisions == 0 ? nil : Double(sleep.awakeDecisions) / Double(sleep.decisions),
        columns: sleep.columns, greatestBurstColumns: sleep.greatestBurst, ringBytes: sleep.ringBytes,
        inexactDecisions: sleep.inexactDecisions)
    }
  }
}

extension Announcement {
  /// Why there is no result, as a report has it; nil with a result.
  var silence: String? {
    switch self {
    case .result: nil
    case .noResult(let reason): reason.key
    case .asleep: "asleep"
    }
  }
}

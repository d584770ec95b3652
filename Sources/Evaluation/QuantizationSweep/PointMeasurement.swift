import ECG
import Foundation
import HostDevice
import Metrics
import ModelFiles
import Quantization
import Support

extension PointFigures {
  /// Makes a point's image, runs it over all beats and looks at its layers.
  ///
  /// - Throws: `InvalidNetwork` or `NotConvertible` where the point can't be.
  package init(
    _ point: ReportPoint, _ source: ReportSource, _ columns: ColumnSet, _ beats: ReportBeats,
    profiles: [DeviceProfile], options: ReportRunner.Options
  ) throws {
    let network = try source.quantized(point)
    let loaded = try source.image(network, point.frontEnd)
    let logits = PointRun.logits(loaded, columns, beats)
    let compared = Comparison(
      float: source.logits, integer: logits, beats, classNames: source.checkpoint.classNames,
      seed: options.seed)
    self.point = point
    self.source = source.key.name
    imageChecksum = Numbers.hexadecimal(loaded.checksum)
    accuracy = compared.accuracy
    macroF1Loss = compared.difference
    agreement = compared.agreement
    flips = compared.flips
    cost = CostFigures(loaded, profiles: profiles, decisionsPerMinute: options.decisionsPerMinute)
    let float = point.quantization.equalizesLayers ? try source.network.equalized() : source.network
    let twins = try TwinGraph(loaded, float)
    let windows = source.windows.compactMap { window in
      columns.codes(ofBeat: window.beat, beats).map {
        LayerAnalysis.Window(input: window.input, codes: $0.map { Int16($0) })
      }
    }
    layers = LayerAnalysis(twins, windows: windows).layers
    findings = layers.compactMap(\.finding)
  }
}

/// Two networks' decisions about the same beats.
private struct Comparison {
  package var accuracy: AccuracyFigures
  package var difference: DifferenceFigures
  package var agreement: AgreementFigures
  package var flips: [[Int]]

  /// Compares logits `[beat, class]`; beats that one of them can't decide about are left out.
  package init(
    float: [Float], integer: [Float], _ beats: ReportBeats, classNames: [String], seed: UInt64
  ) {
    let classCount = classNames.count
    func row(_ logits: [Float], _ beat: Int) -> ArraySlice<Float> {
      logits[beat * classCount..<(beat + 1) * classCount]
    }
    let decided = beats.labels.indices.filter {
      !float[$0 * classCount].isNaN && !integer[$0 * classCount].isNaN
    }
    let pairs = decided.map { beat in
      (
        beat: beat, float: AgreementFigures.top(row(float, beat)),
        integer: AgreementFigures.top(row(integer, beat))
      )
    }
    agreement = AgreementFigures(
      reference: decided.flatMap { row(float, $0) }, measured: decided.flatMap { row(integer, $0) },
      classCount: classCount)
    flips = pairs.filter { $0.float != $0.integer }.map { [$0.beat, $0.integer] }
    let patients = PatientMatrices(
      pairs.map { ($0.beat, $0.float) }, pairs.map { ($0.beat, $0.integer) }, beats, classNames: classNames)
    accuracy = AccuracyFigures(patients: patients.second, classNames: classNames, seed: seed)
    difference = patients.difference(seed: seed)
    difference.pValue =
      McNemarTest(
        onlyFirstRight: pairs.count {
          $0.float == beats.labels[$0.beat] && $0.integer != beats.labels[$0.beat]
        },
        onlySecondRight: pairs.count {
          $0.float != beats.labels[$0.beat] && $0.integer == beats.labels[$0.beat]
        }
      ).pValue
  }
}

/// Two networks' confusion matrices, one a patient.
package struct PatientMatrices {
  private(set) var first: [ConfusionMatrix]
  private(set) var second: [ConfusionMatrix]

  private let classNames: [String]

  /// Counts decisions: a beat's index and the class decided for.
  fileprivate init(
    _ first: [(Int, Int)], _ second: [(Int, Int)], _ beats: ReportBeats, classNames: [String]
  ) {
    self.init(
      first, second, labels: beats.labels, patients: beats.signalIndices.map { beats.signals[$0].patient },
      classNames: classNames)
  }

  /// Counts decisions about beats of some labels and patients.
  package init(
    _ first: [(Int, Int)], _ second: [(Int, Int)], labels: [Int], patients: [String], classNames: [String]
  ) {
    self.classNames = classNames
    var places: [String: Int] = [:]
    for patient in patients where places[patient] == nil { places[patient] = places.count }
    let none = [ConfusionMatrix](repeating: ConfusionMatrix(classNames: classNames), count: places.count)
    (self.first, self.second) = (none, none)
    for (beat, decision) in first {
      self.first[places[patients[beat]]!].add(reference: labels[beat], prediction: decision)
    }
    for (beat, decision) in second {
      self.second[places[patients[beat]]!].add(reference: labels[beat], prediction: decision)
    }
  }

  /// Macro F1 of the second less the first, from draws of patients for both at once.
  package func difference(seed: UInt64) -> DifferenceFigures { difference(seed: seed) { $0.macroF1 } }

  /// A score of the second less the first's, from draws of patients for both at once.
  package func difference(
    seed: UInt64, of score: @escaping (ConfusionMatrix) -> Double?
  ) -> DifferenceFigures {
    func sum(_ matrices: some Sequence<ConfusionMatrix>) -> Double? {
      score(matrices.reduce(into: ConfusionMatrix(classNames: classNames)) { $0 += $1 })
    }
    let interval = Interval.bootstrap(Array(zip(first, second)), replicates: 1000, seed: seed) { drawn in
      guard let a = sum(drawn.lazy.map(\.0)), let b = sum(drawn.lazy.map(\.1)) else { return nil }
      return b - a
    }
    return DifferenceFigures(value: (sum(second) ?? 0) - (sum(first) ?? 0), interval: interval, pValue: nil)
  }
}

extension CostFigures {
  /// The beats that a heart is taken to have a minute, where nobody says otherwise.
  package static let usualBeatsPerMinute = 70.0

  /// What an image takes of devices that decide at a pace: at detected beats, or by the clock where the model does; nil for
  /// the clock's own, or 70 beats a minute.
  package init(_ loaded: LoadedModel, profiles: [DeviceProfile], decisionsPerMinute: Double?) {
    let summary = ModelSummary(loaded)
    let clock = loaded.secondsOfClock
    let decisionsPerMinute = decisionsPerMinute ?? clock.map { 60 / $0 } ?? Self.usualBeatsPerMinute
    let schedule =
      clock == nil
      ? Feasibility.Schedule.detectedBeats(perSecond: decisionsPerMinute / 60)
      : .every(seconds: 60 / decisionsPerMinute)
    let judged = profiles.compactMap { Feasibility(loaded, on: $0, schedule: schedule) }
    flashBytes = summary.memory.modelBytes
    weightBytes = summary.memory.weightBytes
    isStreaming = loaded.model.isStreamable
    // Stack and detector are the same for all images.
    let own = judged.first?.modes.first?.ram.filter { !["stack", "beat detector's state"].contains($0.item) }
    ramBytes =
      own.map { Int($0.reduce(0) { $0 + $1.bytes.value }) }
      ?? (isStreaming
        ? summary.memory.stateBytes + (summary.memory.streamingScratchBytes ?? 0)
        : summary.memory.arenaBytes + summary.memory.scratchBytes)
    macsPerWindow = summary.operations.macsPerWindow
    if isStreaming, let frontEnd = summary.frontEnd {
      let columns = frontEnd.sampleRateHz / Double(frontEnd.hopSamples) * 60 / decisionsPerMinute
      macsPerDecision =
        Int((Double(summary.operations.macsPerColumn ?? 0) * columns).rounded())
        + (summary.operations.macsPerDecision ?? 0)
    } else {
      macsPerDecision = macsPerWindow
    }
    devices = judged.map { feasibility in
      func charge(_ mode: Feasibility.Judgement) -> Double {
        mode.criterion(.chargePerDecision)?.estimate.value ?? .infinity
      }
      let mode = feasibility.modes.min { charge($0) < charge($1) } ?? feasibility.modes[0]
      let lost = mode.criterion(.monthsLost)?.estimate.value
      let months = feasibility.battery.map { $0.years.value * 12 }
      return Device(
        profile: feasibility.profile, mode: mode.mode.words, passes: mode.outcome == .pass,
        chargePerDecisionMicrocoulombs: Numbers.finite(charge(mode)),
        batteryMonths: months.flatMap { months in lost.map { months - $0 } }, monthsLost: lost)
    }
  }
}

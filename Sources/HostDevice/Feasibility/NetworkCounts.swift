import Foundation
import ModelFiles
import QuantInfer
import Support
import Tasks

/// A profile whose processor is known.
struct JudgedDevice {
  let processor: DeviceProfile.Processor
  let limits: DeviceProfile.Limits
  let battery: DeviceProfile.Battery?

  init?(_ profile: DeviceProfile) {
    guard let processor = profile.processor, let limits = profile.limits else { return nil }
    (self.processor, self.limits, battery) = (processor, limits, profile.battery)
  }

  /// Microcoulombs that a million cycles take from the battery: uA/MHz, scaled by the supply's voltage over what the
  /// conversion makes of the battery's.
  var microcoulombsPerMegacycle: Estimate? {
    guard let active = processor.activeMicroampsPerMegahertz else { return nil }
    guard let battery, let supply = processor.supplyVolts else { return active.estimate }
    let efficiency = processor.supplyEfficiency?.estimate ?? Estimate(1)
    return active.estimate * (supply.estimate / (efficiency * battery.volts.estimate))
  }

  /// How `microcoulombsPerMegacycle` comes about.
  var chargeDerivation: String {
    guard let active = processor.activeMicroampsPerMegahertz else { return "" }
    guard let battery, let supply = processor.supplyVolts else {
      return "\(Estimate.significant(active.value)) uA/MHz"
    }
    return "\(Estimate.significant(active.value)) uA/MHz x \(Estimate.significant(supply.value)) V / "
      + "(\(Estimate.significant(processor.supplyEfficiency?.value ?? 1)) x "
      + "\(Estimate.significant(battery.volts.value)) V)"
  }

  /// The battery without the network; nil without a battery.
  var longevity: Feasibility.Longevity? {
    guard let battery else { return nil }
    let capacity = battery.capacityAmpereHours.estimate
    let hoursPerYear = 8766.0
    let selfDischarge =
      capacity * battery.selfDischargePercentPerYear.estimate * (1e6 / 100 / hoursPerYear)
    let base = battery.baseMicroamps.estimate
    // A larger battery loses more by itself, so each end takes its own capacity.
    func years(_ ampereHours: Double, _ percent: Double, _ microamps: Double) -> Double {
      ampereHours * 1e6 / (hoursPerYear * microamps + ampereHours * 1e4 * percent)
    }
    let percent = battery.selfDischargePercentPerYear.estimate
    return Feasibility.Longevity(
      baseMicroamps: base, selfDischargeMicroamps: selfDischarge,
      years: Estimate(
        years(capacity.low, percent.high, base.high), years(capacity.value, percent.value, base.value),
        years(capacity.high, percent.low, base.low)))
  }

  /// The months that the battery lasts at a current.
  func months(_ microamps: Double) -> Double {
    (battery?.capacityAmpereHours.value ?? 0) * 1e6 / (8766 * microamps) * 12
  }
}

/// What the judgement needs of a model.
struct NetworkCounts {
  struct FrontEnd {
    var sampleRateHz: Double
    var windowSamples: Int
    /// Whether a spectrogram's transform is direct.
    var isDirect: Bool
    var hopSamples: Int
    var bins: Int
    var leads: Int
    /// The samples of a whole window of columns.
    var samplesPerWindow: Int
    var stateBytes: Int
    var detectorBytes: Int

    /// Whether beats are the input: a column is then the time at which decisions are made.
    var takesBeats = false
    /// Where beats are the input, the known ones from one that teaches the template to the next; else 0.
    var teachEvery = 0

    var columnsPerSecond: Double { sampleRateHz / Double(hopSamples) }
  }

  let summary: ModelSummary
  let columnsPerWindow: Int
  let inputBytes: Int
  let frontEnd: FrontEnd?
  /// The network's work as a fraction of the model's: below 1 to try a smaller one.
  var scale = 1.0

  init(_ loaded: LoadedModel) {
    let model = loaded.model
    summary = ModelSummary(loaded)
    columnsPerWindow = model.input.timeCount
    inputBytes = model.input.byteCount
    frontEnd = model.frontEnd.map { plan in
      FrontEnd(
        sampleRateHz: Double(plan.sampleRateMillihertz) / 1000, windowSamples: plan.windowSamples,
        isDirect: plan.isDirect, hopSamples: plan.hopSamples, bins: plan.binCount, leads: model.leadCount,
        samplesPerWindow: SpectrogramSettings(plan, leadCount: model.leadCount)
          .lastSample(ofColumn: model.input.timeCount - 1) + 1,
        stateBytes: ModelFormat.State.frontEndByteCount(
          windowSamples: plan.windowSamples, leadCount: model.leadCount),
        detectorBytes: BeatDetector.stateByteCount(sampleRateMillihertz: plan.sampleRateMillihertz),
        takesBeats: plan.beats != nil, teachEvery: plan.beats?.teachEvery ?? 0)
    }
  }

  /// The operators' counts that a task has.
  private struct Counts {
    var (convolution, depthwise, dense, outputs, elements, calls) = (0, 0, 0, 0, 0, 0)

    /// Adds an operator, or the part of it that computes some columns, one by one.
    mutating func add(_ layer: ModelSummary.Operator, columns: Int? = nil) {
      func part(_ count: Int) -> Int { columns.map { count / layer.outputShape[1] * $0 } ?? count }
      let outputCount = part(layer.outputShape.reduce(1, *))
      let macs = part(layer.macsPerWindow)
      calls += columns ?? 1
      guard layer.macsPerWindow > 0 else {
        // What moves codes takes as many as it moves, however often it moves the same one.
        elements += columns.map { layer.workPerStep * $0 } ?? layer.workPerWindow
        return
      }
      switch layer.name {
      case "CONV_2D": convolution += macs
      case "DEPTHWISE_CONV_2D": depthwise += macs
      default: dense += macs
      }
      outputs += outputCount
    }

    func work(every: Int, on processor: DeviceProfile.Processor) -> [Feasibility.Work] {
      func work(_ item: String, _ count: Int, _ figure: DeviceProfile.Figure) -> Feasibility.Work {
        Feasibility.Work(item, count, figure, every: every, isNetwork: true)
      }
      return [
        work("MAC of convolutions", convolution, processor.cyclesPerMAC.convolution),
        work("MAC of depthwise convolutions", depthwise, processor.cyclesPerMAC.depthwise),
        work("MAC of fully connected operators", dense, processor.cyclesPerMAC.fullyConnected),
        work("outputs", outputs, processor.cyclesPerOutput),
        work("elements of other operators", elements, processor.cyclesPerElement),
        work("calls of operators", calls, processor.cyclesPerCall),
      ].filter { $0.count > 0 }
    }
  }

  /// The network's work for each new column of a streaming run; strides along time let some of it fall due seldom.
  func columnWork(on processor: DeviceProfile.Processor) -> [Feasibility.Work] {
    var counts: [Int: Counts] = [:]
    for layer in summary.operations.operators {
      if let columns = layer.columnsPerStep { counts[columns, default: Counts()].add(layer, columns: 1) }
      if let sums = layer.runningSums {
        counts[sums.columnsPerUpdate, default: Counts()].elements += sums.additionsPerUpdate
      }
    }
    return counts.sorted { $0.key < $1.key }.flatMap { $0.value.work(every: $0.key, on: processor) }
  }

  /// The products of whole windows.
  var productsPerDecision: Int { summary.operations.operators.reduce(0) { $0 + $1.macsPerWindow } }

  /// The network's work for each decision, that for the columns at its window's ends included.
  func decisionWork(_ mode: Feasibility.Mode, on processor: DeviceProfile.Processor) -> [Feasibility.Work] {
    var counts = Counts()
    for layer in summary.operations.operators {
      if mode == .streaming, layer.columnsPerStep != nil {
        if let edges = layer.edgeColumns, edges > 0 { counts.add(layer, columns: edges) }
      } else if mode == .streaming, let sums = layer.runningSums {
        counts.elements += sums.count
        counts.calls += 1
      } else {
        counts.add(layer)
      }
    }
    return counts.work(every: 1, on: processor)
  }
}

import Foundation
import ModelFiles
import QuantInfer
import Support
import Tasks

extension Feasibility.Judgement {
  /// What is between a Cortex-M4's and a Cortex-M0's figure where the core isn't told.
  private static func measured(cortexM4: Int, cortexM0: Int, on core: DeviceProfile.Core?) -> Estimate {
    switch core {
    case .cortexM4: Estimate(Double(cortexM4))
    case .cortexM0: Estimate(Double(cortexM0))
    case nil: Estimate(Double(cortexM4), Double(cortexM4), Double(cortexM0))
    }
  }

  /// As Firmware/RESULTS.md has it; more for an interrupt on top.
  private static func stackBytes(on core: DeviceProfile.Core?) -> Estimate {
    var stack = measured(cortexM4: 1072, cortexM0: 1520, on: core)
    stack.high = 2048
    return stack
  }

  init(
    _ network: NetworkCounts, on device: JudgedDevice, mode: Feasibility.Mode, schedule: Feasibility.Schedule
  ) {
    self.mode = mode
    tasks = Self.tasks(network, device, mode, schedule)
    (ram, flash) = Self.memory(network, mode, schedule, core: device.processor.core)
    criteria =
      Self.memoryCriteria(ram: ram, flash: flash, device)
      + Self.timeCriteria(tasks, network, device, mode, schedule)
      + Self.chargeCriteria(tasks, device, schedule)
    suggestions = []
    worstCase = Feasibility.WorstCase(network, on: device.processor, mode: mode, tasks: tasks)
    outcome = criteria.contains { $0.outcome == .fail } ? .fail : .pass
  }

  private static func tasks(
    _ network: NetworkCounts, _ device: JudgedDevice, _ mode: Feasibility.Mode,
    _ schedule: Feasibility.Schedule
  ) -> [Feasibility.Task] {
    let processor = device.processor
    func task(_ name: String, _ perSecond: Double, _ work: [Feasibility.Work]) -> Feasibility.Task {
      let scaled = work.map { $0.isNetwork ? $0.cycles * network.scale : $0.cycles }
      let cycles = scaled.sum
      let meanCycles = zip(work, scaled).map { work, cycles in
        let mean = cycles / Double(work.every)
        return work.share.map { mean * $0 } ?? mean
      }.sum
      let charge = device.microcoulombsPerMegacycle.map { meanCycles * $0 / 1e6 }
      return Feasibility.Task(
        name: name, perSecond: perSecond, work: work, cycles: cycles, meanCycles: meanCycles,
        milliseconds: cycles / (processor.clockMegahertz.estimate * 1000), microcoulombs: charge,
        microamps: charge.map { $0 * perSecond })
    }
    var tasks: [Feasibility.Task] = []
    let beside = network.summary.beatNetwork?.work(
      hopSamples: network.frontEnd?.hopSamples ?? 0, on: processor)
    if let frontEnd = network.frontEnd, frontEnd.takesBeats {
      return beatTasks(network, processor, schedule, frontEnd, task)
    }
    if let frontEnd = network.frontEnd {
      let inWindows = Double(frontEnd.samplesPerWindow) * schedule.decisionsPerSecond
      var sample = [Feasibility.Work("interrupt, filter, ring", frontEnd.leads, processor.cyclesPerSample)]
      if schedule.findsBeats {
        sample.append(Feasibility.Work("beat detector", 1, processor.cyclesPerDetectorSample))
      }
      tasks.append(
        task(
          "sample", schedule.isAboutBeats ? frontEnd.sampleRateHz : min(frontEnd.sampleRateHz, inWindows),
          sample))
      let inDecisions =
        schedule.isAboutBeats
        ? frontEnd.columnsPerSecond
        : min(frontEnd.columnsPerSecond, Double(network.columnsPerWindow) * schedule.decisionsPerSecond)
      tasks.append(
        task(
          "column",
          mode == .streaming ? schedule.sleep?.columnsPerSecond ?? inDecisions : inDecisions,
          columnWork(frontEnd, on: processor) + (beside?.column ?? [])
            + (mode == .streaming ? network.columnWork(on: processor) : [])))
    }
    tasks.append(
      task(
        "decision", schedule.decisionsPerSecond,
        network.decisionWork(mode, on: processor) + (beside?.decision ?? [])))
    return tasks
  }

  /// What a column takes of the front end.
  private static func columnWork(
    _ frontEnd: NetworkCounts.FrontEnd, on processor: DeviceProfile.Processor
  ) -> [Feasibility.Work] {
    let (window, leads) = (frontEnd.windowSamples, frontEnd.leads)
    guard window > 1 else { return [Feasibility.Work("code of the sample", leads, processor.cyclesPerBin)] }
    if frontEnd.isDirect, let cycles = processor.cyclesPerWindowSample {
      return [
        Feasibility.Work("samples of the window", window * leads, cycles),
        // The sums of twice as many samples take less than twice as long, as the logarithm stays.
        Feasibility.Work(
          "frequency bins of 32 samples", frontEnd.bins * leads * window / 32, processor.cyclesPerBin),
      ]
    }
    let stages = (window - 1).bitWidth - (window - 1).leadingZeroBitCount
    return [
      Feasibility.Work(
        "points x stages of the transform", window * stages * leads, processor.cyclesPerTransformPoint),
      Feasibility.Work("frequency bins", frontEnd.bins * leads, processor.cyclesPerBin),
    ]
  }

  private static func memory(
    _ network: NetworkCounts, _ mode: Feasibility.Mode, _ schedule: Feasibility.Schedule,
    core: DeviceProfile.Core?
  ) -> (ram: [Feasibility.Bytes], flash: [Feasibility.Bytes]) {
    let memory = network.summary.memory
    func bytes(_ item: String, _ count: Int) -> Feasibility.Bytes {
      Feasibility.Bytes(item: item, bytes: Estimate(Double(count)))
    }
    var ram: [Feasibility.Bytes] = []
    if mode == .streaming {
      ram.append(bytes("streaming state", memory.stateBytes))
    } else {
      ram.append(bytes("arena", memory.arenaBytes))
      if let frontEnd = network.frontEnd {
        ram.append(bytes("front end's state", frontEnd.stateBytes))
        ram.append(bytes("columns of the next window", network.inputBytes))
      }
    }
    ram.append(
      bytes(
        "scratch",
        mode == .streaming ? memory.streamingScratchBytes ?? memory.scratchBytes : memory.scratchBytes))
    if schedule.findsBeats, let frontEnd = network.frontEnd {
      ram.append(bytes("beat detector's state", frontEnd.detectorBytes))
    }
    if let count = schedule.announcingBytes { ram.append(bytes("policy, watch and schedule", count)) }
    if let sleep = schedule.sleep { ram.append(bytes("samples that wait in sleep", sleep.ringBytes)) }
    ram.append(Feasibility.Bytes(item: "stack", bytes: stackBytes(on: core)))
    func code(_ item: String, _ code: CodeBytes) -> Feasibility.Bytes {
      Feasibility.Bytes(
        item: item, bytes: measured(cortexM4: code.cortexM4, cortexM0: code.cortexM0, on: core))
    }
    var flash = [
      bytes("model image", memory.modelBytes),
      code("runtime", mode == .wholeWindow ? memory.wholeWindowCodeBytes : memory.codeBytes),
    ]
    if schedule.findsBeats || schedule.announcingBytes != nil {
      flash.append(code("detector, watch and policy", .monitor))
    }
    return (ram, flash)
  }

  private static func memoryCriteria(
    ram: [Feasibility.Bytes], flash: [Feasibility.Bytes], _ device: JudgedDevice
  ) -> [Feasibility.Criterion] {
    func criterion(
      _ name: Feasibility.Criterion.Name, _ parts: [Feasibility.Bytes], of total: DeviceProfile.Figure,
      share: DeviceProfile.Figure
    ) -> Feasibility.Criterion {
      Feasibility.Criterion(
        name, unit: "B", parts.map(\.bytes).sum, budget: (total.estimate.low * share.value).rounded(.down),
        derivation: parts.map { "\($0.item) \(Numbers.integer(Int($0.bytes.value)))" }.joined(
          separator: " + "),
        budgetDerivation: "\(Numbers.percent(share.value, places: 0)) of \(bytes(total.estimate.low))")
    }
    return [
      criterion(.ram, ram, of: device.processor.ramBytes, share: device.limits.ramShare),
      criterion(.flash, flash, of: device.processor.flashBytes, share: device.limits.flashShare),
    ]
  }

  private static func bytes(_ count: Double) -> String { "\(Numbers.decimal(count, places: 0)) B" }

  private static func timeCriteria(
    _ tasks: [Feasibility.Task], _ network: NetworkCounts, _ device: JudgedDevice, _ mode: Feasibility.Mode,
    _ schedule: Feasibility.Schedule
  ) -> [Feasibility.Criterion] {
    let clock = "\(Estimate.significant(device.processor.clockMegahertz.value)) MHz"
    func cycles(_ task: Feasibility.Task) -> String {
      "\(Numbers.decimal(task.cycles.value, places: 0)) cycles a \(task.name)"
    }
    var criteria: [Feasibility.Criterion] = []
    let column = tasks.first { $0.name == "column" }
    let hop = network.frontEnd.map { 1000 / $0.columnsPerSecond }
    if let column, let hop {
      criteria.append(
        Feasibility.Criterion(
          .columnTime, unit: "ms", column.milliseconds, budget: hop,
          derivation: "\(cycles(column)) / \(clock)", budgetDerivation: "time to the next column"))
    }
    if let decision = tasks.last {
      // A streaming decision shares the hop with its column; a whole window has until the next decision, less the
      // columns that come meanwhile, which the duty cycle counts. So has a network that wakes: it makes up for columns.
      let burst = mode == .streaming ? schedule.sleep?.columnsPerBurst : nil
      let columns = column.map { $0.milliseconds * Double(burst ?? 1) }
      let isInHop = mode == .streaming && hop != nil && burst == nil
      let together = [
        column.map { (burst.map { "\($0) x " } ?? "") + cycles($0) }, cycles(decision),
      ].compactMap(\.self)
      criteria.append(
        Feasibility.Criterion(
          .decisionTime, unit: "ms", [columns, decision.milliseconds].compactMap(\.self).sum,
          budget: isInHop ? hop : schedule.shortestIntervalSeconds * 1000,
          derivation: "(\(together.joined(separator: " + "))) / \(clock)",
          budgetDerivation: isInHop ? "time to the next column" : "shortest time to the next decision"))
    }
    func meanCycles(_ task: Feasibility.Task) -> String {
      "\(Numbers.decimal(task.meanCycles.value, places: 0)) cycles a \(task.name)"
    }
    let busy = tasks.map { $0.meanCycles * $0.perSecond }.sum
    criteria.append(
      Feasibility.Criterion(
        .dutyCycle, unit: "1", busy / (device.processor.clockMegahertz.estimate * 1e6),
        budget: device.limits.dutyCycle.value,
        derivation: "("
          + tasks.map { "\(Estimate.significant($0.perSecond)) x \(meanCycles($0))" }.joined(separator: " + ")
          + ") a second / \(clock)", budgetDerivation: "the profile's limit"))
    return criteria
  }

  private static func chargeCriteria(
    _ tasks: [Feasibility.Task], _ device: JudgedDevice, _ schedule: Feasibility.Schedule
  ) -> [Feasibility.Criterion] {
    guard device.microcoulombsPerMegacycle != nil else { return [] }
    let current = tasks.compactMap(\.microamps).sum
    let interval = schedule.meanIntervalSeconds
    let loss = device.limits.longevityLoss.value
    let without = device.longevity.map { $0.baseMicroamps.value + $0.selfDischargeMicroamps.value }
    let budget = without.map { $0 * loss / (1 - loss) }
    let percent = Numbers.percent(loss, places: 1)
    var criteria = [
      Feasibility.Criterion(
        .averageCurrent, unit: "uA", current, budget: budget,
        derivation: "("
          + tasks.map { Estimate.significant($0.perSecond * $0.meanCycles.value / 1e6) }.joined(
            separator: " + ")
          + ") million cycles a second for \(tasks.map { $0.name + "s" }.joined(separator: ", ")) x "
          + device.chargeDerivation,
        budgetDerivation: without.map { "\(Estimate.significant($0)) uA x \(percent) / (1 - \(percent))" }
          ?? ""),
      Feasibility.Criterion(
        .chargePerDecision, unit: "uC", current * interval, budget: budget.map { $0 * interval },
        derivation: "\(Estimate.significant(current.value)) uA x \(Estimate.significant(interval)) s",
        budgetDerivation: budget.map {
          "\(Estimate.significant($0)) uA x \(Estimate.significant(interval)) s"
        } ?? ""),
    ]
    if let without, let battery = device.battery {
      let months = device.months(without)
      let capacity = Estimate.significant(battery.capacityAmpereHours.value)
      criteria.append(
        Feasibility.Criterion(
          .monthsLost, unit: "months", current.map { months - device.months(without + $0) },
          budget: months * loss,
          derivation:
            "12 x \(capacity) Ah x 1,000,000 / 8,766 h x (1 / \(Estimate.significant(without)) uA - 1 / "
            + "\(Estimate.significant(without + current.value)) uA)",
          budgetDerivation: "\(percent) of \(Estimate.significant(months)) months"))
    }
    return criteria
  }
}

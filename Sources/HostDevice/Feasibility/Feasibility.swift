import Foundation
import ModelFiles
import Support

/// Whether a model can live on a device: an estimate of memory, time and charge from the model's own counts and the
/// device's profile.
///
/// Requirements are judged at the unfavourable end of each range.
package struct Feasibility: Encodable, Sendable {
  /// When decisions come.
  package struct Schedule: Encodable, Equatable, Sendable {
    /// Decisions a second on average.
    package var decisionsPerSecond: Double
    /// The shortest time from a decision to the next.
    package var shortestIntervalSeconds: Double
    /// Whether decisions are about beats, so that samples and columns are needed all the time.
    package var isAboutBeats: Bool
    /// Whether the runtime's own detector finds the beats, on every sample.
    package var findsBeats: Bool
    /// The memory of the monitor's policy, watch and schedule, in bytes; null where they are the device's own.
    package var announcingBytes: Int?
    /// How the network sleeps; null where it never does.
    package var sleep: Sleep?
    /// The part of the beats that the network is asked about, where beats are its input; null for all.
    package var networkShare: Double?

    /// A network that sleeps between irregular beats.
    package struct Sleep: Encodable, Equatable, Sendable {
      /// The columns that are computed, on average.
      package var columnsPerSecond: Double
      /// The most columns that a decision waits for.
      package var columnsPerBurst: Int
      /// The memory in which samples wait.
      package var ringBytes: Int

      package init(columnsPerSecond: Double, columnsPerBurst: Int, ringBytes: Int) {
        self.columnsPerSecond = columnsPerSecond
        self.columnsPerBurst = columnsPerBurst
        self.ringBytes = ringBytes
      }
    }

    /// Creates a schedule.
    package init(
      decisionsPerSecond: Double, shortestIntervalSeconds: Double, isAboutBeats: Bool, findsBeats: Bool
    ) {
      (self.decisionsPerSecond, self.findsBeats) = (decisionsPerSecond, findsBeats)
      (self.shortestIntervalSeconds, self.isAboutBeats) = (shortestIntervalSeconds, isAboutBeats)
    }

    /// A decision after each beat that the runtime's detector finds; it finds none within 200 ms of another.
    package static func detectedBeats(perSecond rate: Double) -> Schedule {
      Schedule(
        decisionsPerSecond: rate, shortestIntervalSeconds: min(0.2, 1 / rate), isAboutBeats: true,
        findsBeats: true)
    }

    /// A decision after each beat that something else tells of: the device's own sensing, say.
    package static func givenBeats(perSecond rate: Double) -> Schedule {
      var schedule = detectedBeats(perSecond: rate)
      schedule.findsBeats = false
      return schedule
    }

    /// A decision every so many seconds.
    package static func every(seconds: Double) -> Schedule {
      Schedule(
        decisionsPerSecond: 1 / seconds, shortestIntervalSeconds: seconds, isAboutBeats: false,
        findsBeats: false)
    }

    /// The mean time from a decision to the next.
    package var meanIntervalSeconds: Double { 1 / decisionsPerSecond }
  }

  /// A way to run the network.
  package enum Mode: String, Encodable, Sendable {
    /// A column at a time, a decision's rest at the decision.
    case streaming
    /// All columns of a window at each decision.
    case wholeWindow

    /// The way in words.
    package var words: String { self == .streaming ? "streaming" : "whole window" }
  }

  /// A part of the work: so many things at so many cycles each.
  package struct Work: Encodable, Equatable, Sendable {
    /// What is counted.
    package var item: String
    /// How many.
    package var count: Int
    /// How seldom it falls due: with every so many of the task's runs.
    ///
    /// Strides along time skip columns.
    package var every: Int
    /// In what part of the runs it falls due, where that isn't regular; null for all that `every` says.
    package var share: Double?
    /// What one takes.
    package var cyclesEach: Estimate
    /// Count times cycles each.
    package var cycles: Estimate
    /// Whether a smaller network has less of it.
    var isNetwork: Bool

    private enum CodingKeys: CodingKey { case item, count, every, share, cyclesEach, cycles }

    init(
      _ item: String, _ count: Int, _ figure: DeviceProfile.Figure, every: Int = 1, isNetwork: Bool = false
    ) {
      (self.item, self.count, self.every, self.isNetwork) = (item, count, every, isNetwork)
      cyclesEach = figure.estimate
      cycles = figure.estimate * Double(count)
    }
  }

  /// What happens so many times a second.
  package struct Task: Encodable, Equatable, Sendable {
    /// `sample`, `column` or `decision`.
    package var name: String
    /// How often, on average.
    package var perSecond: Double
    /// What it consists of.
    package var work: [Work]
    /// The sum of all its work: what it takes when everything falls due at once.
    package var cycles: Estimate
    /// The same on average, each work divided by how seldom it falls due.
    package var meanCycles: Estimate
    /// The longest time that it takes: cycles over the clock.
    package var milliseconds: Estimate
    /// The charge that it takes on average; null where the profile has no currents.
    package var microcoulombs: Estimate?
    /// The average current that it takes: charge times how often.
    package var microamps: Estimate?
  }

  /// A part of a memory.
  package struct Bytes: Encodable, Equatable, Sendable {
    /// What takes it.
    package var item: String
    /// How much.
    package var bytes: Estimate
  }

  /// A requirement.
  package struct Criterion: Encodable, Equatable, Sendable {
    /// What is required.
    package enum Name: String, CaseIterable, Encodable, Sendable {
      case ram, flash, columnTime, decisionTime, dutyCycle, averageCurrent, chargePerDecision, monthsLost
    }

    /// What is required.
    package var name: Name
    /// The unit of estimate and budget: `B`, `ms`, `1` for a fraction, `uA`, `uC`, `months`.
    package var unit: String
    /// What the network takes.
    package var estimate: Estimate
    /// What it may take; null where the profile sets no budget.
    package var budget: Double?
    /// Whether the estimate's upper end is within the budget.
    package var outcome: Outcome?
    /// Whether the estimate's lower end is.
    package var outcomeAtBest: Outcome?
    /// How the estimate comes about, with its numbers.
    package var derivation: String
    /// How the budget does.
    package var budgetDerivation: String

    init(
      _ name: Name, unit: String, _ estimate: Estimate, budget: Double?, derivation: String,
      budgetDerivation: String
    ) {
      (self.name, self.unit, self.estimate, self.budget) = (name, unit, estimate, budget)
      (self.derivation, self.budgetDerivation) = (derivation, budgetDerivation)
      outcome = budget.map { estimate.high <= $0 ? .pass : .fail }
      outcomeAtBest = budget.map { estimate.low <= $0 ? .pass : .fail }
    }
  }

  /// One way of running the network, judged.
  package struct Judgement: Encodable, Sendable {
    /// The way.
    package var mode: Mode
    /// Pass where nothing fails.
    package var outcome: Outcome
    /// What is done, how often, and what it takes.
    package var tasks: [Task]
    /// What takes RAM.
    package var ram: [Bytes]
    /// What takes flash.
    package var flash: [Bytes]
    /// The requirements.
    package var criteria: [Criterion]
    /// What would make failing ones pass, found by trying.
    package var suggestions: [Suggestion]
    /// The most that one sample can set off.
    package var worstCase: WorstCase

    /// The requirements that fail.
    package var failing: [Criterion] { criteria.filter { $0.outcome == .fail } }

    /// A requirement.
    package func criterion(_ name: Criterion.Name) -> Criterion? { criteria.first { $0.name == name } }
  }

  /// What would make failing requirements pass.
  package struct Suggestion: Encodable, Equatable, Sendable {
    /// What to change.
    package enum Change: String, Encodable, Sendable {
      case streaming, wholeWindow, slowerDecisions, smallerModel, smallerImage, fasterClock, largerMemory
      case frugalProcessor, fewerAskedBeats
    }

    /// What to change.
    package var change: Change
    /// The requirements that then pass.
    package var passes: [Criterion.Name]
    /// The change's size: seconds between decisions, the network's work as a fraction of this one's, bytes that it
    /// must do without, megahertz, bytes of the part's memory, uA/MHz, or the part of the beats; null where there is none.
    package var value: Double?
    /// The change in words.
    package var text: String
  }

  /// What the battery gives without the network.
  package struct Longevity: Encodable, Equatable, Sendable {
    /// The device's own current.
    package var baseMicroamps: Estimate
    /// What the battery loses by itself, as a current.
    package var selfDischargeMicroamps: Estimate
    /// Years without the network, over the ranges of battery and currents.
    package var years: Estimate
  }

  /// The profile's name.
  package var profile: String
  /// The processor's name.
  package var processor: String
  /// When decisions come.
  package var schedule: Schedule
  /// The battery without the network; null for a device without one.
  package var battery: Longevity?
  /// The ways to run the network, streaming first where it can be.
  package var modes: [Judgement]
  /// What the estimates take for granted.
  package var assumptions: [String]

  /// Pass where one way of running the network passes.
  package var outcome: Outcome

  /// Judges a model on a device.
  ///
  /// - Returns: nil where the profile has no processor.
  package init?(_ loaded: LoadedModel, on profile: DeviceProfile, schedule: Schedule) {
    guard let device = JudgedDevice(profile) else { return nil }
    let network = NetworkCounts(loaded)
    self.profile = profile.name
    self.schedule = schedule
    processor = device.processor.name
    battery = device.longevity
    assumptions = Self.assumptions(network, device, schedule)
    // Beats have one way, beside columns too.
    let ways: [Mode] =
      network.frontEnd?.takesBeats == true || loaded.hasBeatNetwork
      ? [.streaming] : loaded.model.isStreamable ? [.streaming, .wholeWindow] : [.wholeWindow]
    let judged = ways.map { Judgement(network, on: device, mode: $0, schedule: schedule) }
    let advice = FeasibilityAdvice(network, on: device, schedule: schedule)
    modes = judged.map { judgement in
      var judgement = judgement
      judgement.suggestions = advice.suggestions(
        for: judgement, beside: judged.filter { $0.mode != judgement.mode })
      return judgement
    }
    outcome = judged.contains { $0.outcome == .pass } ? .pass : .fail
  }

  private static func assumptions(_ network: NetworkCounts, _ device: JudgedDevice, _ schedule: Schedule)
    -> [String]
  {
    var all = [
      "These are estimates from counts and the profile's figures; nothing was measured on a device.",
      "A requirement passes where the unfavourable end of the range is within the budget.",
      "The device's own processor runs the network: its sleep is in the current without the network.",
      "Times are those of the column at which all strides along time fall due; charge and duty cycle are means.",
      "Columns and decisions are computed outside the sample interrupt, and a column comes before a decision.",
      "Code was measured on a Cortex-M4 and a Cortex-M0, built with the model's operators alone"
        + (device.processor.core == nil ? "; this core's is taken to lie between the two." : "."),
      "The stack is what a streaming run of the shipped model took there; 2,048 B at the unfavourable end.",
    ]
    if network.frontEnd?.takesBeats == true {
      let share = schedule.networkShare ?? 1
      all.append(
        "The network is asked about \(Numbers.percent(share)) of the beats"
          + (schedule.networkShare == nil ? ", as nothing else is told: --network-share. " : ". ")
          + "Instructions were counted on an emulated Cortex-M4.")
      all.append(
        "No watch over the signal looks at single samples, and each block of \(network.frontEnd?.hopSamples ?? 0) samples "
          + "wakes the processor once: bad signal is for the device's own amplifier to tell.")
    }
    if let sleep = schedule.sleep {
      all.append(
        "The network sleeps between irregular beats, as often as in this run: the detector and the filter go on, "
          + "and up to \(sleep.columnsPerBurst) columns are made up for in a burst before a decision.")
    }
    if network.frontEnd == nil {
      all.append(
        "The model has no front end: what prepares its input is left out, in time, charge and memory.")
    } else if !schedule.isAboutBeats {
      all.append(
        "Where windows don't follow one another closely, the front end sleeps between them; the filter's settling "
          + "and the sensing of beats are the device's own. Every column of a window counts in full, the first "
          + "ones too.")
    }
    if let battery = device.battery {
      all.append("Budgets of charge come from the battery's figures without their ranges.")
      if let sleep = device.processor.sleepMicroamps, let longevity = device.longevity {
        let total = longevity.baseMicroamps.value + longevity.selfDischargeMicroamps.value
        let months = device.months(total) - device.months(total + sleep.value)
        all.append(
          "A second processor just for the network would add its sleep current of "
            + "\(Estimate.significant(sleep.value)) uA, \(Estimate.significant(months)) months of "
            + "\(Estimate.significant(battery.capacityAmpereHours.value)) Ah.")
      }
    }
    return all
  }
}

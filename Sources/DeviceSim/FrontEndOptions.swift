import ArgumentParser
import CommandSupport
import Foundation
import Simulation

/// What befalls the ECG before the converter: the options that `stream` and `sweep` share.
struct FrontEndOptions: ParsableArguments {
  @OptionGroup var electrode: CouplingOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How much too high the amplifier's gain is.", valueName: "percent"))
  var gainError = 0.0

  @Option(
    parsing: .unconditional, help: ArgumentHelp("The electrode's offset.", valueName: "mV"))
  var offset = 0.0

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The converter's own offset, behind the coupling.", valueName: "mV"))
  var converterOffset: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How much too fast the sampling clock runs.", valueName: "ppm"))
  var driftPpm = 0.0

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "The lead is off from a second on for some seconds; may be repeated.", valueName: "start:seconds"))
  var leadOff: [Stretch] = []

  @Option(
    help: ArgumentHelp("Drop-outs a minute at random moments, and their length.", valueName: "number:seconds")
  )
  var dropOuts: DropOuts?

  @Option(
    help: ArgumentHelp(
      "The leads, of a model of several, that all this befalls, but for coupling and clock. (default: all)",
      valueName: "leads"))
  var disturbedLeads: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Stimuli before the record's paced beats, or before all: their height and width.", valueName: "mV:ms"))
  var paceSpikes: Spikes?

  @Option(help: ArgumentHelp("How long the input is blanked after a stimulus.", valueName: "ms"))
  var blanking: Double?

  /// A stimulus as an argument.
  struct Spikes: ExpressibleByArgument {
    var millivolts: Double
    var milliseconds: Double

    init?(argument: String) {
      guard let pair = Stretch(argument: argument) else { return nil }
      (millivolts, milliseconds) = (pair.startSeconds, pair.seconds)
    }
  }

  /// What the device's stimuli do to the signal; nil where nothing was asked for.
  private var pacing: Pacing? {
    guard paceSpikes != nil || blanking != nil else { return nil }
    var pacing = Pacing()
    (pacing.spikeMillivolts, pacing.spikeMilliseconds) = (
      paceSpikes?.millivolts ?? 0, paceSpikes?.milliseconds ?? 0
    )
    pacing.blankingMilliseconds = blanking ?? 0
    return pacing
  }

  /// Drop-outs as an argument.
  struct DropOuts: ExpressibleByArgument {
    var perMinute: Double
    var seconds: Double

    init?(argument: String) {
      guard let pair = Stretch(argument: argument) else { return nil }
      (perMinute, seconds) = (pair.startSeconds, pair.seconds)
    }
  }

  /// The disturbances, without noise.
  var disturbances: Disturbances {
    var disturbances = Disturbances()
    disturbances.gainErrorPercent = gainError
    disturbances.offsetMillivolts = offset
    (disturbances.couplingHz, disturbances.converterOffsetMillivolts) = (
      electrode.hertz, converterOffset
    )
    (disturbances.pacing, disturbances.driftPartsPerMillion) = (pacing, driftPpm)
    disturbances.leadOff = leadOff
    disturbances.leads = disturbedLeads?.split(separator: ",", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    disturbances.dropOutsPerMinute = dropOuts?.perMinute ?? 0
    disturbances.dropOutSeconds = dropOuts?.seconds ?? 0
    return disturbances
  }
}

extension Stretch: ExpressibleByArgument {
  /// Reads `START:SECONDS`.
  package init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
    guard parts.count == 2, let start = parts[0], let length = parts[1] else { return nil }
    self.init(startSeconds: start, seconds: length)
  }
}

extension Disturbances {
  /// Refuses what is impossible.
  ///
  /// - Throws: `ValidationError`, which says what.
  func validate() throws {
    if let problem { throw ValidationError(problem) }
  }
}

import ArgumentParser
import Simulation

/// How the device's own amplifier senses the heart: the options that `stream`, `sweep` and `verdict` share.
struct SensingOptions: ParsableArguments {
  @Flag(
    help: """
      Give the device the record's annotated beats as its own sense amplifier would, paces too: it runs no detector.
      """)
  var sensed = false

  @Option(
    help: ArgumentHelp("With --sensed, the standard deviation of a sense's time.", valueName: "ms"))
  var sensedJitter: Double?

  @Option(help: ArgumentHelp("With --sensed, the senses that are missed.", valueName: "percent"))
  var undersense: Double?

  @Option(
    help: ArgumentHelp("With --sensed, senses of nothing a minute, at drawn moments.", valueName: "number"))
  var oversense: Double?

  @Option(help: ArgumentHelp("With --sensed, how long after a beat none is sensed.", valueName: "ms"))
  var refractory: Double?

  func validate() throws {
    if !sensed, [sensedJitter, undersense, oversense, refractory].contains(where: { $0 != nil }) {
      throw ValidationError("--sensed-jitter, --undersense, --oversense and --refractory need --sensed")
    }
    if let problem = sensing?.problem { throw ValidationError(problem) }
  }

  /// How the device's amplifier senses; nil without one.
  var sensing: Sensing? { sensed ? settings : nil }

  /// The amplifier's settings.
  var settings: Sensing {
    var settings = Sensing()
    settings.jitterMilliseconds = sensedJitter ?? 0
    settings.missedPercent = undersense ?? 0
    settings.extraPerMinute = oversense ?? 0
    settings.refractoryMilliseconds = refractory ?? 0
    return settings
  }
}

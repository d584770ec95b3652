import ArgumentParser
import QuantInfer
import Simulation

/// When the device decides: the options that `stream` and `sweep` share.
struct DecidingOptions: ParsableArguments {
  /// What starts a decision.
  enum Deciding: String, ExpressibleByArgument, CaseIterable {
    case beats, annotations
  }

  @Option(
    help: """
      Decide after each beat that the device's detector finds, or that the annotations name. Without it an imported \
      model decides as its front end's description says.
      """)
  var decide: Deciding?

  @Option(help: ArgumentHelp("Decide every so many columns instead.", valueName: "columns"))
  var every: Int?

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
    if let every, every < 1 { throw ValidationError("--every needs a number of columns of at least 1") }
    if !sensed, [sensedJitter, undersense, oversense, refractory].contains(where: { $0 != nil }) {
      throw ValidationError("--sensed-jitter, --undersense, --oversense and --refractory need --sensed")
    }
    if sensed, every != nil || decide != nil {
      throw ValidationError("--sensed says by itself when to decide: leave out --decide and --every")
    }
    if let problem = sensing?.problem { throw ValidationError("the sense amplifier has \(problem)") }
  }

  /// How the device's amplifier senses; nil without one.
  var sensing: Sensing? {
    guard sensed else { return nil }
    var sensing = Sensing()
    sensing.jitterMilliseconds = sensedJitter ?? 0
    sensing.missedPercent = undersense ?? 0
    sensing.extraPerMinute = oversense ?? 0
    sensing.refractoryMilliseconds = refractory ?? 0
    return sensing
  }

  /// Whether the record's annotations say when.
  var isByAnnotations: Bool { every == nil && decide == .annotations }

  /// The setting; nil for what the model says.
  var setting: Monitor.Pace? {
    every.map { .everyColumns($0) } ?? decide.map { $0 == .beats ? .detectedBeats : .givenBeats }
  }
}

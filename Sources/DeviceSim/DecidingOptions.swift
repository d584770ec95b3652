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

  @OptionGroup var amplifier: SensingOptions

  func validate() throws {
    if let every, every < 1 { throw ValidationError("--every needs a number of columns of at least 1") }
    if every != nil, decide != nil {
      throw ValidationError("--every and --decide both say when to decide: leave out one")
    }
    if sensing != nil, every != nil || decide != nil {
      throw ValidationError("--sensed says by itself when to decide: leave out --decide and --every")
    }
  }

  /// How the device's amplifier senses; nil without one.
  var sensing: Sensing? { amplifier.sensing }

  /// Whether the record's annotations say when.
  var isByAnnotations: Bool { every == nil && decide == .annotations }

  /// The setting; nil for what the model says.
  var setting: Monitor.Pace? {
    every.map { .everyColumns($0) } ?? decide.map { $0 == .beats ? .detectedBeats : .givenBeats }
  }
}

import ArgumentParser
import HostDevice

/// How decisions become announcements: the options that `stream`, `sweep` and `faults` share.
struct AnnouncingOptions: ParsableArguments {
  @Flag(help: "Let each beat's RR interval move the network's decision: N rises where it isn't early.")
  var rhythm = false

  @Option(
    help: ArgumentHelp("Announce the most frequent class of the last decisions.", valueName: "decisions"))
  var majority = 1

  @Option(
    help: ArgumentHelp(
      "Announce a new class after so many decisions for it in a row.", valueName: "decisions"))
  var hysteresis = 1

  @Option(
    help: ArgumentHelp(
      "With --hysteresis, announce a new class of such a margin at once.", valueName: "codes"))
  var hysteresisMargin = 0

  @Option(
    help: ArgumentHelp("No result where the largest logit exceeds the second by less.", valueName: "codes"))
  var minMargin = 0

  @Option(
    help: ArgumentHelp(
      "Let the network sleep, and wake it for beats whose RR interval differs by more from the median of seven.",
      valueName: "percent"))
  var wakeRr: Int?

  /// The settings.
  var settings: Announcing {
    var settings = Announcing()
    settings.majority = majority
    settings.hysteresis = hysteresis
    settings.hysteresisMarginCodes = hysteresisMargin
    settings.minimumMarginCodes = minMargin
    settings.wakePercent = wakeRr ?? 0
    settings.rhythm = rhythm
    return settings
  }

  /// What a user should know of the settings, for a device that decides at beats or by the clock.
  func notes(isAboutBeats: Bool) -> [String] {
    guard wakeRr != nil else { return [] }
    guard isAboutBeats else {
      return [
        "--wake-rr lets the network sleep through every rhythm that is regular, a steady tachycardia too"
      ]
    }
    return [
      "--wake-rr lets beats that come in time sleep, ventricular ones too: at 10 % it finds 17 of the 220 of MIT-BIH's "
        + "record 213, awake 189; a network of beats knows them by their shape"
    ]
  }

  /// Refuses what is impossible.
  ///
  /// - Throws: `ValidationError`, which says what.
  func validate(isByAnnotations: Bool) throws {
    if let problem = settings.problem { throw ValidationError(problem) }
    if wakeRr == 0 { throw ValidationError("--wake-rr needs a percentage of at least 1") }
    if wakeRr != nil, isByAnnotations {
      throw ValidationError("--wake-rr needs the device's own beats: leave out --decide annotations")
    }
    if hysteresisMargin > 0, hysteresis == 1 {
      throw ValidationError("--hysteresis-margin needs --hysteresis of 2 or more")
    }
  }
}

import ArgumentParser
import CommandSupport
import Support

/// What a run's page shows.
struct PageOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where the strip of 30 s begins. (default: where decisions differ or vary most)", valueName: "s"))
  var from: Double?

  @Option(help: ArgumentHelp("Also show strips of 10 s around these moments.", valueName: "s[,s...]"))
  var moments: List<Double>?

  @Flag(help: "Leave out names of records and patients.") var anonymous = false

  func validate(hasPage: Bool) throws {
    guard hasPage || (from == nil && moments == nil && !anonymous) else {
      throw ValidationError("--from, --moments and --anonymous go with --report")
    }
    try moments?.requireOnce("--moments")
    guard ((from.map { [$0] } ?? []) + (moments?.values ?? [])).allSatisfy({ $0 >= 0 && $0 < 1e9 }) else {
      throw ValidationError("--from and --moments need moments of at least 0 s")
    }
  }

  /// - Throws: `FileError` where a moment lies beyond the record's end.
  func check(durationSeconds: Double, record: String) throws(FileError) {
    for moment in (from.map { [$0] } ?? []) + (moments?.values ?? []) where moment >= durationSeconds {
      throw .malformed(
        record, "ends at \(Numbers.decimal(durationSeconds, places: 2)) s, before the moment \(moment) s",
        remedy: "choose an earlier --from or --moments")
    }
  }
}

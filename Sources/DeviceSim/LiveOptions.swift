import ArgumentParser
import CommandSupport
import Live
import Simulation
import Support

/// Whether a run can be watched in a browser, and how fast it goes then.
struct LiveOptions: ParsableArguments {
  @Option(
    defaultAsFlag: 0,
    help: ArgumentHelp(
      "Show the run while it goes, to a browser on this machine. (default: any free port)", valueName: "port")
  )
  var serve: UInt16?

  @Option(
    help: ArgumentHelp(
      "With --serve, how many times faster than the record's time it goes. (default: 1)", valueName: "times"))
  var pace: Double?

  func validate() throws {
    guard let pace else { return }
    guard serve != nil else {
      throw ValidationError("--pace needs --serve: without it the run goes as fast as it can")
    }
    guard pace >= 0.01, pace <= 1e6 else { throw ValidationError("--pace needs 0.01 to 1,000,000 times") }
  }

  /// Runs what can be watched, while its page is served where that was asked for.
  ///
  /// - Throws: `FileError` where the port can't be had, and what the run throws.
  func watching<Result>(_ body: ((any StreamWatcher)?) throws(FileError) -> Result) throws(FileError)
    -> Result
  {
    guard let serve else { return try body(nil) }
    let run = LiveRun(pace: pace ?? 1)
    let server = try LiveServer.start(run, port: serve)
    Terminal.error.write("Open \(server.address) in a browser of this machine\n")
    defer { server.stop() }
    let result = try body(run)
    run.finish()
    return result
  }
}

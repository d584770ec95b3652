import Foundation
import Support
import Testing
import TestSupport

/// Results that survive `kill -9`, second runs on the same file and full disks: every finished one is there once, and the
/// file in the end has the bytes of an undisturbed run.
///
/// With LONG_RESULTS=1 there are 200 kills, 50 pairs of runs and 20 full disks; without it a few of each.
@Suite(.serialized) struct ResultSafetyTests {
  private static let isLong = ProcessInfo.processInfo.environment["LONG_RESULTS"] != nil

  /// The commands that keep results as they go.
  enum Work: String, CaseIterable, CustomTestStringConvertible {
    case sweep, faults

    var testDescription: String { rawValue }

    var arguments: [String] {
      switch self {
      case .sweep:
        [
          "sweep", "--model", ProjectFiles.model, "--records", ProjectFiles.record,
          "--noise", "none,emg,mains50", "--snr", "24,0", "--seed", "1,2", "--quiet",
        ]
      case .faults:
        [
          "faults", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--trials", "4",
          "--kinds", "weights,adc", "--quiet",
        ]
      }
    }

    /// Its process, with a limit on the size of files in units of 1,024 bytes.
    func process(_ output: String, threads: Int, kilobytes: Int? = nil) throws -> (Process, errors: Pipe) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/bash")
      let limit = kilobytes.map { "ulimit -f \($0); " } ?? ""
      process.arguments =
        ["-c", limit + "exec \"$0\" \"$@\"", Command("device-sim").path] + arguments
        + ["--output", output, "--threads", "\(threads)"]
      let errors = Pipe()
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, errors)
      try process.run()
      return (process, errors)
    }

    /// Runs it to its end.
    func run(
      _ output: String, threads: Int = 2, kilobytes: Int? = nil
    ) throws -> (status: Int32, errors: String) {
      let (process, errors) = try process(output, threads: threads, kilobytes: kilobytes)
      let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return (process.terminationStatus, text)
    }
  }

  /// A run's results, each there once: a sweep's as they are merged, which leaves out how long each took.
  private func results(_ work: Work, _ file: String, in folder: TemporaryFolder) throws -> Data {
    let bytes = try Files.read(file)
    guard work == .sweep else { return bytes }
    #expect(bytes.count(where: { $0 == 10 }) == 10)
    #expect(try Command("device-sim")("merge", file, "--output", folder("merged"), "--quiet").status == 0)
    return try Files.read(folder("merged"))
  }

  /// The results of an undisturbed run, and how long it took.
  private func whole(_ work: Work, in folder: TemporaryFolder) throws -> (bytes: Data, seconds: Double) {
    let start = DispatchTime.now().uptimeNanoseconds
    #expect(try work.run(folder("whole")).status == 0)
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    return (try results(work, folder("whole"), in: folder), seconds)
  }

  // claim: results
  @Test(arguments: Work.allCases) func killedRunsLoseNothing(work: Work) throws {
    let folder = try TemporaryFolder()
    let (bytes, seconds) = try whole(work, in: folder)
    var generator = SeededGenerator(seed: 9)
    var (kills, rounds) = (0, 0)
    while kills < (Self.isLong ? 100 : 3) {
      rounds += 1
      let output = folder("part\(rounds)")
      var finished = 0
      while true {
        let (process, errors) = try work.process(output, threads: 1 + rounds % 2)
        usleep(UInt32(generator.next(in: 0...1) * seconds * 1e6))
        let isKilled = process.isRunning
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        _ = errors.fileHandleForReading.readDataToEndOfFile()
        let now = ((try? Files.read(output)) ?? Data()).count(where: { $0 == 10 })
        #expect(now >= finished, "a finished result is gone")
        finished = now
        guard isKilled, process.terminationReason == .uncaughtSignal else { break }
        kills += 1
      }
      #expect(try work.run(output).status == 0)
      #expect(try results(work, output, in: folder) == bytes)
    }
  }

  // claim: results
  @Test(arguments: Work.allCases) func secondRunsLoseNothing(work: Work) throws {
    let folder = try TemporaryFolder()
    let (bytes, seconds) = try whole(work, in: folder)
    var generator = SeededGenerator(seed: 10)
    for pair in 0..<(Self.isLong ? 25 : 1) {
      let output = folder("pair\(pair)")
      let (first, _) = try work.process(output, threads: 1)
      usleep(UInt32(generator.next(in: 0...1) * seconds * 0.5e6))
      let second = try work.run(output)
      first.waitUntilExit()
      #expect([0, 1].contains(first.terminationStatus) && [0, 1].contains(second.status))
      #expect(first.terminationStatus == 0 || second.status == 0)
      if second.status == 1 {
        #expect(second.errors.contains("is being written by another run; wait for its end"))
      }
      #expect(try results(work, output, in: folder) == bytes)
    }
  }

  // claim: results
  @Test(arguments: Work.allCases) func fullDisksLoseNothing(work: Work) throws {
    let folder = try TemporaryFolder()
    let (bytes, _) = try whole(work, in: folder)
    let most = bytes.count / 1024
    for disk in 0..<(Self.isLong ? 10 : 1) {
      let output = folder("disk\(disk)")
      let result = try work.run(output, kilobytes: Self.isLong ? disk * most / 10 : most / 2)
      #expect(result.status == 1)
      #expect(
        result.errors
          == "error: \(output): can't be written: File too large; free some space or choose another disk\n")
      // The lines that are there are whole.
      let kept = (try? Files.read(output)) ?? Data()
      #expect(kept.isEmpty || kept.last == 10)
      #expect(try work.run(output).status == 0)
      #expect(try results(work, output, in: folder) == bytes)
    }
  }
}

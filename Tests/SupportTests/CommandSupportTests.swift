import ArgumentParser
import CommandSupport
import Foundation
import Support
import Testing
import TestSupport

/// Fails as its argument says.
private struct Tool: CommandLineTool {
  @Argument var failure: String
  @OptionGroup var output: OutputOptions

  func run() throws {
    switch failure {
    case "malformed":
      throw FileError.malformed("a.dat", at: "byte 3", "is cut short", remedy: "copy it again")
    case "missing": throw FileError.missing("a.hea")
    case "inaccessible":
      throw FileError.inaccessible("/out", "can't be written", remedy: "choose another place")
    case "validation": throw ValidationError("--seed must be positive")
    case "other": throw CocoaError(.featureUnsupported)
    case "pipe":
      var ends: [Int32] = [0, 0]
      guard pipe(&ends) == 0, close(ends[0]) == 0, dup2(ends[1], STDOUT_FILENO) >= 0 else { return }
      try Files.writeToStandardOutput(Data("x".utf8))
    default:
      try output.show("summary\n")
      try output.writeJSON(["answer": 42])
    }
  }
}

@Suite struct CommandLineToolTests {
  private func errors(_ result: ExitTest.Result?) -> String {
    String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  }

  private func output(_ result: ExitTest.Result?) -> String {
    String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
  }

  @Test func malformedFileExitsWith65() async {
    let result = await #expect(processExitsWith: .exitCode(65), observing: [\.standardErrorContent]) {
      Tool.runAndExit(["malformed"])
    }
    #expect(errors(result) == "error: a.dat:byte 3: is cut short; copy it again\n")
  }

  @Test func missingFileExitsWith66() async {
    let result = await #expect(processExitsWith: .exitCode(66), observing: [\.standardErrorContent]) {
      Tool.runAndExit(["missing"])
    }
    #expect(errors(result) == "error: a.hea: no such file; check the path\n")
  }

  @Test func inaccessibleFileExitsWith1() async {
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
      Tool.runAndExit(["inaccessible"])
    }
    #expect(errors(result) == "error: /out: can't be written; choose another place\n")
  }

  @Test func anyOtherFailureIsOneLineAndExitsWith1() async {
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
      Tool.runAndExit(["other"])
    }
    let message = errors(result)
    #expect(message.hasPrefix("error: ") && message.filter(\.isNewline).count == 1)
  }

  @Test func wrongArgumentsExitWith64() async {
    let missing = await #expect(processExitsWith: .exitCode(64), observing: [\.standardErrorContent]) {
      Tool.runAndExit([])
    }
    #expect(errors(missing).hasPrefix("error: Missing expected argument '<failure>'\n"))
    let refused = await #expect(processExitsWith: .exitCode(64), observing: [\.standardErrorContent]) {
      Tool.runAndExit(["validation"])
    }
    #expect(errors(refused).hasPrefix("error: --seed must be positive\n"))
  }

  @Test func helpGoesToStandardOutput() async {
    let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardOutputContent]) {
      Tool.runAndExit(["--help"])
    }
    #expect(output(result).contains("--json <file>"))
  }

  @Test func brokenPipeEndsQuietly() async {
    let result = await #expect(processExitsWith: .signal(SIGPIPE), observing: [\.standardErrorContent]) {
      signal(SIGPIPE, SIG_IGN)
      Tool.runAndExit(["pipe"])
    }
    #expect(!errors(result).contains("error"))
  }

  @Test func jsonOnStandardOutputIsAlone() async throws {
    let result = await #expect(
      processExitsWith: .exitCode(0), observing: [\.standardOutputContent, \.standardErrorContent]
    ) {
      Tool.runAndExit(["none", "--json", "-"])
    }
    #expect(output(result).hasSuffix("{\n  \"answer\" : 42\n}\n"))
    #expect(!output(result).contains("summary"))
    #expect(errors(result) == "summary\n")
  }
}

@Suite struct ProgressBarTests {
  /// Runs a task of 8 seconds in 100 parts under a bar and returns all that the bar wrote.
  private func output(isInteractive: Bool, columns: Int = 80, detail: String = "") -> String {
    var text = ""
    var time = 0.0
    let bar = ProgressBar(
      "Training", isInteractive: isInteractive, columns: { columns }, clock: { time }, write: { text += $0 })
    for part in 0...100 {
      time = 0.08 * Double(part)
      bar.update(TaskProgress(completed: part, total: 100, detail: detail))
    }
    bar.finish()
    return text
  }

  @Test func linesElsewhereComeEveryTenPerCentButAtMostOneASecond() {
    let lines = output(isInteractive: false).split(separator: "\n")
    // Ten per cent take 0.8 s, so the lines are a second or a little more apart.
    #expect((5...8).contains(lines.count))
    #expect(lines.first == "Training: 13 %  6 s left" || lines.first == "Training: 13 %  7 s left")
    #expect(lines.last == "Training: 100 %  0 s left")
  }

  /// Tenths that come a second apart are all told; one that comes a moment earlier waits for the next.
  @Test(arguments: [(1.0, 10), (0.999, 5)]) func aTenthASecondIsTold(seconds: Double, count: Int) {
    var (lines, time) = (0, 0.0)
    let bar = ProgressBar(
      "Training", isInteractive: false, columns: { 80 }, clock: { time }, write: { _ in lines += 1 })
    for part in 1...10 {
      time = seconds * Double(part)
      bar.update(TaskProgress(completed: part, total: 10, detail: ""))
    }
    #expect(lines == count)
  }

  @Test func terminalLineIsRedrawnInPlaceAndEnded() {
    let frames = output(isInteractive: true).split(separator: "\r\u{1B}[K")
    #expect(frames.contains("Training    [#####-----]  50 %  4 s left"))
    #expect(frames.last == "Training    [##########] 100 %  0 s left\n")
    // At most ten a second for eight seconds, the first and the last.
    #expect((40...82).contains(frames.count))
  }

  @Test func terminalLineNeverWraps() {
    let frames = output(isInteractive: true, columns: 40, detail: "loss 0.123").split(separator: "\r\u{1B}[K")
    #expect(frames.allSatisfy { $0.filter { $0 != "\n" }.count < 40 })
  }
}

@Suite struct SummaryTableTests {
  @Test func columnsAlignAndTheLastCellRunsOn() {
    var table = SummaryTable(columns: ["fixed point", "float", "agreement"])
    table.add("decisions", "12", "12", "99.9 % the same class")
    table.add("memory", "weights 7.3 kB, arena 4.0 kB, no heap")
    #expect(
      table.render(hasColor: false)
        == [
          "              fixed point   float   agreement\n",
          "  decisions   12            12      99.9 % the same class\n",
          "  memory      weights 7.3 kB, arena 4.0 kB, no heap\n",
        ].joined())
  }

  @Test func aCellStaysOnItsLine() {
    var table = SummaryTable(columns: [])
    table.add("mine\u{1B}[31m", "a\nb\r\nc")
    #expect(table.render(hasColor: true) == "  mine [31m   a b c\n")
  }

  @Test func numbersAlignToTheRight() {
    var table = SummaryTable(columns: ["Se", "beats"], alignment: .right)
    table.add("N", "99.1 %", "44,259")
    table.add("V", "7.0 %", "3")
    #expect(
      table.render(hasColor: false)
        == "          Se    beats\n  N   99.1 %   44,259\n  V    7.0 %        3\n")
  }

  @Test func colourTellsOnlyPassAndFail() {
    var table = SummaryTable(columns: [])
    table.add("a", [.init("yes", outcome: .pass), .init("no", outcome: .fail), .init("plain")])
    #expect(
      table.render(hasColor: true) == "  a   \u{1B}[32myes\u{1B}[0m   \u{1B}[31mno\u{1B}[0m   plain\n")
    #expect(!table.render(hasColor: false).contains("\u{1B}"))
  }
}

@Suite struct InvocationTests {
  @Test func aShellReadsTheCommandAsItWasTyped() throws {
    let arguments = [
      "/usr/bin/device-sim", "stream", "--record", "my record", "it's", "", "$HOME", "a;b", "em@6+mains50",
    ]
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "printf '%s\\n' " + Invocation.text(arguments)]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(text == (["device-sim"] + arguments.dropFirst()).map { $0 + "\n" }.joined())
  }
}

import Foundation
import TestSupport
import Testing

/// The cycles that `Firmware/timing.py` gives to instructions: on programs of a few lines whose cycles are counted
/// by hand from the cores' reference manuals, and on published figures.
@Suite struct TimingModelTests {
  private func run(_ arguments: [String]) throws -> (output: String, errors: String, status: Int32) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", ProjectFiles.path("Firmware/timing.py")] + arguments
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (printed, said, process.terminationStatus)
  }

  /// The cycles of a program that is executed once from its first instruction to its last.
  ///
  /// Some instructions jump, some are jumped to.
  private func cycles(
    _ instructions: [(address: Int, text: String)], jumps: Set<Int> = [], targets: Set<Int> = [],
    core: String,
    flash: String? = nil
  ) throws -> Int {
    let folder = try TemporaryFolder()
    let lines = instructions.map { address, text in
      "    \(String(address, radix: 16)):      \t\(text.replacing(" ", with: "\t", maxReplacements: 1))"
    }
    let listing = try folder.put("listing", "\n00001000 <program>:\n" + lines.joined(separator: "\n") + "\n")
    var counts: [String: Int] = [:]
    for line in try run(["kinds", listing]).output.split(separator: "\n") {
      let parts = line.split(separator: " ").map(String.init)
      let address = try #require(Int(parts[0], radix: 16))
      let taken = [true, jumps.contains(address), targets.contains(address)]
      for (list, isTaken) in zip(parts.dropFirst(), taken) where isTaken && list != "-" {
        for share in list.split(separator: ",") {
          let pair = share.split(separator: ":")
          counts[String(pair[0]), default: 0] += try #require(Int(pair[1]))
        }
      }
    }
    let kinds = counts.map { "\($0.key):\($0.value)" }.joined(separator: " ")
    let run = try run(
      ["cycles", try folder.put("counts", "program 1 \(instructions.count) \(kinds)\n"), core]
        + (flash.map { [$0] } ?? []))
    #expect(run.status == 0, "\(run.errors)")
    let columns = try #require(run.output.split(separator: "\n").last).split(separator: " ")
    return try #require(Int(columns[3]))
  }

  /// Of 16 bits each, one behind the other.
  private func short(_ texts: [String]) -> [(address: Int, text: String)] {
    texts.enumerated().map { (0x1000 + 2 * $0, $1) }
  }

  /// Of 32 bits each.
  private func long(_ texts: [String]) -> [(address: Int, text: String)] {
    texts.enumerated().map { (0x1000 + 4 * $0, $1) }
  }

  @Test func loadsFollowOneAnotherInOneCycleUnlessTheyWaitForAnAddress() throws {
    // 2, behind a load 1, with an address that was just loaded 2 + 1, a store behind a load 1, 1, with an address
    // that was just made 2 + 1, 1.
    let program = short([
      "ldr r0, [r1]", "ldr r2, [r3]", "ldr r4, [r2]", "str r4, [r5, #4]", "adds r5, #1", "ldr r6, [r5]",
      "nop ",
    ])
    #expect(try cycles(program, core: "cortex-m4") == 12)
    // Nothing overlaps on the small cores: 2 each, and 1.
    #expect(try cycles(program, core: "cortex-m0plus") == 12)
    #expect(try cycles(short(["ldr r0, [r1]", "ldr r2, [r3]", "nop "]), core: "cortex-m4") == 4)
    #expect(try cycles(short(["ldr r0, [r1]", "ldr r2, [r3]", "nop "]), core: "cortex-m0") == 5)
    // A store whose address has two registers takes 2; a store is never hidden behind a load that follows.
    #expect(
      try cycles(short(["str r0, [r1, r2]", "nop ", "str r0, [r1]", "ldr r3, [r4]"]), core: "cortex-m4") == 2
        + 1 + 2 + 2)
  }

  @Test func callsAndReturnsTakeWhatTheManualsSay() throws {
    // push of two 1 + 2; a call 1 + P with P = 1, 4 on the M0, 3 on the M0+; pop with the program counter
    // 1 + 2 + P with P = 2, 4 + 2 and 3 + 2.
    let program = [(0x1000, "push {r4, lr}"), (0x1002, "bl 0x2000 <other>"), (0x1006, "pop {r4, pc}")]
    for (core, expected) in [
      ("cortex-m4", 3 + 2 + 5), ("cortex-m3", 3 + 2 + 5), ("cortex-m0", 3 + 4 + 6),
      ("cortex-m0plus", 3 + 3 + 5),
    ] {
      #expect(try cycles(program, jumps: [0x1002, 0x1006], core: core) == expected, "\(core)")
    }
  }

  @Test func branchesTakeMoreWhereTheyAreTaken() throws {
    let program = [(0x1000, "nop "), (0x1002, "add.w r0, r1, r2"), (0x1006, "bne 0x1002 <program+0x2>")]
    #expect(try cycles(program, core: "cortex-m4") == 3)
    // Taken 1 + 1, and to 32 bits across two words once more.
    #expect(try cycles(program, jumps: [0x1006], targets: [0x1002], core: "cortex-m4") == 5)
    #expect(try cycles(program, jumps: [0x1006], targets: [0x1002], core: "cortex-m0") == 5)
    #expect(try cycles(program, jumps: [0x1006], targets: [0x1002], core: "cortex-m0plus") == 4)
  }

  @Test func productsDifferBetweenTheCores() throws {
    let program = long([
      "umull r0, r1, r2, r3", "mla r4, r5, r6, r7", "umlal r0, r1, r2, r3", "muls r0, r1, r0",
    ])
    #expect(try cycles(program, core: "cortex-m4") == 4)
    // 3 to 5, 2, 4 to 7 and 1: in the middle 4 + 2 + 5.5 + 1.
    #expect((12...13).contains(try cycles(program, core: "cortex-m3")))
    #expect(try cycles(long(["smlad r0, r1, r2, r0", "smmulr r0, r1, r2"]), core: "cortex-m4") == 2)
  }

  /// Each by itself, on the Cortex-M4, M0+ and M0: of a range what is expected.
  @Test(arguments: [
    ("udiv r0, r1, r2", false, [7, 7, 7]), ("bx lr", true, [3, 2, 3]), ("tbb [pc, r0]", true, [4, 3, 4]),
    ("it eq", false, [1, 1, 1]), ("mrs r0, primask", false, [2, 3, 4]),
    ("vadd.f32 s0, s1, s2", false, [1, 1, 1]), ("vmla.f32 s0, s1, s2", false, [3, 3, 3]),
    ("vdiv.f32 s0, s1, s2", false, [14, 14, 14]), ("vmov r0, r1, s0, s1", false, [2, 2, 2]),
  ])
  func rareInstructionsTakeWhatTheManualsSay(text: String, jumps: Bool, expected: [Int]) throws {
    for (core, count) in zip(["cortex-m4", "cortex-m0plus", "cortex-m0"], expected) {
      let program = [(0x1000, text), (0x1004, "nop ")]
      #expect(try cycles(program, jumps: jumps ? [0x1000] : [], core: core) == count + 1, "\(core)")
    }
  }

  @Test func loadsAcrossWordsAndBehindJumpsAreSlower() throws {
    // 2, across two words in place of 1 half a cycle more, 1: twice.
    let across = [
      (0x1000, "ldr r0, [r1]"), (0x1002, "ldr.w r2, [r3, #4]"), (0x1006, "nop "),
      (0x1008, "ldr r0, [r1]"), (0x100A, "ldr.w r2, [r3, #4]"), (0x100E, "nop "),
    ]
    #expect(try cycles(across, core: "cortex-m4") == 9)
    // A load that a jump leads to follows none: 1, 2, 1 and 1 more, a branch that is taken 2, 1.
    let behind = [
      (0x1000, "nop "), (0x1002, "ldr r0, [r1]"), (0x1004, "ldr r2, [r3]"),
      (0x1006, "b 0x1004 <program+0x4>"), (0x1008, "nop "),
    ]
    #expect(try cycles(behind, jumps: [0x1006], targets: [0x1004], core: "cortex-m4") == 8)
  }

  @Test func severalRegistersTakeACycleEach() throws {
    let program = long([
      "ldm.w r0!, {r4, r5, r6, r7, r8}", "strd r0, r1, [sp, #8]", "vldmia r0!, {s0, s1, s2, s3}",
      "vldr d0, [r1]",
    ])
    #expect(try cycles(program, core: "cortex-m4") == 6 + 3 + 5 + 3)
  }

  @Test func flashWaitsWhereNothingHidesIt() throws {
    // Three lines of 8 bytes. Of four instructions in each, three cycles are spent while the next line is read in 1 + 2.
    let short = short(Array(repeating: "nop ", count: 12))
    let long = long(Array(repeating: "add.w r0, r1, r2", count: 6))
    #expect(try cycles(short, core: "cortex-m4", flash: "waits=2,line=8,prefetch") == 12)
    // Of two only one: another is waited for, at the lines' two borders.
    #expect(try cycles(long, core: "cortex-m4", flash: "waits=2,line=8,prefetch") == 6 + 2 * 1)
    #expect(try cycles(long, core: "cortex-m4", flash: "waits=2,line=8") == 6 + 2 * 2)
    #expect(try cycles(long, core: "cortex-m4", flash: "waits=2,line=8,cache") == 6)
    // Where a jump leads to is read anew.
    #expect(try cycles(short, targets: [0x1000], core: "cortex-m4", flash: "waits=2,line=8,prefetch") == 14)
  }

  @Test func wrongFlashIsRefusedInALine() throws {
    let folder = try TemporaryFolder()
    let counts = try folder.put("counts", "program 1 1 0:1\n")
    for (flash, reason) in [
      ("waits=2", "a flash has waits=N and line=8 or line=16"),
      ("waits=2,line=8,fast", "fast: no part of a flash"),
    ] {
      let run = try run(["cycles", counts, "cortex-m4", flash])
      #expect(
        run.status != 0 && run.errors.contains(reason) && run.errors.split(separator: "\n").count == 1,
        "\(run.errors)")
    }
    let fewer = try run(["cycles", try folder.put("fewer", "program 1 2 0:1\n"), "cortex-m4"])
    #expect(
      fewer.status != 0 && fewer.errors.contains("program: 1 kinds of 2 instructions"), "\(fewer.errors)")
  }

  // claim: timing
  @Test func publishedFiguresArePredictedWithinTenPercent() throws {
    let lines = try run(["published"]).output.split(separator: "\n")
    let checks = lines.filter { $0.hasPrefix("check") }
    var errors: [String: [Double]] = [:]
    for line in checks {
      let words = line.split(separator: " ")
      let last = try #require(words.last)
      let percent = try #require(Double(last.dropLast()))
      errors[String(words[1]), default: []].append(abs(percent))
    }
    for (core, atMost) in [
      ("cortex-m4", 3.0), ("cortex-m3", 3.0), ("cortex-m0", 1.5), ("cortex-m0plus", 5.0),
    ] {
      let found = try #require(errors[core]).sorted()
      #expect(found.count >= 3 && found[found.count / 2] < atMost, "\(core): \(found)")
    }
    #expect(checks.count >= 90)
    // One of the figures in whole: ChaCha with 20 rounds, 846 cycles on an STM32L100C.
    #expect(checks.contains { $0.contains("ChaCha20") && $0.contains(" 846 ") && $0.contains(" 845 ") })
  }
}

import Foundation
import Testing
import TestSupport

/// The bound of the stack that `Firmware/stack.py` finds in a program's instructions, on programs of a few lines.
@Suite struct StackBoundTests {
  /// Its lines for a listing as llvm-objdump writes it, of each function the bytes; nil where it refuses, with what it says.
  private func bound(_ listing: String) throws -> (bytes: [String: Int], refusal: String) {
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "python3", ProjectFiles.path("Firmware/stack.py"), "bound", try folder.put("listing", listing), "api_",
    ]
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect((process.terminationStatus == 0) == said.isEmpty, "\(said)")
    let lines = printed.split(separator: "\n").map { $0.split(separator: " ") }
    return (Dictionary(uniqueKeysWithValues: lines.map { (String($0[1]), Int($0[0])!) }), said)
  }

  /// A listing of functions: at an address, by name, an instruction every four bytes.
  private func listing(_ functions: [(address: Int, name: String, instructions: [String])]) -> String {
    functions.map { address, name, instructions in
      let lines = instructions.enumerated().map { index, text in
        "    \(String(address + 4 * index, radix: 16)):      \t\(text.replacing(" ", with: "\t", maxReplacements: 1))"
      }
      return "\n000\(String(address, radix: 16)) <\(name)>:\n" + lines.joined(separator: "\n")
    }.joined(separator: "\n")
  }

  @Test func framesAddUpAlongTheDeepestCall() throws {
    // 16 + 40 B, below them 8 or, after a part of the frame is gone, 24 of a jump to a function that returns in its stead.
    let found = try bound(
      listing([
        (
          0x1000, "api_start",
          [
            "push {r4, r5, r6, lr}", "sub sp, #0x28", "bl 0x2000 <small> @ imm = #0", "add sp, #0x28",
            "pop.w {r4, r5, r6, lr}", "b.w 0x3000 <large> @ imm = #0",
          ]
        ),
        (0x2000, "small", ["push {r4, lr}", "pop {r4, pc}"]),
        (0x3000, "large", ["push.w {r4, r5, r6, r7, r8, lr}", "pop.w {r4, r5, r6, r7, r8, pc}"]),
        (
          0x4000, "api_vectors",
          ["vpush {d8, d9, d10}", "str lr, [sp, #-8]!", "ldr lr, [sp], #8", "vpop {d8, d9, d10}", "bx lr"]
        ),
      ]))
    #expect(found.bytes == ["api_start": 64, "api_vectors": 32])
  }

  @Test func aCallThatItsConditionMaySkipCounts() throws {
    let found = try bound(
      listing([
        (
          0x1000, "api_sample",
          ["push {r4, lr}", "cmp r5, #0x1", "it ls", "blls 0x2000 <column> @ imm = #0", "pop {r4, pc}"]
        ),
        (0x2000, "column", ["push {r4, r5, r6, lr}", "pop {r4, r5, r6, pc}"]),
      ]))
    #expect(found.bytes == ["api_sample": 24])
  }

  @Test func functionsOfOneNameAreToldApartByTheirAddresses() throws {
    let found = try bound(
      listing([
        (0x1000, "OUTLINED_FUNCTION_0", ["push {r4, lr}", "pop {r4, pc}"]),
        (0x2000, "api_one", ["push {r4, lr}", "bl 0x1000 <OUTLINED_FUNCTION_0>", "pop {r4, pc}"]),
        (
          0x3000, "OUTLINED_FUNCTION_0",
          ["push {r4, r5, r6, lr}", "bl 0x2000 <api_one>", "pop {r4, r5, r6, pc}"]
        ),
      ]))
    #expect(found.bytes == ["api_one": 16])
  }

  @Test func callsOfAnAddressThatIsConstantAreFollowed() throws {
    // The word at 0x1018 and the place after the addition, 0x100c, are 0x2001: Thumb code at 0x2000.
    let found = try bound(
      listing([
        (
          0x1000, "api_start",
          [
            "push {r4, lr}", "ldr r4, [pc, #0x10] @ 0x1018 <api_start+0x18>", "add r4, pc", "blx r4",
            "pop {r4, pc}", "nop", ".word 0xff5",
          ]
        ),
        (0x2000, "small", ["push {r4, r5, r6, lr}", "pop {r4, r5, r6, pc}"]),
      ]))
    #expect(found.bytes == ["api_start": 24])
  }

  @Test func framesOfRISCVAndJumpsByTableAreFollowed() throws {
    let found = try bound(
      listing([
        (
          0x1000, "api_start",
          [
            "addi sp, sp, -0x20", "beqz a0, 0x1010 <api_start+0x10>", "jr a1", "jal 0x2000 <deep>",
            "addi sp, sp, 0x20", "ret ",
          ]
        ),
        (0x2000, "deep", ["addi sp, sp, -0x10", "addi sp, sp, 0x10", "ret "]),
      ]))
    #expect(found.bytes == ["api_start": 48])
  }

  @Test func whatHasNoBoundIsRefusedByName() throws {
    let cases: [(instructions: [String], reason: String)] = [
      (["push {r4, lr}", "bl 0x1000 <api_start>", "pop {r4, pc}"], "recursion: api_start -> api_start"),
      (["push {r4, lr}", "blx r3", "pop {r4, pc}"], "api_start+0x4: blx r3: a call by address"),
      (
        ["push {r4, lr}", "sub sp, r0", "b 0x1008 <api_start+0x8>"],
        "api_start+0x4: sub sp, r0: a frame of unknown size"
      ),
      (["push {r4, lr}", "b 0x1000 <api_start>"], "the frame has 0 or 8 bytes there"),
      (["bl 0x5000 <elsewhere>", "bx lr"], "0x5000: called by api_start, and no function begins there"),
    ]
    for (instructions, reason) in cases {
      let found = try bound(listing([(0x1000, "api_start", instructions)]))
      #expect(found.bytes.isEmpty && found.refusal.contains(reason), "\(found.refusal)")
    }
  }
}

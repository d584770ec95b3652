import ECG
import Foundation
import HostDevice
import ModelFiles
import QuantInferTarget
import Simulation
import Support
import Testing
import TestSupport

/// A board that samples by itself: the host replays its samples, and both say the same.
@Suite struct BoardRecordTests {
  /// The shipped record's first half minute, as the device hears it.
  private static let seconds = 30.0
  private static func heard() throws -> StreamRun {
    try StreamRun.run(StreamRun.Options(model: ProjectFiles.model, record: ProjectFiles.record))
  }
  private static func samples() throws -> [Int16] {
    Array(try heard().acquisition.samples.prefix(Int(seconds * 128)))
  }

  private static func run(
    _ faults: HostBoard.Faults, seconds: Double = 30, model: String = ProjectFiles.model,
    _ change: (inout StreamRun.Options) -> Void = { _ in }
  ) throws -> StreamRun {
    let board = HostBoard(faults)
    let address = TargetAddress.tcp(host: "127.0.0.1", port: board.port)
    var options = StreamRun.Options(model: model, record: address.description)
    (options.target, options.boardSeconds) = (address, seconds)
    change(&options)
    return try StreamRun.run(options)
  }

  private static func message(_ faults: HostBoard.Faults) throws -> String {
    "\(try #require(throws: FileError.self) { try run(faults) })"
  }

  // claim: wire
  @Test func whatABoardSampledItselfIsReplayedWithTheSameBits() throws {
    let run = try Self.run(.init(source: (try Self.samples(), 1)), seconds: 25)
    let target = try #require(run.result.target)
    #expect((target.differing, target.failure, target.samples) == (0, nil, 3200))
    // As many decisions as the record's own run has until then, and a column every 8 samples after a first of 32.
    let same = try Self.heard().decisions.filter { $0.sample < 3200 }
    #expect((target.decisions >= same.count, target.columns, target.states) == (true, 397, 1))
    #expect(run.decisions.map(\.fixedLogits) == same.map(\.fixedLogits))
    #expect(run.decisions.map(\.announcement) == same.map(\.announcement))
    #expect(target.samplesFrom == .board && run.result.record == "a board on this host")
    #expect(
      target.sentence.hasSuffix(
        "0 differing. The record is the board's: it sampled by itself, and the host replayed these samples."))
    #expect(run.result.recordDigest == nil)
  }

  // claim: wire
  @Test func aBoardThatMisreadsItsOwnSamplesIsFound() throws {
    // A bit of the samples' ring, behind two buffers of 1,027 bytes and the image.
    let imageBytes = try Files.read(ProjectFiles.model).count
    let place = 2064 + (imageBytes + 15) / 16 * 16 + 30
    // The sample must be there, and not yet heard: one of some moments is the right one.
    var found: TargetResult?
    for afterBytes in stride(from: imageBytes + 2900, to: imageBytes + 3400, by: 50) where found == nil {
      let run = try Self.run(.init(flip: (afterBytes, place), source: (try Self.samples(), 1))) {
        $0.comparesLayers = true
      }
      found = run.result.target.flatMap { $0.differing > 0 ? $0 : nil }
    }
    let target = try #require(found)
    #expect(
      target.firstDifference?.part?.hasPrefix("samples, byte ") == true, "\(target.firstDifference as Any)")
  }

  @Test func aSourceThatEndsEarlyEndsTheRun() throws {
    let run = try Self.run(.init(source: (try Self.samples(), 1)), seconds: 600)
    let target = try #require(run.result.target)
    #expect((target.differing, target.failure, target.samples) == (0, nil, 3840))
    #expect(run.result.samples == 3840)
  }

  @Test func whatIsKeptIsTheRecordThatRunsAgain() throws {
    let folder = try TemporaryFolder()
    let run = try Self.run(.init(source: (try Self.samples(), 1))) { $0.keptRecord = folder("mine") }
    let again = try StreamRun.run(StreamRun.Options(model: ProjectFiles.model, record: folder("mine")))
    #expect(again.acquisition.samples == run.acquisition.samples)
    #expect(again.decisions.map(\.fixedLogits) == run.decisions.map(\.fixedLogits))
    #expect(run.result.recordDigest == again.result.recordDigest && run.result.recordDigest != nil)
  }

  @Test func twoLeadsOfTheBoardsOwnKeepTheirPlaces() throws {
    let model = ProjectFiles.path("Firmware/Leads/signs.qinf")
    let heard = try StreamRun.run(
      StreamRun.Options(model: model, record: ProjectFiles.path("Firmware/Leads/signs")))
    let leads = ([heard.acquisition] + heard.furtherLeads).map(\.samples)
    let frames = leads[0].indices.flatMap { frame in leads.map { $0[frame] } }
    let run = try Self.run(.init(source: (frames, 2)), seconds: 1000, model: model)
    #expect(run.result.target?.isSame == true)
    // Nothing is said of choosing leads, which a board's own samples don't let one do.
    #expect(!run.result.notes.contains { $0.text.contains("--lead") })
    #expect(([run.acquisition] + run.furtherLeads).map(\.samples) == leads)
    #expect(run.decisions.map(\.fixedLogits) == heard.decisions.map(\.fixedLogits))
  }

  @Test func eachWayToFailHasItsOwnLine() throws {
    #expect(
      try Self.message(.init()).contains(
        "has no samples of its own at this model's rate and of its leads; build its firmware with"))
    #expect(
      try Self.message(.init(source: ([1, 2, 3], 1))).contains("is 0.02 s long, shorter than the model's"))
    var loud = try Self.samples()
    loud[700] = 5000
    #expect(
      try Self.message(.init(source: (loud, 1))).contains(
        "sends counts that the profile's converter doesn't have; give the profile of the board's converter"))
    let run = try Self.run(.init(source: (try Self.samples(), 1), lostFrames: 3))
    #expect(run.result.target?.lostFrames == 3)
    #expect(run.result.target?.sentence.contains("3 came too fast for it and are missing") == true)
  }
}

/// A patient's patch on a board.
@Suite struct TargetPatchTests {
  private static let patch = ProjectFiles.path("Firmware/Monitor/mitdb-208.qpatch")

  private static func run(_ board: HostBoard, patch: String? = patch) throws -> StreamRun {
    var options = StreamRun.Options(model: ProjectFiles.model, record: ProjectFiles.record)
    options.target = .tcp(host: "127.0.0.1", port: board.port)
    options.patch = patch
    return try StreamRun.run(options)
  }

  // claim: wire
  @Test(arguments: [true, false]) func aPatchedBoardGivesThePatchedHostsBits(isInFlash: Bool) throws {
    let flash = isInFlash ? Array(try Files.read(ProjectFiles.model)) : []
    let run = try Self.run(HostBoard(flash: flash, memoryByteCount: isInFlash ? 8192 : 1 << 18))
    let target = try #require(run.result.target)
    #expect((target.image, target.differing, target.failure) == (isInFlash ? "flash" : "memory", 0, nil))
    #expect(target.decisions == 502)
    // A board that left the patch out would have decided as the shipped model does.
    let shipped = try Self.run(HostBoard(flash: flash), patch: nil)
    #expect(shipped.result.target?.isSame == true)
    #expect(run.decisions.map(\.fixedLogits) != shipped.decisions.map(\.fixedLogits))
  }

  @Test func aPatchThatABoardCantTakeIsRefusedWithARemedy() throws {
    func message(_ refusal: TargetFrame.Refusal) throws -> String {
      let board = HostBoard(.init(refusal: (TargetFrame.Request.patch, refusal)))
      return "\(try #require(throws: FileError.self) { try Self.run(board) })"
    }
    #expect(
      try message(.patchesNotBuilt).contains(
        "has a firmware without patches; build its firmware with -Xswiftc -DQUANTINFER_PATCH, or leave out --patch"
      ))
    let small = HostBoard(flash: Array(try Files.read(ProjectFiles.model)), memoryByteCount: 6144)
    let error = "\(try #require(throws: FileError.self) { try Self.run(small) })"
    #expect(error.contains("bytes of memory, of which this run needs"), "\(error)")
  }
}

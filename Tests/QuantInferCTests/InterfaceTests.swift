import CQuantInfer
import Foundation
import ModelFiles
import QuantInfer
import QuantInferC
import Support
import Testing
import TestSupport

/// The C interface against the Swift one, on the shipped model.
@Suite struct InterfaceTests {
  /// A device in memory of its own.
  private final class Device {
    let image: AlignedMemory
    let memory: AlignedMemory
    var needs = quantinfer_needs.empty
    private(set) var device: OpaquePointer?
    let status: quantinfer_status

    init(_ image: [UInt8], memoryByteCount: Int = 8192) {
      self.image = AlignedMemory(byteCount: max(1, image.count))
      self.image.bytes.copyBytes(from: image)
      memory = AlignedMemory(byteCount: max(8, memoryByteCount))
      _ = quantinfer_pipeline_inspect(self.image.bytes.baseAddress!, image.count, &needs)
      status = quantinfer_pipeline_init(
        &device, self.image.bytes.baseAddress!, image.count, memory.bytes.baseAddress!, memoryByteCount)
    }
  }

  private static func shipped() throws -> [UInt8] { Array(try Files.read(ProjectFiles.model)) }

  /// Beats that are none: what a network hears does not matter here.
  private static func samples(_ count: Int) -> [Int16] {
    (0..<count).map { Int16(truncatingIfNeeded: ($0 * $0 * 37 + $0 * 11) % 1500 - 700) }
  }

  // claim: c
  @Test func decisionsAreThePipelines() throws {
    let image = try Self.shipped()
    let c = Device(image)
    let device = try #require(c.device)
    let loaded = try LoadedModel(image: image)
    let state = AlignedMemory(byteCount: loaded.model.stateByteCount)
    let scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    var pipeline = try StreamingPipeline(model: loaded.model, state: state.bytes, scratch: scratch.bytes)
    let classCount = loaded.model.output.count
    #expect(c.needs.logit_count == UInt32(classCount))
    #expect(c.needs.state_byte_count == UInt32(loaded.model.stateByteCount))
    var decisions = 0
    for sample in Self.samples(1000) {
      let isFull = pipeline.push(sample) && pipeline.isWindowFull
      #expect(quantinfer_pipeline_push(device, sample) == isFull)
      guard isFull else { continue }
      var logits = [Int8](repeating: 0, count: classCount)
      var expected = logits
      expected.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
      let index = quantinfer_pipeline_decide(device, &logits, classCount)
      #expect(logits == expected && Int(index) == expected.firstIndex(of: expected.max()!))
      decisions += 1
    }
    #expect(decisions > 50)
  }

  // claim: c
  @Test func damagedImagesHaveTheHostsErrorCodes() throws {
    let image = try Self.shipped()
    var flipped = image
    flipped[3000] ^= 4
    var outdated = image
    outdated[ModelFormat.Header.version] += 1
    for damaged in [
      Array(image.dropLast(8)), Array(image.prefix(10)), flipped, outdated, [1, 2, 3, 4] + image,
    ] {
      let device = Device(damaged)
      let expected = #expect(throws: ModelError.self) { try LoadedModel(image: damaged) }
      #expect(device.status == Int(expected?.kind.rawValue ?? 0) && device.device == nil)
    }
  }

  /// A network of beats beside that of columns is a monitor's.
  @Test func aPipelineRefusesAnImageOfTwoNetworks() throws {
    let device = Device(Array(try Files.read(ProjectFiles.context)))
    #expect(device.status == Int(QUANTINFER_AT_BEATS_ALONE) && device.device == nil)
  }

  @Test func anImageIsSetUpWhereTheMakersFunctionSaysSo() throws {
    let image = try Self.shipped()
    let key = Ed25519.PrivateKey()
    for (bytes, accepts, status) in [
      (SignedFile(signing: image, with: key).bytes, true, QUANTINFER_OK),
      (SignedFile(signing: image, with: key).bytes, false, QUANTINFER_NOT_AUTHENTIC),
      (image, true, QUANTINFER_NOT_AUTHENTIC),
    ] {
      let (flash, memory) = (AlignedMemory(byteCount: bytes.count), AlignedMemory(byteCount: 8192))
      flash.bytes.copyBytes(from: bytes)
      var (device, accepting) = (OpaquePointer?.none, accepts)
      var count = 1
      let given = quantinfer_verify(
        flash.bytes.baseAddress!, bytes.count,
        { _, count, signature, context in
          // The signature's record lies behind the content, which is the shipped image's.
          context!.load(as: Bool.self) && count == signature!.load(fromByteOffset: 8, as: UInt32.self)
        }, &accepting, &count)
      #expect(given == status && count == (status == QUANTINFER_OK ? image.count : 0))
      guard given == QUANTINFER_OK else { continue }
      let isSetUp = quantinfer_pipeline_init(
        &device, flash.bytes.baseAddress!, count, memory.bytes.baseAddress!, 8192)
      #expect(isSetUp == QUANTINFER_OK && device != nil)
      withExtendedLifetime((flash, memory)) {}
    }
  }

  // claim: c
  @Test func imagesBeyondLimitsAreToldApart() throws {
    let image = try Self.shipped()
    let memory = AlignedMemory(byteCount: image.count)
    memory.bytes.copyBytes(from: image)
    defer { withExtendedLifetime(memory) {} }
    let loaded = try LoadedModel(image: image)
    defer { withExtendedLifetime(loaded) {} }
    let model = loaded.model
    let taken = quantinfer_limits(
      memory_byte_count: UInt32(model.runByteCount), operator_count: 4, input_count: 4,
      steps_per_decision: UInt32(model.stepsPerDecision))
    func check(_ change: (inout quantinfer_limits) -> Void) -> quantinfer_status {
      var limits = taken
      change(&limits)
      return quantinfer_check(memory.bytes.baseAddress!, image.count, &limits)
    }
    #expect(check { _ in } == QUANTINFER_OK)
    #expect(check { $0.memory_byte_count -= 1 } == QUANTINFER_BEYOND_LIMITS)
    #expect(check { $0.operator_count -= 1 } == QUANTINFER_BEYOND_LIMITS)
    #expect(check { $0.input_count -= 1 } == QUANTINFER_BEYOND_LIMITS)
    #expect(check { $0.steps_per_decision -= 1 } == QUANTINFER_BEYOND_LIMITS)
    #expect(check { $0.steps_per_decision = .max } == QUANTINFER_OK)
  }

  @Test func memoryIsAsMuchAsInspectTells() throws {
    let image = try Self.shipped()
    let needed = Int(Device(image).needs.memory_byte_count)
    #expect(Device(image, memoryByteCount: needed).status == QUANTINFER_OK)
    #expect(Device(image, memoryByteCount: needed - 1).status == QUANTINFER_MEMORY_TOO_SMALL)
    #expect(Device(image, memoryByteCount: 0).status == QUANTINFER_MEMORY_TOO_SMALL)
  }

  @Test func aRestoredDeviceGoesOnAndADamagedCopyIsRefused() throws {
    let image = try Self.shipped()
    let (first, second) = (Device(image), Device(image))
    let device = try #require(first.device)
    let restored = try #require(second.device)
    let samples = Self.samples(900)
    for sample in samples[..<600] { _ = quantinfer_pipeline_push(device, sample) }
    var copy = [UInt8](repeating: 0, count: Int(first.needs.saved_byte_count))
    #expect(quantinfer_pipeline_save(device, &copy, copy.count) == QUANTINFER_OK)
    #expect(quantinfer_pipeline_save(device, &copy, copy.count - 1) == QUANTINFER_MEMORY_TOO_SMALL)
    copy[40] ^= 1
    #expect(quantinfer_pipeline_restore(restored, copy, copy.count) == QUANTINFER_SAVED_CHECKSUM)
    copy[40] ^= 1
    #expect(quantinfer_pipeline_restore(restored, copy, copy.count) == QUANTINFER_OK)
    #expect(quantinfer_pipeline_is_sound(restored))
    for sample in samples[600...] {
      let isFull = quantinfer_pipeline_push(device, sample)
      #expect(quantinfer_pipeline_push(restored, sample) == isFull)
      guard isFull else { continue }
      var (one, other) = ([Int8](repeating: 0, count: 4), [Int8](repeating: 1, count: 4))
      #expect(quantinfer_pipeline_decide(device, &one, 4) == quantinfer_pipeline_decide(restored, &other, 4))
      #expect(one == other)
    }
  }

  @Test func noWindowOrNoRoomGivesNoDecision() throws {
    let device = Device(try Self.shipped())
    let pointer = try #require(device.device)
    var logits = [Int8](repeating: 0, count: 4)
    #expect(quantinfer_pipeline_decide(pointer, &logits, 4) == -1)
    for sample in Self.samples(368) { _ = quantinfer_pipeline_push(pointer, sample) }
    #expect(quantinfer_pipeline_decide(pointer, &logits, 3) == -1)
    #expect(quantinfer_pipeline_decide(pointer, &logits, 4) >= 0)
    quantinfer_pipeline_reset(pointer)
    #expect(quantinfer_pipeline_decide(pointer, &logits, 4) == -1)
  }
}

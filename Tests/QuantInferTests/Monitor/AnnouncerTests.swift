import ModelFiles
import QuantInfer
import Support
import Testing

/// By hand, and against a plain rule book in arrays.
@Suite struct AnnouncerTests {
  /// An announcer in memory of its own.
  private final class Device {
    let memory: AlignedMemory
    private var announcer: Announcer

    init(_ policy: AnnouncementPolicy, classCount: Int = 3) throws {
      memory = AlignedMemory(byteCount: Announcer.stateByteCount(policy))
      announcer = try Announcer(policy: policy, classCount: classCount, state: memory.bytes)
    }

    func announce(_ logits: [Int8]) -> Announcement {
      logits.withUnsafeBufferPointer { announcer.announce($0) }
    }

    func announceNothing(_ reason: NoResult) -> Announcement { announcer.announceNothing(reason) }

    var present: Int? { announcer.presentClass }
    var isSound: Bool { announcer.isStateSound }

    func saved() throws -> [UInt8] {
      let copy = AlignedMemory(byteCount: announcer.savedByteCount)
      try announcer.save(into: copy.bytes)
      return Array(copy.bytes)
    }

    func restore(_ copy: [UInt8]) throws { try copy.withUnsafeBytes { try announcer.restore(from: $0) } }
  }

  private func policy(
    majority: Int = 1, hysteresis: Int = 1, hysteresisMargin: Int = 0, minimumMargin: Int = 0
  ) -> AnnouncementPolicy {
    var policy = AnnouncementPolicy()
    (policy.majorityCount, policy.hysteresisCount) = (majority, hysteresis)
    (policy.hysteresisMarginCodes, policy.minimumMarginCodes) = (hysteresisMargin, minimumMargin)
    return policy
  }

  /// Logits for a class with a margin.
  private func logits(_ classIndex: Int, margin: Int8 = 10) -> [Int8] {
    (0..<3).map { $0 == classIndex ? margin : 0 }
  }

  private func classes(_ device: Device, _ decided: [Int]) -> [Int?] {
    decided.map { decided in
      if case .result(let classIndex, _) = device.announce(logits(decided)) { return classIndex }
      return nil
    }
  }

  @Test func withoutRulesEachDecisionIsAnnouncedWithItsMargin() throws {
    let device = try Device(policy())
    #expect(device.announce([-128, 127, 5]) == .result(classIndex: 1, marginCodes: 122))
    #expect(device.announce([7, 3, 7]) == .result(classIndex: 0, marginCodes: 0))
    #expect(device.announce([-128, -128, -128]) == .result(classIndex: 0, marginCodes: 0))
  }

  @Test func theMajorityDecidesAndTiesKeepThePresentResult() throws {
    let device = try Device(policy(majority: 3))
    // 0; 0,1: tie; 0,1,1; 1,1,0; 1,0,2: three alike, 1 stays; 0,2,2.
    #expect(classes(device, [0, 1, 1, 0, 2, 2]) == [0, 0, 1, 1, 1, 2])
    // 0,1,2,2 has a winner; 1,2,2,1 is tied, and 2 stays.
    let other = try Device(policy(majority: 4))
    #expect(classes(other, [0, 1, 2, 2, 1]) == [0, 0, 0, 2, 2])
  }

  @Test func aNewClassHasToComeInARow() throws {
    let device = try Device(policy(hysteresis: 3))
    #expect(classes(device, [0, 1, 1, 0, 1, 1, 1, 2, 1]) == [0, 0, 0, 0, 0, 0, 1, 1, 1])
    // The announced class's margin is below 0 where the newest decision is for another one.
    #expect(device.announce(logits(2, margin: 9)) == .result(classIndex: 1, marginCodes: -9))
  }

  @Test func aLargeMarginChangesTheClassAtOnce() throws {
    let device = try Device(policy(hysteresis: 5, hysteresisMargin: 20))
    _ = device.announce(logits(0))
    #expect(device.announce(logits(1, margin: 19)) == .result(classIndex: 0, marginCodes: -19))
    #expect(device.announce(logits(1, margin: 20)) == .result(classIndex: 1, marginCodes: 20))
  }

  @Test func aSmallMarginGivesNoResultAndIsForgotten() throws {
    let device = try Device(policy(majority: 3, minimumMargin: 4))
    _ = device.announce(logits(0))
    for _ in 0..<5 { #expect(device.announce(logits(1, margin: 3)) == .noResult(.lowMargin)) }
    #expect(device.announce(logits(0, margin: 4)) == .result(classIndex: 0, marginCodes: 4))
  }

  @Test func whatCameBeforeAGapIsNoEvidence() throws {
    let device = try Device(policy(majority: 5, hysteresis: 3))
    _ = classes(device, [0, 0, 0, 0, 0])
    #expect(device.announceNothing(.flatLine) == .noResult(.flatLine) && device.present == nil)
    #expect(classes(device, [1]) == [1])
  }

  /// The rules once more, as the documentation has them, with all decisions at hand.
  private func expected(_ policy: AnnouncementPolicy, _ decisions: [[Int8]]) -> [Int?] {
    var kept: [Int] = []
    var candidates: [Int] = []
    var present: Int?
    return decisions.map { logits in
      let order = logits.indices.sorted { (logits[$1], $0) < (logits[$0], $1) }
      let margin = Int(logits[order[0]]) - Int(logits[order[1]])
      guard margin >= policy.minimumMarginCodes else { return nil }
      kept.append(order[0])
      let votes = kept.suffix(policy.majorityCount)
      let most = Set(votes).map { own in votes.count { $0 == own } }.max()
      let tied = Set(votes).filter { own in votes.count { $0 == own } == most }
      let candidate = present.flatMap { tied.contains($0) ? $0 : nil } ?? votes.last { tied.contains($0) }!
      candidates.append(candidate)
      let isSure =
        policy.hysteresisMarginCodes > 0 && candidate == order[0] && margin >= policy.hysteresisMarginCodes
      let isSteady =
        candidates.count >= policy.hysteresisCount
        && candidates.suffix(policy.hysteresisCount).allSatisfy { $0 == candidate }
      if present == nil || isSure || isSteady { present = candidate }
      return present
    }
  }

  @Test func randomDecisionsAreAnnouncedByTheRules() throws {
    var random = SeededGenerator(seed: 61)
    for _ in 0..<200 {
      let policy = policy(
        majority: 1 + random.nextIndex(below: 8), hysteresis: 1 + random.nextIndex(below: 5),
        hysteresisMargin: random.nextIndex(below: 12), minimumMargin: random.nextIndex(below: 4))
      let decisions = (0..<60).map { _ in (0..<3).map { _ in Int8(random.nextIndex(below: 16)) } }
      let device = try Device(policy)
      let announced = decisions.map { logits -> Int? in
        if case .result(let classIndex, _) = device.announce(logits) { return classIndex }
        return nil
      }
      #expect(announced == expected(policy, decisions))
    }
  }

  @Test func aRestoredAnnouncerGoesOnAlike() throws {
    var random = SeededGenerator(seed: 62)
    let policy = policy(majority: 5, hysteresis: 3)
    let decisions = (0..<300).map { _ in (0..<3).map { _ in Int8(random.nextIndex(below: 9)) } }
    let plain = try Device(policy)
    var device = try Device(policy)
    for logits in decisions {
      #expect(device.announce(logits) == plain.announce(logits))
      let copy = try device.saved()
      device = try Device(policy)
      try device.restore(copy)
    }
    var copy = try device.saved()
    copy[copy.count - 1] ^= 1
    #expect(throws: SavedStateError.checksumMismatch) { try device.restore(copy) }
  }

  @Test func aDamagedStateIsFoundOrHarmless() throws {
    var random = SeededGenerator(seed: 63)
    for _ in 0..<2000 {
      let device = try Device(policy(majority: 7, hysteresis: 2))
      _ = classes(device, [0, 1, 2, 1, 0, 2, 2])
      let byte = random.nextIndex(below: device.memory.bytes.count)
      device.memory.bytes[byte] = UInt8(truncatingIfNeeded: random.next())
      let wasSound = device.isSound
      // Three classes: nothing else is announced, whatever the state.
      for decided in [0, 1, 2, 0] {
        if case .result(let classIndex, _) = device.announce(logits(decided)) {
          #expect((0..<3).contains(classIndex), "sound: \(wasSound)")
        }
      }
    }
  }
}

import ModelFiles
import QuantInfer
import Support
import Testing

@Suite struct RhythmWatchTests {
  private func irregular(_ intervals: [Int32], percent: Int) throws -> [Bool] {
    let memory = AlignedMemory(byteCount: RhythmWatch.stateByteCount)
    defer { withExtendedLifetime(memory) {} }
    var watch = try RhythmWatch(percent: percent, state: memory.bytes)
    return intervals.map { watch.push($0) }
  }

  @Test func sevenIntervalsAreLearntFirst() throws {
    #expect(
      try irregular([Int32](repeating: 100, count: 9), percent: 10) == [
        true, true, true, true, true, true, true, false, false,
      ])
  }

  @Test func anExtrasystoleAndItsPauseAreIrregular() throws {
    let intervals: [Int32] = [100, 101, 99, 100, 102, 98, 100, 65, 135, 100, 110, 111]
    #expect(try irregular(intervals, percent: 10).suffix(5) == [true, true, false, false, true])
  }

  @Test func randomIntervalsAreJudgedByTheMedian() throws {
    var random = SeededGenerator(seed: 66)
    for _ in 0..<50 {
      let percent = 1 + random.nextIndex(below: 40)
      let intervals = (0..<100).map { _ in Int32(60 + random.nextIndex(below: 60)) }
      let found = try irregular(intervals, percent: percent)
      for index in 7..<intervals.count {
        let median = intervals[index - 7..<index].sorted()[3]
        #expect(found[index] == (abs(intervals[index] - median) * 100 > median * Int32(percent)))
      }
    }
  }

  @Test func noStateAndNoIntervalTraps() throws {
    var random = SeededGenerator(seed: 67)
    let memory = AlignedMemory(byteCount: RhythmWatch.stateByteCount)
    var watch = try RhythmWatch(percent: .max, state: memory.bytes)
    for _ in 0..<2000 {
      for index in memory.bytes.indices { memory.bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
      for interval in [Int32.min, .max, 0, -1] { _ = watch.push(interval) }
    }
    watch.reset()
    let learns = watch.push(100)
    #expect(learns)
    withExtendedLifetime(memory) {}
  }
}

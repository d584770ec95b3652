import Foundation
import QuantInfer
import Tasks

/// The front end's record of beats, as an image holds it, and behind it the constants of the intervals' figures.
package struct BeatRecord: Sendable {
  /// The bytes: `ModelFormat.FrontEnd.byteCount` of the record, then the constants, whose offset is that size.
  package let bytes: [UInt8]

  /// Lays out settings.
  ///
  /// - Precondition: The settings have no problem.
  package init(_ settings: SpectrogramSettings, _ beats: BeatSettings, microvoltsPerCount: Float) {
    typealias Field = ModelFormat.FrontEnd
    var bytes = [UInt8](repeating: 0, count: Field.byteCount + 4 + 8 * BeatSettings.figureCount)
    func put<Number: FixedWidthInteger>(_ number: Number, at place: Int) {
      withUnsafeBytes(of: number.littleEndian) { bytes.replaceSubrange(place..<place + $0.count, with: $0) }
    }
    func q16(_ value: Double) -> Int32 { Int32((value * 65_536).rounded()) }
    put(UInt32((settings.sampleRateHz * 1000).rounded()), at: Field.sampleRateMillihertz)
    put(UInt16(settings.hopSamples), at: Field.hopSamples)
    put(UInt16(settings.leadSamples(of: beats)), at: Field.leadSamples)
    put(UInt16(beats.inputCount), at: Field.binCount)
    put(UInt8(beats.pointShift), at: Field.pointShift)
    put(UInt16(settings.nextLimitSamples(of: beats)), at: Field.nextLimitSamples)
    for (index, count) in [beats.earlyPoints, beats.finePoints, beats.latePoints].enumerated() {
      put(UInt8(count), at: Field.pointCounts + index)
    }
    put(UInt8(beats.askCount), at: Field.askCount)
    put(UInt8(settings.reachSamples(of: beats)), at: Field.reachSamples)
    put(UInt8(beats.teachEvery), at: Field.teachEvery)
    put(UInt16((beats.knownDistance * 256).rounded()), at: Field.knownDistanceQ8)
    put(q16(beats.leastIntervalOctaves), at: Field.leastIntervalLog2Q16)
    put(q16(beats.mostIntervalOctaves), at: Field.mostIntervalLog2Q16)
    let step = beats.templateStepMicrovolts / Double(microvoltsPerCount) * Double(16 << beats.pointShift)
    put(Int32(min(max(1, step.rounded()), 1_048_576)), at: Field.templateStepQ4)
    put(microvoltsPerCount.bitPattern, at: Field.microvoltsPerCountBits)
    put(UInt32(Field.byteCount), at: Field.intervalFigures)
    put(q16(log2(settings.sampleRateHz)), at: Field.byteCount)
    for index in 0..<BeatSettings.figureCount {
      let mean = beats.figureMeans.isEmpty ? 0 : beats.figureMeans[index]
      let deviation = beats.figureDeviations.isEmpty ? 1 : beats.figureDeviations[index]
      put(q16(mean), at: Field.byteCount + 4 + 8 * index)
      let codesQ2 = min(4096, 4 * BeatSettings.codesPerUnit / deviation)
      put(Int32(codesQ2.rounded()), at: Field.byteCount + 8 + 8 * index)
    }
    self.bytes = bytes
  }

  /// Reads the record as the device does.
  package func withPlan<Result>(_ body: (BeatPlan) -> Result) -> Result {
    let words = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 4)
    defer { words.deallocate() }
    words.copyBytes(from: bytes)
    return body(BeatPlan(record: UnsafeRawPointer(words.baseAddress!)))
  }
}

extension SpectrogramSettings {
  /// The settings that an image's front end of beats tells.
  package init(_ plan: BeatPlan) {
    let rate = Double(plan.sampleRateMillihertz) / 1000
    var beats = BeatSettings(microvoltsPerCount: Double(Float(bitPattern: plan.microvoltsPerCountBits)))
    beats.pointShift = plan.samplesPerPoint.trailingZeroBitCount
    (beats.earlyPoints, beats.finePoints, beats.latePoints) = (
      plan.earlyCount, plan.fineCount, plan.lateCount
    )
    beats.leadSeconds = Double(plan.leadSamples) / rate
    beats.nextLimitSeconds = Double(plan.nextLimitSamples) / rate
    beats.templateStepMicrovolts =
      Double(plan.templateStepQ4) * beats.microvoltsPerCount / Double(16 * plan.samplesPerPoint)
    beats.knownDistance = Double(plan.knownDistanceQ8) / 256
    beats.leastIntervalOctaves = Double(plan.knownIntervalsLog2Q16.least) / 65_536
    beats.mostIntervalOctaves = Double(plan.knownIntervalsLog2Q16.most) / 65_536
    beats.askCount = plan.askCount
    (beats.reachSeconds, beats.teachEvery) = (Double(plan.reachSamples) / rate, plan.teachEvery)
    let figures = (0..<BeatSettings.figureCount).map(plan.figure)
    beats.figureMeans = figures.map { Double($0.meanQ16) / 65_536 }
    beats.figureDeviations = figures.map { 4 * BeatSettings.codesPerUnit / Double(max(1, $0.codesPerUnitQ2)) }
    self.init(beats: beats, sampleRateHz: rate)
    (hopSamples, windowSamples) = (plan.hopSamples, plan.hopSamples)
  }
}

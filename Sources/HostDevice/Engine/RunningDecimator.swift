import ModelFiles
import QuantInfer

/// The device's decimator on the host, in memory of its own.
package struct RunningDecimator: ~Copyable {
  private var decimator: Decimator
  private let taps: UnsafeMutableBufferPointer<Int16>
  private let memory: AlignedMemory

  /// Starts a decimator.
  ///
  /// - Throws: `MemoryError`, which taps by their own design don't have.
  package init(_ design: DecimatorTaps) throws(MemoryError) {
    let stateByteCount = (Decimator.stateByteCount(tapCount: design.tapCount) + 15) / 16 * 16
    let memory = AlignedMemory(byteCount: stateByteCount + 2 * design.tapsQ15.count)
    let taps = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[stateByteCount...]).bindMemory(
      to: Int16.self)
    _ = taps.update(fromContentsOf: design.tapsQ15)
    decimator = try Decimator(
      numerator: design.numerator, denominator: design.denominator, tapsQ15: UnsafeBufferPointer(taps),
      state: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<stateByteCount]))
    (self.taps, self.memory) = (taps, memory)
  }

  /// The counts at the lower rate, in their places: without the outputs of the delay at the start.
  package mutating func callAsFunction(_ counts: [Int16]) -> [Int16] {
    var outputs = [Int16]()
    for count in counts {
      if let output = decimator.push(count) { outputs.append(output) }
    }
    return Array(outputs.dropFirst(DecimatorTaps.delaySamples))
  }
}

import Networks
import QuantInfer
import Tasks

/// The integers that turn a converter's counts into a network's input codes.
package struct SampleScaling: Equatable, Sendable {
  /// The settings that they implement.
  package let settings: SampleSettings
  /// The microvolts that one count of the converter stands for.
  package let microvoltsPerCount: Float
  /// From counts in Q12 to codes.
  let multiplier: FixedPointMultiplier
  let offsetQ12: Int32
  let zeroCode: Int32

  /// Computes the integers.
  ///
  /// - Parameters:
  ///   - settings: What the network was trained on.
  ///   - microvoltsPerCount: The converter's step.
  ///   - input: The network's input, for its scale and zero point.
  /// - Throws: `InvalidNetwork` where integers can't hold the settings.
  package init(
    _ settings: SampleSettings, microvoltsPerCount: Float, input: QuantizedNetwork.Tensor
  ) throws(InvalidNetwork) {
    guard settings.sampleRateHz >= 0.001, settings.sampleRateHz <= 1e6, microvoltsPerCount > 0,
      microvoltsPerCount.isFinite, (1...12).contains(settings.highPassShift ?? 1)
    else { throw InvalidNetwork("the fixed-point front end can't hold these sample settings") }
    self.settings = settings
    self.microvoltsPerCount = microvoltsPerCount
    let step = Double(microvoltsPerCount)
    let codesPerCount = step / (settings.microvoltsPerUnit * Double(input.scale))
    // Below, all counts would have one code; above, a count would be more than the code's range.
    guard codesPerCount >= 0x1p-16, codesPerCount <= 256 else {
      throw InvalidNetwork(
        "with \(settings.microvoltsPerUnit) uV a unit, a count of the converter is \(codesPerCount) codes of the "
          + "network's input, which is not in 1/65,536 ... 256")
    }
    multiplier = FixedPointMultiplier(real: codesPerCount / 4096)
    let offset = (settings.offsetMicrovolts / step * 4096).rounded()
    guard abs(offset) <= Double(SamplePlan.greatestOffsetQ12) else {
      throw InvalidNetwork("an offset of \(settings.offsetMicrovolts) uV is beyond the converter's counts")
    }
    offsetQ12 = Int32(offset)
    zeroCode = Int32(input.zeroPoint)
  }
}

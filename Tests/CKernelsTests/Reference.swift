import CKernels
import Support

/// The instruction sets that this machine has.
let availableSets: [qi_instruction_set] = [qi_avx2, qi_avx512, qi_amx, qi_neon].filter {
  qi_has_instruction_set($0)
}

/// The constants of a requantization, in whole blocks of 4 channels.
struct Requantization {
  var biases: [Int32]
  var multipliers: [Int32]
  var shifts: [Int32]
  var zeroPoint: Int32
  var minimum: Int32
  var maximum: Int32

  /// The output code of a channel's sum, in 64-bit arithmetic, step by step as the header defines it.
  func code(_ sum: Int32, channel: Int) -> Int32 {
    let shift = shifts[channel]
    let x = Int64((sum &+ biases[channel]) &<< max(shift, 0))
    let y = (x * Int64(multipliers[channel]) + 1 << 30) >> 31
    let divisor = Int64(1) << Int64(max(-shift, 0))
    let magnitude = (abs(y) + divisor / 2) / divisor
    let z = Int32(truncatingIfNeeded: y < 0 ? -magnitude : magnitude)
    return min(max(z &+ zeroPoint, minimum), maximum)
  }
}

/// Random shapes and values, extreme ones often among them.
struct Cases {
  var random: SeededGenerator

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
  }

  mutating func integer(in range: ClosedRange<Int>) -> Int {
    range.lowerBound + random.nextIndex(below: range.count)
  }

  mutating func chance(_ oneIn: Int) -> Bool {
    random.nextIndex(below: oneIn) == 0
  }

  /// `count` values of which a share that differs from call to call is the least or the greatest.
  mutating func values<T: FixedWidthInteger>(_ count: Int, of type: T.Type = T.self) -> [T] {
    let extremeShare = [0, 1, 8][integer(in: 0...2)]
    return (0..<count).map { _ in
      if random.nextIndex(below: 8) < extremeShare {
        return chance(2) ? .min : .max
      }
      return T(truncatingIfNeeded: random.next())
    }
  }

  /// Constants for whole blocks; in most cases all shifts go right, as they do in trained networks.
  mutating func requantization(channels: Int, codes: ClosedRange<Int>, largestSum: Int) -> Requantization {
    let count = (channels + 3) / 4 * 4
    let leastShift = chance(3) ? -31 : -Int(largestSum.bitWidth - largestSum.leadingZeroBitCount)
    let greatestShift = chance(3) ? 30 : -1
    let bounds = [integer(in: codes), integer(in: codes)].sorted()
    let isWhole = chance(2)
    return Requantization(
      biases: values(count).map { (bias: Int32) in bias >> Int32(integer(in: 0...31)) },
      multipliers: (0..<count).map { _ in
        switch integer(in: 0...5) {
        case 0: 0
        case 1: 1 << 30
        case 2: 3 << 29
        case 3: .max
        default: Int32(integer(in: 1 << 30...Int(Int32.max)))
        }
      },
      shifts: (0..<count).map { _ in Int32(integer(in: max(leastShift, -31)...greatestShift)) },
      zeroPoint: Int32(integer(in: codes)),
      minimum: Int32(isWhole ? codes.lowerBound : bounds[0]),
      maximum: Int32(isWhole ? codes.upperBound : bounds[1]))
  }
}

/// SVDF: a feature filter of int8 codes, whose results a second filter weighs over the last steps.
public struct ReferenceSVDF: Equatable, Sendable {
  /// `[filter, input]`.
  public var featureWeights: [Int]
  /// `[filter, memory]`.
  public var timeWeights: [Int]
  /// One a unit; empty for none.
  public var biases: [Int]
  /// The number of filters that add up to a unit.
  public var rank: Int
  /// The number of filters.
  public var filterCount: Int
  /// The input's code of real 0.
  public var zeroPoint: Int
  /// From a feature's sum to the state's codes.
  public var featureMultiplier: ReferenceMultiplier
  /// The state's code of real 0: not 0 for an int8 state only.
  public var stateZeroPoint: Int
  /// 16 or 8.
  public var stateBits: Int
  /// From a unit's sum to output codes.
  public var outputMultiplier: ReferenceMultiplier
  /// The output's code of real 0.
  public var outputZeroPoint: Int
  /// The codes that the output may have.
  public var range: ClosedRange<Int>

  /// Creates a filter.
  public init(
    featureWeights: [Int], timeWeights: [Int], biases: [Int], rank: Int, filterCount: Int, zeroPoint: Int,
    featureMultiplier: ReferenceMultiplier, stateZeroPoint: Int, stateBits: Int,
    outputMultiplier: ReferenceMultiplier, outputZeroPoint: Int, range: ClosedRange<Int>
  ) {
    (self.featureWeights, self.timeWeights, self.biases) = (featureWeights, timeWeights, biases)
    (self.rank, self.filterCount, self.zeroPoint) = (rank, filterCount, zeroPoint)
    (self.featureMultiplier, self.stateZeroPoint) = (featureMultiplier, stateZeroPoint)
    (self.stateBits, self.outputMultiplier) = (stateBits, outputMultiplier)
    (self.outputZeroPoint, self.range) = (outputZeroPoint, range)
  }

  /// One step.
  ///
  /// - Parameters:
  ///   - input: `[batch, input]`.
  ///   - state: `[batch, filter, memory]`, the newest result last; it is shifted.
  /// - Returns: The output's codes, `[batch, unit]`.
  public func step(_ input: [Int], state: inout [Int]) -> [Int] {
    let inputCount = featureWeights.count / filterCount
    let memory = timeWeights.count / filterCount
    let stateRange = -(1 << (stateBits - 1))...(1 << (stateBits - 1)) - 1
    var codes: [Int] = []
    for b in 0..<input.count / inputCount {
      var sums: [Int] = []
      for f in 0..<filterCount {
        let first = (b * filterCount + f) * memory
        for m in 1..<memory { state[first + m - 1] = state[first + m] }
        var feature = 0
        for i in 0..<inputCount {
          feature += (input[b * inputCount + i] - zeroPoint) * featureWeights[f * inputCount + i]
        }
        feature = featureMultiplier.scale(ReferenceArithmetic.wrapped(feature))
        // The clamp comes before the zero point, whose sum keeps the state's lower bits only.
        feature = ReferenceArithmetic.clamped(feature, to: stateRange) + stateZeroPoint
        state[first + memory - 1] =
          stateBits == 16 ? Int(Int16(truncatingIfNeeded: feature)) : Int(Int8(truncatingIfNeeded: feature))
        sums.append(
          (0..<memory).reduce(0) {
            $0 + (state[first + $1] - stateZeroPoint) * timeWeights[f * memory + $1]
          })
      }
      for unit in 0..<filterCount / rank {
        let sum = (0..<rank).reduce(biases.isEmpty ? 0 : biases[unit]) { $0 + sums[unit * rank + $1] }
        let scaled = outputMultiplier.scale(ReferenceArithmetic.wrapped(sum))
        codes.append(
          ReferenceArithmetic.clamped(ReferenceArithmetic.wrapped(scaled + outputZeroPoint), to: range))
      }
    }
    return codes
  }
}

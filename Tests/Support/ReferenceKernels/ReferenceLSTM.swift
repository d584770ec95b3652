/// UNIDIRECTIONAL_SEQUENCE_LSTM of one batch: the gates of each step are two fully connected operators, to Q3.12.
public struct ReferenceLSTM: Equatable, Sendable {
  /// A gate's weights, biases and what turns sums into codes, for all units.
  public struct Gates: Equatable, Sendable {
    /// `[gate, unit, input]`: the input gate, the forget gate, the cell gate, the output gate.
    public var weights: [Int]
    /// `[gate, unit]`.
    public var biases: [Int]
    /// From sums to codes in Q3.12.
    public var output: ReferenceOutput

    /// Creates gates.
    public init(weights: [Int], biases: [Int], output: ReferenceOutput) {
      (self.weights, self.biases, self.output) = (weights, biases, output)
    }
  }

  /// Of the inputs.
  public var inputs: Gates
  /// Of the output of the step before.
  public var recurrence: Gates
  /// The logistic function's upper half: 256 values for arguments of 24ths.
  public var tableQ16: [Int]
  /// From the cell's codes to 256ths of the table's steps, before the shift.
  public var cellFactor: Int
  /// The right shift after it, which rounds half up.
  public var cellShift: Int
  /// The greatest magnitude of the cell's codes.
  public var cellLimit: Int
  /// From products in Q30 to the cell's codes.
  public var cellMultiplier: ReferenceMultiplier
  /// From products in Q30 to output codes.
  public var outputMultiplier: ReferenceMultiplier
  /// The input's code of real 0.
  public var zeroPoint: Int
  /// The output's code of real 0.
  public var outputZeroPoint: Int
  /// The codes that the output may have.
  public var range: ClosedRange<Int>

  /// Creates a memory.
  public init(
    inputs: Gates, recurrence: Gates, tableQ16: [Int], cellFactor: Int, cellShift: Int, cellLimit: Int,
    cellMultiplier: ReferenceMultiplier, outputMultiplier: ReferenceMultiplier, zeroPoint: Int,
    outputZeroPoint: Int, range: ClosedRange<Int>
  ) {
    (self.inputs, self.recurrence, self.tableQ16) = (inputs, recurrence, tableQ16)
    (self.cellFactor, self.cellShift, self.cellLimit) = (cellFactor, cellShift, cellLimit)
    (self.cellMultiplier, self.outputMultiplier) = (cellMultiplier, outputMultiplier)
    (self.zeroPoint, self.outputZeroPoint, self.range) = (zeroPoint, outputZeroPoint, range)
  }

  /// All steps, from a hidden state and a cell of 0.
  ///
  /// - Parameters:
  ///   - input: `[step, input]`.
  ///   - stepCount: The number of steps.
  /// - Returns: The output's codes, `[step, unit]`.
  public func run(_ input: [Int], stepCount: Int) -> [Int] {
    let units = inputs.biases.count / 4
    let inputCount = input.count / stepCount
    let saturation = -32_768...32_767
    var cell = [Int](repeating: 0, count: units)
    var hidden = [Int](repeating: outputZeroPoint, count: units)
    var codes: [Int] = []
    for step in 0..<stepCount {
      let row = Array(input[step * inputCount..<(step + 1) * inputCount])
      let ofInputs = referenceFullyConnected(
        row, zeroPoint: zeroPoint, weights: inputs.weights, biases: inputs.biases, outputCount: 4 * units,
        output: inputs.output)
      let ofHidden = referenceFullyConnected(
        hidden, zeroPoint: outputZeroPoint, weights: recurrence.weights, biases: recurrence.biases,
        outputCount: 4 * units, output: recurrence.output)
      let sums = zip(ofInputs, ofHidden).map { ReferenceArithmetic.clamped($0 + $1, to: saturation) }
      func gate(_ index: Int) -> [Int] { Array(sums[index * units..<(index + 1) * units]) }
      func logistic(_ x: [Int]) -> [Int] {
        referenceLogistic16(x, multiplier: 3, shift: 0, tableQ16: tableQ16)
      }
      let (entering, kept, leaving) = (logistic(gate(0)), logistic(gate(1)), logistic(gate(3)))
      let candidate = referenceTanh16(gate(2), multiplier: 3, shift: 0, tableQ16: tableQ16)
      let fromQ15 = ReferenceMultiplier(multiplierQ31: 1 << 30, leftShift: -14)
      for unit in 0..<units {
        let old = ReferenceArithmetic.clamped(fromQ15.scale(kept[unit] * cell[unit]), to: saturation)
        let new = ReferenceArithmetic.clamped(
          cellMultiplier.scale(entering[unit] * candidate[unit]), to: saturation)
        let sum = ReferenceArithmetic.clamped(old + new, to: saturation)
        cell[unit] = ReferenceArithmetic.clamped(sum, to: -cellLimit...cellLimit)
      }
      let activated = referenceTanh16(cell, multiplier: cellFactor, shift: cellShift, tableQ16: tableQ16)
      hidden = (0..<units).map { unit in
        ReferenceArithmetic.clamped(
          outputMultiplier.scale(activated[unit] * leaving[unit]) + outputZeroPoint, to: range)
      }
      codes += hidden
    }
    return codes
  }
}

import CKernels

/// A convolution with random operands.
struct RandomConvolution {
  /// Whose kernel computes it.
  var set = qi_dsp
  /// How many cells the scratch has room for, where that may vary.
  var cellsAtOnce = 1
  /// Room beyond that, in bytes.
  var spareScratch = 0
  var time = Step()
  var frequency = Step()
  var columns = 1
  var rows = 1
  /// The ring's number of columns, and where column 0 lies.
  var capacity = 1
  var start = 0
  var groupChannels: Int
  var groups = 1
  var groupOutputs: Int
  var firstColumn = 0
  var outputRows = 1
  var cells: Int
  let zeroPoint: Int8
  /// The ring.
  var input: [Int8] = []
  /// `[output channel][input]`.
  var weights: [[Int8]] = []
  var requantization: Requantization

  struct Step {
    var taps = 1
    var stride = 1
    var dilation = 1
    var padding = 0

    init() {}

    init(from cases: inout Cases) {
      taps = cases.integer(in: 1...4)
      stride = cases.integer(in: 1...3)
      dilation = cases.chance(2) ? 1 : cases.integer(in: 1...3)
      padding = cases.chance(2) ? 0 : cases.integer(in: 0...(taps - 1) * dilation)
    }

    var foreign: qi_window_step {
      qi_window_step(
        taps: Int32(taps), stride: Int32(stride), dilation: Int32(dilation), padding: Int32(padding))
    }
  }

  var shape: String {
    """
    time \(time), frequency \(frequency), \(columns) x \(rows), capacity \(capacity) from \(start), \
    groups \(groups) of \(groupChannels) to \(groupOutputs), \(cells) cells in rows of \(outputRows)
    """
  }

  var inputsPerOutput: Int { time.taps * frequency.taps * groupChannels }

  /// A window of one cell that moves along some rows.
  init(from cases: inout Cases, rows: Int, channels: Int, outputChannels: Int) {
    self.rows = rows
    (groupChannels, groupOutputs, outputRows, cells) = (channels, outputChannels, rows, rows)
    zeroPoint = Int8(cases.integer(in: -128...127))
    requantization = cases.requantization(
      channels: outputChannels + 3, codes: -128...127, largestSum: channels << 14)
    fill(from: &cases)
  }

  init(from cases: inout Cases) {
    time = Step(from: &cases)
    frequency = cases.chance(3) ? Step() : Step(from: &cases)
    columns = cases.integer(in: 1...9)
    rows = cases.integer(in: 1...9)
    capacity = columns + (cases.chance(2) ? 0 : cases.integer(in: 0...3))
    start = cases.chance(2) ? 0 : cases.integer(in: 0...capacity - 1)
    if cases.chance(4) { groups = cases.integer(in: 2...4) }
    groupChannels = cases.chance(2) ? 4 * cases.integer(in: 1...4) : cases.integer(in: 1...9)
    groupOutputs = cases.chance(2) ? 4 * cases.integer(in: 1...3) : cases.integer(in: 1...11)
    if cases.chance(6) { groupOutputs = cases.integer(in: 12...70) }
    firstColumn = cases.integer(in: 0...2)
    outputRows = cases.integer(in: 1...5)
    cells = cases.integer(in: 1...3 * outputRows)
    zeroPoint = Int8(cases.integer(in: -128...127))
    requantization = cases.requantization(
      channels: groups * groupOutputs + 3, codes: -128...127,
      largestSum: time.taps * frequency.taps * groupChannels << 14)
    if !cases.chance(3) {
      // What trained networks have.
      requantization.multipliers = requantization.multipliers.map { $0 == 0 ? 1 << 30 : $0 }
      requantization.shifts = requantization.shifts.map { -1 - abs($0) % 22 }
    }
    fill(from: &cases)
  }

  /// Cells and channels at the borders of tiles and vectors, and room in the scratch for many cells.
  init(tilesFrom cases: inout Cases, isDepthwise: Bool = false) {
    let borders = [1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65]
    self.init(from: &cases)
    columns = cases.integer(in: 1...12)
    rows = cases.chance(3) ? 1 : cases.integer(in: 1...20)
    capacity = columns + (cases.chance(2) ? 0 : cases.integer(in: 0...3))
    start = cases.chance(2) ? 0 : cases.integer(in: 0...capacity - 1)
    groups = 1
    groupChannels = cases.chance(2) ? borders[cases.integer(in: 0...10)] : cases.integer(in: 1...70)
    groupOutputs = cases.chance(2) ? borders[cases.integer(in: 0...10)] : cases.integer(in: 1...70)
    outputRows = cases.chance(3) ? 1 : cases.integer(in: 1...40)
    cells = cases.chance(2) ? borders[cases.integer(in: 2...10)] : cases.integer(in: 1...140)
    if isDepthwise {
      if cases.chance(2) { groupChannels = 16 * cases.integer(in: 1...12) }
      (groups, groupChannels, groupOutputs) = (groupChannels, 1, 1)
      firstColumn = cases.chance(2) ? 0 : firstColumn
      if rows == 1 && cases.chance(2) {
        // A signal of single cells.
        (outputRows, frequency, columns, capacity, start) = (1, Step(), 90, 90, 0)
      }
    }
    spareScratch = cases.chance(4) ? cases.integer(in: 0...20_000) : 1 << 16
    requantization = cases.requantization(
      channels: groups * groupOutputs + 3, codes: -128...127,
      largestSum: time.taps * frequency.taps * groupChannels << 14)
    if !cases.chance(3) {
      requantization.multipliers = requantization.multipliers.map { $0 == 0 ? 1 << 30 : $0 }
      requantization.shifts = requantization.shifts.map { -1 - abs($0) % 22 }
      requantization.biases = requantization.biases.map { $0 >> 3 }
    }
    fill(from: &cases)
  }

  private mutating func fill(from cases: inout Cases) {
    input = cases.values(capacity * rows * groups * groupChannels)
    weights = (0..<groups * groupOutputs).map { [inputsPerOutput] _ in cases.values(inputsPerOutput) }
  }

  /// The weights of each tap one a channel, as a depthwise convolution has them.
  private var tapWeights: [Int8] { (0..<inputsPerOutput).flatMap { tap in weights.map { $0[tap] } } }

  /// As `compute`, of one output channel an input channel, in whole columns.
  func computeDepthwise(guarding end: GuardedEnd) -> [Int8]? {
    let (input, weights) = (GuardedArray(input, guarding: end), GuardedArray(tapWeights, guarding: end))
    let scratch = GuardedArray([Int8](repeating: 99, count: spareScratch), guarding: end)
    let output = GuardedArray([Int8](repeating: 0, count: cells * groups), guarding: end)
    let requantization = GuardedRequantization(requantization, guarding: end)
    return withExtendedLifetime((input, weights, scratch, requantization)) {
      var convolution = convolution(
        input: input.pointer, weights: weights.pointer, requantization: requantization.pointers)
      return qi_depthwise_columns_int8(set, &convolution, scratch.pointer, spareScratch, output.pointer)
        ? output.array : nil
    }
  }

  private func convolution(
    input: UnsafePointer<Int8>, weights: UnsafePointer<Int8>, requantization: qi_requantization
  ) -> qi_convolution {
    qi_convolution(
      columns: input, capacity: Int32(capacity), start: Int32(start), columnCount: Int32(columns),
      rowCount: Int32(rows), channels: Int32(groups * groupChannels), groupChannels: Int32(groupChannels),
      time: time.foreign, frequency: frequency.foreign, inputZeroPoint: zeroPoint,
      weights: weights, firstColumn: Int32(firstColumn),
      outputRowCount: Int32(outputRows), cellCount: Int32(cells), outputChannels: Int32(self.weights.count),
      requantization: requantization)
  }

  private var packedWeights: [Int8] {
    let quads = (inputsPerOutput + 3) / 4
    let groupBytes = (groupOutputs + 3) / 4 * 16 * quads
    // Weights that fill quads and blocks up may have any value.
    var packed = [Int8](repeating: 55, count: groups * groupBytes)
    for channel in weights.indices {
      let (group, member) = channel.quotientAndRemainder(dividingBy: groupOutputs)
      for (input, weight) in weights[channel].enumerated() {
        let block = group * groupBytes + 16 * quads * (member / 4)
        packed[block + 16 * (input / 4) + 4 * (member % 4) + input % 4] = weight
      }
    }
    return packed
  }

  /// The output as it should be.
  var expected: [Int8] {
    let channels = groups * groupChannels
    var output: [Int8] = []
    for cell in 0..<cells {
      let first = (
        column: (firstColumn + cell / outputRows) * time.stride - time.padding,
        row: cell % outputRows * frequency.stride - frequency.padding
      )
      for channel in weights.indices {
        var sum: Int32 = 0
        var place = 0
        for timeTap in 0..<time.taps {
          let column = first.column + timeTap * time.dilation
          for frequencyTap in 0..<frequency.taps {
            let row = first.row + frequencyTap * frequency.dilation
            let isInside = (0..<columns).contains(column) && (0..<rows).contains(row)
            let codes = ((start + column + capacity) % capacity * rows + row) * channels
            for member in 0..<groupChannels {
              let code = isInside ? input[codes + channel / groupOutputs * groupChannels + member] : zeroPoint
              sum &+= Int32(code) * Int32(weights[channel][place])
              place += 1
            }
          }
        }
        output.append(Int8(requantization.code(sum, channel: channel)))
      }
    }
    return output
  }

  /// The output, computed with every operand against an inaccessible page.
  func compute(guarding end: GuardedEnd) -> [Int8]? {
    let input = GuardedArray(input, guarding: end)
    let output = GuardedArray([Int8](repeating: 0, count: cells * weights.count), guarding: end)
    return compute(input: input.pointer, into: output.pointer, guarding: end) ? output.array : nil
  }

  func compute(
    input: UnsafePointer<Int8>, into output: UnsafeMutablePointer<Int8>, guarding end: GuardedEnd,
    weightsFromByte firstByte: Int = 0
  ) -> Bool {
    let weights = GuardedArray([Int8](repeating: 0, count: firstByte) + packedWeights, guarding: end)
    let requantization = GuardedRequantization(requantization, guarding: end)
    let scratch = GuardedArray(
      [Int16](repeating: 99, count: 2 * ((inputsPerOutput + 3) / 4 * 4)), guarding: end)
    return withExtendedLifetime((weights, requantization, scratch)) {
      var convolution = convolution(
        input: input, weights: weights.pointer + firstByte, requantization: requantization.pointers)
      if set == qi_dsp { return qi_convolution_dsp(&convolution, scratch.pointer, output) }
      if set == qi_avx512 || set == qi_amx {
        let byteCount = cellsAtOnce * ((inputsPerOutput + 3) / 4 * 4) + spareScratch
        let rows = GuardedArray([Int8](repeating: 99, count: byteCount), guarding: end)
        return withExtendedLifetime(rows) {
          qi_convolution_int8(set, &convolution, rows.pointer, rows.array.count, output)
        }
      }
      // Half of the scratch is enough for rows of bytes.
      let bytes = GuardedArray([Int8](repeating: 99, count: scratch.array.count), guarding: end)
      return withExtendedLifetime(bytes) { qi_convolution_mve(&convolution, bytes.pointer, output) }
    }
  }
}

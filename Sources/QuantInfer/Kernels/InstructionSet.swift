import CKernels

/// The machine instructions that inner loops may use; all give the same bits.
public enum InstructionSet: UInt32, Sendable {
  /// Plain loops, for every machine.
  case portable = 0
  /// x86-64 with AVX2.
  case avx2 = 1
  /// x86-64 with AVX-512 F, BW, VL and VNNI.
  case avx512 = 2
  /// 64-bit ARM.
  case neon = 3
  /// 32-bit ARM with the DSP extension, as a Cortex-M4 has it; in plain C where a host tests it.
  case dsp = 4
  /// 32-bit ARM with the vector extension for microcontrollers (Helium), as a Cortex-M55 has it; likewise.
  case mve = 5
  /// x86-64 with AVX-512 and AMX's tiles of bytes; on Linux the process asks for them when a set is first asked for.
  case amx = 6

  /// The fastest that this machine has.
  public static var best: InstructionSet {
    InstructionSet(rawValue: qi_best_instruction_set().rawValue) ?? .portable
  }

  /// Whether this machine has it.
  public var isAvailable: Bool { self == .portable || qi_has_instruction_set(foreign) }

  private var foreign: qi_instruction_set { qi_instruction_set(rawValue: rawValue) }

  /// Whether `convolve` and `fullyConnectedRow` serve codes of a type and weights.
  @inline(__always)
  func servesDirectly<Code: FixedWidthInteger & SignedInteger>(_ code: Code.Type, _ weights: Weights) -> Bool
  {
    // Without other weights to serve, the loops for them need not be there.
    guard Built.anyWeights else { return Code.bitWidth == 8 && (Self.isBuiltForMVE || Self.isBuiltForDSP) }
    return (self == .dsp || self == .mve || has512) && Code.bitWidth == 8
      && weights.accumulatorBits == 32
      && weights.weightBits == 8
      && (UInt(bitPattern: unsafe weights.packed) & 3 == 0)
  }

  /// Whether it has AVX-512's instructions.
  private var has512: Bool { self == .avx512 || self == .amx }

  private static var isBuiltForDSP: Bool { qi_best_instruction_set() == qi_dsp }
  private static var isBuiltForMVE: Bool { qi_best_instruction_set() == qi_mve }

  /// Whether MVE's functions serve where DSP's could; known when the runtime is built for nothing else.
  private var usesMVE: Bool { Built.anyWeights ? self == .mve : Self.isBuiltForMVE }

  /// See `MatrixProduct.compute`; vector instructions serve sums of 32 bits and weights of 8.
  @inline(__always)
  func product<Code: FixedWidthInteger & SignedInteger>(
    _ rows: Rows, rowCount: Int, weights: Weights, firstQuad: Int, channels: Range<Int>,
    output: UnsafeMutablePointer<Code>, outputStride: Int, zeroPoint: Int32
  ) {
    let quads = rows.inputCount &>> 2
    if self != .portable, weights.accumulatorBits == 32, weights.weightBits == 8 {
      let product = unsafe qi_matrix_product(
        patches: rows.start, rows: rowCount, patchStride: rows.inputCount,
        weights: weights.packed + 16 &* firstQuad,
        quads: quads, channels: channels.upperBound &- channels.lowerBound,
        requantization: requantization(weights, from: channels.lowerBound, zeroPoint: zeroPoint))
      let target = UnsafeMutableRawPointer(output)
      let isDone =
        if Code.bitWidth == 8 {
          unsafe qi_matrix_product_int8(
            foreign, product, target.assumingMemoryBound(to: Int8.self), outputStride)
        } else {
          unsafe qi_matrix_product_int16(
            foreign, product, target.assumingMemoryBound(to: Int16.self), outputStride)
        }
      if isDone { return }
    }
    unsafe MatrixProduct.compute(
      rows: rows.start, rowCount: rowCount, quads: quads, weights: weights, firstQuad: firstQuad,
      channels: channels, output: output, outputStride: outputStride, zeroPoint: zeroPoint)
  }

  /// See `Convolution.compute`, where `servesDirectly`.
  @inline(__always)
  func convolve<Code: FixedWidthInteger & SignedInteger>(
    _ range: Range<Int>, of columns: Columns<Code>, columnCount: Int, input: Tensor, output: Tensor,
    window: Window, weights: Weights, scratch: Scratch, into outputs: UnsafeMutablePointer<Code>
  ) {
    var convolution = unsafe self.convolution(
      range, of: columns, columnCount: columnCount, input: input, output: output, window: window,
      weights: weights, groupChannels: weights.groupChannelCount)
    let target = unsafe UnsafeMutableRawPointer(outputs).assumingMemoryBound(to: Int8.self)
    if unsafe qi_convolution_int8(
      foreign, &convolution, scratch.start.assumingMemoryBound(to: Int8.self), scratch.byteCount, target)
    {
      return
    }
    if usesMVE {
      _ = unsafe qi_convolution_mve(&convolution, scratch.start.assumingMemoryBound(to: Int8.self), target)
    } else {
      _ = unsafe qi_convolution_dsp(&convolution, scratch.start.assumingMemoryBound(to: Int16.self), target)
    }
  }

  /// A convolution as the kernels take it.
  @inline(__always)
  private func convolution<Code: FixedWidthInteger & SignedInteger>(
    _ range: Range<Int>, of columns: Columns<Code>, columnCount: Int, input: Tensor, output: Tensor,
    window: Window, weights: Weights, groupChannels: Int
  ) -> qi_convolution {
    unsafe qi_convolution(
      columns: UnsafeRawPointer(columns.base).assumingMemoryBound(to: Int8.self),
      capacity: Int32(truncatingIfNeeded: columns.capacity), start: Int32(truncatingIfNeeded: columns.start),
      columnCount: Int32(truncatingIfNeeded: columnCount),
      rowCount: Int32(truncatingIfNeeded: input.frequencyCount),
      channels: Int32(truncatingIfNeeded: input.channelCount),
      groupChannels: Int32(truncatingIfNeeded: groupChannels),
      time: window.time.foreign, frequency: window.frequency.foreign,
      inputZeroPoint: Int8(truncatingIfNeeded: input.zeroPoint), weights: weights.packed,
      firstColumn: Int32(truncatingIfNeeded: range.lowerBound),
      outputRowCount: Int32(truncatingIfNeeded: output.frequencyCount),
      cellCount: Int32(
        truncatingIfNeeded: (range.upperBound &- range.lowerBound) &* output.frequencyCount),
      outputChannels: Int32(truncatingIfNeeded: output.channelCount),
      requantization: requantization(weights, from: 0, zeroPoint: output.zeroPoint))
  }

  /// See `Depthwise.compute`: all columns at once, int8 with an output channel an input channel, where there are such kernels.
  ///
  /// - Returns: Whether it was done.
  @inline(__always)
  func depthwiseColumns<Code: FixedWidthInteger & SignedInteger>(
    _ columns: Columns<Code>, input: Tensor, output: Tensor, window: Window, weights: Weights,
    scratch: Scratch, into outputs: UnsafeMutablePointer<Code>
  ) -> Bool {
    guard has512, Code.bitWidth == 8, weights.weightBits == 8, weights.accumulatorBits == 32,
      input.channelCount == output.channelCount
    else { return false }
    var convolution = unsafe self.convolution(
      Range(uncheckedBounds: (0, output.timeCount)), of: columns, columnCount: input.timeCount, input: input,
      output: output, window: window, weights: weights, groupChannels: 1)
    return unsafe qi_depthwise_columns_int8(
      foreign, &convolution, scratch.start.assumingMemoryBound(to: Int8.self), scratch.byteCount,
      UnsafeMutableRawPointer(outputs).assumingMemoryBound(to: Int8.self))
  }

  /// See `FullyConnected.computeRow`, where `servesDirectly`; of the output it wants channels and zero point alone.
  @inline(__always)
  func fullyConnectedRow<Code: FixedWidthInteger & SignedInteger>(
    _ weights: Weights, channelCount: Int, zeroPoint: Int32, inputs: Columns<Code>, scratch: Scratch,
    into outputs: UnsafeMutablePointer<Code>
  ) {
    let target = unsafe UnsafeMutableRawPointer(outputs).assumingMemoryBound(to: Int8.self)
    let quads = Weights.quads(inputs.capacity &* inputs.columnCount)
    var product = unsafe qi_matrix_product(
      patches: UnsafeRawPointer(weights.packed).assumingMemoryBound(to: Int16.self), rows: 1, patchStride: 0,
      weights: weights.packed, quads: quads, channels: channelCount,
      requantization: requantization(weights, from: 0, zeroPoint: zeroPoint))
    let firstCount = (inputs.capacity &- inputs.start) &* inputs.columnCount
    let first = unsafe UnsafeRawPointer(inputs.column(0)).assumingMemoryBound(to: Int8.self)
    let second = unsafe UnsafeRawPointer(inputs.base).assumingMemoryBound(to: Int8.self)
    let secondCount = inputs.start &* inputs.columnCount
    if unsafe qi_fully_connected_int8(foreign, &product, first, firstCount, second, secondCount, target) {
      return
    }
    if usesMVE {
      _ = unsafe qi_fully_connected_mve(&product, first, firstCount, second, secondCount, target)
    } else {
      let row =
        scratch.byteCount >= 8 &* quads ? unsafe scratch.start.assumingMemoryBound(to: Int16.self) : nil
      _ = unsafe qi_fully_connected_dsp(&product, first, firstCount, second, secondCount, row, target)
    }
  }

  /// See `FullyConnected.compute`, where `servesDirectly`: all rows at once, as a convolution's cells, where there is such a kernel.
  ///
  /// - Returns: Whether it was done.
  @inline(__always)
  func fullyConnectedRows<Code: FixedWidthInteger & SignedInteger>(
    _ rows: Columns<Code>, weights: Weights, output: Tensor, scratch: Scratch,
    into outputs: UnsafeMutablePointer<Code>
  ) -> Bool {
    #if arch(x86_64)
      let count = Int32(truncatingIfNeeded: rows.capacity)
      let inputCount = Int32(truncatingIfNeeded: rows.columnCount)
      var convolution = unsafe qi_convolution(
        columns: UnsafeRawPointer(rows.base).assumingMemoryBound(to: Int8.self), capacity: count, start: 0,
        columnCount: count, rowCount: 1, channels: inputCount, groupChannels: inputCount,
        time: WindowStep.cell.foreign, frequency: WindowStep.cell.foreign, inputZeroPoint: 0,
        weights: weights.packed, firstColumn: 0, outputRowCount: 1, cellCount: count,
        outputChannels: Int32(truncatingIfNeeded: output.channelCount),
        requantization: requantization(weights, from: 0, zeroPoint: output.zeroPoint))
      return unsafe qi_convolution_int8(
        foreign, &convolution, scratch.start.assumingMemoryBound(to: Int8.self), scratch.byteCount,
        UnsafeMutableRawPointer(outputs).assumingMemoryBound(to: Int8.self))
    #else
      return false
    #endif
  }

  /// See `Depthwise.computeColumn`; vector instructions serve int8 with an output channel an input channel.
  @inline(__always)
  func depthwiseColumn<Code: FixedWidthInteger & SignedInteger>(
    _ column: Int, window: Window, weights: Weights, input: Tensor, inputs: UnsafePointer<Code>,
    output: Tensor, into outputs: UnsafeMutablePointer<Code>
  ) {
    if self != .portable, Code.bitWidth == 8, weights.weightBits == 8,
      input.channelCount == output.channelCount
    {
      let firstColumn = window.time.first(column)
      let taps = window.time.taps(from: firstColumn, inputCount: input.timeCount)
      let first = unsafe UnsafeRawPointer(inputs + firstColumn &* input.columnCount)
      var convolution = unsafe qi_depthwise(
        input: first.assumingMemoryBound(to: Int8.self),
        rowStride: window.time.dilation &* input.columnCount, columnStride: input.channelCount,
        rowTaps: Int32(truncatingIfNeeded: window.time.kernel),
        columnTaps: Int32(truncatingIfNeeded: window.frequency.kernel),
        firstRowTap: Int32(truncatingIfNeeded: taps.first), endRowTap: Int32(truncatingIfNeeded: taps.end),
        columnCount: Int32(truncatingIfNeeded: input.frequencyCount),
        firstColumn: Int32(truncatingIfNeeded: window.frequency.first(0)),
        columnStep: Int32(truncatingIfNeeded: window.frequency.stride),
        columnDilation: Int32(truncatingIfNeeded: window.frequency.dilation),
        inputZeroPoint: Int8(truncatingIfNeeded: input.zeroPoint), weights: weights.packed,
        weightRowStride: window.frequency.kernel &* input.channelCount,
        weightColumnStride: input.channelCount,
        channels: input.channelCount, pixels: output.frequencyCount,
        requantization: requantization(weights, from: 0, zeroPoint: output.zeroPoint))
      let target = unsafe UnsafeMutableRawPointer(outputs).assumingMemoryBound(to: Int8.self)
      let isDone =
        switch self {
        case .dsp: unsafe qi_depthwise_dsp(&convolution, target, output.channelCount)
        case .mve: unsafe qi_depthwise_mve(&convolution, target, output.channelCount)
        default: unsafe qi_depthwise_int8(foreign, convolution, target, output.channelCount)
        }
      if isDone { return }
    }
    unsafe Depthwise.computeColumn(
      column, window: window, weights: weights, input: input, inputs: inputs, output: output, into: outputs)
  }

  /// See `Pooling.compute`: output cells in vectors, where there are such; windows of as many inputs lie that far apart.
  ///
  /// - Returns: Whether it was done.
  @inline(__always)
  func pooledCells<Code: FixedWidthInteger & SignedInteger>(
    _ cells: Int, apart cellStride: Int, _ inputs: UnsafePointer<Code>, of tensor: Tensor, columns: Int,
    rows: Int, isMean: Bool, activation: (minimum: Int32, maximum: Int32),
    into outputs: UnsafeMutablePointer<Code>
  ) -> Bool {
    guard self == .avx2 || has512, Code.bitWidth == 8 else { return false }
    let pool = unsafe qi_pool(
      input: UnsafeRawPointer(inputs).assumingMemoryBound(to: Int8.self), columnStride: tensor.columnCount,
      columns: Int32(truncatingIfNeeded: columns), rows: Int32(truncatingIfNeeded: rows),
      channels: tensor.channelCount, cells: cells, cellStride: cellStride, isMean: isMean,
      minimum: activation.minimum, maximum: activation.maximum)
    return unsafe qi_pool_int8(
      foreign, pool, UnsafeMutableRawPointer(outputs).assumingMemoryBound(to: Int8.self))
  }

  /// See `Elementwise.compute`: rows of sums, differences, products or extremes in vectors, where there are such.
  ///
  /// - Returns: Whether it was done.
  @inline(__always)
  func elementwiseRows<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, rows: Int, count: Int,
    first: (codes: UnsafePointer<Code>, strides: Strides, zeroPoint: Int32, FixedPointMultiplier),
    second: (codes: UnsafePointer<Code>, strides: Strides, zeroPoint: Int32, FixedPointMultiplier),
    leftShift: Int32,
    output: (codes: UnsafeMutablePointer<Code>, zeroPoint: Int32, FixedPointMultiplier)
  ) -> Bool {
    guard self == .avx2 || has512, Code.bitWidth == 8 else { return false }
    let operation: qi_operation
    switch plan.kind {
    case .add: operation = qi_sum
    case .subtract: operation = qi_difference
    case .multiply: operation = qi_product
    case .maximum: operation = qi_maximum
    case .minimum: operation = qi_minimum
    default: return false
    }
    var operands = unsafe qi_elementwise(
      operation: operation, first: UnsafeRawPointer(first.codes).assumingMemoryBound(to: Int8.self),
      second: UnsafeRawPointer(second.codes).assumingMemoryBound(to: Int8.self),
      firstRepeats: first.strides.last == 0, secondRepeats: second.strides.last == 0, count: count,
      rows: rows, firstRowStride: first.strides.row, secondRowStride: second.strides.row,
      firstZeroPoint: first.zeroPoint, secondZeroPoint: second.zeroPoint, leftShift: leftShift,
      firstFactor: first.3.foreign, secondFactor: second.3.foreign, resultFactor: output.2.foreign,
      zeroPoint: output.zeroPoint, minimum: plan.activationMinimum, maximum: plan.activationMaximum)
    return unsafe qi_elementwise_int8(
      foreign, &operands, UnsafeMutableRawPointer(output.codes).assumingMemoryBound(to: Int8.self))
  }

  /// See `Softmax.compute`: rows of int8 codes, where there is such a kernel.
  ///
  /// - Returns: Whether it was done.
  @inline(__always)
  func softmaxRows(
    _ inputs: UnsafePointer<Int8>, rows: Int, count: Int, _ multiplier: FixedPointMultiplier,
    leastDifference: Int32, into outputs: UnsafeMutablePointer<Int8>
  ) -> Bool {
    #if arch(x86_64) || arch(arm64)
      var softmax = unsafe qi_softmax(
        input: inputs, rows: rows, count: count, factor: multiplier.foreign, leastDifference: leastDifference)
      return unsafe qi_softmax_int8(foreign, &softmax, outputs)
    #else
      return false
    #endif
  }

  private func requantization(
    _ weights: Weights, from channel: Int, zeroPoint: Int32
  ) -> qi_requantization {
    unsafe qi_requantization(
      biases: weights.biases.assumingMemoryBound(to: Int32.self) + channel,
      multipliers: weights.multipliersQ31 + channel, shifts: weights.leftShifts + channel,
      zeroPoint: zeroPoint, minimum: weights.activationMinimum, maximum: weights.activationMaximum)
  }
}

extension FixedPointMultiplier {
  fileprivate var foreign: qi_factor { qi_factor(multiplier: multiplierQ31, shift: Int32(leftShift)) }
}

extension WindowStep {
  fileprivate var foreign: qi_window_step {
    qi_window_step(
      taps: Int32(truncatingIfNeeded: kernel), stride: Int32(truncatingIfNeeded: stride),
      dilation: Int32(truncatingIfNeeded: dilation), padding: Int32(truncatingIfNeeded: paddingBefore))
  }
}

/// The machine instructions that inner loops may use; all give the same bits.
public enum InstructionSet: Int32, Sendable {
  /// Plain loops, for every machine.
  case portable = 0

  /// The widest that this machine has.
  public static var best: InstructionSet { .portable }

  /// See `MatrixProduct.compute`.
  @inline(__always)
  func product<Code: FixedWidthInteger & SignedInteger>(
    rows: UnsafePointer<Int16>, rowCount: Int, quads: Int, weights: Weights, firstQuad: Int,
    channels: Range<Int>, output: UnsafeMutablePointer<Code>, outputStride: Int, zeroPoint: Int32
  ) {
    unsafe MatrixProduct.compute(
      rows: rows, rowCount: rowCount, quads: quads, weights: weights, firstQuad: firstQuad,
      channels: channels, output: output, outputStride: outputStride, zeroPoint: zeroPoint)
  }

  /// See `Depthwise.computeColumn`.
  @inline(__always)
  func depthwiseColumn<Code: FixedWidthInteger & SignedInteger>(
    _ column: Int, window: Window, weights: Weights, input: Tensor, inputs: UnsafePointer<Code>,
    output: Tensor, into outputs: UnsafeMutablePointer<Code>
  ) {
    unsafe Depthwise.computeColumn(
      column, window: window, weights: weights, input: input, inputs: inputs, output: output, into: outputs)
  }
}

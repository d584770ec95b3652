/// A tensor and where its codes lie while an operator runs.
@safe
struct Operand {
  let tensor: Tensor
  let start: UnsafeMutableRawPointer

  /// The first code; `Code` is the tensor's type.
  @inline(__always)
  func codes<Code: FixedWidthInteger>(as type: Code.Type = Code.self) -> UnsafeMutablePointer<Code> {
    unsafe start.assumingMemoryBound(to: Code.self)
  }
}

/// Memory that a kernel may use while it runs: as much as the model asks for, or more.
@safe
struct Scratch {
  let start: UnsafeMutableRawPointer
  let byteCount: Int
}

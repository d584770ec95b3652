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

/// What kernels work with: a model, its tensors' codes, and memory of their own.
@safe
struct Workspace {
  let model: Model
  /// Where byte 0 of the tensors' places lies.
  let arena: UnsafeMutableRawPointer
  let scratch: Scratch
  let instructions: InstructionSet

  /// A tensor of the model with its codes.
  func operand(_ index: Int) -> Operand {
    let tensor = model.tensor(index)
    let constants = unsafe UnsafeMutableRawPointer(mutating: model.image.base)
    let base = unsafe tensor.storage == .constant ? constants : arena
    return unsafe Operand(tensor: tensor, start: base + tensor.byteOffset)
  }
}

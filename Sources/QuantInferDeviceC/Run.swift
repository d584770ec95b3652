import CQuantInfer
import QuantInfer
import QuantInferC

// The header's part about runs over whole windows.

extension Record {
  /// A run; nil where a bit of its record was lost.
  @inline(__always)
  fileprivate static func run(_ handle: OpaquePointer?) throws(Refusal) -> UnsafeMutablePointer<WholeWindow> {
    guard let run = unsafe open(handle, WholeWindow.self, wordCount: smallWordCount) else {
      throw Refusal(QUANTINFER_NOT_SOUND)
    }
    return unsafe run
  }
}

extension Division {
  /// The memory of a run.
  @inline(__always)
  fileprivate init(run model: Model) {
    self.init(
      wordCount: Record.smallWordCount, state: model.arenaByteCount, scratch: model.scratchByteCount)
  }
}

/// Checks an image and tells what a run needs.
@c @implementation
public func quantinfer_run_inspect(
  _ image: UnsafeRawPointer?, _ byteCount: Int, _ needs: UnsafeMutablePointer<quantinfer_needs>?
) -> quantinfer_status {
  do throws(Refusal) {
    let model = try unsafe Model(image: image, byteCount: byteCount)
    try unsafe give(
      Division(run: model).needs(savedByteCount: 0, logitCount: model.output.count), to: needs)
    return accepted
  } catch {
    return error.status
  }
}

/// Checks an image and sets up a run in the caller's memory.
@c @implementation
public func quantinfer_run_init(
  _ run: UnsafeMutablePointer<OpaquePointer?>?, _ image: UnsafeRawPointer?, _ byteCount: Int,
  _ memory: UnsafeMutableRawPointer?, _ memoryByteCount: Int
) -> quantinfer_status {
  do throws(Refusal) {
    guard let run = unsafe run else { throw Refusal(QUANTINFER_NULL) }
    unsafe run.pointee = nil
    let model = try unsafe Model(image: image, byteCount: byteCount)
    let parts = try unsafe Division(run: model).parts(of: memory, byteCount: memoryByteCount)
    do throws(MemoryError) {
      unsafe run.pointee = Record.seal(
        try WholeWindow(model: model, arena: parts.state, scratch: parts.scratch),
        wordCount: Record.smallWordCount, in: parts.record)
    } catch {
      throw Refusal(error)
    }
    return accepted
  } catch {
    return error.status
  }
}

/// An input.
@c @implementation
public func quantinfer_run_input(
  _ run: OpaquePointer?, _ index: Int, _ tensor: UnsafeMutablePointer<quantinfer_tensor>?
) -> quantinfer_status {
  do throws(Refusal) {
    let run = try unsafe Record.run(run)
    guard unsafe index >= 0 && index < run.pointee.model.inputCount else { throw Refusal(QUANTINFER_OPTIONS) }
    try unsafe give(run.pointee.port(run.pointee.model.inputPort(index)), to: tensor)
    return accepted
  } catch {
    return error.status
  }
}

/// An output.
@c @implementation
public func quantinfer_run_output(
  _ run: OpaquePointer?, _ index: Int, _ tensor: UnsafeMutablePointer<quantinfer_tensor>?
) -> quantinfer_status {
  do throws(Refusal) {
    let run = try unsafe Record.run(run)
    guard unsafe index >= 0 && index < run.pointee.model.outputCount else {
      throw Refusal(QUANTINFER_OPTIONS)
    }
    try unsafe give(run.pointee.port(run.pointee.model.outputPort(index)), to: tensor)
    return accepted
  } catch {
    return error.status
  }
}

/// Runs all operators.
@c @implementation
public func quantinfer_run_window(_ run: OpaquePointer?) -> quantinfer_status {
  do throws(Refusal) {
    unsafe try Record.run(run).pointee.run()
    return accepted
  } catch {
    return error.status
  }
}

/// Forgets what the network keeps from run to run.
@c @implementation
public func quantinfer_run_reset(_ run: OpaquePointer?) -> quantinfer_status {
  do throws(Refusal) {
    unsafe try Record.run(run).pointee.reset()
    return accepted
  } catch {
    return error.status
  }
}

extension WholeWindow {
  /// An input or an output as the header has it.
  fileprivate func port(_ port: Port) -> quantinfer_tensor {
    let tensor = model.tensor(port.tensorIndex)
    let start: UnsafeMutableRawPointer?
    switch tensor.type {
    case .int8:
      unsafe start = UnsafeMutableRawPointer(
        (codes(of: tensor) as UnsafeMutableBufferPointer<Int8>).baseAddress)
    case .int16:
      unsafe start = UnsafeMutableRawPointer(
        (codes(of: tensor) as UnsafeMutableBufferPointer<Int16>).baseAddress)
    }
    return unsafe quantinfer_tensor(
      byte_count: 0, code_byte_count: UInt32(truncatingIfNeeded: tensor.type.byteCount),
      count: UInt32(truncatingIfNeeded: tensor.count), scale: Float(bitPattern: tensor.scaleBits),
      zero_point: tensor.zeroPoint, codes: start)
  }
}

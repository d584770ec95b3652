#if !QUANTINFER_SELECTED || QUANTINFER_PATCH
  extension Model {
    /// The memory that a patched operator's constants need, in bytes; nil where the operator can't be patched.
    public func patchBufferByteCount(ofOperator index: Int) -> Int? {
      guard index >= 0, index < operatorCount, let packed = weightBytes(ofOperator: index) else { return nil }
      let plan = operatorPlan(index)
      guard plan.kind == .fullyConnected, let weights = plan.weights, weights.weightBits == 8,
        weights.accumulatorBits == 32
      else { return nil }
      return biasByteCount(of: plan) + packed.count
    }

    /// The image's biases, and those that fill up a block.
    private func biasByteCount(of plan: OperatorPlan) -> Int {
      4 * (tensor(plan.outputIndex).channelCount + 3)
    }

    /// The model with a patch: the same image, one operator's constants in the caller's memory.
    ///
    /// This model isn't changed and can go on, also with the same state: what a pipeline keeps doesn't depend on a
    /// FULLY_CONNECTED's constants, so a state that was saved with the one is restored with the other.
    ///
    /// - Parameters:
    ///   - patch: The patch; it isn't needed any more afterwards.
    ///   - buffer: At least `patchBufferByteCount(ofOperator:)` bytes, at a multiple of 4, which no running model uses;
    ///     it must outlive the model that is returned, unchanged.
    ///   - isThisDevice: Whether SHA-256 of a salt and this device's identifier is a digest: the maker's function. Without
    ///     one, no patch is taken that names a device.
    /// - Returns: The patched model; the image must outlive it too.
    /// - Throws: `PatchError`; the buffer's bytes then mean nothing.
    /// - Complexity: O(n) in the operator's number of weights.
    public func applying(
      _ patch: ModelPatch, into buffer: UnsafeMutableRawBufferPointer,
      isThisDevice: (_ salt: UnsafeRawBufferPointer, _ digest: UnsafeRawBufferPointer) -> Bool = { _, _ in
        false
      }
    ) throws(PatchError) -> Model {
      guard patch.changes(self) else { throw .otherModel }
      if let device = unsafe patch.device, unsafe !isThisDevice(device.salt, device.digest) {
        throw .otherDevice
      }
      guard let byteCount = patchBufferByteCount(ofOperator: patch.operatorIndex),
        let source = weightBytes(ofOperator: patch.operatorIndex)
      else { throw .invalidLayer }
      let plan = shippedPlan(patch.operatorIndex)
      let (input, output) = (tensor(plan.inputIndex(0)), tensor(plan.outputIndex))
      let inputsPerOutput = input.count / (output.count / output.channelCount)
      guard patch.channelCount == output.channelCount, patch.inputsPerOutput == inputsPerOutput else {
        throw .invalidLayer
      }
      guard buffer.count >= byteCount, let start = buffer.baseAddress else {
        throw .bufferTooSmall(requiredByteCount: byteCount)
      }
      guard UInt(bitPattern: start) % UInt(ModelFormat.alignment) == 0 else { throw .misaligned }

      let biases = unsafe start.assumingMemoryBound(to: Int32.self)
      let packed = unsafe (start + biasByteCount(of: plan)).assumingMemoryBound(to: Int8.self)
      for channel in 0..<output.channelCount + 3 {
        unsafe biases[channel] = channel < output.channelCount ? patch.bias(channel) : 0
      }
      unsafe UnsafeMutableRawPointer(packed).copyMemory(
        from: image.base + source.lowerBound, byteCount: source.count)
      let quads = Weights.quads(inputsPerOutput)
      for channel in 0..<output.channelCount {
        for input in 0..<inputsPerOutput {
          let place = 16 * (channel / 4 * quads + input / 4) + channel % 4 * 4 + input % 4
          let code = unsafe Int32(packed[place]) + patch.change(channel: channel, input: input)
          unsafe packed[place] = Int8(truncatingIfNeeded: min(max(code, -127), 127))
        }
      }
      var patched = self
      patched.patch = unsafe PatchedConstants(
        operatorIndex: patch.operatorIndex, biases: UnsafeRawPointer(start), packed: UnsafePointer(packed))
      let weights = Weights(patched.operatorPlan(patch.operatorIndex))
      guard
        weights.mayWrap
          || weights.sumsFit(
            input: input, channelCount: output.channelCount, inputsPerOutput: inputsPerOutput, groups: 1)
      else { throw .accumulatorOverflow }
      return patched
    }
  }
#endif

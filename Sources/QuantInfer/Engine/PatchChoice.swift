#if !QUANTINFER_SELECTED || QUANTINFER_PATCH
  extension Model {
    /// The model with the newest patch that fits it, of the two that a device keeps.
    ///
    /// Where the newer one is whole and doesn't fit, the older one is taken, as long as it isn't below the floor.
    ///
    /// **Rollback.** The floor is the caller's, in memory that outlives a reset. It raises it to the sequence number that is
    /// returned, once `givesAnswers` has said that this patch works: from then on nobody can bring an older one back, and up
    /// to then the older one is there to fall back to.
    ///
    /// - Parameters:
    ///   - first: A slot.
    ///   - second: The other.
    ///   - floor: The lowest sequence number that is taken; the distance to it wraps.
    ///   - buffer: See `applying`; large enough for either.
    ///   - isThisDevice: See `applying`.
    /// - Returns: The patched model and the patch's sequence number; nil where neither fits: the model as shipped remains.
    /// - Complexity: O(n) in the patches' sizes and the operator's number of weights.
    public func applyingNewest(
      of first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, floor: UInt32,
      into buffer: UnsafeMutableRawBufferPointer,
      isThisDevice: (_ salt: UnsafeRawBufferPointer, _ digest: UnsafeRawBufferPointer) -> Bool = { _, _ in
        false
      }
    ) -> (model: Model, sequenceNumber: UInt32)? {
      guard let newest = unsafe ModelPatch.newest(of: first, second, for: self, floor: floor) else {
        return nil
      }
      if let patched = try? unsafe applying(newest, into: buffer, isThisDevice: isThisDevice) {
        return (patched, newest.sequenceNumber)
      }
      let others = unsafe (
        ModelPatch.whole(first, of: self, floor: floor), ModelPatch.whole(second, of: self, floor: floor)
      )
      guard let one = others.0, let two = others.1 else { return nil }
      let older = one.sequenceNumber == newest.sequenceNumber ? two : one
      guard let patched = try? unsafe applying(older, into: buffer, isThisDevice: isThisDevice) else {
        return nil
      }
      return (patched, older.sequenceNumber)
    }

    /// The memory that an operator's known answers take, in bytes; nil where it can't be patched.
    public func answerByteCount(ofOperator index: Int) -> Int? {
      guard patchBufferByteCount(ofOperator: index) != nil else { return nil }
      let (input, output) = answerRanges(ofOperator: index)
      return input.count &+ output.count &+ scratchByteCount
    }

    /// Whether the patched operator gives the answers that its patch was made with: a known-answer test, by the
    /// instructions that decisions are made with.
    ///
    /// - Parameters:
    ///   - patch: The patch that this model was made with.
    ///   - memory: At least `answerByteCount(ofOperator:)` bytes, at a multiple of 4, such as an engine's before it
    ///     starts.
    /// - Returns: Whether it does.
    /// - Throws: `PatchError`.
    /// - Complexity: O(n) in the operator's number of weights.
    public func givesAnswers(
      of patch: ModelPatch, in memory: UnsafeMutableRawBufferPointer
    ) throws(PatchError) -> Bool {
      try unsafe answers(seed: patch.answerSeed, ofOperator: patch.operatorIndex, in: memory)
        == patch.answerChecksum
    }

    /// The CRC-32 of what an operator that can be patched makes of four inputs.
    ///
    /// Their bytes are the upper eight bits of `x = x * 1,664,525 + 1,013,904,223` modulo 2^32, from the seed on.
    ///
    /// - Parameters:
    ///   - seed: What the inputs begin from.
    ///   - index: The operator.
    ///   - memory: See `givesAnswers`.
    /// - Returns: The checksum.
    /// - Throws: `PatchError`.
    public func answers(
      seed: UInt32, ofOperator index: Int, in memory: UnsafeMutableRawBufferPointer
    ) throws(PatchError) -> UInt32 {
      guard let byteCount = answerByteCount(ofOperator: index) else { throw .invalidLayer }
      guard memory.count >= byteCount, let start = memory.baseAddress else {
        throw .bufferTooSmall(requiredByteCount: byteCount)
      }
      guard UInt(bitPattern: start) % UInt(ModelFormat.alignment) == 0 else { throw .misaligned }
      let plan = operatorPlan(index)
      let ranges = answerRanges(ofOperator: index)
      let input = unsafe Operand(tensor: tensor(plan.inputIndex(0)), start: start)
      let output = unsafe Operand(tensor: tensor(plan.outputIndex), start: start + ranges.output.lowerBound)
      let scratch = unsafe Scratch(start: start + ranges.output.upperBound, byteCount: scratchByteCount)
      let workspace = unsafe Workspace(model: self, arena: start, scratch: scratch, instructions: .best)
      let outputBytes = unsafe UnsafeRawBufferPointer(start: output.start, count: output.tensor.byteCount)
      let inputBytes = unsafe start.assumingMemoryBound(to: UInt8.self)
      var (noise, checksum) = (seed, UInt32(0))
      for _ in 0..<4 {
        for place in 0..<input.tensor.byteCount {
          noise = noise &* 1_664_525 &+ 1_013_904_223
          unsafe inputBytes[place] = UInt8(truncatingIfNeeded: noise &>> 24)
        }
        // By the kernel itself, as a build without whole windows has no other way to it.
        switch output.tensor.type {
        case .int8: FullyConnected.compute(plan, input: input, output: output, in: workspace, as: Int8.self)
        case .int16 where Built.int16:
          FullyConnected.compute(plan, input: input, output: output, in: workspace, as: Int16.self)
        case .int16: break
        }
        checksum = unsafe CRC32.checksum(outputBytes, continuing: checksum)
      }
      return checksum
    }

    private func answerRanges(ofOperator index: Int) -> (input: Range<Int>, output: Range<Int>) {
      let plan = operatorPlan(index)
      let end = (tensor(plan.inputIndex(0)).byteCount &+ 3) / 4 &* 4
      return unsafe (
        Range(uncheckedBounds: (0, end)),
        Range(uncheckedBounds: (end, end &+ (tensor(plan.outputIndex).byteCount &+ 3) / 4 &* 4))
      )
    }
  }
#endif

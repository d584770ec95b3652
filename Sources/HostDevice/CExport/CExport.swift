import ModelFiles
import QuantInfer
import Support

extension CContent {
  /// How an image is to be run by a firmware in C.
  package struct Choice: Sendable {
    /// Over whole windows alone, and not as a monitor or a pipeline.
    package var isWhole = false
    /// The device's converter.
    package var converterBits = 12
    /// A patch's bytes; nil for the model as shipped.
    package var patch: [UInt8]?
    /// Counts of the converter to try it on, frame by frame a sample of each lead; nil for none.
    package var samples: [Int16]?

    /// Creates the choice of a monitor without samples.
    package init() {}
  }

  /// The content of an image with all that a firmware wants to know, and what the host makes of the samples.
  ///
  /// - Parameters:
  ///   - name: The arrays' common name.
  ///   - image: The image's bytes, with its signature where there is one.
  ///   - loaded: The same image.
  ///   - choice: How it is to be run.
  /// - Throws: `PatchError` where the patch doesn't fit.
  package init(
    name: String, image: [UInt8], of loaded: LoadedModel, _ choice: Choice
  ) throws(PatchError) {
    self.init(name: name, image: image)
    var conditions = Set(loaded.model.buildConditions)
    classNames = loaded.model.output.count <= 1 << 10 ? loaded.classNames : []
    numbers = [("logit_count", loaded.model.output.count)]
    if choice.isWhole || !loaded.model.isStreamable {
      conditions.insert("QUANTINFER_WHOLE_WINDOW")
      memory = [
        (
          "run",
          Memory(
            macro: "QUANTINFER_RUN_MEMORY", stateByteCount: loaded.model.arenaByteCount,
            scratchByteCount: loaded.model.scratchByteCount)
        )
      ]
      outputs = loaded.outputsOfNoise()
    } else {
      let scratch = loaded.model.streamingScratchByteCount
      memory = [
        (
          "pipeline",
          Memory(
            macro: "QUANTINFER_PIPELINE_MEMORY", stateByteCount: loaded.model.stateByteCount,
            scratchByteCount: scratch)
        )
      ]
      (samples, leadCount) = (choice.samples, loaded.model.leadCount)
      let options = loaded.shippedOptions(converterBits: choice.converterBits)
      if let options, let state = try? Monitor.stateByteCount(model: loaded.model, options: options) {
        memory.append(
          (
            "monitor",
            Memory(macro: "QUANTINFER_MONITOR_MEMORY", stateByteCount: state, scratchByteCount: scratch)
          ))
        numbers.append(("saved_byte_count", SavedState.Header.byteCount + state))
        self.options = options.fieldsInC(leadCount: loaded.model.leadCount)
        if options.rhythmPrior != nil { conditions.insert("QUANTINFER_RHYTHM") }
        if let bytes = choice.patch {
          try add(patch: bytes, of: loaded)
          conditions.insert("QUANTINFER_PATCH")
        }
        let running = try choice.patch.map { bytes throws(PatchError) in try loaded.applying(patch: bytes) }
        decisions = choice.samples.map { (running ?? loaded).decisions(of: $0, options) }
      }
      figures = choice.samples == nil ? nil : options?.figures
    }
    comment = [
      "A QuantInfer model image, CRC-32 \(Numbers.hexadecimal(loaded.checksum)); written by QuantInfer \(Release.version).",
      "A runtime with what it needs and no more: swift build "
        + (["QUANTINFER_SELECTED"] + conditions.subtracting(["QUANTINFER_SELECTED"]).sorted()).map {
          "-Xswiftc -D\($0)"
        }.joined(separator: " "),
    ]
  }

  private mutating func add(patch bytes: [UInt8], of loaded: LoadedModel) throws(PatchError) {
    let patched = try loaded.applying(patch: bytes)
    patch = (bytes, patched.patch?.sequenceNumber ?? 0)
    // As quantinfer_monitor_inspect says: for any patch of the image, and its known answers behind it.
    func rounded(_ byteCount: Int) -> Int { (byteCount + 7) / 8 * 8 }
    let greatest = (0..<loaded.model.operatorCount).compactMap { index -> Int? in
      guard let constants = loaded.model.patchBufferByteCount(ofOperator: index),
        let answers = loaded.model.answerByteCount(ofOperator: index)
      else { return nil }
      return rounded(constants) + rounded(answers)
    }.max()
    numbers.append(("patch_buffer_byte_count", greatest ?? 0))
  }
}

extension LoadedModel {
  /// The options of the device that ships; nil where the model has no front end, or neither beats nor a clock to decide at.
  package func shippedOptions(converterBits: Int) -> Monitor.Options? {
    guard let frontEnd = model.frontEnd, model.isStreamable else { return nil }
    let timing = decisionHopColumns.map { DecisionTiming.everyColumns($0) } ?? .detectedBeats
    let rates = BeatDetector.lowestSampleRateMillihertz...BeatDetector.highestSampleRateMillihertz
    guard !timing.isAboutBeats || (obstacleToBeats == nil && rates.contains(frontEnd.sampleRateMillihertz))
    else {
      return nil
    }
    return Monitor.Options(
      timing, announcing: timing.isAboutBeats ? .withRhythm : Announcing(), of: self,
      converter: converter(bits: converterBits))
  }

  /// The decisions that the device makes of samples: the fields of `CContent.decisionFields`, then the logits.
  fileprivate func decisions(of samples: [Int16], _ options: Monitor.Options) -> [[Int32]] {
    guard var device = try? RunningDevice(model, options, scratchByteCount: scratchByteCount) else {
      return []
    }
    var rows: [[Int32]] = []
    device.run(samples) { sample, decision, logits in
      let beat = decision.beatAge.map { Int32(sample - $0) } ?? -1
      let said: [Int32] =
        switch decision.announcement {
        case .result(let index, let margin): [0, Int32(index), Int32(margin), 0]
        case .noResult(let reason): [1, -1, 0, Int32(reason.rawValue)]
        case .asleep: [2, -1, 0, 0]
        }
      rows.append(
        [Int32(sample), beat] + said + [decision.hasLogits ? 1 : 0]
          + logits.map { decision.hasLogits ? Int32($0) : 0 })
    }
    return rows
  }

  /// The bytes of all outputs for four windows of noise: the upper eight bits of `x = x * 1,664,525 + 1,013,904,223`
  /// modulo 2^32, from 1 on, a byte of the inputs each.
  fileprivate func outputsOfNoise() -> [[UInt8]] {
    var noise: UInt32 = 1
    func byte() -> UInt8 {
      noise = noise &* 1_664_525 &+ 1_013_904_223
      return UInt8(noise >> 24)
    }
    var engine = RunningEngine(self)
    return (0..<4).map { _ in
      for index in 0..<model.inputCount {
        let tensor = model.tensor(model.inputPort(index).tensorIndex)
        let codes = (0..<tensor.count).map { _ -> Int16 in
          let low = byte()
          return tensor.type == .int8
            ? Int16(Int8(bitPattern: low)) : Int16(bitPattern: UInt16(low) | UInt16(byte()) << 8)
        }
        engine.window.fill(tensor, with: codes[...])
      }
      engine.window.reset()
      engine.window.run()
      return (0..<model.outputCount).flatMap { index -> [UInt8] in
        let tensor = model.tensor(model.outputPort(index).tensorIndex)
        return engine.window.allCodes(of: tensor).flatMap { code -> [UInt8] in
          let bits = UInt16(bitPattern: code)
          return tensor.type == .int8 ? [UInt8(bits & 255)] : [UInt8(bits & 255), UInt8(bits >> 8)]
        }
      }
    }
  }
}

extension Monitor.Options {
  /// The options by the fields of the header's `quantinfer_options`, in its order, its size left out.
  ///
  /// - Parameter leadCount: The number of leads of the image that they are for.
  /// - Returns: The fields and their values.
  package func fieldsInC(leadCount: Int) -> [(field: String, value: Int32)] {
    var pace = (kind: Int32(0), columns: Int32(0))
    switch self.pace {
    case .detectedBeats: break
    case .givenBeats: pace.kind = 1
    case .everyColumns(let columns): pace = (2, Int32(clamping: columns))
    }
    let prior = rhythmPrior ?? .init(classIndex: 0, codesPerOctave: 0, neutralPartLog2Q16: 0)
    return [
      ("lead_count", Int32(leadCount)), ("pace", pace.kind), ("columns_per_decision", pace.columns),
      ("delay_samples", Int32(clamping: delaySamples)),
      ("majority_count", Int32(clamping: policy.majorityCount)),
      ("hysteresis_count", Int32(clamping: policy.hysteresisCount)),
      ("hysteresis_margin_codes", Int32(clamping: policy.hysteresisMarginCodes)),
      ("minimum_margin_codes", Int32(clamping: policy.minimumMarginCodes)),
      ("lowest_count", Int32(quality.lowestCount)), ("highest_count", Int32(quality.highestCount)),
      ("flat_counts", quality.flatCounts), ("flat_samples", quality.flatSamples),
      ("saturated_samples", quality.saturatedSamples),
      ("saturation_span_samples", quality.saturationSpanSamples), ("refill_samples", quality.refillSamples),
      ("wake_percent", Int32(clamping: wakePercent)), ("rhythm_class", Int32(clamping: prior.classIndex)),
      ("rhythm_codes_per_octave", Int32(clamping: prior.codesPerOctave)),
      ("rhythm_neutral_log2_q16", prior.neutralPartLog2Q16),
      ("detector_lead", Int32(clamping: detectorLead)), ("lost_lead", lostLead.rawValue),
    ]
  }
}

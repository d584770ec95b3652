import HostDevice
import QuantInfer
import Support

extension FaultCampaign {
  /// One fault and what comes of it.
  func trial(_ kind: FaultKind, _ random: inout SeededGenerator) -> FaultTrial {
    switch kind {
    case .weights: weightTrial(&random)
    case .state: stateTrial(&random)
    case .arena: arenaTrial(&random)
    case .image: imageTrial(&random, isForged: false)
    case .forged: imageTrial(&random, isForged: true)
    case .samples: sampleTrial(&random)
    case .adc: converterTrial(&random)
    case .clock: deadlineTrial(&random)
    case .brownout: brownOutTrial(&random)
    }
  }

  var secondSamples: Int { max(1, Int(sampleRateHz.rounded())) }

  /// A period as samples, one at least.
  private func sampleCount(seconds: Double) -> Int {
    max(1, Int(min(seconds * sampleRateHz, 0x1p40).rounded()))
  }

  /// The end of the period in which a sample lies; nil where that is not before the record's end.
  private func nextCheck(after sample: Int, periodSamples: Int) -> Int? {
    let next = (sample / periodSamples + 1) * periodSamples
    return next <= frames.count ? next : nil
  }

  /// Flips neighbouring bits, from a bit on, as far as the memory reaches.
  private func flip(_ bytes: UnsafeMutableRawBufferPointer, bit first: Int) {
    for bit in first..<min(first + options.bitsPerFault, 8 * bytes.count) {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
  }

  /// Pushes the rest of the record and notes which decisions changed.
  private func finish(_ trial: inout FaultTrial, _ device: FaultDevice, from next: Int, start: Int) {
    device.push(next..<frames.count, of: frames)
    note(device, from: start, in: &trial)
  }

  /// Notes which decisions changed, and what the device has said of itself, where nothing else found the fault before.
  private func note(_ device: FaultDevice, from start: Int, in trial: inout FaultTrial) {
    (trial.firstChange, trial.changedDecisions) = healthy.changes(in: device.decisions, from: start)
    if let alarm = device.alarm, alarm.sample < trial.detection?.sample ?? .max { trial.detection = alarm }
  }
}

// MARK: - Flipped bits

extension FaultCampaign {
  private func weightTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let layers = (0..<loaded.model.operatorCount).compactMap { index in
      loaded.model.weightBytes(ofOperator: index).map { (index, $0) }
    }
    var byte = random.nextIndex(below: layers.reduce(0) { $0 + $1.1.count })
    var bit = random.nextIndex(below: 8)
    let sample = random.nextIndex(below: healthy.faultSamples)
    var hit = layers[0]
    for layer in layers {
      hit = layer
      if byte < layer.1.count { break }
      byte -= layer.1.count
    }
    let (device, start) = healthy.device(at: sample)
    let weights = UnsafeMutableRawBufferPointer(rebasing: device.image.bytes[hit.1])
    flip(weights, bit: 8 * byte + bit)
    if loaded.model.operatorPlan(hit.0).weights?.weightBits == 4 { bit %= 4 }
    var trial = FaultTrial(
      kind: .weights, place: .init(order: hit.0, name: layerNames[hit.0]), bit: bit)
    if let seconds = options.scrubSeconds,
      let check = nextCheck(after: sample, periodSamples: sampleCount(seconds: seconds)),
      !device.model.isChecksumValid
    {
      trial.detection = .init(sample: check, means: "scrubbing")
    }
    finish(&trial, device, from: sample, start: start)
    return trial
  }

  private func stateTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let sample = random.nextIndex(below: healthy.faultSamples)
    let (device, start) = healthy.device(at: sample)
    let bit = random.nextIndex(below: 8 * device.state.count)
    var trial = FaultTrial(kind: .state, place: .init(stateParts, byte: bit / 8))
    let checksum = CRC32.checksum(UnsafeRawBufferPointer(device.state))
    flip(device.state, bit: bit)
    if options.guards.contains(.state), CRC32.checksum(UnsafeRawBufferPointer(device.state)) != checksum {
      trial.detection = .init(sample: sample, means: "state checksum")
    } else if !device.isStateSound {
      trial.detection = .init(sample: sample, means: "range of places")
    }
    // What is found before the next sample ends the run; an unsound state could not go on.
    if trial.detection == nil { finish(&trial, device, from: sample, start: start) }
    return trial
  }

  private func arenaTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let model = loaded.model
    let decision = healthy.windowDecisions[random.nextIndex(below: healthy.windowDecisions.count)]
    let layer = random.nextIndex(below: model.operatorCount)
    let bit = random.nextIndex(below: 8 * model.arenaByteCount)
    var engine = RunningEngine(loaded)
    var trial = FaultTrial(
      kind: .arena, place: .init(order: layer, name: "before \(layerNames[layer])"), bit: bit % 8)
    let window = healthy.window(of: decision, model)
    /// The class that a run decides for, a bit flipped before an operator.
    func decided(flippingBefore flipped: Int?) -> Int {
      _ = engine.window.input.update(fromContentsOf: window)
      for index in 0..<model.operatorCount {
        if index == flipped { flip(engine.arena.bytes, bit: bit) }
        engine.window.runOperator(index)
      }
      return engine.window.output.placeOfLargest
    }
    // Where intervals move a logit, the network's own class is another one.
    let right = options.announcing.rhythm ? decided(flippingBefore: nil) : decision.raw
    if decided(flippingBefore: layer) != right {
      (trial.firstChange, trial.changedDecisions) = (decision.sample, 1)
    }
    return trial
  }

  private func imageTrial(_ random: inout SeededGenerator, isForged: Bool) -> FaultTrial {
    let bit = random.nextIndex(below: 8 * image.count)
    var damaged = image
    damaged.withUnsafeMutableBytes { flip($0, bit: bit) }
    if isForged {
      let checksum = damaged.withUnsafeBytes { ModelFormat.checksum(of: $0) }
      withUnsafeBytes(of: checksum.littleEndian) {
        damaged.replaceSubrange(
          ModelFormat.Header.checksum..<ModelFormat.Header.checksum + $0.count, with: $0)
      }
    }
    var trial = FaultTrial(kind: isForged ? .forged : .image, place: imagePlace(byte: bit / 8))
    do throws(FaultRefusal) {
      let device = try healthy.device(image: damaged)
      finish(&trial, device, from: 0, start: 0)
    } catch {
      let means =
        switch error {
        case .image(.checksumMismatch): "checksum"
        case .image(.truncated), .image(.notAModelImage), .image(.unsupportedVersion): "header"
        case .image: "validation"
        case .memory: "memory or front end"
        }
      trial.detection = .init(sample: 0, means: means)
    }
    return trial
  }

  /// The part of the image in which a byte lies.
  private func imagePlace(byte: Int) -> FaultTrial.Place { .init(imageParts, byte: byte) }
}

// MARK: - Samples and time

extension FaultCampaign {
  private func sampleTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let sample = random.nextIndex(below: healthy.faultSamples)
    let isDoubled = random.nextIndex(below: 2) == 1
    let size = random.nextIndex(below: 4)
    let count = [1, 4, 16, 64][size]
    let (device, start) = healthy.device(at: sample)
    var trial = FaultTrial(
      kind: .samples,
      place: .init(order: (isDoubled ? 4 : 0) + size, name: "\(count) \(isDoubled ? "doubled" : "dropped")"))
    trial.detection = clockDetection(after: sample)
    let end = min(sample + count, frames.count)
    if isDoubled {
      device.push(sample..<end, of: frames)
      device.missSamples(sample - end)
      finish(&trial, device, from: sample, start: start)
    } else {
      device.missSamples(end - sample)
      finish(&trial, device, from: end, start: start)
    }
    return trial
  }

  /// The guard of the clock, which compares once a second.
  private func clockDetection(after sample: Int) -> FaultTrial.Detection? {
    guard options.guards.contains(.clock),
      let check = nextCheck(after: sample, periodSamples: secondSamples)
    else { return nil }
    return .init(sample: check, means: "sample count")
  }

  private func converterTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let sample = random.nextIndex(below: healthy.faultSamples)
    let bits = leads[0].profile.converterBits
    let bit = random.nextIndex(below: bits)
    let isSet = random.nextIndex(below: 2) == 1
    // Of several leads one's converter has the fault.
    let lead = frames.leadCount == 1 ? 0 : random.nextIndex(below: frames.leadCount)
    let (device, start) = healthy.device(at: sample)
    let name = "stuck at \(isSet ? 1 : 0)" + (frames.leadCount == 1 ? "" : ", lead \(leads[lead].leadName)")
    var trial = FaultTrial(kind: .adc, place: .init(order: 2 * lead + (isSet ? 1 : 0), name: name), bit: bit)
    var check = StuckBitCheck(periodSamples: secondSamples, count: sample)
    for index in sample..<frames.count {
      var frame = frames[index]
      let place = frame.startIndex + lead
      // The converter's code counts from its least one.
      let middle = 1 << (bits - 1)
      let code = Int(frame[place]) + middle
      let stuck = Int16(clamping: (isSet ? code | 1 << bit : code & ~(1 << bit)) - middle)
      frame[place] = stuck
      device.push(frame)
      if check.push(stuck), options.guards.contains(.adc), trial.detection == nil {
        trial.detection = .init(sample: index, means: "stuck-bit check")
      }
    }
    note(device, from: start, in: &trial)
    return trial
  }

  private func deadlineTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let sample = random.nextIndex(below: healthy.faultSamples)
    let size = random.nextIndex(below: 5)
    let count = 1 << size
    let (device, start) = healthy.device(at: sample)
    var trial = FaultTrial(
      kind: .clock, place: .init(order: size, name: "\(count) column\(count == 1 ? "" : "s") skipped"))
    var (skipped, index) = (0, sample)
    while skipped < count, index < frames.count {
      if device.push(frames[index], isLate: true) {
        skipped += 1
        if options.guards.contains(.clock), trial.detection == nil {
          trial.detection = .init(sample: index, means: "deadline")
        }
      }
      index += 1
    }
    finish(&trial, device, from: index, start: start)
    return trial
  }

  private func brownOutTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let period = sampleCount(seconds: options.saveSeconds)
    let moment = random.nextIndex(below: 3)
    var failure = random.nextIndex(below: healthy.faultSamples)
    // At a save, with nothing lost; between saves; while a copy is written, its end still that of an older one.
    if moment != 1 { failure = failure / period * period }
    let lastSave = failure / period * period
    let (device, start) = healthy.device(at: max(0, moment == 2 ? lastSave - period : lastSave))
    let older = device.snapshot()
    device.push(device.sampleCount..<failure, of: frames)
    var trial = FaultTrial(
      kind: .brownout,
      place: .init(order: moment, name: ["just after a save", "between saves", "during a save"][moment]))
    trial.detection = .init(sample: failure, means: "restart")
    // What memory holds after a brown-out is anything.
    device.loseMemory { UInt8(truncatingIfNeeded: random.next()) }
    do throws(SavedStateError) {
      if moment == 2 {
        let (fresh, _) = healthy.device(at: failure)
        var torn = fresh.snapshot()
        let cut = random.nextIndex(below: torn.device.saved.count)
        torn.device.saved.replaceSubrange(cut..., with: older.device.saved[cut...])
        // Where the copies happen to agree behind the cut, the torn one is whole.
        try device.restore(torn)
      } else {
        try device.restore(older)
      }
    } catch {
      trial.detection?.means = "restart, torn copy refused"
      try? device.restore(older)
    }
    device.missSamples(failure - device.sampleCount)
    finish(&trial, device, from: failure, start: start)
    return trial
  }
}

extension FaultTrial.Place {
  /// The part in which a byte lies.
  fileprivate init(_ parts: [MemoryMap.Part], byte: Int) {
    let place = parts.place(ofByte: byte)
    self.init(order: place?.order ?? parts.count, name: place?.name ?? "elsewhere")
  }
}

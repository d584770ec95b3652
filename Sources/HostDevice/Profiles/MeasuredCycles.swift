import Foundation
import ModelFiles
import Support

/// What a board took in the mean, by its own counter: the `target` of `device-sim stream --target --json`.
package struct MeasuredCycles: Equatable, Sendable {
  /// The board, by what it says of itself.
  package var board: String
  /// CRC-32 of the model's image, in hexadecimal.
  package var modelChecksum: String
  /// The samples that it took.
  package var samples: Int
  /// Cycles a sample with which no column ends.
  package var perSample: Double
  /// Cycles a sample with which one does.
  package var perColumn: Double
  /// Cycles a decision.
  package var perDecision: Double

  /// Creates what a board took.
  package init(
    board: String, modelChecksum: String, samples: Int, perSample: Double, perColumn: Double,
    perDecision: Double
  ) {
    (self.board, self.modelChecksum, self.samples) = (board, modelChecksum, samples)
    (self.perSample, self.perColumn, self.perDecision) = (perSample, perColumn, perDecision)
  }

  private static let remedy = "name what `device-sim stream --target tty:DEVICE@BAUD --json` wrote"

  /// Reads a stream's results.
  ///
  /// - Throws: `FileError` where no board ran, or its counter counts no cycles.
  package init(reading file: String) throws(FileError) {
    struct Stream: Decodable {
      struct Target: Decodable {
        struct Ticks: Decodable {
          var unit: String
          var perSample, perColumn, perDecision: Double?
        }
        struct Board: Decodable { var name: String }
        var address: String
        var board: Board
        var samples: Int
        var ticks: Ticks?
      }
      var modelChecksum: String
      var target: Target?
    }
    let data = try Files.read(file)
    _ = try StrictJSON.parse(data, file: file, remedy: Self.remedy)
    guard let stream = try? JSONDecoder().decode(Stream.self, from: data), let target = stream.target else {
      throw .malformed(file, "has no run of a board", remedy: Self.remedy)
    }
    guard let ticks = target.ticks else {
      throw .malformed(
        file, at: "target.ticks", "is missing: the board has no counter",
        remedy: "give it one: wire_ticks of Firmware/Sources/Board/include/Board.h")
    }
    guard ticks.unit == "cycles" else {
      throw .malformed(
        file, at: "target.ticks", "counts instructions of an emulated board, not cycles",
        remedy: "run a board at a serial port or over TCP")
    }
    guard let perSample = ticks.perSample, let perColumn = ticks.perColumn,
      let perDecision = ticks.perDecision, min(perSample, perDecision) > 0, perColumn > perSample
    else {
      throw .malformed(
        file, at: "target.ticks", "has no sample, no column or no decision with its cycles",
        remedy: "stream a record long enough for decisions, awake")
    }
    self.init(
      board: target.board.name.isEmpty ? target.address : target.board.name,
      modelChecksum: stream.modelChecksum, samples: target.samples, perSample: perSample,
      perColumn: perColumn, perDecision: perDecision)
  }
}

extension DeviceProfile {
  /// How far the split of a board's three sums among a profile's figures may be off: own estimate.
  private static let splitOfSums = 0.1

  /// A profile as JSON with the cycles that a board took; see `with`.
  ///
  /// - Parameters:
  ///   - base: The profile to start from, a name or a file.
  ///   - results: What `device-sim stream --target --json` wrote.
  ///   - model: The model that ran, `.qinf` or `.tflite`.
  /// - Returns: The profile's file.
  /// - Throws: `FileError`.
  package static func measured(_ base: String, results: String, model: String) throws -> Data {
    let cycles = try MeasuredCycles(reading: results)
    let loaded = try LoadedModel.read(model, withFrontEnd: true)
    return try JSON.data(load(base).with(cycles, of: loaded, file: model))
  }

  /// The profile with the cycles that a board took.
  ///
  /// Its figures of samples, columns and decisions change in the proportion in which the board took more or fewer.
  ///
  /// - Parameters:
  ///   - measured: What the board took.
  ///   - loaded: The model that it ran.
  ///   - file: The model's file, for errors.
  /// - Returns: The profile, named after this one.
  /// - Throws: `FileError` where the model is another, streams no columns, or the profile has no processor.
  package func with(_ measured: MeasuredCycles, of loaded: LoadedModel, file: String) throws(FileError)
    -> DeviceProfile
  {
    let checksum = String(format: "%08x", loaded.model.imageChecksum)
    guard checksum == measured.modelChecksum else {
      throw .malformed(
        file, "is another model than the board ran: \(checksum), not \(measured.modelChecksum)",
        remedy: "name the model of that run")
    }
    guard var processor,
      let tasks = Feasibility(loaded, on: self, schedule: .detectedBeats(perSecond: 70.0 / 60))?.modes.first?
        .tasks,
      let sample = tasks.first(where: { $0.name == "sample" }),
      let column = tasks.first(where: { $0.name == "column" }),
      let decision = tasks.first(where: { $0.name == "decision" })
    else {
      throw .malformed(
        file, "streams no columns, or \(name) has no processor: there is nothing to lay the cycles to",
        remedy: "take a model with a spectrogram, and a profile such as reference")
    }
    let wake = processor.cyclesPerWake ?? DeviceProfile.Processor.usualCyclesPerWake
    let source =
      "measured on \(measured.board) in the mean of \(Numbers.integer(measured.samples)) samples, split as in \(name)"
    func scaled(_ figure: Figure, by factor: Double, and more: Estimate = Estimate(0)) -> Figure {
      let value = max(0, figure.value - more.value) * factor
      func rounded(_ value: Double) -> Double { Double(String(format: "%.3g", value)) ?? value }
      return Figure(
        rounded(value + more.value), low: rounded(value * (1 - Self.splitOfSums) + more.low),
        high: rounded(value * (1 + Self.splitOfSums) + more.high),
        source: source + (more.value > 0 ? "; with \(wake.source) of waking up" : ""))
    }
    let perSample = measured.perSample / max(1, sample.meanCycles.value - wake.value)
    processor.cyclesPerSample = scaled(processor.cyclesPerSample, by: perSample, and: wake.estimate)
    processor.cyclesPerDetectorSample = scaled(processor.cyclesPerDetectorSample, by: perSample)
    let perColumn = (measured.perColumn - measured.perSample) / max(1, column.meanCycles.value)
    processor.cyclesPerTransformPoint = scaled(processor.cyclesPerTransformPoint, by: perColumn)
    processor.cyclesPerWindowSample = processor.cyclesPerWindowSample.map { scaled($0, by: perColumn) }
    processor.cyclesPerBin = scaled(processor.cyclesPerBin, by: perColumn)
    processor.cyclesPerMAC.convolution = scaled(processor.cyclesPerMAC.convolution, by: perColumn)
    processor.cyclesPerMAC.depthwise = scaled(processor.cyclesPerMAC.depthwise, by: perColumn)
    processor.cyclesPerOutput = scaled(processor.cyclesPerOutput, by: perColumn)
    processor.cyclesPerElement = scaled(processor.cyclesPerElement, by: perColumn)
    processor.cyclesPerCall = scaled(processor.cyclesPerCall, by: perColumn)
    // A decision is a fully connected operator as a rule: what its calls and outputs leave is that operator's.
    let dense = decision.work.filter { $0.item.hasPrefix("MAC of fully connected") }.reduce(0) {
      $0 + $1.cycles.value
    }
    let others = (decision.meanCycles.value - dense) * perColumn
    if dense > 0, measured.perDecision > others {
      processor.cyclesPerMAC.fullyConnected = scaled(
        processor.cyclesPerMAC.fullyConnected, by: (measured.perDecision - others) / dense)
    }
    var profile = self
    profile.processor = processor
    profile.name = "\(name)-measured"
    profile.summary = "\(summary); cycles measured on \(measured.board)"
    return profile
  }
}

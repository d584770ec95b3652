import CommandSupport
import QuantInfer
import Quantization
import Support

/// What a model image holds and needs.
struct ModelSummary: Encodable {
  struct Operator: Encodable {
    var name: String
    /// `[time, frequency, channel]`.
    var inputShape: [Int]
    /// `[time, frequency, channel]`.
    var outputShape: [Int]
    /// Taps along time and frequency.
    var kernel: [Int]
    var dilation: [Int]
    var stride: [Int]
    /// Of the output.
    var scale: Double
    /// Of the output.
    var zeroPoint: Int
    var weights: Int
    var macsPerWindow: Int
    /// The work of one new column when streaming; of one decision for the last operator.
    var macsPerColumn: Int?
    /// The ring of input columns when streaming.
    var ringColumns: Int?
    var ringBytes: Int?
  }

  struct Memory: Encodable {
    var modelBytes: Int
    var weightBytes: Int
    var arenaBytes: Int
    var arenaLowerBoundBytes: Int?
    var scratchBytes: Int
    var stateBytes: Int
  }

  struct FrontEnd: Encodable {
    var sampleRateHz: Double
    var windowSamples: Int
    var hopSamples: Int
    var firstBin: Int
    var bins: Int
    var highPassShift: Int
    var microvoltsPerCount: Double
  }

  struct Input: Encodable {
    /// `[time, frequency, channel]`.
    var shape: [Int]
    var scale: Double
    var zeroPoint: Int
  }

  var input: Input
  var operators: [Operator]
  var memory: Memory
  var frontEnd: FrontEnd?
  var classNames: [String]
  var provenance: [String: String]
  var checksum: String
  var formatVersion: Int
  /// The work of the whole window.
  var macsPerWindow: Int
  /// The work of one new column and a decision on it, when streaming.
  var macsPerDecision: Int?

  private var provenanceKeys: [String]

  private enum CodingKeys: String, CodingKey {
    case input, operators, memory, frontEnd, classNames, provenance, checksum, formatVersion
    case macsPerWindow, macsPerDecision
  }

  init(_ loaded: LoadedModel) {
    let model = loaded.model
    input = Input(
      shape: model.input.shape, scale: model.input.scale, zeroPoint: Int(model.input.zeroPoint))
    operators = (0..<model.operatorCount).map { Operator(model, index: $0) }
    macsPerWindow = operators.reduce(0) { $0 + $1.macsPerWindow }
    macsPerDecision = model.isStreamable ? operators.reduce(0) { $0 + ($1.macsPerColumn ?? 0) } : nil
    memory = Memory(
      modelBytes: model.byteCount, weightBytes: operators.reduce(0) { $0 + $1.weights },
      arenaBytes: model.arenaByteCount, scratchBytes: model.scratchByteCount, stateBytes: model.stateByteCount
    )
    frontEnd = model.frontEnd.map {
      FrontEnd(
        sampleRateHz: Double($0.sampleRateMillihertz) / 1000, windowSamples: $0.windowSamples,
        hopSamples: $0.hopSamples, firstBin: $0.firstBin, bins: $0.binCount,
        highPassShift: Int($0.highPassShift),
        microvoltsPerCount: Double(Float(bitPattern: $0.microvoltsPerCountBits)))
    }
    classNames = loaded.classNames
    provenance = Dictionary(loaded.metadata.map { ($0.key, $0.value) }) { first, _ in first }
    provenanceKeys = loaded.metadata.map(\.key)
    checksum = hexadecimal(loaded.checksum)
    formatVersion = Int(ModelFormat.version)
  }
}

extension ModelSummary.Operator {
  init(_ model: Model, index: Int) {
    let plan = model.operatorPlan(index)
    let input = model.tensor(plan.inputIndex)
    let output = model.tensor(plan.outputIndex)
    let isConvolution = plan.kind == .convolution
    name = isConvolution ? "convolution \(index + 1)" : "dense \(index + 1)"
    inputShape = input.shape
    outputShape = output.shape
    kernel =
      isConvolution ? [plan.time.kernel, plan.frequency.kernel] : [input.timeCount, input.frequencyCount]
    dilation = isConvolution ? [plan.time.dilation, plan.frequency.dilation] : [1, 1]
    stride = isConvolution ? [plan.time.stride, plan.frequency.stride] : [1, 1]
    scale = output.scale
    zeroPoint = Int(output.zeroPoint)
    weights =
      isConvolution
      ? kernel[0] * kernel[1] * input.channelCount * output.channelCount : input.byteCount * output.byteCount
    macsPerWindow = isConvolution ? output.timeCount * output.frequencyCount * weights : weights
    if model.isStreamable {
      macsPerColumn = isConvolution ? output.frequencyCount * weights : weights
      ringColumns = plan.ringColumnCount
      ringBytes = plan.ringColumnCount * input.columnByteCount
    }
  }
}

extension Tensor {
  fileprivate var shape: [Int] { [timeCount, frequencyCount, channelCount] }
  fileprivate var scale: Double { Double(Float(bitPattern: scaleBits)) }
}

private func hexadecimal(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 8 - digits.count) + digits
}

// MARK: For people

extension ModelSummary {
  /// An operator a row.
  var operatorTable: SummaryTable {
    var table = SummaryTable(
      columns: ["input", "output", "kernel", "scale", "zero", "weights", "MAC/window", "MAC/column"],
      alignment: .right)
    table.add("spectrogram", "", .init(text(input.shape)), "", .init(text(input.scale)), "\(input.zeroPoint)")
    for operation in operators {
      table.add(
        operation.name, .init(text(operation.inputShape)), .init(text(operation.outputShape)),
        .init(kernel(operation)), .init(text(operation.scale)), "\(operation.zeroPoint)",
        .init(Numbers.integer(operation.weights)), .init(Numbers.integer(operation.macsPerWindow)),
        .init(operation.macsPerColumn.map { Numbers.integer($0) } ?? "-"))
    }
    table.add(
      "all", "", "", "", "", "", .init(Numbers.integer(memory.weightBytes)),
      .init(Numbers.integer(macsPerWindow)), .init(macsPerDecision.map { Numbers.integer($0) } ?? "-"))
    return table
  }

  /// The bytes of flash and RAM.
  var memoryTable: SummaryTable {
    var table = SummaryTable(columns: [])
    let bound = memory.arenaLowerBoundBytes.map { "; no arena can be smaller than \(Numbers.integer($0)) B" }
    table.add(
      "image", bytes(memory.modelBytes), .init("of which \(Numbers.integer(memory.weightBytes)) B of weights")
    )
    table.add(
      "arena", bytes(memory.arenaBytes),
      .init("a whole window, \(Numbers.integer(memory.scratchBytes)) B of it scratch" + (bound ?? "")))
    table.add("scratch", bytes(memory.scratchBytes), "streaming, free between samples")
    if memory.stateBytes > 0 {
      let rings = operators.compactMap(\.ringBytes).map { Numbers.integer($0) }.joined(separator: " + ")
      table.add("state", bytes(memory.stateBytes), .init("streaming, rings of \(rings) B"))
    } else {
      table.add("state", "-", "this network can't stream")
    }
    return table
  }

  /// Front end, classes and provenance.
  var identityTable: SummaryTable {
    var table = SummaryTable(columns: [])
    if let frontEnd {
      let binHz = frontEnd.sampleRateHz / Double(frontEnd.windowSamples)
      let rate = Numbers.decimal(
        frontEnd.sampleRateHz, places: frontEnd.sampleRateHz.rounded() == frontEnd.sampleRateHz ? 0 : 3)
      table.add(
        "samples",
        .init("\(rate) Hz, \(Numbers.decimal(frontEnd.microvoltsPerCount, places: 4)) uV a count"))
      table.add(
        "spectrogram",
        .init(
          "\(frontEnd.windowSamples) samples every \(frontEnd.hopSamples), \(frontEnd.bins) bins of "
            + "\(Numbers.decimal(binHz, places: 2)) Hz from bin \(frontEnd.firstBin) on"))
    }
    table.add("classes", .init(classNames.joined(separator: ", ")))
    for key in provenanceKeys { table.add(key, .init(provenance[key] ?? "")) }
    table.add("checksum", .init("\(checksum) (CRC-32), format \(formatVersion)"))
    return table
  }

  private func text(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: "x") }

  private func text(_ scale: Double) -> String { Numbers.decimal(scale, places: 6) }

  private func bytes(_ count: Int) -> SummaryTable.Cell { .init("\(Numbers.integer(count)) B") }

  private func kernel(_ operation: Operator) -> String {
    let taps = text(operation.kernel)
    return operation.dilation == [1, 1] ? taps : "\(taps) by \(text(operation.dilation))"
  }
}

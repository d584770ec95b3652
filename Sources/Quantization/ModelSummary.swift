import QuantInfer

/// What a model image holds and needs, for tables and JSON.
public struct ModelSummary: Encodable, Sendable {
  /// An operator.
  ///
  /// Shapes are `[time, frequency, channel]`, steps along time and frequency.
  public struct Operator: Encodable, Sendable {
    /// What it computes, and its place in the order.
    public var name: String
    /// The input's shape over a whole window.
    public var inputShape: [Int]
    /// The output's shape over a whole window.
    public var outputShape: [Int]
    /// Taps.
    public var kernel: [Int]
    /// The distance between taps.
    public var dilation: [Int]
    /// The distance between outputs.
    public var stride: [Int]
    /// The output's scale.
    public var scale: Double
    /// The output's code of real 0.
    public var zeroPoint: Int
    /// The weights, a byte each.
    public var weightBytes: Int
    /// Multiply-accumulates over a whole window.
    public var macsPerWindow: Int
    /// Multiply-accumulates for one new column, and for the last operator for one decision; null where the network
    /// can't stream.
    public var macsPerStep: Int?
    /// The ring of input columns that a streaming run keeps; null where the network can't stream.
    public var ringBytes: Int?
  }

  /// Multiply-accumulates.
  public struct Operations: Encodable, Sendable {
    /// For a whole window at once.
    public var macsPerWindow: Int
    /// For each new column of a streaming run, by all operators but the last.
    public var macsPerColumn: Int?
    /// For each decision of a streaming run beyond the columns' work, by the last operator.
    public var macsPerDecision: Int?
    /// The operators in order.
    public var operators: [Operator]
  }

  /// Memory, in bytes.
  public struct Memory: Encodable, Sendable {
    /// The whole image in flash: weights, tables, records, names.
    public var modelBytes: Int
    /// The int8 weights alone.
    public var weightBytes: Int
    /// The arena of a whole-window run, its scratch included.
    public var arenaBytes: Int
    /// No arena can be smaller: the scratch and the largest set of tensors alive at once.
    ///
    /// Null where unknown.
    public var arenaLowerBoundBytes: Int?
    /// The scratch that a streaming run needs instead of the arena.
    public var scratchBytes: Int
    /// What a streaming run keeps between samples; 0 where the network can't stream.
    public var stateBytes: Int
  }

  /// The spectrogram and the converter that the image is made for.
  public struct FrontEnd: Encodable, Sendable {
    /// The samples' rate.
    public var sampleRateHz: Double
    /// The transform's length.
    public var windowSamples: Int
    /// The distance between columns.
    public var hopSamples: Int
    /// The first frequency bin.
    public var firstBin: Int
    /// The number of bins.
    public var bins: Int
    /// The high-pass filter's shift.
    public var highPassShift: Int
    /// What a count of the converter stands for.
    public var microvoltsPerCount: Double
  }

  /// The input's tensor.
  public struct Input: Encodable, Sendable {
    /// `[time, frequency, channel]`.
    public var shape: [Int]
    /// Real = scale * (code - zero point).
    public var scale: Double
    /// The code of real 0.
    public var zeroPoint: Int
  }

  /// The input.
  public var input: Input
  /// Operators and their work.
  public var operations: Operations
  /// Flash and RAM.
  public var memory: Memory
  /// The front end; null for a model that takes finished input.
  public var frontEnd: FrontEnd?
  /// The classes' names.
  public var classNames: [String]
  /// Where the model is from.
  public var provenance: [String: String]
  /// The image's CRC-32, in hexadecimal.
  public var checksum: String
  /// The image's format version.
  public var formatVersion: Int

  /// Sums up a model.
  public init(_ loaded: LoadedModel) {
    let model = loaded.model
    input = Input(shape: model.input.shape, scale: model.input.scale, zeroPoint: Int(model.input.zeroPoint))
    operations = Operations(model)
    memory = Memory(
      modelBytes: model.byteCount, weightBytes: operations.operators.reduce(0) { $0 + $1.weightBytes },
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
    let digits = String(loaded.checksum, radix: 16)
    checksum = String(repeating: "0", count: 8 - digits.count) + digits
    formatVersion = Int(ModelFormat.version)
  }
}

extension ModelSummary.Operations {
  init(_ model: Model) {
    operators = (0..<model.operatorCount).map { ModelSummary.Operator(model, index: $0) }
    macsPerWindow = operators.reduce(0) { $0 + $1.macsPerWindow }
    guard model.isStreamable else { return }
    macsPerColumn = operators.dropLast().reduce(0) { $0 + ($1.macsPerStep ?? 0) }
    macsPerDecision = operators.last?.macsPerStep
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
    weightBytes = kernel[0] * kernel[1] * input.channelCount * output.channelCount
    macsPerWindow = weightBytes * output.timeCount * output.frequencyCount
    guard model.isStreamable else { return }
    macsPerStep = weightBytes * output.frequencyCount
    ringBytes = plan.ringColumnCount * input.columnByteCount
  }
}

extension Tensor {
  /// `[time, frequency, channel]`.
  var shape: [Int] { [timeCount, frequencyCount, channelCount] }
  fileprivate var scale: Double { Double(Float(bitPattern: scaleBits)) }
}

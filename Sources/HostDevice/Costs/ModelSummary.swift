import ModelFiles
import QuantInfer
import Support
import Tasks

/// What a model image holds and needs, for tables and JSON.
package struct ModelSummary: Encodable, Sendable {
  /// An operator.
  ///
  /// Shapes are `[time, frequency, channel]`, steps along time and frequency.
  package struct Operator: Encodable, Sendable {
    /// What it computes, and its place in the order.
    package var name: String
    /// The input's shape over a whole window.
    package var inputShape: [Int]
    /// The output's shape over a whole window.
    package var outputShape: [Int]
    /// Taps.
    package var kernel: [Int]
    /// The distance between taps.
    package var dilation: [Int]
    /// The distance between outputs.
    package var stride: [Int]
    /// The output's scale.
    package var scale: Double
    /// The output's code of real 0.
    package var zeroPoint: Int
    /// The weights, a byte each.
    package var weightBytes: Int
    /// Multiply-accumulates over a whole window.
    package var macsPerWindow: Int
    /// Multiply-accumulates for one new column, on average, or for one decision by operators that need the whole window;
    /// null where the network can't stream.
    package var macsPerStep: Int?
    /// New columns from one of its steps to the next: the product of the strides along time up to it; null for operators
    /// that need the whole window, and where the network can't stream.
    package var columnsPerStep: Int?
    /// Columns of its output at the window's ends that padding along time has a part in: computed anew at each decision,
    /// while those between them are computed once; null for operators that need the whole window, and where the network
    /// can't stream.
    package var edgeColumns: Int?
    /// What one step takes in multiply-accumulates; null where the network can't stream.
    package var stepMACs: StepMACs?
    /// The running sums that stand in for the window; null where there are none.
    package var runningSums: RunningSums?
    /// The ring of input columns that a streaming run keeps; null where the network can't stream.
    package var ringBytes: Int?
    /// All that one of its steps takes, in the runtime's steps: products, codes moved, runs begun; see
    /// `Model.stepsPerDecision`.
    package var workPerStep: Int
    /// The same over a whole window.
    package var workPerWindow: Int
  }

  /// Multiply-accumulates of one output column, or of one decision by operators that need the whole window.
  package struct StepMACs: Encodable, Equatable, Sendable {
    /// Products of a weight and an input: what any exact evaluation by new columns needs.
    ///
    /// Padding has none.
    package var needed: Int
    /// What the kernel executes: padding too, and the zeros that fill up blocks of four channels and quads of inputs.
    package var executed: Int

    /// Creates a count.
    package init(needed: Int, executed: Int) {
      (self.needed, self.executed) = (needed, executed)
    }
  }

  /// The sums of a window's columns, which a mean over all of time keeps up to date.
  package struct RunningSums: Encodable, Equatable, Sendable {
    /// Their number.
    package var count: Int
    /// New columns from one column of the window to the next.
    package var columnsPerUpdate: Int
    /// Additions and subtractions with each column of the window.
    package var additionsPerUpdate: Int
    /// Additions that each decision would take without them.
    package var additionsPerDecisionWithout: Int
  }

  /// Multiply-accumulates.
  package struct Operations: Encodable, Sendable {
    /// For a whole window at once.
    package var macsPerWindow: Int
    /// For each new column of a streaming run, on average, by the operators that take columns.
    package var macsPerColumn: Int?
    /// For each decision of a streaming run beyond the columns' work: by the operators that need the whole window, and for
    /// the columns at the window's ends.
    package var macsPerDecision: Int?
    /// What the operators that take columns need for each new column, on average.
    package var neededMACsPerColumn: Double?
    /// What their kernels execute, on average.
    package var executedMACsPerColumn: Double?
    /// The latter over the former: 1 is the least; null where no operator multiplies column by column.
    package var columnWorkRatio: Double?
    /// The same counts for each decision.
    package var decisionMACs: StepMACs?
    /// The number of operators that take columns; those behind them run at a decision.
    package var columnOperatorCount: Int?
    /// New columns from one decision that is possible to the next: the product of the strides along time.
    package var columnsPerDecision: Int?
    /// The most work from one sample to the next, in steps: see `Model.stepsPerDecision`.
    package var workPerDecision: Int
    /// The operators in order.
    package var operators: [Operator]
  }

  /// A tensor's place in the arena.
  package struct Placement: Encodable, Sendable {
    /// The tensor's index in the model that the network was imported from.
    package var tensor: Int
    /// Its dimensions, the outermost first.
    package var shape: [Int]
    /// Its first byte's place.
    package var offset: Int
    /// Its size in bytes.
    package var bytes: Int
    /// The operator that writes it, -1 for an input, and the last that reads it.
    package var operators: [Int]
  }

  /// Memory, in bytes.
  package struct Memory: Encodable, Sendable {
    /// The whole image in flash: weights, tables, records, names.
    package var modelBytes: Int
    /// The weights alone, those of a network of beats beside included.
    package var weightBytes: Int
    /// The runtime's code for a streaming run with what the model needs.
    package var codeBytes: CodeBytes
    /// The same for runs over whole windows.
    package var wholeWindowCodeBytes: CodeBytes
    /// The arena of a whole-window run.
    package var arenaBytes: Int
    /// The largest set of tensors alive at once: the least arena where no output shares bytes with an input.
    package var liveBytes: Int
    /// The same where each operator's output shares with its inputs what it can: no arena can be smaller.
    package var arenaLowerBoundBytes: Int
    /// What kernels and front end need while they run, beside the arena.
    package var scratchBytes: Int
    /// The same beside the streaming state, with the tensors of the operators that need the whole window; null where the
    /// network can't stream.
    package var streamingScratchBytes: Int?
    /// What a streaming run keeps between samples, with a network of beats beside; 0 where the network can't stream.
    package var stateBytes: Int
    /// The tensors' places in the arena, in the order of their lives.
    package var arena: [Placement]
  }

  /// The front end and the converter that the image is made for.
  ///
  /// Raw samples are a window of one sample and one bin.
  package struct FrontEnd: Encodable, Sendable {
    /// What a column is.
    package enum Kind: String, Encodable, Sendable {
      /// The log magnitudes of a window of samples.
      case spectrogram
      /// A sample.
      case samples
      /// There are none: a beat is all of the input.
      case beats
    }

    /// What a column is.
    package var kind: Kind
    /// What a beat becomes; null where columns are the input.
    package var beats: BeatSettings?
    /// The samples' rate.
    package var sampleRateHz: Double
    /// The transform's length.
    package var windowSamples: Int
    /// The distance between columns.
    package var hopSamples: Int
    /// The first frequency bin.
    package var firstBin: Int
    /// The number of bins.
    package var bins: Int
    /// The number of leads, each with a window and bins of its own.
    package var leads: Int
    /// The high-pass filter's shift; 0 where samples aren't filtered.
    package var highPassShift: Int
    /// What a count of the converter stands for.
    package var microvoltsPerCount: Double
  }

  /// A network of beats beside one of columns.
  package struct BeatNetwork: Encodable, Sendable {
    /// What a beat becomes.
    package var beats: BeatSettings
    /// The codes of a beat's input.
    package var inputs: Int
    /// Its weights.
    package var weightBytes: Int
    /// Its products, at each decision.
    package var macsPerDecision: Int
    /// What it keeps between samples.
    package var stateBytes: Int

    init?(_ model: Model?) {
      guard let model, let plan = model.frontEnd, let beats = SpectrogramSettings(plan, leadCount: 1).beats
      else { return nil }
      let operations = Operations(model)
      self.beats = beats
      inputs = model.input.count
      weightBytes = operations.operators.reduce(0) { $0 + $1.weightBytes }
      macsPerDecision = operations.macsPerWindow
      stateBytes = model.stateByteCount
    }
  }

  /// The input's tensor.
  package struct Input: Encodable, Sendable {
    /// `[time, frequency, channel]`.
    package var shape: [Int]
    /// Real = scale * (code - zero point).
    package var scale: Double
    /// The code of real 0.
    package var zeroPoint: Int
  }

  /// The first input.
  package var input: Input
  /// The inputs behind it.
  package var moreInputs: [Input]
  /// Operators and their work.
  package var operations: Operations
  /// Flash and RAM.
  package var memory: Memory
  /// The front end; null for a model that takes finished input.
  package var frontEnd: FrontEnd?
  /// The network of beats that is asked beside this one of columns; null for none.
  package var beatNetwork: BeatNetwork?
  /// How long after its beat a decision comes; null where decisions can't come at beats.
  package var decisionDelay: DecisionDelay?
  /// The classes' names.
  package var classNames: [String]
  /// Where the model is from.
  package var provenance: [String: String]
  /// The image's CRC-32, in hexadecimal.
  package var checksum: String
  /// The SHA-256 that the image states of itself, in hexadecimal.
  package var digest: String
  /// The image's format version.
  package var formatVersion: Int

  /// Sums up a model.
  package init(_ loaded: LoadedModel) {
    let model = loaded.model
    let inputs = (0..<model.inputCount).map { port in
      let index = model.inputPort(port).tensorIndex
      let tensor = model.tensor(index)
      return Input(
        shape: model.shape(ofTensor: index), scale: tensor.scale, zeroPoint: Int(tensor.zeroPoint))
    }
    (input, moreInputs) = (inputs[0], Array(inputs.dropFirst()))
    operations = Operations(model)
    let plan = ArenaPlan(planned: model)
    memory = Memory(
      modelBytes: model.byteCount, weightBytes: operations.operators.reduce(0) { $0 + $1.weightBytes },
      codeBytes: CodeBytes(conditions: model.buildConditions),
      wholeWindowCodeBytes: CodeBytes(conditions: model.buildConditions + ["QUANTINFER_WHOLE_WINDOW"]),
      arenaBytes: model.arenaByteCount, liveBytes: plan.liveByteCount,
      arenaLowerBoundBytes: plan.lowerBoundByteCount, scratchBytes: model.scratchByteCount,
      streamingScratchBytes: model.isStreamable ? model.streamingScratchByteCount : nil,
      stateBytes: model.stateByteCount,
      arena: plan.placements.sorted {
        ($0.lifetime.lowerBound, $0.offset) < ($1.lifetime.lowerBound, $1.offset)
      }
      .map {
        Placement(
          tensor: model.tensor($0.tensor).sourceIndex, shape: model.shape(ofTensor: $0.tensor),
          offset: $0.offset, bytes: $0.byteCount,
          operators: [$0.lifetime.lowerBound, min($0.lifetime.upperBound, model.operatorCount - 1)])
      })
    frontEnd = model.frontEnd.map { plan in
      let settings = SpectrogramSettings(plan, leadCount: model.leadCount)
      return FrontEnd(
        kind: settings.beats != nil ? .beats : settings.isRawSamples ? .samples : .spectrogram,
        beats: settings.beats, sampleRateHz: settings.sampleRateHz,
        windowSamples: settings.windowSamples, hopSamples: settings.hopSamples, firstBin: settings.firstBin,
        bins: settings.binCount, leads: settings.leadCount, highPassShift: settings.highPassShift,
        microvoltsPerCount: Double(Float(bitPattern: plan.microvoltsPerCountBits)))
    }
    beatNetwork = BeatNetwork(model.beatNetwork)
    if let beatNetwork {
      memory.weightBytes += beatNetwork.weightBytes
      memory.stateBytes += beatNetwork.stateBytes
      operations.macsPerDecision? += beatNetwork.macsPerDecision
    }
    decisionDelay = DecisionDelay(loaded)
    classNames = loaded.classNames
    provenance = Dictionary(loaded.provenance.lines.map { ($0.key, $0.value) }) { first, _ in first }
    let digits = String(loaded.checksum, radix: 16)
    checksum = String(repeating: "0", count: 8 - digits.count) + digits
    digest = loaded.digest.map { Numbers.hexadecimal($0) }.joined()
    formatVersion = Int(ModelFormat.version)
  }
}

extension ModelSummary.Operations {
  init(_ model: Model) {
    let layout = model.streaming
    operators = (0..<model.operatorCount).map { ModelSummary.Operator(model, layout, index: $0) }
    macsPerWindow = operators.reduce(0) { $0 + $1.macsPerWindow }
    workPerDecision = model.stepsPerDecision
    if model.frontEnd?.beats != nil {
      // Nothing is done for a column, and all of it at a decision.
      (macsPerColumn, macsPerDecision, columnOperatorCount, columnsPerDecision) = (0, macsPerWindow, 0, 1)
    }
    guard let streaming = layout else { return }
    macsPerColumn = operators[..<streaming.tailStart].reduce(0) { $0 + ($1.macsPerStep ?? 0) }
    let edges = operators[..<streaming.tailStart].reduce(0) {
      $0 + ($1.edgeColumns ?? 0) * $1.macsPerWindow / $1.outputShape[1]
    }
    macsPerDecision = operators[streaming.tailStart...].reduce(edges) { $0 + ($1.macsPerStep ?? 0) }
    columnOperatorCount = streaming.tailStart
    columnsPerDecision = streaming.columnsPerDecision
    func perColumn(_ count: (ModelSummary.StepMACs) -> Int) -> Double {
      operators.reduce(0) { sum, layer in
        guard let macs = layer.stepMACs, let columns = layer.columnsPerStep else { return sum }
        return sum + Double(count(macs)) / Double(columns)
      }
    }
    let (needed, executed) = (perColumn(\.needed), perColumn(\.executed))
    (neededMACsPerColumn, executedMACsPerColumn) = (needed, executed)
    columnWorkRatio = needed > 0 ? executed / needed : nil
    let atDecisions = operators[streaming.tailStart...].compactMap(\.stepMACs) + model.edgeMACs(streaming)
    decisionMACs = ModelSummary.StepMACs(
      needed: atDecisions.reduce(0) { $0 + $1.needed },
      executed: atDecisions.reduce(0) { $0 + $1.executed })
  }
}

extension ModelSummary.Operator {
  init(_ model: Model, _ layout: StreamingLayout?, index: Int) {
    let plan = model.operatorPlan(index)
    let input = model.tensor(plan.inputIndex(0))
    let output = model.tensor(plan.outputIndex)
    let window = plan.window
    name = plan.kind?.name ?? ""
    inputShape = model.shape(ofTensor: plan.inputIndex(0))
    outputShape = model.shape(ofTensor: plan.outputIndex)
    kernel = window.map { [$0.time.kernel, $0.frequency.kernel] } ?? []
    dilation = window.map { [$0.time.dilation, $0.frequency.dilation] } ?? []
    stride = window.map { [$0.time.stride, $0.frequency.stride] } ?? []
    scale = output.scale
    zeroPoint = Int(output.zeroPoint)
    weightBytes = 0
    macsPerWindow = 0
    if let weights = plan.weights {
      let taps = kernel.reduce(1, *)
      let rows = output.count / output.channelCount
      let inputsPerOutput =
        plan.kind == .fullyConnected ? input.count / rows : taps * weights.groupChannelCount
      weightBytes = (inputsPerOutput * output.channelCount * weights.weightBits + 7) / 8
      macsPerWindow = inputsPerOutput * output.count
    }
    if plan.gates != nil {
      let units = output.channelCount
      let weights = 4 * units * (input.count * units / output.count + units)
      (weightBytes, macsPerWindow) = (weights, weights * (output.count / units))
    }
    workPerStep = model.steps(ofOperator: index, in: layout)
    workPerWindow = model.steps(ofOperator: index, in: nil)
    guard let streaming = layout else { return }
    if index < streaming.tailStart {
      // An output column comes with every so many input columns of the network.
      let columns = (0...index).reduce(1) { $0 * (model.operatorPlan($1).window?.time.stride ?? 1) }
      macsPerStep = (macsPerWindow / output.timeCount + columns - 1) / columns
      columnsPerStep = columns
      let edges = model.edges(streaming)[index]
      edgeColumns = edges.count
      stepMACs = plan.macs(input: input, output: output, columns: edges.before..<edges.before + 1)
    } else {
      macsPerStep = macsPerWindow
      stepMACs = plan.macs(input: input, output: output, columns: 0..<output.timeCount)
    }
    ringBytes = plan.ringColumnCount * input.columnByteCount
    if plan.hasRunningSums {
      // Each code of a column is added to the window's sum and to the next round's, and the oldest one's taken off.
      runningSums = ModelSummary.RunningSums(
        count: output.count, columnsPerUpdate: streaming.columnsPerDecision,
        additionsPerUpdate: 3 * input.columnCount, additionsPerDecisionWithout: input.count)
    }
  }
}

extension Tensor {
  fileprivate var scale: Double { Double(Float(bitPattern: scaleBits)) }
}

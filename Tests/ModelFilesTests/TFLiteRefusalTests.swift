import ModelFiles
import Networks
import Support
import Testing
import TestNetworks
import TestSupport

/// What a person is told whose `.tflite` file isn't imported, word for word: the smallest file that meets each refusal.
@Suite struct TFLiteRefusalTests {
  /// A tensor of a model of one operator.
  private enum Value {
    /// A computed one; those that an operator reads are the model's inputs.
    case codes([Int], TFLiteElementType = .int8, scale: Float = 0.5, zero: Int = 0)
    case float([Int])
    case list([Int])
    case weights([Int], TFLiteElementType = .int8, scale: Float = 0.25)
    case biases([Int], scale: Float)
    case floats([Int])
    /// What an operator before wrote or read, by its tensor's index.
    case tensor(Int32)
  }

  /// An operator by the schema's number, its options by theirs.
  private struct Step {
    var kind: Int32
    var options: TFLiteOptions?
    var reads: [Value]
    var writes: [Value]

    init(
      _ kind: Int32, _ options: UInt8? = nil, _ reads: [Value], to writes: [Value],
      _ change: (inout TFLiteOptions) -> Void = { _ in }
    ) {
      (self.kind, self.reads, self.writes) = (kind, reads, writes)
      self.options = options.map { TestNetworks.options($0, change) }
    }
  }

  /// The model of some operators; what the last one writes is its output.
  private static func model(_ steps: [Step]) -> TFLiteModel {
    var (builder, inputs, outputs) = (ModelBuilder(), [Int32](), [Int32]())
    func index(_ value: Value) -> Int32 {
      switch value {
      case .codes(let shape, let type, let scale, let zero):
        return builder.tensor(shape, type, scale: scale, zeroPoint: zero)
      case .float(let shape): return builder.float(shape)
      case .list(let numbers): return builder.integers(numbers)
      case .weights(let shape, let type, let scale):
        let count = shape.reduce(1, *)
        let bytes = type == .int4 ? (count + 1) / 2 : type == .int16 ? 2 * count : count
        return builder.constant(shape, type, [Int8](repeating: 1, count: bytes), scales: [scale])
      case .biases(let shape, let scale):
        return builder.constant(
          shape, .int32, [Int32](repeating: 1, count: shape.reduce(1, *)), scales: [scale])
      case .floats(let shape):
        return builder.constant(
          shape, .float32, [UInt32](repeating: 0, count: shape.reduce(1, *)))
      case .tensor(let index): return index
      }
    }
    for step in steps {
      let read = step.reads.map { value in
        let place = index(value)
        switch value {
        case .codes, .float: inputs.append(place)
        default: break
        }
        return place
      }
      outputs = step.writes.map(index)
      builder.add(step.kind, step.options, read, to: outputs)
    }
    return builder.finished(inputs: inputs, outputs: outputs)
  }

  /// What the file of a model is refused with, less its name.
  private static func line(_ model: TFLiteModel) throws -> String {
    let folder = try TemporaryFolder()
    let file = try folder.put("m.tflite", model.encoded())
    do {
      _ = try ModelImage(importing: file)
      return "is imported"
    } catch {
      return String(error.description.dropFirst(file.count + 1))
    }
  }

  private static func expect(_ cases: [(line: String, steps: [Step])]) throws {
    for (line, steps) in cases {
      let told = try Self.line(model(steps))
      #expect(told == line, "\(told)")
    }
  }

  private static let general = "; see docs/reference/Operators.md for what is imported, and convert it so"
  private static let whole =
    "; quantize it whole: set inference_input_type and supported_ops to int8 when converting"

  @Test func whatMovesElements() throws {
    let (x, y, image) = (Value.codes([2, 3]), Value.codes([2, 3]), Value.codes([1, 2, 2, 3]))
    try Self.expect([
      (
        "operator 0 (DEPTH_TO_SPACE): has the shape [1, 2, 2, 3] and blocks of 2" + Self.general,
        [Step(5, 94, [image], to: [image]) { $0.blockSize = 2 }]
      ),
      (
        "operator 0 (SPACE_TO_BATCH_ND): has the shape [1, 5, 3], blocks of [2] and the border [0, 0]"
          + Self.general,
        [Step(38, nil, [.codes([1, 5, 3]), .list([2]), .list([0, 0])], to: [.codes([2, 3, 3])])]
      ),
      (
        "operator 0 (STRIDED_SLICE): takes the element 2 of 2 backwards or beyond" + Self.general,
        [
          Step(45, 32, [x, .list([2, 0]), .list([3, 3]), .list([1, 1])], to: [.codes([3])]) {
            $0.shrinkAxisMask = 1
          }
        ]
      ),
      (
        "operator 0 (GATHER): moves its elements in more than 4096 pieces" + Self.general,
        [Step(36, 23, [.codes([9001]), .list((0..<9000).map { $0 * $0 % 9001 })], to: [.codes([9000])])]
      ),
      (
        "operator 0 (TILE): moves its elements along 8 dimensions" + Self.general,
        [
          Step(
            69, nil, [.codes([2, 2, 2, 2, 2, 2]), .list([2, 2, 2, 2, 1, 1])],
            to: [.codes([4, 4, 4, 4, 2, 2])])
        ]
      ),
      (
        "operator 0 (CONCATENATION): joins the shape [2, 2] to [2, 3] along axis 0" + Self.general,
        [Step(2, 10, [x, .codes([2, 2])], to: [.codes([4, 3])])]
      ),
      (
        "operator 0 (CONCATENATION): changes the scale or zero point of its input 1" + Self.general,
        [Step(2, 10, [x, .codes([2, 3], scale: 0.25)], to: [.codes([4, 3])])]
      ),
      (
        "operator 0 (GATHER): gathers for each batch" + Self.general,
        [Step(36, 23, [x, .list([0])], to: [y]) { $0.batchDimensions = 1 }]
      ),
      (
        "operator 0 (GATHER): gathers an element that isn't among 2" + Self.general,
        [Step(36, 23, [x, .list([5])], to: [y])]
      ),
      (
        "operator 0 (TILE): repeats the shape [2, 3] by [0, 1]" + Self.general,
        [Step(69, nil, [x, .list([0, 1])], to: [y])]
      ),
      (
        "operator 0 (RESIZE_NEAREST_NEIGHBOR): resizes the shape [1, 2, 2, 3] to [0, 2]" + Self.general,
        [Step(97, 74, [image, .list([0, 2])], to: [image])]
      ),
      (
        "operator 0 (BROADCAST_TO): goes from the shape [2, 3] to [3]" + Self.general,
        [Step(130, nil, [x, .list([3])], to: [y])]
      ),
      (
        "operator 0 (BROADCAST_TO): repeats the shape [2, 3] by [1, 0]" + Self.general,
        [Step(130, nil, [x, .list([2, 4])], to: [y])]
      ),
      (
        "operator 0 (SLICE): begins at 2 of 2" + Self.general,
        [Step(65, nil, [x, .list([2, 0]), .list([1, 1])], to: [y])]
      ),
      (
        "operator 0 (SLICE): takes 2 from 1 of 2" + Self.general,
        [Step(65, nil, [x, .list([1, 0]), .list([2, 1])], to: [y])]
      ),
      (
        "operator 0 (SPLIT): splits 3 into 2 parts" + Self.general,
        [Step(49, 35, [.list([1]), x], to: [y, y])]
      ),
      ("operator 0 (UNPACK): unpacks 2 into 1" + Self.general, [Step(88, 64, [x], to: [y])]),
      (
        "operator 0 (PADV2): pads with something else than one constant of the output's scale" + Self.general,
        [Step(60, nil, [x, .list([0, 1, 0, 0]), .weights([1])], to: [.codes([3, 3])])]
      ),
      (
        " the model's input: tensor 1 't1' is int32, not int8 or int16" + Self.general,
        [Step(40, 27, [x, .codes([1], .int32)], to: [.codes([3])])]
      ),
    ])
  }

  @Test func whatMultipliesWeights() throws {
    let image = Value.codes([1, 2, 2, 2])
    func one(_ options: inout TFLiteOptions) { (options.strideWidth, options.strideHeight) = (1, 1) }
    let shape = Value.list([1, 2, 2, 2])
    try Self.expect([
      (
        "operator 0 (DEPTHWISE_CONV_2D): goes from 2 to 3 channels with weights of the shape [1, 1, 1, 3] and the multiplier 1"
          + Self.general,
        [
          Step(4, 2, [image, .weights([1, 1, 1, 3])], to: [.codes([1, 2, 2, 3])]) {
            one(&$0)
            $0.depthMultiplier = 1
          }
        ]
      ),
      (
        "operator 0 (FULLY_CONNECTED): goes from the shape [1, 4] to [1, 3] with weights of the shape [2, 4]"
          + Self.general, [Step(9, 8, [.codes([1, 4]), .weights([2, 4])], to: [.codes([1, 3])])]
      ),
      (
        "operator 0 (FULLY_CONNECTED): has biases of the scale 1.0, not 0.125" + Self.general,
        [Step(9, 8, [.codes([1, 4]), .weights([2, 4]), .biases([2], scale: 1)], to: [.codes([1, 2])])]
      ),
      (
        "operator 0 (FULLY_CONNECTED): has weights of int16" + Self.general,
        [Step(9, 8, [.codes([1, 4]), .weights([2, 4], .int16)], to: [.codes([1, 2])])]
      ),
      (
        "operator 0 (TRANSPOSE_CONV): goes from the shape [1, 2, 2, 2] to [1, 2, 2, 2] with weights of the shape [2, 1, 1, 3]"
          + Self.general, [Step(67, 49, [shape, .weights([2, 1, 1, 3]), image], to: [image], one)]
      ),
      (
        "operator 0 (TRANSPOSE_CONV): has the stride 0, 1 taps and the padding 0" + Self.general,
        [Step(67, 49, [shape, .weights([2, 1, 1, 2]), image], to: [image])]
      ),
      (
        "operator 0 (TRANSPOSE_CONV): has the stride 1, 1 taps and the padding 7" + Self.general,
        [
          Step(67, 49, [shape, .weights([2, 1, 1, 2]), image], to: [.codes([1, 2, 2, 2])]) {
            one(&$0)
            $0.padding = .init(rawValue: 7)
          }
        ]
      ),
      (
        "operator 0 (MAX_POOL_2D): changes scale, zero point or the number of channels" + Self.general,
        [
          Step(17, 5, [image], to: [.codes([1, 2, 2, 2], scale: 0.25)]) {
            one(&$0)
            ($0.filterWidth, $0.filterHeight) = (1, 1)
          }
        ]
      ),
      (
        "operator 0 (CONV_2D): has int4 weights for int16 codes or with a scale for each channel"
          + Self.general,
        [
          Step(
            3, 1, [.codes([1, 2, 2, 2], .int16), .weights([2, 1, 1, 2], .int4)],
            to: [.codes([1, 2, 2, 2], .int16)], one)
        ]
      ),
      (
        "operator 0 (BATCH_MATMUL): goes from the shapes [2, 3] and [2, 3] to [2, 2]" + Self.general,
        [Step(126, 101, [.codes([2, 3]), .codes([2, 3])], to: [.codes([2, 2])])]
      ),
      (
        "operator 0 (BATCH_MATMUL): has inputs of the shapes [3] and [3, 2]" + Self.general,
        [Step(126, 101, [.codes([3]), .codes([3, 2])], to: [.codes([2])])]
      ),
    ])
  }

  @Test func functionsAndPairs() throws {
    let (x, wide) = (Value.codes([2, 3]), Value.codes([2, 3], .int16))
    func codes(_ scale: Float, _ zero: Int = 0, _ type: TFLiteElementType = .int8) -> Value {
      .codes([2, 3], type, scale: scale, zero: zero)
    }
    try Self.expect([
      ("operator 0 (ELU): has int16 codes" + Self.general, [Step(111, nil, [wide], to: [wide])]),
      ("operator 0 (HARD_SWISH): has int16 codes" + Self.general, [Step(117, nil, [wide], to: [wide])]),
      (
        "operator 0 (LOG): has the zero point 0, so that there are codes of numbers below 0" + Self.general,
        [Step(73, nil, [x], to: [x])]
      ),
      (
        "operator 0 (HARD_SWISH): asks for a factor above 1 of its codes' 128ths" + Self.general,
        [Step(117, nil, [codes(256)], to: [codes(1)])]
      ),
      (
        "operator 0 (RSQRT): has scales that are too large" + Self.general,
        [Step(76, nil, [codes(0x1p10, -128)], to: [codes(0x1p24)])]
      ),
      (
        "operator 0 (LOG_SOFTMAX): has int16 codes, or goes over more than 4,095 elements" + Self.general,
        [Step(50, nil, [wide], to: [wide])]
      ),
      (
        "operator 0 (LOG_SOFTMAX): has the output's scale 0.5 and zero point 0, not 0.0625 and 127"
          + Self.general, [Step(50, nil, [x], to: [x])]
      ),
      (
        "operator 0 (LOG_SOFTMAX): has the input's scale 1e-12, which is too small or large" + Self.general,
        [Step(50, nil, [codes(1e-12)], to: [codes(0.0625, 127)])]
      ),
      (
        "operator 0 (RESIZE_BILINEAR): resizes the shape [1, 2, 2, 1] to [1, 4, 4, 1], or has int16 codes"
          + Self.general,
        [
          Step(
            23, 15, [.codes([1, 2, 2, 1], .int16), .list([4, 4])], to: [.codes([1, 4, 4, 1], .int16)])
        ]
      ),
      ("operator 0 (DIV): divides int16 codes" + Self.general, [Step(42, 29, [wide, wide], to: [wide])]),
      (
        "operator 0 (PRELU): has slopes that aren't int8" + Self.general,
        [Step(54, nil, [x, .codes([3], .int16)], to: [x])]
      ),
      (
        "operator 0 (PRELU): has computed slopes" + Self.general,
        [Step(54, nil, [wide, .codes([3])], to: [wide])]
      ),
      (
        "operator 0 (REDUCE_MAX): changes the scale or zero point" + Self.general,
        [Step(82, 27, [x, .list([1])], to: [.codes([2], scale: 0.25)])]
      ),
      (
        "operator 0 (LOGISTIC): has the input's scale 1e-12, which is too small" + Self.general,
        [Step(14, nil, [codes(1e-12)], to: [codes(1 / 256, -128)])]
      ),
      (
        "operator 0 (SOFTMAX): goes over 5000 elements" + Self.general,
        [Step(25, 9, [.codes([1, 5000])], to: [.codes([1, 5000])]) { $0.beta = 1 }]
      ),
      (
        "operator 0 (SOFTMAX): goes from int16 to int8 codes" + Self.general,
        [Step(25, 9, [wide], to: [x]) { $0.beta = 1 }]
      ),
      (
        "operator 0 (ABS): asks for the impossible factor inf" + Self.general,
        [Step(101, nil, [codes(1e30)], to: [codes(1e-30)])]
      ),
      (
        "operator 0 (MUL): asks for the factor \(Double(Float(1e30)) * Double(Float(1e30))), which is too large"
          + Self.general, [Step(18, 21, [codes(1e30), codes(1e30)], to: [codes(1)])]
      ),
    ])
  }

  @Test func floatInTheMiddle() throws {
    let (x, wide, float) = (Value.codes([2, 3]), Value.codes([2, 3], .int16), Value.float([2, 3]))
    // Tensors 0 and 1 are codes and the real numbers that they stand for.
    let (real, wideReal) = (Step(6, 38, [x], to: [float]), Step(6, 38, [wide], to: [float]))
    let exponential = Step(47, nil, [.tensor(1)], to: [float])
    func pairs(_ other: Value, _ kind: Int32, _ options: UInt8, to output: Value) -> [Step] {
      [
        real, Step(6, 38, [other], to: [.float([2, 3])]),
        Step(kind, options, [.tensor(1), .tensor(3)], to: [output]),
      ]
    }
    try Self.expect([
      (
        "operator 1 (EXP): computes in float from int16 codes; only int8 codes have tables" + Self.general,
        [wideReal, exponential, Step(114, 89, [.tensor(2)], to: [wide])]
      ),
      (
        "operator 1 (EXP): computes the model's output in float, and no QUANTIZE follows" + Self.general,
        [real, exponential]
      ),
      (
        "operator 1 (EXP): changes the shape [2, 3] or leaves float" + Self.general,
        [
          real, Step(47, nil, [.tensor(1)], to: [.float([3, 2])]),
          Step(114, 89, [.tensor(2)], to: [.codes([3, 2])]),
        ]
      ),
      (
        "operator 2 (CONCATENATION): brings float values together that aren't one function of codes"
          + Self.general,
        pairs(.codes([2, 3], scale: 0.25), 2, 10, to: .float([4, 3])) + [
          Step(114, 89, [.tensor(4)], to: [.codes([4, 3])])
        ]
      ),
      (
        "operator 2 (PAD): pads a function of codes in float" + Self.general,
        [
          real, exponential, Step(34, 22, [.tensor(2), .list([0, 1, 0, 0])], to: [.float([3, 3])]),
          Step(114, 89, [.tensor(4)], to: [.codes([3, 3])]),
        ]
      ),
      (
        "operator 2 (RESHAPE): gives the model's output in float, and no QUANTIZE follows" + Self.general,
        [real, exponential, Step(22, 17, [.tensor(2)], to: [.float([3, 2])])]
      ),
      (
        "operator 1 (QUANTIZE): rescales int16 codes in float" + Self.general,
        [wideReal, Step(114, 89, [.tensor(1)], to: [.codes([2, 3], .int16, scale: 0.25)])]
      ),
      (
        "operator 1 (SOFTMAX): computes in float within the model" + Self.whole,
        [real, Step(25, 9, [.tensor(1)], to: [float]), Step(114, 89, [.tensor(2)], to: [x])]
      ),
      (
        "operator 2 (ADD): computes in float from two computed tensors" + Self.general,
        pairs(x, 0, 11, to: float) + [Step(114, 89, [.tensor(4)], to: [x])]
      ),
      (
        "operator 1 (ADD): computes in float with 3 constants" + Self.general,
        [real, Step(0, 11, [.tensor(1), .floats([3])], to: [float]), Step(114, 89, [.tensor(3)], to: [x])]
      ),
      (
        "operator 1 (ADD): has the fused activation 4, which this program doesn't have" + Self.general,
        [
          real, Step(0, 11, [.tensor(1), .floats([1])], to: [float]) { $0.activation = .init(rawValue: 4) },
          Step(114, 89, [.tensor(3)], to: [x]),
        ]
      ),
      (
        "operator 0 (ARG_MAX): goes along axis 0 of the shape [2, 3], not along the last one" + Self.general,
        [Step(56, 40, [x, .list([0])], to: [.codes([3], .int32)])]
      ),
      (
        "operator 0 (ARG_MAX): gives indices of int64, not int32" + Self.general,
        [Step(56, 40, [x, .list([1])], to: [.codes([2], .int64)])]
      ),
      (
        "operator 0 (ARG_MAX): gives indices within the model; they can only be its output" + Self.general,
        [
          Step(56, 40, [x, .list([1])], to: [.codes([2], .int32)]),
          Step(22, 17, [.tensor(2)], to: [.codes([1, 2], .int32)]),
        ]
      ),
      (
        "operator 2 (ARG_MAX): compares a function of codes in float" + Self.general,
        [real, exponential, Step(56, 40, [.tensor(2), .list([1])], to: [.codes([2], .int32)])]
      ),
    ])
  }

  @Test func theModelAsAWhole() throws {
    let relu = Self.model([Step(19, nil, [.codes([2, 3])], to: [.codes([2, 3])])])
    let changes: [(line: String, change: (inout TFLiteModel) -> Void)] = [
      (
        " the model computes nothing" + Self.general,
        {
          $0.graph.operators = []
          $0.graph.outputs = [0]
        }
      ),
      (
        "operator 0 (RELU): reads the variable tensor 2 't0', which only SVDF's state may be" + Self.general,
        {
          $0.graph.tensors.append($0.graph.tensors[0])
          $0.graph.tensors[2].isVariable = true
          $0.graph.operators[0].inputs = [2]
        }
      ),
      (
        "operator 0 (RELU): the variable tensor 2 't0' has constants" + Self.general,
        {
          $0.graph.tensors.append($0.graph.tensors[0])
          $0.graph.tensors[2].isVariable = true
          $0.buffers.append(.init([UInt8](repeating: 0, count: 6)))
          $0.graph.tensors[2].buffer = 1
          $0.graph.operators[0].inputs = [2]
        }
      ),
      (" the schema's version is 2, not 3" + Self.general, { $0.version = 2 }),
      (
        " a tensor is twice among the model's inputs or outputs" + Self.general,
        { $0.graph.outputs = [1, 1] }
      ),
      (" the model has no inputs or no outputs" + Self.general, { $0.graph.outputs = [] }),
      (
        "operator 0 (RELU): tensor 2 't0' is bool, not int8 or int16" + Self.general,
        {
          $0.graph.tensors.append($0.graph.tensors[0])
          $0.graph.tensors[2].type = .init(rawValue: 6)
          $0.graph.operators[0].inputs = [2]
        }
      ),
    ]
    for (line, change) in changes {
      var changed = relu
      change(&changed)
      #expect(try Self.line(changed) == line)
    }
  }
}

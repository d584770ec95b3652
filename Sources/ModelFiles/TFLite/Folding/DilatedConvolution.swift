/// SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND, which together are a dilated convolution.
///
/// Between them may be operators that only rename dimensions, as Keras' Conv1D has them. What is padded and cropped
/// again goes; what remains of padding or crops is left to the operators at the ends, with blocks of 1.
struct DilatedConvolution {
  private let spaceToBatch: Int
  private let namingBefore: Int?
  private let convolution: Int
  private let namingAfter: Int?
  private let batchToSpace: Int
  /// The blocks' height and width.
  private let blocks: (height: Int, width: Int)
  /// How many dimensions have blocks.
  private let blockCount: Int
  /// Whether one dimension of blocks lies along the width, with a height of 1.
  private let isWide: Bool
  /// What is padded or cropped in the end, before and behind along each dimension of blocks.
  private let pads: [Int]
  private let crops: [Int]
  /// The shapes before and behind, padded or not yet cropped.
  private let input: [Int]
  private let output: [Int]

  /// Those that a model has.
  static func all(in model: TFLiteModel) -> [DilatedConvolution] {
    let starts = model.graph.operators.indices.filter {
      model.kind(of: model.graph.operators[$0]) == .spaceToBatchND
    }
    guard !starts.isEmpty else { return [] }
    let readers = Readers(model)
    return starts.compactMap { DilatedConvolution(model, from: $0, readers) }
  }

  /// Which operators read each tensor.
  private struct Readers {
    private var places: [Int32: [Int]] = [:]

    init(_ model: TFLiteModel) {
      for (place, operation) in model.graph.operators.enumerated() {
        for input in operation.inputs { places[input, default: []].append(place) }
      }
      // The caller reads outputs too.
      for output in model.graph.outputs { places[output, default: []] += [-1, -1] }
    }

    /// The one operator that reads what another writes, as its first input.
    func only(of operation: TFLiteModel.Operator, in model: TFLiteModel) -> Int? {
      guard operation.outputs.count == 1, let found = places[operation.outputs[0]], found.count == 1,
        model.graph.operators[found[0]].inputs.first == operation.outputs[0]
      else { return nil }
      return found[0]
    }
  }

  private init?(_ model: TFLiteModel, from start: Int, _ readers: Readers) {
    func kind(_ place: Int) -> TFLiteOperatorKind { model.kind(of: model.graph.operators[place]) }
    func next(_ place: Int) -> Int? { readers.only(of: model.graph.operators[place], in: model) }
    func isNaming(_ place: Int) -> Bool { [.reshape, .expandDims, .squeeze].contains(kind(place)) }
    guard var place = next(start) else { return nil }
    namingBefore = isNaming(place) ? place : nil
    if namingBefore != nil {
      guard let following = next(place) else { return nil }
      place = following
    }
    guard kind(place) == .conv2D || kind(place) == .depthwiseConv2D else { return nil }
    convolution = place
    guard let behind = next(place) else { return nil }
    namingAfter = isNaming(behind) ? behind : nil
    guard let end = namingAfter == nil ? behind : next(behind), kind(end) == .batchToSpaceND else {
      return nil
    }
    (spaceToBatch, batchToSpace) = (start, end)

    let (first, middle, last) = (
      TFLiteOperator(model, start), TFLiteOperator(model, convolution), TFLiteOperator(model, end)
    )
    guard last.operation.outputs.count == 1, let source = try? first.shape(0),
      let batches = try? middle.shape(0),
      let results = try? middle.shape(ofTensor: middle.outputIndex),
      let target = try? last.shape(ofTensor: last.outputIndex),
      let sizes = try? first.integers(1, "block sizes"), let pads = try? first.integers(2, "paddings"),
      (try? last.integers(1, "block sizes")) == sizes, let crops = try? last.integers(2, "crops"),
      let options = try? middle.options(kind(convolution) == .conv2D ? .conv2D : .depthwiseConv2D),
      options.strideWidth == 1, options.strideHeight == 1, options.padding == .valid,
      (1...65_535).contains(options.dilationWidth), (1...65_535).contains(options.dilationHeight),
      sizes.allSatisfy({ (1...4096).contains($0) }), pads.count == 2 * sizes.count, crops.count == pads.count,
      (pads + crops).allSatisfy({ (0...65_535).contains($0) }), source.count == sizes.count + 2,
      target.count == source.count, source[0] == 1, target[0] == 1, batches.count == 4, results.count == 4,
      Self.haveEqualCodes(model, first.operation.inputs[0], middle.operation.inputs[0]),
      Self.haveEqualCodes(model, middle.operation.outputs[0], last.operation.outputs[0])
    else { return nil }
    // One dimension of blocks may lie along the width of a height of 1, or the other way round.
    isWide = sizes.count == 1 && batches[1] == 1
    guard sizes.count == 2 || isWide || (sizes.count == 1 && batches[2] == 1), target.last == results[3],
      // Dimensions are renamed only, not dealt anew.
      (try? first.shape(ofTensor: first.outputIndex)) == Self.named(batches, sizes.count, isWide: isWide),
      (try? last.shape(0)) == Self.named(results, sizes.count, isWide: isWide)
    else { return nil }
    blockCount = sizes.count
    blocks = sizes.count == 2 ? (sizes[0], sizes[1]) : isWide ? (1, sizes[0]) : (sizes[0], 1)
    let again = zip(pads, crops).map { min($0, $1) }
    self.pads = zip(pads, again).map { $0 - $1 }
    self.crops = zip(crops, again).map { $0 - $1 }
    input = Self.bordered(source, by: self.pads)
    output = Self.bordered(target, by: self.crops)
  }

  /// A convolution's shape as the operators with blocks have it.
  private static func named(_ shape: [Int], _ blockCount: Int, isWide: Bool) -> [Int] {
    blockCount == 2 ? shape : [shape[0], isWide ? shape[2] : shape[1], shape[3]]
  }

  /// A shape with as much more along its dimensions of blocks.
  private static func bordered(_ shape: [Int], by border: [Int]) -> [Int] {
    var shape = shape
    for axis in 0..<border.count / 2 { shape[axis + 1] += border[2 * axis] + border[2 * axis + 1] }
    return shape
  }

  private static func haveEqualCodes(_ model: TFLiteModel, _ first: Int32, _ second: Int32) -> Bool {
    let (a, b) = (model.graph.tensors[Int(first)], model.graph.tensors[Int(second)])
    return a.type == b.type && a.quantization?.scales == b.quantization?.scales
      && a.quantization?.zeroPoints == b.quantization?.zeroPoints
  }

  /// A shape as the convolution has it: `[batch, height, width, channel]`.
  private func four(_ shape: [Int]) -> [Int32] {
    let four = blockCount == 2 ? shape : isWide ? [1, 1, shape[1], shape[2]] : [1, shape[1], 1, shape[2]]
    return four.map { Int32($0) }
  }

  /// Makes the convolution a dilated one.
  ///
  /// - Returns: The places of the operators around it that are to be removed.
  func apply(to model: inout TFLiteModel) -> [Int] {
    let convolved = Int(model.graph.operators[convolution].outputs[0])
    model.graph.operators[convolution].options?.dilationHeight *= Int32(blocks.height)
    model.graph.operators[convolution].options?.dilationWidth *= Int32(blocks.width)
    model.graph.tensors[convolved].shape = four(output)
    if let namingBefore {
      model.graph.operators[namingBefore].inputs.removeLast(
        model.graph.operators[namingBefore].inputs.count - 1)
      model.graph.tensors[Int(model.graph.operators[namingBefore].outputs[0])].shape = four(input)
    }
    if let namingAfter {
      model.graph.operators[namingAfter].inputs.removeLast(
        model.graph.operators[namingAfter].inputs.count - 1)
      model.graph.tensors[Int(model.graph.operators[namingAfter].outputs[0])].shape = output.map { Int32($0) }
    }
    let first = removeBlocks(of: spaceToBatch, border: pads, from: &model)
    if first == nil {
      model.graph.tensors[Int(model.graph.operators[spaceToBatch].outputs[0])].shape = input.map { Int32($0) }
    } else {
      model.graph.operators[namingBefore ?? convolution].inputs[0] =
        model.graph.operators[spaceToBatch].inputs[0]
    }
    let last = removeBlocks(of: batchToSpace, border: crops, from: &model)
    if last != nil {
      model.graph.operators[namingAfter ?? convolution].outputs = model.graph.operators[batchToSpace].outputs
    }
    return [first, last].compactMap(\.self)
  }

  /// Leaves an operator the border with blocks of 1; its place where there is no border, so that it can go.
  private func removeBlocks(of place: Int, border: [Int], from model: inout TFLiteModel) -> Int? {
    guard border.contains(where: { $0 > 0 }) else { return place }
    model.graph.operators[place].inputs.replaceSubrange(
      1...,
      with: [
        Self.list([Int](repeating: 1, count: blockCount), shape: [blockCount], in: &model),
        Self.list(border, shape: [blockCount, 2], in: &model),
      ])
    return nil
  }

  /// A new constant tensor.
  private static func list(_ numbers: [Int], shape: [Int], in model: inout TFLiteModel) -> Int32 {
    var tensor = TFLiteModel.Tensor()
    (tensor.shape, tensor.type, tensor.buffer) = (
      shape.map { Int32($0) }, .int32, UInt32(model.buffers.count)
    )
    model.buffers.append(.init(numbers.flatMap { [UInt8($0 & 255), UInt8($0 >> 8 & 255), 0, 0] }))
    model.graph.tensors.append(tensor)
    return Int32(model.graph.tensors.count - 1)
  }
}

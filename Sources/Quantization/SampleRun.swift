import QuantInfer
import Support

/// A model's outputs for rows of inputs, and its operators' outputs for the first row.
public struct SampleRun: Sendable {
  /// An operator's output `[1, time, frequency, channel]`.
  public struct Layer: Sendable {
    /// The operator, in TensorFlow Lite's words.
    public var name: String
    /// The codes.
    public var codes: NumPyArray
  }

  /// A row a sample, a column an output.
  public let outputs: NumPyArray
  /// Every operator's output for the first row, in order of execution.
  public let layers: [Layer]

  /// Runs a model over samples.
  ///
  /// - Parameters:
  ///   - loaded: The model.
  ///   - inputs: int8, a row a sample: the window's codes in a line, or in its shape
  ///     `[time, frequency, channel]`, where dimensions of 1 don't matter.
  ///   - file: The inputs' name in errors.
  /// - Throws: `FileError`, malformed, where the inputs' type or shape is not the model's.
  public init(_ loaded: LoadedModel, inputs: NumPyArray, file: String) throws(FileError) {
    let model = loaded.model
    let codes = try Self.codes(inputs, of: model, file: file)
    let arena = AlignedMemory(byteCount: model.arenaByteCount)
    let scratch = AlignedMemory(byteCount: loaded.scratchByteCount)
    defer { withExtendedLifetime((loaded, arena, scratch)) {} }
    var engine: WholeWindow
    do {
      engine = try WholeWindow(model: model, arena: arena.bytes, scratch: scratch.bytes)
    } catch {
      preconditionFailure("the arena is as large and aligned as the model asks")
    }
    var outputs: [Int8] = []
    var layers: [Layer] = []
    for start in stride(from: 0, to: codes.count, by: model.input.byteCount) {
      _ = engine.input.update(fromContentsOf: codes[start..<start + model.input.byteCount])
      for index in 0..<model.operatorCount {
        engine.runOperator(index)
        guard start == 0 else { continue }
        let plan = model.operatorPlan(index)
        let tensor = model.tensor(plan.outputIndex)
        layers.append(
          Layer(
            name: plan.kind?.name ?? "",
            codes: NumPyArray(
              shape: model.shape(ofTensor: plan.outputIndex), values: .int8(Array(engine.codes(of: tensor)))))
        )
      }
      outputs.append(contentsOf: engine.output)
    }
    self.layers = layers
    self.outputs = NumPyArray(
      shape: [codes.count / model.input.byteCount, model.output.byteCount], values: .int8(outputs))
  }

  private static func codes(
    _ inputs: NumPyArray, of model: Model, file: String
  ) throws(FileError) -> [Int8] {
    let (tensor, shape) = (model.input, model.shape(ofTensor: model.inputPort(0).tensorIndex))
    let dimensions = shape.map(String.init).joined(separator: ", ")
    let remedy = "give int8 in the shape [samples, \(tensor.byteCount)] or [samples, \(dimensions)]"
    guard case .int8(let codes) = inputs.values else {
      throw .malformed(file, "is an array of \(inputs.values.typeName)", remedy: remedy)
    }
    let row = inputs.shape.dropFirst().filter { $0 != 1 }
    guard !inputs.shape.isEmpty, row == shape.filter({ $0 != 1 }) || row == [tensor.byteCount] else {
      throw .malformed(file, "has the shape \(inputs.shape)", remedy: remedy)
    }
    guard !codes.isEmpty else { throw .malformed(file, "has no samples", remedy: remedy) }
    return codes
  }
}

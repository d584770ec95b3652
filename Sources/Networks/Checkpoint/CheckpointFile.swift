import Foundation
import Support
import Tasks

extension Checkpoint {
  private static let format = "quantinfer-checkpoint-1"

  /// Reads and checks a checkpoint.
  ///
  /// - Throws: `FileError`, missing or inaccessible as `Files.read`; malformed where anything is impossible or
  ///   doesn't fit together.
  package static func read(_ path: String) throws(FileError) -> Checkpoint {
    try Checkpoint(decoding: Files.read(path), file: path)
  }

  /// Whether a file's bytes begin as a checkpoint's do.
  package static func mayBegin(_ data: Data) -> Bool { SafeTensors.mayBegin(data) }

  /// Writes the checkpoint.
  ///
  /// - Throws: `FileError`, inaccessible, where that can't be done.
  package func write(to path: String) throws(FileError) {
    try Files.write(encoded(), to: path)
  }

  /// What stands in front of the names of a network of beats beside this one.
  private static let beatPrefix = "beats."

  /// The file's bytes.
  package func encoded() -> Data {
    var file = content()
    if let other = beatNetwork?.content() {
      for (key, value) in other.metadata { file.metadata[Self.beatPrefix + key] = value }
      for (name, tensor) in other.tensors { file.tensors[Self.beatPrefix + name] = tensor }
    }
    return file.encoded()
  }

  /// The network by itself.
  private func content() -> SafeTensors {
    var file = SafeTensors(metadata: [
      "format": Self.format, "task": task, "split": split, "completedSteps": String(completedSteps),
      "classes": Self.json(classNames), "spectrogram": Self.json(settings),
      "network": Self.json(specification), "training": Self.json(training),
      "decisionDelaySeconds": String(decisionDelaySeconds),
    ])
    if let awareness { file.metadata["awareness"] = Self.json(awareness) }
    file.metadata["definition"] = ownTask?.json
    for (index, layer) in layers.enumerated() where !layer.weights.isEmpty {
      for (name, values) in layer.tensors { file.tensors["layers.\(index).\(name)"] = .init(values) }
      file.tensors["layers.\(index).weights"]?.shape = weightShape(ofLayer: index)
    }
    if let optimizer {
      file.tensors["optimizer.gradientMean"] = .init(optimizer.gradientMean)
      file.tensors["optimizer.gradientSquare"] = .init(optimizer.gradientSquare)
    }
    return file
  }

  /// Decodes and checks a file's bytes; `file` is its name in errors.
  ///
  /// - Throws: `FileError`, malformed, where anything is impossible or doesn't fit together.
  package init(decoding data: Data, file: String) throws(FileError) {
    var own = try SafeTensors(decoding: data, file: file)
    let other = own.removeAll(behind: Self.beatPrefix)
    try self.init(own, file: file)
    guard !other.metadata.isEmpty || !other.tensors.isEmpty else { return }
    let beats = try Checkpoint(other, file: file)
    if let problem = problem(beside: beats) {
      throw CheckpointContent(file: other, name: file).malformed("the network of beats", problem)
    }
    beatNetwork = beats
  }

  /// Takes a network by itself from a file's content.
  private init(_ safeTensors: SafeTensors, file: String) throws(FileError) {
    var content = CheckpointContent(file: safeTensors, name: file)
    guard try content.string("format") == Self.format else {
      throw content.malformed("format", "isn't \(Self.format)")
    }
    task = try content.string("task")
    split = try content.string("split")
    classNames = try content.structure("classes")
    if let text = content.file.metadata["definition"] {
      ownTask = try TaskDefinition(parsing: Data(text.utf8), file: file)
      guard ownTask?.name == task, ownTask?.classNames == classNames else {
        throw content.malformed("definition", "is of another task, or has other classes")
      }
    }
    settings = try content.structure("spectrogram")
    if let problem = settings.problem { throw content.malformed("spectrogram", problem) }
    specification = try content.structure("network")
    let shapes: [LayerShape]
    do {
      shapes = try specification.layerShapes()
    } catch {
      throw content.malformed("network", error.description)
    }
    guard specification.inputChannels == settings.columnCodeCount else {
      throw content.malformed(
        "network", "takes \(specification.inputChannels) bins of a spectrogram of \(settings.columnCodeCount)"
      )
    }
    guard let delay = Double(try content.string("decisionDelaySeconds")), (0...60).contains(delay) else {
      throw content.malformed("decisionDelaySeconds", "isn't in 0 ... 60")
    }
    decisionDelaySeconds = delay
    guard classNames.count == shapes[shapes.count - 1].outputChannels else {
      throw content.malformed(
        "classes", "\(classNames.count) names for \(shapes[shapes.count - 1].outputChannels) logits")
    }
    training = try content.structure("training")
    if let problem = training.problem { throw content.malformed("training", problem) }
    awareness = content.file.metadata["awareness"] == nil ? nil : try content.structure("awareness")
    if let problem = awareness?.problem(layerCount: shapes.count) {
      throw content.malformed("awareness", "has \(problem)")
    }
    guard let steps = Int(try content.string("completedSteps")), (0...training.totalSteps).contains(steps)
    else {
      throw content.malformed("completedSteps", "isn't in 0 ... \(training.totalSteps)")
    }
    completedSteps = steps
    layers = []
    for (index, shape) in shapes.enumerated() {
      guard shape.hasWeights else {
        layers.append(Layer(weights: [], biases: [], normalization: nil))
        continue
      }
      let weightShape = weightShape(ofLayer: index)
      func channels(_ name: String) throws(FileError) -> [Float] {
        try content.tensor("layers.\(index).\(name)", shape: [shape.outputChannels])
      }
      var layer = Layer(
        weights: try content.tensor("layers.\(index).weights", shape: weightShape), biases: [],
        normalization: nil)
      if shape.isDense {
        layer.biases = try channels("biases")
      } else {
        layer.normalization = BatchNormalization(
          scale: try channels("scale"), shift: try channels("shift"), mean: try channels("mean"),
          variance: try channels("variance"))
        guard layer.normalization?.variance.allSatisfy({ $0 >= 0 }) == true else {
          throw content.malformed("layers.\(index).variance", "has a negative value")
        }
      }
      layers.append(layer)
    }
    do {
      _ = try FloatGraph(self)
    } catch {
      throw content.malformed("network", error.description)
    }
    optimizer = nil
    if content.hasTensor("optimizer.gradientMean") || steps < training.totalSteps {
      let count = shapes.map(\.parameterCount).reduce(0, +)
      let state = OptimizerState(
        gradientMean: try content.tensor("optimizer.gradientMean", shape: [count]),
        gradientSquare: try content.tensor("optimizer.gradientSquare", shape: [count]))
      guard state.gradientSquare.allSatisfy({ $0 >= 0 }) else {
        throw content.malformed("optimizer.gradientSquare", "has a negative value")
      }
      optimizer = state
    }
    try content.expectNothingElse()
  }

  /// Weights `[output, kernel column, input channel]` of a convolution, `[channel, kernel column]` of a depthwise one,
  /// `[output, input]` of a dense layer.
  private func weightShape(ofLayer index: Int) -> [Int] {
    guard let shapes = try? specification.layerShapes() else { return [] }
    let shape = shapes[index]
    return shape.kind == .convolution
      ? [shape.outputChannels, shape.kernelColumns, shape.inputChannels]
      : [shape.outputChannels, shape.weightsPerOutput]
  }

  private static func json(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else {
      preconditionFailure("a checkpoint's settings are finite")
    }
    return String(decoding: data, as: UTF8.self)
  }
}

extension Checkpoint.Layer {
  fileprivate var tensors: [String: [Float]] {
    guard let normalization else { return ["weights": weights, "biases": biases] }
    return [
      "weights": weights, "scale": normalization.scale, "shift": normalization.shift,
      "mean": normalization.mean, "variance": normalization.variance,
    ]
  }
}

extension SafeTensors.Tensor {
  fileprivate init(_ values: [Float]) {
    self.init(shape: [values.count], values: values)
  }
}

/// A checkpoint file's content while it is being taken apart.
private struct CheckpointContent {
  var file: SafeTensors
  let name: String

  func malformed(_ location: String, _ problem: String) -> FileError {
    .malformed(name, at: location, problem, remedy: "use an undamaged checkpoint of this version")
  }

  func string(_ key: String) throws(FileError) -> String {
    guard let value = file.metadata[key] else { throw malformed(key, "is not in the metadata") }
    return value
  }

  func structure<Value: Decodable>(_ key: String) throws(FileError) -> Value {
    let text = try string(key)
    do {
      return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    } catch {
      throw malformed(key, "isn't what it should be")
    }
  }

  func hasTensor(_ key: String) -> Bool {
    file.tensors[key] != nil
  }

  mutating func tensor(_ key: String, shape: [Int]) throws(FileError) -> [Float] {
    guard let tensor = file.tensors.removeValue(forKey: key) else {
      throw malformed("tensor \(key)", "is missing")
    }
    guard tensor.shape == shape else {
      throw malformed("tensor \(key)", "has the shape \(tensor.shape), not \(shape)")
    }
    return tensor.values
  }

  func expectNothingElse() throws(FileError) {
    if let key = file.tensors.keys.min() { throw malformed("tensor \(key)", "is unknown") }
  }
}

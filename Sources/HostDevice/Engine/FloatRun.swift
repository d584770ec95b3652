import ModelFiles
import Networks
import Support

extension SampleRun {
  /// Runs a float network over samples in its own program's layout.
  ///
  /// - Parameters:
  ///   - network: The network.
  ///   - file: Its name in errors.
  ///   - inputs: An array of `float32` for each input, and its name in errors: a row a sample, the values in a line or in
  ///     the input's shape.
  /// - Returns: The outputs in the network's own layout, and the operators' for the first row in the graph's.
  /// - Throws: `FileError`, malformed, where the inputs' number, types or shapes are not the network's, or the network
  ///   can't be run.
  package static func run(
    _ network: FloatNetwork, file: String, inputs: [(file: String, values: NumPyArray)]
  ) throws(FileError) -> SampleRun {
    let windows = try network.windows(of: inputs)
    let execution: FloatExecution
    do throws(InvalidNetwork) {
      execution = try FloatExecution(network.graph)
    } catch {
      throw .malformed(file, error.description, remedy: FloatNetwork.remedy)
    }
    var outputs = [[Float]](repeating: [], count: network.outputs.count)
    for window in windows {
      let values = execution.logits(ofWindow: window)
      var place = 0
      for index in outputs.indices {
        let count = network.outputs[index].count
        outputs[index] += network.source(values[place..<place + count], output: index)
        place += count
      }
    }
    let arrays = outputs.map {
      NumPyArray(shape: [windows.count, $0.count / max(1, windows.count)], values: .float32($0))
    }
    let first = execution.values(ofWindow: windows[0])
    let layers = network.graph.operators.enumerated().map { index, operation in
      Layer(
        name: operation.kind.name, operatorIndex: index, tensorIndex: operation.output,
        values: .init(
          shape: network.graph.tensors[operation.output].shape, values: .float32(first[operation.output])))
    }
    return SampleRun(outputs: arrays, layers: layers)
  }
}

extension FloatNetwork {
  /// Windows of the graph's inputs from files of samples in the network's own layout.
  ///
  /// - Throws: `FileError`, malformed, where the files' number, types or shapes are not the network's.
  package func windows(of inputs: [(file: String, values: NumPyArray)]) throws(FileError) -> [[Float]] {
    _ = try SampleRows.count(inputs, of: self.inputs.map { $0.rows(typeName: "float32") })
    var values: [[Float]] = []
    for input in inputs { values.append(try SampleRows.finite(input.values, file: input.file)) }
    return windows(values)
  }
}

extension FloatNetwork.Port {
  /// What a file of samples has for it: the batch of one is the row.
  func rows(typeName: String) -> SampleRows {
    SampleRows(typeName: typeName, shape: Array(shape.first == 1 ? shape.dropFirst() : shape[...]))
  }
}

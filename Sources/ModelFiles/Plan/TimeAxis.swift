import Networks

extension QuantizedNetwork {
  /// The same network with time as the dimension that the device's columns lie along.
  ///
  /// A network of samples has its window in any shape, `[1, time]` or `[1, 1, time, channel]` for instance, which names
  /// the same codes in the same order. Keras brings it to CONV_2D by a RESHAPE, with time as the width and a height of 1.
  /// Here the input becomes `[1, time, frequency, channel]`, each RESHAPE that only renames columns goes, and what moves
  /// along the width of a height of 1 moves along the height of a width of 1: the weights' order in memory is the same.
  /// Columns are followed through operators with windows and those that work element by element, as far as they go.
  ///
  /// - Parameter columnCodes: The number of codes in a column.
  /// - Returns: The network, of the same codes for the same input.
  /// - Throws: `InvalidNetwork` where the network doesn't have one input of whole columns.
  package func withTimeInColumns(of columnCodes: Int) throws(InvalidNetwork) -> QuantizedNetwork {
    guard inputs.count == 1, let input = inputs.first?.tensor else {
      throw InvalidNetwork("the network has \(inputs.count) inputs, and a front end fills one")
    }
    let codeCount = tensors[input].count
    guard codeCount.isMultiple(of: columnCodes) else {
      throw InvalidNetwork(
        "the input \(tensors[input].shape) has \(codeCount) codes, which isn't a multiple of a column's "
          + "\(columnCodes)")
    }
    var walk = ColumnWalk(self, input: input, timeCount: codeCount / columnCodes)
    for operation in operators { walk.add(operation) }
    return walk.finished
  }
}

/// The walk along a network's operators that brings columns into time's dimension.
private struct ColumnWalk {
  private let source: QuantizedNetwork
  private var network: QuantizedNetwork
  /// The number of columns of each tensor that is one column after the other.
  private var timeCounts: [Int: Int]
  /// The tensors that went with their RESHAPE, and what they renamed.
  private var renamed: [Int: Int] = [:]

  init(_ source: QuantizedNetwork, input: Int, timeCount: Int) {
    self.source = source
    network = source
    network.operators = []
    timeCounts = [input: timeCount]
    let shape = source.tensors[input].shape
    network.tensors[input].shape =
      Self.columnShape(shape, timeCount: timeCount) ?? [1, timeCount, 1, shape.reduce(1, *) / timeCount]
  }

  /// A shape as `[1, time, frequency, channel]`; nil where time isn't its outermost dimension longer than 1.
  private static func columnShape(_ shape: [Int], timeCount: Int) -> [Int]? {
    let lengths = shape.drop { $0 == 1 }
    guard timeCount > 1, lengths.first == timeCount else { return nil }
    let column = lengths.dropFirst()
    return [1, timeCount, column.dropLast().reduce(1, *), column.last ?? 1]
  }

  mutating func add(_ original: QuantizedNetwork.Operator) {
    var operation = original
    operation.inputs = original.inputs.map { renamed[$0] ?? $0 }
    let columns = operation.inputs[0]
    let (given, result) = (source.tensors[original.inputs[0]].shape, source.tensors[original.output].shape)
    if let timeCount = timeCounts[columns] {
      switch operation.computation {
      case .reshape:
        if let shape = Self.columnShape(result, timeCount: timeCount),
          columns == network.inputs[0].tensor || shape == network.tensors[columns].shape,
          isNameOnly(operation, of: columns, byOriginal: original.inputs[0])
        {
          network.tensors[columns].shape = shape
          renamed[original.output] = columns
          return
        }
      case .elementwise where result == given, .lookup where result == given:
        setColumns(operation.output, shape: network.tensors[columns].shape)
      case .convolution(let window, let weights):
        if let turned = turned(window, from: given, timeCount: timeCount, to: result, of: operation) {
          operation.computation = .convolution(turned, weights)
        }
      case .depthwiseConvolution(let window, let weights):
        if let turned = turned(window, from: given, timeCount: timeCount, to: result, of: operation) {
          operation.computation = .depthwiseConvolution(turned, weights)
        }
      case .averagePool(let window):
        if let turned = turned(window, from: given, timeCount: timeCount, to: result, of: operation) {
          operation.computation = .averagePool(turned)
        }
      case .maximumPool(let window):
        if let turned = turned(window, from: given, timeCount: timeCount, to: result, of: operation) {
          operation.computation = .maximumPool(turned)
        }
      default: break
      }
      // What can't be turned gets the shape that it was made for.
      if operation.window != nil, timeCounts[operation.output] == nil, given != network.tensors[columns].shape
      {
        operation.inputs[0] = addReshape(of: columns, to: given, before: operation)
      }
    }
    network.operators.append(operation)
  }

  /// Whether nothing but a RESHAPE reads a tensor, and it changes nothing but the shape.
  private func isNameOnly(
    _ operation: QuantizedNetwork.Operator, of columns: Int, byOriginal input: Int
  ) -> Bool {
    let (from, to) = (source.tensors[columns], source.tensors[operation.output])
    return from.scale == to.scale && from.zeroPoint == to.zeroPoint && from.type == to.type
      && source.operators.filter { $0.inputs.contains(input) }.count == 1
      && !source.outputs.contains { $0.tensor == operation.output || $0.tensor == input }
  }

  private mutating func setColumns(_ tensor: Int, shape: [Int]) {
    network.tensors[tensor].shape = shape
    timeCounts[tensor] = shape[1]
  }

  /// An operator's window with time first, and the columns that it gives; nil where it doesn't move along time.
  private mutating func turned(
    _ window: QuantizedNetwork.Window, from given: [Int], timeCount: Int, to result: [Int],
    of operation: QuantizedNetwork.Operator
  ) -> QuantizedNetwork.Window? {
    guard given[0] == 1, timeCount > 1 else { return nil }
    if given[1] == timeCount {
      network.tensors[operation.inputs[0]].shape = given
      setColumns(operation.output, shape: result)
      return window
    }
    let height = window.time
    guard given[1] == 1, given[2] == timeCount, result[1] == 1, height.kernel == 1, height.paddingBefore == 0,
      height.paddingAfter == 0
    else { return nil }
    network.tensors[operation.inputs[0]].shape = [1, timeCount, 1, given[3]]
    setColumns(operation.output, shape: [1, result[2], 1, result[3]])
    return QuantizedNetwork.Window(time: window.frequency)
  }

  private mutating func addReshape(
    of tensor: Int, to shape: [Int], before operation: QuantizedNetwork.Operator
  ) -> Int {
    var reshaped = network.tensors[tensor]
    reshaped.shape = shape
    network.tensors.append(reshaped)
    let output = network.tensors.count - 1
    var reshape = QuantizedNetwork.Operator(
      kind: .reshape, inputs: [tensor], output: output, activation: reshaped.type.codes,
      computation: .reshape)
    reshape.sourceIndex = operation.sourceIndex
    network.operators.append(reshape)
    return output
  }

  /// The network without the tensors that nobody uses any more.
  var finished: QuantizedNetwork {
    var finished = network
    finished.tensors = []
    var places: [Int: Int] = [:]
    for (index, tensor) in network.tensors.enumerated() where renamed[index] == nil {
      places[index] = finished.tensors.count
      finished.tensors.append(tensor)
    }
    func place(_ tensor: Int) -> Int { places[tensor] ?? 0 }
    for index in finished.operators.indices {
      finished.operators[index].inputs = finished.operators[index].inputs.map(place)
      finished.operators[index].output = place(finished.operators[index].output)
    }
    for index in finished.inputs.indices {
      finished.inputs[index].tensor = place(finished.inputs[index].tensor)
    }
    for index in finished.outputs.indices {
      finished.outputs[index].tensor = place(finished.outputs[index].tensor)
    }
    return finished
  }
}

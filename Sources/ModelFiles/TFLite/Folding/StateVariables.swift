import Support

extension TFLiteModel {
  /// The model with its states as variable tensors: what READ_VARIABLE gives is the state, and ASSIGN_VARIABLE writes it.
  ///
  /// VAR_HANDLE, READ_VARIABLE and CALL_ONCE then have nothing left to do. A model whose states begin elsewhere than at 0,
  /// or are read after they were assigned, or change their type, stays as it is, for the importer to name its operators.
  ///
  /// - Returns: The model, and the places of the operators that are left; nil where there is no such state.
  func withStatesAsTensors() -> (model: TFLiteModel, places: [Int])? {
    guard graph.operators.contains(where: { kind(of: $0) == .varHandle }) else { return nil }
    var states = StateWalk(self)
    for place in graph.operators.indices {
      guard states.take(place) else { return nil }
    }
    return (states.model, states.places)
  }
}

/// The walk along a model's operators that makes tensors of its states.
private struct StateWalk {
  private let source: TFLiteModel
  private(set) var model: TFLiteModel
  /// The operators that are left.
  private(set) var places: [Int] = []
  /// The names of the states that tensors are handles of.
  private let names: [Int32: String]
  /// The tensor of each state.
  private var tensors: [String: Int32] = [:]
  /// What each tensor that was read is now.
  private var renamed: [Int32: Int32] = [:]
  private var assigned: Set<Int32> = []

  init(_ model: TFLiteModel) {
    (source, self.model) = (model, model)
    names = Self.names(in: model.graph, of: model)
    self.model.graph.operators = []
  }

  private static func names(in graph: TFLiteModel.Subgraph, of model: TFLiteModel) -> [Int32: String] {
    graph.operators.reduce(into: [:]) { names, operation in
      guard model.kind(of: operation) == .varHandle, let handle = operation.outputs.first else { return }
      names[handle] = operation.options?.sharedName ?? ""
    }
  }

  /// Takes the next operator; false where a state is more than a tensor.
  mutating func take(_ place: Int) -> Bool {
    var operation = source.graph.operators[place]
    switch source.kind(of: operation) {
    case .varHandle: return true
    case .callOnce: return beginsAtZero(operation)
    case .readVariable:
      guard let name = operation.inputs.first.flatMap({ names[$0] }), let read = operation.outputs.first
      else {
        return false
      }
      if let state = tensors[name] {
        guard isSame(read, state), !assigned.contains(state) else { return false }
        renamed[read] = state
      } else {
        tensors[name] = read
        model.graph.tensors[Int(read)].isVariable = true
      }
      return true
    case .assignVariable:
      guard operation.inputs.count == 2, let state = names[operation.inputs[0]].flatMap({ tensors[$0] }),
        isSame(operation.inputs[1], state), assigned.insert(state).inserted
      else { return false }
      (operation.inputs, operation.outputs) = ([renamed[operation.inputs[1]] ?? operation.inputs[1]], [state])
      operation.options = nil
    default:
      operation.inputs = operation.inputs.map { renamed[$0] ?? $0 }
      guard assigned.isDisjoint(with: operation.inputs) else { return false }
    }
    model.graph.operators.append(operation)
    places.append(place)
    return true
  }

  /// Whether two tensors have the same codes.
  private func isSame(_ one: Int32, _ other: Int32) -> Bool {
    let (a, b) = (source.graph.tensors[Int(one)], source.graph.tensors[Int(other)])
    return a.type == b.type && a.shape == b.shape && a.quantization?.scales == b.quantization?.scales
      && a.quantization?.zeroPoints == b.quantization?.zeroPoints
  }

  /// Whether all that a second subgraph does is to set states to their codes of 0.
  private func beginsAtZero(_ operation: TFLiteModel.Operator) -> Bool {
    let index = Int(operation.options?.firstSubgraph ?? 0) - 1
    guard source.otherGraphs.indices.contains(index) else { return false }
    let graph = source.otherGraphs[index]
    let handles = Self.names(in: graph, of: source)
    return graph.operators.allSatisfy { operation in
      switch source.kind(of: operation) {
      case .varHandle: return true
      case .assignVariable:
        guard operation.inputs.count == 2, handles[operation.inputs[0]] != nil else { return false }
        let tensor = graph.tensors[Int(operation.inputs[1])]
        let bytes = source.buffers[Int(tensor.buffer)].bytes
        let zero = tensor.quantization?.zeroPoints.first ?? 0
        switch tensor.type {
        case .int8: return !bytes.isEmpty && bytes.allSatisfy { Int64(Int8(bitPattern: $0)) == zero }
        case .int16: return !bytes.isEmpty && zero == 0 && bytes.allSatisfy { $0 == 0 }
        default: return false
        }
      default: return false
      }
    }
  }
}

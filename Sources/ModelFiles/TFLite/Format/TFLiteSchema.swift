/// The schema's root table.
struct TFLiteRoot: FlatBufferTable {
  var version: UInt32 = 0
  var operatorCodes: [TFLiteModel.OperatorCode] = []
  var subgraphs: [TFLiteModel.Subgraph] = []
  var description = ""
  var buffers: [TFLiteModel.Buffer] = []

  mutating func visit(_ fields: inout some FlatBufferFields) throws(FlatBufferError) {
    try fields.scalar(0, &version, default: 0)
    try fields.tables(1, &operatorCodes, empty: .init(.add))
    try fields.tables(2, &subgraphs, empty: .init())
    try fields.string(3, &description)
    try fields.tables(4, &buffers, empty: .init())
    try fields.refuse(8, "a group of outside buffers")
    try fields.refuse(9, "an outside buffer")
  }
}

extension TFLiteModel.OperatorCode: FlatBufferTable {
  /// Kinds beyond 127 don't fit the field of old models, which then holds 127.
  mutating func visit(_ fields: inout some FlatBufferFields) throws(FlatBufferError) {
    let limit: Int32 = 127
    var oldKind = Int8(clamping: min(kind.rawValue, limit))
    try fields.scalar(0, &oldKind, default: 0)
    try fields.string(1, &customName)
    try fields.scalar(2, &version, default: 1)
    try fields.scalar(3, &kind, default: .add)
    kind = .init(rawValue: max(kind.rawValue, Int32(oldKind)))
  }
}

extension TFLiteModel.Subgraph: FlatBufferTable {
  mutating func visit(_ fields: inout some FlatBufferFields) throws(FlatBufferError) {
    try fields.tables(0, &tensors, empty: .init())
    try fields.vector(1, &inputs)
    try fields.vector(2, &outputs)
    try fields.tables(3, &operators, empty: .init())
    try fields.string(4, &name)
  }
}

extension TFLiteModel.Tensor: FlatBufferTable {
  mutating func visit(_ fields: inout some FlatBufferFields) throws(FlatBufferError) {
    try fields.vector(0, &shape)
    try fields.scalar(1, &type, default: .float32)
    try fields.scalar(2, &buffer, default: 0)
    try fields.string(3, &name)
    try fields.table(4, &quantization, empty: .init())
    try fields.scalar(5, &isVariable, default: false)
    try fields.refuse(6, "a sparse tensor")
    try fields.optionalVector(7, &shapeSignature)
    try fields.scalar(8, &hasRank, default: false)
    try fields.refuse(9, "a variant tensor")
    try fields.refuse(10, "a tensor in an outside buffer")
  }
}

extension TFLiteModel.Quantization: FlatBufferTable {
  mutating func visit(_ fields: inout some FlatBufferFields) throws(FlatBufferError) {
    try fields.optionalVector(0, &minimums)
    try fields.optionalVector(1, &maximums)
    try fields.optionalVector(2, &scales)
    try fields.optionalVector(3, &zeroPoints)
    try fields.refuse(5, "a custom quantization")
    try fields.scalar(6, &dimension, default: 0)
  }
}

extension TFLiteModel.Operator: FlatBufferTable {
  mutating func visit(_ fields: inout some FlatBufferFields) throws(FlatBufferError) {
    try fields.scalar(0, &code, default: 0)
    try fields.vector(1, &inputs)
    try fields.vector(2, &outputs)
    var kind = options?.kind ?? .none
    try fields.scalar(3, &kind, default: .none)
    try fields.table(4, &options, empty: .init(kind))
    if kind == .none { options = nil }
    try fields.optionalVector(5, &customOptions)
    try fields.optionalVector(7, &changesInput)
    try fields.optionalVector(8, &intermediates)
    try fields.refuse(9, "options outside the model")
    try fields.refuse(12, "options of the second kind")
  }
}

extension TFLiteModel.Buffer: FlatBufferTable {
  /// Constants lie at multiples of 16.
  mutating func visit(_ fields: inout some FlatBufferFields) throws(FlatBufferError) {
    try fields.vector(0, &bytes, alignment: 16, isOptional: true)
    try fields.scalar(1, &fileOffset, default: 0)
    try fields.scalar(2, &fileByteCount, default: 0)
  }
}

import Support

extension NetworkSpecification {
  /// Reads a network's layers from a JSON file, for an input of so many columns and channels.
  ///
  /// `{"layers": [{"kind": "convolution", "channels": 16, "kernel": 5, "stride": 2, "dilation": 1}, {"kind": "depthwise",
  /// "kernel": 5}, {"kind": "pool", "of": "maximum", "kernel": 2, "stride": 2}, {"kind": "sum", "over": 2}, {"kind": "pool",
  /// "of": "average"}, {"kind": "dense", "outputs": 32}]}`: stride and dilation are 1 where they aren't given, but a pool's
  /// stride is its kernel; a pool without a kernel is over all columns. The last layer, which has an output a class, isn't
  /// in the file. Nothing pads along time.
  ///
  /// - Throws: `FileError`, which names the layer and the key that is missing, unknown or impossible.
  package init(
    reading file: String, inputColumns: Int, inputChannels: Int, classCount: Int
  ) throws(FileError) {
    var fields = try JSONFields(reading: file, remedy: "see docs/guides/Tasks.md for an architecture's keys")
    var layers: [Layer] = []
    for var layer in try fields.objects("layers") {
      layers.append(try Self.layer(&layer))
      try layer.finish()
    }
    try fields.finish()
    layers.append(.dense(outputCount: classCount))
    self.init(inputColumns: inputColumns, inputChannels: inputChannels, layers: layers)
    do throws(InvalidNetwork) {
      _ = try layerShapes()
    } catch {
      throw .malformed(file, error.description, remedy: "change the layers, or the task's window")
    }
  }
  private static func layer(_ fields: inout JSONFields) throws(FileError) -> Layer {
    func size(_ key: String) throws(FileError) -> Int { try fields.integer(key, in: 1...4096) }
    func size(_ key: String, or usual: Int) throws(FileError) -> Int {
      try fields.optionalInteger(key, in: 1...4096) ?? usual
    }
    switch try fields.choice("kind", of: ["convolution", "depthwise", "pool", "sum", "dense"]) {
    case "convolution":
      return .convolution(
        outputChannels: try size("channels"), kernelColumns: try size("kernel"),
        strideColumns: try size("stride", or: 1), dilationColumns: try size("dilation", or: 1))
    case "depthwise":
      return .depthwise(
        kernelColumns: try size("kernel"), strideColumns: try size("stride", or: 1),
        dilationColumns: try size("dilation", or: 1))
    case "pool":
      let pooling =
        try fields.choice("of", of: Pooling.allCases.map(\.rawValue)) == "average"
        ? Pooling.average : .maximum
      guard let kernel = try fields.optionalInteger("kernel", in: 1...4096) else {
        return .globalPool(pooling)
      }
      return .pool(pooling, kernelColumns: kernel, strideColumns: try size("stride", or: kernel))
    case "sum": return .sum(layerCount: try fields.integer("over", in: 1...64))
    default: return .dense(outputCount: try fields.integer("outputs", in: 1...65_536))
    }
  }
}

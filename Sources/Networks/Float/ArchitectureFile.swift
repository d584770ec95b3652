import Support

extension NetworkSpecification {
  /// Reads a network's layers from a JSON file, for an input of so many columns and channels.
  ///
  /// `{"layers": [{"kind": "convolution", "channels": 16, "kernel": 5, "stride": 2, "dilation": 1}, {"kind": "dense",
  /// "outputs": 32}]}`: stride and dilation are 1 where they aren't given. The last layer, which has an output a class,
  /// isn't in the file. Nothing pads along time, so that whatever the file describes can stream.
  ///
  /// - Throws: `FileError`, which names the layer and the key that is missing, unknown or impossible.
  package init(
    reading file: String, inputColumns: Int, inputChannels: Int, classCount: Int
  ) throws(FileError) {
    var fields = try JSONFields(reading: file, remedy: "see docs/guides/Tasks.md for an architecture's keys")
    var layers: [Layer] = []
    for var layer in try fields.objects("layers") {
      switch try layer.choice("kind", of: ["convolution", "dense"]) {
      case "convolution":
        layers.append(
          .convolution(
            outputChannels: try layer.integer("channels", in: 1...4096),
            kernelColumns: try layer.integer("kernel", in: 1...4096),
            strideColumns: try layer.optionalInteger("stride", in: 1...4096) ?? 1,
            dilationColumns: try layer.optionalInteger("dilation", in: 1...4096) ?? 1))
      default: layers.append(.dense(outputCount: try layer.integer("outputs", in: 1...65_536)))
      }
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
}

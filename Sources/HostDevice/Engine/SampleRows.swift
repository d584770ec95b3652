import Support

/// What a model's input takes of a file of samples: a row a sample.
package struct SampleRows {
  /// The values' type, in NumPy's words.
  package var typeName: String
  /// A sample's dimensions.
  package var shape: [Int]

  /// Creates a description.
  package init(typeName: String, shape: [Int]) { (self.typeName, self.shape) = (typeName, shape) }

  /// The number of samples, the same in all inputs' files.
  ///
  /// - Parameters:
  ///   - arrays: A file an input: a row a sample, the values in a line or in the input's shape, where dimensions of 1
  ///     don't matter.
  ///   - inputs: The inputs.
  /// - Returns: The number of samples.
  /// - Throws: `FileError`, malformed, where the files' number, types or shapes are not the inputs'.
  package static func count(
    _ arrays: [(file: String, values: NumPyArray)], of inputs: [SampleRows]
  ) throws(FileError) -> Int {
    guard arrays.count == inputs.count, let first = arrays.first else {
      throw .malformed(
        arrays.first?.file ?? "", "is one of \(arrays.count) inputs", remedy: "the model has \(inputs.count)")
    }
    for (input, (file, array)) in zip(inputs, arrays) {
      let (shape, count) = (input.shape, input.shape.reduce(1, *))
      let dimensions = ([count] == shape ? [shape] : [[count], shape])
        .map { "[samples" + $0.map { ", \($0)" }.joined() + "]" }.joined(separator: " or ")
      let remedy = "give \(input.typeName) in the shape \(dimensions)"
      guard array.values.typeName == input.typeName else {
        throw .malformed(file, "is an array of \(array.values.typeName)", remedy: remedy)
      }
      let row = array.shape.dropFirst().filter { $0 != 1 }
      guard let rows = array.shape.first, row == shape.filter({ $0 != 1 }) || row == [count] else {
        throw .malformed(file, "has the shape \(array.shape)", remedy: remedy)
      }
      guard rows > 0 else { throw .malformed(file, "has no samples", remedy: remedy) }
      guard rows == first.values.shape[0] else {
        throw .malformed(
          file, "has \(rows) samples, and the first input \(first.values.shape[0])",
          remedy: "give as many samples for each input")
      }
    }
    return first.values.shape[0]
  }

  /// An array's real numbers.
  ///
  /// - Throws: `FileError`, malformed, where one isn't finite.
  package static func finite(_ array: NumPyArray, file: String) throws(FileError) -> [Float] {
    guard case .float32(let values) = array.values else { return [] }
    guard let place = values.firstIndex(where: { !$0.isFinite }) else { return values }
    throw .malformed(
      file, at: "sample \(place / (values.count / array.shape[0]))", "holds the number \(values[place])",
      remedy: "give finite numbers")
  }
}

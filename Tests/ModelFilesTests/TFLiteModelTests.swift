import Foundation
import ModelFiles
import Networks
import Support
import Testing
import TestNetworks
import TestSupport

@Suite struct TFLiteModelTests {
  private static let models = ProjectFiles.root.deletingLastPathComponent()
    .appending(path: "shared/conformance/models").path

  private static func networks(_ count: Int, seed: UInt64) -> [QuantizedNetwork] {
    var networks = RandomNetworks(random: SeededGenerator(seed: seed))
    return (0..<count).map { round in
      round % 2 == 0 ? networks.general() : networks.streamable(bins: 5, depth: round % 4)
    }
  }

  /// A small model with a PAD, convolutions and a fully connected operator.
  private static func smallModel() throws -> TFLiteModel {
    try #require(
      networks(40, seed: 41).lazy.compactMap { try? TFLiteModel($0, description: "small") }
        .filter { $0.operatorCodes.count == 3 }.min { try $0.encoded().count < $1.encoded().count })
  }

  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: models), "needs ../shared/conformance/models"))
  func publicModelsSurviveARoundTrip() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.models)
      .filter { $0.hasSuffix(".tflite") }.sorted()
    #expect(!files.isEmpty)
    for file in files {
      let model = try TFLiteModel.read(Self.models + "/" + file)
      #expect(!model.graph.operators.isEmpty)
      #expect(try TFLiteModel(decoding: model.encoded(), file: file) == model, "\(file)")
    }
  }

  @Test func writtenNetworksSurviveARoundTrip() throws {
    var written = 0
    for network in Self.networks(60, seed: 42) {
      guard let model = try? TFLiteModel(network, description: "random") else { continue }
      let data = try model.encoded()
      let again = try TFLiteModel(decoding: data, file: "random")
      #expect(again == model)
      #expect(try again.encoded() == data)
      written += 1
    }
    #expect(written > 40)
  }

  @Test func everyKindOfOptionsSurvivesARoundTrip() throws {
    var model = TFLiteModel()
    model.operatorCodes = [.init(.init(rawValue: 57), version: 2), .init(.init(rawValue: 200))]
    model.buffers = [.init(), .init([1, 2, 3])]
    var tensor = TFLiteModel.Tensor()
    (tensor.name, tensor.shape, tensor.shapeSignature) = ("t", [1, 2], [-1, 2])
    (tensor.hasRank, tensor.isVariable, tensor.buffer, tensor.type) = (true, true, 1, .int16)
    var quantization = TFLiteModel.Quantization(scales: [0.5, 2], zeroPoints: [0, -7])
    (quantization.dimension, quantization.minimums, quantization.maximums) = (3, [-1], [1])
    tensor.quantization = quantization
    model.graph.tensors = [tensor]
    var kinds = 0
    for value in UInt8.min...UInt8.max {
      let kind = TFLiteOptions.Kind(rawValue: value)
      guard kind.isKnown, value != 0 else { continue }
      // All values are set, so that reading gives back those that the kind has.
      var options = TFLiteOptions(kind)
      (options.padding, options.activation) = (.valid, .relu6)
      (options.strideWidth, options.strideHeight) = (2, 3)
      (options.dilationWidth, options.dilationHeight, options.depthMultiplier) = (4, 5, 6)
      (options.filterWidth, options.filterHeight, options.quantizedBiasType) = (7, 8, .int64)
      (options.weightsFormat, options.keepsDimensions, options.quantizesInputsAsymmetrically) = (
        1, true, true
      )
      (options.hasPowerOfTwoScale, options.axis, options.beta, options.alpha) = (false, -1, 0.5, 0.25)
      (options.rank, options.newShape, options.beginMask, options.endMask) = (9, [1, -1], 10, 11)
      (options.ellipsisMask, options.newAxisMask, options.shrinkAxisMask) = (12, 13, 14)
      options.endIsOffset = true
      var operation = TFLiteModel.Operator()
      (operation.code, operation.inputs, operation.outputs) = (UInt32(value % 2), [0, -1], [0])
      (operation.options, operation.customOptions) = (options, [1, 2])
      (operation.intermediates, operation.changesInput) = ([0], [true, false])
      model.graph.operators.append(operation)
      kinds += 1
    }
    #expect(kinds == 42)
    let data = try model.encoded()
    var again = try TFLiteModel(decoding: data, file: "options")
    #expect(try again.encoded() == data)
    #expect(again.graph.operators.map { $0.options?.kind } == model.graph.operators.map { $0.options?.kind })
    let depthwise = try #require(again.graph.operators[1].options)
    #expect(depthwise.depthMultiplier == 6 && depthwise.strideHeight == 3 && depthwise.dilationWidth == 4)
    #expect(depthwise.activation == .relu6 && depthwise.padding == .valid && depthwise.rank == 0)
    for index in again.graph.operators.indices {
      again.graph.operators[index].options = model.graph.operators[index].options
    }
    #expect(again == model)
  }

  @Test func optionsOfAnUnknownKindAreReadButNotWritten() throws {
    var model = try Self.smallModel()
    model.graph.operators[0].options = TFLiteOptions(.init(rawValue: 250))
    #expect(throws: FlatBufferError.self) { _ = try model.encoded() }
  }

  @Test func constantsLieAtMultiplesOf16() throws {
    var model = TFLiteModel()
    for count in 1...40 {
      model.buffers.append(.init([UInt8](repeating: 0xA5, count: count) + [UInt8(count)]))
    }
    let bytes = [UInt8](try model.encoded())
    var found = 0
    for count in 1...40 {
      let content = [UInt8](repeating: 0xA5, count: count) + [UInt8(count)]
      found +=
        stride(from: 16, through: bytes.count - content.count, by: 16).filter { place in
          bytes[place..<place + content.count].elementsEqual(content)
            && Int(bytes[place - 4]) == content.count
        }.count
    }
    #expect(found == 40)
  }

  @Test func everyTruncationIsAnErrorOrAModel() throws {
    let data = try Self.smallModel().encoded()
    var refused = 0
    for count in 0..<data.count {
      do throws(FileError) {
        _ = try TFLiteModel(decoding: data.prefix(count), file: "cut")
      } catch {
        #expect(error.kind == .malformed && error.location != nil)
        refused += 1
      }
    }
    // What the file ends in is reached from its root, but for the zeros that fill it up.
    #expect(refused > data.count - 8)
  }

  @Test func mutationsAreErrorsOrModelsThatCanBeWritten() throws {
    let bytes = [UInt8](try Self.smallModel().encoded())
    var random = SeededGenerator(seed: 43)
    var (refused, read) = (0, 0)
    for _ in 0..<20_000 {
      var mutated = bytes
      for _ in 0...random.nextIndex(below: 4) {
        let place = random.nextIndex(below: mutated.count)
        mutated[place] =
          random.nextIndex(below: 2) == 0
          ? UInt8(truncatingIfNeeded: random.next())
          : mutated[place] ^ (1 << UInt8(random.nextIndex(below: 8)))
      }
      guard let model = try? TFLiteModel(decoding: Data(mutated), file: "mutated") else {
        refused += 1
        continue
      }
      read += 1
      guard let data = try? model.encoded() else { continue }
      // Bytes are compared, as a mutated scale may be NaN.
      #expect(try TFLiteModel(decoding: data, file: "again").encoded() == data)
    }
    #expect(refused > 1000 && read > 1000, "both outcomes were tried: \(refused) refused, \(read) read")
  }

  @Test func partsOnTopOfEachOtherCannotMultiplyAFilesSize() throws {
    var model = TFLiteModel()
    model.buffers = [.init([UInt8](repeating: 7, count: 100_000))]
    model.buffers += [TFLiteModel.Buffer](repeating: .init(), count: 1000)
    var bytes = [UInt8](try model.encoded())
    // The places of the 1,001 buffers lie in a row, behind their number; all are led to the first one.
    let count: [UInt8] = [0xE9, 0x03, 0, 0]
    let list = try #require(bytes.indices.first { bytes[$0...].starts(with: count) }) + 4
    func offset(at place: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) } }
    let first = list + offset(at: list)
    for index in 1...1000 {
      let place = list + 4 * index
      for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: (first - place) >> (8 * byte)) }
    }
    #expect(throws: FileError.self) { _ = try TFLiteModel(decoding: Data(bytes), file: "bomb") }
  }

  @Test func anIndexBeyondItsListIsRefusedByName() throws {
    let model = try Self.smallModel()
    let changes: [(String, (inout TFLiteModel) -> Void)] = [
      ("operator 1", { $0.graph.operators[1].inputs[0] = 999 }),
      ("operator 0", { $0.graph.operators[0].outputs = [-1] }),
      ("operator 2", { $0.graph.operators[2].code = 3 }),
      ("tensor 0", { $0.graph.tensors[0].buffer = 999 }),
      ("tensor 1", { $0.graph.tensors[1].shape[0] = -2 }),
      ("subgraph 0", { $0.graph.inputs = [-1] }),
    ]
    for (location, change) in changes {
      var changed = model
      change(&changed)
      let error = #expect(throws: FileError.self) {
        _ = try TFLiteModel(decoding: changed.encoded(), file: "changed")
      }
      #expect(error?.location == location)
    }
  }
}

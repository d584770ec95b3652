import Foundation
import ModelFiles
import Networks
import QuantInfer
import Testing
import TestSupport

@Suite struct ArenaTests {
  /// TensorFlow Lite Micro's activation memory for MLPerf Tiny's keyword model.
  private static let published = ["kws_ref_model": 16_000]

  @Test(.enabled(if: !ConformanceFiles.models.isEmpty, "needs the public models"))
  func publicModelsNeedNoMoreThanWhatIsAliveAtOnce() throws {
    var planned = 0
    for path in ConformanceFiles.models {
      guard let model = try? LoadedModel.read(path) else { continue }
      let plan = ArenaPlan(planned: model.model)
      let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
      print("arena of \(name): \(plan.arenaByteCount) B, \(plan.liveByteCount) B alive at once")
      #expect(Double(plan.arenaByteCount) <= 1.02 * Double(plan.liveByteCount))
      #expect(plan.arenaByteCount >= plan.lowerBoundByteCount)
      if let limit = Self.published[name] {
        #expect(plan.arenaByteCount + model.model.scratchByteCount <= limit)
      }
      planned += 1
    }
    #expect(planned >= 4)
  }

  @Test func aChainOfEqualTensorsSharesOnePlace() throws {
    let shape = [1, 40, 1, 8]
    let weights = QuantizedNetwork.Weights(
      codes: [Int8](repeating: 1, count: 64), biases: [Int64](repeating: 0, count: 8),
      scales: [Float](repeating: 0.01, count: 8), inputScale: 1, outputScale: 1)
    let network = QuantizedNetwork(
      tensors: (0..<5).map { .init(name: "\($0)", shape: shape, scale: 1, zeroPoint: 0) },
      operators: (0..<4).map { .convolution(from: $0, to: $0 + 1, window: .init(), weights: weights) },
      input: 0, output: 4)
    let plan = try ModelImage(network, frontEnd: nil).plan
    #expect(plan.liveByteCount == 640 && plan.lowerBoundByteCount == 320 && plan.arenaByteCount == 320)
  }

  @Test func aTensorThatIsReadLaterKeepsItsPlace() throws {
    // x -> a -> b, b + x: x must outlive a and b.
    let tensors = ["x", "a", "b", "sum"].map {
      QuantizedNetwork.Tensor(name: $0, shape: [1, 10], scale: 1, zeroPoint: 0)
    }
    func relu(_ from: Int, _ to: Int) -> QuantizedNetwork.Operator {
      .init(
        kind: .relu, inputs: [from], output: to, activation: -128...127,
        computation: .lookup((-128...127).map { Int16(max(0, $0)) }))
    }
    let sum = QuantizedNetwork.Operator(
      kind: .maximum, inputs: [2, 0], output: 3, activation: -128...127,
      computation: .elementwise(.init(shape: [10], firstStrides: [1], secondStrides: [1])))
    let network = QuantizedNetwork(
      tensors: tensors, operators: [relu(0, 1), relu(1, 2), sum], input: 0, output: 3)
    let image = try ModelImage(network, frontEnd: nil)
    let places = image.plan.placements
    for other in [1, 2] { #expect(!places[0].bytes.overlaps(places[other].bytes)) }
    #expect(places[1].offset == places[2].offset)
    let loaded = try LoadedModel(image: image.bytes)
    let arena = AlignedMemory(byteCount: loaded.model.arenaByteCount)
    let scratch = AlignedMemory(byteCount: loaded.model.scratchByteCount)
    var engine = try WholeWindow(model: loaded.model, arena: arena.bytes, scratch: scratch.bytes)
    let input: [Int8] = [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4]
    _ = engine.input.update(fromContentsOf: input)
    engine.run()
    #expect(Array(engine.output) == input.map { max(0, $0) })
  }
}

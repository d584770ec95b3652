import Evaluation
import ModelFiles
import Networks
import Quantization
import Support
import Tasks
import Testing

/// What the quantizer's options do to a random network, by its outputs.
@Suite struct QuantizerTests {
  private let network: FloatGraph
  private let settings = SpectrogramSettings()
  private let windows: [[Float]]

  init() throws {
    var random = SeededGenerator(seed: 7)
    let specification = NetworkSpecification(
      inputColumns: 16, inputChannels: 12,
      layers: [
        .convolution(outputChannels: 10, kernelColumns: 3), .convolution(outputChannels: 9, kernelColumns: 3),
        .dense(outputCount: 4),
      ])
    network = try FloatGraph(
      specification: specification,
      layers: specification.layerShapes().map { shape in
        let perOutput = shape.weightCount / shape.outputChannels
        // Channels of very different size, which one scale for all can't hold.
        let weights = (0..<shape.weightCount).map { index in
          Float(random.nextGaussian()) * (index / perOutput % 3 == 0 ? 1 : 0.02)
        }
        return .init(
          weights: weights, biases: (0..<shape.outputChannels).map { _ in Float(random.nextGaussian()) },
          normalization: nil)
      })
    windows = (0..<64).map { _ in (0..<16 * 12).map { _ in Float(random.next(in: -1...2)) } }
  }

  /// The root mean square of the logits' error, by the runtime.
  private func error(_ change: (inout QuantizationOptions) -> Void) throws -> Double {
    let layers = try figures(change)
    return layers[layers.count - 1].errorDeviation
  }

  private func figures(_ change: (inout QuantizationOptions) -> Void) throws -> [LayerFigures] {
    var options = QuantizationOptions()
    change(&options)
    let quantized = try QuantizedNetwork.quantized(
      network, settings: settings, calibrationWindows: windows, options: options)
    return try LayerFigures.layers(
      of: LoadedModel(image: ModelImage(quantized, frontEnd: nil).bytes),
      beside: options.equalizesLayers ? network.equalized() : network, windows: windows)
  }

  @Test func equalizedNetworkIsTheSameFunction() throws {
    let (a, b) = (try FloatExecution(network), try FloatExecution(network.equalized()))
    for window in windows.prefix(8) {
      #expect(
        zip(a.logits(ofWindow: window), b.logits(ofWindow: window)).allSatisfy {
          abs($0 - $1) < 1e-3 * max(1, abs($0))
        })
    }
  }

  @Test func equalizationHelpsOneScaleALayer() throws {
    let plain = try error { $0.granularity = .tensor }
    let equalized = try error { ($0.granularity, $0.equalizesLayers) = (.tensor, true) }
    #expect(equalized < plain)
  }

  @Test func widerCodesFollowFloatCloser() throws {
    let int4 = try error { $0.weightBits = [4] }
    let int8 = try error { _ in }
    let int16 = try error { $0.activationBits = [16] }
    #expect(int4 > 2 * int8 && int16 < int8)
  }

  @Test func layersMayDifferInWidth() throws {
    let mixed = try error { ($0.weightBits, $0.activationBits) = ([4, 8, 8], [8, 16, 8]) }
    let (int4, int8) = (try error { $0.weightBits = [4] }, try error { _ in })
    #expect(mixed < int4 && mixed > int8 / 2)
  }

  @Test func adaptiveRoundingBeatsTheNearestCode() throws {
    let nearest = try figures { $0.weightBits = [4] }
    let adaptive = try figures { ($0.weightBits, $0.rounding) = ([4], .adaptive) }
    for (a, b) in zip(adaptive, nearest) { #expect((a.ownSNRDecibels ?? 0) > (b.ownSNRDecibels ?? 0)) }
  }

  @Test func biasCorrectionTakesTheMeanErrorAway() throws {
    let plain = try figures { $0.weightBits = [4] }
    let corrected = try figures { ($0.weightBits, $0.correctsBiases) = ([4], true) }
    #expect(abs(corrected[2].errorMean) < abs(plain[2].errorMean))
  }

  @Test func stochasticRoundingFollowsItsSeed() throws {
    func codes(_ seed: UInt64) throws -> QuantizedNetwork {
      var options = QuantizationOptions()
      (options.rounding, options.roundingSeed) = (.stochastic, seed)
      return try QuantizedNetwork.quantized(
        network, settings: settings, calibrationWindows: windows, options: options)
    }
    #expect(try codes(1) == codes(1))
    #expect(try codes(1) != codes(2))
  }

  @Test(arguments: CalibrationMethod.allCases) func everyCalibrationKeepsTheSignal(method: CalibrationMethod)
    throws
  {
    // Entropy cuts off what is rare, however far it reaches.
    let least = method == .entropy ? 5.0 : 25
    for layer in try figures({ $0.calibration = method }) { #expect((layer.ownSNRDecibels ?? 0) > least) }
  }

  @Test func refusesWidthsThatDontFit() {
    var options = QuantizationOptions()
    options.weightBits = [4, 8]
    #expect(options.problem(layerCount: 3) == "2 widths of weights are given for 3 layers")
    options.weightBits = [5]
    #expect(options.problem(layerCount: 3) == "weights of 5 bits are not 4 or 8")
    #expect(throws: InvalidNetwork.self) {
      try QuantizedNetwork.quantized(
        network, settings: settings, calibrationWindows: windows, options: options)
    }
  }
}

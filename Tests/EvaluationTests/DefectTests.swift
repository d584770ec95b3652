import ECG
import Evaluation
import ModelFiles
import Networks
import Quantization
import Tasks
import Testing
import TestSupport

/// Defects planted into the shipped model: the report names the first layer or stage that goes wrong, and why.
@Suite struct DefectTests {
  /// The shipped network, quantized and looked at on windows of the shipped record.
  private struct Bench {
    let checkpoint: Checkpoint
    let signal: LabelledSignal
    let windows: [[Float]]
    var network: QuantizedNetwork

    init() throws {
      checkpoint = try Checkpoint.read(ProjectFiles.checkpoint)
      let lead = try Record.load(ProjectFiles.record).signals[0]
      let microvolts = try lead.millivolts(atRateHz: checkpoint.settings.sampleRateHz).map { $0 * 1000 }
      signal = LabelledSignal(record: "mitdb-208", lead: lead.name, microvolts: microvolts, beats: [])
      let settings = checkpoint.settings
      let levels = FloatSpectrogram(settings).levels(ofMicrovolts: microvolts)
      let (bins, columns) = (settings.binCount, checkpoint.specification.inputColumns)
      windows = stride(from: 0, to: levels.count / bins - columns, by: 23).map { first in
        levels[first * bins..<(first + columns) * bins].map { settings.networkInput(ofLevel: $0) }
      }
      network = try QuantizedNetwork.quantized(
        FloatGraph(checkpoint), settings: settings, calibrationWindows: windows)
    }

    func layers() throws -> [LayerFigures] {
      try LayerFigures.layers(
        of: LoadedModel(image: ModelImage(network, frontEnd: nil).bytes),
        beside: FloatGraph(checkpoint), windows: windows)
    }

    /// Changes an operator's weights.
    mutating func change(_ index: Int, _ change: (inout QuantizedNetwork.Weights) -> Void) {
      switch network.operators[index].computation {
      case .convolution(let window, var weights):
        change(&weights)
        network.operators[index].computation = .convolution(window, weights)
      case .fullyConnected(var weights):
        change(&weights)
        network.operators[index].computation = .fullyConnected(weights)
      default: Issue.record("no weights")
      }
    }

    /// Gives a tensor another scale, with the multipliers and biases around it that belong to it.
    mutating func rescale(_ tensor: Int, by factor: Float) {
      network.tensors[tensor].scale *= factor
      for index in [tensor - 1, tensor] {
        let (input, output) = (network.tensors[index].scale, network.tensors[index + 1].scale)
        change(index) { weights in
          let divisor = index == tensor ? Double(factor) : 1
          var rescaled = QuantizedNetwork.Weights(
            codes: weights.codes, biases: weights.biases.map { Int64((Double($0) / divisor).rounded()) },
            scales: weights.scales ?? [], inputScale: input, outputScale: output)
          rescaled.bits = weights.bits
          weights = rescaled
        }
      }
    }
  }

  @Test func soundModelHasNoFinding() throws {
    let layers = try Bench().layers()
    #expect(layers.map(\.name) == ["convolution 1", "convolution 2", "convolution 3", "dense 4"])
    #expect(layers.compactMap(\.finding) == [])
    // An int8 code of a uniform value is off by a 12th of a step's square: some 40 dB over the whole range.
    #expect(layers.allSatisfy { ($0.ownSNRDecibels ?? 0) > 28 && ($0.cosine ?? 0) > 0.999 })
  }

  @Test(arguments: [(1, 7), (2, 20)]) func namesChannelOfAWrongScale(layer: Int, channel: Int) throws {
    var bench = try Bench()
    bench.change(layer) { $0.multipliers[channel].leftShift -= 1 }
    let layers = try bench.layers()
    let first = try #require(layers.compactMap(\.finding).first)
    #expect(first.hasPrefix("channel \(channel) of convolution \(layer + 1) comes out 0.5"), "\(first)")
    #expect(layers[layer].worstChannel == channel)
    // What comes after reads wrong codes, but adds no error of its own.
    #expect(layers.compactMap(\.finding).count == 1)
  }

  @Test func namesActivationRangeTenTimesTooWide() throws {
    var bench = try Bench()
    bench.rescale(2, by: 10)
    let layers = try bench.layers()
    let first = try #require(layers.compactMap(\.finding).first)
    #expect(first.hasPrefix("the activation range of convolution 2 is 10."), "\(first)")
    #expect(layers[1].usedCodes <= 27)
  }

  @Test func namesActivationRangeTooNarrow() throws {
    var bench = try Bench()
    bench.rescale(2, by: 0.25)
    let first = try #require(try bench.layers().compactMap(\.finding).first)
    #expect(first.hasPrefix("the activation range of convolution 2 is too narrow"), "\(first)")
  }

  /// Calibration on few windows may leave out the largest values: the range is narrower, and its zero point right.
  @Test func aRangeOfThreeQuartersIsNoWrongZeroPoint() throws {
    var bench = try Bench()
    bench.rescale(2, by: 0.75)
    let layer = try bench.layers()[1]
    #expect(layer.floatRange[1] > 1.2 * layer.codeRange[1] && layer.saturatedShare < 0.01)
    #expect(layer.finding == nil)
  }

  /// The zero point of the layer before, and that of a ReLU whose codes were taken for unsigned ones.
  @Test(arguments: [-60, 127]) func namesSwappedZeroPoint(zeroPoint: Int) throws {
    var bench = try Bench()
    bench.network.tensors[2].zeroPoint = zeroPoint
    let first = try #require(try bench.layers().compactMap(\.finding).first)
    #expect(first.hasPrefix("the zero point of convolution 2 is wrong (\(zeroPoint))"), "\(first)")
  }

  @Test func namesFixedScalingOfAWeakSignal() throws {
    let bench = try Bench()
    var variant = FrontEndVariant()
    let sound = try FrontEndFigures(
      variant, bench.checkpoint.settings, signal: bench.signal, source: "float")
    #expect(sound.levels.map(\.finding) == [nil, nil, nil])
    variant.scaling = .fixed
    let fixed = try FrontEndFigures(
      variant, bench.checkpoint.settings, signal: bench.signal, source: "float")
    let weak = try #require(fixed.levels.last)
    #expect(abs(weak.peakDecibels + 40) < 0.01)
    let finding = try #require(weak.finding)
    #expect(
      finding.contains("at -40.0 dBFS the transform's error") && finding.contains("its scaling is fixed"),
      "\(finding)")
    // CMSIS-DSP's q15 transform, which scales by a fixed factor, keeps 18 dB of a sine at -40 dBFS.
    let decibels = try #require(weak.stages.first { $0.name == "transform" }?.snrDecibels)
    // This one, which scales once, keeps 26; block floating point keeps 77.
    #expect(decibels < 30)
  }
}

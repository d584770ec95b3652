import Foundation
import HostDevice
import ModelFiles
import Networks
import Quantization
import QuantInfer
import Support

/// Compares an image's layers with its float twin's on some windows, and says what is wrong in words.
package struct LayerAnalysis {
  /// A window: its float input, and the codes that the device makes of it.
  package struct Window {
    package var input: [Float]
    package var codes: [Int16]

    package init(input: [Float], codes: [Int16]) {
      self.input = input
      self.codes = codes
    }
  }

  /// The layers.
  package let layers: [LayerFigures]

  /// Runs every layer of both twins over the windows.
  ///
  /// - Parameters:
  ///   - twins: The image and the float graph.
  ///   - windows: The windows.
  ///   - hasSensitivity: Whether each layer is also run alone in float, and alone in integers.
  package init(_ twins: TwinGraph, windows: [Window], hasSensitivity: Bool = true) {
    let count = twins.layers.count
    var sums = (0..<count).map { LayerSums(twins, layer: $0) }
    var aloneFloat = [LogitError](repeating: LogitError(), count: count)
    var aloneInteger = aloneFloat
    let output = twins.loaded.model.outputPort(0).tensorIndex
    for window in windows {
      let float = twins.float.values(ofWindow: window.input)
      let logits = float[twins.graph.outputs[0]]
      let integer = twins.run(window.input, codes: window.codes) { _ in false }
      for layer in 0..<count {
        let place = twins.output(of: layer)
        let operation = twins.graph.operators[twins.layers[layer].float]
        sums[layer].add(
          float: float[operation.output], integer: integer.reals[place] ?? [],
          codes: integer.codes[place] ?? [],
          own: twins.float.output(ofOperator: twins.layers[layer].float, Self.exact(twins, integer, layer)))
      }
      guard hasSensitivity else { continue }
      for layer in 0..<count {
        let exceptOne = twins.run(window.input, codes: window.codes) { $0 == layer }
        aloneFloat[layer].add(logits, exceptOne.reals[output] ?? [])
        let onlyOne = twins.run(window.input, codes: nil) { $0 != layer }
        aloneInteger[layer].add(logits, onlyOne.reals[output] ?? [])
      }
    }
    layers = (0..<count).map { layer in
      var figures = sums[layer].figures
      if hasSensitivity, !windows.isEmpty {
        figures.aloneFloat = aloneFloat[layer].figures
        figures.aloneInteger = aloneInteger[layer].figures
      }
      figures.finding = sums[layer].finding(figures)
      return figures
    }
  }

  /// What a layer's integer twin read, as real numbers; nil for constants.
  private static func exact(_ twins: TwinGraph, _ run: TwinGraph.Run, _ layer: Int) -> [[Float]?] {
    twins.inputs(of: twins.layers[layer]) { place in
      let tensor = twins.loaded.model.tensor(place)
      return run.codes[place].map { $0.map { tensor.real(of: $0) } } ?? run.reals[place] ?? []
    }
  }
}

extension LayerFigures {
  /// An image's layers beside its float twin's, on windows of the network's input.
  ///
  /// - Throws: `NotConvertible` where the float graph isn't the image's twin.
  package static func layers(
    of loaded: LoadedModel, beside graph: FloatGraph, windows: [[Float]]
  ) throws(NotConvertible) -> [LayerFigures] {
    let input = loaded.model.input
    return LayerAnalysis(
      try TwinGraph(loaded, graph),
      windows: windows.map { .init(input: $0, codes: $0.map { input.code(of: $0) }) }
    ).layers
  }
}

/// Differences of logits.
private struct LogitError {
  private var squares = 0.0
  private var count = 0
  private var decisions = 0
  private var flips = 0

  mutating func add(_ reference: [Float], _ measured: [Float]) {
    for (a, b) in zip(reference, measured) { squares += Double((a - b) * (a - b)) }
    count += reference.count
    decisions += 1
    if AgreementFigures.top(reference[...]) != AgreementFigures.top(measured[...]) { flips += 1 }
  }

  var figures: LayerFigures.Sensitivity {
    .init(
      logitError: (squares / Double(max(1, count))).squareRoot(),
      flips: Double(flips) / Double(max(1, decisions)))
  }
}

/// What a layer's figures are made of.
private struct LayerSums {
  private let tensor: QuantInfer.Tensor
  private let name: String
  private let kind: String
  private let clampsBelowZero: Bool
  /// The values that matter to what reads them: beyond, a function doesn't change any more.
  private let mattering: ClosedRange<Float>
  private var (signal, noise, cross, energy) = (0.0, 0.0, 0.0, 0.0)
  private var (error, squaredError) = (0.0, 0.0)
  private var (count, saturated) = (0, 0)
  private var (leastCode, greatestCode) = (Int16.max, Int16.min)
  private var (leastFloat, greatestFloat) = (Float.infinity, -Float.infinity)
  private var leastReal = Float.infinity
  private var (differences, ownDifferences) = (CodeDifferences(), CodeDifferences())
  /// Against the float layer on the integer twin's input, by channel.
  private var own: [Channel]

  private struct Channel {
    var (signal, noise, cross, error) = (0.0, 0.0, 0.0, 0.0)
    var count = 0

    var decibels: Double { 10 * log10(signal / noise) }
    /// By how much the integer values are too large, in the least squares.
    var gain: Double { cross / signal }
    /// The share of the error that this factor explains.
    var gainShare: Double { noise > 0 ? (gain - 1) * (gain - 1) * signal / noise : 0 }
  }

  init(_ twins: TwinGraph, layer: Int) {
    tensor = twins.loaded.model.tensor(twins.output(of: layer))
    let operation = twins.graph.operators[twins.layers[layer].float]
    (name, kind) = (twins.layers[layer].name, operation.kind.name)
    clampsBelowZero = operation.activation.lowerBound == 0
    mattering = twins.graph.changingRange(ofTensor: operation.output) ?? FloatGraph.everything
    own = [Channel](repeating: Channel(), count: tensor.channelCount)
  }

  mutating func add(float: [Float], integer: [Float], codes: [Int16], own reference: [Float]) {
    let (scale, zeroPoint) = (tensor.step, Int(tensor.zeroPoint))
    differences.add(codes, beside: float, scale: scale, zeroPoint: zeroPoint, range: tensor.type.codes)
    ownDifferences.add(codes, beside: reference, scale: scale, zeroPoint: zeroPoint, range: tensor.type.codes)
    func limited(_ values: [Float]) -> [Float] {
      mattering == FloatGraph.everything
        ? values : values.map { min(max($0, mattering.lowerBound), mattering.upperBound) }
    }
    let (float, integer, reference) = (limited(float), limited(integer), limited(reference))
    let half = tensor.step / 2
    let least = tensor.real(of: Int16(tensor.type.codes.lowerBound)) - half
    let greatest = tensor.real(of: Int16(tensor.type.codes.upperBound)) + half
    for index in float.indices {
      let (a, b) = (Double(float[index]), Double(integer[index]))
      signal += a * a
      noise += (b - a) * (b - a)
      cross += a * b
      energy += b * b
      error += b - a
      squaredError += (b - a) * (b - a)
      // Cut off: as large in float as no code is.
      if reference[index] > greatest || reference[index] < least { saturated += 1 }
      leastFloat = min(leastFloat, float[index])
      greatestFloat = max(greatestFloat, float[index])
      leastReal = min(leastReal, integer[index])
      let exact = Double(reference[index])
      let channel = index % own.count
      own[channel].signal += exact * exact
      own[channel].noise += (b - exact) * (b - exact)
      own[channel].cross += b * exact
      own[channel].error += b - exact
      own[channel].count += 1
    }
    count += float.count
    for code in codes {
      leastCode = min(leastCode, code)
      greatestCode = max(greatestCode, code)
    }
  }

  private var ownSignal: Double { own.reduce(0) { $0 + $1.signal } }
  private var ownNoise: Double { own.reduce(0) { $0 + $1.noise } }
  /// Channels with a signal, the worst first.
  private var ranked: [Int] {
    own.indices.filter { own[$0].signal > 0 }.sorted { (own[$0].decibels, $0) < (own[$1].decibels, $1) }
  }

  var figures: LayerFigures {
    let total = Double(max(1, count))
    let mean = error / total
    let worst = ranked.first ?? 0
    let codes = tensor.type.codes
    return LayerFigures(
      name: name, kind: kind, snrDecibels: Numbers.finite(10 * log10(signal / noise)),
      ownSNRDecibels: Numbers.finite(10 * log10(ownSignal / ownNoise)),
      cosine: Numbers.finite(cross / (signal * energy).squareRoot()), errorMean: mean,
      errorDeviation: max(0, squaredError / total - mean * mean).squareRoot(),
      saturatedShare: Double(saturated) / total, usedCodes: max(0, Int(greatestCode) - Int(leastCode) + 1),
      codeCount: codes.count,
      floatRange: [leastFloat, greatestFloat].map { Numbers.finite(Double($0)) ?? 0 },
      codeRange: [codes.lowerBound, codes.upperBound].map { Double(tensor.real(of: Int16($0))) },
      worstChannel: worst, worstChannelDecibels: Numbers.finite(own[worst].decibels),
      differences: differences.codes > 0 ? differences : nil,
      ownDifferences: ownDifferences.codes > 0 ? ownDifferences : nil)
  }

  /// Below this a layer adds more than codes must.
  private static let leastDecibels = 22.0

  /// What is wrong with the layer; nil where its own error is what codes must cost.
  ///
  /// Ranges tell a zero point from a scale; a factor in one channel alone tells its weights' scale.
  func finding(_ figures: LayerFigures) -> String? {
    guard count > 0, ownSignal > 0 else { return nil }
    func decimal(_ value: Double, _ places: Int = 1) -> String { Numbers.decimal(value, places: places) }
    let (least, greatest) = (min(0, figures.floatRange[0]), max(0, figures.floatRange[1]))
    let (needed, given) = (greatest - least, figures.codeRange[1] - figures.codeRange[0])
    let decibels = figures.ownSNRDecibels ?? .infinity
    let ranges =
      "it can say \(decimal(figures.codeRange[0], 2)) to \(decimal(figures.codeRange[1], 2)), and float has "
      + "\(decimal(least, 2)) to \(decimal(greatest, 2))"
    let missing = max(0, greatest - figures.codeRange[1]) + max(0, figures.codeRange[0] - least)
    // A moved range has on the one side what it lacks on the other; one that leaves out few large values is only narrower.
    let unused = max(0, figures.codeRange[1] - greatest) + max(0, least - figures.codeRange[0])
    let leaks = clampsBelowZero && leastReal < -1.5 * tensor.step
    if needed > 0, leaks || (missing > 0.2 * needed && unused > missing / 2 && given > 0.7 * needed) {
      return "the zero point of \(name) is wrong (\(tensor.zeroPoint)): " + ranges
        + (leaks ? "; negative values come through its ReLU" : "")
    }
    if needed > 0, decibels < Self.leastDecibels + 8, given > 4 * needed {
      return "the activation range of \(name) is \(decimal(given / needed)) times as wide as its values: "
        + "\(figures.usedCodes) of \(figures.codeCount) codes are used, and its error is "
        + "\(decimal(decibels)) dB below its signal"
    }
    if figures.saturatedShare > 0.01, missing > 0.2 * needed {
      return
        "the activation range of \(name) is too narrow: \(Numbers.percent(figures.saturatedShare)) of its "
        + "values are cut off; " + ranges
    }
    // A channel of next to no signal says nothing about its scale.
    let loud = ranked.filter { own[$0].signal > 1e-3 * ownSignal / Double(own.count) }
    let gains = loud.map { own[$0].gain }.sorted()
    if let worst = loud.max(by: { abs(own[$0].gain - 1) < abs(own[$1].gain - 1) }), gains.count > 1 {
      let (gain, usual) = (own[worst].gain, gains[gains.count / 2])
      // Coarse weights change a channel's gain too, but leave other errors besides.
      if abs(gain / usual - 1) > 0.15, abs(usual - 1) < 0.1, own[worst].gainShare > 0.9,
        own[worst].decibels < Self.leastDecibels
      {
        return
          "channel \(worst) of \(name) comes out \(decimal(gain, 2)) times as large as in float, the others "
          + "\(decimal(usual, 2)) times: its weights' scale is wrong"
      }
    }
    if figures.saturatedShare > 0.01 {
      return
        "the activation range of \(name) is too narrow: \(Numbers.percent(figures.saturatedShare)) of its "
        + "values are cut off; " + ranges
    }
    guard decibels < Self.leastDecibels else { return nil }
    return "\(name) itself adds an error \(decimal(decibels)) dB below its signal, worst in channel "
      + "\(figures.worstChannel) (\(figures.worstChannelDecibels.map { decimal($0) } ?? "none") dB): its weights "
      + "are too coarse"
  }
}

import HostDevice
import ModelFiles
import Networks
import Quantization
import Support

/// Choices of integers for a float network from another program, each an image that ran on its samples.
package struct FloatSweep: Codable, Sendable {
  /// A choice.
  package struct Point: Codable, Sendable {
    /// What it is called.
    package var name: String
    /// The choice.
    package var options: QuantizationOptions
    /// The part of the samples for which the greatest output is float's.
    package var agreement = 0.0
    /// The root mean square of the outputs' difference from float.
    package var outputError = 0.0
    /// The part of the samples whose label has the greatest output; nil without labels.
    package var accuracy: Double?
    /// What it takes; nil where it can't be.
    package var cost: CostFigures?
    /// Why it can't be; nil where it can.
    package var problem: String?
  }

  /// What a choice has to hold to be recommended.
  package struct Rule: Codable, Sendable {
    /// The least agreement with float.
    package var agreementFloor = 0.98
    /// What it may take.
    package var budget = PrecisionSearch.Budget()

    /// 98 %, whatever it takes.
    package init() {}
  }

  /// The choices.
  package private(set) var points: [Point] = []
  /// The recommended one's place; nil where none can be.
  package private(set) var recommended: Int?
  /// Why.
  package private(set) var reason = ""
  /// The part of the samples whose label has the greatest output in float; nil without labels.
  package private(set) var floatAccuracy: Double?
  /// The recommended image's layers beside float's.
  package private(set) var layers: [LayerFigures] = []
  /// Why layers aren't compared; nil where they are.
  package private(set) var layersProblem: String?
  /// The recommended image's bytes.
  package private(set) var image: [UInt8] = []

  private enum CodingKeys: CodingKey {
    case points, recommended, reason, floatAccuracy, layers, layersProblem
  }

  /// How many samples layers are looked at on.
  private static let mostLayerSamples = 24

  /// The choices that are tried where no others are named.
  package static let standardChoices: [(name: String, options: QuantizationOptions)] = {
    var choices: [(name: String, options: QuantizationOptions)] = []
    func add(_ name: String, _ change: (inout QuantizationOptions) -> Void) {
      var options = QuantizationOptions.forOthersNetworks
      change(&options)
      choices.append((name, options))
    }
    add("as usual") { _ in }
    add("least and greatest value") { $0.calibration = .minmax }
    add("least squared error") { $0.calibration = .mse }
    add("nearest codes") { $0.rounding = .nearest }
    add("not equalized") { $0.equalizesLayers = false }
    add("biases as they are") { $0.correctsBiases = false }
    add("a weight scale a tensor") { $0.granularity = .tensor }
    add("nothing but nearest codes") { $0 = QuantizationOptions() }
    add("int4 weights") { $0.weightBits = [4] }
    add("int16 activations") { $0.activationBits = [16] }
    return choices
  }()

  /// Tries choices, and one of mixed precision where a budget asks for it.
  ///
  /// - Throws: `FileError` where no choice can be.
  package init(
    _ source: FloatNetworkSource, rule: Rule, profiles: [DeviceProfile], decisionsPerMinute: Double?,
    progress: ProgressHandler
  ) throws(FileError) {
    let choices = Self.standardChoices
    var images: [[UInt8]?] = []
    func measure(_ name: String, _ options: QuantizationOptions) -> (Point, [UInt8]?) {
      var point = Point(name: name, options: options)
      do throws(FileError) {
        let made = try source.image(options)
        guard let loaded = try? LoadedModel(image: made.image.bytes) else {
          preconditionFailure("an image was loaded when it was made")
        }
        if let fidelity = made.fidelity {
          (point.agreement, point.outputError) = (fidelity.agreement, fidelity.outputError)
          point.accuracy = fidelity.accuracy
          floatAccuracy = fidelity.floatAccuracy
        }
        point.cost = CostFigures(loaded, profiles: profiles, decisionsPerMinute: decisionsPerMinute)
        return (point, made.image.bytes)
      } catch {
        point.problem = error.problem
        return (point, nil)
      }
    }
    for (index, choice) in choices.enumerated() {
      let (point, image) = measure(choice.name, choice.options)
      points.append(point)
      images.append(image)
      progress(TaskProgress(completed: index + 1, total: choices.count))
    }
    guard points[0].problem == nil else {
      throw .malformed(
        source.file, points[0].problem ?? "",
        remedy: "see docs/guides/FloatNetworks.md for what can be in integers")
    }
    // Mixed precision: the layer goes to int4 next that then costs least.
    var mixed = QuantizationOptions.forOthersNetworks
    let layerCount = (try? source.image(mixed))?.graph.operators.count { $0.weights != nil } ?? 0
    mixed.weightBits = [Int](repeating: 8, count: layerCount)
    var last = points[0]
    while rule.budget.isAny, let cost = last.cost, rule.budget.excess(cost) > 0 {
      var best: (point: Point, image: [UInt8]?)?
      for layer in mixed.weightBits.indices where mixed.weightBits[layer] == 8 {
        var trial = mixed
        trial.weightBits[layer] = 4
        let names = trial.weightBits.indices.filter { trial.weightBits[$0] == 4 }.map { "\($0 + 1)" }
        let measured = measure("int4 in layer \(names.joined(separator: ", "))", trial)
        guard measured.0.problem == nil else { continue }
        if best.map({ measured.0.outputError < $0.point.outputError }) ?? true { best = measured }
      }
      guard let best else { break }
      (mixed, last) = (best.point.options, best.point)
      points.append(best.point)
      images.append(best.image)
    }
    recommend(by: rule)
    guard let recommended, let bytes = images[recommended], let loaded = try? LoadedModel(image: bytes) else {
      return
    }
    image = bytes
    let all = source.given.windows
    let chosen = Set((0..<Self.mostLayerSamples).map { $0 * all.count / Self.mostLayerSamples }).sorted()
    do throws(NotConvertible) {
      layers = try LayerFigures.layers(
        of: loaded, beside: source.network.graph, windows: chosen.map { all[$0] })
    } catch {
      layersProblem = (error.location.map { "the image's \($0) " } ?? "") + error.problem
    }
  }

  /// The smallest of those that follow float well enough and fit the budget; of those about as small, that of the least error.
  private mutating func recommend(by rule: Rule) {
    let fitting = points.indices.filter { index in
      points[index].cost.map { rule.budget.excess($0) == 0 } ?? false
    }
    let good = fitting.filter { points[$0].agreement >= rule.agreementFloor }
    // A twentieth of flash or RAM is no reason to follow float less well.
    func smallest(of indices: [Int], _ bytes: KeyPath<CostFigures, Int>) -> [Int] {
      let least = indices.compactMap { points[$0].cost?[keyPath: bytes] }.min() ?? 0
      return indices.filter { (points[$0].cost?[keyPath: bytes] ?? .max) * 20 <= least * 21 }
    }
    let small = smallest(of: smallest(of: good, \.flashBytes), \.ramBytes)
    let floor = Numbers.percent(rule.agreementFloor)
    if let best = small.min(by: { points[$0].outputError < points[$1].outputError }) {
      (recommended, reason) = (
        best,
        "it decides as float on at least \(floor) of the samples, and of the smallest that do, in flash and RAM to a "
          + "twentieth, its outputs are nearest to float's"
      )
    } else if let best = fitting.max(by: { points[$0].agreement < points[$1].agreement }) {
      (recommended, reason) = (
        best, "none decides as float on \(floor) of the samples; this one comes nearest"
      )
    } else {
      reason = "no choice fits the budget"
    }
  }
}

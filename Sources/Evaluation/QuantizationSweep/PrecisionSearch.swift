import Foundation
import HostDevice
import Quantization
import Support

/// The widths of each layer's weights and activations that keep the most within a budget.
///
/// It starts from the widest codes and narrows one layer's weights or activations at a time, each time what costs the
/// logits least for what it saves, until the image is within the budget. Logits are compared with float on calibration
/// windows, which are training beats; how good the result is, a run over the test records tells afterwards.
package struct PrecisionSearch: Sendable {
  /// What an image may take; nil where it doesn't matter.
  package struct Budget: Codable, Equatable, Sendable {
    /// The image in flash, in bytes.
    package var flashBytes: Int?
    /// State, arena and scratch, in bytes.
    package var ramBytes: Int?
    /// The charge between two decisions on the first profile that has currents, in microcoulombs.
    package var chargeMicrocoulombs: Double?

    /// No budget.
    package init() {}

    /// Whether anything is limited.
    package var isAny: Bool { flashBytes != nil || ramBytes != nil || chargeMicrocoulombs != nil }

    /// By how much an image is beyond the budget: the sum over what is limited of the excess as a fraction.
    func excess(_ cost: CostFigures) -> Double {
      func part(_ value: Double?, _ limit: Double?) -> Double {
        guard let limit, let value else { return 0 }
        return max(0, value / max(limit, 1e-9) - 1)
      }
      let charge = cost.devices.compactMap(\.chargePerDecisionMicrocoulombs).first
      return part(Double(cost.flashBytes), flashBytes.map(Double.init))
        + part(Double(cost.ramBytes), ramBytes.map(Double.init)) + part(charge, chargeMicrocoulombs)
    }
  }

  /// A step: what was narrowed, and what that left.
  package struct Step: Codable, Equatable, Sendable {
    /// What was narrowed, in words.
    package var change: String
    /// The root mean square of the logits' errors on calibration windows.
    package var logitError: Double
    /// The image in flash.
    package var flashBytes: Int
    /// State, arena and scratch.
    package var ramBytes: Int
    /// The charge between two decisions on the first profile that has currents.
    package var chargeMicrocoulombs: Double?
    /// Whether it is within the budget.
    package var fits: Bool
  }

  /// What a search found.
  package struct Result: Codable, Equatable, Sendable {
    /// The budget.
    package var budget: Budget
    /// The steps from the widest codes on.
    package var steps: [Step]
    /// The name of the point that was found; nil where nothing fits.
    package var point: String?
    /// The images that were tried.
    package var tried: Int
  }

  /// The name of a point that a search found.
  static let pointName = "found within the budget"
}

extension ReportRunner {
  /// Searches the widths that keep the most within a budget.
  ///
  /// - Returns: The search's steps, and the point to be checked by a run; nil where even the narrowest codes don't fit.
  /// - Throws: `FileError` where records or the network are wrong.
  package func search(
    _ budget: PrecisionSearch.Budget, progress: @escaping ProgressHandler
  ) throws(FileError) -> (result: PrecisionSearch.Result, point: ReportPoint?) {
    let source = try source(SourceKey(isQAT: false), points: [])
    do {
      return try GreedySearch(source, budget, profiles: profiles, options: options).run(progress)
    } catch {
      throw .malformed(options.checkpoint, "\(error)", remedy: "use a network that `exporter train` made")
    }
  }
}

private struct GreedySearch: Sendable {
  let source: ReportSource
  let budget: PrecisionSearch.Budget
  let profiles: [DeviceProfile]
  let options: ReportRunner.Options
  /// The windows on which logits are compared.
  private static let windowCount = 256

  private struct Trial: Sendable {
    var point: ReportPoint
    var change: String
    var error: Double
    var cost: CostFigures
  }

  init(
    _ source: ReportSource, _ budget: PrecisionSearch.Budget, profiles: [DeviceProfile],
    options: ReportRunner.Options
  ) {
    (self.source, self.budget, self.profiles, self.options) = (source, budget, profiles, options)
  }

  func run(
    _ progress: @escaping ProgressHandler
  ) throws -> (result: PrecisionSearch.Result, point: ReportPoint?) {
    let layers = source.checkpoint.weightedLayerCount
    var start = ReportPoint(PrecisionSearch.pointName, group: "search")
    start.quantization.weightBits = [Int](repeating: 8, count: layers)
    start.quantization.activationBits = [Int](repeating: 16, count: layers)
    var current = try trial(start, "widest codes")
    var tried = 1
    var steps = [step(current)]
    while budget.excess(current.cost) > 0 {
      let moves = moves(from: current.point)
      guard !moves.isEmpty else { break }
      let trials = try moves.concurrentMap(threads: options.threads, progress: { _ in }) {
        try trial($0.point, $0.change)
      }
      tried += trials.count
      let excess = budget.excess(current.cost)
      /// What a move loses for what it saves; one that saves nothing yet counts as saving next to nothing.
      func price(_ trial: Trial) -> Double {
        max(trial.error - current.error, 1e-9) / max(excess - budget.excess(trial.cost), 1e-6)
      }
      current = trials.min { price($0) < price($1) } ?? current
      steps.append(step(current))
      progress(TaskProgress(completed: steps.count - 1, total: 2 * layers))
    }
    let fits = budget.excess(current.cost) == 0
    return (
      .init(budget: budget, steps: steps, point: fits ? PrecisionSearch.pointName : nil, tried: tried),
      fits ? current.point : nil
    )
  }

  private func moves(from point: ReportPoint) -> [(point: ReportPoint, change: String)] {
    point.quantization.weightBits.indices.flatMap { layer in
      var moves: [(point: ReportPoint, change: String)] = []
      if point.quantization.activationBits[layer] == 16 {
        var narrower = point
        narrower.quantization.activationBits[layer] = 8
        moves.append((narrower, "int8 activations in layer \(layer + 1)"))
      }
      if point.quantization.weightBits[layer] == 8 {
        var narrower = point
        narrower.quantization.weightBits[layer] = 4
        moves.append((narrower, "int4 weights in layer \(layer + 1)"))
      }
      return moves
    }
  }

  private func trial(_ point: ReportPoint, _ change: String) throws -> Trial {
    let loaded = try source.image(try source.quantized(point), point.frontEnd)
    let twins = try TwinGraph(loaded, source.network)
    let output = loaded.model.outputPort(0).tensorIndex
    var (squares, count) = (0.0, 0)
    let stride = max(1, source.calibration.count / Self.windowCount)
    for index in Swift.stride(from: 0, to: source.calibration.count, by: stride) {
      let window = source.calibration[index]
      let float = twins.float.values(ofWindow: window)
      let integer = twins.run(window, codes: nil) { _ in false }
      for (a, b) in zip(float[twins.graph.outputs[0]], integer.reals[output] ?? []) {
        squares += Double((a - b) * (a - b))
        count += 1
      }
    }
    return Trial(
      point: point, change: change, error: (squares / Double(max(1, count))).squareRoot(),
      cost: CostFigures(loaded, profiles: profiles, decisionsPerMinute: options.decisionsPerMinute))
  }

  private func step(_ trial: Trial) -> PrecisionSearch.Step {
    .init(
      change: trial.change, logitError: trial.error, flashBytes: trial.cost.flashBytes,
      ramBytes: trial.cost.ramBytes,
      chargeMicrocoulombs: trial.cost.devices.compactMap(\.chargePerDecisionMicrocoulombs).first,
      fits: budget.excess(trial.cost) == 0)
  }
}

import Foundation
import Networks
import QuantInfer
import Support
import Tasks

/// A model image as it is written to a `.qinf` file and to the device's flash.
package struct ModelImage: Sendable {
  /// The image's bytes.
  package let bytes: [UInt8]
  /// Its memory plan.
  package let plan: ArenaPlan

  /// Lays out a network, its front end, class names and provenance as an image.
  ///
  /// The image is written twice: first with every tensor at a place of its own, so that the runtime's own rules tell
  /// which tensors may share memory, then as planned. Where the mode leaves several streaming plans open, the one of the
  /// least work is taken.
  ///
  /// - Parameters:
  ///   - network: The network.
  ///   - frontEnd: The front end's constants; nil for a model that takes finished input.
  ///   - classNames: A name an output, without line breaks.
  ///   - provenance: Where it comes from, without line breaks.
  ///   - task: What it tells apart, where the provenance's name of it doesn't tell.
  ///   - beats: A network of beats beside it, whose output has this one's scale and zero point; nil for none.
  ///   - mustStream: Whether a network that can't stream is refused.
  ///   - mode: How it streams.
  ///   - tailMoves: Whether what lies behind a branch may run over its whole window at every decision.
  ///   - decisionsPerSecond: How often it decides, where that tells which plan is less work.
  /// - Throws: `InvalidNetwork` where the network is not one that the runtime accepts.
  package init(
    _ network: QuantizedNetwork, frontEnd: FrontEndTables?, classNames: [String] = [],
    provenance: Provenance = [:], task: TaskDefinition? = nil,
    beats: (network: QuantizedNetwork, frontEnd: FrontEndTables)? = nil, mustStream: Bool = false,
    mode: StreamingMode = .columns, tailMoves: Bool = false,
    decisionsPerSecond: Double = StreamingPlan.decisionsPerSecond
  ) throws(InvalidNetwork) {
    var plans: [StreamingPlan?] = [nil]
    if let frontEnd, frontEnd.settings.beats == nil {
      do throws(InvalidNetwork) {
        plans = try StreamingPlan.all(network, frontEnd: frontEnd, mode: mode, tailMoves: tailMoves)
      } catch {
        if mustStream { throw error }
      }
    }
    var best: (writer: ImageWriter, disjoint: LoadedModel, steps: Double)?
    for streaming in plans {
      var writer = ImageWriter(networkCount: beats == nil ? 1 : 2)
      try writer.write(network, frontEnd: frontEnd, streaming: streaming)
      if let beats {
        writer.beginSecondNetwork()
        try writer.write(beats.network, frontEnd: beats.frontEnd, streaming: nil)
      }
      writer.finish(classNames, provenance, task: task?.json ?? provenance[.task] ?? "")
      let disjoint = try writer.loaded(network)
      let steps = disjoint.model.stepsPerSecond(decisionsPerSecond: decisionsPerSecond)
      if best.map({ steps < $0.steps }) ?? true { best = (writer, disjoint, steps) }
    }
    guard let best else { throw InvalidNetwork("no streaming plan fits the network") }
    var writer = best.writer
    plan = ArenaPlan(best.disjoint.model)
    writer.put(plan, ofNetwork: 0)
    if let second = best.disjoint.model.beatNetwork { writer.put(ArenaPlan(second), ofNetwork: 1) }
    bytes = writer.bytes
  }

  /// The image of a trained network that has become integers, behind the front end that it was trained with.
  ///
  /// - Parameters:
  ///   - network: The network in integers.
  ///   - beats: The checkpoint's network of beats in integers, in codes of this one's output; nil for none.
  ///   - trained: Its checkpoint.
  ///   - converter: The device's converter.
  ///   - frontEnd: The front end's constants; nil for the checkpoint's own front end.
  ///   - provenance: Where it comes from; nil for the checkpoint and this program alone.
  /// - Returns: The image.
  /// - Throws: `InvalidNetwork` where an image can't hold the network or its front end.
  package static func make(
    of network: QuantizedNetwork, beats: QuantizedNetwork? = nil, trained: Checkpoint,
    converter: AnalogConverter,
    frontEnd: FrontEndTables? = nil, provenance: Provenance? = nil
  ) throws(InvalidNetwork) -> ModelImage {
    func tables(_ settings: SpectrogramSettings, _ network: QuantizedNetwork) throws(InvalidNetwork)
      -> FrontEndTables
    {
      try FrontEndTables(
        settings, microvoltsPerCount: converter.microvoltsPerCount,
        input: network.tensors[network.inputs[0].tensor])
    }
    var second: (network: QuantizedNetwork, frontEnd: FrontEndTables)?
    if let beats, let other = trained.beatNetwork { second = (beats, try tables(other.settings, beats)) }
    let own = if let frontEnd { frontEnd } else { try tables(trained.settings, network) }
    return try ModelImage(
      network, frontEnd: own, classNames: trained.classNames,
      provenance: provenance ?? Provenance(trained, converter: converter) + .exporter, task: trained.ownTask,
      beats: second,
      mode: trained.definition?.isByClock == true ? .columns : .everyColumn,
      tailMoves: trained.specification.firstSum != nil)
  }
}

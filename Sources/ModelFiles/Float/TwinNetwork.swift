import Foundation
import Networks
import QuantInfer
import Support
import Tasks

/// An image's float twin: the same network in float, and how it hears what the device hears.
///
/// This is the one door for float networks from a file: a checkpoint, an ONNX model or a float `.tflite` model.
package struct TwinNetwork: Sendable {
  /// The network; its one input is the image's window, value by value.
  package var graph: FloatGraph
  /// What its columns are.
  package var frontEnd: FloatFrontEnd
  /// The length of its window, in columns.
  package var columnCount: Int
  /// The network of beats beside it; nil for none.
  package var beats: FloatBeatNetwork?

  /// Creates a twin.
  private init(_ graph: FloatGraph, _ frontEnd: FloatFrontEnd, columnCount: Int) {
    (self.graph, self.frontEnd, self.columnCount) = (graph, frontEnd, columnCount)
  }

  /// The twin of a checkpoint.
  ///
  /// - Throws: `InvalidNetwork` where its layers don't fit together.
  package init(_ checkpoint: Checkpoint) throws(InvalidNetwork) {
    self.init(
      try FloatGraph(checkpoint), .spectrogram(checkpoint.settings),
      columnCount: checkpoint.specification.inputColumns)
    beats = try FloatBeatNetwork(beside: checkpoint)
  }

  /// Reads the twin of an image with a front end.
  ///
  /// A checkpoint has a front end of its own, which must be the image's. Other programs' networks hear what the image's
  /// front end is made for.
  ///
  /// - Parameters:
  ///   - file: The float network.
  ///   - loaded: The image.
  ///   - modelFile: The image's file, for errors.
  /// - Throws: `FileError` where a file is missing or wrong, or the network is another image's.
  package init(reading file: String, of loaded: LoadedModel, modelFile: String) throws(FileError) {
    func refusal(_ problem: String) -> FileError {
      .malformed(
        file, problem, remedy: "give the float network that the model was made from")
    }
    guard FloatNetwork.isOne(file) else {
      let checkpoint = try Checkpoint.read(file)
      guard loaded.isTwin(of: checkpoint) else {
        throw refusal("is not the float twin of \(modelFile): front end, window, layers or classes differ")
      }
      do throws(InvalidNetwork) { try self.init(checkpoint) } catch { throw refusal(error.description) }
      return
    }
    guard let frontEnd = FloatFrontEnd(of: loaded.model) else {
      throw loaded.takesNoSamples(modelFile)
    }
    guard loaded.model.beatNetwork == nil else {
      throw refusal("is one network, and \(modelFile) has a network of beats beside its own")
    }
    let network = try FloatNetwork(reading: file, columnsOf: frontEnd.settings.columnCodeCount)
    let (input, output) = (loaded.model.input.count, loaded.model.output.count)
    guard network.inputs.map(\.count) == [input], network.outputs.first?.count == output else {
      throw refusal(
        "is not the float twin of \(modelFile): it goes from \(network.inputs.map(\.count)) values to "
          + "\(network.outputs.map(\.count)), the model from \(input) to \(output)")
    }
    self.init(network.graph, frontEnd, columnCount: loaded.model.input.timeCount)
  }
}

extension FloatFrontEnd {
  /// What an image's front end computes in integers, in float; nil for an image without.
  init?(of model: Model) {
    let input = model.input
    let scale = Double(Float(bitPattern: input.scaleBits))
    switch model.frontEnd {
    case .spectrogram(let plan)?:
      var settings = SpectrogramSettings(.spectrogram(plan), leadCount: model.leadCount)
      // The floor's power is in squared counts of the unscaled transform; an amplitude A gives |X| = A sum(w) / 2.
      let floor = (Double(plan.floorMantissa) * exp2(Double(plan.floorExponent))).squareRoot()
      settings.floorMicrovolts =
        floor * Double(Float(bitPattern: plan.microvoltsPerCountBits)) * 4 / Double(plan.windowSamples)
      settings.codesPerOctave = Double(plan.codesPerPowerDoublingQ6) / 32
      settings.centerLevel = Double(Int(input.zeroPoint) - SpectrogramSettings.zeroLevelCode)
      settings.levelsPerUnit = 1 / scale
      guard settings.problem == nil else { return nil }
      self = .spectrogram(settings)
    case .samples(let plan)?:
      let step = Double(Float(bitPattern: plan.microvoltsPerCountBits))
      let multiplier = plan.multiplier
      let codesPerCount = multiplier.real * 4096
      guard codesPerCount > 0, step > 0, scale > 0 else { return nil }
      var settings = SampleSettings(
        sampleRateHz: Double(plan.sampleRateMillihertz) / 1000,
        microvoltsPerUnit: step / (codesPerCount * scale))
      settings.offsetMicrovolts = Double(plan.offsetQ12) / 4096 * step
      settings.highPassShift = plan.highPassShift == 0 ? nil : Int(plan.highPassShift)
      settings.leads = model.leadCount > 1 ? model.leadCount : nil
      self = .samples(settings)
    case .beats(let plan)?: self = .spectrogram(SpectrogramSettings(plan))
    case nil: return nil
    }
  }
}

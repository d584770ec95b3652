import ECG
import Foundation
import Metrics
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks

/// Prints the runtime's accuracy and speed on the shipped model and ECG; or, given a Python interpreter that has
/// `ai-edge-litert` and some `.tflite` models, their speed beside LiteRT's; or, given `training` and one that has
/// `torch`, the speed of training beside PyTorch's.
///
/// Speeds are this machine's, noise included: compare them only within one run.
@main
enum Benchmark {
  static func main() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let arguments = CommandLine.arguments.dropFirst()
    func timer(_ python: String, _ script: String) throws -> PythonTimer {
      try PythonTimer(python: python, script: root.appending(path: "Benchmarks/\(script)").path)
    }
    if arguments.count == 2, arguments.first == "training", let python = arguments.last {
      try TrainingBenchmark(timer: timer(python, "pytorch.py")).run()
      return
    }
    if let python = arguments.first {
      try LiteRTBenchmark(timer: timer(python, "litert.py")).run(Array(arguments.dropFirst()))
      return
    }
    let loaded = try LoadedModel(file: root.appending(path: "Models/ecg-beats/ecg-beats.qinf").path)
    let checkpoint = try Checkpoint.read(root.appending(path: "Models/ecg-beats/ecg-beats.safetensors").path)
    let record = try Record.read(root.appending(path: "Models/records/mitdb-208").path)
    let millivolts = try record.signals[0].millivolts(atRateHz: checkpoint.settings.sampleRateHz)
    try printAccuracy(loaded, checkpoint.settings, millivolts: millivolts)
    try printSpeed(loaded, checkpoint, millivolts: millivolts)
  }

  /// Signal to error of the fixed-point transform against FFTW in double precision.
  private static func printAccuracy(
    _ loaded: LoadedModel, _ settings: SpectrogramSettings, millivolts: [Float]
  ) throws {
    print("Fixed-point spectrogram against FFTW in double precision, window \(settings.windowSamples)")
    print(
      "  signal                          full scale   -40 dBFS   codes within one step (12-bit converter)")
    let largest = millivolts.reduce(0) { max($0, abs($1)) }
    var signals: [(name: String, values: [Double])] = [
      ("ECG, mitdb-208", millivolts.map { Double($0 / largest) })
    ]
    for frequencyHz in [4.0, 10, 17.7, 33.3] {
      let rate = settings.sampleRateHz
      signals.append(
        ("sine, \(frequencyHz) Hz", (0..<25_600).map { sin(2 * .pi * frequencyHz / rate * Double($0)) }))
    }
    var random = SeededGenerator(seed: 1)
    signals.append(("white noise", (0..<25_600).map { _ in random.next(in: -1...1) }))
    for signal in signals {
      let full = try Comparison(loaded, settings, signal.values.map { Int16($0 * 32_767) })
      let quiet = try Comparison(loaded, settings, signal.values.map { Int16($0 * 327.67) })
      let converter = try Comparison(loaded, settings, signal.values.map { Int16($0 * 2047) })
      let columns = [
        signal.name.padding(toLength: 28, withPad: " ", startingAt: 0),
        Numbers.decimal(full.decibels, places: 1) + " dB", Numbers.decimal(quiet.decibels, places: 1) + " dB",
        Numbers.percent(converter.withinOneStep, places: 3),
      ]
      print("  " + columns.joined(separator: "    "))
    }
  }

  /// The fixed point's and FFTW's transforms of the same counts.
  private struct Comparison {
    var spectrum = SignalToNoise()
    var codes = SignalToNoise()
    var decibels: Double { spectrum.decibels ?? .nan }
    var withinOneStep: Double { codes.withinOneStep ?? .nan }

    init(_ loaded: LoadedModel, _ settings: SpectrogramSettings, _ samples: [Int16]) throws {
      guard case .spectrogram(let plan) = loaded.model.frontEnd else { return }
      let microvolts = Double(Float(bitPattern: plan.microvoltsPerCountBits))
      let state = AlignedMemory(byteCount: loaded.model.stateByteCount)
      let scratch = AlignedMemory(byteCount: loaded.scratchByteCount)
      var fixed = try StreamingSpectrogram(plan: plan, state: state.bytes, scratch: scratch.bytes)
      let reference = ReferenceSpectrogram(settings)
      var column = [Int8](repeating: 0, count: settings.binCount)
      for sample in samples {
        let isComplete = reference.push(Double(sample) * microvolts)
        guard fixed.push(sample), isComplete else { continue }
        column.withUnsafeMutableBufferPointer { fixed.computeColumn(into: $0.baseAddress!) }
        for bin in column.indices {
          let right = reference.latestSpectrum(at: bin)
          let part = fixed.spectrum(at: bin)
          let scale = exp2(Double(part.exponent)) * microvolts
          spectrum.add(reference: right.real, measured: Double(part.real) * scale)
          spectrum.add(reference: right.imaginary, measured: Double(part.imaginary) * scale)
          let level = reference.latestColumn[bin].rounded()
          codes.add(
            reference: level + Double(SpectrogramSettings.zeroLevelCode), measured: Double(column[bin]))
        }
      }
    }
  }

  /// The time of a streamed sample, of a decision and of a whole window, beside the float network's.
  private static func printSpeed(
    _ loaded: LoadedModel, _ checkpoint: Checkpoint, millivolts: [Float]
  ) throws {
    let model = loaded.model
    guard let plan = model.frontEnd else { return }
    let countsPerMillivolt = 1000 / Float(bitPattern: plan.microvoltsPerCountBits)
    let samples = millivolts.map { Int16(($0 * countsPerMillivolt).rounded()) }
    let state = AlignedMemory(byteCount: model.stateByteCount)
    let scratch = AlignedMemory(byteCount: loaded.scratchByteCount)
    let arena = AlignedMemory(byteCount: model.arenaByteCount)
    let logits = UnsafeMutableBufferPointer<Int8>.allocate(capacity: model.output.count)
    defer { logits.deallocate() }
    var pipeline = try StreamingPipeline(model: model, state: state.bytes, scratch: scratch.bytes)
    let streaming = median {
      for sample in samples where pipeline.push(sample) && pipeline.isWindowFull {
        pipeline.decide(into: logits)
      }
    }
    var engine = try WholeWindow(model: model, arena: arena.bytes, scratch: scratch.bytes)
    let runs = 2000
    let whole = median { for _ in 0..<runs { engine.run() } } / Double(runs)
    let execution = try FloatExecution(FloatGraph(checkpoint))
    let window = [Float](repeating: 0.1, count: model.input.count)
    let float = median { for _ in 0..<runs { _ = execution.logits(ofWindow: window) } } / Double(runs)
    let seconds = Double(samples.count) / checkpoint.settings.sampleRateHz
    print("\nSpeed on this machine, one core, median of 9")
    print(
      "  streaming, a decision each column   \(Numbers.integer(Int(seconds / streaming))) times real time")
    print("  whole window, int8                  \(Numbers.decimal(whole * 1e6, places: 1)) us")
    print("  whole window, float                 \(Numbers.decimal(float * 1e6, places: 1)) us")
    print("  int8 over float                     \(Numbers.decimal(whole / float, places: 2))")
  }

  /// The median time of nine runs after one to warm up, in seconds.
  private static func median(_ body: () -> Void) -> Double {
    body()
    let clock = ContinuousClock()
    return (0..<9).map { _ in clock.measure(body) / .seconds(1) }.sorted()[4]
  }
}

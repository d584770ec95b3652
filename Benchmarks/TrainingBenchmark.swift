import Foundation
import Networks
import Support
import Tasks
import Training

/// The time of a training step beside PyTorch's, the same network and batch on as many threads, in one run.
///
/// This project's step also draws and changes its windows, and computes their spectrograms; PyTorch's gets one batch
/// of ready inputs.
struct TrainingBenchmark {
  let timer: PythonTimer

  /// Prints a row for each network.
  func run() throws {
    print("A training step of 256 windows, least mean of seven turns, in milliseconds; windows a second")
    print("  network                        threads   QuantInfer     PyTorch       ratio")
    for (name, channels, hidden) in [("24 channels", 24, nil), ("24 channels, hidden 32", 24, 32)] {
      for threads in [1, 2] {
        let trainer = try trainer(channels: channels, hidden: hidden, threads: threads)
        var (ours, theirs) = (Double.infinity, Double.infinity)
        for _ in 0..<7 {
          ours = min(ours, try seconds { _ = try trainer.step() })
          theirs = min(theirs, try timer.time("\(channels) \(hidden ?? 0) \(threads)"))
        }
        func text(_ seconds: Double) -> String {
          let value =
            "\(Numbers.decimal(1000 * seconds, places: 1)) (\(Numbers.integer(Int(256 / seconds))))"
          return String(repeating: " ", count: max(0, 13 - value.count)) + value
        }
        print(
          "  " + name.padding(toLength: 28, withPad: " ", startingAt: 0) + "       \(threads)  "
            + text(ours) + "  " + (theirs.isFinite ? text(theirs) : "failed") + "       "
            + Numbers.decimal(ours / theirs, places: 2))
      }
    }
    try timer.stop()
  }

  /// A network with noise to learn: what is drawn doesn't matter to the time.
  private func trainer(channels: Int, hidden: Int?, threads: Int) throws -> Trainer {
    var options = TrainingOptions()
    options.epochs = 1_000
    let specification = NetworkSpecification(
      inputColumns: 43, inputChannels: 12,
      layers: [1, 2, 4].map {
        .convolution(outputChannels: channels, kernelColumns: 3, dilationColumns: $0)
      } + (hidden.map { [.dense(outputCount: $0)] } ?? []) + [.dense(outputCount: 4)])
    let checkpoint = try Checkpoint.untrained(
      settings: SpectrogramSettings(), specification: specification, classNames: ["N", "S", "V", "F"],
      task: "aami",
      split: "inter", training: options)
    var generator = SeededGenerator(seed: 1)
    let signal = LabelledSignal(
      record: "noise", lead: "II",
      microvolts: (0..<200_000).map { _ in Float(generator.next(in: -500...500)) },
      beats: (10..<1_900).map { .init(sample: 100 * $0, classIndex: $0 % 4) })
    return try Trainer(checkpoint, signals: [signal], threads: threads)
  }

  /// The mean time of a step over half a second.
  private func seconds(_ step: () throws -> Void) throws -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    var count = 0
    while clock.now - start < .milliseconds(500) {
      try step()
      count += 1
    }
    return (clock.now - start) / .seconds(1) / Double(count)
  }
}

import HostDevice
import ModelFiles
import Networks
import Quantization
import Support
import Tasks

/// The windows that a float network is quantized on: files of samples, or a task's training beats or windows behind a front end.
struct GivenSamples {
  /// All windows, in the graph's order.
  private(set) var windows: [[Float]] = []
  /// The windows that ranges are measured on.
  private(set) var calibration: [[Float]] = []
  /// An array of all windows for each input, in the network's own layout.
  private(set) var arrays: [(file: String, values: NumPyArray)] = []
  /// A class a window; nil where nobody says.
  private(set) var classes: [Int]?

  /// What an image says of the samples: how a task's beats were divided, where they are such.
  private(set) var provenance: Provenance = [:]

  /// Reads samples.
  ///
  /// - Throws: `FileError` where a file isn't the network's.
  init(
    _ samples: FloatNetworkImage.Samples, of network: FloatNetwork, behind frontEnd: FrontEndFile?
  ) throws(FileError) {
    if let records = samples.records, let frontEnd {
      windows = try Self.beats(in: records, samples, of: network, behind: frontEnd)
      let shape = [windows.count] + network.inputs[0].shape.dropFirst()
      let values = network.inputs[0].inSourceOrder(windows.flatMap(\.self))
      provenance = [.split: (frontEnd.split ?? frontEnd.task?.usualSplit)?.rawValue]
      arrays = [(records, NumPyArray(shape: shape, values: .float32(values)))]
    } else {
      for file in samples.files { arrays.append((file, try NumPyArray.read(file))) }
      windows = arrays.isEmpty ? [] : try network.windows(of: arrays)
    }
    let all = windows
    classes = try samples.labels.map { file throws(FileError) in
      try NumPyArray.classes(reading: file, count: all.count, classCount: network.outputs[0].count)
    }
    let count = min(samples.count, all.count)
    calibration = (0..<count).map { all[$0 * all.count / max(1, count)] }
  }

  /// Every other of the calibration windows to calibrate on and the rest to judge by, and the other way round.
  func halves(of network: FloatNetwork) -> [GivenSamples] {
    [0, 1].map { first in
      var half = self
      half.calibration = stride(from: first, to: calibration.count, by: 2).map { calibration[$0] }
      half.windows = stride(from: 1 - first, to: calibration.count, by: 2).map { calibration[$0] }
      half.classes = nil
      var start = 0
      half.arrays = zip(network.inputs, arrays).map { input, array in
        let place = start..<start + input.count
        start = place.upperBound
        let values = input.inSourceOrder(half.windows.flatMap { $0[place] })
        return (array.file, NumPyArray(shape: [half.windows.count, input.count], values: .float32(values)))
      }
      return half
    }
  }

  /// The windows of a task's training beats, or those by its clock, each class in its turn.
  private static func beats(
    in folder: String, _ samples: FloatNetworkImage.Samples, of network: FloatNetwork,
    behind frontEnd: FrontEndFile
  ) throws(FileError) -> [[Float]] {
    guard let task = frontEnd.task else {
      throw .malformed(
        frontEnd.file, at: "task", "is missing, and names the beats to measure ranges on",
        remedy: "name the task, or give --samples")
    }
    let columns = try frontEnd.inFloat()
    let settings = columns.settings
    let signals = try TaskRecords(
      folder: folder, task: task, split: frontEnd.split ?? task.usualSplit,
      sampleRateHz: settings.sampleRateHz, threads: 1
    ).training(leads: .main) { _ in }
    // A converter as wide as the image's counts: nothing saturates that the network can tell.
    let converter = AnalogConverter(bits: 16, microvoltsPerCount: frontEnd.microvoltsPerCount)
    let window = BeatWindow(
      settings: settings, columnCount: network.inputs[0].count / settings.columnCodeCount,
      delaySeconds: frontEnd.decisionDelaySeconds ?? 0, isByClock: task.isByClock)
    let windows = EvaluationWindows(signals.map(converter.heard), window: window, frontEnd: columns)
      .calibrationWindows(count: samples.count, seed: samples.seed)
    guard !windows.isEmpty else {
      throw .malformed(
        folder, "has no training beat with a whole window", remedy: "check decisionDelaySeconds")
    }
    return windows
  }
}

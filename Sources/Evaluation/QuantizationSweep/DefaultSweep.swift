import Quantization

extension ReportPoint {
  /// The name of the point that `exporter quantize` makes without options.
  package static let baseName = "int8 per channel"

  /// The sweep of a report that isn't told otherwise: each setting on its own, and the combinations that matter.
  ///
  /// - Parameters:
  ///   - hasQAT: Whether there is a checkpoint that was trained with quantization in the loop.
  ///   - layerCount: The network's number of layers, for mixed widths.
  /// - Returns: The points.
  package static func defaultSweep(hasQAT: Bool, layerCount: Int) -> [ReportPoint] {
    var points = [ReportPoint(baseName, group: "weights")]
    func add(_ name: String, _ group: String, _ change: (inout ReportPoint) -> Void) {
      var point = ReportPoint(name, group: group)
      change(&point)
      points.append(point)
    }
    func quantization(_ name: String, _ group: String, _ change: (inout QuantizationOptions) -> Void) {
      add(name, group) { change(&$0.quantization) }
    }
    func frontEnd(_ name: String, _ group: String, _ change: (inout FrontEndVariant) -> Void) {
      add(name, group) { change(&$0.frontEnd) }
    }
    quantization("int8 per tensor", "weights") { $0.granularity = .tensor }
    quantization("int4 per channel", "weights") { $0.weightBits = [4] }
    quantization("int4 per tensor", "weights") { ($0.weightBits, $0.granularity) = ([4], .tensor) }
    for layer in 0..<layerCount {
      quantization("int4 in layer \(layer + 1) only", "weights") {
        $0.weightBits = (0..<layerCount).map { $0 == layer ? 4 : 8 }
      }
    }
    quantization("int8 weights, int16 activations", "activations") { $0.activationBits = [16] }
    quantization("int4 weights, int16 activations", "activations") {
      ($0.weightBits, $0.activationBits) = ([4], [16])
    }
    quantization("int16 activations in the last layer", "activations") {
      $0.activationBits = (0..<layerCount).map { $0 == layerCount - 1 ? 16 : 8 }
    }
    for method in CalibrationMethod.allCases where method != .minmax {
      quantization("calibration \(method.rawValue)", "calibration") { $0.calibration = method }
    }
    for count in [16, 128, 4096] {
      add("calibration on \(count) windows", "calibration") { $0.calibrationWindows = count }
    }
    quantization("stochastic rounding", "rounding") { $0.rounding = .stochastic }
    quantization("adaptive rounding", "rounding") { $0.rounding = .adaptive }
    quantization("int4, adaptive rounding", "rounding") { ($0.weightBits, $0.rounding) = ([4], .adaptive) }
    quantization("layers equalized", "equalization") { $0.equalizesLayers = true }
    quantization("biases corrected", "equalization") { $0.correctsBiases = true }
    quantization("per tensor, equalized", "equalization") {
      ($0.granularity, $0.equalizesLayers) = (.tensor, true)
    }
    quantization("int4, equalized and corrected", "equalization") {
      ($0.weightBits, $0.equalizesLayers, $0.correctsBiases) = ([4], true, true)
    }
    if hasQAT {
      add("QAT, int8 per channel", "training") { $0.isQAT = true }
      add("QAT, int8 per tensor", "training") { ($0.isQAT, $0.quantization.granularity) = (true, .tensor) }
      add("QAT, int4 per channel", "training") { ($0.isQAT, $0.quantization.weightBits) = (true, [4]) }
    }
    for bits in [8, 9, 10, 11, 14, 16] {
      frontEnd("ADC of \(bits) bits", "converter") { $0.converterBits = bits }
    }
    for percent in [-20.0, -5, 5, 20] {
      frontEnd("gain \(percent > 0 ? "+" : "-")\(Int(percent.magnitude)) %", "converter") {
        $0.gainErrorPercent = percent
      }
    }
    frontEnd("fixed scaling", "spectrogram") { $0.scaling = .fixed }
    frontEnd("signal 20 dB weaker", "spectrogram") { $0.attenuationDecibels = 20 }
    frontEnd("signal 20 dB weaker, fixed scaling", "spectrogram") {
      ($0.attenuationDecibels, $0.scaling) = (20, .fixed)
    }
    frontEnd("Hamming window", "spectrogram") { $0.window = .hamming }
    frontEnd("no window", "spectrogram") { $0.window = .rectangular }
    for codes in [3.0, 6, 12, 36] {
      frontEnd("\(Int(codes)) codes an octave", "spectrogram") { $0.codesPerOctave = codes }
    }
    frontEnd("device at twice the rate", "rate") { $0.rateFactor = 2 }
    for rate in [60.0, 100, 200] {
      frontEnd("record of \(Int(rate)) Hz", "rate") { $0.recordRateHz = rate }
    }
    for samples in [64, 128, 256] {
      add("FFT of \(samples)", "shape") { $0.shape = SpectrogramShape(windowSamples: samples, hopSamples: 8) }
    }
    for hop in [4, 16] {
      add("hop of \(hop)", "shape") { $0.shape = SpectrogramShape(windowSamples: 32, hopSamples: hop) }
    }
    return points
  }
}

import Drawing
import Foundation
import QuantInfer
import Support

/// A page as a device's run fills it, from made-up values.
func samplePage() -> Page {
  var generator = SeededGenerator(seed: 208)
  let beats = (0..<40).map { index -> (time: Double, isVentricular: Bool) in
    let jitter = generator.next(in: -0.04...0.04)
    return (0.6 + Double(index) * 0.72 + jitter, index % 6 == 4)
  }
  let millivolts = (0..<360 * 30).map { sample -> Double in
    let time = Double(sample) / 360
    var voltage = 0.08 * sin(0.7 * time) + generator.next(in: -0.015...0.015)
    for beat in beats where abs(beat.time - time) < 0.6 {
      voltage += wave(time - beat.time, isVentricular: beat.isVentricular)
    }
    return voltage
  }
  let decisions = beats.enumerated().map { index, beat in
    let float = beat.isVentricular ? "V" : index % 11 == 7 ? "S" : "N"
    return ECGStrip.Decision(timeSeconds: beat.time + 0.2, float: float, fixed: index == 18 ? "N" : float)
  }
  let strip = ECGStrip(
    title: "Seconds 0 to 30 of the record.",
    explanation: "N normal, S supraventricular, V ventricular, F fusion. A frame marks twins that differ.",
    millivolts: millivolts, sampleRateHz: 360, decisions: decisions,
    annotations: beats.map { .init(timeSeconds: $0.time, $0.isVentricular ? "V" : "N") })

  let everyColumn = ECGStrip(
    title: "The same, decided at every column.", millivolts: Array(millivolts.prefix(360 * 5)),
    sampleRateHz: 360, secondsPerRow: 5,
    decisions: (0..<80).map { column in
      let float = (40..<58).contains(column) ? "V" : "N"
      return .init(timeSeconds: Double(column) / 16, float: float, fixed: column == 40 ? "N" : float)
    })

  let columns = 2400
  let levels = (0..<columns).flatMap { column in
    (0..<12).map { bin -> Double in
      let phase: Double = (Double(column) / 12).truncatingRemainder(dividingBy: 1) - 0.5
      let beat: Double = exp(-phase * phase / 0.02)
      return 60 + 150 * beat * exp(-Double(bin) / 6) + generator.next(in: -12...12)
    }
  }
  let errors = levels.map { _ in
    let draw = generator.nextUniform()
    return draw < 0.004 ? -1.0 : draw > 0.996 ? 1 : 0
  }
  func spectrogram(_ title: String, _ values: [Double]) -> Heatmap {
    Heatmap(
      title: title, values: values, binCount: 12, secondsPerColumn: 1.0 / 16, firstBinHz: 4, hertzPerBin: 4,
      range: 0...255, unit: "codes (24 an octave)")
  }
  let spectrograms: [any Component] = [
    spectrogram("Fixed point.", levels), spectrogram("Float.", zip(levels, errors).map { $0 - $1 }),
    Heatmap(
      title: "Difference, fixed minus float.",
      explanation: "Where several columns share a place, the largest.",
      values: errors, binCount: 12, secondsPerColumn: 1.0 / 16, firstBinHz: 4, hertzPerBin: 4, range: -2...2,
      unit: "codes", ramp: .diverging),
  ]
  let logits = ["N normal", "S supraventricular", "V ventricular", "F fusion"].enumerated().map {
    index, name in
    let float = (0..<columns).map { column -> Double in
      let phase = Double(column) / Double(70 + 30 * index)
      return 4 * sin(phase) + generator.next(in: -0.5...0.5)
    }
    let fixed = float.map { ($0 * 8).rounded() / 8 }
    return LineChart(
      title: name,
      series: [
        .init("float", float, step: 1.0 / 16, style: .wide),
        .init("fixed point", fixed, step: 1.0 / 16, style: .thin),
      ], horizontalUnit: "time (s)", verticalUnit: "logit", height: 130)
  }
  return Page(
    title: "mitdb-208 through ecg-beats",
    subtitle:
      "MLII, 5 min 00 s, 360 Hz resampled to 128 Hz, 12-bit ADC; int8 network and fixed-point spectrogram",
    verdict:
      "The fixed-point network decides as its float twin does on 99.79 % of 4,797 windows; its largest "
      + "logit error is 0.31, and it needs 16.2 kB of flash and 4.0 kB of RAM.",
    outcome: .pass,
    sections: [
      Section("ECG and decisions", [strip, everyColumn]),
      Section("Spectrogram", spectrograms),
      Section("Logits", [Columns(logits)]),
      Section(
        "Agreement",
        [
          Table(
            caption: "Windows by class; a row a float decision, a column a fixed-point one.",
            columns: [
              .text("float"), .number("N"), .number("S"), .number("V"), .number("F"), .number("same"),
            ],
            rows: [
              ["N", "3,012", "4", "1", "0", Table.Cell("99.83 %", outcome: .pass)],
              ["S", "3", "210", "0", "0", Table.Cell("98.59 %", outcome: .fail)],
              ["V", "2", "0", "1,544", "0", Table.Cell("99.87 %", outcome: .pass)],
              ["F", "0", "0", "0", "21", Table.Cell("100.00 %", outcome: .pass)],
            ], total: ["all", "3,017", "214", "1,545", "21", "99.79 %"])
        ]),
      Section(
        "Memory and work",
        [
          Columns([
            Table(
              caption: "What the device holds.",
              columns: [.text("memory"), .number("bytes"), .text("where")],
              rows: [
                ["weights and tables", "16,204", "flash"], ["arena", "4,032", "RAM"],
                ["streaming state", "3,276", "RAM"],
              ], total: ["RAM in all", "7,308", ""]),
            BarChart(
              title: "Multiplications a column.", explanation: "7,104 in all.",
              bars: [
                .init("convolution 1", 864, text: "864"), .init("convolution 2", 1728, text: "1,728"),
                .init("convolution 3", 1728, text: "1,728"), .init("dense", 2784, text: "2,784"),
              ]),
          ]),
          MemoryChart(
            title: "Memory map.",
            regions: [
              .init(
                "image, flash", byteCount: 16_204,
                parts: [
                  .init("tables", offset: 0, byteCount: 4204),
                  .init("weights", offset: 4204, byteCount: 12_000),
                ]),
              .init("state, RAM", byteCount: 3276, parts: [.init("state", offset: 0, byteCount: 3276)]),
            ]),
          ShareChart(
            title: "Faults.", shares: ["found", "late", "masked", "silent"],
            bars: [.init("weights", [10, 2, 50, 38]), .init("image", [100, 0, 0, 0])]),
          LineChart(
            title: "Battery.", explanation: "Four ways to run the same network.",
            series: ["every column", "every beat", "on suspicion", "never"].enumerated().map { index, name in
              .init(name, (0...10).map { 100 - Double($0 * (9 - 2 * index)) })
            }, horizontalUnit: "time (years)", verticalUnit: "charge (%)",
            events: [.init(at: 7, "replacement"), .init(at: 2, "visit")]),
        ]),
      Section(
        "Where this comes from",
        [
          Facts([
            ("Record", "mitdb-208, MIT-BIH Arrhythmia Database, ODC-By 1.0"),
            ("Model", "ecg-beats.qinf, CRC-32 1f2e3d4c"),
            (
              "Command",
              "device-sim stream --model Models/ecg-beats/ecg-beats.qinf --record Models/records/mitdb-208"
            ),
          ])
        ]),
    ],
    footer: "QuantInfer. Record 208 is a training record: the page shows agreement, not accuracy.")
}

/// P, QRS and T, or a wide ventricular beat; `time` in seconds from the R peak, the result in millivolts.
private func wave(_ time: Double, isVentricular: Bool) -> Double {
  // Height, center and width of each bump.
  let bumps: [(Double, Double, Double)] =
    isVentricular
    ? [(1.6, 0, 0.055), (-0.7, 0.2, 0.09)]
    : [(0.12, -0.17, 0.025), (-0.12, -0.03, 0.01), (1.1, 0, 0.012), (-0.25, 0.03, 0.012), (0.28, 0.26, 0.05)]
  return bumps.reduce(0) { sum, bump in
    let distance = (time - bump.1) / bump.2
    return sum + bump.0 * exp(-distance * distance)
  }
}

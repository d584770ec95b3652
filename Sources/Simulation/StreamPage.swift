import Evaluation
import Foundation
import Reporting
import Support
import ECG
import Quantization
import Training

extension StreamRun {
  /// The run as one self-contained page for a design review.
  public func page() -> String {
    let excerpt = Excerpt(self)
    return Page(
      title: "\(result.record) through \(result.model)",
      subtitle: "\(result.lead), \(Numbers.duration(seconds: result.durationSeconds)), "
        + "\(Self.rate(result.sourceRateHz)) to \(Self.rate(result.sampleRateHz)), \(result.profile.converterBits)-bit converter",
      verdict: [verdict, result.verdict?.sentence].compactMap(\.self).joined(separator: " "),
      sections: [ecgSection(excerpt)] + (settings.isRawSamples ? [] : [spectrogramSection(excerpt)])
        + (result.agreement == nil ? [] : [logitSection(excerpt)])
        + [decisionSection, policySection, memorySection, operationSection]
        + (result.verdict?.pageSections(result.profile) ?? []) + [provenanceSection],
      footer: "An engineering evaluation, not a medical device: nothing here is fit for use on patients."
    ).render()
  }

  /// The run in one sentence.
  public var verdict: String {
    guard result.decisions > 0 else { return "No beat was found, so nothing was decided." }
    guard let agreement = result.agreement, let top1 = agreement.top1 else {
      return
        "\(Numbers.integer(result.decisions)) decisions in integers alone; no float twin ran beside them."
    }
    let decisions =
      "In integers the device decided as its float twin on \(Numbers.percent(top1)) of "
      + "\(Numbers.integer(agreement.decisions)) decisions"
    guard let decibels = result.spectrogram?.snrDecibels else { return decisions + "." }
    return decisions
      + "; its spectrogram's error lies \(Numbers.decimal(decibels, places: 1)) dB below the signal."
  }

  /// The part of the run that the page shows: 30 seconds around the most varied decisions.
  private struct Excerpt {
    let startSeconds: Double
    let endSeconds: Double
    let samples: Range<Int>
    let columns: Range<Int>
    let decisions: Range<Int>

    init(_ run: StreamRun) {
      let rate = run.result.sampleRateHz
      let length = Int(30 * rate)
      let count = run.acquisition.samples.count
      var best = (start: 0, score: -1.0)
      for start in stride(from: 0, through: max(0, count - length), by: max(1, Int(10 * rate))) {
        let inside = run.decisions.filter { (start..<start + length).contains($0.sample) }
        let kinds = Set(inside.map(\.fixedClass)).count
        let flips = inside.filter { $0.differs }.count
        let score = Double(flips) * 100 + Double(kinds) * 10 + Double(inside.count) / 1000
        if score > best.score { best = (start, score) }
      }
      samples = best.start..<min(count, best.start + length)
      startSeconds = Double(samples.lowerBound) / rate
      endSeconds = Double(samples.upperBound) / rate
      let hop = run.settings.hopSamples
      let total = run.columns.count / run.settings.binCount
      columns = min(total, samples.lowerBound / hop)..<min(total, samples.upperBound / hop)
      let first = run.decisions.firstIndex { $0.sample >= best.start } ?? run.decisions.count
      let last = run.decisions.firstIndex { $0.sample >= best.start + length } ?? run.decisions.count
      decisions = first..<max(first, last)
    }
  }

  private func ecgSection(_ excerpt: Excerpt) -> Section {
    let rate = result.sampleRateHz
    let millivolts = acquisition.samples[excerpt.samples].map {
      Double($0) * Double(acquisition.profile.converter.microvoltsPerCount) / 1000
    }
    let marks = decisions[excerpt.decisions].map { decision in
      ECGStrip.Decision(
        timeSeconds: Double(decision.beatSample ?? decision.sample) / rate,
        float: decision.floatClass.map { result.classNames[$0] },
        fixed: result.classNames[decision.fixedClass])
    }
    let truth = (annotatedBeats ?? []).filter { excerpt.samples.contains($0.sample) }.map {
      ECGStrip.Annotation(timeSeconds: Double($0.sample) / rate, result.classNames[$0.classIndex])
    }
    return Section(
      "ECG and decisions",
      [
        ECGStrip(
          title: "What the converter heard, and what was decided",
          explanation: "\(Numbers.duration(seconds: excerpt.endSeconds - excerpt.startSeconds)) of "
            + "\(Numbers.duration(seconds: result.durationSeconds)): where decisions differ or vary most.",
          millivolts: millivolts, sampleRateHz: rate, startSeconds: excerpt.startSeconds, decisions: marks,
          annotations: truth)
      ])
  }

  private func spectrogramSection(_ excerpt: Excerpt) -> Section {
    let bins = settings.binCount
    let places = excerpt.columns.lowerBound * bins..<excerpt.columns.upperBound * bins
    let fixed = columns[places].map { Double($0) - Double(SpectrogramSettings.zeroLevelCode) }
    let hertzPerBin = settings.sampleRateHz / Double(settings.windowSamples)
    func map(
      _ title: String, _ values: [Double], range: ClosedRange<Double>, unit: String, ramp: Heatmap.Ramp
    ) -> Heatmap {
      Heatmap(
        title: title, values: values, binCount: bins, startSeconds: excerpt.startSeconds,
        secondsPerColumn: Double(settings.hopSamples) / settings.sampleRateHz,
        firstBinHz: Double(settings.firstBin) * hertzPerBin, hertzPerBin: hertzPerBin, range: range,
        unit: unit,
        ramp: ramp)
    }
    let greatest = max(1, fixed.max() ?? 1)
    var parts: [any Component] = [
      map("Fixed point, int8 columns", fixed, range: 0...greatest, unit: "codes", ramp: .sequential)
    ]
    if !twinLevels.isEmpty {
      let float = twinLevels[places].map(Double.init)
      let difference = zip(fixed, float).map { $0 - $1.rounded() }
      let span = max(1, difference.map(abs).max() ?? 1)
      parts.append(
        map("Float twin, FFTW double", float, range: 0...greatest, unit: "codes", ramp: .sequential))
      parts.append(
        map("Difference", difference, range: -span...span, unit: "codes", ramp: .diverging))
      if let spectrogram = result.spectrogram {
        parts.append(
          Facts([
            (
              "Signal to error",
              (spectrogram.snrDecibels.map { Numbers.decimal($0, places: 1) } ?? "-") + " dB"
            ),
            ("Within one step", spectrogram.withinOneStep.map { Numbers.percent($0) } ?? "-"),
            (
              "Largest difference",
              Numbers.integer(Int(spectrogram.maxAbsoluteStepError))
                + (spectrogram.maxAbsoluteStepError == 1 ? " step" : " steps")
            ),
          ]))
      }
    }
    return Section("Spectrograms", parts)
  }

  private func logitSection(_ excerpt: Excerpt) -> Section {
    let shown = decisions[excerpt.decisions]
    let charts = result.classNames.indices.map { index in
      LineChart(
        title: "Logit of \(result.classNames[index])",
        series: [
          .init(
            "float", shown.map { Double($0.floatLogits?[index] ?? 0) },
            start: Double(excerpt.decisions.lowerBound + 1), step: 1, style: .wide),
          .init(
            "fixed", shown.map { Double($0.fixedLogits[index]) },
            start: Double(excerpt.decisions.lowerBound + 1), step: 1, style: .thin),
        ], horizontalUnit: "decision", verticalUnit: "logit", height: 150)
    }
    return Section("Logits of both twins", [Columns(charts)])
  }

  private var decisionSection: Section {
    var rows: [[Table.Cell]] = result.classNames.indices.map { index in
      let fixed = decisions.filter { $0.fixedClass == index }.count
      let float = decisions.filter { $0.floatClass == index }.count
      return [
        .init(result.classNames[index]), .init(Numbers.integer(fixed)),
        .init(result.agreement == nil ? "-" : Numbers.integer(float)),
      ]
    }
    rows.append(["all", .init(Numbers.integer(decisions.count)), .init(Numbers.integer(decisions.count))])
    var parts: [any Component] = [
      Table(
        caption: "Decisions by class", columns: [.text("class"), .number("fixed point"), .number("float")],
        rows: rows)
    ]
    if let agreement = result.agreement, let top1 = agreement.top1 {
      let interval = Interval.wilson(successes: agreement.equalDecisions, trials: agreement.decisions)
      parts.append(
        Facts([
          (
            "The same class",
            "\(Numbers.percent(top1)) (95 % interval \(Numbers.percent(interval.lower)) to "
              + "\(Numbers.percent(interval.upper)))"
          ),
          (
            "Largest logit error",
            Numbers.decimal(agreement.maxAbsoluteLogitError, places: 2)
          ),
          (
            "Mean logit error", Numbers.decimal(agreement.meanAbsoluteLogitError ?? 0, places: 3)
          ),
        ]))
    }
    if let accuracy = result.accuracy, let value = accuracy.fixed.accuracy {
      parts.append(
        Facts([
          ("Against the record's annotations", "\(Numbers.percent(value)) of matched beats"),
          ("Annotated beats without a decision", Numbers.integer(accuracy.missedBeats)),
          ("Decisions about other beats or none", Numbers.integer(accuracy.extraDecisions)),
        ]))
    }
    if let note = trainingNote { parts.append(Paragraph(note)) }
    return Section("Decisions and agreement", parts)
  }

  /// What must be said of accuracy on this record; nil where nothing is known.
  public var trainingNote: String? {
    let digits = result.record.split(whereSeparator: { !$0.isNumber }).last.map(String.init) ?? ""
    guard result.record.contains("mitdb") || result.record == digits,
      result.provenance[ModelMetadata.split] != nil
    else { return nil }
    if result.provenance[ModelMetadata.split] == BeatSplit.intra.rawValue {
      return
        "The model was trained on a random part of all of MIT-BIH's beats: what is seen here is agreement, "
        + "not accuracy on a new patient."
    }
    guard MITBIH.ds1.contains(digits) else { return nil }
    return
      "MIT-BIH \(digits) is one of the model's training records (DS1): what is seen here is agreement, not "
      + "accuracy."
  }

  private var memorySection: Section {
    let memory = result.memory
    return Section(
      "Memory",
      [
        Table(
          caption: "Bytes; there is no heap",
          columns: [.text("what"), .text("where"), .number("bytes")],
          rows: [
            ["model image", "flash", .init(Numbers.integer(memory.modelBytes))],
            ["of it int8 weights", "flash", .init(Numbers.integer(memory.weightBytes))],
            ["streaming state", "RAM, kept", .init(Numbers.integer(memory.stateBytes))],
            [
              "streaming scratch", "RAM, free between calls",
              .init(Numbers.integer(memory.streamingScratchBytes ?? memory.scratchBytes)),
            ],
            [
              "arena of a whole-window run, the alternative", "RAM",
              .init(Numbers.integer(memory.arenaBytes)),
            ],
          ])
      ])
  }

  private var operationSection: Section {
    let operations = result.operations
    return Section(
      "Operations",
      [
        Table(
          caption: "Multiply-accumulates by layer",
          columns: [
            .text("operator"), .text("output [time, frequency, channel]"), .number("weights, bytes"),
            .number("ring, bytes"), .number("MAC a step"), .number("MAC a whole window"),
          ],
          rows: operations.operators.map { layer in
            [
              .init(layer.name), .init(layer.outputShape.map(String.init).joined(separator: " x ")),
              .init(Numbers.integer(layer.weightBytes)),
              .init(layer.ringBytes.map { Numbers.integer($0) } ?? "-"),
              .init(layer.macsPerStep.map { Numbers.integer($0) } ?? "-"),
              .init(Numbers.integer(layer.macsPerWindow)),
            ]
          },
          total: [
            "all", "", .init(Numbers.integer(operations.operators.reduce(0) { $0 + $1.weightBytes })),
            .init(Numbers.integer(operations.operators.reduce(0) { $0 + ($1.ringBytes ?? 0) })),
            .init(
              "\(Numbers.integer(operations.macsPerColumn ?? 0)) + \(Numbers.integer(operations.macsPerDecision ?? 0))"
            ),
            .init(Numbers.integer(operations.macsPerWindow)),
          ]),
        Paragraph(
          "A step is a new \(settings.isRawSamples ? "sample" : "spectrogram column") for the operators that take columns "
            + "and a decision for those behind them. The loop ran \(Numbers.integer(Int(result.realTimeFactor))) times real time on one core "
            + "of this host\(result.agreement == nil ? "" : ", float twin included")."),
      ])
  }

  private var provenanceSection: Section {
    Section(
      "Provenance",
      [
        Facts(
          [
            ("Model", "\(result.model), CRC-32 \(result.modelChecksum)"),
            ("Record", "\(result.record), \(result.lead)"),
            (
              "Converter",
              "\(result.profile.name): \(result.profile.converterBits) bits over "
                + "\(Numbers.decimal(result.profile.converterRangeMillivolts, places: 1)) mV; "
                + "\(Numbers.integer(result.saturatedSamples)) samples beyond it"
            ),
          ] + (result.disturbances?.phrases.map { ("Front end", $0) } ?? [])
            + result.provenance.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            + recordComments.map { ("Record's comment", $0) })
      ])
  }
}

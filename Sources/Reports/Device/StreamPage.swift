import Drawing
import Foundation
import Metrics
import Simulation
import Support
import Tasks

/// What a run's page shows, beside the run.
package struct StreamPageOptions: Sendable {
  /// The command that made it, for its provenance.
  package var command = ""
  /// Where the strip of 30 seconds begins; nil for where decisions differ or vary most.
  package var fromSeconds: Double?
  /// The moments around which to show strips of ten seconds.
  package var momentsSeconds: [Double] = []
  /// Whether names of records and patients are left out.
  package var isAnonymous = false
  /// The command that takes one of the run's decisions apart, but for its moment; nil where none can.
  package var explainCommand: String?

  /// A page of the run alone.
  package init() {}
}

extension StreamRun {
  /// The run as one self-contained page for a design review.
  ///
  /// - Parameter options: What it shows.
  /// - Returns: The page's HTML.
  package func page(_ options: StreamPageOptions = StreamPageOptions()) -> String {
    let excerpt = Excerpt(self, fromSeconds: options.fromSeconds)
    return Page(
      title: "\(options.isAnonymous ? "A record" : result.record) through \(result.model)",
      subtitle: "\(result.lead), \(Numbers.duration(seconds: result.durationSeconds)), "
        + "\(Self.rate(result.sourceRateHz)) to \(Self.rate(result.sampleRateHz)), \(result.profile.converterBits)-bit converter",
      verdict: [verdict, accuracySentence, result.verdict?.sentence].compactMap(\.self).joined(
        separator: " "),
      sections: sections(excerpt, options), footer: Release.footer(version: result.version)
    ).render()
  }

  private func sections(_ excerpt: Excerpt, _ options: StreamPageOptions) -> [Section] {
    let start: [Section] =
      [overviewSection, ecgSection(excerpt, momentsSeconds: options.momentsSeconds)]
      + (settings.isRawSamples || settings.beats != nil ? [] : [spectrogramSection(excerpt)])
      + (result.agreement == nil ? [] : [logitSection(excerpt)])
    let labels: [Section] = [decisionSection(options)] + (result.episodes ?? []).map(\.section)
    let device: [Section] =
      (networkSection.map { [$0] } ?? []) + (result.target.map { [$0.section] } ?? []) + [
        policySection, memorySection, operationSection,
      ]
    return start + labels + device + (result.verdict?.pageSections(result.profile) ?? [])
      + [provenanceSection(options)]
  }

  /// The run in one sentence.
  package var verdict: String {
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
  struct Excerpt {
    let startSeconds: Double
    let endSeconds: Double
    let samples: Range<Int>
    let columns: Range<Int>
    let decisions: Range<Int>

    init(_ run: StreamRun, fromSeconds: Double?) {
      let rate = run.result.sampleRateHz
      let length = Int(30 * rate)
      let count = run.acquisition.samples.count
      var best = (start: min(max(0, count - 1), Int((fromSeconds ?? 0) * rate)), score: -1.0)
      let starts = stride(from: 0, through: max(0, count - length), by: max(1, Int(10 * rate)))
      for start in starts where fromSeconds == nil {
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
      let total = run.columns.count / run.settings.columnCodeCount
      columns = min(total, samples.lowerBound / hop)..<min(total, samples.upperBound / hop)
      let first = run.decisions.firstIndex { $0.sample >= best.start } ?? run.decisions.count
      let last = run.decisions.firstIndex { $0.sample >= best.start + length } ?? run.decisions.count
      decisions = first..<max(first, last)
    }
  }

  private func spectrogramSection(_ excerpt: Excerpt) -> Section {
    let leads = [acquisition] + furtherLeads
    return Section(
      "Spectrograms",
      leads.indices.flatMap { index in
        spectrograms(
          excerpt, lead: index, suffix: leads.count == 1 ? "" : ", lead \(leads[index].leadName)")
      })
  }

  private func spectrograms(_ excerpt: Excerpt, lead: Int, suffix: String) -> [any Component] {
    let (bins, leadCount) = (settings.binCount, settings.leadCount)
    let places = stride(
      from: excerpt.columns.lowerBound * bins * leadCount + lead,
      to: excerpt.columns.upperBound * bins * leadCount, by: leadCount)
    let fixed = places.map { Double(columns[$0]) - Double(SpectrogramSettings.zeroLevelCode) }
    let hertzPerBin = settings.sampleRateHz / Double(settings.windowSamples)
    func map(
      _ title: String, _ values: [Double], range: ClosedRange<Double>, unit: String, ramp: Heatmap.Ramp
    ) -> Heatmap {
      Heatmap(
        title: title + suffix, values: values, binCount: bins, startSeconds: excerpt.startSeconds,
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
      let float = places.map { Double(twinLevels[$0]) }
      let difference = zip(fixed, float).map { $0 - $1.rounded() }
      let span = max(1, difference.map(abs).max() ?? 1)
      parts.append(
        map("Float twin, FFTW double", float, range: 0...greatest, unit: "codes", ramp: .sequential))
      parts.append(
        map("Difference", difference, range: -span...span, unit: "codes", ramp: .diverging))
      // The figures are of all leads together, but the transform's, which is the first one's.
      if lead == leadCount - 1, let spectrogram = result.spectrogram {
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
    return parts
  }

  private func logitSection(_ excerpt: Excerpt) -> Section {
    let shown = decisions[excerpt.decisions]
    let times = shown.map { Double($0.sample) / result.sampleRateHz }
    let charts = result.classNames.indices.map { index in
      LineChart(
        title: "Logit of \(result.classNames[index])",
        series: [
          .init("float", shown.map { Double($0.floatLogits?[index] ?? 0) }, at: times, style: .wide),
          .init("fixed", shown.map { Double($0.fixedLogits[index]) }, at: times, style: .thin),
        ], horizontalUnit: "time of decision (s)", verticalUnit: "logit", height: 150)
    }
    return Section("Logits of both twins", [Columns(charts)])
  }

  private var memorySection: Section {
    let memory = result.memory
    let ram = result.memoryMap.regions.filter { $0.name != "arena" && $0.place != "flash" }
    let ramBytes = ram.reduce(0) { $0 + $1.bytes }
    return Section(
      "Memory",
      [
        MemoryChart(
          title: "Memory map",
          explanation:
            "To one scale; there is no heap. The arena is that of a whole-window run, the alternative to the "
            + "rings: a row an operator, the first at the top, each tensor from where it is written to where it is last read. Numbers lead to the tables below.",
          regions: result.memoryMap.regions.map { region in
            .init(
              "\(region.name), \(region.place)", byteCount: region.bytes,
              parts: region.parts.map { part in
                .init(
                  part.name, offset: part.offset, byteCount: part.bytes,
                  steps: part.operators.map { $0[0]...max($0[0], $0[1]) })
              })
          }),
        Facts([
          (
            "Weights",
            "\(Numbers.integer(memory.weightBytes)) of the image's \(Numbers.integer(memory.modelBytes)) bytes"
          ),
          (
            "RAM, streaming",
            "\(Numbers.integer(ramBytes)) bytes: state, detector, watch and scratch; the stack comes on top"
          ),
          (
            "Code",
            "\(Numbers.integer(memory.codeBytes.cortexM4)) bytes of flash on a Cortex-M4, "
              + "\(Numbers.integer(memory.codeBytes.cortexM0)) on a Cortex-M0"
          ),
        ]),
      ])
  }

  private var operationSection: Section {
    let operations = result.operations
    let columnOperators = operations.columnOperatorCount ?? 0
    let layers = operations.operators.enumerated().map { index, layer in
      (
        name: "\(index)\u{A0}\(layer.name)", layer: layer,
        perColumn: index < columnOperators ? layer.macsPerStep : nil,
        perDecision: index < columnOperators ? nil : layer.macsPerStep
      )
    }
    func cell(_ count: Int?) -> Table.Cell { .init(count.map { Numbers.integer($0) } ?? "-") }
    return Section(
      "Operations",
      [
        BarChart(
          title: "Multiply-accumulates by layer",
          explanation: "A new column's, or a decision's beyond its columns.",
          bars: layers.map { item in
            let count = item.layer.macsPerStep ?? item.layer.macsPerWindow
            let when =
              item.layer.macsPerStep == nil ? "window" : item.perColumn == nil ? "decision" : "column"
            return .init(item.name, Double(count), text: "\(Numbers.integer(count)) a \(when)")
          }),
        Table(
          caption: "Multiply-accumulates by layer",
          columns: [
            .text("operator"), .text("output [time, frequency, channel]"), .number("weights, bytes"),
            .number("ring, bytes"), .number("MAC a column"), .number("MAC a decision"),
            .number("MAC a whole window"),
          ],
          rows: layers.map { item in
            [
              .init(item.name),
              .init(item.layer.outputShape.map(String.init).joined(separator: "\u{A0}x\u{A0}")),
              cell(item.layer.weightBytes), cell(item.layer.ringBytes), cell(item.perColumn),
              cell(item.perDecision), cell(item.layer.macsPerWindow),
            ]
          },
          total: [
            "all", "", cell(operations.operators.reduce(0) { $0 + $1.weightBytes }),
            cell(operations.operators.reduce(0) { $0 + ($1.ringBytes ?? 0) }), cell(operations.macsPerColumn),
            cell(operations.macsPerDecision), cell(operations.macsPerWindow),
          ]),
        Paragraph(
          "The loop ran \(Numbers.integer(Int(result.realTimeFactor))) times real time on one core "
            + "of this host\(result.agreement == nil ? "" : ", float twin included")."),
      ])
  }

  private func provenanceSection(_ options: StreamPageOptions) -> Section {
    let modelDigest = result.modelDigest.map { ", SHA-256 \($0)" } ?? ""
    let recordDigest = result.recordDigest.map { ", SHA-256 of its files \($0)" } ?? ", not kept"
    let range = Numbers.decimal(result.profile.converterRangeMillivolts, places: 1)
    let frontEnd = result.disturbances?.phrases ?? []
    var facts: [(name: String, value: String)] = [
      ("Model", "\(result.model), CRC-32 \(result.modelChecksum)\(modelDigest)"),
      (
        "Patch",
        result.patch.map { options.isAnonymous ? "a patient's own" : $0.text } ?? "none: the model as shipped"
      ),
      (
        "Record",
        options.isAnonymous ? "left out, \(result.lead)" : "\(result.record), \(result.lead)\(recordDigest)"
      ),
      ("Profile", "\(result.profile.name): \(result.profile.converterBits) bits over \(range) mV"),
      (
        "Samples",
        "\(Numbers.integer(result.saturatedSamples)) beyond the converter's range, "
          + "\(Numbers.integer(result.invalidSamples)) of the record's marked invalid"
      ),
      (
        "Beats",
        result.sensed.map { "sensed by the device: \($0.text)" } ?? "found or given as the command says"
      ),
      ("Decision", result.decisionDelay?.text ?? "by the clock"),
      ("Front end", frontEnd.isEmpty ? "undisturbed, nothing random" : frontEnd.joined(separator: "; ")),
      ("Version", result.version),
    ]
    if !options.command.isEmpty, !options.isAnonymous { facts.append(("Command", options.command)) }
    for (key, value) in result.provenance.sorted(by: { $0.key < $1.key }) {
      facts.append(("Model's \(key)", value))
    }
    for comment in recordComments where !options.isAnonymous { facts.append(("Record's comment", comment)) }
    return Section("Provenance", [Facts(facts)])
  }
}

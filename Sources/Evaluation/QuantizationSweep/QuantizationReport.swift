import ECG
import Foundation
import Networks
import Support
import Tasks

/// Where quantization loses accuracy, and what each bit costs or saves: all numbers of a report.
///
/// Page, CSV and Markdown are made from this alone, and this is what the JSON holds.
package struct QuantizationReport: Codable, Sendable {
  /// The format's version.
  package var formatVersion = 1
  /// The version of the program that made it.
  package var program = Release.version
  /// The checkpoint's file.
  package var checkpoint: String
  /// The task and split that it was trained for.
  package var task: String
  /// The split's name.
  package var split: String
  /// The records.
  package var records: String
  /// Whether the network was trained on some of the beats.
  package var includesTrainingBeats: Bool
  /// The classes' names.
  package var classNames: [String]
  /// The layers' number.
  package var layerCount: Int
  /// Decisions a minute, for charge and battery.
  package var decisionsPerMinute: Double
  /// The seed of calibration windows and of draws of patients.
  package var seed: UInt64
  /// The true classes.
  package var labels: [RecordLabels] = []
  /// The float networks.
  package var sources: [SourceFigures] = []
  /// The points, in the sweep's order.
  package var points: [PointFigures] = []
  /// The front ends.
  package var frontEnds: [FrontEndFigures] = []
  /// A stretch of spectrogram; of several leads the first's.
  package var spectrogram: SpectrogramSample?
  /// The same stretch of each further lead; nil where there is one lead.
  package var furtherSpectrograms: [SpectrogramSample]?
  /// What was found within a budget; nil where none was given.
  package var search: PrecisionSearch.Result?
  /// What an engineer would ship, and why; nil in a report that an earlier version made.
  package var recommendation: Recommendation?
  /// What it all means, in sentences.
  package var summary: [String] = []

  package init(_ runner: ReportRunner) {
    checkpoint = (runner.options.checkpoint as NSString).lastPathComponent
    (task, split) = (runner.checkpoint.task, runner.checkpoint.split)
    records = runner.recordDescription
    includesTrainingBeats = runner.includesTrainingBeats
    classNames = runner.checkpoint.classNames
    layerCount = runner.layerCount
    decisionsPerMinute = runner.decisionsPerMinute
    seed = runner.options.seed
  }

  /// A point by its name.
  package func point(_ name: String) -> PointFigures? { points.first { $0.point.name == name } }
  /// The float network that a point is compared with.
  package func source(of point: PointFigures) -> SourceFigures? { sources.first { $0.name == point.source } }

  /// A point's decisions about all beats: the float network's, but for the flips; nil where there is none.
  package func decisions(of point: PointFigures) -> [Int?] {
    var decisions = source(of: point)?.decisions.flatMap(Digits.classes) ?? []
    for flip in point.flips where flip.count == 2 && decisions.indices.contains(flip[0]) {
      decisions[flip[0]] = flip[1]
    }
    return decisions
  }

  /// Reads a report: its JSON, or the folder that holds it.
  ///
  /// - Throws: `FileError` where it is missing or no report.
  package static func read(_ path: String) throws(FileError) -> QuantizationReport {
    var isFolder: ObjCBool = false
    let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    let file = isThere && isFolder.boolValue ? path + "/report.json" : path
    let data = try Files.read(file)
    let remedy = "name the folder or the report.json of `exporter report`"
    let report: QuantizationReport
    do {
      report = try JSONDecoder().decode(QuantizationReport.self, from: data)
    } catch {
      throw .malformed(file, "is no report of this program", remedy: remedy)
    }
    guard report.formatVersion == 1 else {
      throw .malformed(file, "is a report of format \(report.formatVersion), not 1", remedy: remedy)
    }
    let count = report.labels.reduce(0) { $0 + $1.classes.count }
    guard report.sources.allSatisfy({ $0.decisions.reduce(0) { $0 + $1.count } == count }) else {
      throw .malformed(file, "has decisions that don't fit its beats", remedy: remedy)
    }
    return report
  }
}

/// A record's true classes.
package struct RecordLabels: Codable, Equatable, Sendable {
  /// The record.
  package var record: String
  /// Its lead.
  package var lead: String
  /// A digit a beat: the class's place; see `Digits`.
  package var classes: String
  /// The patient; nil where it is that of MIT-BIH's record.
  package var ownPatient: String?

  /// The classes of a signal's beats.
  init(_ signal: LabelledSignal) {
    (record, lead, classes) = (signal.record, signal.lead, Digits.text(signal.beats.map(\.classIndex)))
    ownPatient = signal.patient == MITBIH.patient(of: signal.record) ? nil : signal.patient
  }

  /// The patient.
  package var patient: String { ownPatient ?? MITBIH.patient(of: record) }
}

/// Classes as text, a digit a beat: `0` to `9`, then `a` to `z`; `.` for a beat without a decision.
package enum Digits {
  private static let digits = Array("0123456789abcdefghijklmnopqrstuvwxyz")

  package static func text(_ classes: [Int?]) -> String {
    String(classes.map { $0.map { digits.indices.contains($0) ? digits[$0] : "?" } ?? "." })
  }

  package static func text(_ classes: [Int]) -> String { text(classes.map(Optional.init)) }

  /// The classes of a text.
  package static func classes(_ text: String) -> [Int?] {
    text.map { $0.isASCII ? $0.hexDigitValue ?? digits.firstIndex(of: $0) : nil }
  }
}

/// A float network that points are made from.
package struct SourceFigures: Codable, Sendable {
  /// The name that points give.
  package var name: String
  /// What it is, in words.
  package var description: String
  /// The beats decided about.
  package var beats: Int
  /// Those too near a record's ends.
  package var leftOutBeats: Int
  /// How well it tells the classes apart.
  package var accuracy: AccuracyFigures
  /// Its decisions, a digit a beat, a text a record; see `Digits`.
  package var decisions: [String]

  package init(_ source: ReportSource, _ beats: ReportBeats, name: String, seed: UInt64) {
    self.name = name
    let settings = source.checkpoint.settings
    let network = source.key.isQAT ? "trained with quantization in the loop" : "float"
    description =
      settings.isRawSamples
      ? "\(network), \(source.checkpoint.specification.inputColumns) raw samples"
        + (settings.leadCount > 1 ? " of \(settings.leadCount) leads" : "")
      : network + ", FFT of \(settings.windowSamples), hop "
        + "of \(settings.hopSamples), \(settings.binCount) bins, \(source.checkpoint.specification.inputColumns) columns"
        + (settings.leadCount > 1 ? ", \(settings.leadCount) leads" : "")
        + (source.key.shape == nil ? "" : ", trained anew for this shape")
    let classCount = source.checkpoint.classNames.count
    let decided = beats.labels.indices.map { beat in
      source.logits[beat * classCount].isNaN
        ? nil : AgreementFigures.top(source.logits[beat * classCount..<(beat + 1) * classCount])
    }
    let pairs = decided.indices.compactMap { beat in decided[beat].map { (beat, $0) } }
    self.beats = pairs.count
    leftOutBeats = decided.count - pairs.count
    let patients = PatientMatrices(
      pairs, [], labels: beats.labels, patients: beats.signalIndices.map { beats.signals[$0].patient },
      classNames: source.checkpoint.classNames)
    accuracy = AccuracyFigures(
      patients: patients.first, classNames: source.checkpoint.classNames, seed: seed)
    decisions = beats.signals.indices.map { signal in
      let first = beats.firstBeats[signal]
      return Digits.text(Array(decided[first..<first + beats.signals[signal].beats.count]))
    }
  }
}

/// A stretch of a record's spectrogram: in float, on the device, and on one with fixed scaling.
package struct SpectrogramSample: Codable, Sendable {
  /// The record.
  package var record: String
  /// The lead, of a network of several.
  package var lead: String?
  /// Columns a second.
  package var columnsPerSecond: Double
  /// The bins.
  package var binCount: Int
  /// The lowest bin's frequency.
  package var firstBinHz: Double
  /// The distance between bins.
  package var hertzPerBin: Double
  /// `[column, bin]` levels in double precision, to a thousandth.
  package var levels: [Double]
  /// The device's codes less the levels.
  package var differences: [Double]
  /// The same of a signal 40 dB below full scale, with block floating point.
  package var weakDifferences: [Double]
  /// The same of that signal with fixed scaling.
  package var weakFixedDifferences: [Double]

  private static let seconds = 12.0

  /// The first seconds of each of a signal's leads.
  ///
  /// - Throws: `FileError`, which names the network's file where its front end can't be in integers.
  package static func ofLeads(
    _ signal: LabelledSignal, _ settings: SpectrogramSettings, file: String
  ) throws(FileError) -> [SpectrogramSample] {
    var own = settings
    own.leads = nil
    var samples: [SpectrogramSample] = []
    for lead in signal.singleLeads {
      samples.append(try SpectrogramSample(lead, own, file: file))
      samples[samples.count - 1].lead = signal.furtherLeads.isEmpty ? nil : lead.lead
    }
    return samples
  }

  /// Takes the first seconds of a signal of one lead.
  ///
  /// - Throws: `FileError`, which names the network's file where its front end can't be in integers.
  package init(
    _ signal: LabelledSignal, _ settings: SpectrogramSettings, file: String
  ) throws(FileError) {
    do {
      try self.init(signal, settings)
    } catch let error as FileError {
      throw error
    } catch {
      throw .malformed(file, "\(error)", remedy: "train a network with another front end")
    }
  }

  private init(_ signal: LabelledSignal, _ settings: SpectrogramSettings) throws {
    record = signal.record
    columnsPerSecond = settings.sampleRateHz / Double(settings.hopSamples)
    binCount = settings.binCount
    hertzPerBin = settings.sampleRateHz / Double(settings.windowSamples)
    firstBinHz = Double(settings.firstBin) * hertzPerBin
    let stretch = Array(signal.microvolts.prefix(Int(Self.seconds * settings.sampleRateHz)))
    let variant = FrontEndVariant()
    let middle = stretch.reduce(0, +) / Float(max(1, stretch.count))
    let peak = stretch.reduce(0) { max($0, abs($1 - middle)) }
    let weak = Float(variant.converterRangeMillivolts * 1000 / 2 / 100) / max(peak, 1e-6)
    func columns(_ samples: [Float], _ variant: FrontEndVariant) throws -> (
      levels: [Double], errors: [Double]
    ) {
      let image = try BareFrontEndImage(variant, settings)
      let window = BeatWindow(settings: settings, columnCount: 1, delaySeconds: 0)
      let own = LabelledSignal(record: "", lead: "", microvolts: samples, beats: [])
      let codes = ColumnSet.columns(of: own, variant, window, image).codes
      let exact = ReferenceSpectrogram(settings).levels(
        ofMicrovolts: variant.converter.heard(own).microvolts.map { Double($0) })
      func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
      return (
        exact.map(rounded), zip(codes, exact).map { rounded(Double($0) + 128 - $1) }
      )
    }
    (levels, differences) = try columns(stretch, variant)
    let quiet = stretch.map { ($0 - middle) * weak }
    weakDifferences = try columns(quiet, variant).errors
    var fixed = variant
    fixed.scaling = .fixed
    weakFixedDifferences = try columns(quiet, fixed).errors
  }
}

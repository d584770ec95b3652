import ECG
import Foundation
import Metrics
import ModelFiles
import Networks
import Support
import Tasks

/// A record's main lead, or a task's several leads, with its reference.
package struct ReferenceRecord: Sendable {
  package let signal: LabelledSignal
  package let reference: BeatReference
  /// The rate of `signal`.
  private let signalRateHz: Double

  /// Reads a record and its `atr` annotations; the lead is MLII, II or the first where none is named, behind its coupling.
  ///
  /// Of a task of several leads they are those that it names.
  package init(
    _ name: String, folder: String, lead: String? = nil, csv: CSVOptions = CSVOptions(),
    coupling: Coupling = .automatic, sampleRateHz: Double, task: TaskDefinition? = nil,
    learningSeconds: Double
  ) throws(FileError) {
    let path = RecordPath.file(name, beside: folder + "/")
    let record = try ECG.Record.load(path, csv: csv)
    let labels = try Annotations.read(path, sampleRateHz: record.sampleRateHz)
    if let task, !task.furtherLeads.isEmpty {
      signal = try LabelledSignal.read(
        name, folder: folder, lead: lead, csv: csv, coupling: coupling, task: task, sampleRateHz: sampleRateHz
      )
    } else {
      let lead = try record.lead(lead, file: path, coupling: coupling)
      var signal = LabelledSignal(
        record: (name as NSString).lastPathComponent, lead: lead.name,
        microvolts: try lead.millivolts(atRateHz: sampleRateHz).map { $0 * 1000 }, beats: [])
      signal.notes = lead.notes + labels.notes
      self.signal = signal
    }
    signalRateHz = sampleRateHz
    reference = BeatReference(
      labels, sampleRateHz: record.sampleRateHz, learningSeconds: learningSeconds)
  }

  /// A place in the signal, in samples of the record.
  package func sample(at place: Int) -> Int {
    Int((Double(place) * reference.sampleRateHz / signalRateHz).rounded())
  }
}

/// An algorithm's beats in a record, compared and ready to be written.
package struct ComparedBeats: Sendable {
  package let annotations: Annotations
  package let comparison: BeatByBeat

  /// Compares beats.
  ///
  /// - Parameters:
  ///   - beats: The beats.
  ///   - codes: The classes as annotations, in the order of the logits.
  ///   - undecided: The annotation of a beat without a decision.
  ///   - record: The record.
  package init(
    _ beats: DeviceBeats, codes: [AnnotationCode], undecided: AnnotationCode = .unclassifiable,
    in record: ReferenceRecord
  ) {
    let labels = beats.all.map { beat in
      Annotation(
        sample: record.sample(at: beat.sample),
        code: beat.decidedClass.map { codes[$0] } ?? undecided)
    }
    annotations = Annotations(labels)
    comparison = record.reference.comparison(
      with: labels.map { .init(sample: $0.sample, beatClass: $0.code.aamiClass ?? .unknown) })
  }
}

/// A device whose beats are compared with the reference: the detector, the int8 model, and its float twin.
package struct BeatByBeatDevice: Sendable {
  private let model: LoadedModel
  private let window: BeatWindow
  private let converter: AnalogConverter
  private let float: FloatGraph?
  private let beats: FloatBeatNetwork?
  private let normalClass: Int?
  /// The classes as annotations, in the order of the logits.
  private let codes: [AnnotationCode]

  /// Prepares the twins; they must have an image.
  ///
  /// - Throws: `FileError` where the image's classes are no kinds of beat.
  package init(_ twins: Twins, file: String) throws(FileError) {
    guard let model = twins.image, let decisions = twins.int8 else {
      throw .malformed(file, "is no model image", remedy: "export it with `exporter quantize`")
    }
    codes = try twins.classNames.map { name throws(FileError) in
      guard let code = AnnotationCode(mnemonic: name == "paced" ? "/" : name), code.aamiClass != nil else {
        throw .malformed(
          file, "has the class \(name), which is no kind of beat", remedy: "use a model of beats")
      }
      return code
    }
    (self.model, window, converter) = (model, decisions.window, decisions.converter)
    (float, beats) = (twins.float, twins.beats)
    normalClass = twins.normalClass
  }

  /// The device's beats in a record, and those as the float twin decides about them.
  package func compare(_ record: ReferenceRecord) throws -> (int8: ComparedBeats, float: ComparedBeats?) {
    let beats = try DeviceBeats(
      in: converter.frames(of: record.signal), model: model, converter: converter,
      hasRhythm: normalClass != nil)
    let floatBeats = try float.map {
      try beats.decided(
        by: $0, beside: self.beats, window: window, hearing: converter.heard(record.signal),
        normalClass: normalClass,
        within: model.logitRange)
    }
    return (
      ComparedBeats(beats, codes: codes, in: record),
      floatBeats.map { ComparedBeats($0, codes: codes, in: record) }
    )
  }
}

/// EC57's figures over some records: gross, of all beats together, and average, of the records' own figures.
package struct BeatByBeatSummary: Encodable, Sendable {
  package var gross: BeatByBeat
  package var average: Average

  /// The means over the records that define a figure; not a number where none does.
  package struct Average: Encodable, Sendable {
    package var qrs: Figures
    package var veb: Figures
    package var sveb: Figures
  }

  package struct Figures: Encodable, Sendable {
    package var sensitivity: Double
    package var positivePredictivity: Double
    package var falsePositiveRate: Double?
  }

  package init(_ records: [BeatByBeat]) {
    gross = records.reduce(into: BeatByBeat()) { $0 += $1 }
    func mean(_ values: [Double?]) -> Double {
      let defined = values.compactMap(\.self)
      return defined.isEmpty ? .nan : defined.reduce(0, +) / Double(defined.count)
    }
    func figures(_ kind: (BeatByBeat) -> BeatByBeat.Figures) -> Figures {
      let all = records.map(kind)
      let hasRate = all.contains { $0.trueNegatives != nil }
      return Figures(
        sensitivity: mean(all.map(\.sensitivity)),
        positivePredictivity: mean(all.map(\.positivePredictivity)),
        falsePositiveRate: hasRate ? mean(all.map(\.falsePositiveRate)) : nil)
    }
    average = Average(
      qrs: figures(\.detection), veb: figures(\.ventricular), sveb: figures(\.supraventricular))
  }
}

/// The comparison of a device's beats with the reference, by EC57's rules, on some records.
package struct EC57Evaluation: Encodable {
  /// One record.
  package struct Record: Encodable, Sendable {
    package var record: String
    package var lead: String
    package var notes: [FileNote]
    package var int8: BeatByBeat
    package var float: BeatByBeat?

    package init(_ record: ReferenceRecord, int8: ComparedBeats, float: ComparedBeats?) {
      (self.record, lead, notes) = (record.signal.record, record.signal.lead, record.signal.notes)
      (self.int8, self.float) = (int8.comparison, float?.comparison)
    }
  }

  package var task: String
  package var split: String
  package var records: String
  package var learningSeconds: Double
  package var includesTrainingBeats: Bool
  /// Whether the beats' intervals moved a logit.
  package var hasRhythmPrior: Bool
  /// The records that were left out for their paced beats.
  package var pacedRecords: [String]
  package var int8: BeatByBeatSummary
  package var float: BeatByBeatSummary?
  package var perRecord: [Record]

  package init(
    _ twins: Twins, of data: TaskRecords, records: RecordSelection, learningSeconds: Double,
    pacedRecords: [String], perRecord: [Record], names: [String]
  ) {
    task = data.task.name
    split = data.splitName
    self.records = records.description
    self.learningSeconds = learningSeconds
    includesTrainingBeats = data.hasTrained(on: names)
    hasRhythmPrior = twins.normalClass != nil
    self.pacedRecords = pacedRecords
    self.perRecord = perRecord
    int8 = BeatByBeatSummary(perRecord.map(\.int8))
    let floats = perRecord.compactMap(\.float)
    float = floats.isEmpty ? nil : BeatByBeatSummary(floats)
  }
}

/// The comparison of detected beats, of whatever class, with the reference on some records.
package struct DetectionEvaluation: Encodable {
  /// One record.
  package struct Record: Encodable, Sendable {
    package var record: String
    package var lead: String
    package var notes: [FileNote]
    package var qrs: BeatByBeat.Figures
  }

  package var records: String
  package var sampleRateHz: Double
  package var learningSeconds: Double
  package var gross: BeatByBeat.Figures
  package var average: BeatByBeatSummary.Figures
  package var perRecord: [Record]

  package init(
    records: RecordSelection, sampleRateHz: Double, learningSeconds: Double,
    compared: [(signal: LabelledSignal, comparison: BeatByBeat)]
  ) {
    self.records = records.description
    self.sampleRateHz = sampleRateHz
    self.learningSeconds = learningSeconds
    let summary = BeatByBeatSummary(compared.map(\.comparison))
    (gross, average) = (summary.gross.detection, summary.average.qrs)
    perRecord = compared.map {
      Record(
        record: $0.signal.record, lead: $0.signal.lead, notes: $0.signal.notes, qrs: $0.comparison.detection)
    }
  }
}

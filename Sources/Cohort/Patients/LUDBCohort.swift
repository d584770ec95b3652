import ECG
import Foundation
import Support

/// LUDB as a cohort: 200 patients with ten seconds of twelve leads each, and the question who has a conduction disease.
///
/// A patient has one where cardiologists diagnosed a bundle branch block, or where the QRS complex lasts 120 ms or more
/// by their boundaries: the median over all annotated complexes of all leads. Both are what the question is made of, so
/// the manifest holds them in columns that nothing learns from.
///
/// - SeeAlso: A. I. Kalyakulina and others, IEEE Access 8 (2020) 186181.
package struct LUDBCohort: Sendable {
  /// Which diagnoses count.
  package enum Blocks: String, CaseIterable, Sendable, Codable {
    /// Bundle branch blocks, complete or incomplete.
    case any
    /// Complete bundle branch blocks alone.
    case complete
  }

  /// A patient, who has one record.
  package struct Patient: Equatable, Sendable {
    /// The record's number.
    package var number: Int
    /// The diagnoses, without the full stop at their end.
    package var diagnoses: [String]
    /// The median duration of all annotated QRS complexes; nil where none is annotated.
    package var qrsDurationMs: Double?
    /// Sex and age, where they are known.
    package var covariates: Covariates

    /// Whether the diagnoses name a bundle branch block.
    package func hasBlock(_ blocks: Blocks) -> Bool {
      diagnoses.map { $0.lowercased() }.contains { diagnosis in
        diagnosis.contains("bundle branch block") && (blocks == .any || !diagnosis.contains("incomplete"))
      }
    }

    /// Whether the diagnoses name a complete left bundle branch block.
    package var hasLBBB: Bool {
      diagnoses.contains { $0.lowercased().hasPrefix("complete left bundle branch block") }
    }

    /// Whether the QRS complex lasts 120 ms or more.
    package var isWide: Bool { (qrsDurationMs ?? 0) >= LUDBCohort.wideMs }
  }

  /// The duration from which on a QRS complex is wide, in milliseconds.
  package static let wideMs = 120.0
  /// LUDB's records are numbered from 1 on.
  package static let recordCount = 200
  /// The leads, each with an annotation file of its name.
  package static let leads = ["i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6"]

  /// The folder of the records.
  package let folder: String
  /// Which diagnoses count.
  package let blocks: Blocks
  /// The patients, in order of their numbers.
  package let patients: [Patient]

  /// Reads the diagnoses and the boundaries of all patients.
  ///
  /// - Parameters:
  ///   - folder: The folder of LUDB, or that of its records, `data`.
  ///   - blocks: Which diagnoses count.
  /// - Throws: `FileError` where a header or an annotation file is missing or broken, or a record has neither a block
  ///   diagnosed nor a complex annotated.
  package init(folder: String, blocks: Blocks = .any) throws(FileError) {
    let inner = (folder as NSString).appendingPathComponent("data")
    let isWhole = FileManager.default.fileExists(atPath: inner)
    self.folder = isWhole ? inner : folder
    self.blocks = blocks
    var patients: [Patient] = []
    for number in 1...Self.recordCount {
      let path = (self.folder as NSString).appendingPathComponent("\(number)")
      let patient = try Patient(number: number, path: path)
      guard patient.qrsDurationMs != nil || patient.hasBlock(blocks) else {
        throw .malformed(
          path, "has no QRS complex with boundaries in any lead", remedy: "fetch LUDB again")
      }
      patients.append(patient)
    }
    self.patients = patients
  }

  /// Whether a patient has a conduction disease.
  package func hasDisease(_ patient: Patient) -> Bool { patient.hasBlock(blocks) || patient.isWide }

  /// The manifest for a file: its paths to the records start from the file's folder.
  package func manifestText(for file: String) -> String {
    let path = Self.relativePath(from: Files.folder(of: file), to: folder)
    let blockText = blocks == .any ? "a bundle branch block" : "a complete bundle branch block"
    let notice =
      "# LUDB (Kalyakulina and others, IEEE Access 8:186181, 2020): label 1 for conduction disease, \(blockText) diagnosed "
      + "or QRS of \(Int(Self.wideMs)) ms or more"
    let columns = Covariates.Column.all.filter { ["sex", "age"].contains($0.name) }
    let header =
      ["patient", "record", "lead", "label"] + columns.map(\.name) + ["_qrsd_ms", "_block", "_lbbb"]
    let rows = patients.map { patient in
      [
        "LUDB\(patient.number)", CSVText.field(path + "\(patient.number)"), "ii",
        hasDisease(patient) ? "1" : "0",
      ]
        + columns.map { $0.text(patient.covariates) }
        + [
          patient.qrsDurationMs.map { Numbers.decimal($0, places: 1) } ?? "",
          patient.hasBlock(blocks) ? "1" : "0", patient.hasLBBB ? "1" : "0",
        ]
    }
    return notice + "\n" + ([header] + rows).map { $0.joined(separator: ",") + "\n" }.joined()
  }

  /// The way from one folder to another, with a slash at its end; empty where they are the same.
  private static func relativePath(from start: String, to end: String) -> String {
    func parts(_ path: String) -> [String] {
      URL(fileURLWithPath: path.isEmpty ? "." : path).standardizedFileURL.resolvingSymlinksInPath()
        .pathComponents
    }
    let (from, to) = (parts(start), parts(end))
    let common = zip(from, to).prefix { $0 == $1 }.count
    let steps = [String](repeating: "..", count: from.count - common) + to[common...]
    return steps.map { $0 + "/" }.joined()
  }
}

extension LUDBCohort.Patient {
  fileprivate init(number: Int, path: String) throws(FileError) {
    self.number = number
    let header = try RecordHeader.read(path)
    covariates = Covariates()
    diagnoses = []
    for comment in header.comments.map({ $0.trimmingCharacters(in: .whitespaces) }) {
      func value(_ key: String) -> String? {
        guard comment.hasPrefix("<\(key)>:") else { return nil }
        return comment.dropFirst(key.count + 3).trimmingCharacters(in: .whitespaces)
      }
      if let age = value("age") {
        covariates.ageYears = Double(age).flatMap { (0...120).contains($0) ? $0 : nil }
      } else if let sex = value("sex") {
        covariates.sex = ["M": .male, "F": .female][sex]
      } else if value("diagnoses") == nil {
        diagnoses.append(comment.hasSuffix(".") ? String(comment.dropLast()) : comment)
      }
    }
    var durations: [Double] = []
    for lead in LUDBCohort.leads {
      let labels = try Annotations.read(path, annotator: lead, sampleRateHz: header.sampleRateHz).all
      for (index, label) in labels.enumerated().dropFirst().dropLast() where label.code.isBeat {
        let (onset, end) = (labels[index - 1], labels[index + 1])
        guard onset.code == .waveformOnset, end.code == .waveformEnd else { continue }
        durations.append(Double(end.sample - onset.sample) / header.sampleRateHz * 1000)
      }
    }
    durations.sort()
    let middle = durations.count / 2
    qrsDurationMs =
      durations.isEmpty
      ? nil : durations.count % 2 == 1 ? durations[middle] : (durations[middle - 1] + durations[middle]) / 2
  }
}

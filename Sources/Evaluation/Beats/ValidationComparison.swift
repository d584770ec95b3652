import Foundation
import Metrics
import Support

/// What two ways of training differ by on the same held-out records: all seeds' decisions together, with patients drawn for
/// both at once.
package struct ValidationComparison: Encodable {
  /// A figure of this way less the other's.
  package struct Difference: Encodable {
    /// The class; or `macro`, the mean of the classes.
    package var name: String
    /// The F1 of this way, and of the other.
    package var f1, otherF1: Double?
    /// The difference's interval; nil where no draw of patients defines it.
    package var interval: Interval?
  }

  /// The other's file.
  package var against: String
  package var patients: Int
  /// The mean of the classes, then each class.
  package var differences: [Difference]

  private struct Other: Decodable {
    struct Record: Decodable {
      var record: String
      var float: ConfusionMatrix
    }
    var perRecord: [Record]
  }

  /// One patient's decisions by both ways.
  private struct Pair {
    var own, other: ConfusionMatrix
  }

  /// Compares a validation with another's results.
  ///
  /// - Parameters:
  ///   - validation: This one.
  ///   - file: What `exporter validate --json` wrote of the other.
  ///   - seed: The seed of the draws of patients.
  /// - Throws: `FileError` where the file holds no such results, or results over other records or classes.
  package init(_ validation: PatientValidation, against file: String, seed: UInt64 = 1) throws(FileError) {
    let data = try Files.read(file)
    guard let other = try? JSONDecoder().decode(Other.self, from: data) else {
      throw .malformed(
        file, "holds no results of `exporter validate`", remedy: "name a file that its --json wrote")
    }
    let matrices = Dictionary(other.perRecord.map { ($0.record, $0.float) }) { first, _ in first }
    guard Set(matrices.keys) == Set(validation.perRecord.map(\.record)) else {
      throw .malformed(
        file, "is about other records", remedy: "validate both ways on the same records")
    }
    let names = validation.network.classes.map(\.name)
    guard matrices.values.allSatisfy({ $0.classNames == names && $0.counts.count == names.count }) else {
      throw .malformed(
        file, "is about other classes than \(names.joined(separator: ", "))",
        remedy: "validate both ways with tasks of the same classes")
    }
    var pairs: [String: Pair] = [:]
    for record in validation.perRecord {
      guard let theirs = matrices[record.record] else { continue }
      let none = ConfusionMatrix(classNames: names)
      pairs[record.patient, default: Pair(own: none, other: none)].own += record.float
      pairs[record.patient, default: Pair(own: none, other: none)].other += theirs
    }
    let units = pairs.sorted { $0.key < $1.key }.map(\.value)
    func difference(_ name: String, _ f1: (ConfusionMatrix) -> Double?) -> Difference {
      func sums(_ units: [Pair]) -> Pair {
        let none = ConfusionMatrix(classNames: names)
        return units.reduce(into: Pair(own: none, other: none)) {
          $0.own += $1.own
          $0.other += $1.other
        }
      }
      let all = sums(units)
      return Difference(
        name: name, f1: f1(all.own), otherF1: f1(all.other),
        interval: Interval.bootstrap(units, seed: seed) { drawn in
          let sum = sums(drawn)
          guard let own = f1(sum.own), let other = f1(sum.other) else { return nil }
          return own - other
        })
    }
    against = file
    patients = units.count
    differences =
      [difference("macro") { $0.macroF1 }]
      + names.indices.map { index in difference(names[index]) { $0.f1(ofClass: index) } }
  }
}

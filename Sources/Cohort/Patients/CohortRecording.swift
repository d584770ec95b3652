import ECG
import Support

/// A patient's record as it was read, and the lead of it that counts.
package struct CohortRecording: Sendable {
  /// The record.
  package let record: Record
  /// The lead's place among the record's signals.
  package let leadIndex: Int
  /// The record's file, for notes and errors.
  package let file: String

  /// Takes a record by a lead.
  ///
  /// - Parameters:
  ///   - record: The record.
  ///   - lead: A name or a number from 1; nil for MLII, II or the first.
  ///   - file: The record's file.
  /// - Throws: `FileError`, malformed, naming the leads that there are.
  package init(_ record: Record, lead: String?, file: String) throws(FileError) {
    (self.record, self.file) = (record, file)
    leadIndex = try record.leadIndex(lead)
  }

  /// The lead behind its coupling.
  ///
  /// - Throws: `FileError`, malformed, where it is no voltage.
  package func lead(coupling: Coupling = .automatic) throws(FileError) -> Lead {
    try Lead(record, index: leadIndex, file: file, coupling: coupling)
  }

  /// A note of the beats that lost contact takes from a study; nil where it takes none.
  func note(leftOut count: Int, of all: Int, lead: Lead, _ reason: String) -> FileNote? {
    guard count > 0 else { return nil }
    return FileNote(
      file, at: "lead \(lead.name)",
      "\(Numbers.integer(count)) of \(Numbers.integer(all)) beats were left out, \(reason)")
  }
}
